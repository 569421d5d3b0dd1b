/** The words of a payment that is written down: how it is paid, how far it came, what is still due. */

/** How an order is paid, as the mPOS guide offers it (seed 002). */
export const methods = ['cash', 'reader', 'sbp', 'softpos'] as const
/** With cash, a card reader, an SBP code, or this phone as the reader (SoftPOS). */
export type Method = (typeof methods)[number]

/** A payment's steps in their order: recorder.ts says what each means. */
export const stages = ['begun', 'asking', 'presenting', 'answered', 'card', 'reversing', 'advising', 'ended'] as const
/** How far a payment has come. */
export type Stage = (typeof stages)[number]

/** What the host has not confirmed yet, and must: it is retried until it has. `change`: a confirmation or cancellation has no answer; `registration`: cash that the host has not heard of. */
export type Due = (typeof dues)[number]
/** Every `Due`. */
export const dues = ['status', 'reversal', 'advice', 'change', 'registration'] as const
