/** Which rows of orders a filter asks for: by an index, and no more of them than are shown. */

import * as door from '../../door.ts'
import * as rules from '../rules.ts'
import type { OrderFilter } from './journal.ts'
import type { Value } from './sqlite.ts'

/** What a file of version 1 may lack: nothing where it is there already. One row of `looks` says when all of the file was looked at last. */
export const additions = [
  'CREATE TABLE IF NOT EXISTS looks (at INTEGER NOT NULL) STRICT',
  'CREATE INDEX IF NOT EXISTS orders_created ON orders (created)',
  "CREATE INDEX IF NOT EXISTS orders_unsettled ON orders (updated) WHERE offline = 1 OR state = 'In Process'",
  'CREATE INDEX IF NOT EXISTS notices_untold ON notices (id) WHERE told IS NULL',
]

/** As the index has it, word for word: else SQLite does not take it. */
export const UNSETTLED = "(offline = 1 OR state = 'In Process')"

/** Newest first. @throws Fault `bad-argument` */
export function ordersBy(filter: OrderFilter): { readonly sql: string; readonly values: readonly Value[] } {
  door.need('filter', filter, rules.filterRule)
  const { since, merchant, states, unsettled, after, limit } = filter
  const where: string[] = []
  const values: Value[] = []
  const only = (sql: string, ...its: readonly Value[]) => {
    where.push(sql)
    values.push(...its)
  }
  if (unsettled) only(UNSETTLED)
  if (since) only('updated >= ?', +since)
  // Not by the key's index, which would have them in no order that is asked for.
  if (merchant) only('+merchant = ?', merchant.id)
  if (states) only(`state IN (${states.map(() => '?').join(', ')})`, ...states)
  if (after)
    only(
      '(created, rowid) < (?, coalesce((SELECT rowid FROM orders WHERE merchant = ? AND number = ?), 0))',
      ...[+after.createdAt, after.merchant.id, after.number],
    )
  if (limit !== undefined) values.push(limit)
  const [condition, most] = [where.length > 0 ? `WHERE ${where.join(' AND ')}` : '', limit === undefined ? '' : 'LIMIT ?']
  // Of the few that are unsettled an index finds those, not their order.
  return { sql: `SELECT * FROM orders ${condition} ORDER BY ${unsettled ? '+' : ''}created DESC, rowid DESC ${most}`, values }
}
