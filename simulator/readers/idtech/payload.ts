/** What a virtual ID TECH reader makes of a payment on the wire: commands into transactions, endings into results (readers.md 1.4, NEO 2 IDG). */

import {
  type Captured,
  encodeActivated,
  encodeContactResult,
  errorCodes,
  tags as own,
  resultCodes,
  type Start,
  statuses,
  transactionTypes,
} from '../../../devices/idtech/codec.ts'
import { concat, fromUint, toCn } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import type { Swipe } from '../../../src/magstripe/swipe.ts'
import { maskPan } from '../../../src/mask.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { SealedSwipe } from '../firmware.ts'

export interface Answer {
  readonly status: number
  readonly data: Uint8Array
}

type Tags = ReadonlyMap<number, Uint8Array>

export function status(code: number): Answer {
  return { status: code, data: new Uint8Array(0) }
}

export function ok(data: Uint8Array = new Uint8Array(0)): Answer {
  return { status: statuses.ok, data }
}

/** @throws Fault `bad-argument` (type, currency, DFEF1F) */
export function transactionOf({ type, amount, otherAmount, currency: numeric, forceOnline, autoAuthenticate }: Start): Transaction {
  const name = (Object.keys(transactionTypes) as TransactionType[]).find(one => transactionTypes[one] === type)
  if (!name) throw new Fault('bad-argument', `transaction type ${type} is not known`, { field: '9C' })
  if (autoAuthenticate) throw new Fault('bad-argument', 'this reader waits for 60-11', { field: 'DFEF1F' })
  return {
    ...{ type: name, amount, currency: currency(numeric) },
    ...(otherAmount !== undefined && { otherAmount }),
    ...(forceOnline && { forceOnline }),
  }
}

/** Never leaves the reader: Transaction PIN Data (EMV 4.4 Book 3, Annex A). */
const SECRET = 0x99

function shown(tags: Tags): Map<number, Uint8Array> {
  return new Map([...tags].filter(([tag]) => tag !== SECRET))
}

/** EMV data in clear: the format of enciphered ones is not public. */
const clear = { stripe: false, emv: false } as const

export function activated(code: number, captured: Captured, tags: Tags = new Map()): Answer {
  return { status: code, data: encodeActivated({ captured, encrypted: clear, tags: shown(tags) }) }
}

/** A tap or a card that failed, with its error code; SW and RF state are not told. */
export function failure(captured: Captured, error: number): Answer {
  return activated(statuses.failed, captured, new Map([[own.errorCode, Uint8Array.of(error, 0, 0, 0)]]))
}

/** Nobody paid. */
export function noCard(why: 'cancelled' | 'timeout'): Answer {
  if (why === 'timeout') return status(statuses.timeout)
  return activated(statuses.failed, 'contact', new Map([[own.resultCode, fromUint(resultCodes.cancelled, 2)]]))
}

const tapErrors: { readonly [R in NonNullable<Outcome['reason']>]?: number } = {
  offlineDeclined: errorCodes.aac,
  cardBlocked: errorCodes.cardBlocked,
  applicationBlocked: errorCodes.cardBlocked,
  noApplication: errorCodes.unsupportedCard,
  tryAnotherInterface: errorCodes.amountOverLimit,
  cardMute: errorCodes.cardDidNotRespond,
}

/** A tap that ended without the host. */
export function tapEnding(outcome: Outcome, tags: Tags): Answer {
  const { result, reason } = outcome
  if (result === 'approved') return activated(statuses.ok, 'contactless', tags)
  if (result === 'cancelled') return noCard(reason === 'cardTimeout' ? 'timeout' : 'cancelled')
  return failure('contactless', (reason && tapErrors[reason]) ?? errorCodes.cardCommunication)
}

/** Tracks under DFEE23, each enciphered under the KSN in DFEE12: the packing is ours. Masked track 2 in DFEF5D, C where a digit is hidden. */
export function swiped(swipe: Swipe, { ksn, track1, track2, track3 }: SealedSwipe): Answer {
  const tracks = [
    [0x5f21, track1],
    [0x5f22, track2],
    [0x5f23, track3],
  ] as const
  const data = concat(...tracks.flatMap(([tag, value]) => (value ? [write(tag, value)] : [])))
  const code = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode ?? ''
  const masked = `${maskPan(swipe.pan).replaceAll('*', 'C')}D${swipe.expiry ?? ''}${code}`
  const tags = new Map([
    [own.ksn, ksn],
    [own.msrData, data],
    [own.maskedTrack2, toCn(masked)],
  ])
  return { status: statuses.ok, data: encodeActivated({ captured: 'swipe', encrypted: { stripe: true, emv: false }, tags }) }
}

export function contact(code: number, tags: Tags = new Map()): Answer {
  return ok(encodeContactResult({ code, tags: shown(tags) }))
}

const reasons: { readonly [R in NonNullable<Outcome['reason']>]?: number } = {
  cardholderCancelled: resultCodes.cancelled,
  merchantCancelled: resultCodes.cancelled,
  pinTimeout: resultCodes.cancelled,
  cardRemoved: resultCodes.cardFailed,
  cardTimeout: resultCodes.timeout,
  cardMute: resultCodes.cardSilent,
  noApplication: resultCodes.noMatchingApplication,
  notAccepted: resultCodes.notAccepted,
  cardError: resultCodes.malformedData,
  cardBlocked: resultCodes.cardBlocked,
  applicationBlocked: resultCodes.cardBlocked,
}

/** The last answer of a chip payment. A reversal that is due is a decline after the host's approval, or a card that is gone. */
export function contactEnding({ result, reason, online, reversal, fallback, tags }: Outcome): Answer {
  if (fallback) return contact(resultCodes.fallback)
  if (result === 'approved') return contact(online ? resultCodes.approved : resultCodes.approvedOffline, tags)
  const code = reason && (!reversal || reason === 'cardRemoved') ? reasons[reason] : undefined
  return contact(code ?? (online ? resultCodes.declined : resultCodes.declinedOffline), tags)
}

/** What a fault inside the reader looks like from outside. */
export function answerOfFault(fault: Fault): Answer {
  if (fault.details.field === 'currency') return status(statuses.parameterNotSupported)
  if (isFault(fault, 'bad-argument', 'protocol', 'bad-config')) return status(statuses.incorrectParameter)
  if (isFault(fault, 'tampered')) return status(statuses.noDataKey)
  if (isFault(fault, 'update-required')) return status(statuses.needClearFirmware)
  if (isFault(fault, 'low-battery')) return status(statuses.notAllowed)
  return status(isFault(fault, 'timeout') ? statuses.timeout : statuses.failed)
}
