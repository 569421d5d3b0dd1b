/** Kernel 2, mag-stripe mode: a dynamic CVC3 goes into the track data that an ordinary magnetic stripe host reads (EMV Contactless Book C-2, S7, S13). */

import { fromHex, fromText, hex, text, toCn, uint } from '../../../bytes.ts'
import { sleep } from '../../../clock.ts'
import { isFault } from '../../../errors.ts'
import { buildDol } from '../../../tlv/dol.ts'
import { isSet } from '../../data.ts'
import type { Kernel } from '../../steps/context.ts'
import { templateOf } from '../../steps/fci.ts'
import type { KernelActivation } from '../entry.ts'
import { type ContactlessCvm, type ContactlessOutcome, UI } from '../outcome.ts'
import { cardError, keepResponse, lacking, misshapen, pick, readFiles, recordOf } from '../session.ts'
import { aboveCvmLimit, aboveTransactionLimit, config, giveUp, holdTime, onDevice } from './data.ts'
import type { Exchange } from './exchange.ts'
import { selectNext } from './outcome.ts'
import { seePhone } from './phone.ts'
import type { TornLog } from './torn-log.ts'

/** Data record of mag-stripe mode (FF8105). */
const record = [
  0x56, 0x57, 0x9f6b, 0x9f60, 0x9f61, 0x9f36, 0x9f02, 0x9f03, 0x5f2a, 0x9a, 0x9c, 0x9f1a, 0x9f33, 0x9f6a, 0x9f6d, 0x50, 0x9f6e,
]

/** Highest number of digits of an unpredictable number (9F6A is n 8). */
const MOST_DIGITS = 8

/** One track to complete: its data, which positions take CVC3 digits (PCVC3) and which UN and ATC (PUNATC), and how many of those are of the ATC. */
interface TrackPlan {
  readonly data: number
  readonly pcvc3: number
  readonly punatc: number
  readonly natc: number
  readonly cvc3: number
}
const track2: TrackPlan = { data: 0x9f6b, pcvc3: 0x9f65, punatc: 0x9f66, natc: 0x9f67, cvc3: 0x9f61 }
const track1: TrackPlan = { data: 0x56, pcvc3: 0x9f62, punatc: 0x9f63, natc: 0x9f64, cvc3: 0x9f60 }

function ones(bytes: Uint8Array): number {
  let count = 0
  for (const byte of bytes) for (let rest = byte; rest > 0; rest &= rest - 1) count++
  return count
}

/** How many digits of a track come from the unpredictable number; undefined where its bitmaps make no sense. */
function digitsOf({ data }: Kernel, { punatc, natc }: TrackPlan): number | undefined {
  const map = data.card.get(punatc)
  const count = data.card.get(natc)
  if (!map || count?.length !== 1) return undefined
  const digits = ones(map) - count[0]
  return digits >= 0 && digits <= MOST_DIGITS ? digits : undefined
}

/** @param memory counts the taps that failed, each of which the next one waits twice as long for */
export async function magstripeMode(
  kernel: Kernel,
  activation: KernelActivation,
  exchange: Exchange,
  memory: TornLog,
): Promise<ContactlessOutcome> {
  const { card, terminal } = kernel.data
  await exchange.speak()
  await readFiles(kernel, card.get(0x94)!)
  if (lacking(kernel, [0x9f6b, 0x9f65, 0x9f66, 0x9f67]).length > 0) return giveUp(kernel, 'cardDataMissing')
  if (misshapen(kernel, [0x56, 0x9f6b, 0x9f62, 0x9f63, 0x9f64, 0x9f65, 0x9f66, 0x9f67])) return giveUp(kernel, 'parsingError')
  const withTrack1 = card.has(0x56)
  const digits = digitsOf(kernel, track2)
  const other = withTrack1 && (digitsOf(kernel, track1) !== digits || lacking(kernel, [track1.pcvc3]).length > 0)
  if (digits === undefined || other) return giveUp(kernel, 'cardDataError')
  exchange.needFor(card.get(0x9f69))
  await exchange.awaitLeave('records')
  if (aboveTransactionLimit(kernel)) return selectNext(kernel, 'maxLimitExceeded')
  await exchange.finish()
  const device = onDevice(kernel)
  const above = aboveCvmLimit(kernel)
  if (device && above) terminal.set(0x9f7e, Uint8Array.of((config(kernel, 0x9f7e)[0] ?? 0) | 0x02))
  terminal.set(0x9f6a, unpredictable(kernel, digits))
  kernel.data.setTerminal(0x9f39, 0x91) // contactless, magnetic stripe data
  const failure = await checksum(kernel, activation, withTrack1)
  if (failure) {
    await sleep(FIRST_WAIT * 2 ** memory.failedStripes, kernel.clock, kernel.signal)
    memory.failedStripes = Math.min(memory.failedStripes + 1, MOST_DOUBLINGS)
    return failure
  }
  memory.failedStripes = 0
  const verified = device && above && isSet(card.get(0xdf4b), { byte: 2, bit: 5 })
  complete(kernel, track2, digits, verified)
  if (withTrack1) complete(kernel, track1, digits, verified)
  return finish(kernel, 'onlineRequest', verified ? 'confirmationCode' : cvmOf(kernel, device, above))
}

/** After a failure the reader waits, twice as long after each, so that nobody collects checksums tap by tap (S13.2, S13.30, S13.42). */
const FIRST_WAIT = 300
const MOST_DOUBLINGS = 5

