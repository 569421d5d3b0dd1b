/** The chip slot of an ID TECH reader for raw commands: 2C-12, 2C-13, 2C-18. */

import { concat } from '../../src/bytes.ts'
import { type Clock, sleep } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { rawSlot } from '../../src/reader/raw-slot.ts'
import type { CardSlot } from '../../src/reader/reader.ts'
import { slots, statuses } from './codec.ts'
import { type IdtechLine, refused } from './session.ts'

/** Milliseconds between two looks for a card, and in which a card has to answer a command. */
const PAUSE = 300
const RESPONSE_TIME = 10_000
const ICC = Uint8Array.of(slots.icc)

export interface SlotOptions {
  readonly line: IdtechLine
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds to wait for a card. */
  readonly timeout: number
  /** The slot was closed, and the card is without power. */
  onClose(): void
}

/** Asks for the answer to reset until there is one. @throws Fault `timeout` (nobody came), `aborted`, `unsupported`, `reader-error`, `link-closed` */
export async function openSlot({ line, clock, signal, timeout, onClose }: SlotOptions): Promise<CardSlot> {
  const deadline = clock.now() + timeout
  for (;;) {
    const answer = await line.passThrough('getAtr', ICC, { signal })
    if (answer.status === statuses.ok && answer.data.length > 0) return idtechSlot(line, answer.data, onClose)
    if (answer.status !== statuses.ok && answer.status !== statuses.failed && answer.status !== statuses.timeout)
      throw refused(answer.status, 'getAtr')
    if (clock.now() + PAUSE > deadline) throw new Fault('timeout', `no card was inserted in ${timeout} ms`, { ms: timeout })
    await sleep(PAUSE, clock, signal)
  }
}

function idtechSlot(line: IdtechLine, atr: Uint8Array, onClose: () => void): CardSlot {
  return rawSlot({
    ...{ interface: 'contact', atr, removal: 'the card was removed', onClose },
    async exchange(apdu, signal, gone) {
      const { status, data } = await line.passThrough('exchangeApdu', concat(ICC, apdu), { signal, timeout: RESPONSE_TIME })
      if (status === statuses.ok && data.length >= 2) return data
      if (status === statuses.timeout) throw new Fault('card-mute', 'the card did not answer')
      throw gone(`the reader answered with status ${status}`)
    },
    powerOff: () => line.passThrough('powerOff', new Uint8Array(0)),
  })
}
