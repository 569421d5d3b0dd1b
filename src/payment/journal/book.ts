/** The journal over SQLite: every step of a payment in one transaction, and what a till needs to go on from there. Node only. */

import type { Clock } from '../../clock.ts'
import { Fault } from '../../errors.ts'
import { maskPan } from '../../mask.ts'
import type { Merchant, OrderChange } from '../acquirer.ts'
import { checkOrder } from '../order.ts'
import { panOf } from '../receipt/receipt.ts'
import { damaged, inspect, isAside, legible, repair, wasLookedAt } from './check.ts'
import type { Entry, Journal, JournalOptions, OrderRecord } from './journal.ts'
import { openLease } from './lease.ts'
import { refuseIfTaken, standingPayments, stateAfter } from './money.ts'
import type { Notice } from './notice.ts'
import type { Ending, Intent, PaymentStep } from './recorder.ts'
import { APPLICATION, type Facts, orderRow, readEntry, readFacts, readNotice, readOrder, readShop, schema, writeFacts } from './rows.ts'
import { sealer } from './seal.ts'
import { ordersBy } from './select.ts'
import { openDatabase, type Row, type Value } from './sqlite.ts'

const BUSY_TIME = 5000
const LEASE_TIME = 30_000

/** Use `openJournal`. */
export async function open(path: string, options: JournalOptions & { readonly clock: Clock }): Promise<Journal> {
  const { clock, busyTime = BUSY_TIME, maxSize, leaseTime = LEASE_TIME } = options
  const vault = options.key && sealer(options.key)
  const database = await openDatabase(path, {
    ...{ schema, application: APPLICATION, what: 'the payment journal', busyTime },
    ...(maxSize !== undefined && { maxSize }),
    sound: read => options.inspect !== 'all' && wasLookedAt(read, clock.now()),
  })
  try {
    const found = inspect(database, clock.now(), options.inspect === 'all')
    if (found.length > 0 && !options.onRepair) throw damaged(path, found)
    if (found.length > 0) options.onRepair!(repair(database, found))
  } catch (error) {
    database.close()
    throw error
  }
  const lease = openLease(database, clock, leaseTime)

  const log = (key: string, stage: string, detail: object) =>
    database.run('INSERT INTO steps (key, at, stage, detail) VALUES (?, ?, ?, ?)', key, clock.now(), stage, JSON.stringify(detail))

  function factsOf(key: string): Facts {
    const row = database.get('SELECT facts FROM entries WHERE key = ? AND owner = ? AND open = 1', key, lease.id)
    if (!row)
      throw new Fault('journal', `payment ${key} is no longer this process's: another one has brought it to its end`, {
        reason: 'taken-over',
        key,
      })
    return legible(path, 'entries', key, () => readFacts(String(row.facts)))
  }

  /** Changes an entry that is this process's own. */
  function set(key: string, stage: string, facts: Facts, columns: Readonly<Record<string, Value>> = {}): void {
    const all = { stage, facts: writeFacts({ ...factsOf(key), ...facts }), ...columns }
    const names = Object.keys(all)
    database.run(`UPDATE entries SET ${names.map(name => `${name} = ?`).join(', ')} WHERE key = ?`, ...Object.values<Value>(all), key)
  }

  /** An order that could not be read may be paid. @throws Fault `busy` */
  function refuseIfAside({ merchant, order }: Pick<Intent, 'merchant' | 'order'>): void {
    if (isAside(database, merchant.id, order.number))
      throw new Fault('busy', `order ${order.number} could not be read and was set aside: it may be paid`, {
        ...{ state: 'in-process', order: order.number },
      })
  }

  const entryOf = (row: Row, shop: Merchant) => legible(path, 'entries', String(row.key), () => readEntry(row, shop))
  const withEntries = (row: Row): OrderRecord =>
    legible(path, 'orders', String(row.number), () => {
      const shop = readShop(row)
      const entries = database.all('SELECT * FROM entries WHERE merchant = ? AND number = ? ORDER BY at, rowid', row.merchant, row.number)
      return readOrder(
        row,
        entries.map(entry => entryOf(entry, shop)),
      )
    })
  const recordOf = (merchant: Value, number: Value): OrderRecord | undefined => {
    const row = database.get('SELECT * FROM orders WHERE merchant = ? AND number = ?', merchant, number)
    return row && withEntries(row)
  }

  function begin(intent: Intent): void {
    const { key, order, merchant, method, amount, at, reader, hold, partial, received, type } = intent
    refuseIfAside(intent)
    const known = recordOf(merchant.id, order.number)
    refuseIfTaken(intent, known)
    const now = clock.now()
    const { detail, shop } = orderRow(intent)
    const kind = type === 'refund' || type === 'check' ? type : ('payment' as const)
    // What is no payment of its order leaves it as it is.
    const change = kind !== 'payment' ? '' : 'detail = excluded.detail, shop = excluded.shop, state = excluded.state, offline = 0, '
    database.run(
      `INSERT INTO orders (merchant, number, detail, shop, state, offline, created, updated) VALUES (?, ?, ?, ?, 'In Process', 0, ?, ?)
       ON CONFLICT (merchant, number) DO UPDATE SET ${change}updated = excluded.updated`,
      ...[merchant.id, order.number, detail, shop, now, now],
    )
    insert(
      { key, kind, merchant, number: order.number, method, amount, at, stage: 'begun' },
      {
        ...(reader && { reader }),
        ...(hold && { hold }),
        ...(partial && { partial }),
        ...(received !== undefined && { received }),
        ...(type && type !== 'purchase' && { type }),
        ...(kind === 'refund' && known && standingPayments(known).length > 0 && { linked: true }),
      },
    )
    log(key, 'begun', {
      order: order.number,
      type: type ?? 'purchase',
      amount: amount.toString(),
      currency: order.currency.alpha,
      method,
      reader,
    })
  }

  function insert(
    {
      key,
      kind,
      merchant,
      number,
      method,
      amount,
      at,
      stage,
    }: Pick<Entry, 'key' | 'kind' | 'merchant' | 'method' | 'amount' | 'at' | 'stage'> & { number: string },
    facts: Facts,
    due: string | null = null,
  ): void {
    database.run(
      'INSERT INTO entries (key, merchant, number, kind, method, amount, at, stage, due, open, tries, owner, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, ?, ?)',
      ...[key, merchant.id, number, kind, method, Number(amount), +at, stage, due, lease.id, writeFacts(facts)],
    )
  }

  function end(key: string, ending: Ending): void {
    const { result, reason, answer, receipt, due } = ending
    factsOf(key) // it is this process's own
    const { merchant, number } = database.get('SELECT merchant, number FROM entries WHERE key = ?', key)!
    const state = stateAfter(ending, key, recordOf(merchant, number)!)
    const part = result === 'approved' ? answer?.approvedAmount : undefined
    set(
      key,
      'ended',
      { receipt, ...(reason && { reason }), ...(answer && { answer }) },
      {
        result,
        due: due ?? null,
        open: due ? 1 : 0,
        owner: null,
        tries: 0,
        next: due ? clock.now() : null,
        ...(due !== 'advice' && { sealed: null }),
        ...(part !== undefined && { amount: Number(part) }),
      },
    )
    database.run(
      'UPDATE orders SET state = ?, offline = ?, bill = coalesce(?, bill), updated = ? WHERE merchant = ? AND number = ?',
      ...[state, due === 'advice' || due === 'registration' ? 1 : 0, answer?.billNumber ?? null, clock.now(), merchant, number],
    )
    log(key, 'ended', { result, reason, due, code: answer?.response?.code })
  }

  function write(step: PaymentStep): void {
    const { key, stage } = step
    switch (stage) {
      case 'begun':
        begin(step)
        break
      case 'asking': {
        const { interface: through, cvm, tags } = step.message
        const pan = panOf(tags)
        set(key, stage, {})
        log(key, stage, { interface: through, cvm, pan: pan && maskPan(pan) })
        break
      }
      case 'presenting': {
        const { payload, expires, answer } = step
        set(key, stage, { ...(payload && expires && { code: { payload, expires } }), ...(answer && { answer }) })
        log(key, stage, { code: payload !== undefined })
        break
      }
      case 'answered': {
        const { state, response, transaction } = step.answer
        set(key, stage, { answer: step.answer })
        log(key, stage, { state, code: response?.code, transaction })
        break
      }
      case 'card': {
        const { result, reason, receipt } = step
        set(key, stage, { card: result, receipt, ...(reason && { reason }) })
        log(key, stage, { result, reason })
        break
      }
      case 'reversing':
        set(key, stage, { why: step.why, ...(step.target && { target: step.target }) })
        log(key, stage, { why: step.why })
        break
      case 'advising':
        set(key, stage, step.message.key === key ? {} : { target: step.message.key }, { sealed: vault?.seal(step.message, key) ?? null })
        log(key, stage, { key: step.message.key })
        break
      case 'ended':
        end(key, step)
        break
    }
  }

  const shopOf = (merchant: Value, number: Value) =>
    legible(path, 'orders', String(number), () =>
      readShop(database.get('SELECT shop FROM orders WHERE merchant = ? AND number = ?', merchant, number)!),
    )
  const notify = (notice: Notice) => database.run('INSERT INTO notices (notice) VALUES (?)', JSON.stringify(notice))

  async function close(): Promise<void> {
    lease.close()
    database.close()
  }

  return {
    path,
    keepsCards: vault !== undefined,
    record(step) {
      if (step.stage === 'begun') return lease.taking(step.key, () => write(step))
      try {
        database.transaction(() => write(step))
      } finally {
        if (step.stage === 'ended') lease.release(step.key) // whether or not its end could be written, nobody works on it any more
      }
    },
    enter(order, merchant) {
      checkOrder(order, merchant)
      return database.transaction(() => {
        const { detail, shop } = orderRow({ order, merchant })
        const now = clock.now()
        const entered = database.run(
          "INSERT OR IGNORE INTO orders (merchant, number, detail, shop, state, offline, created, updated) VALUES (?, ?, ?, ?, 'In Process', 0, ?, ?)",
          ...[merchant.id, order.number, detail, shop, now, now],
        )
        if (entered === 0)
          throw new Fault('bad-argument', `order.number: there is an order ${order.number} already`, { field: 'order.number' })
        return recordOf(merchant.id, order.number)!
      })
    },
    order: (merchant, number) => recordOf(merchant.id, number),
    orders(filter = {}) {
      const { sql, values } = ordersBy(filter)
      return database.all(sql, ...values).map(withEntries)
    },
    open(merchant) {
      const rows = database.all('SELECT * FROM entries WHERE open = 1 AND merchant = ? ORDER BY at, rowid', merchant.id)
      return rows.map(row => entryOf(row, shopOf(row.merchant, row.number)))
    },
    entry(key) {
      const row = database.get('SELECT * FROM entries WHERE key = ?', key)
      return row && entryOf(row, shopOf(row.merchant, row.number))
    },
    claim(key) {
      return lease.taking(key, () => {
        const row = database.get('SELECT owner FROM entries WHERE key = ? AND open = 1', key)
        if (!row || (row.owner !== null && lease.works(String(row.owner), key))) return false
        return database.run('UPDATE entries SET owner = ? WHERE key = ?', lease.id, key) === 1
      })
    },
    release(key, nextTry) {
      lease.release(key)
      database.run(
        'UPDATE entries SET owner = NULL, tries = tries + ?, next = coalesce(?, next) WHERE key = ? AND owner = ?',
        ...[nextTry ? 1 : 0, nextTry ? +nextTry : null, key, lease.id],
      )
    },
    change(kind, change: OrderChange) {
      const { key, merchant, number, at, amount = 0n } = change
      lease.taking(key, () => {
        const other = database.get('SELECT key FROM entries WHERE merchant = ? AND number = ? AND open = 1', merchant.id, number)
        if (other)
          throw new Fault('busy', `order ${number} is still being processed`, {
            state: 'in-process',
            order: number,
            key: String(other.key),
          })
        const paidBy = database.get(
          "SELECT method FROM entries WHERE merchant = ? AND number = ? AND kind = 'payment' ORDER BY at DESC",
          merchant.id,
          number,
        )
        const method = (paidBy?.method ?? 'reader') as Entry['method']
        insert({ key, kind, merchant, number, method, amount, at, stage: 'asking' }, { change }, 'change')
        log(key, 'asking', { kind, amount: change.amount?.toString(), items: change.items?.map(({ id }) => id), of: change.of })
      })
    },
    changed(key, answer, ...notices) {
      database.transaction(() => {
        const result = answer.state === 'approved' ? 'approved' : 'declined'
        set(key, 'ended', { answer }, { result, due: null, open: 0, owner: null, next: null })
        const { merchant, number } = database.get('SELECT merchant, number FROM entries WHERE key = ?', key)!
        if (answer.orderState)
          database.run(
            'UPDATE orders SET state = ?, updated = ? WHERE merchant = ? AND number = ?',
            answer.orderState,
            clock.now(),
            merchant,
            number,
          )
        log(key, 'ended', { result, code: answer.response?.code })
        notices.forEach(notify)
      })
      lease.release(key)
    },
    settle(key, ending, ...notices) {
      database.transaction(() => {
        end(key, ending)
        notices.forEach(notify)
      })
      lease.release(key)
    },
    update(merchant: Merchant, number, { state, offline, billNumber }, ...notices) {
      database.transaction(() => {
        database.run(
          'UPDATE orders SET state = coalesce(?, state), offline = coalesce(?, offline), bill = coalesce(?, bill), updated = ? WHERE merchant = ? AND number = ?',
          ...[state ?? null, offline === undefined ? null : Number(offline), billNumber ?? null, clock.now(), merchant.id, number],
        )
        notices.forEach(notify)
      })
    },
    notify: notice => void notify(notice),
    sealed(key) {
      const row = database.get('SELECT sealed FROM entries WHERE key = ?', key)
      if (!row?.sealed) return undefined
      if (!vault) throw new Fault('bad-key', `what is kept of payment ${key} needs the journal's key`, { key })
      return vault.open(row.sealed as Uint8Array, key)
    },
    notices: () =>
      database
        .all('SELECT id, notice FROM notices WHERE told IS NULL ORDER BY id')
        .map(({ id, notice }) => ({ id: Number(id), notice: legible(path, 'notices', String(id), () => readNotice(String(notice))) })),
    told: id => void database.run('UPDATE notices SET told = ? WHERE id = ?', clock.now(), id),
    forget(before) {
      return database.transaction(() => {
        const old = `SELECT merchant, number FROM orders o WHERE updated < ?
          AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.merchant = o.merchant AND e.number = o.number AND e.open = 1)`
        database.run(`DELETE FROM steps WHERE key IN (SELECT key FROM entries WHERE (merchant, number) IN (${old}))`, +before)
        database.run(`DELETE FROM entries WHERE (merchant, number) IN (${old})`, +before)
        const count = database.run(`DELETE FROM orders WHERE (merchant, number) IN (${old})`, +before)
        database.run('DELETE FROM notices WHERE told < ?', +before)
        return count
      })
    },
    history: key =>
      database
        .all('SELECT at, stage, detail FROM steps WHERE key = ? ORDER BY id', key)
        .map(({ at, stage, detail }) => ({ at: new Date(Number(at)), stage: String(stage), detail: String(detail) })),
    close,
    [Symbol.asyncDispose]: close,
  }
}
