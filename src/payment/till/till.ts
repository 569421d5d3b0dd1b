/** The till: orders paid, confirmed, cancelled and refunded over one journal and one acquirer, and nothing forgotten between two starts. */

import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'
import type { Order } from '../acquirer.ts'
import type { Journal, OrderRecord } from '../journal/journal.ts'
import type { PaymentResult } from '../pay/payment.ts'
import { inSpan } from '../pay/traced.ts'
import type { Receipt } from '../receipt/receipt.ts'
import * as rules from '../rules.ts'
import { attemptAll, type Recovered } from './attempt.ts'
import { runBackground } from './background.ts'
import { type Changed, change } from './change.ts'
import { type TillDesk, type TillOptions, tillDesk } from './desk.ts'
import { type Drawer, drawerOf } from './drawer.ts'
import type { Part } from './part.ts'
import { DAYS, reconcile, refresh } from './reconcile.ts'
import { type ByCardRefund, type Refunded, refundCard } from './refund.ts'
import { type ByCardCheck, checkCard, type How, type Paid, payOrder, type Standing, standingOf } from './sell.ts'
import { changeReceipt } from './slips.ts'

export type { Recovered } from './attempt.ts'
export type { Changed } from './change.ts'
export type { TillOptions } from './desk.ts'
export type { Part } from './part.ts'
export type { ByCardRefund, Refunded, RefundRules } from './refund.ts'
export type { ByCard, ByCardCheck, How, Paid, Standing } from './sell.ts'

/**
 * An open till. Each call about an order needs its number or the order itself; the journal is looked at first, the host as far as it must
 * be.
 */
