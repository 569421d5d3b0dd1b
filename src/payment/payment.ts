/** One payment: an order taken through a reader and a host to a result, whatever breaks on the way. */

import { hex } from '../bytes.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { CardInterface, CvmName, Outcome, Reason } from '../emv/outcome.ts'
import type { Candidate, PinEntry, PinRequest, TransactionType, Waiting } from '../emv/terminal.ts'
import { abortFault, Fault, isFault, throwIfAborted } from '../errors.ts'
import type { Reader, ReaderEvent } from '../reader/reader.ts'
import { tagBytes, tagHex } from '../tlv/ber.ts'
import { isSensitive } from '../tlv/tags.ts'
import type { Acquirer, Merchant, Order } from './acquirer.ts'
import type { PaymentEvent } from './events.ts'
import { type HostRecord, hostDialogue } from './host-dialogue.ts'
import { makeReceipt, type Receipt } from './receipt.ts'
import { checkSignature, type Signature } from './signature.ts'

/** What a payment asks of the app and tells it. What is left out is decided as each line says. */
export interface AppPrompts {
  /** Index into `candidates`, or undefined when the customer cancels. Left out: the card's first choice. */
  selectApplication?(candidates: readonly Candidate[], options: Waiting): Promise<number | undefined>
  /** Undefined when the customer will not sign, which ends the payment. Left out: the slip gets a line to sign on. */
  captureSignature?(request: { readonly amount: bigint; readonly order: Order }, options: Waiting): Promise<Signature | undefined>
  /** For readers without a PIN pad of their own. */
  enterPin?(request: PinRequest, options: Waiting): Promise<PinEntry>
  /** The issuer found the online PIN wrong: whether the card is asked again, with a new cryptogram. Left out: no. */
  tryAgain?(why: 'wrongPin', attempt: number, options: Waiting): Promise<boolean>
  onEvent?(event: PaymentEvent): void
}

export interface PayOptions {
  readonly reader: Reader
  readonly acquirer: Acquirer
  readonly merchant: Merchant
  readonly prompts?: AppPrompts
  readonly type?: TransactionType
  readonly otherAmount?: bigint
  readonly interfaces?: readonly CardInterface[]
  readonly forceOnline?: boolean
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** Makes the idempotency key of each attempt; random UUIDs when left out. */
  readonly newKey?: () => string
  /** A reader at or below this charge, and not charging, is refused; 5 % when left out. */
  readonly minimumBattery?: number
  /** How long a silent host is asked for the state, with the card waiting; 20 s when left out. */
  readonly statusTime?: number
  /** How long a reversal is repeated until the host has confirmed it; 20 s when left out. */
  readonly reversalTime?: number
}

export interface PaymentResult {
  /** `unknown`: the host may have charged; ask for the state of `key` before paying again. */
  readonly result: Outcome['result']
  readonly reason?: Reason
  readonly interface: CardInterface
  readonly cvm: CvmName
  readonly application?: { readonly aid: string; readonly label: string }
  /** Data objects of EMV by hex tag; those that hold PAN, track, name or PIN, and the vendor's own, are left out. */
  readonly tags: Readonly<Record<string, string>>
  readonly receipt: Receipt
  /** Key of the attempt that this is the result of. */
  readonly key: string
  readonly attempts: number
  readonly responseCode?: string
  /** The host's own words. */
  readonly hostReason?: string
  readonly billNumber?: string
  readonly transaction?: string
  readonly signature?: Signature
  /** An approval that must not stand: `done` when the host has confirmed the reversal. */
  readonly reversal?: 'done' | 'pending'
  /** An offline approval that the host must hear of. */
  readonly advice?: 'done' | 'pending'
  /** As the reader or the kernel gave it, secret data included: not for logs. */
  readonly outcome: Outcome
}

const MAX_ATTEMPTS = 3

/**
 * Takes `order` through the reader to a result. An ending of the card's, the customer's or the host's making is a result; a fault of the reader is thrown
 * only when the host was not asked, so nothing that may have been charged is ever lost in an exception.
 * @throws Fault `low-battery`, `busy`, `link-closed`, `timeout`, `reader-error`, `tampered`, `aborted` before the card was asked, `bad-argument`
 */
export async function pay(order: Order, options: PayOptions): Promise<PaymentResult> {
  checkOrder(order)
  const { reader, prompts = {}, signal } = options
  const say = (event: PaymentEvent) => prompts.onEvent?.(event)
  say({ type: 'stage', stage: 'preflight' })
  await checkBattery(options)
  const watching = watch(reader, event => say({ type: 'reader', event }))
  try {
    const asking = { ...options, prompts: choosingOnce(prompts) }
    for (let attempt = 1; ; attempt++) {
      const result = await payOnce(order, asking, attempt, say)
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
      const one = index === undefined ? undefined : candidates[index]
      if (one) chosen = nameOf(one)
      return index
    },
  }
}

