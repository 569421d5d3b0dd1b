/** The rows of the guide's screens as data: what is called how, and what stands there. */

import { type Currency, formatAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import { hostMessage, type Language, type ShopMessageId as MessageId, shopMessage as message } from '../../messages/shop.ts'
import type { Order, OrderItem } from '../acquirer.ts'
import { partNames } from '../amount-parts.ts'
import type { Entry, OrderRecord } from '../journal/journal.ts'
import { discountOf, quantityText } from '../order.ts'
import { reasonMessage } from '../pay/result.ts'
import * as rules from '../rules.ts'

/** `id` is that of the label in the table of messages. */
export interface ScreenRow {
  readonly id: MessageId
  readonly label: string
  readonly value: string
}

function rowsIn(language: Language) {
  return (id: MessageId, value: string | undefined): ScreenRow[] => (value ? [{ id, label: message(id, language), value }] : [])
}

/** `8.08 руб.`, `8.08 RUB`. */
export function moneyText(amount: bigint, order: Pick<Order, 'currency'>, language: Language = 'en'): string {
  door.need('order', order, door.shape({ currency: door.currencyOf }))
  const { currency } = order
  return `${formatAmount(amount, currency)} ${language === 'ru' && currency.alpha === 'RUB' ? 'руб.' : currency.alpha}`
}

/** What stands about an order before it is paid, its number first; items have a list of their own. */
export function orderRows(order: Order, language: Language): ScreenRow[] {
  const { number, amount, items = [], parts = {}, email, comment, currency } = order
  const row = rowsIn(language)
  return [
    ...row('screen.number', number),
    ...partNames.flatMap(name => (parts[name] ? row(`receipt.${name}`, moneyText(parts[name], order, language)) : [])),
    // No order is prepaid here: the guide's screen says so where it lists items.
    ...(items.length > 0
      ? [...row('screen.total', moneyText(amount, order, language)), ...row('screen.prepaid', formatAmount(0n, currency))]
      : []),
    ...row('screen.toPay', moneyText(amount, order, language)),
    ...row('screen.email', email),
    ...row('screen.comment', comment),
  ]
}

/** An item as the guide lists it: the price is that before its discount. */
export function itemText(
  item: OrderItem,
  currency: Currency,
): { readonly name: string; readonly price: string; readonly discount?: string } {
  const discount = discountOf(item)
  const price = `${quantityText(item.quantity)} x ${formatAmount(item.price, currency)} = ${formatAmount(item.amount + discount, currency)}`
  return { name: item.name, price, ...(discount > 0n && { discount: formatAmount(discount, currency) }) }
}

/** The state of an order in words; an order that nobody has tried to pay is new. */
export function stateText(order: Pick<OrderRecord, 'state' | 'entries'>, language: Language = 'en'): string {
  door.need('order', order, door.shape({ entries: door.listOf(door.object), state: door.anyText }))
  const { state, entries } = order
  const unpaid = state === 'In Process' && !entries.some(({ kind }) => kind === 'payment')
  if (unpaid && entries.some(({ kind, result }) => kind === 'check' && result)) return message('state.checked', language)
  if (unpaid && entries.some(({ result }) => result === 'approved')) return message('state.refunded', language)
  return message(unpaid && !entries.some(({ open }) => open) ? 'state.new' : `state.${state}`, language)
}

/** The last payment of the order, of any ending; undefined where nobody tried to pay it. */
export function lastPayment(order: Pick<OrderRecord, 'entries'>): Entry | undefined {
  door.need('order', order, door.shape({ entries: door.listOf(door.object) }))
  const { entries } = order
  return entries.filter(({ kind }) => kind === 'payment').at(-1)
}

/** What was done last with a card, cash or a code: a payment, or a refund by card. */
function lastDeed({ entries }: Pick<OrderRecord, 'entries'>): Entry | undefined {
  return entries.filter(({ kind }) => kind === 'payment' || kind === 'refund' || kind === 'check').at(-1)
}

/** What stands on the result screen under «Информация о заказе». */
export function resultRows(order: OrderRecord, language: Language): ScreenRow[] {
  const payment = lastDeed(order)
  const { type } = payment ?? {}
  const row = rowsIn(language)
  const ofMoney = type === 'refund' || type === 'cash' || type === 'check'
  return [
    ...(type && type !== 'purchase' ? row('screen.operation', message(`receipt.type.${type}`, language)) : []),
    ...row('screen.state', stateText(order, language)),
    ...row('screen.amount', moneyText(order.amount, order, language)),
    ...(ofMoney ? [] : partNames.flatMap(name => (order.parts?.[name] ? row(`receipt.${name}`, moneyText(order.parts[name], order, language)) : []))), // biome-ignore format: a row
    ...(payment && payment.amount !== order.amount ? row('screen.operationAmount', moneyText(payment.amount, order, language)) : []),
    ...row('screen.prepayment', '-'),
    ...row('screen.method', payment ? message(`method.${payment.method}`, language) : '-'),
    ...row('screen.date', dateText(payment?.at ?? order.createdAt)),
    ...row('screen.number', order.number),
    ...row('screen.transaction', payment?.answer?.transaction ?? '-'),
    { id: 'screen.information', label: message('screen.information', language), value: informationOf(order, payment, language) },
  ]
}

/** Why it is as it is, or what is still awaited. */
function informationOf({ offline, entries }: OrderRecord, payment: Entry | undefined, language: Language): string {
  if (offline) return message('order.offline', language)
  if (entries.some(({ open }) => open)) return message('order.waitingForHost', language)
  const code = payment?.answer?.response?.code
  const why = payment?.reason ? reasonMessage(payment.result, payment.reason, language) : ''
  return [why, payment?.result === 'declined' && code && code !== '00' ? `${code} ${hostMessage(code, language)}` : ''].filter(Boolean).join(': ') // biome-ignore format: a line
}

/** What the result screen says under «Информация». */
export function informationText(order: OrderRecord, language: Language = 'en'): string {
  door.need('order', order, rules.recordRule)
  return informationOf(order, lastDeed(order), language)
}

/** `14.09.2020 15:58:23`, the terminal's own time. */
export function dateText(at: Date): string {
  door.need('at', at, door.date)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${two(at.getDate())}.${two(at.getMonth() + 1)}.${at.getFullYear()}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
