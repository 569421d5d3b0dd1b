/** Rows of a journal that nobody can read: found when it is opened, and mended or set aside so that no other row is lost. Node only. */

import { hex } from '../../bytes.ts'
import { Fault, isFault } from '../../errors.ts'
import type { Merchant } from '../acquirer.ts'
import { methods } from '../steps.ts'
import type { Damage, Repaired } from './damage.ts'
import { readEntry, readNotice, readOrder, readShop, results, schema } from './rows.ts'
import { additions, UNSETTLED } from './select.ts'
import type { Database, Row } from './sqlite.ts'

const nobody: Merchant = { name: '', id: '', terminal: '' }

/** Table → columns, as `schema` makes them. */
const columns = new Map(
  [...schema.matchAll(/CREATE TABLE (\w+) \(([^;]*)\) STRICT/g)].map(([, table, body]) => [
    table,
    body
      .split(/,(?![^(]*\))/)
      .map(column => column.trim())
      .filter(column => !column.startsWith('PRIMARY KEY')), // a table's own key is no column
  ]),
)
const nameOf = (column: string) => column.split(/\s/)[0]

/** So many orders are few: all of them are looked at. */
const FEW = 1000
/** Rows that are read at a time. */
const PAGE = 200
const DAY = 86_400_000

/** Orders that somebody may soon ask of: those that changed last, and what is open or unsettled. */
const needed = `SELECT rowid FROM (SELECT rowid FROM orders ORDER BY updated DESC LIMIT ${FEW})
  UNION SELECT rowid FROM orders WHERE ${UNSETTLED}
  UNION SELECT o.rowid FROM entries e JOIN orders o ON o.merchant = e.merchant AND o.number = e.number WHERE e.open = 1`

/**
 * What is wrong, in the order of the tables, as it stands at one moment: others may be writing. With `all`, where there are few orders, and once a day of everything, which
 * is then written down; else of what is needed.
 * @param now milliseconds since 1970
 */
export function inspect(database: Database, now: number, all: boolean): readonly Damage[] {
  const missing = lacking(database)
  if (missing.length > 0) return missing
  for (const sql of additions) database.run(sql)
  const many = database.get(`SELECT rowid FROM orders LIMIT 1 OFFSET ${FEW}`) !== undefined
  const due = many && !wasLookedAt(database.get, now)
  const found = database.snapshot(() => look(database, all || due || !many))
  if (found.length === 0 && due)
    database.transaction(() => {
      database.run('DELETE FROM looks')
      database.run('INSERT INTO looks (at) VALUES (?)', now)
    })
  return found
}

/** Whether all of the file was looked at within a day. */
export function wasLookedAt(read: Database['get'], now: number): boolean {
  const { at } = read('SELECT max(at) AS at FROM looks') ?? {}
  return typeof at === 'number' && at <= now && now - at < DAY
}

function lacking(database: Database): readonly Damage[] {
  const found: Damage[] = []
  for (const [table, names] of columns) {
    const there = database.all(`SELECT name FROM pragma_table_info('${table}')`).map(({ name }) => String(name))
    if (there.length === 0) found.push({ table, why: 'the table is missing' })
    else for (const column of names.map(nameOf)) if (!there.includes(column)) found.push({ table, column, why: 'the column is missing' })
  }
  return found
}

function look(database: Database, all: boolean): readonly Damage[] {
  const found: Damage[] = []
  const read = (table: string, sql: string, which: string, name: (row: Row) => string | undefined, reading: (row: Row) => unknown) => {
    for (let last = -1; ; ) {
      const rows = database.all(`${sql} WHERE t.rowid > ?${all ? '' : ` AND ${which}`} ORDER BY t.rowid LIMIT ${PAGE}`, last)
      for (const row of rows) {
        const bad = unreadable(() => reading(row))
        if (bad) found.push({ table, row: Number(row.row), ...(name(row) !== undefined && { name: name(row)! }), ...bad })
      }
      if (rows.length < PAGE) return
      last = Number(rows.at(-1)!.row)
    }
  }
  read(
    'orders',
    'SELECT t.rowid AS row, t.* FROM orders t',
    `t.rowid IN (${needed})`,
    row => String(row.number),
    row => readOrder(row, []),
  )
  const unread = new Set(found.map(({ name }) => name))
  read(
    'entries',
    'SELECT t.rowid AS row, t.*, o.shop AS shop FROM entries t LEFT JOIN orders o ON o.merchant = t.merchant AND o.number = t.number',
    `t.rowid IN (SELECT rowid FROM entries WHERE open = 1 UNION SELECT e.rowid FROM orders o JOIN entries e ON e.merchant = o.merchant AND e.number = o.number WHERE o.rowid IN (${needed}))`,
    row => String(row.key),
    row => {
      if (row.shop === null) throw new Fault('journal', 'its order is not there', { path: 'number' })
      return readEntry(row, unread.has(String(row.number)) ? nobody : readShop(row))
    },
  )
  read(
    'notices',
    'SELECT t.rowid AS row, t.* FROM notices t',
    't.told IS NULL',
    () => undefined,
    row => readNotice(String(row.notice)),
  )
  return found
}

/**
 * Mends what can be mended and sets the rest aside, all in one transaction:
 *
 * | Damaged | What becomes of it |
 * |---|---|
 * | a payment that has its result, or one that waits for an advice | stays as it is, without its slip |
 * | another payment that is open | its host is asked, as after a crash: what it did is taken back, since nobody knows what the card said |
 * | a confirmation or cancellation | ends as unknown; what became of it is the host's word on the order |
 * | an order | is set aside with its entries; its number is not paid again |
 * | a notice | is set aside |
 * | a table; a column that may be empty | is made anew |
 *
 * @throws Fault `journal` (`damaged`) of a column that cannot be made anew
 */
