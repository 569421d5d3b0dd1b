/**
 * The shipped suite beside the loop of the day on which it was asked for: `virtualCounter` and `pay` of a02462e, built in this run, pay what the suite's plain cases pay.
 * Both with what they had when nothing was set: the loop with its readers' real pauses (a QPOS was asked for its result every 225 ms), the suite with its trace,
 * explanations and expectations. The same loop with today's build, which asks the host without a socket, is told by the payments that it makes in a second of processor time. Each in a process of its own, in turn, by the clock on the wall: pauses are what is compared, and processor time has none. The quickest
 * of three rounds of a payment counts, each way: neighbours on the machine only ever add.
 */

import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadCard } from '../dist/simulator/cards/icc.js'
import { runCase } from '../dist/simulator/scenario/run.js'
import { buildOf, commitOf, root } from './older.mjs'
import { plainCases, timed } from './suite.mjs'

/** The tree that was measured when the suite was asked for. */
const THEN = 'a02462e'
const ROUNDS = 3

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }

/** The loop, in a process with one build; that of the day has no way around a socket. */
async function loop(build) {
  const at = path => import(pathToFileURL(join(build, 'dist', path)).href)
  const [{ currency, httpAcquirer, open, parseAmount, pay }, { profiles: cards, virtualCounter, virtualFamilies }] = await Promise.all([
    at('devices/index.js'),
    at('simulator/world.js'),
  ])
  const rub = currency('RUB')
  let number = 0
  /** Service code 101: a card with a stripe and no chip. */
  const stripe = { ...cards.mastercard, name: 'stripe', serviceCode: '101' }
  async function once({ family, card, present, pins, amount, dialect }) {
    const counter = await virtualCounter({
      family,
      card: card === 'stripe' ? stripe : card,
      present,
      ...(pins && { pins }),
      ...(dialect && { dialect }),
    })
    try {
      const reader = await open(counter.link(), { family, ...(dialect && { dialect }) })
      const order = { number: `then_${number++}`, amount: parseAmount(amount, rub), currency: rub }
      const { result } = await pay(order, {
        reader,
        merchant,
        acquirer: httpAcquirer(counter.acquirer.url, { fetch: counter.acquirer.fetch }),
      })
      await reader.close()
      return result
    } finally {
      await counter.close()
    }
  }
  process.on('message', async ({ times = 1, ...payment }) => {
    let result
    const time = await timed(async () => {
      for (let paid = 0; paid < times; paid++) result = await once(payment).catch(error => `${error.code}: ${error.message}`)
    })
    process.send({ result, time })
  })
  process.send({ cards: Object.keys(cards), families: virtualFamilies })
}

/** The suite, in a process with this build. */
async function suite() {
  process.on('message', async one => {
    let ended
    const time = await timed(async () => {
      ended = await runCase(one)
    })
    process.send({ result: ended.status === 'passed' ? (ended.result?.result ?? 'passed') : `${ended.status}: ${ended.reason}`, time })
  })
  process.send({})
}

