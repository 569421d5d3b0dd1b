/** `npm run campaign -- --seed N --count M`: payments with a fault in each, or a host that lies, and the app killed in one of ten. Exits with 1 when anybody disagrees about one. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openJournal } from '../../dist/devices/index.js'
import { startAcquirer, startIsoLine } from '../../dist/simulator/world.js'
import { rest } from './clock.mjs'
import { chargedOf, disagreements } from './judge.mjs'
import { bank, plans, stages } from './plan.mjs'
import { customers, openShop } from './shop.mjs'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '2000' },
    /** How many milliseconds of timeouts pass in one. */
    pace: { type: 'string', default: '40' },
    /** Of so many payments one has a death planned: more than one in ten, as some are not met before the end. */
    deaths: { type: 'string', default: '6' },
    /** Every host lies, and what is said of it in lies.mjs has this text; `none`: no host lies. */
    lie: { type: 'string' },
    /** Leaves out the writing of one stage, or `comparing` of an answer with its question, to see that the campaign finds it. */
    sabotage: { type: 'string' },
  },
})
const [seed, count, pace, deathRate] = ['seed', 'count', 'pace', 'deaths'].map(name => {
  if (/^[1-9]\d{0,6}$/.test(values[name])) return Number(values[name])
  throw new Error(`--${name} ${values[name]}: a whole number from 1 to 9999999`)
})
const { sabotage, lie } = values
const sabotages = [...stages, 'comparing']
if (sabotage !== undefined && !sabotages.includes(sabotage)) throw new Error(`--sabotage ${sabotage}: one of ${sabotages.join(', ')}`)

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const balance = 1_000_000_000_000n
const directory = mkdtempSync(join(tmpdir(), 'tapdip-campaign-'))
const began = Date.now()
const summary = { told: {}, states: {}, met: {}, lies: {}, killed: {}, became: {}, notices: {} }
const add = (where, name, by = 1) => (summary[where][name] = (summary[where][name] ?? 0) + by)
const wrong = []
const seen = new Map()
/** What the merchant was told of each order while nobody waited for it. */
const notices = new Map()
const acquirer = await startAcquirer({
  balance,
  rules: [
    { do: 'partial', amount: bank.part, when: { amount: { above: bank.parts } } },
    { do: 'decline', code: '51', reason: 'the account has less', when: { amount: { above: bank.refuses, below: bank.parts } } },
  ],
  onEvent: event => {
    if (event.type === 'authorisation' || event.type === 'advice') seen.set(event.order, [...(seen.get(event.order) ?? []), event])
  },
})
const isoLine = await startIsoLine(acquirer.desk)
let done = 0

function disagree(order, what, plan) {
  wrong.push(order)
  console.error(`seed ${seed}, order ${order}: ${what}`)
  if (plan) console.error(`  ${JSON.stringify(plan)}`)
}

function heard({ notices: told }) {
  for (const { type, order } of told) {
    add('notices', type)
    notices.set(order, [...(notices.get(order) ?? []), type])
  }
}

/** Asks the app for something. One that is killed meanwhile is started again. @param deaths still to be met: the one that takes the app is gone from them */
async function ask(shop, task, asked, deaths) {
  const { trouble } = shop
  const moment = deaths.find(({ at }) => at === 'time')
  const stages = deaths.filter(({ at }) => at === 'stage')
  let met = moment
  const kill = death => {
    met = death
    trouble.onMessage = () => {}
    shop.kill()
  }
  trouble.onMessage = (line, at) => {
    const death = deaths.find(one => one.at === 'boundary' && one.line === line && one.number === at)
    if (death) kill(death)
  }
  const timer = moment && setTimeout(kill, moment.ms, moment)
  const answer = await shop.ask(task, { ...asked, deaths: stages })
  clearTimeout(timer)
  trouble.onMessage = () => {}
  heard(answer)
  if (answer.told !== 'dead') return answer
  const own = answer.death && stages.find(({ stage, when }) => stage === answer.death.stage && when === answer.death.when)
  const death = own ?? met
  if (death) deaths.splice(deaths.indexOf(death), 1)
  // A blow that fell as the app had answered meets whatever it is asked next.
  const where = !death
    ? 'late'
    : death.at === 'stage'
      ? `${death.stage} ${death.when}`
      : death.at === 'time'
        ? 'at a moment'
        : `${death.line} message`
  add('killed', task === 'recover' ? 'recovering' : where)
  await shop.start()
  return { ...answer, died: where }
}

/** Pays the order once. */
async function attempt(shop, plan, deaths = []) {
  const before = shop.atc
  shop.welcome()
  const { order, amount, via, takes } = plan
  const answer = await ask(shop, 'pay', { order, amount, via, takes }, deaths)
  const told = answer.told === 'fault' ? `fault ${answer.code}` : answer.told
  add('told', told)
  return { told, before, after: shop.atc, died: answer.died }
}

/** What the app does as it starts; killed in it, it starts again. */
async function recover(shop, via, deaths = []) {
  for (;;) {
    const { told, became = [] } = await ask(shop, 'recover', { via }, deaths)
    for (const one of became) add('became', one)
    if (told !== 'dead') return became
  }
}

