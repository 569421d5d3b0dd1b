/** The acquirer's memory on disk: orders, keys and accounts in SQLite, so that a restart forgets nothing. Test cards only, and still no card number in it. */

import { fromHex, hex } from '../../src/bytes.ts'
import { type Database, openDatabase } from '../../src/payment/journal-sqlite.ts'
import { Book, type BookedOrder } from './book.ts'
import type { AccountState } from './issuer.ts'

const schema = `
  CREATE TABLE orders (merchant TEXT NOT NULL, number TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (merchant, number)) STRICT;
  CREATE TABLE prints (key TEXT PRIMARY KEY, merchant TEXT NOT NULL, number TEXT NOT NULL, print TEXT NOT NULL) STRICT;
  CREATE TABLE voided (key TEXT PRIMARY KEY) STRICT;
  CREATE TABLE accounts (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL) STRICT;
`

/** 'tdac' */
const APPLICATION = 0x74646163

export interface Changed {
  readonly order?: BookedOrder
  /** Keys whose fingerprints are new. */
  readonly keys?: readonly string[]
  readonly accounts?: readonly AccountState[]
  readonly voided?: string
}

export interface Store {
  readonly book: Book
  readonly accounts: readonly AccountState[]
  /** All of it on disk when this returns, or none. */
  save(changed: Changed): void
  close(): void
}

/** Without a path the book lives in memory only. @throws Fault `journal`, `missing-library` */
export async function openStore(path: string | undefined): Promise<Store> {
  if (path === undefined) return { book: new Book(), accounts: [], save: () => {}, close: () => {} }
  const database = await openDatabase(path, { schema, application: APPLICATION, what: 'the acquirer’s state' })
  const book = load(database)
  const accounts = database.all('SELECT body FROM accounts').map(({ body }) => read(String(body)) as AccountState)
  return {
    book,
    accounts,
    save({ order, keys = [], accounts = [], voided }) {
      database.transaction(() => {
        if (order) {
          const { merchant, number } = order
          database.run('INSERT OR REPLACE INTO orders (merchant, number, body) VALUES (?, ?, ?)', merchant, number, write(order))
          for (const key of keys)
            database.run(
              'INSERT OR REPLACE INTO prints (key, merchant, number, print) VALUES (?, ?, ?, ?)',
              key,
              merchant,
              number,
              book.print(key) ?? '',
            )
        }
        for (const account of accounts) database.run('INSERT OR REPLACE INTO accounts (id, body) VALUES (?, ?)', account.id, write(account))
        if (voided !== undefined) database.run('INSERT OR IGNORE INTO voided (key) VALUES (?)', voided)
        database.run('INSERT OR REPLACE INTO counter (id, count) VALUES (1, ?)', book.count)
      })
    },
    close: () => database.close(),
  }
}

function load(database: Database): Book {
  const count = database.get('SELECT count FROM counter')?.count
  const book = typeof count === 'number' ? new Book(count) : new Book()
  const prints = new Map<string, Record<string, string>>()
  for (const { key, merchant, number, print } of database.all('SELECT * FROM prints')) {
    const own = JSON.stringify([merchant, number])
    prints.set(own, { ...prints.get(own), [String(key)]: String(print) })
  }
  for (const { merchant, number, body } of database.all('SELECT * FROM orders ORDER BY rowid'))
    book.restore(read(String(body)) as BookedOrder, prints.get(JSON.stringify([merchant, number])) ?? {})
  for (const { key } of database.all('SELECT key FROM voided')) book.void(String(key))
  return book
}

/** JSON with what JSON lacks under names of its own: whole numbers of any size, bytes and times. */
function write(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name: string, plain: unknown) {
    const own = this[name]
    if (typeof own === 'bigint') return { $n: own.toString() }
    if (own instanceof Date) return { $t: +own }
    if (own instanceof Uint8Array) return { $b: hex(own) }
    return plain
  })
}

function read(text: string): unknown {
  return JSON.parse(text, (_, value) => {
    if (typeof value !== 'object' || value === null) return value
    if (typeof value.$n === 'string') return BigInt(value.$n)
    if (typeof value.$t === 'number') return new Date(value.$t)
    return typeof value.$b === 'string' ? fromHex(value.$b) : value
  })
}
