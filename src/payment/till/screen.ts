/** An order as the screens of the mPOS guide show it (seed 002): what is to be paid, and what came of it; and as JSON. */

import { formatAmount } from '../../currency.ts'
import * as door from '../../door.ts'
import { hostMessage, type Language, message } from '../../messages/messages.ts'
import type { Order } from '../acquirer.ts'
import { goodsOf, partNames } from '../amount-parts.ts'
import type { Json } from '../host/wire-fields.ts'
import { encodeOrder } from '../host/wire-order.ts'
import type { Entry, OrderRecord } from '../journal/journal.ts'
import { printable } from '../one-line.ts'
import { discountOf, quantityText } from '../order.ts'
import { reasonMessage } from '../pay/result.ts'
import * as rules from '../rules.ts'

/** `8.08 руб.`, `8.08 RUB`. */
export function moneyText(amount: bigint, order: Pick<Order, 'currency'>, language: Language = 'en'): string {
  door.need('order', order, door.shape({ currency: door.currencyOf }))
  const { currency } = order
  return `${formatAmount(amount, currency)} ${language === 'ru' && currency.alpha === 'RUB' ? 'руб.' : currency.alpha}`
}

/** The screen before the payment. Of an item with a discount the product is printed, and the discount in a row of its own. */
export function orderLines(order: Order, language: Language = 'en'): string[] {
  door.need('order', order, rules.orderRule)
  const { number, amount, items = [], parts = {}, email, comment, currency } = order
  const line = (id: Parameters<typeof message>[0], value: string | undefined) => (value ? [`${message(id, language)}: ${value}`] : [])
  return [
    message('screen.orderData', language),
    ...line('screen.number', number),
    ...(items.length > 0 ? [`${message('screen.items', language)}:`] : []),
    ...items.flatMap((item, index) => {
      const discount = discountOf(item)
      const price = `${quantityText(item.quantity)} x ${formatAmount(item.price, currency)} = ${formatAmount(item.amount + discount, currency)}`
      return [
        `${index + 1}. ${item.name}`,
        `   ${price}`,
        ...(discount > 0n ? [`   ${message('screen.discount', language)} = ${formatAmount(discount, currency)}`] : []),
      ]
    }),
    ...partNames.flatMap(name => (parts[name] ? line(`receipt.${name}`, moneyText(parts[name], order, language)) : [])),
    // No order is prepaid here: the guide's screen says so where it lists items.
    ...(items.length > 0
      ? [...line('screen.total', moneyText(amount, order, language)), ...line('screen.prepaid', formatAmount(0n, currency))]
      : []),
    ...line('screen.toPay', moneyText(amount, order, language)),
    ...line('screen.email', email),
    ...line('screen.comment', comment),
  ].map(printable)
}

/** Of an order with parts: goods, each part and their sum, before anybody is asked for a card. */
export function partsText(order: Order, language: Language = 'en'): string[] {
  door.need('order', order, rules.orderRule)
  const { parts = {}, amount } = order
  const line = (id: Parameters<typeof message>[0], of: bigint) => `${message(id, language)}: ${moneyText(of, order, language)}`
  return [
    line('receipt.purchase', goodsOf(order)),
    ...partNames.flatMap(name => (parts[name] ? [line(`receipt.${name}`, parts[name])] : [])),
    line('receipt.total', amount),
  ]
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

/** The result screen; what is no plain purchase is named. */
export function resultLines(order: OrderRecord, language: Language = 'en'): string[] {
  door.need('order', order, rules.recordRule)
  const payment = lastDeed(order)
  const { type } = payment ?? {}
  const line = (id: Parameters<typeof message>[0], value: string) => `${message(id, language)}: ${value}`
  const at = payment?.at ?? order.createdAt
  return [
    message('screen.result', language),
    message('screen.orderInformation', language),
    ...(type && type !== 'purchase' ? [line('screen.operation', message(`receipt.type.${type}`, language))] : []),
    line('screen.state', stateText(order, language)),
    line('screen.amount', moneyText(order.amount, order, language)),
    ...(type === 'refund' || type === 'cash' || type === 'check' ? [] : partNames.flatMap(name => (order.parts?.[name] ? [line(`receipt.${name}`, moneyText(order.parts[name], order, language))] : []))), // biome-ignore format: a row
    ...(payment && payment.amount !== order.amount ? [line('screen.operationAmount', moneyText(payment.amount, order, language))] : []),
    line('screen.prepayment', '-'),
    line('screen.method', payment ? message(`method.${payment.method}`, language) : '-'),
    line('screen.date', dateText(at)),
    line('screen.number', order.number),
    line('screen.transaction', payment?.answer?.transaction ?? '-'),
    line('screen.information', informationOf(order, payment, language)),
  ].map(printable)
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

/** What `tapdip order … --json` prints of an order: amounts as texts of minor units, times as ISO 8601. */
export function orderJson(order: OrderRecord): Json {
  door.need('order', order, rules.recordRule)
  const { state, offline, billNumber, createdAt, updatedAt, entries, merchant } = order
  return {
    ...(encodeOrder(order) as { readonly [name: string]: Json }),
    merchant: merchant.id,
    state,
    offline,
    ...(billNumber && { billNumber }),
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    entries: entries.map(entryJson),
  }
}

function entryJson({
  key,
  kind,
  type,
  method,
  reader,
  amount,
  at,
  stage,
  result,
  reason,
  due,
  open,
  tries,
  answer,
  code,
  received,
}: Entry): Json {
  return {
    ...(received !== undefined && { received: received.toString() }),
    ...{ key, kind, type, method, reader, amount: amount.toString(), at: at.toISOString(), stage, result, reason, due, open, tries },
    ...(answer && { code: answer.response?.code, rrn: answer.response?.rrn, transaction: answer.transaction }),
    ...(open && code && { qr: { payload: code.payload, expires: code.expires.toISOString() } }),
  }
}
