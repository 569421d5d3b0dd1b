/** The till: an order is paid once, what hangs is brought to its end by itself, and each change is told in the words of the mPOS guide. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { loadCard, type VirtualCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { type Clock, systemClock, VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Fault } from '../../../src/errors.ts'
import type { Order } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Journal } from '../../../src/payment/journal/journal.ts'
import { type Notice, noticeText } from '../../../src/payment/journal/notice.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { openTill, type Paid, type Till, type TillOptions } from '../../../src/payment/till/till.ts'
import { CounterReader, type CounterReaderOptions } from '../../devices/counter-reader.ts'
import { selfSigned } from '../../simulator/acquirer/tls.ts'

const RUB = currency('RUB')
const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const number = '20220218_134123_420'
const order = (more: Partial<Order> = {}): Order => ({ number, amount: 150_00n, currency: RUB, ...more })
const visa = profiles['visa-signature'].pan
const full = 1_000_000_00n
const secret = new Uint8Array(32).fill(9)
const [application] = profiles['offline-pin'].applications
const offlineCard: CardProfile = { ...profiles['offline-pin'], applications: [{ ...application, risk: { policy: 'approve' } }] }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A shop that can be shut and opened again: journal and host's state are files. */
class Shop {
  readonly seen: HostEvent[] = []
  readonly notices: Notice[] = []
  readonly faults: Fault[] = []
  readonly #directory = mkdtempSync(join(tmpdir(), 'tapdip-till-'))
  readonly #cards = new Map<string | CardProfile, VirtualCard>()
  #host: AcquirerHost | undefined
  #port = 0
  journal!: Journal
  till!: Till

  constructor() {
    ends.push(async () => {
      await this.shut()
      await this.#host?.close()
      rmSync(this.#directory, { recursive: true, force: true })
    })
  }

  get host(): AcquirerHost {
    return this.#host!
  }

  async startHost(options: AcquirerOptions = {}): Promise<void> {
    this.#host = await startAcquirer({
      port: this.#port,
      state: join(this.#directory, 'host.db'),
      onEvent: event => this.seen.push(event),
      ...options,
    })
    this.#port = this.#host.port
  }

