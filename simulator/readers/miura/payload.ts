/** What a virtual Miura makes of a payment on the wire: commands into transactions, endings into templates and status words (readers.md 1.5). */

import {
  type CardEvent,
  encodeResult,
  failures,
  tags as miuraTags,
  type ResultType,
  type Start,
  SUCCESS,
  transactionTypes,
} from '../../../devices/miura/codec.ts'
import { fromText } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import type { Swipe } from '../../../src/magstripe/swipe.ts'
import { maskPan } from '../../../src/mask.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { SealedSwipe } from '../firmware.ts'

/** An answer: a status word, with data where it went well. */
export interface Answer {
  readonly sw: number
  readonly body: Uint8Array
}

const empty = new Uint8Array(0)

export function failed(sw: number): Answer {
  return { sw, body: empty }
}

export function done(body: Uint8Array = empty): Answer {
  return { sw: SUCCESS, body }
}

/** @throws Fault `bad-argument` (type, currency, date) */
export function transactionOf({ type, amount, otherAmount, time, currency: numeric }: Start): Transaction {
  const name = (Object.keys(transactionTypes) as TransactionType[]).find(one => transactionTypes[one] === type)
  if (!name) throw new Fault('bad-argument', `transaction type ${type} is not known`, { field: '9C' })
  return {
    type: name,
    amount,
    ...(otherAmount !== undefined && { otherAmount }),
    currency: currency(numeric),
    at: localTime(time),
  }
}

/** yyMMddHHmmss of the host's own clock. */
function localTime(time: string): Date {
  const [year, month, day, hour, minute, second] = (time.match(/\d\d/g) ?? []).map(Number)
  const at = new Date(2000 + year, month - 1, day, hour, minute, second)
  if (at.getMonth() !== month - 1 || at.getDate() !== day) throw new Fault('bad-argument', `time '${time}' is no yyMMddHHmmss`)
  return at
}

/** Never leaves the reader: Transaction PIN Data (EMV 4.4 Book 3, Annex A). */
const SECRET = 0x99

/** Data objects in clear, with PIN block and KSN. Where Miura puts these in E4 is assumed, and that nothing is under SRED. */
export function resultOf(type: ResultType, { tags, pinBlock }: Pick<AuthorisationRequest, 'tags' | 'pinBlock'>): Answer {
  const told = new Map([...tags].filter(([tag]) => tag !== SECRET))
  if (pinBlock) {
    told.set(miuraTags.pinBlock, pinBlock.data)
    told.set(miuraTags.pinKsn, pinBlock.ksn)
  }
  return done(encodeResult({ type, tags: told }))
}

/** Status words of endings that are no template. */
const reasons: { readonly [R in NonNullable<Outcome['reason']>]?: number } = {
  cardholderCancelled: failures.USER_CANCELLED,
  merchantCancelled: failures.USER_CANCELLED,
  pinTimeout: failures.USER_CANCELLED,
  cardRemoved: failures.NO_SMARTCARD_IN_SLOT,
  cardTimeout: failures.CONTACTLESS_TIMEOUT,
  cardMute: failures.INVALID_CARD_NO_MSR_ALLOWED,
  cardError: failures.INVALID_CARD_NO_MSR_ALLOWED,
  cardBlocked: failures.INVALID_CARD_NO_MSR_ALLOWED,
  applicationBlocked: failures.INVALID_CARD_NO_MSR_ALLOWED,
  notAccepted: failures.INVALID_CARD_NO_MSR_ALLOWED,
  noApplication: failures.UNSUPPORTED_CARD_MSR_ALLOWED,
  tryAnotherInterface: failures.CONTACTLESS_INSERT_CARD,
}

/** A payment's last answer. A reversal that is due is a decline after the host's approval: the host learns of it by that. */
export function endingOf(outcome: Outcome): Answer {
  const { result, reason, reversal, fallback } = outcome
  if (result === 'approved') return resultOf('approved', outcome)
  if (fallback) return failed(failures.CARD_READ_ERROR_MSR_ALLOWED)
  const sw = !reversal && reason ? reasons[reason] : undefined
  return sw === undefined ? resultOf('declined', outcome) : failed(sw)
}

/** What a fault inside the reader looks like from outside. */
export function endingOfFault(fault: Fault): Answer {
  if (isFault(fault, 'aborted', 'link-closed')) return failed(failures.USER_CANCELLED)
  if (isFault(fault, 'card-removed')) return failed(failures.NO_SMARTCARD_IN_SLOT)
  if (isFault(fault, 'card-mute')) return failed(failures.CARD_READ_ERROR_MSR_ALLOWED)
  if (isFault(fault, 'bad-key')) return failed(failures.NO_PIN_KEY)
  if (isFault(fault, 'low-battery', 'update-required', 'tampered')) return failed(failures.TERMINAL_NOT_READY)
  if (isFault(fault, 'bad-argument', 'bad-config', 'protocol', 'unsupported')) return failed(failures.INVALID_DATA)
  return failed(failures.CONTACTLESS_HARDWARE_ERROR)
}

type Tracks = CardEvent['tracks']
export const noTracks: Tracks = { track1: false, track2: false, track3: false }

/** What CARD STATUS tells of a swipe: masked track 2, and the tracks under SRED. How Miura packs SRED data is not public; this packing is ours. */
export function swipeData(swipe: Swipe, sealed: SealedSwipe): { readonly tracks: Tracks; readonly data: Map<number, Uint8Array> } {
  const { track1, track2, track3, ksn } = sealed
  const sred = [
    ...(track1 ? [write(miuraTags.track1, track1)] : []),
    ...(track2 ? [write(miuraTags.track2, track2)] : []),
    ...(track3 ? [write(miuraTags.track3, track3)] : []),
  ]
  const code = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode ?? ''
  const masked = `;${maskPan(swipe.pan)}=${swipe.expiry ?? ''}${code}?`
  return {
    tracks: { track1: track1 !== undefined, track2: track2 !== undefined, track3: track3 !== undefined },
    data: new Map([
      [miuraTags.sredData, Uint8Array.from(sred.flatMap(one => [...one]))],
      [miuraTags.sredKsn, ksn],
      [miuraTags.maskedTrack2, fromText(masked)],
    ]),
  }
}