export interface Till extends AsyncDisposable {
  /** The caller's. */
  readonly journal: Journal
  /**
   * Pays an order. Twice: `already-paid`, or `in-process` while it hangs, and nobody is asked; of two at once one pays, and the other gets that answer, or `busy`.
   * @throws Fault `journal` before the card is asked for, `unsupported` where the host cannot, and what `pay` throws
   */
  payOrder(order: Order, how: How): Promise<Paid>
  /** The answer that a payment of this order would get without anybody being asked; undefined when it may be paid. Twice: the same, it only reads. */
  standing(number: string): Standing | undefined
  /** Brings every open entry that is in nobody's hands to its end, or one attempt nearer. Twice: only what is still open; nothing where all has ended. */
  recover(signal?: AbortSignal): Promise<readonly Recovered[]>
  /** Compares orders of the last `days` that were paid offline or in process with the host's. Gives those that changed. Twice: those that changed since. */
  reconcile(days?: number, signal?: AbortSignal): Promise<readonly OrderRecord[]>
  /** Undefined where this merchant has no order of that number here. Twice: as it is then, it only reads. */
  order(number: string): OrderRecord | undefined
  /** Orders of this merchant, newest first. Twice: as they are then, it only reads. */
  orders(filter?: Parameters<Journal['orders']>[0]): readonly OrderRecord[]
  /**
   * As the host has it now; as the journal has it when the host cannot be reached. Twice: the host is asked again.
   * @throws Fault `not-found`; `host-error` with details.field where the host's order cannot be this one: nothing is changed, and a notice says so
   */
  status(number: string, signal?: AbortSignal): Promise<OrderRecord>
  /**
   * Holds `amount` minor units more on the card that the order's payment holds, as far as `TillOptions.estimates` has a rule for its payment system.
   * Twice: as much once more; only what hangs is told again by itself.
   * @throws Fault `not-found`, `unsupported`, `bad-argument`, `journal`
   */
  increment(number: string, amount: bigint, signal?: AbortSignal): Promise<Changed>
  /** Charges what a two-stage payment holds; more, as far as `TillOptions.estimates` has a rule; with `final` what is left is let go. Twice: of what is left by then; with nothing left it is `declined` (13). @throws Fault `not-found`, `bad-argument`, `journal` */
  confirm(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Undoes the order in full or in part, a payment that hangs included. Twice: of what is left by then; with nothing left it is `declined` (13). @throws Fault `not-found`, `bad-argument`, `journal` */
  cancel(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Gives back of what was charged. Twice: of what is left by then; with nothing left it is `declined` (13). @throws Fault `not-found`, `bad-argument`, `journal` */
  refund(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /**
   * Gives back to a card that is presented: of a paid order as much as is left, else as far as `TillOptions.refunds` allows. Never a payment of the order.
   * Twice: of a paid order what is left by then, with nothing left `declined` (13) before a card is asked for; by itself, another refund.
   * @throws Fault as `refundCard`
   */
  refundByCard(order: Order | string, how: ByCardRefund): Promise<Refunded>
  /** Asks a card's bank whether the card is good: an amount of 0, which sells and books nothing. Twice: it is asked again. @throws as `pay` */
  checkCard(check: Pick<Order, 'number' | 'currency'>, how: ByCardCheck): Promise<PaymentResult>
  /** What the cash drawer has more or less by these orders; by all of the journal's when left out. Twice: as it is then, it only reads. */
  drawer(filter?: Parameters<Journal['orders']>[0]): readonly Drawer[]
  /** The slip of the order's last payment or refund by card, again. Twice: the same. @throws Fault `not-found` */
  receipt(number: string): Receipt
  /** Ends the background work; what is due stays in the journal. Twice: resolves as the first did. */
  close(): Promise<void>
}

/**
 * Opens a till. Unless told otherwise it recovers and reconciles at once, in the background. The journal stays the caller's to close.
 * @example
 * ```ts
 * import { currency, httpAcquirer, noticeText, open, openJournal, openTill } from 'tapdip'
 *
 * const journal = await openJournal('payments.db')
 * const till = openTill({
 *   journal,
 *   acquirer: httpAcquirer('https://acquirer.example'),
 *   merchant: { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' },
 *   onNotice: notice => console.log(noticeText(notice)),
 * })
 * const reader = await open('serial:/dev/ttyACM0?family=qpos')
 * const order = { number: '20260326_105200_001', amount: 250_000n, currency: currency('RUB') }
 * const paid = await till.payOrder(order, { reader })
 * if (paid.result === 'approved') await till.cancel(order.number, { amount: 50_000n }) // 500.00 RUB go back
 * await reader.close()
 * await till.close()
 * await journal.close()
 * ```
 */
export function openTill(options: TillOptions): Till {
  door.need('options', options, rules.tillRule)
  const { background = true } = options
  const desk = tillDesk(options)
  const { merchant } = desk
  const { journal } = options
  const closing = new AbortController()
  const loop = background ? runBackground(desk, closing.signal) : undefined
  const close = async () => {
    closing.abort(new Fault('aborted', 'the till was closed'))
    desk.wake()
    await loop
  }
  return {
    journal,
    payOrder: (order, how) => payOrder(desk, order, how),
    standing(number) {
      door.need('number', number, door.text(1, 32))
      return standingOf(journal.order(merchant, number))
    },
    recover: signal => inSpan(desk.tracer, 'step', 'recovery', () => attemptAll(desk, journal.open(merchant), signal)),
    reconcile: (days = DAYS, signal) => inSpan(desk.tracer, 'step', 'reconciliation', () => reconcile(desk, days, signal)),
    order(number) {
      door.need('number', number, door.text(1, 32))
      return journal.order(merchant, number)
    },
    orders: (filter = {}) => journal.orders({ merchant, ...filter }),
    drawer: (filter = {}) => drawerOf(journal.orders({ merchant, ...filter })),
    status: (number, signal) => inSpan(desk.tracer, 'step', 'status', () => statusOf(desk, number, signal)),
    increment: async (number, amount, signal) => {
      door.need('amount', amount, door.amount(1n, rules.MOST))
      return changeIn(desk, 'increment', number, { amount }, signal)
    },
    confirm: (number, part = {}, signal) => changeIn(desk, 'confirmation', number, part, signal),
    cancel: (number, part = {}, signal) => changeIn(desk, 'cancellation', number, part, signal),
    refund: (number, part = {}, signal) => changeIn(desk, 'refund', number, part, signal),
    refundByCard: async (order, how) => {
      door.need('order', order, typeof order === 'string' ? door.text(1, 32) : rules.orderRule)
      door.need('how', how, rules.refundRule)
      return refundCard({ ...desk, rules: desk.refunds }, order, how).finally(() => desk.wake())
    },
    checkCard: (check, how) => checkCard(desk, check, how),
    receipt: number => lastReceipt(desk.known(number)),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A change that a trace is told of: the order's, with the kind of change as its step, and what it came to. */
async function changeIn(
  desk: TillDesk,
  kind: 'confirmation' | 'cancellation' | 'refund' | 'increment',
  number: string,
  part: Part,
  signal: AbortSignal | undefined,
): Promise<Changed> {
  const { tracer } = desk
  const asked = kind === 'refund' ? { ...part, of: 'charged' as const } : part
  const work = async () => {
    const changed = await change(desk, kind === 'refund' ? 'cancellation' : kind, number, asked, signal)
    const { result, answer } = changed
    tracer?.tell('app', { kind: 'app', what: 'event', name: kind, content: { result, ...(answer && { answer }) } })
    return changed
  }
  return inSpan(tracer, 'payment', String(number), () => inSpan(tracer, 'step', kind, work))
}

/** What hangs is tried, and then the host is asked for the order. */
async function statusOf(desk: TillDesk, number: string, signal: AbortSignal | undefined): Promise<OrderRecord> {
  await attemptAll(
    desk,
    desk.known(number).entries.filter(one => one.open),
    signal,
  )
  await refresh(desk, number, signal, false).finally(() => desk.tell())
  return desk.known(number)
}

/** @throws Fault `not-found` */
function lastReceipt(order: OrderRecord): Receipt {
  const raised = changeReceipt(order)
  if (raised) return raised
  const receipt = order.entries.filter(one => one.kind === 'payment' || one.kind === 'refund' || one.kind === 'check').at(-1)?.receipt
  if (!receipt) throw new Fault('not-found', `order ${order.number} has no slip yet`, { order: order.number })
  return receipt
}
