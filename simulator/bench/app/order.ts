/** The first screen: an order is put together, item by item or as an amount. */

import { type Currency, formatAmount, parseAmount } from '../../../src/currency.ts'
import { type Fault, isFault } from '../../../src/errors.ts'
import type { Order, OrderItem } from '../../../src/payment/acquirer.ts'
import { checkOrder, fullPrice, orderNumber, parseQuantity } from '../../../src/payment/order.ts'
import { itemText, moneyText } from '../../../src/payment/till/screen-rows.ts'
import { usageFault } from '../../../src/refusal.ts'
import type { AppScreen } from '../schema/app.ts'
import type { Phone } from './phone.ts'
import { type Answered, type Words, wrong } from './stage.ts'

/** What stands in the form, as it was typed. */
export interface Draft {
  /** Made from date and time where empty. */
  number: string
  items: OrderItem[]
  amount: string
  email: string
  comment: string
}

type Field = NonNullable<AppScreen['fields']>[number]
type Typed = Answered['fields']

/** The order, or what the person would rather see. @throws Fault `aborted` */
export async function enterOrder(phone: Phone, draft: Draft): Promise<Order | 'orders' | 'notifications' | 'disconnect'> {
  let refused: { readonly field: string; readonly fault: Fault } | undefined
  let typed: Typed = {}
  for (;;) {
    const answer = await phone.stage.ask(words => orderScreen(phone, draft, typed, refused, words), phone.signal)
    const { action, fields } = answer
    typed = fields
    refused = undefined
    Object.assign(draft, { number: fields.number, amount: fields.amount ?? draft.amount, email: fields.email, comment: fields.comment })
    if (action === 'orders' || action === 'notifications' || action === 'disconnect') return action
    if (action.startsWith('remove:')) {
      draft.items = draft.items.filter(({ id }) => action !== `remove:${id}`)
      continue
    }
    let field = 'amount'
    try {
      if (action === 'addItem' || fields.itemName.trim() !== '') {
        draft.items = [...draft.items, newItem(phone, draft, fields, name => (field = name))]
        typed = {}
      }
      if (action === 'pay') {
        field = 'amount'
        const order = orderOf(phone, draft)
        Object.assign(draft, { number: '', items: [], comment: '' })
        return order
      }
    } catch (error) {
      if (!isFault(error, 'bad-argument')) throw error
      refused = { field: fieldOf(error, field), fault: error }
    }
  }
}

/** Of a rule of orders, as far as it is one of the form. */
function fieldOf({ details }: Fault, field: string): string {
  if (details.field === 'order.number') return 'number'
  if (details.field === 'order.email') return 'email'
  return details.field === 'order.comment' ? 'comment' : field
}

/** @throws Fault `bad-argument`; `at` hears of which field */
function newItem({ currency }: Phone, { items }: Draft, fields: Typed, at: (field: string) => void): OrderItem {
  at('itemName')
  const name = fields.itemName.trim()
  if (name === '') throw usageFault('usage.length', { field: 'name', value: 0, from: 1, to: 128 })
  at('itemQuantity')
  const quantity = parseQuantity(fields.itemQuantity.trim() || '1', 'quantity')
  at('itemPrice')
  const price = parseAmount(fields.itemPrice.trim(), currency)
  at('itemDiscount')
  const discount = fields.itemDiscount.trim() === '' ? 0n : parseAmount(fields.itemDiscount.trim(), currency)
  const full = fullPrice({ quantity, price })
  if (discount > full)
    throw usageFault('usage.oneOf', { field: 'discount', value: fields.itemDiscount, allowed: `0–${formatAmount(full, currency)}` })
  const id = String(1 + Math.max(0, ...items.map(item => Number(item.id))))
  return { id, name, quantity, price, amount: full - discount, vat: 20 }
}

/** @throws Fault `bad-argument` */
function orderOf({ clock, currency, merchant, till }: Phone, { number, items, amount, email, comment }: Draft): Order {
  const order: Order = {
    number: number.trim() || orderNumber(new Date(clock.now()), one => till.order(one) !== undefined),
    amount: items.length > 0 ? sumOf(items) : parseAmount(amount.trim(), currency),
    currency,
    ...(items.length > 0 && { items }),
    ...(email.trim() !== '' && { email: email.trim() }),
    ...(comment.trim() !== '' && { comment: comment.trim() }),
  }
  checkOrder(order, merchant)
  return order
}

const sumOf = (items: readonly OrderItem[]) => items.reduce((sum, { amount }) => sum + amount, 0n)

/** As the guide lists them: a discount has a row of its own. */
export function itemList(items: readonly OrderItem[], currency: Currency, { text }: Words): NonNullable<AppScreen['items']> {
  const list = items.map(one => {
    const { discount, ...item } = itemText(one, currency)
    return { id: one.id, ...item, ...(discount !== undefined && { discount: `${text('screen.discount')} = ${discount}` }) }
  })
  return { title: text('screen.items'), list }
}

function orderScreen(phone: Phone, draft: Draft, typed: Typed, refused: { field: string; fault: Fault } | undefined, words: Words) {
  const { currency, notices, connection } = phone
  const { items } = draft
  const { action, text, language } = words
  const field = (id: string, label: Parameters<Words['text']>[0], type: Field['type'], value: string): Field => ({
    ...{ id, label: text(label), type, value },
    ...(refused?.field === id && { error: wrong(refused.fault, language) }),
  })
  const group = text('screen.newItem')
  const item = (id: string, type: Field['type'], standard = ''): Field => ({
    ...field(id, `field.${id}` as 'field.itemName', type, typed[id] ?? standard),
    group,
  })
  const unread = notices.filter(({ read }) => !read).length
  const reader = connection.reader?.info
  return {
    kind: 'order' as const,
    title: text('screen.orderData'),
    ...(items.length > 0 && { items: itemList(items, currency, words) }),
    rows: items.length > 0 ? [words.row('screen.toPay', moneyText(sumOf(items), { currency }, language), 'total')] : [],
    fields: [
      ...(items.length > 0 ? [] : [field('amount', 'screen.toPay', 'money', draft.amount)]),
      ...[item('itemName', 'text'), item('itemQuantity', 'number', '1'), item('itemPrice', 'money'), item('itemDiscount', 'money')],
      field('email', 'screen.email', 'email', draft.email),
      field('comment', 'screen.comment', 'text', draft.comment),
      field('number', 'screen.number', 'text', draft.number),
    ],
    actions: [
      action('pay', 'button.pay', 'primary'),
      { ...action('addItem', 'button.addItem'), group },
      ...items.map(({ id, name }) => action(`remove:${id}`, 'button.removeItem', 'link', { params: { item: name } })),
      action('orders', 'button.orders', 'link'),
      action('notifications', 'button.notifications', 'link', { params: { count: unread } }),
      ...(reader ? [action('disconnect', 'button.disconnect', 'link', { params: { reader: reader.serial ?? reader.family } })] : []),
    ],
  }
}
