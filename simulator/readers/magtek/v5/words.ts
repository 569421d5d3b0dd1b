/** What a V5 reader makes of a payment on the wire: its start into a transaction, endings into events and progress codes (D998200383). */

import { startOptions, type V5Reply, type V5Start, v5Events, v5Progress, v5Results } from '../../../../devices/magtek/codec.ts'
import { currency } from '../../../../src/currency.ts'
import type { Outcome } from '../../../../src/emv/outcome.ts'
import type { Transaction, TransactionType } from '../../../../src/emv/terminal.ts'
import { Fault, isFault } from '../../../../src/errors.ts'

const none = new Uint8Array(0)

export function answer(result: number, data: Uint8Array = none): V5Reply {
  return { type: 'answer', result, data }
}

/** No extended command of this reader has data in its answer. */
export function extended(result: number): V5Reply {
  return { type: 'extendedAnswer', offset: 0, result, total: 0, data: none }
}

/** 0384–038E, by the field that is refused. */
const fieldCodes: Readonly<Record<string, number>> = {
  ...{ timeout: 0x384, cardTypes: 0x385, options: 0x386, amount: 0x387, transactionType: 0x388, cashback: 0x389, currency: 0x38a },
  reporting: 0x38e,
}

/** No interface that it has. */
export const noInterface: V5Reply = extended(fieldCodes.cardTypes)

/** Why a payment was not begun. */
export function refusalOf(fault: Fault): V5Reply {
  const { field } = fault.details
  if (fault.code === 'low-battery') return answer(v5Results.noPower)
  if (isFault(fault, 'protocol', 'bad-argument') && typeof field === 'string') return extended(fieldCodes[field] ?? fieldCodes.options)
  return answer(v5Results.invalidOperation)
}

const types: Readonly<Record<number, TransactionType>> = {
  0: 'purchase',
  1: 'cash',
  2: 'cashback',
  4: 'purchase',
  8: 'purchase',
  9: 'cashback',
  32: 'refund',
}

/** @throws Fault `bad-argument` with details.field */
export function transactionOf({ amount, cashback, transactionType, currency: numeric, options }: V5Start): Transaction {
  const type = types[transactionType]
  const refuse = (field: string): never => {
    throw new Fault('bad-argument', `start: the ${field} is none of this reader`, { field })
  }
  if (!type) refuse('transactionType')
  if ((options & ~(startOptions.bypassPin | startOptions.forceOnline)) !== 0) refuse('options') // quick chip is not done here
  try {
    return {
      ...{ type, amount, currency: currency(numeric), forceOnline: (options & startOptions.forceOnline) !== 0 },
      ...(cashback > 0n && { otherAmount: cashback }),
    }
  } catch {
    return refuse('currency')
  }
}

/** The last words of a payment: an event with its progress code, after a batch of data where there is one. */
export interface V5Ending {
  readonly event: number
  readonly progress: number
  readonly batch?: Uint8Array
}

const progressByReason: { readonly [reason in NonNullable<Outcome['reason']>]?: number } = {
  cardBlocked: v5Progress.cardBlocked,
  applicationBlocked: v5Progress.applicationBlocked,
  noApplication: v5Progress.emptyCandidateList,
  notAccepted: v5Progress.cardNotAccepted,
  tryAnotherInterface: v5Progress.switchInterface,
  cardMute: v5Progress.error,
  cardError: v5Progress.error,
  cardholderCancelled: v5Progress.waitingForApplication,
}

export function progressOf({ result, reason, fallback }: Outcome): number {
  if (fallback) return v5Progress.poweringCard
  if (result === 'approved') return v5Progress.approved
  return (reason && progressByReason[reason]) ?? (result === 'declined' ? v5Progress.declined : v5Progress.error)
}

export function endingOfFault(fault: Fault): V5Ending {
  if (isFault(fault, 'timeout')) return { event: v5Events.timeout, progress: v5Progress.waitingForApplication }
  if (isFault(fault, 'aborted', 'link-closed')) return { event: v5Events.hostCancelled, progress: v5Progress.none }
  if (isFault(fault, 'card-mute')) return { event: v5Events.error, progress: v5Progress.poweringCard }
  return { event: v5Events.error, progress: v5Progress.error }
}