/** COMPUTE CRYPTOGRAPHIC CHECKSUM, its answer kept; an outcome where it is none (S13, S14). */
async function checksum(kernel: Kernel, activation: KernelActivation, withTrack1: boolean): Promise<ContactlessOutcome | undefined> {
  const { card } = kernel.data
  const data = buildDol(card.get(0x9f69) ?? config(kernel, 0xdf811a), tag => kernel.data.get(tag), kernel.words)
  try {
    const response = await kernel.exchange({ cla: 0x80, ins: 0x2a, p1: 0x8e, p2: 0x80, data, le: 0 })
    if (response.sw !== 0x9000) return giveUp(kernel, 'statusBytes', response.sw)
    templateOf(response.data, 0x77) // no other format is allowed
    keepResponse(kernel, response.data)
    if (misshapen(kernel, [0x9f36, 0x9f60, 0x9f61])) return giveUp(kernel, 'parsingError')
  } catch (fault) {
    if (!isFault(fault, 'card-removed', 'card-mute')) return giveUp(kernel, cardError(fault).error)
    return { status: 'endApplication', start: 'B', uiOnRestart: { message: UI.presentCardAgain, status: 'readyToRead' } }
  }
  activation.ui({ message: UI.clear, status: 'cardReadSuccessfully' })
  if (lacking(kernel, [0x9f36]).length > 0) return giveUp(kernel, 'cardDataMissing')
  // Without a checksum the card has to say why: it wants its holder, or it declines.
  if (!card.has(0x9f61))
    return card.has(0xdf4b) ? (seePhone(kernel, {}) ?? finish(kernel, 'declined', 'none')) : giveUp(kernel, 'cardDataMissing')
  return withTrack1 && !card.has(0x9f60) ? giveUp(kernel, 'cardDataMissing') : undefined
}

/** UN numeric (9F6A, n 8): `digits` random digits behind leading zeros. */
function unpredictable(kernel: Kernel, digits: number): Uint8Array {
  // 250 values of a byte fall evenly on ten digits.
  let un = ''
  while (un.length < digits) for (const byte of kernel.random(4)) if (byte < 250 && un.length < digits) un += String(byte % 10)
  return fromHex(un.padStart(MOST_DIGITS, '0'))
}

function cvmOf(kernel: Kernel, device: boolean, above: boolean): ContactlessCvm {
  if (device) return 'none'
  const code = (config(kernel, above ? 0xdf811e : 0xdf812c)[0] ?? 0xf0) >> 4
  return code === 1 ? 'signature' : code === 2 ? 'onlinePin' : 'none'
}

/** Puts CVC3, UN, ATC and the number of UN digits into a track's discretionary data (S13.17–S13.24). */
function complete(kernel: Kernel, plan: TrackPlan, digits: number, verified: boolean): void {
  const { card, terminal } = kernel.data
  const isTrack2 = plan === track2
  const raw = card.get(plan.data)!
  const encoded = isTrack2 ? hex(raw).replace(/F$/, '') : text(raw)
  // Discretionary data follow expiry (4) and service code (3) behind the last separator.
  const start = encoded.lastIndexOf(isTrack2 ? 'D' : '^') + 8
  const characters = [...encoded]
  const places = (tag: number): number[] => {
    const bitmap = card.get(tag)!
    const length = characters.length - start
    // Bit 1 of the last byte is the rightmost position.
    return Array.from({ length: Math.min(length, bitmap.length * 8) }, (_, i) => i)
      .filter(i => (bitmap[bitmap.length - 1 - (i >> 3)] & (1 << (i & 7))) !== 0)
      .map(i => characters.length - 1 - i)
      .reverse()
  }
  const fill = (positions: readonly number[], value: string) => {
    const shown = value.slice(value.length - positions.length)
    for (const [i, position] of positions.entries()) characters[position] = shown[i] ?? '0'
  }
  const cvc3 = String(uint(card.get(plan.cvc3)!)).padStart(5, '0')
  fill(places(plan.pcvc3), cvc3.padStart(16, '0'))
  const counter = card.get(plan.natc)![0]
  const slots = places(plan.punatc)
  const un = hex(terminal.get(0x9f6a)!)
  const atc = String(uint(card.get(0x9f36)!)).padStart(16, '0')
  // The counter's digits take the leftmost of the marked positions, the unpredictable number the rest.
  fill(slots.slice(0, counter), atc)
  fill(slots.slice(counter), un)
  characters[characters.length - 1] = String(verified ? (digits + 5) % 10 : digits)
  const track = characters.join('')
  card.set(plan.data, isTrack2 ? toCn(track) : fromText(track))
  if (isTrack2) card.set(0x57, card.get(plan.data)!)
}

function finish(kernel: Kernel, status: 'onlineRequest' | 'declined', cvm: ContactlessCvm): ContactlessOutcome {
  const online = status === 'onlineRequest'
  return {
    status,
    cvm,
    uiOnOutcome: { message: online ? UI.authorising : UI.declined, status: 'notReady', hold: online ? 0 : holdTime(kernel) },
    ...(online && { dataRecord: recordOf(kernel, record) }),
    discretionaryData: pick(kernel, [0xdf4b, 0xdf8115]),
    ...((cvm === 'signature' || aboveCvmLimit(kernel)) && { receipt: true }),
  }
}
