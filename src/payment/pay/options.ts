/** What an app gives a payment: who is asked, what it is told, and the rules of this one. */

import type { Clock } from '../../clock.ts'
import type { CardInterface } from '../../emv/outcome.ts'
import type { Candidate, PinEntry, PinRequest, Waiting } from '../../emv/terminal.ts'
import type { Tracer } from '../../trace/event.ts'
import type { Acquirer, Merchant, Order, PaymentType } from '../acquirer.ts'
import type { Recorder } from '../journal/recorder.ts'
import type { Signature } from '../receipt/signature.ts'
import type { Method } from '../steps.ts'
import type { PaymentEvent } from './events.ts'
import type { FallbackRules } from './fallback.ts'
import type { PreflightOptions } from './preflight.ts'

/** What somebody is asked about. */
export interface AskedAmount {
  /** Minor units that are paid now. */
  readonly amount: bigint
  /** Of this order. */
  readonly order: Order
}

/**
 * What a payment asks of the app and tells it. What is left out is decided as each line says.
 * @example
 * ```ts
 * import { type AppPrompts, message } from 'tapdip'
 *
 * const prompts: AppPrompts = {
 *   // The list of a co-badged card: MIR where it has it, else the card's own first choice.
 *   selectApplication: async candidates => Math.max(0, candidates.findIndex(({ label }) => label === 'MIR')),
 *   tryAgain: async (_why, attempt) => attempt === 1,
 *   onEvent(event) {
 *     if (event.type === 'stage') console.log(event.stage)
 *     if (event.type === 'reader' && event.event.type === 'display') console.log(message(event.event.message))
 *   },
 * }
 * ```
 */
export interface AppPrompts {
  /** Index into `candidates`, which are in the order of `PayOptions.prefer` (the first is preselected); undefined when the customer cancels, `nobody` where the app has nobody to ask. Left out: the card's first choice. */
  selectApplication?(candidates: readonly Candidate[], options: Waiting): Promise<number | 'nobody' | undefined>
  /** Undefined when the customer will not sign, `nobody` where the app has nobody to ask: both end the payment. Left out: the slip gets a line to sign on. */
  captureSignature?(request: AskedAmount, options: Waiting): Promise<Signature | 'nobody' | undefined>
  /** For readers without a PIN pad of their own. */
  enterPin?(request: PinRequest, options: Waiting): Promise<PinEntry>
  /** The bank wants a call: the attendant makes it and says how it ended. Left out: declined. Only readers that carry the card's commands ask it. */
  refer?(request: AskedAmount, options: Waiting): Promise<'approved' | 'declined'>
  /** The issuer found the online PIN wrong: whether the card is asked again, with a new cryptogram. Left out: no. */
  tryAgain?(why: 'wrongPin', attempt: number, options: Waiting): Promise<boolean>
  /** Hears what happens. What it throws is an uncaught error of the app’s, and the payment goes on. */
  onEvent?(event: PaymentEvent): void
}

/** What `pay` takes beside its order. */
export interface PayOptions extends PreflightOptions {
  /** The host that authorises. */
  readonly acquirer: Acquirer
  /** Who is paid. */
  readonly merchant: Merchant
  /** Who answers for the app, and hears how it goes; nobody is asked when left out. */
  readonly prompts?: AppPrompts
  /** Hears of every step before it is taken. Left out: a payment lives only as long as this process. */
  readonly journal?: Recorder
  /** For the journal; `reader` when left out. */
  readonly method?: Method
  /**
   * Minor units from which on no payment is approved unverified, whatever reader, card and bank have said. As in `verificationLimits` when left out: 3000.00 RUB,
   * and nothing in other currencies. A verification that the reader does not tell is not called missing.
   */
  readonly verifyFrom?: bigint
  /** Two-stage: see `AuthorisationMessage.hold`. */
  readonly hold?: boolean
  /** Minor units, where less than the order is paid or given back. */
  readonly amount?: bigint
  /** The app takes an approval of a part of the amount (code 10). Left out: such an approval is taken back. */
  readonly partial?: boolean
  /** `refund` brings money to the card, `check` asks the bank whether the card is good (the order's amount is 0): never payments of the order. */
  readonly type?: PaymentType
  /** Cash that is handed out; with it the payment is a cashback. Minor units contained in the order's amount, as the two below; see `Order.parts`. */
  readonly otherAmount?: bigint
  /** Left by the customer for who served. */
  readonly tip?: bigint
  /** Asked for by the merchant for paying in this way. */
  readonly surcharge?: bigint
  /** ISO 3166-1 numeric: where the terminal is. What reader and card say of it (9F1A) must be this; not compared when left out, but by a reader that was given its configuration. */
  readonly country?: number
  /** How a card may be read; every way that the reader has when left out. */
  readonly interfaces?: readonly CardInterface[]
  /**
   * The payment system that is to be paid with, by its label or its name: `Maestro`. It is chosen where the app is shown the list, and `prompts.selectApplication` is
   * not asked. Where reader or card choose, and for a tap or a stripe, it is looked at as soon as it is told: another one, or one that nobody tells, is never charged. By tap it
   * comes before the merchant's order, where the rules have one (`ContactlessConfig.routing`).
   */
  readonly application?: string
  /**
   * Payment systems that the merchant would rather be paid by, by label or name, the best first: `['MIR']`. On a co-badged card's list, by chip, they come first, and
   * the customer may choose another; where nobody is asked, the first is taken. A list that the reader shows itself is in this order where the reader can be
   * told (`Transaction.prefer`). A tap keeps the card's own priority. `application` comes before it.
   */
  readonly prefer?: readonly string[]
  /** The host is asked whatever card and terminal would decide by themselves. */
  readonly forceOnline?: boolean
  /** Is told of the payment: prompts, requests to the host and their answers, steps of the journal, the result. */
  readonly tracer?: Tracer
  /** When a chip cannot be read; twice more, and then the stripe, when left out. */
  readonly fallback?: FallbackRules
  /** Dates the payment and times its waits; the system's when left out. */
  readonly clock?: Clock
  /** Makes the idempotency key of each attempt; random UUIDs when left out. */
  readonly newKey?: () => string
  /**
   * Milliseconds for somebody to present a card, anew whenever one is asked for again. When they are over, the app hears `cardTimeout`, the reader is told to stop,
   * and the result is `cancelled`, `cardTimeout`. A card that is there by then is not waited for any more. Left out: the reader's own time, about a minute in
   * every family, which also ends a wait that was asked to be longer.
   */
  readonly waitTime?: number
  /** How long a silent host is asked for the state, with the card waiting; 20 s when left out. */
  readonly statusTime?: number
  /** How long a reversal is repeated until the host has confirmed it; 20 s when left out. */
  readonly reversalTime?: number
}
