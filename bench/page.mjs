/**
 * `node bench/page.mjs`: how quick the page of the bench is, in Chromium. A click until the display has it; a page with its trace in sight under 10,000 events; twenty pages on one
 * counter, one of which loses its line: how far the slowest is behind, and whether one misses something. Exits with 1 when a limit is missed. Needs `npm run build` and Chromium.
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { chromium } from 'playwright-core'
import { startBench } from '../dist/simulator/bench/bench.js'
import { benchClient } from '../dist/simulator/bench/client.js'

/** Milliseconds: a click, median, until the frame that shows it begins; how far a page may be behind. */
const LIMITS = { click: 16 + 1000 / 60, lag: 200 }
const [CLICKS, EVENTS, PAGES] = [60, 10_000, 20]
const executablePath = process.env.TAPDIP_CHROMIUM ?? '/usr/bin/chromium'

/** In the page, before anything of its own: what its line brings it, and what its trace shows. */
function watch() {
  const own = { last: 0, gaps: 0, opened: 0, shown: [], heard: [] }
  window.watched = own
  const Source = window.EventSource
  window.EventSource = class extends Source {
    constructor(...given) {
      super(...given)
      own.opened++
      this.addEventListener('message', ({ data }) => {
        const n = Number(/^\{"n":(\d+)/.exec(data)[1])
        if (own.last > 0 && n > own.last + 1) own.gaps++
        own.last = Math.max(own.last, n)
        const at = /"event":"measured","content":\{"at":(\d+)/.exec(data)
        if (at) own.heard.push([Number(at[1]), performance.timeOrigin + performance.now()])
      })
    }
  }
  let before = -1
  const look = () => {
    const row = [...document.querySelectorAll('.trace-panel .list [role=option]')].at(-1)
    const at = /"at":(\d+)/.exec(row?.textContent ?? '')
    if (at && Number(at[1]) !== before) {
      before = Number(at[1])
      own.shown.push([before, performance.timeOrigin + performance.now()])
    }
  }
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true })
}

const median = values => [...values].sort((one, other) => one - other)[values.length >> 1]
const part = (values, of) => [...values].sort((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * of))]
const now = () => performance.timeOrigin + performance.now()
const rest = ms => new Promise(resolve => setTimeout(resolve, ms))
const missed = []
const limit = (holds, rule) => {
  if (!holds) missed.push(rule)
  console.log(`  ${holds ? 'ok' : 'MISSED'}: ${rule}`)
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  await clicks()
  await behind(1, 'one page, its trace in sight')
  await behind(PAGES, `${PAGES} pages, their traces in sight`)
} finally {
  await browser.close()
}
if (missed.length > 0) process.exitCode = 1

async function onPage(context, bench, origin = bench.origin) {
  const page = await context.newPage()
  await page.addInitScript(watch)
  await page.goto(`${origin}/#token=${bench.token}`)
  await page.locator('.line.live').waitFor()
  return page
}

/** Digits of a PIN are clicked: from the click to the frame after the star. */
async function clicks() {
  const bench = await startBench()
  const session = benchClient(bench.url).session('s1')
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await onPage(context, bench)
  await page.evaluate(() => {
    const times = []
    window.times = times
    let clicked
    addEventListener('click', event => (clicked = { at: event.timeStamp }), true)
    new MutationObserver(() => {
      if (!clicked) return
      const one = { ...clicked, drawn: performance.now() }
      clicked = undefined
      requestAnimationFrame(() => times.push({ drawn: one.drawn - one.at, frame: performance.now() - one.at }))
    }).observe(document.querySelector('.says'), { subtree: true, childList: true, characterData: true })
  })
  const cards = await session.cards()
  const press = async (kind, action, fields) => {
    const { screen } = await session.waitForApp('a1', { kind })
    await session.answer('a1', { screen: screen.n, action, ...(fields && { fields }) })
  }
  await press('order', 'pay', { amount: '10.00' })
  await press('method', 'reader')
  await press('found', 'connect')
  await session.reader('r1').wait({ message: 'reader.presentCard' })
  await session.reader('r1').insert(cards.find(({ profile }) => profile === 'offline-pin').id)
  await session.reader('r1').wait({ message: 'reader.enterPin' })
  // A reader waits for a PIN for so long: on a slow machine there are fewer clicks.
  const until = now() + 20_000
  for (let at = 0; at < CLICKS && now() < until; at++) {
    await page.locator(`[data-key="${at % 5 === 4 ? 'clear' : (at % 5) + 1}"]`).click()
    while ((await page.evaluate('times.length')) <= at && now() < until) await rest(5)
  }
  const times = await page.evaluate('times')
  const net = await page.evaluate(
    'performance.getEntriesByType("resource").filter(one => one.name.endsWith("/press")).map(one => one.responseEnd - one.startTime)',
  )
  const frames = times.map(({ frame }) => frame)
  console.log(
    `${times.length} clicks: the display is drawn after ${median(times.map(({ drawn }) => drawn)).toFixed(1)} ms, its frame begins after ${median(frames).toFixed(1)} ms (median), ${part(frames, 0.95).toFixed(1)} ms (19 of 20); the request takes ${median(net).toFixed(1)} ms`,
  )
  limit(
    median(frames) <= LIMITS.click,
    `a click is on the display within ${LIMITS.click.toFixed(0)} ms, a frame of it waiting for the frame`,
  )
  await context.close()
  await bench.close()
}

