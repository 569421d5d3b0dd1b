/** What a MagTek reader asks of its host in the middle of a payment, by the command that answers it. */

import type { HostData } from '../../../devices/magtek/codec.ts'
import { type Clock, within } from '../../../src/clock.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import type { Job } from '../chassis.ts'
import { responseOf } from '../told.ts'

/** What waits for the host's next command. */
export interface Question {
  /** Of the command that answers it. */
  readonly id: number
  readonly settle: (data: Uint8Array) => void
  /** The result code of an answer that is none; the question stays. */
  readonly refuses?: ((data: Uint8Array) => number | undefined) | undefined
}

/** A payment under way. */
export interface PaymentJob<Start> extends Job {
  /** What its host asked for. */
  readonly start: Start
  question: Question | undefined
}

/** A payment that begins now; `more`: what its dialect keeps of it. */
export function paymentJob<Start, More extends object>(start: Start, more: More): PaymentJob<Start> & More {
  return { start, stop: new AbortController(), question: undefined, done: Promise.resolve(), forgotten: false, ...more }
}

/** The data of the command that answers. @param limit milliseconds; none when left out. @throws Fault `timeout`, or the signal's own */
export function answerTo(
  job: PaymentJob<unknown>,
  question: Omit<Question, 'settle'>,
  limit: { readonly clock: Clock; readonly signal: AbortSignal; readonly timeout?: number | undefined },
): Promise<Uint8Array> {
  const answered = new Promise<Uint8Array>(settle => {
    job.question = { ...question, settle }
  })
  const { timeout, ...rest } = limit
  return within({ ...rest, what: 'the host', ...(timeout !== undefined && { timeout }) }, () => answered).finally(() => {
    job.question = undefined
  })
}

/** Milliseconds for the host's answer to an ARQC. */
export const RESPONSE_TIME = 60_000

/** The host's word on a cryptogram; an answer that is none, or none at all, leaves the card without one. @throws Fault the signal's own */
export async function hostWord(
  asked: Promise<Uint8Array>,
  read: (data: Uint8Array) => HostData,
  { signal, onFault }: { readonly signal: AbortSignal; readonly onFault: (fault: Fault) => void },
): Promise<AuthorisationResponse> {
  try {
    return responseOf(read(await asked))
  } catch (error) {
    if (signal.aborted || !isFault(error, 'timeout', 'protocol')) throw error
    if (isFault(error, 'protocol')) onFault(error)
    return { type: 'unableToGoOnline' }
  }
}
