/** How much of an order may be confirmed, let go or given back: the till's own book refuses before anybody is asked. */

import { formatAmount } from '../../currency.ts'
import { Fault, isFault } from '../../errors.ts'
import { type HostAnswer, type OrderChange, paidStates } from '../acquirer.ts'
import type { OrderRecord } from '../journal/journal.ts'
import { moneyOf, type OrderMoney } from '../journal/money.ts'
import { priceParts } from '../order.ts'

/** Part of an order: an amount, or items, or neither for all that is left. */
export type Part = Pick<OrderChange, 'amount' | 'items' | 'final'>

/** What no host would understand. @throws Fault `bad-argument` */
export function checkPart(order: OrderRecord, { amount, items, final }: Part, over = 0n): void {
  if (final && items) throw new Fault('bad-argument', 'part.final: of an amount, not of items', { field: 'part.final' })
  if (amount !== undefined && items) throw new Fault('bad-argument', 'part: an amount or items, not both', { field: 'part' })
  const { paid } = moneyOf(order)
  const most = (paid > order.amount ? paid : order.amount) + over
  if (amount !== undefined && (amount <= 0n || amount > most))
    throw new Fault('bad-argument', `part.amount ${amount} is not 1 to ${most} minor units`, { field: 'part.amount' })
  if (!items) return
  if (!order.items) throw new Fault('bad-argument', `part.items: order ${order.number} has no items`, { field: 'part.items' })
  priceParts(order.items, items)
}

/**
 * The refusal of the till's own book, in the words of a host's: 12 nothing was paid here, 13 more than is left. Undefined where the host is to be asked. What was
 * paid elsewhere (the host says so, and this till has no payment of it) is bounded by the order alone.
 */
export function refusalOf(
  kind: 'confirmation' | 'cancellation',
  order: OrderRecord,
  part: Part & Pick<OrderChange, 'of'>,
  over = 0n,
): HostAnswer | undefined {
  const money = moneyOf(order)
  const elsewhere = money.paid === 0n && (paidStates.includes(order.state) || order.state === 'PartialApproved')
  if (money.paid === 0n && !elsewhere) return refusal('12', `nothing of order ${order.number} is paid`)
  const paid = elsewhere ? order.amount : money.paid
  const left = kind === 'confirmation' ? paid - money.confirmed - money.letGo : paid - money.back
  if (left <= 0n) return refusal('13', `nothing of order ${order.number} is left`)
  const wanted = amountOf(kind, order, part, money)
  if (typeof wanted === 'string') return refusal('13', wanted)
  // Nothing goes over by little pieces: only what is charged at once may.
  const most = left + (kind === 'confirmation' && !part.items ? over : 0n)
  if (wanted !== undefined && wanted > most)
    return refusal('13', `${formatAmount(most, order.currency)} ${order.currency.alpha} of order ${order.number} are left`)
  return undefined
}

/** Only what is held is raised, and nothing that was confirmed in part. */
export function refuseIncrement(order: OrderRecord): HostAnswer | undefined {
  const { held, confirmed } = moneyOf(order)
  return held > 0n && confirmed === 0n ? undefined : refusal('12', `nothing of order ${order.number} is held that can be raised`)
}

/** Undefined for all that is left; a sentence where the items went before. */
function amountOf(
  kind: 'confirmation' | 'cancellation',
  order: OrderRecord,
  { amount, items }: Part,
  money: OrderMoney,
): bigint | string | undefined {
  if (!items) return amount
  try {
    return priceParts(order.items ?? [], items, money.items[kind]).amount
  } catch (error) {
    if (isFault(error, 'bad-argument')) return error.message
    throw error
  }
}

function refusal(code: string, reason: string): HostAnswer {
  return { state: 'declined', reason: `this till: ${reason}`, response: { type: 'declined', code } }
}
