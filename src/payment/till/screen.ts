/** An order as the screens of the mPOS guide show it (seed 002): what is to be paid, and what came of it; and as JSON. */

import * as door from '../../door.ts'
import { type Language, shopMessage as message } from '../../messages/shop.ts'
import type { Order } from '../acquirer.ts'
import { goodsOf, partNames } from '../amount-parts.ts'
import type { Json } from '../host/wire-fields.ts'
import { encodeOrder } from '../host/wire-order.ts'
import type { Entry, OrderRecord } from '../journal/journal.ts'
import { printable } from '../one-line.ts'
import * as rules from '../rules.ts'
import { itemText, moneyText, orderRows, resultRows } from './screen-rows.ts'

export { dateText, informationText, lastPayment, moneyText, stateText } from './screen-rows.ts'

/** The screen before the payment. Of an item with a discount the product is printed, and the discount in a row of its own. */
export function orderLines(order: Order, language: Language = 'en'): string[] {
  door.need('order', order, rules.orderRule)
  const { items = [] } = order
  const [number, ...rows] = orderRows(order, language).map(({ label, value }) => `${label}: ${value}`)
  return [
    message('screen.orderData', language),
    number,
    ...(items.length > 0 ? [`${message('screen.items', language)}:`] : []),
    ...items.flatMap((item, index) => {
      const { name, price, discount } = itemText(item, order.currency)
      return [
        `${index + 1}. ${name}`,
        `   ${price}`,
        ...(discount === undefined ? [] : [`   ${message('screen.discount', language)} = ${discount}`]),
      ]
    }),
    ...rows,
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

/** The result screen; what is no plain purchase is named. */
export function resultLines(order: OrderRecord, language: Language = 'en'): string[] {
  door.need('order', order, rules.recordRule)
  const rows = resultRows(order, language).map(({ label, value }) => `${label}: ${value}`)
  return [message('screen.result', language), message('screen.orderInformation', language), ...rows].map(printable)
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
