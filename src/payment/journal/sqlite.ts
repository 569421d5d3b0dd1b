/** An SQLite file (package libsql) behind few checked calls, with its failures named. Node only; the package is loaded on first use. */

import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from '../../bytes.ts'
import { sleep } from '../../clock.ts'
import { Fault, isFault } from '../../errors.ts'
import { missingLibrary } from '../../missing-library.ts'

export type Value = string | number | Uint8Array | null
export type Row = Readonly<Record<string, Value>>

/** One connection. Calls are synchronous; every one throws Fault `journal` with details.reason when the file fails. */
export interface Database {
  readonly path: string
  /** The number of rows that were changed. */
  run(sql: string, ...values: readonly Value[]): number
  get(sql: string, ...values: readonly Value[]): Row | undefined
  all(sql: string, ...values: readonly Value[]): readonly Row[]
  /** All of `work` or none of it, on disk when this returns. Not nested. */
  transaction<T>(work: () => T): T
  /** `work` reads the file as it stands at one moment, and nobody waits for it. Not nested, and nothing is written in it. */
  snapshot<T>(work: () => T): T
  /** Idempotent. */
  close(): void
}

export interface DatabaseOptions {
  /** Statements that make the tables of version 1. */
  readonly schema: string
  /** `PRAGMA application_id`: tells our files from other SQLite files. */
  readonly application: number
  /** For messages: `the payment journal`. */
  readonly what: string
  /** Whether the file was looked at lately, so that not all of its pages are now: what is asked of it is read by the given function. Looked at when left out, or when it throws. */
  readonly sound?: (read: Database['get']) => boolean
  /** Milliseconds that a write waits for another process. */
  readonly busyTime?: number
  /** Bytes that the file may take; as many as the disk has when left out. */
  readonly maxSize?: number
}

export type FailureReason = 'full' | 'corrupt' | 'damaged' | 'no-permission' | 'not-found' | 'locked' | 'newer' | 'closed' | 'other'

const VERSION = 1
const PAGE = 4096

/** What of the package is used here. */
interface Connection {
  exec(sql: string): void
  prepare(sql: string): {
    run(values: readonly Value[]): { changes: number }
    get(values: readonly Value[]): unknown
    all(values: readonly Value[]): unknown[]
  }
  close(): void
}
type Library = new (path: string, options: { timeout: number }) => Connection

/**
 * Opens or makes the file. Write-ahead log with `synchronous=FULL`: one fsync for each commit, readers never wait, and a process that dies in the middle of a
 * write leaves a log that the next one rolls back by itself (sqlite.org/wal.html). Not for network file systems: the log's index is shared memory.
 * The file, and with it its log and index, is made readable and writable for its owner alone.
 * @param path of a file: an address, which the package would connect to, is refused
 * @throws Fault `bad-argument`, `missing-library`, `journal`
 */
export async function openDatabase(path: string, options: DatabaseOptions): Promise<Database> {
  const { what, busyTime = 5000 } = options
  if (typeof path !== 'string' || path === '' || /^[a-z][a-z0-9+.-]+:|^:|[\0?]/i.test(path))
    throw new Fault('bad-argument', `path: ${what} is a file, and ${JSON.stringify(path) ?? 'undefined'} is no path of one`, {
      ...{ field: 'path', rule: 'the path of a file' },
    })
  const Library = await load()
  const failed = (error: unknown) => failure(error, path, what)
  let connection: Connection
  keepPrivate(path)
  try {
    connection = new Library(path, { timeout: busyTime })
  } catch (error) {
    throw failed(error)
  }
  try {
    // Switching to the log takes the file for itself, and does not wait for others as a write does.
    for (let waited = 0; ; waited += 20) {
      try {
        prepareFile(connection, options)
        break
      } catch (error) {
        if (!isBusy(error) || waited >= busyTime) throw error
        await sleep(20)
      }
    }
  } catch (error) {
    connection.close()
    throw isFault(error) ? error : failed(error)
  }
  return wrap(connection, path, failed)
}

