/** Relay resistance: how long the card takes to answer a random number, against what it says it takes (EMV Contactless Book C-2, states R1 and SR1). */

import { concat, fromUint, uint } from '../../../bytes.ts'
import type { Kernel } from '../../steps/context.ts'
import { templateOf } from '../../steps/fci.ts'
import { type L2Error, statusFault } from '../session.ts'

/** Where the card's last answer is kept among terminal data: entropy, minimum, maximum and transmission time (10 bytes). Our own tag, never sent. */
export const RELAY_ANSWER = 0xdf8302

/** Times are in units of 100 µs, as the Book has them; the clock counts milliseconds. */
const TICKS_PER_MS = 10

/**
 * EXCHANGE RELAY RESISTANCE DATA, up to three times. Sets the TVR's byte 5 b4 (thresholds) and b3 (time limits), DF8306 and DF8307.
 * @throws Fault `apdu`, `tlv`, `card-removed`, `card-mute`
 */
export async function resistRelay(kernel: Kernel): Promise<'ok' | L2Error> {
  const { terminal } = kernel.data
  const setting = (tag: number) => uint(terminal.get(tag) ?? new Uint8Array())
  const [minGrace, maxGrace, expectedCommand, expectedResponse] = [0xdf8132, 0xdf8133, 0xdf8134, 0xdf8135].map(setting)
  for (let attempt = 0; ; attempt++) {
    const entropy = kernel.random(4)
    // The first entropy is the transaction's unpredictable number, and each repetition is the new one (SR1.19).
    terminal.set(0x9f37, entropy)
    const started = kernel.clock.now()
    const { sw, data } = await kernel.exchange({ cla: 0x80, ins: 0xea, p1: 0x00, p2: 0x00, data: entropy, le: 0 })
    const elapsed = (kernel.clock.now() - started) * TICKS_PER_MS
    if (sw !== 0x9000) throw statusFault('EXCHANGE RELAY RESISTANCE DATA', sw)
    const answer = templateOf(data, 0x80)
    if (answer.length !== 10) return 'cardDataError'
    const [minimum, maximum, transmission] = [4, 6, 8].map(at => uint(answer.subarray(at, at + 2)))
    const measured = Math.max(0, elapsed - expectedCommand - Math.min(transmission, expectedResponse))
    terminal.set(RELAY_ANSWER, answer.slice())
    terminal.set(0xdf8306, fromUint(Math.min(0xffff, Math.round(measured)), 2))
    terminal.set(0xdf8307, fromUint(attempt, 1))
    if (measured < Math.max(0, minimum - minGrace)) return 'cardDataError'
    const tooLong = measured > maximum + maxGrace
    if (tooLong && attempt < 2) continue
    if (tooLong) raise(kernel, 3, 'relay resistance time limits exceeded')
    const mismatch = setting(0xdf8137)
    const apart = expectedResponse !== 0 && transmission !== 0
    const percent = (a: number, b: number) => (apart ? (a * 100) / b : 0)
    const differs = percent(transmission, expectedResponse) < mismatch || percent(expectedResponse, transmission) < mismatch
    if (differs || Math.max(0, measured - minimum) > setting(0xdf8136)) raise(kernel, 4, 'relay resistance threshold exceeded')
    return 'ok'
  }
}

/** TVR byte 5, b4 and b3: bits of C-2 that Book 3 has no name for. */
function raise(kernel: Kernel, bit: 3 | 4, effect: string): void {
  const tvr = kernel.data.terminal.get(0x95)!
  kernel.data.terminal.set(0x95, concat(tvr.subarray(0, 4), Uint8Array.of(tvr[4] | (1 << (bit - 1)))))
  kernel.note({ rule: 'Book C-2, SR1: times of the relay resistance exchange', inputs: [0xdf8306, 0xdf8307] }, () => `TVR ${effect}`)
}
