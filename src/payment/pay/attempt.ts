/** One attempt at a payment: what it is about, who takes part in it, and what stands against charging anything. */

import { systemClock } from '../../clock.ts'
import type { CvmName, Outcome } from '../../emv/outcome.ts'
import { abortFault } from '../../errors.ts'
import type { AuthorisationMessage, Order, PaymentType } from '../acquirer.ts'
import { openPen, type Pen } from '../journal/recorder.ts'
import type { CardWait } from './card-wait.ts'
import { type HostDialogue, hostDialogue, type Settled } from './dialogue.ts'
import type { PaymentEvent } from './events.ts'
import { type FallbackRules, fallbackRules } from './fallback.ts'
import type { PayOptions } from './options.ts'
import { describeResult, type PaymentResult } from './result.ts'
import { lacksVerification, Signing } from './verification.ts'
import type { PaidWith, Wanted } from './wanted.ts'

/** Why nothing may be charged: the customer will not sign, nobody was verified or there to answer, or it would be another payment system. */
export type Refusal = 'cardholderCancelled' | 'otherApplication' | 'notVerified' | 'nobodyAnswered'

/** What the attempts of one payment share. */
export interface Around {
  readonly wanted: Wanted | undefined
  readonly wait: CardWait
  readonly say: (event: PaymentEvent) => void
}

export interface Attempt extends Around {
  readonly order: Order
  readonly type: PaymentType
  readonly amount: bigint
  /** Its idempotency key. */
  readonly key: string
  readonly at: Date
  /** 1 for the first. */
  readonly count: number
  readonly options: PayOptions
  readonly fallback: Required<FallbackRules>
  readonly pen: Pen
  readonly host: HostDialogue
  readonly signing: Signing
  /** Ends what the reader does, as the app's own signal ends it. */
  readonly stop: { readonly controller: AbortController; release(): void }
  /** What the host is asked, but for what the card says. */
  readonly message: Omit<AuthorisationMessage, 'interface' | 'cvm' | 'tags'>
  /** The stripe of this card may not stand in for its chip. */
  barred: boolean
  refused: Refusal | undefined
}

export function beginAttempt(order: Order, options: PayOptions, count: number, { wanted, wait, say }: Around): Attempt {
  const { acquirer, merchant, prompts = {}, clock = systemClock, type = 'purchase', amount = order.amount, hold, partial } = options
  const { statusTime = 20_000, reversalTime = 20_000 } = options
  const key = options.newKey?.() ?? crypto.randomUUID()
  const at = new Date(clock.now())
  const pen = openPen(options.journal)
  const { captureSignature: draw } = prompts
  const staged = { ...(hold !== undefined && { hold }), ...(partial !== undefined && { partial }) }
  const attempt: Attempt = {
    ...{ order, type, amount, key, at, count, options, wanted, wait, say, pen },
    fallback: fallbackRules(options.fallback),
    host: hostDialogue({ acquirer, clock, statusTime, reversalTime, say, pen }),
    stop: linkedAbort(options.signal),
    signing: new Signing({
      ...{ order, amount, say },
      capture: draw && (async (request, waiting) => answered(attempt, await draw.call(prompts, request, waiting))),
    }),
    message: { key, order, merchant, type, amount, currency: order.currency, at, ...staged },
    barred: false,
    refused: undefined,
  }
  return attempt
}

/** What somebody answered; where nobody was there, that is why nothing is charged. */
export function answered<T>(attempt: Attempt, answer: T | 'nobody'): T | undefined {
  if (answer !== 'nobody') return answer
  attempt.refused ??= 'nobodyAnswered'
  return undefined
}

/** False where it is not the payment system that was asked for; what nobody has told by the `end` is not, as far as anybody knows. */
export function asWanted(attempt: Attempt, paid: PaidWith, end = false): boolean {
  const { wanted, say } = attempt
  const met = wanted?.met(paid)
  if (!wanted || met?.wanted || (!met && !end)) return true
  say({ type: 'otherApplication', wanted: wanted.label, ...(met && { paid: met.label }) })
  attempt.refused ??= 'otherApplication'
  return false
}

/** The cardholder is known not to be verified, and must be. */
export function isUnverified({ order, amount, type, options }: Attempt, cvm: CvmName | undefined): boolean {
  return lacksVerification(cvm, { order, amount, type, from: options.verifyFrom })
}

export function describe(
  { order, type, amount, at, key, count, options, signing }: Attempt,
  outcome: Outcome,
  settled: Settled,
): PaymentResult {
  const { merchant } = options
  const { signature } = signing
  return describeResult({ order, type, amount, merchant, at, key, attempt: count, signature, settled: { ...settled, outcome } })
}

function linkedAbort(signal: AbortSignal | undefined): { controller: AbortController; release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort(abortFault(signal!))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return { controller, release: () => signal?.removeEventListener('abort', abort) }
}