  async open(options: Partial<TillOptions> & { readonly clock?: Clock } = {}): Promise<Till> {
    const clock = options.clock ?? systemClock
    this.journal = await openJournal(join(this.#directory, 'journal.db'), { key: secret, clock })
    this.till = openTill({
      ...{
        journal: this.journal,
        acquirer: httpAcquirer(`http://127.0.0.1:${this.#port}`, { timeout: 2000 }),
        merchant,
        background: false,
      },
      onNotice: notice => this.notices.push(notice),
      onFault: fault => this.faults.push(fault),
      ...options,
    })
    return this.till
  }

  async shut(): Promise<void> {
    await this.till?.close()
    await this.journal?.close()
  }

  pay(
    card: string | CardProfile = 'visa-signature',
    more: Partial<Order> = {},
    reader: Partial<CounterReaderOptions> = {},
    hold?: boolean,
  ): Promise<Paid> {
    const plastic = this.#cards.get(card) ?? loadCard(card)
    this.#cards.set(card, plastic)
    const device = new CounterReader({ card: plastic, ...reader })
    return this.till.payOrder(order(more), { reader: device, statusTime: 100, reversalTime: 100, ...(hold && { hold }) })
  }

  get texts(): string[] {
    return this.notices.map(notice => noticeText(notice, 'ru'))
  }
}

async function shop(host: AcquirerOptions = {}, till: Parameters<Shop['open']>[0] = {}): Promise<Shop> {
  const made = new Shop()
  await made.startHost(host)
  await made.open(till)
  return made
}

describe('an order is paid once', () => {
  it('paid, and paid again: already paid, and nobody is asked anything', async () => {
    const one = await shop()
    const first = await one.pay()
    expect(first).toMatchObject({ result: 'approved', order: { state: 'Approved', number } })
    const device = new CounterReader({ card: loadCard('visa-signature') })
    const again = await one.till.payOrder(order(), { reader: device })
    expect(again).toMatchObject({ result: 'already-paid', order: { state: 'Approved' } })
    expect(device.transactions).toBe(0)
    expect(one.seen).toHaveLength(1)
    await one.shut()
    await one.open()
    expect(await one.pay()).toMatchObject({ result: 'already-paid' })
    expect(one.till.receipt(number)).toEqual('payment' in first ? first.payment.receipt : undefined)
    expect(one.notices).toEqual([])
  })

  it('a second attempt while the first is under way: still being processed', async () => {
    const one = await shop({ rules: [{ do: 'delay', ms: 300 }] })
    const first = one.pay()
    await vi.waitFor(() => expect(one.host.orders).toHaveLength(1))
    expect(await one.pay()).toMatchObject({ result: 'in-process', order: { state: 'In Process' } })
    expect(await first).toMatchObject({ result: 'approved' })
    expect(one.host.balance(visa)).toBe(full - 150_00n)
  })

  it('two at the same moment: one pays', async () => {
    const one = await shop()
    const results = (await Promise.all([one.pay(), one.pay()])).map(({ result }) => result)
    expect(results.sort()).toEqual(['approved', 'in-process'])
    expect(one.host.balance(visa)).toBe(full - 150_00n)
  })

  it('declined, and then paid', async () => {
    const one = await shop({ rules: [{ do: 'decline', code: '51', reason: 'no money', times: 1 }] })
    expect(await one.pay()).toMatchObject({ result: 'declined', order: { state: 'Declined' } })
    expect(await one.pay()).toMatchObject({
      result: 'approved',
      order: { state: 'Approved', entries: [{ result: 'declined' }, { result: 'approved' }] },
    })
  })
})

describe('what hangs', () => {
  it('a reversal is repeated with growing pauses until the host has confirmed it, also after a restart', async () => {
    const one = await shop({
      rules: [
        { do: 'wrongArpc', times: 1 },
        { do: 'dropRequest', on: 'reversal' },
      ],
    })
    const paid = await one.pay('mir-maestro')
    expect(paid).toMatchObject({ result: 'unknown', payment: { reversal: 'pending' }, order: { state: 'In Process' } })
    expect(await one.pay()).toMatchObject({ result: 'in-process' })
    expect(await one.till.recover()).toMatchObject([{ became: 'pending', fault: { code: 'host-no-answer' } }])
    expect(one.texts).toEqual([`Нет связи с сервером: обработка заказа №${number} будет повторена`])
    await one.shut()
    const clock = new VirtualClock(new Date())
    await one.open({ background: true, clock })
    const tries = () => one.journal.open(merchant)[0].tries
    await vi.waitFor(() => expect(tries()).toBeGreaterThanOrEqual(3))
    const gaps: number[] = []
    for (let count = tries() + 1; gaps.length < 3; count++) {
      gaps.push(+one.journal.open(merchant)[0].nextTry! - clock.now())
      for (let left = gaps.at(-1)!; left > 0; left -= 30_000) {
        await new Promise(resolve => setTimeout(resolve, 20)) // the till goes to rest
        await clock.advance(Math.min(left, 30_000))
      }
      await vi.waitFor(() => expect(tries()).toBe(count))
    }
    expect(gaps).toEqual([10_000, 20_000, 40_000])
    await one.host.close()
    await one.startHost()
    for (let round = 0; round < 5; round++) {
      await new Promise(resolve => setTimeout(resolve, 20))
      await clock.advance(30_000)
    }
    await vi.waitFor(() => expect(one.texts.at(-1)).toBe(`Прерванный платёж по заказу №${number} отменён: деньги не списаны`))
    expect(one.host.order(number)?.state).toBe('Canceled')
    expect(one.host.balance(profiles['mir-maestro'].pan)).toBe(full)
    expect(one.till.orders()).toMatchObject([{ state: 'Canceled', entries: [{ result: 'declined', reason: 'cardDeclined', open: false }] }])
    expect(one.faults).toEqual([])
    await one.shut()
    expect(clock.pending).toBe(0)
  })

  it('an offline approval is handed to the host when it is there again, with its own time, and told in the guide’s words', async () => {
    const one = await shop()
    await one.host.close()
    expect(await one.pay(offlineCard, {}, { cvm: 'offlinePin', offline: true })).toMatchObject({
      result: 'approved',
      payment: { advice: 'pending' },
      order: { state: 'Approved', offline: true },
    })
    expect(await one.pay()).toMatchObject({ result: 'already-paid' })
    expect((await one.till.recover()).map(({ became }) => became)).toEqual(['pending'])
    await one.shut()
    await one.startHost()
    await one.open()
    expect((await one.till.reconcile()).map(({ offline }) => offline)).toEqual([false])
    expect(one.texts.at(-1)).toBe(`Заказ №${number} успешно передан на сервер. Дата и время проведения заказа обновлены`)
    const [{ at, transactions }] = one.host.order(number)!.operations
    expect(transactions[0].kind).toBe('advice')
    expect(at).toEqual(one.till.orders()[0].entries[0].at)
    expect(await one.till.recover()).toEqual([])
    expect(one.notices).toHaveLength(2)
  })

  it('an unknown payment that card and host have approved becomes Approved, as the guide’s notification says', async () => {
    // The card approves by default while the host, which has approved, is silent.
    const one = await shop({ rules: [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'] }] })
    const paid = await one.pay(offlineCard, {}, { cvm: 'offlinePin', byDefault: true })
    expect(paid).toMatchObject({ result: 'unknown', order: { state: 'In Process' } })
    expect(paid).not.toHaveProperty('payment.reversal')
    await one.host.close()
    await one.startHost()
    expect(await one.till.reconcile()).toMatchObject([{ number, state: 'Approved' }])
    expect(one.texts).toEqual([`Статус заказа №${number} изменился на "Approved"`])
    expect(noticeText(one.notices[0])).toBe(`The state of order No. ${number} has changed to "Approved"`)
    expect(one.till.receipt(number)).toMatchObject({
      result: 'approved',
      responseCode: '00',
      authorisationCode: expect.stringMatching(/^X/),
    })
  })

  it('orders older than three days are not asked for, what is due still is', async () => {
    const clock = new VirtualClock()
    const one = await shop({ rules: [{ do: 'wrongArpc' }, { do: 'dropRequest', on: 'reversal', times: 10 }] })
    await one.shut()
    await one.open({ clock })
    const device = new CounterReader({ card: loadCard('mir-maestro') })
    const paying = one.till.payOrder(order(), { reader: device, reversalTime: 0, statusTime: 0 })
    await clock.settle(Promise.race([paying, new Promise(resolve => setTimeout(resolve, 300))]))
    await clock.advance(1000)
    expect(await paying).toMatchObject({ result: 'unknown' })
    await clock.advance(4 * 86_400_000)
    expect(await one.till.reconcile()).toEqual([])
    expect((await one.till.recover()).map(({ entry }) => entry.order)).toEqual([number])
  })

  it('a notice that was not heard to its end is told again', async () => {
    const one = await shop({ rules: [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'] }] }, { onNotice: undefined })
    await one.pay(offlineCard, {}, { cvm: 'offlinePin', byDefault: true })
    await one.host.close()
    await one.startHost()
    await one.till.recover()
    expect(one.journal.notices()).toHaveLength(1)
    await one.shut()
    await one.open()
    await one.till.recover()
    expect(one.texts).toEqual([`Статус заказа №${number} изменился на "Approved"`])
    expect(one.journal.notices()).toEqual([])
  })

  it('is left alone while it is in living hands', async () => {
    const one = await shop({ rules: [{ do: 'delay', ms: 300 }] })
    const paying = one.pay()
    await vi.waitFor(() => expect(one.host.orders).toHaveLength(1))
    expect((await one.till.recover()).map(({ became }) => became)).toEqual(['busy'])
    await expect(one.till.cancel(number)).rejects.toMatchObject({ code: 'busy', details: { state: 'in-process' } })
    expect(await paying).toMatchObject({ result: 'approved' })
  })

  it('is taken back when the merchant wants to be paid another way', async () => {
    const one = await shop({ rules: [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'] }] })
    expect(await one.pay(offlineCard, {}, { cvm: 'offlinePin', byDefault: true })).toMatchObject({ result: 'unknown' })
    await one.host.close()
    await one.startHost()
    expect(await one.till.cancel(number)).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    expect(one.host.order(number)?.state).toBe('Canceled')
    expect(await one.pay()).toMatchObject({ result: 'approved' })
  })
})

describe('an order that is paid', () => {
  const items = [
    { id: '1', name: 'Компактный фотик', quantity: 2000n, price: 50_00n, amount: 100_00n },
    { id: '2', name: 'Strap', quantity: 1000n, price: 50_00n, amount: 50_00n },
  ]

  it('in two stages: confirmed in part, refunded in part', async () => {
    const one = await shop()
    expect(await one.pay(undefined, { items }, {}, true)).toMatchObject({ result: 'approved', order: { state: 'Delayed' } })
    expect(await one.till.confirm(number, { items: [{ id: '1' }] })).toMatchObject({
      result: 'approved',
      order: { state: 'PartialDelayed' },
    })
    one.host.settle()
    expect(await one.till.refund(number, { items: [{ id: '1', quantity: 1000n }] })).toMatchObject({
      result: 'approved',
      order: { state: 'PartialCanceled' },
    })
    expect(await one.till.refund(number, { amount: 150_00n })).toMatchObject({ result: 'declined', answer: { response: { code: '13' } } })
    expect(await one.till.cancel(number)).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    expect(one.host.balance(visa)).toBe(full)
    expect(one.till.orders()[0].entries.map(({ kind, result }) => `${kind} ${result}`)).toEqual(['payment approved', 'confirmation approved', 'cancellation approved', 'cancellation declined', 'cancellation approved']) // biome-ignore format: a list
    expect(one.notices).toEqual([])
  })

  it('a cancellation whose answer is lost is repeated under its key until it is answered, and done once', async () => {
    const one = await shop({ rules: [{ do: 'dropAnswer', on: 'cancellation', times: 2 }] })
    await one.pay(undefined, { items })
    expect(await one.till.refund(number, { amount: 50_00n })).toMatchObject({ result: 'unknown', order: { state: 'Approved' } })
    await expect(one.till.refund(number, { amount: 50_00n })).rejects.toMatchObject({ code: 'busy' })
    await one.shut()
    await one.open()
    expect((await one.till.recover()).map(({ became }) => became)).toEqual(['approved'])
    expect(one.texts.at(-1)).toBe(`Статус заказа №${number} изменился на "PartialCanceled"`)
    expect(one.host.balance(visa)).toBe(full - 100_00n)
    expect(one.host.order(number)!.operations).toHaveLength(2)
  })

  it('status asks the host, and gives what the journal has when the host is away', async () => {
    const one = await shop()
    await one.pay()
    await httpAcquirer(one.host.url).cancel({ key: 'back office', merchant, number, at: new Date() })
    expect(await one.till.status(number)).toMatchObject({ state: 'Canceled' })
    await one.host.close()
    expect(await one.till.status(number)).toMatchObject({ state: 'Canceled' })
  })

  it.each([
    [{ amount: 0n }, 'part.amount'],
    [{ amount: 150_01n }, 'part.amount'],
    [{ amount: 1n, items: [{ id: '1' }] }, 'part'],
    [{ items: [{ id: '3' }] }, 'items'],
    [{ items: [{ id: '1', quantity: 2001n }] }, 'items'],
  ])('%# is no part of it', async (part, field) => {
    const one = await shop()
    await one.pay(undefined, { items })
    await expect(one.till.refund(number, part)).rejects.toMatchObject({ code: 'bad-argument', details: { field } })
    expect(one.till.orders()[0].entries).toHaveLength(1)
  })

  it('an order that nobody knows', async () => {
    const one = await shop()
    await expect(one.till.status('none')).rejects.toMatchObject({ code: 'not-found' })
    await expect(one.till.cancel('none')).rejects.toMatchObject({ code: 'not-found' })
    expect(() => one.till.receipt('none')).toThrowError(expect.objectContaining({ code: 'not-found' }))
  })
})

describe('in the background', () => {
  it('faults are heard, and the till closes while it waits', async () => {
    const one = await shop({}, { background: true })
    await one.journal.close()
    await one.pay().catch(() => {})
    await vi.waitFor(() => expect(one.faults.map(({ code }) => code)).toContain('journal'))
    await one.till.close()
  })

  it('a payment that could not be written down is brought to its end by the same till, once it can', async () => {
    const one = await shop()
    const path = one.journal.path
    await one.shut()
    const journal = await openJournal(path, { busyTime: 50 })
    ends.push(() => journal.close())
    const till = openTill({ journal, acquirer: httpAcquirer(one.host.url), merchant, background: false })
    const other = new Database(path)
    const lock = () => other.exec('BEGIN IMMEDIATE') // another process writes, and does not end
    const reader = new CounterReader({ card: loadCard('visa-signature'), tamper: lock })
    await expect(till.payOrder(order(), { reader })).rejects.toMatchObject({ code: 'journal', details: { reason: 'locked' } })
    expect(one.host.orders).toEqual([])
    await expect(till.recover()).rejects.toMatchObject({ code: 'journal', details: { reason: 'locked' } })
    other.exec('ROLLBACK')
    expect(await till.recover()).toMatchObject([{ became: 'cancelled' }])
    expect(await till.payOrder(order(), { reader: new CounterReader({ card: loadCard('visa-signature') }) })).toMatchObject({
      result: 'approved',
    })
    other.close()
  })

  it('what another key sealed is not lost, and is named', async () => {
    const one = await shop()
    await one.host.close()
    await one.pay(offlineCard, {}, { cvm: 'offlinePin', offline: true })
    await one.shut()
    await one.startHost()
    for (const options of [{ key: new Uint8Array(32) }, {}]) {
      const journal = await openJournal(one.journal.path, options)
      const till = openTill({ journal, acquirer: httpAcquirer(one.host.url), merchant, background: false })
      expect(await till.recover()).toMatchObject([{ became: 'pending', fault: { code: 'bad-key' } }])
      await journal.close()
    }
    await one.open()
    expect(await one.till.recover()).toMatchObject([{ became: 'approved' }])
  })
})

describe('a host that cannot be believed: a clear error, and the payment is in the journal', () => {
  it('a certificate that nobody vouches for: nothing left, the card decided, and the order stands as declined', async () => {
    const store = await shop({ tls: selfSigned })
    const { host } = store
    await store.till.close()
    store.till = openTill({ journal: store.journal, acquirer: httpAcquirer(host.url, { timeout: 2000 }), merchant, background: false })
    const asked = httpAcquirer(host.url).status('k')
    await expect(asked).rejects.toMatchObject({ code: 'host-unreachable', message: expect.stringMatching(/certificate/) })
    const paid = await store.pay()
    expect(paid).toMatchObject({ result: 'declined' })
    expect(store.journal.order(merchant, number)).toMatchObject({ number })
    expect(store.till.orders()).toHaveLength(1)
    expect(host.orders).toEqual([])
    expect(host.balance(visa)).toBe(full)
  })

  it('garbage for every answer: unknown, kept as open, and ended when the host speaks again', async () => {
    const store = await shop({ rules: [{ do: 'garbage', on: ['authorisation', 'status', 'reversal'], times: 20 }] })
    expect(await store.pay()).toMatchObject({ result: 'unknown' })
    const [kept] = store.till.orders()
    expect(kept).toMatchObject({ number })
    const again = await store.pay()
    expect(again).toMatchObject({ result: 'in-process' })
    await store.host.close()
    await store.startHost()
    const [ended] = await store.till.recover()
    expect(ended.became).not.toBe('pending')
    expect(store.host.balance(visa)).toBe(full)
  })
})
