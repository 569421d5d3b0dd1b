/** What a status word of a transaction means: an outcome's reason, or nothing that an outcome could say. */

import type { Outcome, Reason } from '../../src/emv/outcome.ts'
import { type FailureName, failureName } from './codec.ts'

/** An ending of the card's or the cardholder's making. */
export interface Stopped {
  readonly result: Extract<Outcome['result'], 'declined' | 'cancelled'>
  readonly reason: Reason
  readonly fallback?: boolean
}

/** TransactionResponse.java has the names, and which of them allow the stripe. */
const endings: { readonly [N in FailureName]?: Stopped } = {
  NO_SMARTCARD_IN_SLOT: { result: 'cancelled', reason: 'cardRemoved' },
  INVALID_CARD_NO_MSR_ALLOWED: { result: 'declined', reason: 'cardError' },
  UNSUPPORTED_CARD_MSR_ALLOWED: { result: 'declined', reason: 'noApplication' },
  CARD_READ_ERROR_MSR_ALLOWED: { result: 'declined', reason: 'cardMute', fallback: true },
  INVALID_ISSUER: { result: 'declined', reason: 'cardError' },
  USER_CANCELLED: { result: 'cancelled', reason: 'cardholderCancelled' },
  CONTACTLESS_TIMEOUT: { result: 'cancelled', reason: 'cardTimeout' },
}

/** Undefined where the reader is at fault, or the host. */
export function stopped(sw: number): Stopped | undefined {
  return (endings as Readonly<Record<string, Stopped>>)[failureName(sw)]
}
