/** Orders, their changes and their states as JSON and back, checked: of the acquirer's interface and of the journal. */

import {
  type AmountParts,
  type CashSale,
  type FiscalMark,
  type HostOperation,
  type HostOrder,
  type HostTransaction,
  hostStates,
  type ItemPart,
  type Merchant,
  type Order,
  type OrderChange,
  type OrderItem,
  operationStates,
  operationTypes,
  orderStates,
  type Sale,
  transactionKinds,
} from '../acquirer.ts'
import { count, date, fields, flag, type Json, lineUpTo, list, money, oneOf, optional, text, unit, upTo, wrong } from './wire-fields.ts'

export function encodeMerchant({ name, id, terminal, address }: Merchant): Json {
  return { name, id, terminal, address }
}

/** `words`: what its texts must be; one line each when left out. */
export function decodeMerchant(json: unknown, path: string, words = lineUpTo): Merchant {
  const root = fields(json, path)
  return {
    name: words(64)(root.name, `${path}.name`),
    id: words(15)(root.id, `${path}.id`),
    terminal: words(8)(root.terminal, `${path}.terminal`),
    ...optional(root, path, 'address', words(128)),
  }
}

export function encodeOrder({ number, amount, currency, commission, items, parts, email, comment }: Order): Json {
  return {
    number,
    amount: amount.toString(),
    currency: currency.alpha,
    commission,
    items: items?.map(({ id, name, quantity, price, amount, vat }) => ({
      id,
      name,
      quantity: quantity.toString(),
      price: price.toString(),
      amount: amount.toString(),
      vat,
    })),
    parts: encodeAmountParts(parts),
    email,
    comment,
  }
}

/** `words`: what its texts must be; one line each when left out. */
export function decodeOrder(json: unknown, path: string, words = lineUpTo): Order {
  const root = fields(json, path)
  return {
    number: words(32)(root.number, `${path}.number`),
    amount: money(root.amount, `${path}.amount`),
    currency: unit(root.currency, `${path}.currency`),
    ...optional(root, path, 'commission', words(32)),
    ...optional(root, path, 'items', (value, at) => list(value, at).map((item, index) => decodeItem(item, `${at}.${index}`, words))),
    ...optional(root, path, 'parts', decodeAmountParts),
    ...optional(root, path, 'email', words(128)),
    ...optional(root, path, 'comment', words(256)),
  }
}

function encodeAmountParts(parts: AmountParts | undefined): Json | undefined {
  return parts && { cashback: parts.cashback?.toString(), tip: parts.tip?.toString(), surcharge: parts.surcharge?.toString() }
}

function decodeAmountParts(json: unknown, path: string): AmountParts {
  const root = fields(json, path)
  const some = (value: unknown, at: string) => {
    const amount = money(value, at)
    if (amount <= 0n) throw wrong(at, 'more than 0 minor units')
    return amount
  }
  return {
    ...optional(root, path, 'cashback', some),
    ...optional(root, path, 'tip', some),
    ...optional(root, path, 'surcharge', some),
  }
}

function decodeItem(json: unknown, path: string, words: typeof lineUpTo): OrderItem {
  const root = fields(json, path)
  return {
    id: words(32)(root.id, `${path}.id`),
    name: words(128)(root.name, `${path}.name`),
    quantity: money(root.quantity, `${path}.quantity`),
    price: money(root.price, `${path}.price`),
    amount: money(root.amount, `${path}.amount`),
    ...optional(root, path, 'vat', percent),
  }
}

function percent(value: unknown, path: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 100)) throw wrong(path, 'a number of percent, 0 to 100')
  return value
}

