/** One payment: an order taken through a reader and a host to a result, whatever breaks on the way. */

import { hex } from '../../bytes.ts'
import * as door from '../../door.ts'
import type { Candidate } from '../../emv/terminal.ts'
import { Fault } from '../../errors.ts'
import type { Reader, ReaderEvent } from '../../reader/reader.ts'
import type { Order, PaymentType } from '../acquirer.ts'
import { partsOfPayment } from '../amount-parts.ts'
import { checkOrder } from '../order.ts'
import * as rules from '../rules.ts'
import { cardWait } from './card-wait.ts'
import type { PaymentEvent } from './events.ts'
import { fallbackRules } from './fallback.ts'
import type { AppPrompts, PayOptions } from './options.ts'
import { payOnce } from './pay-once.ts'
import { preflight } from './preflight.ts'
import type { PaymentResult } from './result.ts'
import { toldOptions, tracedPayment } from './traced.ts'
import { wantedApplication } from './wanted.ts'

export { checkOrder } from '../order.ts'
export type { AppPrompts, AskedAmount, PayOptions } from './options.ts'
export { type PaymentResult, paymentJson, reasonWords } from './result.ts'

const MAX_ATTEMPTS = 3

/**
 * Takes `order` through the reader to a result. An ending of the card's, the customer's or the host's making is a result; a fault of the reader is thrown
 * only when the host was not asked, so nothing that may have been charged is ever lost in an exception. With a journal every step is written before it is
 * taken (`PaymentStep`), and a result is on disk before it is returned.
 * @throws Fault `journal` when the payment cannot be written down, and the host was not asked; `busy` with details.state `already-paid` or `in-process`;
 * `low-battery`, `update-required`, `busy`, `link-closed`, `timeout`, `reader-error`, `tampered`, `aborted` before the card was asked, `bad-argument`
 * @example
 * ```ts
 * import { currency, httpAcquirer, open, pay, receiptLines } from 'tapdip'
 *
 * const reader = await open('serial:/dev/ttyACM0?family=qpos')
 * const order = { number: '20260326_105200_001', amount: 250_000n, currency: currency('RUB') } // 2500.00 RUB
 * const payment = await pay(order, {
 *   reader,
 *   acquirer: httpAcquirer('https://acquirer.example'),
 *   merchant: { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' },
 * })
 * if (payment.result === 'unknown') console.log('ask for the state of the order before it is paid again')
 * console.log([payment.result, ...receiptLines(payment.receipt)].join('\n'))
 * await reader.close()
 * ```
 */
export async function pay(given: Order, options: PayOptions): Promise<PaymentResult> {
  door.need('options', options, rules.payRule)
  door.need('order', given, rules.orderRule)
  const { order, type } = partsOfPayment(given, options)
  checkOrder(order, options.merchant, type === 'check' ? 0n : 1n)
  if (type !== 'check') checkAmount(order, options)
  fallbackRules(options.fallback)
  const { tracer } = options
  if (!tracer) return take(order, type, options)
  return tracedPayment(tracer, order.number, () => take(order, type, toldOptions(tracer, options)))
}

/** As `pay`, with what was checked. */
async function take(order: Order, type: PaymentType, options: PayOptions): Promise<PaymentResult> {
  const { reader, prompts = {}, signal, application } = options
  const wanted = application === undefined ? undefined : wantedApplication(application)
  const say = teller(prompts)
  say({ type: 'stage', stage: 'preflight' })
  const { newerFirmware: newer, unreadFirmware: unread, battery } = await preflight(options)
  if (newer !== undefined) say({ type: 'firmware', newer, ...(unread !== undefined && { unread }) })
  if (battery) say({ type: 'reader', event: battery })
  const wait = cardWait(options, say)
  let gone = false
  const watching = watch(reader, event => {
    if (event.type === 'state') gone = event.state === 'disconnected'
    wait.hear(event)
    say(event.type === 'fallback' ? event : { type: 'reader', event })
  })
  try {
    const asking = { ...options, type, prompts: choosingOnce(prompts) }
    for (let attempt = 1; ; attempt++) {
      const result = await payOnce(order, asking, attempt, { wanted, wait, say })
      const wrongPin = result.result === 'declined' && result.responseCode === '55' && result.cvm === 'onlinePin'
      // A reader that has gone asks for no PIN: nobody is offered another.
      if (!wrongPin || gone || attempt === MAX_ATTEMPTS || !prompts.tryAgain || signal?.aborted) return result
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
