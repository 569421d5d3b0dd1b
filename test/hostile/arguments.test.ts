/** JavaScript passes anything: every public function says which argument it cannot take, and no value of another type is paid. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import * as api from '../../devices/index.ts'
import { benchClient } from '../../simulator/bench/client.ts'
import * as simulator from '../../simulator/world.ts'
import { type Counter, virtualCounter } from '../../simulator/world.ts'
import { currency } from '../../src/currency.ts'
import type { Fault } from '../../src/errors.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import { pay } from '../../src/payment/pay/payment.ts'
import { openTill } from '../../src/payment/till/till.ts'
import type { Reader } from '../../src/reader/reader.ts'

// 'x' and '100' are names of files, too: what is opened so is opened here.
const folder = mkdtempSync(join(tmpdir(), 'tapdip-arguments-'))
const home = process.cwd()
beforeAll(() => process.chdir(folder))
afterAll(() => {
  process.chdir(home)
  rmSync(folder, { recursive: true, force: true })
})

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const junk: readonly unknown[] = [undefined, null, 0, -1, Number.NaN, 1.5, 100n, '', 'x', '100', {}, [], () => {}, true, new Uint8Array(3), new Map(), Symbol('s'), new Date(Number.NaN)] // biome-ignore format: a list

const isClass = (one: unknown) => /^class\b/.test(Function.prototype.toString.call(one))
const functions = [...Object.entries(api), ...Object.entries(simulator), ...Object.entries({ benchClient })].filter(
  ([, one]) => typeof one === 'function' && !isClass(one),
) as [string, (...args: unknown[]) => unknown][]

/** What it throws or rejects with, if it does so soon. */
async function fate(work: () => unknown): Promise<unknown> {
  try {
    const result = work()
    if (result instanceof Promise) await Promise.race([result, new Promise(resolve => setImmediate(() => setImmediate(resolve)))])
    return undefined
  } catch (error) {
    return error
  }
}

describe('every public function', () => {
  it.each(functions)('%s', async (_, call) => {
    for (let position = 0; position < Math.min(2, Math.max(1, call.length)); position++)
      for (const value of junk) {
        const args: unknown[] = Array.from({ length: position }, () => ({}))
        args[position] = value
        const error = await fate(() => call(...args))
        if (error !== undefined) expect(error).toMatchObject({ name: 'Fault', code: expect.not.stringMatching(/^internal$/) })
      }
  })
})

