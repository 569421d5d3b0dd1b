/** The acquirer's memory on disk: orders, keys and accounts in SQLite, so that a restart forgets nothing. Test cards only, and still no card number in it. */

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fromHex, hex, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { type Database, openDatabase } from '../../src/payment/journal/sqlite.ts'
import { Book } from './book.ts'
import type { BookedOrder } from './booked.ts'
import type { AccountState } from './issuer/accounts.ts'
import type { KeySerialState } from './key-serials.ts'
import { type Names, names } from './names.ts'

const schema = `
  CREATE TABLE orders (merchant TEXT NOT NULL, number TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (merchant, number)) STRICT;
  CREATE TABLE prints (key TEXT PRIMARY KEY, merchant TEXT NOT NULL, number TEXT NOT NULL, print TEXT NOT NULL) STRICT;
  CREATE TABLE voided (key TEXT PRIMARY KEY) STRICT;
  CREATE TABLE accounts (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE serials (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE names (id INTEGER PRIMARY KEY CHECK (id = 1), "check" TEXT NOT NULL) STRICT;
  CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
`

/** Numbers of unpredictable bytes. */
function drawing(random: (length: number) => Uint8Array): (below: number) => number {
  return below => uint(random(4)) % below
}

/** 'tdac' */
const APPLICATION = 0x74646163

export interface Changed {
  readonly order?: BookedOrder
  /** Keys whose fingerprints are new. */
  readonly keys?: readonly string[]
  readonly accounts?: readonly AccountState[]
  readonly voided?: string
  readonly serials?: readonly KeySerialState[]
}

export interface Store {
  readonly book: Book
  readonly accounts: readonly AccountState[]
  /** Keys of readers that have been used. */
  readonly serials: readonly KeySerialState[]
  /** All of it on disk when this returns, or none. */
  save(changed: Changed): void
  close(): void
}

/**
 * Without a path the book lives in memory only. What names its cards is kept apart from it, in `<path>.key`.
 * @throws Fault `journal`, `missing-library`, `bad-key` when the key is not there, or another book's
 */
export async function openStore(path: string | undefined, random?: (length: number) => Uint8Array): Promise<Store> {
  if (path === undefined)
    return {
      book: new Book(names(random?.(32)), undefined, random && drawing(random)),
      accounts: [],
      serials: [],
      save: () => {},
      close: () => {},
    }
  const database = await openDatabase(path, { schema, application: APPLICATION, what: 'the acquirer’s state' })
  let book: Book
  try {
    book = load(database, openNames(database))
  } catch (error) {
    database.close()
    throw error
  }
  // Books of before have no such table.
  database.run('CREATE TABLE IF NOT EXISTS serials (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT')
  const serials = database.all('SELECT body FROM serials').map(({ body }) => readBook(String(body)) as KeySerialState)
  const accounts = database.all('SELECT body FROM accounts').map(({ body }) => readBook(String(body)) as AccountState)
  return {
    book,
    accounts,
    serials,
    save({ order, keys = [], accounts = [], voided, serials = [] }) {
      database.transaction(() => {
        if (order) {
          const { merchant, number } = order
          database.run('INSERT OR REPLACE INTO orders (merchant, number, body) VALUES (?, ?, ?)', merchant, number, writeBook(order))
          for (const key of keys)
            database.run(
              'INSERT OR REPLACE INTO prints (key, merchant, number, print) VALUES (?, ?, ?, ?)',
              key,
              merchant,
              number,
              book.print(key) ?? '',
            )
        }
        for (const account of accounts)
          database.run('INSERT OR REPLACE INTO accounts (id, body) VALUES (?, ?)', account.id, writeBook(account))
        for (const serial of serials) database.run('INSERT OR REPLACE INTO serials (id, body) VALUES (?, ?)', serial.id, writeBook(serial))
        if (voided !== undefined) database.run('INSERT OR IGNORE INTO voided (key) VALUES (?)', voided)
        database.run('INSERT OR REPLACE INTO counter (id, count) VALUES (1, ?)', book.count)
      })
    },
    close: () => database.close(),
  }
}

/** Makes the key of a new book, and of one of before, whose names are renewed under it. */
function openNames(database: Database): Names {
  const file = `${database.path}.key`
  const bad = (why: string) => new Fault('bad-key', `${file}: ${why}`, { path: file })
  database.run('CREATE TABLE IF NOT EXISTS names (id INTEGER PRIMARY KEY CHECK (id = 1), "check" TEXT NOT NULL) STRICT')
  const check = database.get('SELECT "check" FROM names')?.check
  if (check === undefined && !existsSync(file)) writeFileSync(file, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  if (!existsSync(file)) throw bad('the key of the acquirer’s state is not there; without it no card is known again')
  const text = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f]{64}$/i.test(text)) throw bad('the key of the acquirer’s state is 64 hex digits')
  const known = names(fromHex(text))
  if (check !== undefined && check !== known.check) throw bad('it is the key of another state')
  if (check === undefined) database.transaction(() => rename(database, known))
  return known
}

function rename(database: Database, { check, renew }: Names): void {
  for (const { id, body } of database.all('SELECT id, body FROM accounts')) {
    const [card, ...rest] = String(id).split(' ')
    const fresh = [renew(card), ...rest].join(' ')
    database.run(
      'UPDATE accounts SET id = ?, body = ? WHERE id = ?',
      fresh,
      writeBook({ ...(readBook(String(body)) as AccountState), id: fresh }),
      id,
    )
  }
  for (const { rowid, body } of database.all('SELECT rowid, body FROM orders')) {
    const order = readBook(String(body)) as BookedOrder
    const operations = order.operations.map(one => ({
      ...one,
      ...(one.card !== undefined && { card: renew(one.card) }),
      ...(one.account !== undefined && { account: one.account.replace(/^\S+/, renew) }),
    }))
    database.run('UPDATE orders SET body = ? WHERE rowid = ?', writeBook({ ...order, operations }), rowid)
  }
  database.run('DELETE FROM prints') // a repetition of before is told by its key alone
  database.run('INSERT INTO names (id, "check") VALUES (1, ?)', check)
}

function load(database: Database, known: Names): Book {
  const count = database.get('SELECT count FROM counter')?.count
  const book = typeof count === 'number' ? new Book(known, count) : new Book(known)
  const prints = new Map<string, Record<string, string>>()
  for (const { key, merchant, number, print } of database.all('SELECT * FROM prints')) {
    const own = JSON.stringify([merchant, number])
    prints.set(own, { ...prints.get(own), [String(key)]: String(print) })
  }
  for (const { merchant, number, body } of database.all('SELECT * FROM orders ORDER BY rowid'))
    book.restore(readBook(String(body)) as BookedOrder, prints.get(JSON.stringify([merchant, number])) ?? {})
  for (const { key } of database.all('SELECT key FROM voided')) book.void(String(key))
  return book
}

/** JSON with what JSON lacks under names of its own: whole numbers of any size, bytes and times. */
export function writeBook(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name: string, plain: unknown) {
    const own = this[name]
    if (typeof own === 'bigint') return { $n: own.toString() }
    if (own instanceof Date) return { $t: +own }
    if (own instanceof Uint8Array) return { $b: hex(own) }
    return plain
  })
}

export function readBook(text: string): unknown {
  return JSON.parse(text, (_, value) => {
    if (typeof value !== 'object' || value === null) return value
    if (typeof value.$n === 'string') return BigInt(value.$n)
    if (typeof value.$t === 'number') return new Date(value.$t)
    return typeof value.$b === 'string' ? fromHex(value.$b) : value
  })
}