async function payOnce(order: Order, options: PayOptions, attempt: number, say: (event: PaymentEvent) => void): Promise<PaymentResult> {
  const { reader, acquirer, merchant, prompts = {}, clock = systemClock, type = 'purchase' } = options
  const key = options.newKey?.() ?? crypto.randomUUID()
  const at = new Date(clock.now())
  const host = hostDialogue({
    acquirer,
    clock,
    statusTime: options.statusTime ?? 20_000,
    reversalTime: options.reversalTime ?? 20_000,
    say,
  })
  const stop = linkedAbort(options.signal)
  let signature: Signature | undefined
  let refusedToSign = false
  const message = { key, order, merchant, type, amount: order.amount, currency: order.currency, at }
  let outcome: Outcome
  try {
    throwIfAborted(options.signal)
    say({ type: 'stage', stage: 'card' })
    outcome = await reader.transact(
      {
        type,
        amount: order.amount,
        currency: order.currency,
        at,
        ...(options.otherAmount !== undefined && { otherAmount: options.otherAmount }),
        ...(options.forceOnline !== undefined && { forceOnline: options.forceOnline }),
        ...(options.interfaces && { interfaces: options.interfaces }),
      },
      {
        selectApplication: (candidates, waiting) => prompts.selectApplication?.(candidates, waiting) ?? Promise.resolve(0),
        ...(prompts.enterPin && { enterPin: (request: PinRequest, waiting: Waiting) => prompts.enterPin!(request, waiting) }),
        async authorise(request, { signal }) {
          if (request.cvm === 'signature' && prompts.captureSignature) {
            say({ type: 'stage', stage: 'signature' })
            const drawn = await prompts.captureSignature({ amount: order.amount, order }, { signal })
            if (!drawn) {
              refusedToSign = true
              stop.controller.abort(new Fault('aborted', 'the customer did not sign'))
              throw abortFault(stop.controller.signal)
            }
            signature = checkSignature(drawn)
          }
          const { interface: through, cvm, tags, pinBlock } = request
          return host.authorise({ ...message, interface: through, cvm, tags, ...(pinBlock && { pinBlock }) }, signal)
        },
      },
      { signal: stop.controller.signal },
    )
  } catch (error) {
    if (!host.asked() && !refusedToSign) throw error
    // The host may have charged: the reader's fault becomes a reason, and the payment is brought to an end below.
    outcome = brokenOutcome(isFault(error, 'aborted') ? 'cancelled' : 'unknown', host.record())
  } finally {
    stop.release()
  }
  const settled = await host.settle(refusedToSign ? { ...outcome, reason: 'cardholderCancelled' } : outcome, message)
  return describeResult({ order, merchant, at, key, attempt, signature, settled: { ...settled, outcome } })
}

function checkOrder({ number, amount }: Order): void {
  if (number.length < 1 || number.length > 32)
    throw new Fault('bad-argument', `order number has ${number.length} characters, the rule is 1 to 32`, { field: 'order.number' })
  if (amount <= 0n || amount > 999_999_999_999n)
    throw new Fault('bad-argument', `order amount ${amount} is not 1 to 999999999999 minor units`, { field: 'order.amount' })
}

async function checkBattery({ reader, minimumBattery = 5, signal }: PayOptions): Promise<void> {
  const { battery } = await reader.status(signal ? { signal } : {})
  if (battery?.percent !== undefined && battery.percent <= minimumBattery && !battery.charging)
    throw new Fault('low-battery', `the reader's battery is at ${battery.percent} %, a payment takes more than ${minimumBattery} %`, {
      percent: battery.percent,
    })
}

/** A reader that failed after the host was asked: what is known of the card is what it sent for authorisation. */
function brokenOutcome(result: 'cancelled' | 'unknown', { message }: HostRecord): Outcome {
  return {
    result,
    reason: result === 'cancelled' ? 'merchantCancelled' : 'linkLost',
    interface: message?.interface ?? 'chip',
    cvm: message?.cvm ?? 'none',
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

interface Facts {
  readonly order: Order
  readonly merchant: Merchant
  readonly at: Date
  readonly key: string
  readonly attempt: number
  readonly signature: Signature | undefined
  readonly settled: Awaited<ReturnType<ReturnType<typeof hostDialogue>['settle']>> & { readonly outcome: Outcome }
}

function describeResult({ order, merchant, at, key, attempt, signature, settled }: Facts): PaymentResult {
  const { result, reason, outcome, answer, reversal, advice } = settled
  const response = answer?.response ?? (outcome.response?.type === 'unableToGoOnline' ? undefined : outcome.response)
  const { application } = outcome
  return {
    result,
    ...(reason && { reason }),
    interface: outcome.interface,
    cvm: outcome.cvm,
    ...(application && { application: { aid: hex(application.aid), label: application.label } }),
    tags: safeTags(outcome.tags),
    receipt: makeReceipt({ merchant, order, result, outcome, at, signed: signature !== undefined, ...(response && { response }) }),
    key,
    attempts: attempt,
    ...(response && { responseCode: response.code }),
    ...(answer?.reason && { hostReason: answer.reason }),
    ...(answer?.billNumber && { billNumber: answer.billNumber }),
    ...(answer?.transaction && { transaction: answer.transaction }),
    ...(signature && { signature }),
    ...(reversal && { reversal }),
    ...(advice && { advice }),
    outcome,
  }
}

/** Tags of the private class are the vendor's own: PIN block, key serial numbers, enciphered tracks. */
function safeTags(tags: ReadonlyMap<number, Uint8Array>): Record<string, string> {
  return Object.fromEntries(
    [...tags].filter(([tag]) => !isSensitive(tag) && tagBytes(tag)[0] < 0xc0).map(([tag, value]) => [tagHex(tag), hex(value)]),
  )
}

/** What `tapdip pay --json` prints: the result without the outcome's secret data. */
export function paymentJson({ outcome: _secret, ...result }: PaymentResult): Omit<PaymentResult, 'outcome'> {
  return result
}
