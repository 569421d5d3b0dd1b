/** A refund with the card present: of an order, as much as its payments took; or by itself, as far as the merchant's rules allow. */

import type { Clock } from '../../clock.ts'
import { formatAmount } from '../../currency.ts'
import { Fault, isFault } from '../../errors.ts'
import type { Tracer } from '../../trace/event.ts'
import type { HostAnswer, Merchant, Order, OrderAcquirer } from '../acquirer.ts'
import type { Journal, OrderRecord } from '../journal/journal.ts'
import { moneyOf, standingPayments } from '../journal/money.ts'
import { type PaymentResult, type PayOptions, pay } from '../pay/payment.ts'
import { refusalOf } from './part.ts'

/** What a merchant allows without an order that was paid here. Without rules no such refund is made at all. */
export interface RefundRules {
  /** Minor units of one refund; as much as is asked for when left out. */
  readonly most?: bigint
  /** What whoever gives the money back must know. */
  readonly password?: string
}

/** How money goes back to a card that is presented. */
export interface ByCardRefund
  extends Omit<PayOptions, 'acquirer' | 'merchant' | 'clock' | 'journal' | 'type' | 'hold' | 'partial' | 'otherAmount' | 'amount'> {
  /** Minor units; all that is left of a paid order, or the order's amount, when left out. */
  readonly amount?: bigint
  /** Of a refund without an order that was paid: see `RefundRules`. */
  readonly password?: string
}

/** What came of a refund by card. */
export interface Refunded {
  /** `in-process`: nothing was asked of anybody, the order has something under way. */
  readonly result: PaymentResult['result'] | 'in-process'
  /** Left out where the till's own book refuses: then `answer` says why, and no card was asked for. */
  readonly payment?: PaymentResult
  /** What the till's own book says against it. */
  readonly answer?: HostAnswer
  /** As it stands now. */
  readonly order: OrderRecord
  /** It gives back what this order's payments took. */
  readonly linked: boolean
}

export interface RefundDesk {
  readonly journal: Journal
  readonly acquirer: OrderAcquirer
  readonly merchant: Merchant
  readonly clock: Clock
  readonly newKey: () => string
  readonly rules?: RefundRules | undefined
  readonly tracer?: Tracer
}

/**
 * @param asked number of an order that this till knows, or an order: where nothing of it was paid here, the refund stands by itself
 * @throws Fault `not-found`; `unsupported` without rules for refunds that stand by themselves; `bad-argument` with details.field `amount` or `password`; and what `pay` throws
 */
export async function refundCard(
  { journal, acquirer, merchant, clock, newKey, rules, tracer }: RefundDesk,
  asked: Order | string,
  how: ByCardRefund,
): Promise<Refunded> {
  const number = typeof asked === 'string' ? asked : asked.number
  const known = journal.order(merchant, number)
  if (!known && typeof asked === 'string') throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
  const linked = known !== undefined && standingPayments(known).length > 0
  const order = linked || typeof asked === 'string' ? known! : asked
  const { password, amount: wanted, ...options } = how
  let amount = wanted ?? order.amount
  if (linked) {
    const { paid, back } = moneyOf(known)
    amount = wanted ?? paid - back
    const refused = refusalOf('cancellation', known, { amount, of: 'charged' })
    if (refused) return { result: 'declined', answer: refused, order: known, linked }
  } else allow(rules, amount, password, order)
  try {
    const most = amount > order.amount ? { ...order, amount } : order
    const payment = await pay(most, {
      newKey,
      ...(tracer && { tracer }),
      ...options,
      type: 'refund',
      amount,
      acquirer,
      merchant,
      clock,
      journal,
    })
    return { result: payment.result, payment, order: journal.order(merchant, number)!, linked }
  } catch (error) {
    if (isFault(error, 'busy') && error.details.state === 'in-process')
      return { result: 'in-process', order: journal.order(merchant, number)!, linked }
    throw error
  }
}

/** @throws Fault `unsupported`, `bad-argument` */
function allow(rules: RefundRules | undefined, amount: bigint, password: string | undefined, { currency, number }: Order): void {
  if (!rules)
    throw new Fault('unsupported', `nothing of order ${number} was paid here, and this merchant gives nothing back without a payment`, {
      feature: 'unlinkedRefund',
      order: number,
    })
  if (rules.most !== undefined && amount > rules.most)
    throw new Fault('bad-argument', `amount: at most ${formatAmount(rules.most, currency)} ${currency.alpha} go back without a payment`, {
      field: 'amount',
    })
  if (rules.password !== undefined && !same(rules.password, password ?? ''))
    throw new Fault('bad-argument', 'password: it is not the one for refunds without a payment', { field: 'password' })
}

/** Takes as long whatever is wrong. */
function same(one: string, other: string): boolean {
  const [a, b] = [one, other].map(text => new TextEncoder().encode(text))
  let different = a.length ^ b.length
  for (let at = 0; at < a.length; at++) different |= a[at] ^ (b[at % Math.max(1, b.length)] ?? 0)
  return different === 0
}
