/**
 * `node --expose-gc bench/control.mjs`: what the bench's control server costs. Twenty listeners on one counter hear 10,000 events at a pace and 10,000 at once: how far the slowest
 * is behind; an hour of payments on virtual time: what the heap grows by, a payment. `hour` alone measures the memory. Exits with 1 when one of the limits is missed. Needs `npm run build`.
 */

import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { startBench } from '../dist/simulator/bench/bench.js'

const LIMITS = { lag: 200, slope: 8_000 }
const LISTENERS = 20
const EVENTS = 10_000
/** Payments until what a reader and the bank remember of their last ones is as much as ever: 500 screens and 500 signals of a body, 50 requests. */
const WARM = 200
const now = () => performance.timeOrigin + performance.now()

if (process.argv[2] === 'listen') await listen(...process.argv.slice(3))
else await main()

/** The pages: half of them over server-sent events, half over WebSockets, in a process of their own. */
async function listen(origin, token) {
  const path = '/api/sessions/s1/events'
  const all = Array.from({ length: LISTENERS }, () => ({ seen: 0, lag: 0, gaps: 0, last: 0 }))
  const hear = (own, text) => {
    const { n, event } = JSON.parse(text)
    if (own.last > 0 && n !== own.last + 1) own.gaps++
    own.last = n
    if (event.event !== 'measured') return
    own.seen++
    own.lag = Math.max(own.lag, now() - event.content.sent)
  }
  await Promise.all(
    all.map(async (own, at) => {
      if (at % 2 === 0) {
        const socket = new WebSocket(`${origin.replace('http', 'ws')}${path}/ws?token=${token}`)
        socket.on('message', data => hear(own, String(data)))
        await new Promise(resolve => socket.once('open', resolve))
        return
      }
      const response = await fetch(`${origin}${path}?token=${token}`)
      void (async () => {
        let rest = ''
        for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
          const blocks = (rest + piece).split('\n\n')
          rest = blocks.pop()
          for (const block of blocks) for (const line of block.split('\n')) if (line.startsWith('data: ')) hear(own, line.slice(6))
        }
      })().catch(() => {})
    }),
  )
  process.on('message', () => {
    process.send(all)
    for (const own of all) Object.assign(own, { seen: 0, lag: 0, gaps: 0 })
  })
  process.send('ready')
}

async function main() {
  const missed = []
  const limit = (holds, rule) => {
    if (!holds) missed.push(rule)
    console.log(`  ${holds ? 'ok' : 'MISSED'}: ${rule}`)
  }
  if (process.argv[2] !== 'hour') await lags(limit)
  await hour(limit)
  if (missed.length > 0) process.exitCode = 1
}

async function lags(limit) {
  const bench = await startBench()
  const tracer = bench.sessions.session('s1').tracer('r1')
  const pages = fork(fileURLToPath(import.meta.url), ['listen', bench.origin, bench.token])
  await new Promise(resolve => pages.once('message', resolve))
  const told = async () => {
    for (;;) {
      const answer = new Promise(resolve => pages.once('message', resolve))
      pages.send('tell')
      const all = await answer
      for (const [at, own] of all.entries())
        totals[at] = {
          seen: (totals[at]?.seen ?? 0) + own.seen,
          lag: Math.max(totals[at]?.lag ?? 0, own.lag),
          gaps: (totals[at]?.gaps ?? 0) + own.gaps,
        }
      if (totals.every(({ seen }) => seen >= EVENTS)) return totals
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  let totals = []
  const tell = () => tracer.tell('reader', { kind: 'reader', event: 'measured', content: { sent: now(), more: 'x'.repeat(200) } })
  for (const [how, burst] of [
    ['1,000 a second', 10],
    ['all at once', EVENTS],
  ]) {
    totals = []
    for (let at = 0; at < EVENTS; at += burst) {
      for (let one = 0; one < burst; one++) tell()
      if (burst < EVENTS) await new Promise(resolve => setTimeout(resolve, burst))
    }
    const all = await told()
    const lag = Math.max(...all.map(one => one.lag))
    const missing = all.some(({ seen, gaps }) => seen !== EVENTS || gaps > 0)
    console.log(
      `${LISTENERS} listeners, ${EVENTS} events, ${how}: the slowest is ${lag.toFixed(0)} ms behind${missing ? ', and misses some' : ''}`,
    )
    if (burst < EVENTS) limit(lag < LIMITS.lag && !missing, `under ${LIMITS.lag} ms, none missing`)
    else limit(!missing, 'none missing')
  }
  pages.disconnect()
  pages.kill()
  await bench.close()
}

/** Bytes that one payment takes in the book and in the accounts: what a copy of all of them takes. */
function rowsOf({ orders, desk }) {
  const copy = () => [structuredClone(orders), structuredClone(desk.issuer.states)]
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const copies = Array.from({ length: 8 }, copy)
  globalThis.gc?.()
  return (process.memoryUsage().heapUsed - before) / copies.length / orders.length
}

/** A tap every twenty seconds, after all that is kept up to a number is full: the ring of events too. */
async function hour(limit) {
  const bench = await startBench({ session: { clock: 'virtual', seed: 7 } })
  const session = bench.sessions.session('s1')
  const { apps } = session
  const signal = new AbortController().signal
  const card = session.shelf.cards.find(({ plan }) => plan.name === 'mir').id
  session.reader('r1').setPerson({ card, present: 'tap' })
  const answer = (action, fields) => apps.answer('a1', { screen: apps.state('a1').screen.n, action, ...(fields && { fields }) })
  const until = wanted => session.settle(apps.until('a1', { timeout: 100_000, ...wanted }, signal))
  const payment = async () => {
    await until({ kind: 'order' })
    answer('pay', { amount: '10.00' })
    await until({ kind: 'method' })
    answer('reader')
    const { screen } = await until({ text: '/Found|APPROVED/' })
    if (screen.kind === 'found') answer('connect')
    await until({ kind: 'result' })
    await session.advance(20_000)
    answer('home')
  }
  for (let at = 0; at < WARM; at++) await payment()
  const { happenings } = session
  const lines = happenings
    .after(Math.floor(happenings.last / 3), Number.POSITIVE_INFINITY)
    .map(line => JSON.stringify(JSON.parse(line).event))
  while (happenings.first <= 1) for (const line of lines) happenings.push(line, 'r1')
  const points = []
  const began = performance.now()
  for (let at = 0; at <= 180; at++) {
    await payment()
    if (at % 12 !== 0) continue
    globalThis.gc?.()
    globalThis.gc?.()
    points.push([at, process.memoryUsage().heapUsed])
  }
  const mean = of => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(([at]) => at), mean(([, heap]) => heap)]
  const slope = mean(([at, heap]) => (at - x) * (heap - y)) / mean(([at]) => (at - x) ** 2)
  console.log(
    `an hour of payments on virtual time (180, in ${((performance.now() - began) / 1000).toFixed(1)} s): heap ${(y / 1024 / 1024).toFixed(1)} MB, and ${(slope / 1024).toFixed(2)} KB a payment`,
  )
  const rows = rowsOf(session.bank.host)
  console.log(
    `  of these ${(rows / 1024).toFixed(2)} KB are its rows in the bank's book and its account, which are kept; the rest is ${((slope - rows) / 1024).toFixed(2)} KB`,
  )
  limit(
    globalThis.gc !== undefined && slope < LIMITS.slope,
    `under ${LIMITS.slope / 1000} KB a payment: its order in the bank's book, and what its account has seen`,
  )
  await bench.close()
}
