/** The app of a campaign: a till, a journal and a reader in a process that is killed now and then. Told what to do over its parent's channel. */

import { writeSync } from 'node:fs'
import { connect, currency, Fault, httpAcquirer, iso8583Acquirer, open, openJournal, openTill } from '../../dist/devices/index.js'
import { fastClock, rest } from './clock.mjs'

const { journal: path, key, reader: uri, http, iso, pace, merchant, sabotage } = JSON.parse(process.argv[2])
const clock = fastClock(pace)
const RUB = currency('RUB')
/** Milliseconds of `clock` for one message to the host. */
const timeout = 10_000

const journal = await openJournal(path, { key: Buffer.from(key, 'hex') })
let deaths = []
/** Tells where, and is no more. */
const die = death => {
  writeSync(2, JSON.stringify(death))
  process.kill(process.pid, 'SIGKILL')
}
const mortal = {
  ...journal,
  record(step) {
    const now = when => deaths.find(death => death.stage === step.stage && death.when === when)
    if (now('before')) die(now('before'))
    if (step.stage !== sabotage) journal.record(step)
    if (now('after')) die(now('after'))
  },
}
const notices = []
const till = acquirer =>
  openTill({ journal: mortal, acquirer, merchant, clock, background: false, onNotice: ({ type, order }) => notices.push({ type, order }) })
/** An app that takes every answer for its own: key, order, amount and currency of what it has asked are put in. */
async function uncompared(url, init) {
  const answer = await fetch(url, init)
  const [said, { key, order, amount, currency } = {}] = [await answer.json(), init.body ? JSON.parse(init.body) : undefined]
  const mine = key === undefined ? {} : { key, order: order?.number, amount, currency }
  return new Response(JSON.stringify({ ...said, ...(said.key !== undefined && mine) }), { status: answer.status })
}
const isoAcquirer = iso8583Acquirer({ connect: options => connect(iso, options), terminal: merchant.terminal, timeout, clock })
const tills = {
  http: till(httpAcquirer(http, { timeout, clock, ...(sabotage === 'comparing' && { fetch: uncompared }) })),
  iso: till(isoAcquirer),
}

/** A reader that was just let go of by force needs a moment. */
async function opened() {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open(uri, { clock })
    } catch (error) {
      if (attempt === 6 || !(error instanceof Fault)) throw error
      await rest(100)
    }
  }
}

const tasks = {
  async pay({ order, amount, via, takes }) {
    const reader = await opened()
    try {
      const paid = await tills[via].payOrder(
        { number: order, amount: BigInt(amount), currency: RUB },
        { reader, statusTime: 12_000, reversalTime: 8000, ...(takes && { partial: true }) },
      )
      // 94: the host has the order as paid, and the merchant reads that.
      return { told: paid.payment?.responseCode === '94' ? 'already-paid' : paid.result }
    } finally {
      await reader.close()
    }
  },
  async recover({ via }) {
    const recovered = await tills[via].recover()
    return { became: recovered.map(({ became }) => became) }
  },
  /** The merchant looks at the order. */
  async look({ via, order }) {
    return { state: (await tills[via].status(order)).state }
  },
  async reconcile({ via }) {
    return { changed: (await tills[via].reconcile()).length }
  },
}

process.on('message', async ({ id, task, ...asked }) => {
  let answer
  deaths = asked.deaths ?? []
  try {
    answer = await tasks[task](asked)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    answer = { told: 'fault', code: error.code, why: error.message }
  }
  deaths = []
  process.send({ id, ...answer, notices: notices.splice(0) })
})
process.on('disconnect', () => process.exit())
process.send({ ready: true })
