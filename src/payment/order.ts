/** What an order says: whether any host would take it, whether its items add up, and what part of the money belongs to some of them. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { usageFault } from '../refusal.ts'
import type { ItemPart, Merchant, Order, OrderItem } from './acquirer.ts'
import { checkParts, partsSum } from './amount-parts.ts'
import { checkLine } from './one-line.ts'
import * as rules from './rules.ts'

/** Before a card is asked for, what no host would take. @param least minor units; 0 for a card check @throws Fault `bad-argument` */
export function checkOrder(order: Order, merchant: Merchant, least = 1n): void {
  door.need('order', order, rules.orderRule)
  const { number, amount, commission } = order
  checkLine('order.number', number)
  checkLine('order.commission', commission)
  if (number.length < 1 || number.length > 32)
    throw usageFault('usage.length', { field: 'order.number', value: number.length, from: 1, to: 32 })
  if (amount < least || amount > 999_999_999_999n)
    throw usageFault('usage.minorUnits', { field: 'order.amount', value: String(amount), from: 1, to: 999_999_999_999 })
  checkParts(order)
  checkItems(order)
  checkMerchant(merchant)
}

/** Who is paid: as the slip and the host take it. @throws Fault `bad-argument` */
export function checkMerchant(merchant: Merchant): void {
  door.need('merchant', merchant, rules.merchantRule)
  for (const [name, most] of [
    ['name', 64],
    ['id', 15],
    ['terminal', 8],
  ] as const) {
    const { length } = merchant[name]
    checkLine(`merchant.${name}`, merchant[name])
    if (length < 1 || length > most) throw usageFault('usage.length', { field: `merchant.${name}`, value: length, from: 1, to: most })
  }
  checkLine('merchant.address', merchant.address)
}

/** Before anything is asked of anybody. @throws Fault `bad-argument` with details.field */
export function checkItems({
  amount,
  items,
  parts,
  email,
  comment,
}: Pick<Order, 'amount' | 'items' | 'parts' | 'email' | 'comment'>): void {
  length('order.email', email, 128, 1)
  length('order.comment', comment, 256, 1)
  if (!items) return
  if (items.length === 0) throw bad('order.items', 'an order with items has at least one')
  if (new Set(items.map(({ id }) => id)).size < items.length) throw bad('order.items', 'two items have the same id')
  for (const { id, name, quantity, price, amount: line, vat } of items) {
    const field = `order.items.${id}`
    length(`${field}.id`, id, 32, 1)
    length(`${field}.name`, name, 128, 1)
    if (quantity <= 0n) throw bad(`${field}.quantity`, `${quantity} thousandths is not more than nothing`)
    if (price < 0n || line < 0n) throw bad(`${field}.amount`, 'price and amount are not below 0')
    if (line > atPrice(quantity, price)) throw bad(`${field}.amount`, `${line} is more than quantity × price, ${atPrice(quantity, price)}`)
    if (vat !== undefined && !(vat >= 0 && vat <= 100)) throw bad(`${field}.vat`, `${vat} is not 0 to 100 percent`)
  }
  const sum = items.reduce((total, item) => total + item.amount, partsSum(parts))
  if (sum !== amount) throw bad('order.amount', `${amount} is not the sum of the items${parts ? ' and the parts' : ''}, ${sum}`)
}

/**
 * What `parts` of `items` cost, discounts included, and how much of each item that is. `taken`: thousandths of each item that went before.
 * The last part of an item gets what rounding left, so that all parts together are the item's amount.
 * @throws Fault `bad-argument` when there is no such item, or not as much of it
 */
export function priceParts(
  items: readonly OrderItem[],
  parts: readonly ItemPart[],
  taken: ReadonlyMap<string, bigint> = new Map(),
): { readonly amount: bigint; readonly parts: readonly Required<ItemPart>[] } {
  if (parts.length === 0) throw bad('items', 'no item is named')
  if (new Set(parts.map(({ id }) => id)).size < parts.length) throw bad('items', 'an item is named twice')
  const priced = parts.map(({ id, quantity }) => {
    const item = items.find(one => one.id === id)
    if (!item) throw bad('items', `the order has no item '${id}'`)
    const before = taken.get(id) ?? 0n
    const left = item.quantity - before
    const wanted = quantity ?? left
    if (wanted <= 0n || wanted > left) throw bad('items', `of item '${id}' ${left} thousandths are left, ${wanted} are wanted`)
    const upTo = (part: bigint) => (item.amount * part) / item.quantity
    return { id, quantity: wanted, amount: upTo(before + wanted) - upTo(before) }
  })
  return {
    amount: priced.reduce((total, { amount }) => total + amount, 0n),
    parts: priced.map(({ id, quantity }) => ({ id, quantity })),
  }
}

/** Rounded up: a discount of a fraction of a minor unit is none. */
function atPrice(quantity: bigint, price: bigint): bigint {
  return (quantity * price + 999n) / 1000n
}

function length(field: string, text: string | undefined, most: number, least = 0): void {
  if (text !== undefined && (text.length < least || text.length > most))
    throw usageFault('usage.length', { field, value: text.length, from: least, to: most })
  checkLine(field, text)
}

function bad(field: string, rule: string): Fault {
  return new Fault('bad-argument', `${field}: ${rule}`, { field })
}

/** Thousandths as `3.000`. */
export function quantityText(quantity: bigint): string {
  door.need('quantity', quantity, door.anyAmount)
  const digits = quantity.toString().padStart(4, '0')
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`
}

/** What an item's price leaves off the line: its discount, minor units. */
export function discountOf(item: OrderItem): bigint {
  door.need('item', item, door.shape({ quantity: door.anyAmount, price: door.anyAmount, amount: door.anyAmount }))
  const { amount } = item
  const full = fullPrice(item)
  return full > amount ? full - amount : 0n
}

/**
 * `20230914_120719_302`, as the mPOS app numbers its orders.
 * @param isTaken of a number that has an order: two orders of one millisecond have two numbers
 */
export function orderNumber(at: Date, isTaken: (number: string) => boolean = () => false): string {
  const part = (value: number, length = 2) => String(value).padStart(length, '0')
  const day = `${at.getFullYear()}${part(at.getMonth() + 1)}${part(at.getDate())}`
  const number = `${day}_${part(at.getHours())}${part(at.getMinutes())}${part(at.getSeconds())}_${part(at.getMilliseconds(), 3)}`
  return isTaken(number) ? orderNumber(new Date(+at + 1), isTaken) : number
}

/** Of a line before its discount, minor units. */
export function fullPrice({ quantity, price }: Pick<OrderItem, 'quantity' | 'price'>): bigint {
  return (quantity * price + 500n) / 1000n
}

/** `2`, `0.350`, in thousandths. @throws Fault `bad-argument` */
export function parseQuantity(text: string, field: string): bigint {
  const [, whole, fraction = ''] = /^(\d{1,6})(?:[.,](\d{1,3}))?$/.exec(text) ?? []
  const quantity = whole === undefined ? 0n : BigInt(whole + fraction.padEnd(3, '0'))
  if (quantity <= 0n) throw usageFault('usage.oneOf', { field, value: text, allowed: 'quantity 0.001–999999.999' })
  return quantity
}