/** SQLite gives its log and index the mode of the file itself. What cannot be opened is told when SQLite opens it. */
function keepPrivate(path: string): void {
  try {
    if (!isBook(path)) return
    if ((statSync(path).mode & 0o077) === 0) return
    for (const file of [path, `${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600)
  } catch {
    // somebody else's, or nowhere
  }
}

/** Whether it is a database, or empty, as one that is made here: a file that was named by mistake keeps its mode. */
function isBook(path: string): boolean {
  const file = openSync(path, 'a+', 0o600)
  try {
    const head = new Uint8Array(16)
    const length = readSync(file, head, 0, head.length, 0)
    return length === 0 || text(head) === 'SQLite format 3\0'
  } finally {
    closeSync(file)
  }
}

function wrap(connection: Connection, path: string, failed: (error: unknown) => Fault): Database {
  const statements = new Map<string, ReturnType<Connection['prepare']>>()
  let open = true
  let nested = false
  const attempt = <T>(work: () => T): T => {
    if (!open) throw new Fault('journal', `${path} is closed`, { reason: 'closed', path })
    try {
      return work()
    } catch (error) {
      throw isFault(error) ? error : failed(error)
    }
  }
  const prepared = (sql: string, values: readonly Value[]) => {
    // The package ends the whole process when it is given a value that it does not know.
    for (const value of values)
      if (value !== null && typeof value !== 'string' && !(value instanceof Uint8Array) && !Number.isSafeInteger(value))
        throw new Fault('internal', `a ${typeof value} cannot be stored`)
    let statement = statements.get(sql)
    if (!statement) statements.set(sql, (statement = connection.prepare(sql)))
    return statement
  }
  const within = <T>(begin: string, work: () => T): T =>
    attempt(() => {
      if (nested) throw new Fault('internal', 'a transaction in a transaction')
      connection.exec(begin)
      nested = true
      try {
        const result = work()
        connection.exec('COMMIT')
        return result
      } catch (error) {
        try {
          connection.exec('ROLLBACK')
        } catch {
          // SQLite has rolled back by itself (full disk, I/O error)
        }
        throw error
      } finally {
        nested = false
      }
    })
  return {
    path,
    run: (sql, ...values) => attempt(() => prepared(sql, values).run(values).changes),
    get: (sql, ...values) => attempt(() => prepared(sql, values).get(values) as Row | undefined),
    all: (sql, ...values) => attempt(() => prepared(sql, values).all(values) as Row[]),
    transaction: work => within('BEGIN IMMEDIATE', work), // waits its turn; a deferred one could fail at its first write
    snapshot: work => within('BEGIN', work),
    close() {
      if (!open) return
      open = false
      statements.clear()
      try {
        // The package closes the file only when its statements are collected: the log is brought home before that.
        connection.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all([])
      } catch {
        // it is read the next time the file is opened
      }
      connection.close()
    },
  }
}

function prepareFile(connection: Connection, { schema, application, what, maxSize, sound }: DatabaseOptions): void {
  const pragma = (sql: string) => Object.values((connection.prepare(`PRAGMA ${sql}`).get([]) ?? {}) as Row)[0]
  const id = pragma('application_id')
  const version = Number(pragma('user_version'))
  const tables = Number(Object.values(connection.prepare('SELECT count(*) FROM sqlite_schema').get([]) as Row)[0])
  if (id !== application && (id !== 0 || tables > 0)) throw unusable('other', what, 'the file is an SQLite database of something else')
  if (version > VERSION) throw unusable('newer', what, `it was written by a newer version (${version}, known is ${VERSION})`)
  const checked = isSound(connection, sound) ? 'ok' : pragma('quick_check(1)')
  if (checked !== 'ok') throw unusable('corrupt', what, `the file is damaged: ${String(checked).replace(/\s+/g, ' ')}`)
  if (pragma('journal_mode=WAL') !== 'wal') throw unusable('other', what, 'the file system cannot hold a write-ahead log')
  for (const setting of ['synchronous=FULL', 'fullfsync=1', 'checkpoint_fullfsync=1']) connection.exec(`PRAGMA ${setting}`)
  if (maxSize !== undefined) connection.exec(`PRAGMA max_page_count=${Math.max(1, Math.floor(maxSize / PAGE))}`)
  if (version === VERSION) return
  connection.exec('BEGIN IMMEDIATE')
  try {
    if (Number(pragma('user_version')) === 0) {
      connection.exec(schema)
      connection.exec(`PRAGMA application_id=${application}; PRAGMA user_version=${VERSION}`)
    }
    connection.exec('COMMIT')
  } catch (error) {
    try {
      connection.exec('ROLLBACK')
    } catch {
      // rolled back already
    }
    throw error
  }
}

function isSound(connection: Connection, sound: DatabaseOptions['sound']): boolean {
  try {
    return sound?.((sql, ...values) => connection.prepare(sql).get(values) as Row | undefined) ?? false
  } catch {
    return false // the look says what is wrong
  }
}

async function load(): Promise<Library> {
  try {
    return (await import('libsql')).default as unknown as Library
  } catch (cause) {
    throw missingLibrary('the journal needs', 'libsql', cause)
  }
}

function unusable(reason: FailureReason, what: string, why: string): Fault {
  return new Fault('journal', `${what}: ${why}`, { reason })
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** SQLite's result codes (sqlite.org/rescode.html) in the words of `FailureReason`. */
function failure(error: unknown, path: string, what: string): Fault {
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const [reason, why]: [FailureReason, string] = /^SQLITE_FULL/.test(code)
    ? ['full', 'the disk is full']
    : /^SQLITE_(CORRUPT|NOTADB)/.test(code)
      ? ['corrupt', 'the file is damaged or no database']
      : isBusy(error)
        ? ['locked', 'another process does not let go of it']
        : /^SQLITE_(READONLY|PERM|AUTH)/.test(code)
          ? ['no-permission', 'it may not be written']
          : code === '' && /: 14"?\)?$/.test(message)
            ? cannotOpen(path)
            : ['other', message]
  return new Fault('journal', `${what} ${path}: ${why}`, { reason, path, ...(code && { code }) }, { cause: error })
}

/** SQLite says only "unable to open" (14); the directory tells why. */
function cannotOpen(path: string): [FailureReason, string] {
  const directory = dirname(path)
  if (!existsSync(directory)) return ['not-found', `there is no directory ${directory}`]
  try {
    accessSync(directory, constants.W_OK)
    if (existsSync(path)) accessSync(path, constants.W_OK)
  } catch {
    return ['no-permission', 'it may not be written']
  }
  return ['other', 'it cannot be opened as a file']
}