function started(...args) {
  const child = fork(fileURLToPath(import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = new Promise((_, reject) =>
    child.once('exit', code => reject(new Error(`the process of ${args.join(' ')} ended with ${code}`))),
  )
  ended.catch(() => {})
  const heard = () => Promise.race([ended, new Promise(resolve => child.once('message', resolve))])
  return {
    ready: heard(),
    stop: () => child.kill(),
    ask(what) {
      const answer = heard()
      child.send(what)
      return answer
    },
  }
}

/** What the loop of that day is told for the same payment. */
function paymentOf({ plan }) {
  const [family, dialect] = (plan.reader ?? 'qpos').split(' ')
  const card = plan.card ?? 'mir-maestro'
  const { pin } = loadCard(card)
  return { family, dialect, card, present: plan.person ?? 'dip', amount: plan.amount ?? '2500.00', ...(pin && { pins: [pin] }) }
}

/**
 * Milliseconds of wall and processor time that a payment takes each way, and whether it came to the same. Undefined where this is no clone with that commit.
 * @param {number} count payments, evenly of those that both can make
 */
export async function suiteBesideThen(count) {
  const commit = commitOf(THEN)
  if (commit === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-then-'))
  const running = []
  try {
    const build = join(folder, 'then')
    buildOf(commit, build)
    const [then, now, today] = [started('--loop', build), started('--suite'), started('--loop', root)]
    running.push(then, now, today)
    const [{ cards, families }] = await Promise.all([then.ready, now.ready, today.ready])
    const knows = ({ family, card }) => cards.includes(card) && JSON.stringify(families).includes(family)
    const both = plainCases().filter(one => knows(paymentOf(one)))
    const step = Math.max(1, both.length / count)
    const payments = Array.from({ length: Math.min(count, both.length) }, (_, at) => both[Math.floor(at * step)])
    for (const one of payments.slice(0, 12)) await Promise.all([then.ask(paymentOf(one)), now.ask(one)]) // both have loaded and compiled what they need
    const rows = []
    for (const one of payments) {
      const rounds = []
      for (let round = 0; round < ROUNDS; round++) rounds.push({ suite: await now.ask(one), loop: await then.ask(paymentOf(one)) })
      const quickest = way => rounds.map(row => row[way]).reduce((best, next) => (next.time.wall < best.time.wall ? next : best))
      rows.push({ one, suite: quickest('suite'), loop: quickest('loop') })
    }
    return { commit, rows, paid: await paidPerSecond(then, today) }
  } finally {
    for (const one of running) one.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Both sums, and by family. */
export function summed(rows) {
  const mean = (list, way, what) => list.reduce((sum, row) => sum + row[way].time[what], 0) / list.length
  const of = list => ({
    payments: list.length,
    suite: { wall: mean(list, 'suite', 'wall'), cpu: mean(list, 'suite', 'cpu') },
    loop: { wall: mean(list, 'loop', 'wall'), cpu: mean(list, 'loop', 'cpu') },
    ratio: mean(list, 'suite', 'wall') / mean(list, 'loop', 'wall'),
  })
  const same = rows.filter(({ suite, loop }) => suite.result === loop.result)
  const families = grouped(same)
  return { all: of(same), others: rows.length - same.length, families: [...families].map(([name, list]) => ({ name, ...of(list) })) }
}

/** A payment each way in every family: with a chip, a field, a stripe alone. */
const ways = [
  { present: 'dip', card: 'mir' },
  { present: 'tap', card: 'mir' },
  { present: 'swipe', card: 'stripe' },
]
const readers = ['qpos', 'miura', 'bluepad', 'idtech', 'magtek']

/**
 * Milliseconds of processor time that a payment takes by the loop then and today, warm: the least of three rounds of each, in turn. Readers wait as they do; waiting takes none.
 * @returns {Promise<readonly { name: string, before: number, now: number, faster: number, result: string }[]>} those that ended alike, and all of them as `all`
 */
async function paidPerSecond(then, today) {
  const paid = []
  for (const way of ways)
    for (const family of readers) {
      const payment = { ...way, family, amount: '900.00', pins: [loadCard('mir').pin], times: 6 }
      const rounds = []
      for (let round = 0; round < 3; round++) rounds.push({ before: await then.ask(payment), now: await today.ask(payment) })
      const [{ before, now }] = rounds
      const name = `${family}, ${way.present}`
      if (before.result !== now.result) {
        console.log(`  left out: ${name}, ${before.result} then, ${now.result} today`)
        continue
      }
      const least = side => Math.min(...rounds.map(row => row[side].time.cpu)) / payment.times
      paid.push({ name, before: least('before'), now: least('now'), result: now.result })
    }
  const mean = side => paid.reduce((sum, row) => sum + row[side], 0) / paid.length
  return [{ name: 'all', before: mean('before'), now: mean('now'), result: '' }, ...paid].map(row => ({
    ...row,
    faster: row.before / row.now,
  }))
}

function grouped(rows) {
  const groups = new Map()
  for (const row of rows) {
    const { family } = paymentOf(row.one)
    groups.set(family, [...(groups.get(family) ?? []), row])
  }
  return groups
}

const [what, build] = process.argv.slice(2)
if (what === '--loop') await loop(build)
else if (what === '--suite') await suite()
