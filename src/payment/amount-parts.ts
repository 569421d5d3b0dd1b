/** The parts of an amount: goods, cash handed out, tip, surcharge. The card signs their sum (9F02), and every rule of amounts looks at that. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import type { AmountParts, Order, PaymentType } from './acquirer.ts'

/** In the order in which a slip has them. */
export const partNames = ['cashback', 'tip', 'surcharge'] as const

const ruleOf = door.shape({ amount: door.anyAmount })

/** Minor units of all that is no goods. */
export function partsSum({ cashback = 0n, tip = 0n, surcharge = 0n }: AmountParts = {}): bigint {
  return cashback + tip + surcharge
}

/** Minor units of the goods: what is left of the order's amount without its parts. */
export function goodsOf(order: Pick<Order, 'amount' | 'parts'>): bigint {
  door.need('order', order, ruleOf)
  return order.amount - partsSum(order.parts)
}

/**
 * Minor units that a fiscal receipt is about: goods and surcharge. Cash that is handed out is no settlement, and a tip is the waiter's (assumed: the seeds have neither,
 * and 54-FZ speaks of settlements for goods, work and services).
 */
export function fiscalAmount(order: Pick<Order, 'amount' | 'parts'>): bigint {
  door.need('order', order, ruleOf)
  const { cashback = 0n, tip = 0n } = order.parts ?? {}
  return order.amount - cashback - tip
}

/** The order that costs its goods and these parts, whatever parts it had before. @throws Fault `bad-argument` */
export function withParts<T extends Order>(order: T, parts: AmountParts): T {
  door.need('order', order, ruleOf)
  door.need('parts', parts, door.object)
  const { parts: _before, ...bare } = order
  const known = Object.fromEntries(partNames.flatMap(name => (parts[name] ? [[name, parts[name]]] : []))) as AmountParts
  const some = partsSum(known) > 0n
  return { ...bare, amount: goodsOf(order) + partsSum(known), ...(some && { parts: known }) } as unknown as T
}

/** @throws Fault `bad-argument` with details.field */
export function checkParts({ amount, parts }: Pick<Order, 'amount' | 'parts'>, what = 'order'): void {
  if (parts === undefined) return
  for (const name of partNames) if ((parts[name] ?? 1n) <= 0n) throw bad(`${what}.parts.${name}`, `${parts[name]} is not more than 0`)
  needGoods(`${what}.parts`, parts, amount)
}

function needGoods(field: string, parts: AmountParts, amount: bigint): void {
  const sum = partsSum(parts)
  if (sum >= amount) throw bad(field, `${sum} of ${amount} leave nothing for the goods`)
}

/** A card check is of nothing: no parts, nothing held, no part of it. @throws Fault `bad-argument` with details.field */
function checkOf<T extends Order>(order: T, { amount, partial, hold }: PartsAsked, given: string | undefined): T {
  if (order.amount !== 0n) throw bad('order.amount', `a card check is of 0, not of ${order.amount}`)
  if (amount) throw bad('amount', `a card check is of 0, not of ${amount}`)
  const field = given ?? (order.parts ? 'order.parts' : order.items ? 'order.items' : hold ? 'hold' : partial ? 'partial' : undefined)
  if (field) throw bad(field, 'a card check has none')
  return order
}

/** What a payment says of the parts of its amount: minor units, each contained in the order’s amount. */
export interface PartsAsked extends AmountParts {
  /** Cash handed out (9F03). */
  readonly otherAmount?: bigint
  /** As `PayOptions.type`. */
  readonly type?: PaymentType
  /** As `PayOptions.amount`. */
  readonly amount?: bigint
  /** As `PayOptions.partial`. */
  readonly partial?: boolean
  /** As `PayOptions.hold`. */
  readonly hold?: boolean
}

/**
 * The order with the parts that a payment names, and the payment's type: cash handed out makes it a cashback. What is named is contained in the order's amount.
 * @throws Fault `bad-argument` with details.field
 */
export function partsOfPayment<T extends Order>(order: T, asked: PartsAsked): { readonly order: T; readonly type: PaymentType } {
  const { otherAmount, tip, surcharge } = asked
  const { parts: own = {} } = order
  const named = { cashback: otherAmount, tip, surcharge }
  const field = { cashback: 'otherAmount', tip: 'tip', surcharge: 'surcharge' } as const
  for (const name of partNames)
    if (named[name] !== undefined && own[name] !== undefined && named[name] !== own[name])
      throw bad(field[name], `${named[name]}, and the order says ${own[name]}`)
  const given = partNames.find(name => named[name])
  if (asked.type === 'check') return { order: checkOf(order, asked, given && field[given]), type: 'check' }
  const { type = (named.cashback ?? own.cashback) ? 'cashback' : 'purchase' } = asked
  if (type === 'refund' || type === 'cash') {
    if (given) throw bad(field[given], `a ${type} has no such part`)
    return { order, type }
  }
  const parts = Object.fromEntries(
    partNames.flatMap(name => (named[name] || own[name] ? [[name, named[name] || own[name]]] : [])),
  ) as AmountParts
  if ((type === 'cashback') !== (parts.cashback !== undefined))
    throw bad(
      'otherAmount',
      type === 'cashback' ? 'a cashback says how much cash is handed out' : `a ${type} hands out no cash: its type is cashback`,
    )
  if (partsSum(parts) === 0n) return { order, type }
  const whole = { ...order, parts }
  needGoods(given ? field[given] : 'order.parts', parts, order.amount)
  if (asked.amount !== undefined && asked.amount !== order.amount)
    throw bad('amount', `an order with ${Object.keys(parts).join(', ')} is paid in one piece, ${order.amount}`)
  if (asked.partial) throw bad('partial', `an order with ${Object.keys(parts).join(', ')} is paid in one piece`)
  return { order: whole, type }
}

function bad(field: string, rule: string): Fault {
  return new Fault('bad-argument', `${field}: ${rule}`, { field, rule })
}