/** A line between a page and the bench that can be cut. */
async function between(port) {
  const open = new Set()
  const server = createServer(page => {
    const there = connect(port, '127.0.0.1')
    for (const one of [page, there]) {
      open.add(one)
      one.on('error', () => one.destroy()).on('close', () => open.delete(one))
    }
    page.pipe(there).pipe(page)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    cut() {
      for (const one of open) one.destroy()
    },
    close() {
      server.close()
      this.cut()
    },
  }
}

async function behind(count, name) {
  const bench = await startBench()
  const line = await between(bench.port)
  const contexts = []
  const pages = []
  for (let at = 0; at < count; at++) {
    // Each has its own pool of connections: a browser opens six to one place.
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    contexts.push(context)
    pages.push(await onPage(context, bench, at === 0 && count > 1 ? `http://127.0.0.1:${line.port}` : bench.origin))
  }
  for (const page of pages) await page.locator('#trace-panel .list').scrollIntoViewIfNeeded()
  await rest(500)
  const tracer = bench.sessions.session('s1').tracer('r1')
  const sent = []
  const began = now()
  // A thousand a second, as the clock goes.
  while (sent.length < EVENTS) {
    const due = Math.min(EVENTS, Math.floor(now() - began))
    while (sent.length < due) {
      tracer.tell('reader', { kind: 'reader', event: 'measured', content: { at: sent.length, more: 'x'.repeat(200) } })
      sent.push(now())
    }
    if (count > 1 && sent.length > EVENTS / 2 && line.cut) {
      line.cut()
      line.cut = undefined
    }
    await rest(5)
  }
  const all = []
  for (const page of pages) {
    const patience = now() + 60_000
    while ((await page.evaluate('watched.shown.at(-1)?.[0]')) !== EVENTS - 1 && now() < patience) await rest(50)
    all.push(await page.evaluate('watched'))
  }
  const lags = kind => all.slice(count > 1 ? 1 : 0).map(one => Math.max(...lagsOf(one[kind], sent)))
  const missing = all.filter(({ gaps, heard }) => gaps > 0 || new Set(heard.map(([at]) => at)).size !== EVENTS).length
  const nodes = await pages.at(-1).evaluate('document.querySelectorAll("*").length')
  console.log(
    `${name}, ${EVENTS} events, 1,000 a second: the slowest has heard ${Math.max(...lags('heard')).toFixed(0)} ms later, shows ${Math.max(...lags('shown')).toFixed(0)} ms later (median of the worst of each: ${median(lags('shown')).toFixed(0)}); ${nodes} elements${count > 1 ? `; the page whose line broke opened it ${all[0].opened} times` : ''}`,
  )
  limit(Math.max(...lags('shown')) < LIMITS.lag, `what happens is shown within ${LIMITS.lag} ms`)
  limit(missing === 0, 'none misses an event')
  if (count > 1) limit(all[0].opened > 1, 'the line of one of them broke, and it went on where it was')
  for (const one of contexts) await one.close()
  line.close?.()
  await bench.close()
}

/** For each event: how long after it was told a page had it, or one after it. */
function lagsOf(seen, sent) {
  const found = []
  let next = 0
  for (const [at, when] of seen) for (; next <= at; next++) found.push(when - sent[next])
  return found
}