async function lane(number, share) {
  const shop = await openShop({
    lane: number,
    directory,
    acquirer,
    isoLine,
    pace,
    merchant,
    sabotage,
    onFault: fault => disagree('-', `the reader: ${fault.message}`),
  })
  const attempts = new Map()
  const deaths = []
  let made = []
  try {
    // A payment without trouble counts the boundaries.
    shop.trouble.arm([])
    const calm = { order: `c${seed}-${number}-calm`, amount: 10_000, via: 'http' }
    attempts.set(calm.order, [await attempt(shop, calm)])
    const { advised } = customers[number]
    made = [calm, ...plans({ seed, lane: number, count: share, boundaries: shop.trouble.counts.reader, deaths: deathRate, advised, lie })]
    for (const plan of made.slice(1)) {
      shop.trouble.arm(plan.faults)
      shop.trouble.liar.arm(plan.order, plan.lies ?? [])
      if (plan.death) deaths.push(plan.death)
      const told = [await attempt(shop, plan, deaths)]
      attempts.set(plan.order, told)
      if (plan.healthy) shop.trouble.arm([])
      if (told[0].told === 'dead' || told[0].told === 'unknown') await recover(shop, plan.via, deaths)
      shop.trouble.arm([])
      for (let times = plan.look ?? 0; times > 0; times--) await shop.ask('look', plan).then(heard)
      if (!plan.soon) shop.trouble.liar.arm(plan.order, [])
      if (plan.again) told.push(await attempt(shop, plan))
      shop.trouble.liar.arm(plan.order, [])
      if (++done % 200 === 0) console.log(`${done} payments, ${Math.round((Date.now() - began) / 1000)} s`)
    }
    // The next morning: whatever was under way has arrived, everybody is well.
    await rest(1000)
    for (const via of ['http', 'iso', 'http']) if ((await recover(shop, via)).length === 0) break
    await shop.ask('reconcile', { via: 'http' }).then(heard)
    // Twice: on a busy machine an honest answer may be late, too.
    for (const order of [...shop.trouble.liar.told.keys(), ...shop.trouble.liar.told.keys()])
      await shop.ask('look', { via: 'http', order }).then(heard)
  } catch (error) {
    disagree(
      [...attempts.keys()].at(-1),
      error.message,
      made.find(({ order }) => order === [...attempts.keys()].at(-1)),
    )
  } finally {
    for (const [name, times] of shop.trouble.met) add('met', name, times)
    for (const [name, times] of shop.trouble.liar.met) add('lies', name, times)
    await shop.close()
  }
  return { shop, made, attempts }
}

async function judge({ shop, made, attempts }) {
  const journal = await openJournal(shop.journal, { key: Buffer.from('09'.repeat(32), 'hex') })
  let charged = 0n
  try {
    for (const plan of made.filter(({ order }) => attempts.has(order))) {
      const record = journal.order(merchant, plan.order)
      const booked = acquirer.order(plan.order, merchant.id)
      charged += chargedOf(booked)
      add('states', record?.state ?? 'nothing was begun')
      const told = attempts.get(plan.order)
      const lies = shop.trouble.liar.told.get(plan.order) ?? []
      const noticed = notices.get(plan.order) ?? []
      for (const what of disagreements({ plan, record, booked, attempts: told, seen: seen.get(plan.order) ?? [], lies, noticed }))
        disagree(plan.order, `${what} (told ${told.map(one => one.told).join(', ')})`, plan)
    }
    const moved = balance - acquirer.balance(shop.card.plan.pan)
    if (moved !== charged) disagree('-', `${moved} left the account of ${shop.card.plan.pan}, the orders of it are ${charged}`)
    const last = Math.max(...[...attempts.keys()].flatMap(order => (seen.get(order) ?? []).map(({ atc }) => atc)))
    if (last > shop.atc) disagree('-', `the host has seen transaction ${last}, the card has made ${shop.atc}`)
  } finally {
    await journal.close()
  }
}

try {
  const shares = customers.map((_, index) => Math.floor((count + customers.length - 1 - index) / customers.length))
  const lanes = await Promise.all(shares.map((share, index) => lane(index, share)))
  for (const one of lanes) await judge(one)
} finally {
  await isoLine.close()
  await acquirer.close()
  rmSync(directory, { recursive: true, force: true })
}

const titles = {
  ...{
    told: 'told',
    states: 'at the end',
    met: 'faults met',
    lies: 'lies told',
    killed: 'killed',
    became: 'recovered',
    notices: 'notices',
  },
}
console.log(`\nseed ${seed}: ${count} payments in ${Math.round((Date.now() - began) / 1000)} s, ${wrong.length} disagreements`)
for (const [name, title] of Object.entries(titles)) {
  const rows = Object.entries(summary[name]).sort(([a], [b]) => (a < b ? -1 : 1))
  const sum = rows.reduce((total, [, times]) => total + times, 0)
  console.log(`${title.padEnd(12)}${String(sum).padStart(6)}  ${rows.map(([what, times]) => `${what} ${times}`).join(', ')}`)
}
if (wrong.length > 0) process.exitCode = 1
