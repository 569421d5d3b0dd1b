/** What a trace costs: a whole virtual payment, counter and all, without one, told to who does nothing, with one that goes to a file, with one that is kept in memory. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { currency, httpAcquirer, open, openTrace, parseTraceLog, pay, traceEvents } from '../dist/devices/index.js'
import { virtualCounter } from '../dist/simulator/world.js'
import { lineFile } from '../dist/src/line-file.js'
import { inTurn } from './measure.mjs'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const prompts = { selectApplication: async candidates => candidates.findIndex(({ label }) => label === 'MIR') }
let number = 0

/** On the system's clock, with a host on a socket: what waits takes no processor time, and a virtual clock would run ahead of the host on a busy machine. */
async function payment(tracer) {
  const options = { family: 'qpos', ...(tracer && { tracer }) }
  const counter = await virtualCounter({ ...options, card: 'mir-maestro', pins: ['1234'], resultTime: 0 })
  const reader = await open(counter.link(), options)
  const order = { number: `trace-${number++}`, amount: 250_000n, currency: currency('RUB') }
  const acquirer = httpAcquirer(counter.acquirer.url)
  const { result, reason } = await pay(order, { reader, merchant, prompts, acquirer, ...(tracer && { tracer }) })
  if (result !== 'approved') throw new Error(`the payment of the bench is another: ${result} ${reason}`)
  await reader.close()
  await counter.close()
  tracer?.close?.()
  return tracer
}

/** Who is told everything and makes nothing of it: what the telling alone costs. */
const deaf = { tell() {}, span: () => () => {} }

/**
 * What a payment takes by how it is traced, as `inTurn`, and how many events a trace of it has.
 * @returns {Promise<{ times: Awaited<ReturnType<typeof inTurn>>, events: number }>}
 */
export async function traceTimes() {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-bench-'))
  const file = join(folder, 'trace.jsonl')
  try {
    let failed
    const write = lineFile(file, { option: '--trace', onFailure: what => (failed ??= what) })
    const works = {
      off: () => payment(),
      deaf: () => payment(deaf),
      file: () => payment(openTrace({ write })),
      memory: () => payment(traceEvents()),
    }
    await works.file()
    await new Promise(resolve => setImmediate(resolve))
    const { events } = parseTraceLog(readFileSync(file, 'utf8'))
    const memory = await works.memory()
    if (failed || memory.events.length !== events.length)
      throw new Error(failed ?? `a file has ${events.length} events, a memory ${memory.events.length}`)
    // A rig runs thousands: what is compiled for the hundredth payment counts.
    return { times: await inTurn(works), events: events.length }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
