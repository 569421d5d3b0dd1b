/** The emv2 dialect as calls: a Reader over a port, and a virtual reader behind one. */

import { afterEach, expect, it } from 'vitest'
import { type Emv2Call, type Emv2Port, openEmv2 } from '../../../devices/bluepad/emv2.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { virtualEmv2 } from '../../../simulator/readers/bluepad/emv2.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import { sleep } from '../../../src/clock.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { Bench, purchase } from './bench.ts'

let bench: Bench
let reader: Reader
let calls: Emv2Call['type'][]
let events: ReaderEvent[]

async function start(change: (port: Emv2Port) => Emv2Port = port => port): Promise<void> {
  bench = new Bench()
  bench.connect()
  calls = []
  events = []
  const port = virtualEmv2(bench.device.firmware, 'PP0918900518')
  const seen: Emv2Port = {
    ...port,
    call: message => {
      calls.push(message.type)
      return port.call(message)
    },
  }
  reader = await bench.clock.settle(openEmv2(change(seen), { clock: bench.clock }))
  void (async () => {
    for await (const event of reader.events) events.push(event)
  })()
}

async function pay(
  script: Partial<CardholderScript> & { terminal?: Partial<Terminal>; signal?: AbortSignal; transaction?: Partial<Transaction> } = {},
): Promise<Outcome> {
  const { terminal, signal, transaction, ...rest } = script
  events.length = 0
  const leave = cardholder(bench.body, { card: loadCard('mir-maestro'), present: 'dip', pins: ['1234'], ...rest })
  try {
    return await bench.clock.settle(reader.transact({ ...purchase, ...transaction }, bench.terminal(terminal), signal ? { signal } : {}))
  } finally {
    await bench.clock.advance(10_000)
    leave()
    bench.body.pull()
    bench.body.leave()
    await bench.clock.advance(10_000)
  }
}

afterEach(async () => {
  await bench.clock.settle(reader.close())
  await bench.close()
})

it('says who it is, and how its battery is', async () => {
  await start()
  expect(reader.info).toMatchObject({ family: 'bluepad', serial: 'PP0918900518', firmware: '1.0.0', applicationSelection: 'reader' })
  bench.body.setBattery({ percent: 15 })
  expect(await bench.clock.settle(reader.status())).toEqual({ battery: { percent: 15, millivolts: 3435, charging: false } })
  await bench.clock.advance(1)
  expect(events).toContainEqual({ type: 'battery', level: 'low', percent: 15 })
})

it('pays by chip, tap and swipe; the list of a co-badged card is the reader’s', async () => {
  await start()
  const outcome = await pay({ choose: 'Maestro' })
  expect(outcome).toMatchObject({
    result: 'approved',
    interface: 'chip',
    cvm: 'onlinePin',
    online: true,
    application: { label: 'Maestro' },
  })
  expect(bench.screens).toContain('Select application:')
  expect(calls).toEqual(['getIdentification', 'startTransaction', 'setOnlineResult'])
  expect(events.flatMap(event => (event.type === 'pin' ? [event.event] : []))).toEqual(['started', 'ok'])
  expect(events.flatMap(event => (event.type === 'display' ? [event.message] : []))).toContain('reader.presentCard')
  expect(await pay({ present: 'tap' })).toMatchObject({ result: 'approved', interface: 'tap' })
  expect(await pay({ present: 'swipe', transaction: { interfaces: ['swipe'] } })).toMatchObject({ result: 'approved', interface: 'swipe' })
})

it('a wrong offline PIN, then the right one', async () => {
  await start()
  expect(await pay({ card: loadCard('offline-pin'), pins: ['1111', '1234'] })).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
  expect(events.flatMap(event => (event.type === 'pin' ? [event.event] : []))).toEqual(['started', 'wrong', 'started', 'ok'])
})