export function repair(database: Database, found: readonly Damage[]): readonly Repaired[] {
  return database.transaction(() => {
    database.run(
      'CREATE TABLE IF NOT EXISTS aside (id INTEGER PRIMARY KEY, source TEXT NOT NULL, merchant TEXT, number TEXT, content TEXT NOT NULL) STRICT',
    )
    const repaired = found.map(damage => ({ ...damage, became: mend(database, damage) }))
    for (const sql of additions) database.run(sql)
    return repaired
  })
}

function mend(database: Database, damage: Damage): Repaired['became'] {
  const { table, row, column } = damage
  if (row === undefined) {
    const wanted = columns.get(table)!.find(one => column !== undefined && nameOf(one) === column)
    if (column === undefined) for (const sql of statementsOf(table)) database.run(sql)
    else if (wanted && !wanted.includes('NOT NULL') && !wanted.includes('PRIMARY KEY'))
      database.run(`ALTER TABLE ${table} ADD COLUMN ${wanted}`)
    else throw damaged(database.path, [damage])
    return 'mended'
  }
  const content = database.get(`SELECT * FROM ${table} WHERE rowid = ?`, row)
  if (!content) return 'aside' // with its order
  if (table === 'entries' && (content.kind === 'payment' || content.kind === 'refund') && mendPayment(database, content, row))
    return 'mended'
  if (table === 'entries' && (content.kind === 'confirmation' || content.kind === 'cancellation' || content.kind === 'increment')) {
    database.run(
      "UPDATE entries SET stage = 'ended', result = 'unknown', due = NULL, open = 0, owner = NULL, facts = '{}' WHERE rowid = ?",
      row,
    )
    // The host is asked for the order's state.
    database.run('UPDATE orders SET offline = 1 WHERE merchant = ? AND number = ?', content.merchant, content.number)
    return 'mended'
  }
  setAside(database, table, content)
  database.run(`DELETE FROM ${table} WHERE rowid = ?`, row)
  if (table !== 'orders') return 'aside'
  for (const entry of database.all('SELECT * FROM entries WHERE merchant = ? AND number = ?', content.merchant, content.number))
    setAside(database, 'entries', entry)
  database.run('DELETE FROM entries WHERE merchant = ? AND number = ?', content.merchant, content.number)
  return 'aside'
}

/** False where what is left of it says too little. */
function mendPayment(database: Database, content: Row, row: number): boolean {
  if (!database.get('SELECT number FROM orders WHERE merchant = ? AND number = ?', content.merchant, content.number)) return false
  const ended = results.some(one => one === content.result) && (content.due === null || content.due === 'advice')
  const method = methods.some(one => one === content.method) ? content.method : 'reader'
  const [stage, result, due] = ended ? ['ended', content.result, content.due] : ['asking', null, null]
  const open = ended && due === null ? 0 : 1
  database.run(
    'UPDATE entries SET method = ?, stage = ?, result = ?, due = ?, open = ?, owner = NULL, facts = ? WHERE rowid = ?',
    // Where a refund stood by itself is not known any more: it counts as the order's, so that no more is given back.
    ...[method, stage, result, due, open, content.kind === 'refund' ? '{"type":"refund","linked":true}' : '{}', row],
  )
  const mended = database.get('SELECT * FROM entries WHERE rowid = ?', row)!
  return unreadable(() => readEntry(mended, nobody)) === undefined
}

/** What is secret stays enciphered; a BLOB is kept as hex. */
function setAside(database: Database, source: string, content: Row): void {
  const kept = JSON.stringify(content, (_, value) => (value instanceof Uint8Array ? hex(value) : value))
  database.run(
    'INSERT INTO aside (source, merchant, number, content) VALUES (?, ?, ?, ?)',
    ...[source, content.merchant ?? null, content.number ?? null, kept],
  )
}

function statementsOf(table: string): string[] {
  return schema.split(';').filter(sql => new RegExp(`CREATE TABLE ${table} |CREATE INDEX \\w+ ON ${table} `).test(sql))
}

/** Names file, row and rule of the first, and how many more there are. */
export function damaged(path: string, found: readonly Damage[]): Fault {
  const [{ table, row, name, column, why }] = found
  const where = [
    `table ${table}`,
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(name === undefined ? [] : [`(${name})`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ]
  const more = found.length > 1 ? `; ${found.length - 1} more` : ''
  return new Fault('journal', `the payment journal ${path}: ${where.join(' ')}: ${why}${more}`, {
    ...{ reason: 'damaged', path, table, why, count: found.length },
    ...(row !== undefined && { row }),
    ...(name !== undefined && { name }),
    ...(column !== undefined && { column }),
  })
}

/** Whether an order of this number was set aside: it may have been paid. */
export function isAside(database: Database, merchant: string, number: string): boolean {
  if (!database.get("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'aside'")) return false
  return database.get('SELECT id FROM aside WHERE merchant = ? AND number = ?', merchant, number) !== undefined
}

/** A row as it is read when it is needed: what happened to it since the journal was opened is told as it would have been then. @throws Fault `journal` (`damaged`) */
export function legible<T>(path: string, table: string, name: string, read: () => T): T {
  let result: T | undefined
  const bad = unreadable(() => {
    result = read()
  })
  if (bad) throw damaged(path, [{ table, name, ...bad }])
  return result!
}

/** What a reader of rows says of one; undefined when it can be read. */
function unreadable(read: () => unknown): Pick<Damage, 'column' | 'why'> | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (!isFault(error)) throw error
    const { path, rule } = error.details
    return {
      ...(path !== undefined && { column: String(path).replace(/[.[].*/, '') }),
      why: rule === undefined ? error.message : `not ${rule}`,
    }
  }
}
