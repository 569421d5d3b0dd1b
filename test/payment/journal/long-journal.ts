/** A journal of many orders, made quickly: one is written as it happens, the others are like it. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { openDatabase } from '../../../src/payment/journal/sqlite.ts'
import { ends } from '../../ends.ts'

export const DAY = 86_400_000
export const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const receipt = { merchant: 'M', terminal: '1', order: 'FIRST', result: 'approved', amount: '150.00', currency: 'RUB', date: '26.03.2026 10:52', interface: 'chip', cvm: 'none', signatureLine: false } as const // biome-ignore format: a table
const entry = (number: string) => ({ number, amount: 150_00n, currency: currency('RUB') })

/** One order, and `count` like it, OLD-1 the newest of them, each a minute older. */
export async function longJournal(count: number, clock = new VirtualClock(Date.now() - DAY)) {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-long-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'orders.db')
  const journal = await openJournal(path, { clock })
  journal.record({ stage: 'begun', key: 'k', order: entry('FIRST'), merchant, method: 'cash', amount: 150_00n, at: new Date(clock.now()) })
  journal.record({ stage: 'ended', key: 'k', result: 'approved', receipt })
  await journal.close()
  const write = async (...statements: readonly string[]) => {
    const database = await openDatabase(path, { schema: '', application: 0x74646970, what: 'test' })
    for (const sql of statements) database.run(sql)
    database.close()
  }
  const many = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  await write(
    `INSERT INTO entries (key, merchant, number, kind, method, amount, at, stage, result, open, tries, facts)
      ${many} SELECT 'k-' || i, merchant, 'OLD-' || i, kind, method, amount, at, stage, result, open, tries, facts FROM entries, n`,
    `INSERT INTO orders (merchant, number, detail, shop, state, offline, created, updated)
      ${many} SELECT merchant, 'OLD-' || i, replace(detail, 'FIRST', 'OLD-' || i), shop, state, offline, created - i * 60000, updated - i * 60000 FROM orders, n`,
  )
  return { path, clock, write, open: (more = {}) => openJournal(path, { clock, ...more }) }
}

/** An entry of the order becomes one that nobody can read. */
export const spoil = (number: string) => `UPDATE entries SET facts = '{' WHERE number = '${number}'`
