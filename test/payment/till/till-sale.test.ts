/** Cash and SBP at the till, as an app calls it: what a crash leaves at every step, clocks, hosts that cannot, and fiscal documents of two stages. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import { Fault } from '../../../src/errors.ts'
import type { Order, SbpCode } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Journal } from '../../../src/payment/journal/journal.ts'
import { type Notice, noticeText } from '../../../src/payment/journal/notice.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { makePlainReceipt } from '../../../src/payment/receipt/receipt.ts'
import { fiscalReceipts } from '../../../src/payment/till/fiscal-orders.ts'
import { openTill, type Till, type TillOptions } from '../../../src/payment/till/till.ts'
import { traceEvents } from '../../../src/trace/writer.ts'
import { CounterReader } from '../../devices/counter-reader.ts'

const RUB = currency('RUB')
const merchant = { name: 'Магазин', id: 'MTM', terminal: '63545902' }
const order: Order = { number: '20230914_121849_446', amount: 1_00n, currency: RUB }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Bench {
  readonly host: AcquirerHost
  readonly journal: Journal
  readonly till: Till
  readonly told: string[]
  readonly acquirer: ReturnType<typeof httpAcquirer>
}

async function bench(host: AcquirerOptions = {}, options: Partial<TillOptions> = {}): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'tapdip-sale-'))
  const server = await startAcquirer(host)
  const journal = await openJournal(join(folder, 'journal.db'))
  const told: string[] = []
  const acquirer = httpAcquirer(server.url, { timeout: 2000 })
  const onNotice = (notice: Notice) => void told.push(noticeText(notice, 'ru'))
  const till = openTill({ journal, acquirer, merchant, background: false, onNotice, ...options })
  ends.push(async () => {
    await till.close()
    await journal.close()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { host: server, journal, till, told, acquirer }
}

const at = new Date()
const sbpIntent = { key: 'k1', order, merchant, method: 'sbp', amount: order.amount, at } as const
const sale = { key: 'k1', order, merchant, amount: order.amount, at }

describe('after a crash', () => {
  it('SBP, before the code was asked for: nothing is charged', async () => {
    const { journal, till, told } = await bench()
    await journal.record({ stage: 'begun', ...sbpIntent })
    journal.release('k1')
    expect(await till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(told).toEqual([`Платёж по заказу №${order.number} прерван до запроса в банк: деньги не списаны`])
  })

  it('SBP, and the host has never heard of it: a late copy cannot be paid', async () => {
    const { journal, till, acquirer } = await bench()
    await journal.record({ stage: 'begun', ...sbpIntent })
    await journal.record({ stage: 'presenting', key: 'k1' })
    journal.release('k1')
    expect(await till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(await acquirer.requestQr(sale)).toMatchObject({ payload: '', answer: { state: 'reversed' } })
  })

  it('SBP, while the code was shown: in process without a word, paid later, told in the guide’s words', async () => {
    const { journal, till, acquirer, host, told } = await bench()
    await journal.record({ stage: 'begun', ...sbpIntent })
    await journal.record({ stage: 'presenting', key: 'k1' })
    const { payload, expires } = await acquirer.requestQr(sale)
    await journal.record({ stage: 'presenting', key: 'k1', payload, expires })
    journal.release('k1')
    expect(await till.recover()).toMatchObject([{ became: 'pending' }])
    expect(told).toEqual([])
    expect(till.standing(order.number)).toMatchObject({ result: 'in-process', order: { entries: [{ code: { payload, expires } }] } })
    expect((await acquirer.requestQr(sale)).payload).toBe(payload)
    host.payQr(payload)
    expect(await till.reconcile()).toMatchObject([{ state: 'Approved' }])
    expect(told).toEqual([`Статус заказа №${order.number} изменился на "Approved"`])
    expect(till.receipt(order.number)).toMatchObject({ result: 'approved', method: 'sbp', rrn: expect.stringMatching(/^\d{12}$/) })
    expect(await till.payOrder(order, { method: 'cash' })).toMatchObject({ result: 'already-paid' })
  })

  it('SBP that was being taken back, and was paid all the same: the money goes back', async () => {
    const { journal, till, acquirer, host, told } = await bench()
    await journal.record({ stage: 'begun', ...sbpIntent })
    const { payload } = await acquirer.requestQr(sale)
    host.payQr(payload)
    await journal.record({ stage: 'reversing', key: 'k1', why: 'cancelled' })
    journal.release('k1')
    await till.recover()
    expect(host.order(order.number)).toMatchObject({ state: 'Canceled', operations: [{ state: 'Canceled' }, { type: 'cancellation' }] })
    expect(told).toEqual([`Прерванный платёж по заказу №${order.number} отменён: деньги не списаны`])
    expect(host.order(order.number)!.operations.map(({ fiscal }) => fiscal?.kind)).toEqual(['sale', 'refund'])
  })

  it('cash: counted but not written down is not paid; written down is registered once, whoever tells the host first', async () => {
    const { journal, till, host, acquirer } = await bench()
    const intent = { key: 'k1', order, merchant, method: 'cash', amount: order.amount, at, received: 5_00n } as const
    await journal.record({ stage: 'begun', ...intent })
    journal.release('k1')
    expect(await till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(host.orders).toEqual([])
    await journal.record({ stage: 'begun', ...intent, key: 'k2' })
    const receipt = makePlainReceipt({ order, merchant, at }, 'cash', 'approved', 5_00n)
    await journal.record({ stage: 'ended', key: 'k2', result: 'approved', receipt, due: 'registration' })
    await acquirer.registerCash({ ...sale, key: 'k2', received: 5_00n }) // the answer to which the crash swallowed
    expect(await till.recover()).toMatchObject([{ became: 'approved' }])
    expect(host.order(order.number)!.operations).toHaveLength(1)
    await expect(acquirer.registerCash({ ...sale, key: 'k2', received: 6_00n })).rejects.toMatchObject({ code: 'host-error' })
  })
})

describe('SBP', () => {
  it('a code that nobody pays expires, and the order may be paid another way', async () => {
    const clock = new VirtualClock(new Date())
    const { till, host } = await bench({ clock, orderTime: 60_000 }, { clock })
    const shown: SbpCode[] = []
    const states: unknown[] = []
    const paying = till.payOrder(order, { method: 'sbp', show: code => shown.push(code), onRefresh: state => states.push(state) })
    await vi.waitFor(() => expect(shown).toHaveLength(1))
    expect(+shown[0].expires - clock.now()).toBe(60_000)
    for (let seconds = 0; seconds < 70; seconds += 3) {
      const before = states.length
      await clock.advance(3000)
      await vi.waitFor(() => expect(states.length).toBeGreaterThan(before)).catch(() => {})
      if (states.at(-1) === 'declined') break
    }
    expect(await paying).toMatchObject({
      result: 'declined',
      order: { state: 'Declined', entries: [{ answer: { response: { code: '68' } } }] },
    })
    expect(states.length).toBeGreaterThan(15)
    expect(() => host.payQr(shown[0].payload)).toThrow(/cannot be paid/)
    expect(await till.payOrder(order, { method: 'cash' })).toMatchObject({ result: 'approved', sale: { registration: 'done' } })
    expect(clock.pending).toBe(0)
  })

  it('declined by the host: no code', async () => {
    const { till } = await bench({ rules: [{ do: 'decline', on: 'qr', code: '61', reason: 'limit' }] })
    const show = vi.fn()
    expect(await till.payOrder(order, { method: 'sbp', show })).toMatchObject({ result: 'declined', order: { state: 'Declined' } })
    expect(show).not.toHaveBeenCalled()
  })

  it('the answer with the code is lost: taken back, and nothing can be paid', async () => {
    const { till, host } = await bench({ rules: [{ do: 'dropAnswer', on: 'qr', times: 1 }] })
    expect(await till.payOrder(order, { method: 'sbp', show: () => {} })).toMatchObject({
      result: 'cancelled',
      order: { state: 'Canceled' },
    })
    expect(host.order(order.number)).toMatchObject({ state: 'Canceled' })
    expect(await till.payOrder(order, { method: 'cash', received: 1_00n })).toMatchObject({
      result: 'approved',
      sale: { registration: 'done' },
    })
  })

  it('an app that throws in its own callbacks does not leave the payment half done', async () => {
    const { till, host } = await bench()
    const thrown: unknown[] = []
    const hear = (error: unknown) => thrown.push(error)
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException').on('uncaughtException', hear)
    try {
      const paid = await till.payOrder(order, {
        method: 'sbp',
        refreshTime: 10,
        show({ payload }) {
          host.payQr(payload)
          throw new Error('the app’s bug')
        },
      })
      expect(paid).toMatchObject({ result: 'approved' })
      expect(thrown).toMatchObject([{ message: 'the app’s bug' }])
    } finally {
      process.removeAllListeners('uncaughtException')
      for (const one of listeners) process.on('uncaughtException', one)
    }
  })

  it('a journal that fails under way: thrown, and the payment is brought to its end later', async () => {
    const { journal, acquirer, host, told } = await bench()
    let full = false
    const failing: Journal = {
      ...journal,
      record(step) {
        if (full) throw Object.assign(new Error('disk full'))
        return journal.record(step)
      },
    }
    const till = openTill({ journal: failing, acquirer, merchant, background: false, onNotice: notice => told.push(noticeText(notice)) })
    const paying = till.payOrder(order, {
      method: 'sbp',
      refreshTime: 10,
      show({ payload }) {
        host.payQr(payload)
        full = true
      },
    })
    await expect(paying).rejects.toThrow('disk full')
    full = false
    expect(await till.recover()).toMatchObject([{ became: 'approved' }])
    await till.close()
  })
})

describe('hosts and documents', () => {
  it('a host without cash and SBP: unsupported, and nothing is begun', async () => {
    const { acquirer, journal } = await bench()
    const { registerCash: _, requestQr: __, ...cards } = acquirer
    const till = openTill({ journal, acquirer: cards, merchant, background: false })
    await expect(till.payOrder(order, { method: 'cash' })).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'cash' } })
    await expect(till.payOrder(order, { method: 'sbp', show: () => {} })).rejects.toMatchObject({ code: 'unsupported' })
    expect(till.orders()).toEqual([])
    await till.close()
  })

  it('two stages: no document while it is held, one for what is confirmed, one for what is refunded', async () => {
    const { till, acquirer } = await bench()
    const items = [{ id: '1', name: 'A', quantity: 3000n, price: 34n, amount: 100n, vat: 20 }]
    const reader = new CounterReader({ card: loadCard('visa-signature') })
    await till.payOrder({ ...order, items }, { reader, hold: true })
    const documents = async () =>
      (await fiscalReceipts(till.orders()[0], { acquirer })).map(({ kind, total, mark }) => `${kind} ${total} ${mark?.document ?? '-'}`)
    expect(await documents()).toEqual(['sale 1.00 -'])
    await till.confirm(order.number, { items: [{ id: '1', quantity: 2000n }] })
    await till.refund(order.number, { items: [{ id: '1', quantity: 1000n }] })
    expect(await documents()).toEqual(['sale 0.66 1', 'refund 0.33 2'])
  })

  it('numbers of documents go on after a restart of the host', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tapdip-register-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const state = join(folder, 'host.db')
    for (const [number, document] of [['a', 1], ['b', 2]] as const) {
      const { acquirer, host } = await bench({ state })
      const own = { ...sale, key: number, order: { ...order, number }, received: 1_00n }
      await acquirer.registerCash(own)
      const found = await acquirer.order(merchant, number)
      expect(found).toMatchObject({ state: 'Approved', fiscal: [{ document, receipt: document, shift: 1, amount: 1_00n, at }] })
      await host.close()
    }
  }) // biome-ignore format: a table
})

describe('a trace', () => {
  it('has a span for a sale in cash and by SBP as for one by card, and how it ended', async () => {
    const trace = traceEvents()
    const { till, host } = await bench({}, { tracer: trace })
    await till.payOrder(order, { method: 'cash' })
    const other = { ...order, number: '20230914_121849_447' }
    await till.payOrder(other, { method: 'sbp', show: ({ payload }) => void host.payQr(payload) })
    await expect(till.payOrder({ ...order, number: 'x'.repeat(33) }, { method: 'cash' })).rejects.toMatchObject({ code: 'bad-argument' })
    trace.close()
    const spans = trace.events.flatMap(one => (one.kind === 'span' ? [`${one.level} ${one.name}`] : []))
    const refused = `payment ${'x'.repeat(33)}`
    expect(spans).toEqual([`payment ${order.number}`, 'step cash', `payment ${other.number}`, 'step sbp', refused, 'step cash'])
    const ends = trace.events.flatMap(one => (one.kind === 'spanEnd' ? [[one.id, one.fault]] : []))
    expect(ends.slice(-2)).toEqual([
      [6, 'bad-argument'],
      [5, 'bad-argument'],
    ])
    expect(trace.events.filter(({ kind }) => kind === 'result')).toMatchObject([
      { span: 1, result: 'approved', content: { method: 'cash', registration: 'done' } },
      { span: 3, result: 'approved', content: { method: 'sbp' } },
    ])
    const asked = trace.events.filter(one => one.kind === 'host' && one.what === 'request' && /^(registerCash|requestQr)$/.test(one.name))
    expect(asked).toMatchObject([{ span: 2 }, { span: 4 }])
  })

  it('has spans for what is done to an order without a reader, with the fault where one ended it', async () => {
    const trace = traceEvents()
    const { till, host } = await bench({}, { tracer: trace })
    const { number } = order
    await till.payOrder(order, { method: 'cash' })
    const begun = trace.events.length
    const stop = AbortSignal.abort(new Fault('aborted', 'the merchant ended it'))
    expect(await till.confirm(number)).toMatchObject({ result: 'declined' })
    expect(await till.refund(number, { amount: 40n })).toMatchObject({ result: 'approved' })
    await till.status(number)
    await expect(till.cancel(number, {}, stop)).rejects.toMatchObject({ code: 'aborted' })
    await expect(till.increment(number, 1n)).rejects.toMatchObject({ code: 'unsupported' })
    await expect(till.cancel('nobody')).rejects.toMatchObject({ code: 'not-found' })
    await till.recover()
    await host.close()
    expect((await till.cancel(number)).result).toBe('unknown')
    await till.reconcile()
    trace.close()
    const events = trace.events.slice(begun)
    const names = new Map(events.flatMap(one => (one.kind === 'span' ? [[one.id, `${one.level} ${one.name}`]] : [])))
    const ends = events.flatMap(one =>
      one.kind === 'spanEnd' ? [`${names.get(one.id)}${one.fault === undefined ? '' : `: ${one.fault}`}`] : [],
    )
    expect(ends).toEqual([
      ...['step confirmation', `payment ${number}`, 'step refund', `payment ${number}`, 'step status'],
      ...['step cancellation: aborted', `payment ${number}: aborted`, 'step increment: unsupported', `payment ${number}: unsupported`],
      ...['step cancellation: not-found', 'payment nobody: not-found', 'step recovery'],
      ...['step cancellation', `payment ${number}`, 'step reconciliation'],
    ])
    const told = events.flatMap(one => (one.kind === 'app' && one.what === 'event' ? [[names.get(one.span!), one.content]] : []))
    expect(told).toMatchObject([
      ['step confirmation', { result: 'declined' }],
      ['step refund', { result: 'approved' }],
      ['step cancellation', { result: 'unknown' }],
    ])
    // Each question to the host lies in the step that asked it.
    const askers = events.flatMap(one => (one.kind === 'host' && one.what === 'request' ? [`${names.get(one.span!)}: ${one.name}`] : []))
    expect(askers).toContain('step refund: cancel')
    expect(askers).toContain('step status: order')
    expect(askers.every(one => !one.startsWith('undefined'))).toBe(true)
  })
})
