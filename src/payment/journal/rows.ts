/** The journal's tables, and its rows as the records that a till reads. */

import { isFault } from '../../errors.ts'
import { maskPan } from '../../mask.ts'
import { changeKinds, type HostAnswer, type Merchant, orderStates } from '../acquirer.ts'
import { decodeAnswer, encodeAnswer } from '../host/wire.ts'
import { date, fields, oneOf, text, upTo, wrong } from '../host/wire-fields.ts'
import { decodeChange, decodeMerchant, decodeOrder, encodeChange, encodeOrder } from '../host/wire-order.ts'
import type { Receipt } from '../receipt/receipt.ts'
import { dues, methods, stages } from '../steps.ts'
import type { Entry, OrderRecord } from './journal.ts'
import type { Notice } from './notice.ts'
import type { Intent } from './recorder.ts'
import type { Row } from './sqlite.ts'

/** 'tdip' */
export const APPLICATION = 0x74646970

/** Times are milliseconds since 1970. `sealed` is the only column that holds card data, and it is enciphered (journal-seal.ts). */
export const schema = `
  CREATE TABLE orders (
    merchant TEXT NOT NULL, number TEXT NOT NULL, detail TEXT NOT NULL, shop TEXT NOT NULL, state TEXT NOT NULL, offline INTEGER NOT NULL,
    bill TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, PRIMARY KEY (merchant, number)
  ) STRICT;
  CREATE INDEX orders_updated ON orders (updated);
  CREATE TABLE entries (
    key TEXT PRIMARY KEY, merchant TEXT NOT NULL, number TEXT NOT NULL, kind TEXT NOT NULL, method TEXT NOT NULL, amount INTEGER NOT NULL, at INTEGER NOT NULL,
    stage TEXT NOT NULL, result TEXT, due TEXT, open INTEGER NOT NULL, tries INTEGER NOT NULL, next INTEGER, owner TEXT, facts TEXT NOT NULL, sealed BLOB
  ) STRICT;
  CREATE INDEX entries_order ON entries (merchant, number);
  CREATE INDEX entries_open ON entries (open) WHERE open = 1;
  CREATE TABLE steps (id INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL, stage TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
  CREATE INDEX steps_key ON steps (key);
  CREATE TABLE notices (id INTEGER PRIMARY KEY, notice TEXT NOT NULL, told INTEGER) STRICT;
  CREATE TABLE owners (id TEXT PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, beat INTEGER NOT NULL) STRICT;
`

export const kinds = ['payment', 'refund', 'check', ...changeKinds] as const
export const results = ['approved', 'declined', 'cancelled', 'unknown'] as const

/** What of an entry has no column of its own, as JSON. */
export interface Facts
  extends Pick<
    Entry,
    | 'type'
    | 'linked'
    | 'reader'
    | 'received'
    | 'code'
    | 'hold'
    | 'partial'
    | 'why'
    | 'target'
    | 'answer'
    | 'card'
    | 'reason'
    | 'receipt'
    | 'change'
  > {}

export function writeFacts({ answer, change, received, ...facts }: Facts): string {
  return JSON.stringify({
    ...facts,
    received: received?.toString(),
    answer: answer && safeAnswer(answer),
    change: change && encodeChange(change),
  })
}

/** @throws Fault `bad-argument` with details.path, as all readers of rows: it names the column, and what of it */
export function readFacts(json: string): Facts {
  const { answer, change, received, code, receipt, ...facts } = fields(parsed(json, 'facts'), 'facts')
  return {
    ...facts,
    ...(receipt !== undefined && { receipt: fields(receipt, 'facts.receipt') as unknown as Receipt }),
    ...(code !== undefined && { code: readCode(fields(code, 'facts.code')) }),
    ...(received !== undefined && { received: readAmount(received, 'facts.received') }),
    ...(answer !== undefined && { answer: inColumn('facts.answer', () => decodeAnswer(answer)) }),
    ...(change !== undefined && { change: inColumn('facts.change', () => decodeChange(change)) }),
  }
}

/** A fault of a reader that names the fields of a message, under the column that holds the message. */
function inColumn<T>(column: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw isFault(error, 'bad-argument') ? wrong(`${column}.${error.details.path}`, String(error.details.rule)) : error
  }
}

function parsed(json: unknown, column: string): unknown {
  try {
    return JSON.parse(String(json))
  } catch {
    throw wrong(column, 'JSON')
  }
}

function readAmount(value: unknown, path: string): bigint {
  if (!/^-?\d{1,18}$/.test(String(value))) throw wrong(path, 'a whole number of minor units')
  return BigInt(String(value))
}

/** Without what only the card needed, and without a card number that a host may have put into its words. */
function safeAnswer({ response, reason, ...rest }: HostAnswer) {
  const { issuerAuthenticationData: _arpc, scripts: _scripts, ...kept } = response ?? {}
  return encodeAnswer({
    ...rest,
    ...(reason !== undefined && { reason: reason.replace(/\d{11,19}/g, maskPan) }),
    ...(response && { response: { ...kept, type: response.type, code: response.code } }),
  })
}

function readCode({ payload, expires }: Readonly<Record<string, unknown>>) {
  return { payload: text(payload, 'facts.code.payload', 1, 4096), expires: date(expires, 'facts.code.expires') }
}

export function orderRow({ order, merchant }: Pick<Intent, 'order' | 'merchant'>): { detail: string; shop: string } {
  return { detail: JSON.stringify(encodeOrder(order)), shop: JSON.stringify(merchant) }
}

export function readEntry(row: Row, shop: Merchant): Entry {
  const { result, due, next } = row
  return {
    key: String(row.key),
    kind: oneOf(row.kind, kinds, 'kind'),
    order: String(row.number),
    merchant: shop,
    method: oneOf(row.method, methods, 'method'),
    amount: readAmount(row.amount, 'amount'),
    at: new Date(Number(row.at)),
    stage: oneOf(row.stage, stages, 'stage'),
    ...readFacts(String(row.facts)),
    ...(result !== null && { result: oneOf(result, results, 'result') }),
    ...(due !== null && { due: oneOf(due, dues, 'due') }),
    open: row.open === 1,
    tries: Number(row.tries),
    ...(next !== null && { nextTry: new Date(Number(next)) }),
  }
}

export function readShop(row: Row): Merchant {
  return decodeMerchant(parsed(row.shop, 'shop'), 'shop', upTo)
}

export function readOrder(row: Row, entries: readonly Entry[]): OrderRecord {
  return {
    ...decodeOrder(parsed(row.detail, 'detail'), 'detail', upTo),
    merchant: readShop(row),
    state: oneOf(row.state, orderStates, 'state'),
    offline: row.offline === 1,
    ...(row.bill !== null && { billNumber: String(row.bill) }),
    createdAt: new Date(Number(row.created)),
    updatedAt: new Date(Number(row.updated)),
    entries,
  }
}

export function readNotice(json: string): Notice {
  const notice = fields(parsed(json, 'notice'), 'notice') as unknown as Notice
  return { ...notice, order: text(notice.order, 'notice.order', 1, 32), at: date(notice.at, 'notice.at') }
}
