/** What an MMS reader makes of a payment on the wire: its start into a transaction, endings and faults into details of its answers (D100005000). */

import { endDetails, endExtras, type MmsStart, mmsDetails, mmsSummaries, technologies } from '../../../../devices/magtek/codec.ts'
import { currency } from '../../../../src/currency.ts'
import type { CardInterface, Outcome } from '../../../../src/emv/outcome.ts'
import type { Transaction, TransactionType } from '../../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../../src/errors.ts'

/** What a response says; all good where it says nothing. */
export interface Answer {
  readonly summary?: number
  readonly detail?: number
  readonly payload?: Uint8Array
}

export function refused(detail: number): Answer {
  return { summary: mmsSummaries.notStarted, detail }
}

export function refusalOf(fault: Fault): Answer {
  if (fault.code === 'low-battery') return refused(mmsDetails.lowBattery)
  if (fault.code === 'tampered') return refused(mmsDetails.tampered)
  if (fault.code === 'update-required' || fault.details.field === 'image') return refused(mmsDetails.imageFailure)
  return refused(mmsDetails.badParameter)
}

const types: Readonly<Record<number, TransactionType>> = { 0: 'purchase', 1: 'cash', 2: 'cashback', 9: 'cashback', 32: 'refund' }

/** @throws Fault `bad-argument` */
export function transactionOf({ amount, cashback, transactionType, currency: numeric }: MmsStart): Transaction {
  const type = types[transactionType]
  if (!type) throw new Fault('bad-argument', `start: the transaction type ${transactionType} is none of this reader`)
  return { type, amount, currency: currency(numeric), ...(cashback > 0n && { otherAmount: cashback }) }
}

export const technologyOf: Readonly<Record<CardInterface, number>> = {
  ...{ chip: technologies.chip, tap: technologies.tap, swipe: technologies.stripe },
}

/** The last words of a payment, after a batch of data where there is one. */
export interface MmsEnding {
  readonly technology: number
  readonly detail: number
  readonly batch?: Uint8Array
}

const endings: { readonly [reason in NonNullable<Outcome['reason']>]?: number } = {
  noApplication: (endDetails.notAccepted << 8) | endExtras.stripeFallback,
  cardMute: endDetails.failed << 8,
  notAccepted: endDetails.notAccepted << 8,
  cardBlocked: endDetails.offlineNotAccepted << 8,
  applicationBlocked: endDetails.offlineNotAccepted << 8,
  tryAnotherInterface: endDetails.tryAnotherInterface << 8,
  cardholderCancelled: endDetails.cancelled << 8,
  pinTimeout: endDetails.timeout << 8,
  cardError: endDetails.failed << 8,
  cardRemoved: endDetails.failed << 8,
}

export function detailOfOutcome({ result, reason, online, cvm, fallback }: Outcome): number {
  if (fallback) return (endDetails.none << 8) | endExtras.technicalFallback
  if (result === 'approved')
    return ((online ? endDetails.approved : endDetails.offlineApproved) << 8) | (cvm === 'signature' ? endExtras.signature : endExtras.none)
  const known = reason && endings[reason]
  if (known !== undefined) return known
  return (result === 'declined' ? (online ? endDetails.declined : endDetails.offlineDeclined) : endDetails.failed) << 8
}

export function endingOfFault(fault: Fault): MmsEnding {
  const cancelled = isFault(fault, 'aborted', 'link-closed')
  const detail = cancelled ? endDetails.hostCancelled : isFault(fault, 'timeout') ? endDetails.timeout : endDetails.failed
  return { technology: technologies.none, detail: detail << 8 }
}
