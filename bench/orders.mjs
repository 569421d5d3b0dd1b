/** What each order command takes with a long journal beside a short one: a process each, with its start, a host on a socket and its file on disk. */

import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { currency, httpAcquirer, openJournal, openTill } from '../dist/devices/index.js'
import { virtualCounter } from '../dist/simulator/world.js'

const cli = join(import.meta.dirname, '../dist/devices/cli.js')
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const RUB = currency('RUB')
const MINUTE = 60_000

/** Of a sale: older ones like it, each a minute before the one behind it, with its steps and what was told of it. */
function lengthen(file, number, count) {
  const database = new Database(file)
  const many = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`
  const name = "printf('OLD-%07d', i)"
  const key = "key || '-' || i"
  const columns = table =>
    database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map(({ name }) => name)
  const copy = (table, changed, where) => {
    const names = columns(table).filter(one => changed[one] !== null)
    database.exec(
      `INSERT INTO ${table} (${names.join(', ')}) ${many} SELECT ${names.map(one => changed[one] ?? one).join(', ')} FROM ${table}, n WHERE ${where}`,
    )
  }
  const before = column => `${column} - i * ${MINUTE}`
  const its = `number = '${number}'`
  database.exec('BEGIN')
  copy('steps', { id: null, key, at: before('at') }, `key IN (SELECT key FROM entries WHERE ${its})`)
  copy('entries', { key, number: name, at: before('at'), facts: `replace(facts, '${number}', ${name})` }, its)
  copy(
    'orders',
    { number: name, detail: `replace(detail, '${number}', ${name})`, created: before('created'), updated: before('updated') },
    its,
  )
  database.exec(
    `INSERT INTO notices (notice, told) ${many} SELECT json_object('type', 'paid', 'order', ${name}, 'at', '2026-11-01T00:00:00.000Z'), 1 FROM n`,
  )
  database.exec('COMMIT')
  database.close()
}

/** A command as a user starts it. */
async function run(words, usage) {
  const child = spawn(process.execPath, ['--import', join(import.meta.dirname, 'usage.mjs'), cli, ...words], {
    env: { ...process.env, TAPDIP_USAGE: usage, LANG: 'C.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', text => {
    said += text
  })
  const code = await new Promise(done => child.once('close', done))
  return { ...JSON.parse(readFileSync(usage, 'utf8')), code, said }
}

/**
 * Milliseconds of processor time and greatest MB of each command, the quickest of `rounds`, with so many orders.
 * @returns {Promise<Record<string, { short: { cpu: number, memory: number }, long: { cpu: number, memory: number } }>>}
 */
export async function orderTimes({ short = 1000, long = 100_000, rounds = 5 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-orders-'))
  const counter = await virtualCounter({ family: 'qpos', card: 'mir-maestro' })
  try {
    const acquirer = httpAcquirer(counter.acquirer.url)
    const first = join(folder, 'first.db')
    const sales = Array.from({ length: rounds * 4 + 1 }, (_, at) => `SALE-${at}`)
    const journal = await openJournal(first)
    const till = openTill({ journal, merchant, acquirer, background: false })
    for (const number of sales) await till.payOrder({ number, amount: 10_000n, currency: RUB }, { method: 'cash', received: 10_000n })
    await till.close()
    await journal.close()
    const files = { short: join(folder, 'short.db'), long: join(folder, 'long.db') }
    for (const [name, count] of Object.entries({ short, long })) {
      copyFileSync(first, files[name])
      lengthen(files[name], sales.at(-1), count)
      await (await openJournal(files[name])).close() // what is done once a day
    }
    const found = {}
    for (let round = 0; round < rounds; round++)
      for (const [name, file] of Object.entries(files)) {
        const left = sales.slice(round * 4)
        const host = ['--acquirer', counter.acquirer.url]
        const commands = {
          list: ['list'],
          'list --after': ['list', '--after', 'OLD-0000700'],
          status: ['status', left[0], ...host],
          receipt: ['receipt', left[0]],
          refund: ['refund', left[0], '--amount', '10.00', ...host],
          cancel: ['cancel', left[1], ...host],
          new: ['new', '10.00', '--number', `NEW-${name}-${round}`],
          pay: ['pay', `NEW-${name}-${round}`, '--method', 'cash', '--received', '10.00', ...host],
          sync: ['sync', ...host],
        }
        for (const [command, words] of Object.entries(commands)) {
          const taken = await run(['order', ...words, '--journal', file], join(folder, 'usage.json'))
          // What one journal's round has changed at the host, the other's finds changed.
          const fine = taken.code === 0 || (taken.code === 10 && name === 'long')
          if (!fine) throw new Error(`order ${words.join(' ')} with the ${name} journal exits with ${taken.code}: ${taken.said}`)
          const best = (found[command] ??= {})[name]
          found[command][name] = { cpu: Math.min(best?.cpu ?? Infinity, taken.cpu), memory: Math.max(best?.memory ?? 0, taken.memory) }
        }
      }
    return found
  } finally {
    await counter.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
