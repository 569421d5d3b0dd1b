/** One payment: an order taken through a reader and a host to a result, whatever breaks on the way. */

import { hex } from '../../bytes.ts'
import { type Clock, systemClock } from '../../clock.ts'
import * as door from '../../door.ts'
import type { CardInterface, CvmName, Outcome } from '../../emv/outcome.ts'
import type { Candidate, PinEntry, PinRequest, Terminal, Waiting } from '../../emv/terminal.ts'
import { abortFault, Fault, isFault, throwIfAborted } from '../../errors.ts'
import type { Reader, ReaderEvent } from '../../reader/reader.ts'
import type { Acquirer, Merchant, Order, PaymentType } from '../acquirer.ts'
import { partsOfPayment } from '../amount-parts.ts'
import type { Ended } from '../journal/recorder.ts'
import { type Ending, openPen, type PaymentReason, type Recorder } from '../journal/recorder.ts'
import { checkOrder } from '../order.ts'
import type { Signature } from '../receipt/signature.ts'
import * as rules from '../rules.ts'
import type { Method } from '../steps.ts'
import { type HostRecord, hostDialogue, type Settled } from './dialogue.ts'
import type { PaymentEvent } from './events.ts'
import { type FallbackRules, fallbackRules, isBarred, withFallback } from './fallback.ts'
import { type PreflightOptions, preflight } from './preflight.ts'
import { describeResult, type PaymentResult } from './result.ts'
import { lacksVerification, Signing } from './verification.ts'
import { type PaidWith, type Wanted, wantedApplication } from './wanted.ts'

export { checkOrder } from '../order.ts'
export { type PaymentResult, paymentJson } from './result.ts'

/** What a payment asks of the app and tells it. What is left out is decided as each line says. */
export interface AppPrompts {
  /** Index into `candidates`, undefined when the customer cancels, `nobody` where the app has nobody to ask. Left out: the card's first choice. */
  selectApplication?(candidates: readonly Candidate[], options: Waiting): Promise<number | 'nobody' | undefined>
  /** Undefined when the customer will not sign, `nobody` where the app has nobody to ask: both end the payment. Left out: the slip gets a line to sign on. */
  captureSignature?(
    request: { readonly amount: bigint; readonly order: Order },
    options: Waiting,
  ): Promise<Signature | 'nobody' | undefined>
  /** For readers without a PIN pad of their own. */
  enterPin?(request: PinRequest, options: Waiting): Promise<PinEntry>
  /** The bank wants a call: the attendant makes it and says how it ended. Left out: declined. Only readers that carry the card's commands ask it. */
  refer?(request: { readonly amount: bigint; readonly order: Order }, options: Waiting): Promise<'approved' | 'declined'>
  /** The issuer found the online PIN wrong: whether the card is asked again, with a new cryptogram. Left out: no. */
  tryAgain?(why: 'wrongPin', attempt: number, options: Waiting): Promise<boolean>
  onEvent?(event: PaymentEvent): void
}

export interface PayOptions extends PreflightOptions {
  readonly acquirer: Acquirer
  readonly merchant: Merchant
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
  readonly tip?: bigint
  readonly surcharge?: bigint
  /** ISO 3166-1 numeric: where the terminal is. What reader and card say of it (9F1A) must be this; not compared when left out, but by a reader that was given its configuration. */
  readonly country?: number
  readonly interfaces?: readonly CardInterface[]
  /**
   * The payment system that is to be paid with, by its label or its name: `Maestro`. It is chosen where the app is shown the list, and `prompts.selectApplication` is
   * not asked. Where reader or card choose, and for a tap or a stripe, it is looked at as soon as it is told: another one, or one that nobody tells, is never charged. By tap it
   * comes before the merchant's order, where the rules have one (`ContactlessConfig.routing`).
   */
  readonly application?: string
  readonly forceOnline?: boolean
  /** When a chip cannot be read; twice more, and then the stripe, when left out. */
  readonly fallback?: FallbackRules
  readonly clock?: Clock
  /** Makes the idempotency key of each attempt; random UUIDs when left out. */
  readonly newKey?: () => string
  /** How long a silent host is asked for the state, with the card waiting; 20 s when left out. */
  readonly statusTime?: number
  /** How long a reversal is repeated until the host has confirmed it; 20 s when left out. */
  readonly reversalTime?: number
}

const MAX_ATTEMPTS = 3

/**
 * Takes `order` through the reader to a result. An ending of the card's, the customer's or the host's making is a result; a fault of the reader is thrown
 * only when the host was not asked, so nothing that may have been charged is ever lost in an exception. With a journal every step is written before it is
 * taken (`PaymentStep`), and a result is on disk before it is returned.
 * @throws Fault `journal` when the payment cannot be written down, and the host was not asked; `busy` with details.state `already-paid` or `in-process`;
 * `low-battery`, `update-required`, `busy`, `link-closed`, `timeout`, `reader-error`, `tampered`, `aborted` before the card was asked, `bad-argument`
 */