it('declined by the host, cancelled at the reader, nobody there', async () => {
  await start()
  expect(await pay({ pins: ['4321'] })).toMatchObject({ result: 'declined', reason: 'hostDeclined', response: { code: '55' } })
  expect(await pay({ cancelAt: 'list' })).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
  expect(await bench.clock.settle(reader.transact(purchase, bench.terminal()))).toMatchObject({
    result: 'cancelled',
    reason: 'cardTimeout',
  })
})

it('a host slower than the card can wait: to be reversed', async () => {
  await start()
  const authorise = () => sleep(200_000, bench.clock).then(() => ({ type: 'approved', code: '00' }) as const)
  expect(await pay({ terminal: { authorise } })).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', reversal: true })
  await bench.clock.advance(200_000)
})

it('the card pulled at every command', async () => {
  await start()
  const endings = new Set<string>()
  for (let pullAt = 1; ; pullAt++) {
    const outcome = await pay({ pullAt })
    if (outcome.result === 'approved') break
    expect(outcome.reversal === true).toBe(outcome.response?.type === 'approved')
    endings.add(`${outcome.result} ${outcome.reason}`)
    expect(pullAt).toBeLessThan(60)
  }
  expect(endings).toEqual(new Set(['cancelled cardRemoved', 'declined cardRemoved']))
})

it('cancelled by the app at each message, and the reader pays again', async () => {
  await start()
  for (const at of ['reader.presentCard', 'reader.enterPin', 'reader.authorising'] as const) {
    const stop = new AbortController()
    const leave = bench.body.on(event => event.type === 'display' && event.screen.message === at && stop.abort())
    const outcome = await pay({ signal: stop.signal, ...(at === 'reader.authorising' && { present: 'tap' as const }) })
    leave()
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })
  }
  const stop = new AbortController()
  const authorise = () => {
    bench.clock.timer(100, () => stop.abort())
    return new Promise<never>(() => {})
  }
  expect(await pay({ signal: stop.signal, terminal: { authorise } })).toMatchObject({ result: 'unknown', reason: 'merchantCancelled' })
  expect(await pay()).toMatchObject({ result: 'approved' })
})

it('switched off before and after the host was asked', async () => {
  await start()
  const stop = bench.body.on(event => event.type === 'display' && event.screen.message === 'reader.enterPin' && bench.body.switchOff())
  await expect(pay()).rejects.toMatchObject({ code: 'link-closed' })
  stop()
  expect(events.at(-1)).toEqual({ type: 'state', state: 'disconnected' })
  await bench.clock.settle(reader.close())
  bench.body.switchOn()
  await start()
  const authorise = async () => {
    bench.body.switchOff()
    return new Promise<never>(() => {})
  }
  expect(await pay({ terminal: { authorise } })).toMatchObject({ result: 'unknown', reason: 'linkLost' })
})

it('low battery, tampered and busy by their names', async () => {
  await start()
  bench.body.setBattery({ percent: 3 })
  await expect(pay()).rejects.toMatchObject({ code: 'low-battery' })
  bench.body.plug()
  const first = pay()
  await expect(reader.transact(purchase, bench.terminal())).rejects.toMatchObject({ code: 'busy' })
  expect(await first).toMatchObject({ result: 'approved' })
  bench.body.tamper()
  await expect(pay()).rejects.toMatchObject({ code: 'tampered' })
})

it('a port that never ends what it began, or fails', async () => {
  await start(port => ({
    ...port,
    call: message => (message.type === 'startTransaction' ? Promise.resolve(undefined) : port.call(message)),
  }))
  await expect(bench.clock.settle(reader.transact(purchase, bench.terminal()))).rejects.toMatchObject({ code: 'timeout' })
  await bench.clock.settle(reader.close())
  await start(port => ({
    ...port,
    call: async message => {
      if (message.type !== 'startTransaction') return port.call(message)
      await sleep(100, bench.clock)
      throw new Error('the library broke')
    },
  }))
  await expect(bench.clock.settle(reader.transact(purchase, bench.terminal()))).rejects.toThrow('the library broke')
})
