/** What a BluePad's answer to a payment means: an outcome's result and reason, or a fault of the reader. */

import type { Outcome, Reason } from '../../src/emv/outcome.ts'
import { Fault, type FaultCode } from '../../src/errors.ts'
import { answerElements, type FinanceAnswer, type FinancialStatus, financialStatus, type StatusName, statusName } from './codec.ts'

export interface Ended {
  readonly result: Extract<Outcome['result'], 'approved' | 'declined' | 'cancelled'>
  readonly reason?: Reason
  readonly fallback?: boolean
}

type Ending = Ended | FaultCode

const cancelled = (reason: Reason): Ended => ({ result: 'cancelled', reason })
const declined = (reason: Reason, more: Partial<Ended> = {}): Ended => ({ result: 'declined', reason, ...more })

/** By the status of an answer that tells of no result, or of a cancelled one; every other is the reader's own error. */
const endings: { readonly [S in StatusName]?: Ending } & { readonly [other: `status ${string}`]: undefined } = {
  INPUT_TIMEOUT: cancelled('cardTimeout'),
  USER_CANCELLED: cancelled('cardholderCancelled'),
  INVALID_SIGNATURE: cancelled('cardholderCancelled'),
  POS_CANCELLED: cancelled('merchantCancelled'),
  CARD_CANCELLED: declined('cardError'),
  CARD_BLOCKED: declined('cardBlocked'),
  INVALID_CARD: declined('noApplication'),
  CARD_READING_FAILED: declined('cardMute'),
  TRANS_NOT_ALLOWED: declined('notAccepted'),
  CONNECT_TIMEOUT: declined('unableToGoOnline'),
  CONNECT_ERROR: declined('unableToGoOnline'),
  SENDING_ERROR: declined('unableToGoOnline'),
  RECEIVING_ERROR: declined('unableToGoOnline'),
  NO_HOST_AVAILABLE: declined('unableToGoOnline'),
  REQUEST_AUTH_TIMEOUT: declined('unableToGoOnline'),
  REQUEST_PAYMENT_TIMEOUT: declined('unableToGoOnline'),
  RESPONSE_AUTH_TIMEOUT: declined('unableToGoOnline'),
  RESPONSE_PAYMENT_TIMEOUT: declined('unableToGoOnline'),
  BATTERY_TOO_LOW: 'low-battery',
  UNSUPPORTED_CURRENCY: 'unsupported',
  COMMAND_NOT_ALLOWED: 'unsupported',
}

/** Codes that a reader may name; anything else it says is an error of its own. */
export const faultCodes: readonly FaultCode[] = ['tampered', 'unsupported', 'low-battery', 'update-required', 'reader-error']
const reasons: readonly Reason[] = [
  ...(['offlineDeclined', 'hostDeclined', 'cardDeclined', 'unableToGoOnline', 'referral', 'cardholderCancelled'] as const),
  ...(['merchantCancelled', 'cardRemoved', 'cardTimeout', 'cardMute', 'cardError', 'cardBlocked', 'applicationBlocked'] as const),
  ...(['noApplication', 'notAccepted', 'pinTimeout', 'tryAnotherInterface'] as const),
]

/** Undefined for what is no reason, or not the reader's to give. */
export function reasonOf(text: string | undefined): Reason | undefined {
  return reasons.find(one => one === text)
}

/**
 * @param told the elements of the answer's XML
 * @throws Fault `low-battery`, `unsupported`, `tampered`, `update-required`, `reader-error` with the vendor's word for the status
 */
export function endingOf(status: number, answer: FinanceAnswer | undefined, told: ReadonlyMap<string, string>): Ended {
  const name = statusName(status)
  const financial: FinancialStatus | undefined = answer && financialStatus(answer.financial)
  const reason = reasonOf(told.get(answerElements.reason))
  const fallback = told.get(answerElements.fallback) === 'true' ? { fallback: true } : {}
  if (financial === 'approved') return { result: 'approved' }
  const ending = endings[name]
  if (financial === 'declined') {
    const by = reason ?? (typeof ending === 'object' ? ending.reason : undefined)
    return { result: 'declined', ...(by && { reason: by }), ...fallback }
  }
  const named = faultCodes.find(one => one === told.get(answerElements.fault))
  if (named) throw fault(named, name)
  if (typeof ending === 'string') throw fault(ending, name)
  const by = reason ?? ending?.reason
  if (financial === 'cancelled') return { result: 'cancelled', ...(by && { reason: by }) }
  if (!ending) throw fault('reader-error', name)
  return { ...ending, ...(reason && { reason }), ...fallback }
}

function fault(code: FaultCode, name: string): Fault {
  return new Fault(code, `the reader ended the payment with ${name}`, { code: name })
}
