/** The journal's tables, and its rows as the records that a till reads. */

import { maskPan } from '../mask.ts'
import type { HostAnswer, Merchant, OrderState } from './acquirer.ts'
import type { Entry, OrderRecord } from './journal.ts'
import type { Row } from './journal-sqlite.ts'
import type { Notice } from './notice.ts'
import type { Ending, Intent } from './recorder.ts'
import { decodeAnswer, encodeAnswer } from './wire.ts'
import { decodeChange, decodeOrder, encodeChange, encodeOrder } from './wire-order.ts'

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

/** What of an entry has no column of its own, as JSON. */
export interface Facts
  extends Pick<Entry, 'reader' | 'received' | 'code' | 'hold' | 'why' | 'target' | 'answer' | 'card' | 'reason' | 'receipt' | 'change'> {}

export function writeFacts({ answer, change, received, ...facts }: Facts): string {
  return JSON.stringify({
    ...facts,
    received: received?.toString(),
    answer: answer && safeAnswer(answer),
    change: change && encodeChange(change),
  })
}

export function readFacts(json: string): Facts {
  const { answer, change, received, code, ...facts } = JSON.parse(json) as Record<string, unknown>
  return {
    ...facts,
    ...(code !== undefined && { code: readCode(code as { payload: string; expires: string }) }),
    ...(received !== undefined && { received: BigInt(received as string) }),
    ...(answer !== undefined && { answer: decodeAnswer(answer) }),
    ...(change !== undefined && { change: decodeChange(change) }),
  }
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

function readCode({ payload, expires }: { readonly payload: string; readonly expires: string }) {
  return { payload, expires: new Date(expires) }
}

export function orderRow({ order, merchant }: Pick<Intent, 'order' | 'merchant'>): { detail: string; shop: string } {
  return { detail: JSON.stringify(encodeOrder(order)), shop: JSON.stringify(merchant) }
}

export function readEntry(row: Row, shop: Merchant): Entry {
  const { result, due, next } = row
  return {
    key: String(row.key),
    kind: row.kind as Entry['kind'],
    order: String(row.number),
    merchant: shop,
    method: row.method as Entry['method'],
    amount: BigInt(row.amount as number),
    at: new Date(Number(row.at)),
    stage: row.stage as Entry['stage'],
    ...readFacts(String(row.facts)),
    ...(result !== null && { result: result as Ending['result'] }),
    ...(due !== null && { due: due as NonNullable<Entry['due']> }),
    open: row.open === 1,
    tries: Number(row.tries),
    ...(next !== null && { nextTry: new Date(Number(next)) }),
  }
}

export function readShop(row: Row): Merchant {
  return JSON.parse(String(row.shop)) as Merchant
}

export function readOrder(row: Row, entries: readonly Entry[]): OrderRecord {
  return {
    ...decodeOrder(JSON.parse(String(row.detail)), 'order'),
    merchant: readShop(row),
    state: row.state as OrderState,
    offline: row.offline === 1,
    ...(row.bill !== null && { billNumber: String(row.bill) }),
    createdAt: new Date(Number(row.created)),
    updatedAt: new Date(Number(row.updated)),
    entries,
  }
}

export function readNotice(json: string): Notice {
  const notice = JSON.parse(json) as Notice
  return { ...notice, at: new Date(notice.at) }
}

/** The state of an order after a payment has ended, where the host has not said it. */
export function stateAfter({ result, answer, reversed }: Ending, hold: boolean | undefined): OrderState {
  if (reversed) return 'Canceled'
  // An approval that was taken back afterwards says nothing of the order as it is now.
  if (answer?.orderState && answer.state === result) return answer.orderState
  if (result === 'approved') return hold ? 'Delayed' : 'Approved'
  if (result === 'unknown') return 'In Process'
  return result === 'declined' ? 'Declined' : 'Canceled'
}