export async function pay(given: Order, options: PayOptions): Promise<PaymentResult> {
  door.need('options', options, rules.payRule)
  door.need('order', given, rules.orderRule)
  const { order, type } = partsOfPayment(given, options)
  checkOrder(order, options.merchant, type === 'check' ? 0n : 1n)
  if (type !== 'check') checkAmount(order, options)
  fallbackRules(options.fallback)
  const { reader, prompts = {}, signal, application } = options
  const wanted = application === undefined ? undefined : wantedApplication(application)
  const say = teller(prompts)
  say({ type: 'stage', stage: 'preflight' })
  const { newerFirmware: newer, unreadFirmware: unread, battery } = await preflight(options)
  if (newer !== undefined) say({ type: 'firmware', newer, ...(unread !== undefined && { unread }) })
  if (battery) say({ type: 'reader', event: battery })
  const watching = watch(reader, event => say(event.type === 'fallback' ? event : { type: 'reader', event }))
  try {
    const asking = { ...options, type, prompts: choosingOnce(prompts) }
    for (let attempt = 1; ; attempt++) {
      const result = await payOnce(order, asking, attempt, wanted, say)
      const wrongPin = result.result === 'declined' && result.responseCode === '55' && result.cvm === 'onlinePin'
      if (!wrongPin || attempt === MAX_ATTEMPTS || !prompts.tryAgain || signal?.aborted) return result
      if (!(await prompts.tryAgain('wrongPin', attempt, { signal: signal ?? new AbortController().signal }))) return result
    }
  } finally {
    await watching.stop()
  }
}

/** A choice of application holds for the whole payment: who enters a PIN again is not asked for the payment system again. */
function choosingOnce(prompts: AppPrompts): AppPrompts {
  const { selectApplication: ask } = prompts
  if (!ask) return prompts
  let chosen: string | undefined
  const nameOf = ({ aid, label }: Candidate) => `${hex(aid)} ${label}`
  return {
    ...prompts,
    async selectApplication(candidates, waiting) {
      const again = candidates.findIndex(one => nameOf(one) === chosen)
      const index = again >= 0 ? again : await ask(candidates, waiting)
      const one = typeof index === 'number' ? candidates[index] : undefined
      if (one) chosen = nameOf(one)
      return index
    },
  }
}

