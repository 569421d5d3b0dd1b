/** Cash over the counter: the change, and a sale that stands at once, whether the host can hear of it now or later. */

import type { Clock } from '../../clock.ts'
import { formatAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import { Fault, isFault } from '../../errors.ts'
import { shopMessage as message } from '../../messages/shop.ts'
import type { Merchant, Order } from '../acquirer.ts'
import type { Journal } from '../journal/journal.ts'
import { checkOrder } from '../pay/payment.ts'
import { makePlainReceipt, type Receipt } from '../receipt/receipt.ts'

/** An order that is paid in cash. */
export interface ByCash {
  /** Cash. */
  readonly method: 'cash'
  /** Minor units handed over; exactly the amount when left out. */
  readonly received?: bigint
}

/** How a sale without a card ended. */
export interface SaleResult {
  /** How it was paid. */
  readonly method: 'cash' | 'sbp'
  /** The slip as data. */
  readonly receipt: Receipt
  /** Of cash: minor units. */
  readonly received?: bigint
  /** Of cash: minor units that are given back. */
  readonly change?: bigint
  /** Of cash: `pending` until the host has heard of it. */
  readonly registration?: 'done' | 'pending' | 'refused'
}

/** What is given back. @throws Fault `bad-argument` when less was received than the order costs */
export function changeOf(order: Pick<Order, 'amount' | 'currency'>, received: bigint): bigint {
  door.need('order', order, door.shape({ amount: door.anyAmount, currency: door.currencyOf }))
  door.need('received', received, door.anyAmount)
  const { amount, currency } = order
  if (received < amount) {
    const [less, more] = [received, amount].map(one => `${formatAmount(one, currency)} ${currency.alpha}`)
    const words = { received: less, amount: more }
    throw new Fault('bad-argument', message('app.tooLittle', 'en', words), {
      ...words,
      ...{ field: 'received', value: less, rule: `${more} or more`, says: 'app.tooLittle' },
    })
  }
  return received - amount
}

/**
 * Writes the sale down as paid, with its registration due. Money that has changed hands waits for nobody.
 * @throws Fault `bad-argument`, `journal`, `busy` with details.state
 */
export async function takeCash(
  { journal, merchant, clock, newKey }: { journal: Journal; merchant: Merchant; clock: Clock; newKey: () => string },
  order: Order,
  { received = order.amount }: ByCash,
): Promise<{ readonly key: string; readonly sale: Omit<SaleResult, 'registration'> }> {
  checkOrder(order, merchant)
  refuseCashback(order)
  const change = changeOf(order, received)
  const key = newKey()
  const at = new Date(clock.now())
  const receipt = makePlainReceipt({ order, merchant, at }, 'cash', 'approved', received)
  await journal.record({ stage: 'begun', key, order, merchant, method: 'cash', amount: order.amount, at, received })
  try {
    await journal.record({ stage: 'ended', key, result: 'approved', receipt, due: 'registration' })
  } catch (error) {
    letGo(journal, key) // it is not paid: recovery closes it
    throw error
  }
  return { key, sale: { method: 'cash', receipt, received, change } }
}

/** Cash is handed out for a card alone. @throws Fault `bad-argument` */
export function refuseCashback({ parts }: Pick<Order, 'parts'>): void {
  if (parts?.cashback)
    throw new Fault('bad-argument', `order.parts.cashback: ${parts.cashback} minor units of cash are handed out for a card alone`, {
      field: 'order.parts.cashback',
    })
}

/** Leaves an entry to whoever looks after what is open, whatever the journal says to it. */
export function letGo(journal: Journal, key: string): void {
  try {
    journal.release(key)
  } catch (error) {
    if (!isFault(error, 'journal')) throw error
  }
}
