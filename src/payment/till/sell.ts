/** An order is paid over a till, by card, in cash or by SBP, unless it is paid already or being paid. */

import * as door from '../../door.ts'
import { Fault, isFault } from '../../errors.ts'
import type { Order } from '../acquirer.ts'
import type { OrderRecord } from '../journal/journal.ts'
import { dueOf, restOf } from '../journal/money.ts'
import { type PaymentResult, type PayOptions, pay } from '../pay/payment.ts'
import { inPayment, inSpan } from '../pay/traced.ts'
import * as rules from '../rules.ts'
import { attempt } from './attempt.ts'
import { type ByCash, type SaleResult, takeCash } from './cash.ts'
import type { TillDesk } from './desk.ts'
import { type BySbp, type SbpAcquirer, takeSbp } from './sbp.ts'

/** With a card: through a reader, be it a card reader or this phone (SoftPOS), and what `pay` takes with it. */
export interface ByCard extends Omit<PayOptions, 'acquirer' | 'merchant' | 'clock' | 'journal'> {
  /** For the journal; `reader` when left out. */
  readonly method?: 'reader' | 'softpos'
}

/** How a card is checked: as a payment by card, but for what only a payment has. */
export type ByCardCheck = Omit<ByCard, 'amount' | 'type' | 'hold' | 'partial' | 'otherAmount' | 'tip' | 'surcharge'>

/** How an order is paid. */
export type How = ByCard | ByCash | BySbp

/** `already-paid`, `in-process`: nothing was asked of anybody, the order stands as it stood. */
export type Paid =
  | {
      /** How the card’s payment ended. */
      readonly result: PaymentResult['result']
      /** What `pay` gave. */
      readonly payment: PaymentResult
      /** As it stands now. */
      readonly order: OrderRecord
    }
  | {
      /** How the sale without a card ended. */
      readonly result: PaymentResult['result']
      /** What it came to. */
      readonly sale: SaleResult
      /** As it stands now. */
      readonly order: OrderRecord
    }
  | Standing

/** An order that is not paid now: it is paid, or being paid. */
export interface Standing {
  /** It is paid, or being paid. */
  readonly result: 'already-paid' | 'in-process'
  /** As it stands. */
  readonly order: OrderRecord
}

/** What a payment of this order would get without anybody being asked; undefined where it may be paid. */
export function standingOf(record: OrderRecord | undefined): Standing | undefined {
  if (!record) return undefined
  // Of an order of 0 only cards were checked.
  if (dueOf(record) === 0n && record.amount > 0n) return { result: 'already-paid', order: record }
  return record.entries.some(one => one.open) ? { result: 'in-process', order: record } : undefined
}

/** @throws Fault `unsupported` where the host cannot, `journal`, and what `pay` throws */
export async function payOrder(desk: TillDesk, order: Order, how: How): Promise<Paid> {
  door.need('order', order, rules.orderRule)
  door.need('how', how, rules.howRule)
  const before = standingOf(desk.journal.order(desk.merchant, order.number))
  if (before) return before
  try {
    if (how.method !== 'sbp' && how.method !== 'cash') return await sellByCard(desk, order, how)
    const { method } = how
    const sell = () =>
      inSpan(desk.tracer, 'step', method, () =>
        how.method === 'sbp' ? sellBySbp(desk, order, how) : sellForCash(desk, order, how as ByCash),
      )
    return await inPayment(desk.tracer, order.number, sell, paid => ({
      ...{ kind: 'result', result: paid.result },
      content: { method: how.method, ...('sale' in paid && paid.sale) },
    }))
  } catch (error) {
    // Another process, or another call of this one, was quicker.
    const now = isFault(error, 'busy') && error.details.state !== undefined ? standingOf(desk.known(order.number)) : undefined
    if (now) return now
    throw error
  } finally {
    desk.wake()
  }
}

async function sellByCard(
  { journal, acquirer, merchant, clock, newKey, tracer, known }: TillDesk,
  order: Order,
  how: ByCard,
): Promise<Paid> {
  const amount = how.amount ?? restOf(order, journal.order(merchant, order.number))
  const payment = await pay(order, { newKey, ...(tracer && { tracer }), ...how, amount, acquirer, merchant, clock, journal })
  return { result: payment.result, payment, order: known(order.number) }
}

async function sellForCash(desk: TillDesk, order: Order, how: ByCash): Promise<Paid> {
  const { journal, acquirer } = desk
  if (!acquirer.registerCash) throw new Fault('unsupported', 'this host takes no cash sales', { feature: 'cash' })
  const { key, sale } = await takeCash(desk, order, how)
  await attempt(desk, journal.entry(key)!, undefined, true).catch(desk.complain)
  const { open, reason } = journal.entry(key)!
  const registration = open ? 'pending' : reason === 'notRegistered' ? 'refused' : 'done'
  return { result: 'approved', sale: { ...sale, registration }, order: desk.known(order.number) }
}

async function sellBySbp(desk: TillDesk, order: Order, how: BySbp): Promise<Paid> {
  const { acquirer } = desk
  if (!hasSbp(acquirer)) throw new Fault('unsupported', 'this host has no SBP', { feature: 'sbp' })
  const ended = await takeSbp({ ...desk, acquirer }, order, how)
  return ended === 'in-process' ? { result: ended, order: desk.known(order.number) } : { ...ended, order: desk.known(order.number) }
}

function hasSbp(acquirer: TillDesk['acquirer']): acquirer is SbpAcquirer {
  return acquirer.requestQr !== undefined
}

/** Asks a card's bank whether the card is good. @throws as `pay` */
export async function checkCard(desk: TillDesk, check: Pick<Order, 'number' | 'currency'>, how: ByCardCheck): Promise<PaymentResult> {
  door.need('check', check, door.shape({ number: door.anyText, currency: door.currencyOf }))
  door.need('how', how, rules.howRule)
  const { number, currency } = check
  const { journal, acquirer, merchant, clock, newKey, tracer } = desk
  const asked = { newKey, ...(tracer && { tracer }), ...how, type: 'check', acquirer, merchant, clock, journal } as const
  return pay({ number, currency, amount: 0n }, asked).finally(() => desk.wake())
}