export function encodeChange({ key, merchant, number, at, amount, items, of, final }: OrderChange): Json {
  return {
    key,
    merchant: encodeMerchant(merchant),
    number,
    at: at.toISOString(),
    amount: amount?.toString(),
    items: items && encodeParts(items),
    of,
    final,
  }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeChange(json: unknown): OrderChange {
  const root = fields(json, '')
  return {
    key: text(root.key, 'key', 1, 64),
    merchant: decodeMerchant(root.merchant, 'merchant'),
    number: text(root.number, 'number', 1, 32),
    at: date(root.at, 'at'),
    ...optional(root, '', 'amount', money),
    ...optional(root, '', 'items', decodeParts),
    ...optional(root, '', 'final', flag),
    ...optional(root, '', 'of', (value, path) => oneOf(value, ['held', 'charged'] as const, path)),
  }
}

function encodeParts(items: readonly ItemPart[]): Json {
  return items.map(({ id, quantity }) => ({ id, quantity: quantity?.toString() }))
}

function decodeParts(json: unknown, path: string): readonly ItemPart[] {
  return list(json, path).map((part, index) => {
    const root = fields(part, `${path}.${index}`)
    return { id: text(root.id, `${path}.${index}.id`, 1, 32), ...optional(root, `${path}.${index}`, 'quantity', money) }
  })
}

export function encodeHostOrder(order: HostOrder): Json {
  const { number, billNumber, state, amount, parts, currency, held, charged, cancelled, operations, fiscal } = order
  return {
    fiscal: fiscal?.map(({ at, amount, items, ...marks }) => ({
      ...marks,
      at: at.toISOString(),
      amount: amount.toString(),
      items: items && encodeParts(items),
    })),
    number,
    billNumber,
    state,
    amount: amount.toString(),
    parts: encodeAmountParts(parts),
    currency: currency.alpha,
    held: held.toString(),
    charged: charged.toString(),
    cancelled: cancelled.toString(),
    operations: operations.map(({ type, state, amount, at, items, transactions }) => ({
      type,
      state,
      amount: amount.toString(),
      at: at.toISOString(),
      items: items && encodeParts(items),
      transactions: transactions.map(({ amount, ...rest }) => ({ ...rest, amount: amount.toString() })),
    })),
  }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeHostOrder(json: unknown): HostOrder {
  const root = fields(json, '')
  return {
    number: text(root.number, 'number', 1, 32),
    billNumber: text(root.billNumber, 'billNumber', 1, 32),
    state: oneOf(root.state, orderStates, 'state'),
    amount: money(root.amount, 'amount'),
    currency: unit(root.currency, 'currency'),
    held: money(root.held, 'held'),
    charged: money(root.charged, 'charged'),
    cancelled: money(root.cancelled, 'cancelled'),
    ...optional(root, '', 'parts', decodeAmountParts),
    operations: list(root.operations, 'operations').map((one, index) => decodeOperation(one, `operations.${index}`)),
    ...optional(root, '', 'fiscal', (value, path) => list(value, path).map((one, index) => decodeMark(one, `${path}.${index}`))),
  }
}

function decodeMark(json: unknown, path: string): FiscalMark {
  const root = fields(json, path)
  const word = (name: string) => text(root[name], `${path}.${name}`, 1, 32)
  return {
    kind: oneOf(root.kind, ['sale', 'refund'] as const, `${path}.kind`),
    at: date(root.at, `${path}.at`),
    amount: money(root.amount, `${path}.amount`),
    ...optional(root, path, 'items', decodeParts),
    ...optional(root, path, 'internet', flag),
    ...{
      register: word('register'),
      registration: word('registration'),
      drive: word('drive'),
      sign: word('sign'),
      operator: word('operator'),
    },
    document: count(root.document, `${path}.document`),
    shift: count(root.shift, `${path}.shift`),
    receipt: count(root.receipt, `${path}.receipt`),
  }
}

export function encodeSale({ key, order, merchant, amount, at }: Sale): { readonly [name: string]: Json } {
  return { key, order: encodeOrder(order), merchant: encodeMerchant(merchant), amount: amount.toString(), at: at.toISOString() }
}

export function encodeCashSale(sale: CashSale): Json {
  return { ...encodeSale(sale), received: sale.received.toString() }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeSale(json: unknown): Sale {
  const root = fields(json, '')
  return {
    key: text(root.key, 'key', 1, 64),
    order: decodeOrder(root.order, 'order'),
    merchant: decodeMerchant(root.merchant, 'merchant'),
    amount: money(root.amount, 'amount'),
    at: date(root.at, 'at'),
  }
}

/** @throws Fault `bad-argument` with details.path */
export function decodeCashSale(json: unknown): CashSale {
  const sale = decodeSale(json)
  const received = money(fields(json, '').received, 'received')
  if (received < sale.amount) throw wrong('received', `at least the amount, ${sale.amount}`)
  return { ...sale, received }
}

function decodeOperation(json: unknown, path: string): HostOperation {
  const root = fields(json, path)
  return {
    type: oneOf(root.type, operationTypes, `${path}.type`),
    state: oneOf(root.state, operationStates, `${path}.state`),
    amount: money(root.amount, `${path}.amount`),
    at: date(root.at, `${path}.at`),
    ...optional(root, path, 'items', decodeParts),
    transactions: list(root.transactions, `${path}.transactions`).map((one, at) => decodeTransaction(one, `${path}.transactions.${at}`)),
  }
}

function decodeTransaction(json: unknown, path: string): HostTransaction {
  const root = fields(json, path)
  return {
    number: text(root.number, `${path}.number`, 1, 32),
    key: text(root.key, `${path}.key`, 1, 64),
    kind: oneOf(root.kind, transactionKinds, `${path}.kind`),
    amount: money(root.amount, `${path}.amount`),
    state: oneOf(root.state, hostStates, `${path}.state`),
    ...optional(root, path, 'code', upTo(2)),
    ...optional(root, path, 'rrn', upTo(12)),
    ...optional(root, path, 'pan', upTo(19)),
    ...optional(root, path, 'reversed', upTo(40)),
  }
}