async function payOnce(
  order: Order,
  options: PayOptions,
  attempt: number,
  wanted: Wanted | undefined,
  say: (event: PaymentEvent) => void,
): Promise<PaymentResult> {
  const { reader, acquirer, merchant, prompts = {}, clock = systemClock, type = 'purchase', amount = order.amount } = options
  const key = options.newKey?.() ?? crypto.randomUUID()
  const at = new Date(clock.now())
  const pen = openPen(options.journal)
  const host = hostDialogue({
    acquirer,
    clock,
    statusTime: options.statusTime ?? 20_000,
    reversalTime: options.reversalTime ?? 20_000,
    say,
    pen,
  })
  const stop = linkedAbort(options.signal)
  const answered = <T>(answer: T | 'nobody'): T | undefined => {
    if (answer !== 'nobody') return answer
    refused ??= 'nobodyAnswered'
    return undefined
  }
  const { captureSignature: draw } = prompts
  const signing = new Signing({
    ...{ order, amount, say },
    capture: draw && (async (request, waiting) => answered(await draw.call(prompts, request, waiting))),
  })
  const unverified = (cvm: CvmName | undefined) => lacksVerification(cvm, { order, amount, type, from: options.verifyFrom })
  /** The stripe of this card may not stand in for its chip. */
  let barred = false
  const rules = fallbackRules(options.fallback)
  /** Why nothing may be charged: the customer will not sign, nobody was verified or there to answer, or it would be another payment system. */
  let refused: 'cardholderCancelled' | 'otherApplication' | 'notVerified' | 'nobodyAnswered' | undefined
  const sign = async (waiting: Waiting): Promise<boolean> => {
    const signed = await signing.ask(waiting)
    if (!signed) refused ??= 'cardholderCancelled'
    return signed
  }
  /** From the list, where one was asked for. */
  const choose = async (candidates: readonly Candidate[], waiting: Waiting): Promise<number | undefined> => {
    if (!wanted) return prompts.selectApplication ? answered(await prompts.selectApplication(candidates, waiting)) : 0
    const index = wanted.among(candidates)
    const offered = candidates.map(({ label }) => label)
    say({ type: 'application', wanted: wanted.label, offered, ...(index !== undefined && { chosen: offered[index] }) })
    if (index === undefined) refused = 'otherApplication'
    return index
  }
  /** False where it is not what was asked for; what nobody has told by the `end` is not, as far as anybody knows. */
  const asWanted = (paid: PaidWith, end = false): boolean => {
    const met = wanted?.met(paid)
    if (!wanted || met?.wanted || (!met && !end)) return true
    say({ type: 'otherApplication', wanted: wanted.label, ...(met && { paid: met.label }) })
    refused ??= 'otherApplication'
    return false
  }
  const { hold, partial } = options
  const staged = { ...(hold !== undefined && { hold }), ...(partial !== undefined && { partial }) }
  const message = { key, order, merchant, type, amount, currency: order.currency, at, ...staged }
  const describe = (outcome: Outcome, settled: Settled) =>
    describeResult({ order, type, amount, merchant, at, key, attempt, signature: signing.signature, settled: { ...settled, outcome } })
  throwIfAborted(options.signal)
  const { serial, family } = reader.info
  const intent = { key, order, merchant, method: options.method ?? ('reader' as const), reader: serial ?? family, type, amount, at }
  await pen.write({ stage: 'begun', ...intent, ...(hold && { hold }), ...(partial && { partial }) })
  let outcome: Outcome
  try {
    say({ type: 'stage', stage: 'card' })
    const transaction = {
      type: type === 'check' ? ('purchase' as const) : type,
      amount,
      currency: order.currency,
      at,
      ...(type === 'cashback' && { otherAmount: order.parts!.cashback! }),
      ...(type === 'check' ? { forceOnline: true } : options.forceOnline !== undefined && { forceOnline: options.forceOnline }),
      ...(options.country !== undefined && { country: options.country }),
      ...(options.interfaces && { interfaces: options.interfaces }),
      ...(wanted && { application: wanted.label }),
    }
    const terminal: Terminal = {
      selectApplication: choose,
      ...(prompts.enterPin && { enterPin: (request: PinRequest, waiting: Waiting) => prompts.enterPin!(request, waiting) }),
      ...(prompts.refer &&
        type !== 'check' && { refer: (_: unknown, _response: unknown, waiting: Waiting) => prompts.refer!({ amount, order }, waiting) }),
      confirmSignature: sign,
      async authorise(request, { signal }) {
        await Promise.resolve() // what the reader reported before it asked is told first
        barred = isBarred(rules, request.tags)
        if (barred) return NOT_PERMITTED
        if (!asWanted(request)) {
          stop.controller.abort(new Fault('aborted', 'another payment system was asked for'))
          throw abortFault(stop.controller.signal)
        }
        if (request.cvm === 'signature' && !(await sign({ signal }))) {
          stop.controller.abort(new Fault('aborted', 'the customer did not sign'))
          throw abortFault(stop.controller.signal)
        }
        // By tap all is over but the host's word. A chip may ask because a verification failed: that is for the issuer to hear.
        if (request.interface === 'tap' && unverified(request.cvm)) {
          refused = 'notVerified'
          stop.controller.abort(new Fault('aborted', 'nobody was verified'))
          throw abortFault(stop.controller.signal)
        }
        const { interface: through, cvm, tags, pinBlock } = request
        try {
          return await host.authorise({ ...message, interface: through, cvm, tags, ...(pinBlock && { pinBlock }) }, signal)
        } catch (error) {
          if (isFault(error, 'journal')) stop.controller.abort(error) // what cannot be written down does not go on
          throw error
        }
      },
    }
    const { signal } = stop.controller
    outcome = await withFallback({ reader, rules, signal, say }, transaction, one => reader.transact(one, terminal, { signal }))
  } catch (error) {
    if (!host.asked() && !refused) {
      const result = describe(brokenOutcome('cancelled', host.record()), { result: 'cancelled', reason: reasonOf(error) })
      await pen.note({ stage: 'ended', key, ...ending(result) })
      throw pen.fault ?? error
    }
    // The host may have charged: the reader's fault becomes a reason, and the payment is brought to an end below.
    outcome = brokenOutcome(isFault(error, 'aborted') ? 'cancelled' : 'unknown', host.record())
  } finally {
    stop.release()
  }
  if (barred) outcome = notPermitted(outcome)
  if (pen.fault && !host.asked()) {
    await pen.note({ stage: 'ended', key, ...ending(describe(outcome, { result: 'cancelled', reason: 'journalFailed' })) })
    throw pen.fault
  }
  const other = outcome.result === 'approved' && !refused && !asWanted(outcome, true)
  if (outcome.result === 'approved' && unverified(outcome.cvm)) refused ??= 'notVerified'
  let ended: Ended = other || refused ? outcome : await signing.afterwards(outcome, options.signal)
  if (refused) ended = { ...outcome, result: refused === 'notVerified' ? 'declined' : 'cancelled', reason: refused }
  // What a card says of itself is no answer to a question to its bank.
  if (type === 'check' && ended.result === 'approved' && !host.asked()) ended = { ...ended, result: 'declined', reason: 'unableToGoOnline' }
  const { result: cardResult, reason: cardReason, interface: through, cvm } = ended
  const receipt = describe(outcome, { result: cardResult }).receipt
  await pen.note({ stage: 'card', key, result: cardResult, interface: through, cvm, receipt, ...(cardReason && { reason: cardReason }) })
  if (pen.takenOver) return describe(outcome, { result: 'unknown', reason: 'journalFailed' })
  if (pen.fault) ended = { ...outcome, result: 'cancelled', reason: 'journalFailed' }
  let settled: Settled
  try {
    settled = await host.settle(ended, message)
  } catch (error) {
    if (!isFault(error)) throw error
    // A client that cannot even say it: nothing is thrown once a card has signed, and the entry is let go of for whoever asks the host later.
    if (error.code !== 'journal') settled = { result: 'unknown' }
    else settled = pen.takenOver ? { result: 'unknown', reason: 'journalFailed' } : await host.undo(key)
  }
  const result = describe(outcome, settled)
  await pen.note({ stage: 'ended', key, ...ending(result) })
  if (pen.takenOver) return describe(outcome, { result: 'unknown', reason: 'journalFailed' })
  // Nobody is told of an approval that is not on disk: after a restart it would be taken back.
  return pen.fault && result.result === 'approved' ? describe(outcome, await host.undo(key)) : result
}