describe('a payment', () => {
  const order = { number: 'o', amount: 100_00n, currency: currency('RUB') }
  const merchant = { name: 'M', id: 'MTM', terminal: '1' }

  async function bench(): Promise<{ counter: Counter; reader: Reader }> {
    const counter = await virtualCounter({ card: 'visa-signature', resultTime: 0 })
    ends.push(() => counter.close())
    const reader = await api.open(counter.link(), { family: 'qpos' })
    ends.push(() => reader.close())
    return { counter, reader }
  }

  /** Field, value, and what the fault calls it. */
  const wrong: readonly (readonly [string, object, object, string])[] = [
    ['a number of roubles', { amount: 100 }, {}, 'order.amount'],
    ['a text of digits', { amount: '100' }, {}, 'order.amount'],
    ['NaN', { amount: Number.NaN }, {}, 'order.amount'],
    ['no amount', { amount: undefined }, {}, 'order.amount'],
    ['less than nothing', { amount: -1n }, {}, 'order.amount'],
    ['a number for a number', { number: 5 }, {}, 'order.number'],
    ['no currency', { currency: undefined }, {}, 'order.currency'],
    ['the name of a currency', { currency: 'RUB' }, {}, 'order.currency'],
    ['items that are no list', { items: {} }, {}, 'order.items'],
    ['an item without a price', { items: [{ id: '1', name: 'Tea', quantity: 1000n, amount: 100_00n }] }, {}, 'order.items.0.price'],
    ['an item that costs a number', { items: [{ id: '1', name: 'Tea', quantity: 1000n, price: 1, amount: 100_00n }] }, {}, 'order.items.0.price'],
    ['a mail address that is none', { email: 5 }, {}, 'order.email'],
    ['no merchant', {}, { merchant: undefined }, 'options.merchant'],
    ['a merchant without a name', {}, { merchant: { id: '1', terminal: '1' } }, 'options.merchant.name'],
    ['no reader', {}, { reader: undefined }, 'options.reader'],
    ['the address of a reader', {}, { reader: 'tcp://127.0.0.1:1' }, 'options.reader'],
    ['no acquirer', {}, { acquirer: undefined }, 'options.acquirer'],
    ['the address of an acquirer', {}, { acquirer: 'http://127.0.0.1:1' }, 'options.acquirer'],
    ['a way to read that nobody knows', {}, { interfaces: ['wave'] }, 'options.interfaces.0'],
    ['no way at all', {}, { interfaces: [] }, 'options.interfaces'],
    ['a type that nobody knows', {}, { type: 'gift' }, 'options.type'],
    ['a country by its letters', {}, { country: 'RU' }, 'options.country'],
    ['cashback in a number', {}, { type: 'cashback', otherAmount: 300 }, 'options.otherAmount'],
    ['an endless time', {}, { statusTime: Number.POSITIVE_INFINITY }, 'options.statusTime'],
    ['a time in words', {}, { reversalTime: '20 s' }, 'options.reversalTime'],
    ['a signal that is none', {}, { signal: true }, 'options.signal'],
    ['yes', {}, { hold: 'yes' }, 'options.hold'],
  ] // biome-ignore format: a table

  it.each(wrong)('%s: told by field, value and rule; no card is asked for, nothing is sent', async (_, inOrder, inOptions, field) => {
    const { counter, reader } = await bench()
    const options = { reader, merchant, acquirer: httpAcquirer(counter.acquirer.url), ...inOptions }
    const fault = await pay({ ...order, ...inOrder } as typeof order, options as Parameters<typeof pay>[1]).catch(error => error as Fault)
    expect(fault).toMatchObject({ code: 'bad-argument', details: { field, value: expect.any(String), rule: expect.any(String) } })
    expect((fault as Fault).message).toContain(field)
    expect(counter.acquirer.orders).toEqual([])
    expect(counter.reader.body.screen.lines.join(' ')).not.toMatch(/PRESENT|INSERT/)
  })

  it('at the till: the same, and a way to pay that nobody knows', async () => {
    const { counter, reader } = await bench()
    const journal = await openJournal(`${process.env.TAPDIP_STATE}-${Math.random().toString(36).slice(2)}.db`)
    ends.push(() => journal.close())
    const till = openTill({ journal, merchant, acquirer: httpAcquirer(counter.acquirer.url), background: false })
    const asked: readonly (readonly [() => unknown, string])[] = [
      [() => till.payOrder({ ...order, amount: 5 as unknown as bigint }, { reader }), 'order.amount'],
      [() => till.payOrder(order, { method: 'barter' } as never), 'how.method'],
      [() => till.payOrder(order, { method: 'reader' } as never), 'how.reader'],
      [() => till.payOrder(order, undefined as never), 'how'],
      [() => till.payOrder(order, { method: 'cash', received: 100 } as never), 'how.received'],
      [() => till.confirm(5 as never), 'number'],
      [() => till.cancel('o', { amount: 5 } as never), 'part.amount'],
      [() => till.refund('o', { items: [] } as never), 'part.items'],
      [() => till.status(undefined as never), 'number'],
      [() => till.standing({} as never), 'number'],
      [() => till.receipt('' as never), 'number'],
      [() => till.reconcile('3' as never), 'days'],
      [() => openTill({ journal, acquirer: httpAcquirer(counter.acquirer.url) } as never), 'options.merchant'],
      [() => openJournal(5 as never), 'path'],
      [() => openJournal('x', { key: 'secret' as never }), 'options.key'],
    ]
    for (const [work, field] of asked) expect(await fate(work), field).toMatchObject({ code: 'bad-argument', details: { field } })
    expect(journal.orders()).toEqual([])
    await till.close()
  })

  it('a card number in the place of something else is not repeated by the fault', async () => {
    const { counter, reader } = await bench()
    const options = { reader, merchant, acquirer: httpAcquirer(counter.acquirer.url), type: '2200701234567894' }
    const fault = (await pay(order, options as never).catch(error => error)) as Fault
    expect(`${fault.message} ${JSON.stringify(fault.details)}`).toContain('220070******7894')
    expect(`${fault.message} ${JSON.stringify(fault.details)}`).not.toContain('2200701234567894')
  })
})