/** ISO 8583:1987 response code 57, transaction not permitted to cardholder: what the reader is told where the host is not asked. */
const NOT_PERMITTED = { type: 'declined', code: '57' } as const

/** The card was refused here: no host has said anything. */
function notPermitted({ response: _, ...outcome }: Outcome): Outcome {
  const tags = new Map(outcome.tags)
  tags.delete(0x8a)
  return { ...outcome, result: 'declined', reason: 'notAccepted', online: false, tags }
}

/** What the journal keeps of a result. */
function ending({ result, reason, receipt, reversal, advice, answer }: PaymentResult): Ending {
  const due = reversal === 'pending' ? 'reversal' : advice === 'pending' ? 'advice' : result === 'unknown' ? 'status' : undefined
  return {
    result,
    receipt,
    ...(reason && { reason }),
    ...(answer && { answer }),
    ...(due && { due }),
    ...(reversal === 'done' && { reversed: true }),
  }
}

/** Why a payment ended before the host was asked. */
function reasonOf(error: unknown): PaymentReason {
  if (isFault(error, 'journal')) return 'journalFailed'
  if (isFault(error, 'aborted')) return 'merchantCancelled'
  return isFault(error, 'link-closed') ? 'linkLost' : 'readerError'
}

/** A listener that throws is the app's bug, and no reason to leave a payment half done: the error surfaces as uncaught. */
function teller({ onEvent }: AppPrompts): (event: PaymentEvent) => void {
  return event => {
    try {
      onEvent?.(event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}

/** @throws Fault `bad-argument` */
function checkAmount(order: Order, { amount = order.amount }: Pick<PayOptions, 'amount'>): void {
  if (amount <= 0n || amount > order.amount)
    throw new Fault('bad-argument', `amount ${amount} is not 1 to ${order.amount} minor units, the order's`, { field: 'amount' })
}

/** A reader that failed after the host was asked: what is known of the card is what it sent for authorisation. */
function brokenOutcome(result: 'cancelled' | 'unknown', { message }: HostRecord): Outcome {
  return {
    result,
    reason: result === 'cancelled' ? 'merchantCancelled' : 'linkLost',
    interface: message?.interface,
    cvm: message?.cvm,
    online: message !== undefined,
    tags: message?.tags ?? new Map(),
  }
}

function linkedAbort(signal: AbortSignal | undefined): { controller: AbortController; release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort(abortFault(signal!))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return { controller, release: () => signal?.removeEventListener('abort', abort) }
}

/** Hands on what the reader reports until stopped; stopping lets go of the reader's events. */
function watch(reader: Reader, hear: (event: ReaderEvent) => void): { stop(): Promise<void> } {
  const events = reader.events[Symbol.asyncIterator]()
  const done = (async () => {
    for (let next = await events.next(); !next.done; next = await events.next()) hear(next.value)
  })().catch(() => {}) // a lost reader is told by `transact`
  return {
    async stop() {
      await events.return?.()
      await done
    },
  }
}
