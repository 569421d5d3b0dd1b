/** The acquirer's orders over its interface: two stages, cancellations, items, bonus points, risk, rules on every question, restart, and lines that fail. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, hostEventLine, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { parseRisk } from '../../../simulator/acquirer/issuer/risk.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Order, OrderAcquirer, OrderChange } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { decodeChange, decodeHostOrder, encodeChange, encodeHostOrder } from '../../../src/payment/host/wire-order.ts'
import { checkItems, priceParts } from '../../../src/payment/order.ts'
import { cardMessage } from '../../payment/host/host-bench.ts'
import { selfSigned } from './tls.ts'

const RUB = currency('RUB')
const visa = profiles['visa-signature'].pan
const shop = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const full = 100_000_000n
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Bench {
  readonly host: AcquirerHost
  readonly client: OrderAcquirer
  readonly seen: HostEvent[]
  /** Pays with the Visa card. */
  pay(key: string, number: string, order?: Partial<Order>, hold?: boolean): ReturnType<OrderAcquirer['authorise']>
  change(key: string, number: string, part?: Partial<OrderChange>): OrderChange
}

async function started(options: AcquirerOptions = {}): Promise<Bench> {
  const seen: HostEvent[] = []
  const host = await startAcquirer({ ...options, onEvent: event => seen.push(event) })
  ends.push(() => host.close())
  const client = httpAcquirer(host.url, { timeout: 1000 })
  return {
    host,
    client,
    seen,
    async pay(key, number, order = {}, hold) {
      const message = await cardMessage(key, hold === undefined ? {} : { hold })
      return client.authorise({ ...message, order: { ...message.order, number, ...order } })
    },
    change: (key, number, part = {}) => ({ key, merchant: shop, number, at: new Date(), ...part }),
  }
}

const items = [
  { id: 'camera', name: 'Компактный фотик', quantity: 2000n, price: 1000_00n, amount: 2000_00n, vat: 20 },
  { id: 'strap', name: 'Strap', quantity: 3000n, price: 200_00n, amount: 500_00n },
]

describe('an order in one stage', () => {
  it('is Approved, and a cancellation of the same day is a reversal', async () => {
    const { client, pay, change, host, seen } = await started()
    expect(await pay('p', 'o')).toMatchObject({ state: 'approved', orderState: 'Approved' })
    const before = (await client.order(shop, 'o'))!
    expect(before).toMatchObject({
      number: 'o',
      state: 'Approved',
      amount: 2500_00n,
      charged: 2500_00n,
      held: 0n,
      cancelled: 0n,
      currency: RUB,
    })
    expect(before.billNumber).toMatch(/^\d{16}$/)
    const asked = change('c', 'o')
    const answer = await client.cancel(asked)
    expect(answer).toMatchObject({ state: 'approved', orderState: 'Canceled', billNumber: before.billNumber, response: { code: '00' } })
    expect(await client.cancel(asked)).toEqual(answer)
    expect(await client.status('c')).toEqual(answer)
    expect(host.balance(visa)).toBe(full)
    expect((await client.order(shop, 'o'))!).toMatchObject({ state: 'Canceled', charged: 0n, cancelled: 2500_00n, operations: [{ type: 'payment', state: 'Approved' }, { type: 'cancellation', transactions: [{ kind: 'reversal', key: 'c', amount: 2500_00n }] }] }) // biome-ignore format: one order
    expect(seen.map(hostEventLine)).toContain('cancellation o 2500.00 RUB (reversal): 00 approved, the order is Canceled')
    expect(await pay('p2', 'o')).toMatchObject({ state: 'declined', response: { code: '12' } })
  })

  it('after the day’s end it is a refund, in parts, and never more than was paid', async () => {
    const { client, pay, change, host } = await started()
    await pay('p', 'o')
    host.settle()
    expect(await client.cancel(change('a', 'o', { amount: 1000_00n }))).toMatchObject({ state: 'approved', orderState: 'PartialCanceled' })
    expect(host.balance(visa)).toBe(full - 1500_00n)
    expect(await client.cancel(change('b', 'o', { amount: 1500_01n }))).toMatchObject({
      state: 'declined',
      response: { code: '13' },
      reason: '150000 minor units are left',
    })
    expect(await client.cancel(change('c', 'o', { amount: 1500_00n }))).toMatchObject({ state: 'approved', orderState: 'Canceled' })
    expect(await client.cancel(change('d', 'o'))).toMatchObject({ state: 'declined', response: { code: '13' } })
    expect(host.balance(visa)).toBe(full)
    const { operations } = (await client.order(shop, 'o'))!
    expect(operations.map(({ type, state, transactions: [{ kind }] }) => `${type} ${state} ${kind}`)).toEqual(['payment Approved authorisation', 'cancellation Approved refund', 'cancellation Declined refund', 'cancellation Approved refund', 'cancellation Declined refund']) // biome-ignore format: a list
  })

  it('midnight settles too', async () => {
    const clock = new VirtualClock(new Date('2026-11-22T23:00:00'))
    const { client, pay, change } = await started({ clock })
    await pay('p', 'o')
    await clock.advance(2 * 3_600_000)
    await client.cancel(change('c', 'o'))
    expect((await client.order(shop, 'o'))!.operations[1].transactions).toMatchObject([{ kind: 'refund' }])
  })

  it('items go back by name, each once, the last with what rounding left', async () => {
    const { client, pay, change } = await started()
    await pay('p', 'o', { items })
    const back = (key: string, id: string, quantity?: bigint) =>
      client.cancel(change(key, 'o', { items: [{ id, ...(quantity && { quantity }) }] }))
    expect(await back('a', 'strap', 1000n)).toMatchObject({ state: 'approved', orderState: 'PartialCanceled' })
    expect((await client.order(shop, 'o'))!).toMatchObject({ cancelled: 166_66n })
    expect(await back('b', 'strap', 2001n)).toMatchObject({ state: 'declined', response: { code: '13' } })
    expect(await back('c', 'strap')).toMatchObject({ state: 'approved' })
    expect((await client.order(shop, 'o'))!.cancelled).toBe(500_00n)
    expect(await back('d', 'strap')).toMatchObject({ state: 'declined' })
    expect(await back('e', 'nothing')).toMatchObject({ state: 'declined', reason: expect.stringContaining("no item 'nothing'") })
    expect(await back('f', 'camera')).toMatchObject({ state: 'approved', orderState: 'Canceled' })
  })

  it('part of it paid is PartialApproved, and the rest makes it Approved', async () => {
    const { client, pay } = await started()
    expect(await pay('p', 'o', { amount: 5000_00n })).toMatchObject({ orderState: 'PartialApproved' })
    expect(await pay('q', 'o', { amount: 5000_00n })).toMatchObject({ orderState: 'Approved' })
    expect(await pay('r', 'o', { amount: 5000_00n })).toMatchObject({ state: 'declined', response: { code: '94' } })
    expect((await client.order(shop, 'o'))!.charged).toBe(5000_00n)
  })
})

describe('an order in two stages', () => {
  it('is Delayed, confirmed in part, refunded in part, and ends as seed 001 says', async () => {
    const { client, pay, change, host } = await started()
    expect(await pay('p', 'o', { items }, true)).toMatchObject({ state: 'approved', orderState: 'Delayed' })
    expect((await client.order(shop, 'o'))!).toMatchObject({ held: 2500_00n, charged: 0n })
    const confirmed = await client.confirm(change('c', 'o', { items: [{ id: 'camera' }] }))
    expect(confirmed).toMatchObject({ state: 'approved', orderState: 'PartialDelayed' })
    expect(await client.confirm(change('c', 'o', { items: [{ id: 'camera' }] })).catch(fault => fault.details.status)).toBe(409) // its time differs
    expect((await client.order(shop, 'o'))!).toMatchObject({ held: 500_00n, charged: 2000_00n })
    host.settle()
    expect(await client.cancel(change('r', 'o', { of: 'charged', items: [{ id: 'camera', quantity: 1000n }] }))).toMatchObject({
      orderState: 'PartialCanceled',
    })
    expect((await client.order(shop, 'o'))!).toMatchObject({ held: 500_00n, charged: 1000_00n, cancelled: 1000_00n, operations: [{ type: 'payment' }, { type: 'confirmation', transactions: [{ kind: 'capture', amount: 2000_00n }] }, { type: 'cancellation', transactions: [{ kind: 'refund', amount: 1000_00n }] }] }) // biome-ignore format: one order
    const rest = await client.cancel(change('s', 'o'))
    expect(rest).toMatchObject({ orderState: 'Canceled' })
    expect((await client.order(shop, 'o'))!.operations.at(-1)!.transactions).toMatchObject([
      { kind: 'reversal', amount: 500_00n },
      { kind: 'refund', amount: 1000_00n },
    ])
    expect(host.balance(visa)).toBe(full)
  })

  it('confirmed in full it is Approved; nothing is confirmed twice', async () => {
    const { client, pay, change } = await started({ merchants: [{ id: 'MTM', stages: 2 }] })
    expect(await pay('p', 'o')).toMatchObject({ orderState: 'Delayed' })
    expect(await client.confirm(change('c', 'o', { amount: 2500_01n }))).toMatchObject({ state: 'declined', response: { code: '13' } })
    expect(await client.confirm(change('d', 'o'))).toMatchObject({ orderState: 'Approved' })
    expect(await client.confirm(change('e', 'o'))).toMatchObject({ state: 'declined', response: { code: '12' } })
    expect(await pay('q', 'o')).toMatchObject({ response: { code: '94' } })
  })

  it('what is held is let go by a reversal on any day', async () => {
    const { client, pay, change, host } = await started()
    await pay('p', 'o', {}, true)
    host.settle()
    await client.cancel(change('c', 'o', { of: 'held' }))
    expect((await client.order(shop, 'o'))!.operations[1].transactions).toMatchObject([{ kind: 'reversal' }])
  })

  it('there is nothing to change: no such order, not paid, another merchant’s', async () => {
    const { client, pay, change } = await started({ rules: [{ do: 'decline', code: '05', reason: 'no', when: { order: 'declined' } }] })
    expect(await client.cancel(change('a', 'none'))).toMatchObject({ state: 'declined', response: { code: '25' } })
    expect(await client.order(shop, 'none')).toBeUndefined()
    await pay('p', 'declined')
    expect(await client.confirm(change('b', 'declined'))).toMatchObject({ state: 'declined', response: { code: '12' } })
    await pay('q', 'paid')
    expect(await client.cancel({ ...change('c', 'paid'), merchant: { ...shop, id: 'OTHER' } })).toMatchObject({ response: { code: '25' } })
  })
})

describe('merchants', () => {
  it('have orders of the same number without meeting', async () => {
    const { client, host } = await started()
    const one = await cardMessage('a')
    const other = await cardMessage('b', { merchant: { ...shop, id: 'OTHER' } })
    await client.authorise(one)
    expect(await client.authorise(other)).toMatchObject({ state: 'approved' })
    expect(host.order(one.order.number, 'MTM')!.billNumber).not.toBe(host.order(one.order.number, 'OTHER')!.billNumber)
    expect(host.order(one.order.number)).toBeUndefined() // which one?
  })

  it('that are not known are declined, and so are their unknown terminals', async () => {
    const { client, pay, host } = await started({ merchants: [{ id: 'MTM', terminals: ['11111111'] }] })
    expect(await client.authorise(await cardMessage('a', { merchant: { ...shop, id: 'OTHER' } }))).toMatchObject({
      state: 'declined',
      response: { code: '03' },
    })
    expect(await pay('b', 'o')).toMatchObject({ response: { code: '58' } })
    expect(host.balance(visa)).toBe(full)
  })
})

describe('bonus points', () => {
  it('are earned, spent and taken back by operations of the host’s own', async () => {
    const { client, pay, change, host } = await started({ bonus: { pan: visa.slice(0, 6), award: 10, spend: 50 } })
    await pay('p', 'first')
    expect(host.points(visa)).toBe(250_00n)
    await pay('q', 'second')
    expect(host.points(visa)).toBe(225_00n) // 250 spent, a tenth of 2250 earned
    expect(host.balance(visa)).toBe(full - 4750_00n)
    const { operations, charged } = (await client.order(shop, 'second'))!
    expect(operations.map(({ type, amount }) => [type, amount])).toEqual([['payment', 2250_00n], ['bonusPayment', 250_00n], ['bonusAward', 225_00n]]) // biome-ignore format: a table
    expect(charged).toBe(2500_00n)
    expect(await client.cancel(change('c', 'second', { amount: 1250_00n }))).toMatchObject({ orderState: 'PartialCanceled' })
    expect(host.points(visa)).toBe(225_00n - 112_50n)
    await client.cancel(change('d', 'second'))
    expect(host.points(visa)).toBe(250_00n)
    expect(host.balance(visa)).toBe(full - 2500_00n)
    expect((await client.order(shop, 'second'))!).toMatchObject({ state: 'Canceled', charged: 0n })
  })
})

describe('risk', () => {
  it('refuses before the bank is asked: by amount, by card, by how often', async () => {
    const { pay, seen, host } = await started({
      risk: [
        { check: 'amount', above: 2500_00n },
        { check: 'velocity', per: 'card', seconds: 60, count: 2, code: '65', reason: 'twice a minute' },
      ],
    })
    await pay('a', '1')
    await pay('b', '2')
    expect(await pay('c', '3')).toMatchObject({
      state: 'declined',
      orderState: 'Declined',
      reason: 'twice a minute',
      response: { code: '65' },
    })
    expect(seen.at(-1)).toMatchObject({ arqc: 'none', code: '65' })
    expect(host.balance(visa)).toBe(full - 5000_00n)
    const listed = await started({ risk: [{ check: 'cards', list: [visa.slice(0, 8)] }] })
    expect(await listed.pay('a', '1')).toMatchObject({ response: { code: '62' } })
    const large = await started({ risk: [{ check: 'amount', above: 2499_99n }] })
    expect(await large.pay('a', '1')).toMatchObject({ response: { code: '61' } })
    const sum = await started({ risk: [{ check: 'velocity', per: 'terminal', seconds: 60, amount: 4000_00n }] })
    expect(await sum.pay('a', '1')).toMatchObject({ state: 'approved' })
    expect(await sum.pay('b', '2')).toMatchObject({ response: { code: '65' } })
  })

  it('a window passes', async () => {
    const clock = new VirtualClock(new Date('2026-11-22T12:00:00'))
    const { pay } = await started({ clock, risk: [{ check: 'velocity', per: 'merchant', seconds: 60, count: 1 }] })
    await pay('a', '1')
    await clock.advance(59_999)
    expect(await pay('b', '2')).toMatchObject({ state: 'declined' })
    await clock.advance(1)
    expect(await pay('c', '3')).toMatchObject({ state: 'approved' })
  })

  it.each([
    [[{ check: 'amount' }], '0.above'],
    [[{ check: 'velocity', per: 'card', seconds: 5 }], '0'],
    [[{ check: 'cards', list: [] }], '0.list'],
  ])('%j is refused at %s', (rules, path) => {
    expect(() => parseRisk(rules)).toThrowError(expect.objectContaining({ code: 'bad-config', details: expect.objectContaining({ path }) }))
  })
})

describe('rules', () => {
  it('meet the questions they are made for', async () => {
    const { client, pay, change, host } = await started({
      rules: [
        { do: 'dropAnswer', on: 'cancellation', times: 1 },
        { do: 'dropRequest', on: ['confirmation', 'status'], times: 1 },
        { do: 'garbage', on: 'reversal', times: 1 },
        { do: 'decline', on: 'cancellation', code: '05', reason: 'not today', when: { amount: { is: 1n } } },
      ],
    })
    await pay('p', 'o')
    const asked = change('c', 'o', { amount: 500_00n })
    await expect(client.cancel(asked)).rejects.toMatchObject({ code: 'host-no-answer' })
    expect(await client.cancel(asked)).toMatchObject({ state: 'approved', orderState: 'PartialCanceled' }) // done once
    expect(host.balance(visa)).toBe(full - 2000_00n)
    await expect(client.status('p')).rejects.toMatchObject({ code: 'host-no-answer' })
    expect(await client.status('p')).toMatchObject({ state: 'approved' })
    expect(await client.cancel(change('d', 'o', { amount: 1n }))).toMatchObject({
      state: 'declined',
      response: { code: '05' },
      reason: 'not today',
    })
    await expect(client.reverse('p', 'cancelled')).rejects.toMatchObject({ code: 'host-error' })
    await client.reverse('p', 'cancelled')
    expect(host.balance(visa)).toBe(full)
  })

  it('a request that comes twice is charged once', async () => {
    const { pay, host, seen } = await started({ rules: [{ do: 'duplicate' }] })
    expect(await pay('p', 'o')).toMatchObject({ state: 'approved' })
    expect(seen.map(({ type }) => type).sort()).toEqual(['authorisation', 'repeat'])
    expect(host.balance(visa)).toBe(full - 2500_00n)
  })

  it.each(['closeSocket', 'silence'] as const)('%s: no answer, and it was charged', async what => {
    const { pay, host, client } = await started({ rules: [{ do: what }] })
    await expect(pay('p', 'o')).rejects.toMatchObject({ code: 'host-no-answer' })
    expect(host.balance(visa)).toBe(full - 2500_00n)
    expect(await client.status('p')).toMatchObject({ state: 'approved' })
  })
})

describe('time', () => {
  it('an order that stays in process is closed', async () => {
    const clock = new VirtualClock(new Date('2026-11-22T12:00:00'))
    const { client, pay, host } = await started({ clock, orderTime: 60_000, rules: [{ do: 'delay', ms: 90_000, times: 1 }] })
    const waiting = pay('p', 'o')
    while (host.orders.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    expect(await client.status('p')).toMatchObject({ state: 'inProcess', orderState: 'In Process' })
    await clock.advance(60_001)
    expect((await client.order(shop, 'o'))!.state).toBe('Timeout')
    expect(await pay('q', 'o')).toMatchObject({ state: 'declined', response: { code: '12' } })
    await clock.advance(30_000)
    expect(await waiting.catch(fault => fault)).toMatchObject({ state: 'declined', response: { code: '68' } })
    expect(host.balance(visa)).toBe(full)
  })
})

describe('a restart', () => {
  const file = () => {
    const directory = mkdtempSync(join(tmpdir(), 'tapdip-host-'))
    ends.push(() => rmSync(directory, { recursive: true, force: true }))
    return join(directory, 'state.db')
  }

  it('forgets no order, no key, no money, no cryptogram', async () => {
    const state = file()
    const first = await started({ state, bonus: { award: 1 } })
    const paid = await cardMessage('p')
    const answer = await first.client.authorise({ ...paid, hold: true })
    await first.client.confirm(first.change('c', paid.order.number, { amount: 1000_00n }))
    await first.client.reverse('never came', 'noAnswer')
    const before = await first.client.order(shop, paid.order.number)
    await first.host.close()
    const second = await started({ state, bonus: { award: 1 } })
    expect(await second.client.order(shop, paid.order.number)).toEqual(before)
    expect(await second.client.authorise({ ...paid, hold: true })).toEqual(answer)
    await expect(second.client.authorise(paid)).rejects.toMatchObject({ details: { status: 409 } })
    expect(second.host.balance(visa)).toBe(full - 2500_00n)
    expect(second.host.points(visa)).toBe(25_00n)
    expect(await second.client.status('never came')).toEqual({ about: { key: 'never came' }, state: 'reversed' })
    const replayed = { ...paid, key: 'q', order: { ...paid.order, number: 'another' } }
    expect(await second.client.authorise(replayed)).toMatchObject({ response: { code: '88' } })
    const number = (await second.client.authorise(await cardMessage('r', { order: { ...paid.order, number: 'third' } }))).transaction!
    expect(before!.operations.flatMap(({ transactions }) => transactions.map(one => one.number))).not.toContain(number)
    await second.host.close()
    const disk = Buffer.concat(readdirSync(join(state, '..')).map(name => readFileSync(join(state, '..', name))))
    expect(disk.includes(visa)).toBe(false)
  })

  it('closes what nobody can decide any more', async () => {
    const state = file()
    const { host, pay } = await started({ state, rules: [{ do: 'delay', ms: 600_000 }] })
    const waiting = expect(pay('p', 'o')).rejects.toMatchObject({ code: 'host-no-answer' })
    while (host.orders.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    await host.close()
    await waiting
    const again = await started({ state })
    expect(await again.client.status('p')).toMatchObject({ state: 'declined', orderState: 'Timeout', response: { code: '68' } })
  })

  it('a state that cannot be kept is a clear fault, and no port is taken', async () => {
    const state = file()
    writeFileSync(state, 'no database'.repeat(200))
    await expect(startAcquirer({ state })).rejects.toMatchObject({ code: 'journal', details: { reason: 'corrupt' } })
  })
})

describe('the line', () => {
  it('a certificate that nobody vouches for: unreachable, by name, and the host never hears of the payment', async () => {
    const { host, seen } = await started({ tls: selfSigned })
    expect(host.url).toMatch(/^https:/)
    const sent = httpAcquirer(host.url).authorise(await cardMessage())
    await expect(sent).rejects.toMatchObject({ code: 'host-unreachable', message: expect.stringMatching(/self[- ]signed certificate/) })
    expect(seen).toEqual([])
  })

  it('a certificate of a private authority is trusted where the process is told so', async () => {
    const { host } = await started({ tls: selfSigned })
    const directory = mkdtempSync(join(tmpdir(), 'tapdip-ca-'))
    ends.push(() => rmSync(directory, { recursive: true, force: true }))
    const authority = join(directory, 'ca.pem')
    writeFileSync(authority, selfSigned.cert)
    const client = join(import.meta.dirname, '../../../dist/src/payment/host/http.js') // npm run build
    const script = `const { httpAcquirer } = await import(${JSON.stringify(client)})
      console.log(JSON.stringify(await httpAcquirer(${JSON.stringify(host.url)}).status('x')))`
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority }
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env })
    let out = ''
    child.stdout.on('data', data => (out += data))
    await new Promise(resolve => child.on('close', resolve))
    expect(JSON.parse(out)).toEqual({ about: { key: 'x' }, state: 'unknown' })
  })

  it('another fetch may carry the messages', async () => {
    const { host } = await started()
    const paths: string[] = []
    const spying: typeof fetch = (input, init) => {
      paths.push(String(input))
      return fetch(input, init)
    }
    await httpAcquirer(host.url, { fetch: spying }).order(shop, 'a/b')
    expect(paths).toEqual([`${host.url}v1/orders/a%2Fb?merchant=MTM`])
  })

  it('an order that is none is no answer', async () => {
    const answering = (text: string) => httpAcquirer('https://x.example', { fetch: async () => new Response(text) }).order(shop, 'o')
    await expect(answering('{}')).rejects.toMatchObject({ code: 'host-error' })
    await expect(answering('{"number":"o","billNumber":"1","state":"Paid"}')).rejects.toMatchObject({
      code: 'host-error',
      message: expect.stringContaining('state'),
    })
  })
})

describe('items', () => {
  it.each([
    [{ amount: 1n, items }, 'order.amount'],
    [{ amount: 0n, items: [] }, 'order.items'],
    [
      {
        amount: 2n,
        items: [
          { ...items[0], amount: 1n },
          { ...items[0], amount: 1n },
        ],
      },
      'order.items',
    ],
    [{ amount: 2000_01n, items: [{ ...items[0], amount: 2000_01n }] }, 'order.items.camera.amount'],
    [{ amount: 1n, items: [{ ...items[0], quantity: 0n, amount: 1n }] }, 'order.items.camera.quantity'],
    [{ amount: 1n, email: 'x'.repeat(129) }, 'order.email'],
  ])('%# is refused at its field', (order, field) => {
    expect(() => checkItems(order)).toThrowError(
      expect.objectContaining({ code: 'bad-argument', details: expect.objectContaining({ field }) }),
    )
  })

  it('all parts of an item are the item', () => {
    const odd = [{ id: 'a', name: 'a', quantity: 3000n, price: 34n, amount: 100n }]
    const first = priceParts(odd, [{ id: 'a', quantity: 1000n }])
    const second = priceParts(odd, [{ id: 'a', quantity: 1000n }], new Map([['a', 1000n]]))
    const third = priceParts(odd, [{ id: 'a' }], new Map([['a', 2000n]]))
    expect([first.amount, second.amount, third.amount]).toEqual([33n, 33n, 34n])
  })
})

describe('on the wire', () => {
  const minor = fc.bigInt({ min: 0n, max: 999_999_999_999n })
  const text = (most: number) => fc.string({ minLength: 1, maxLength: most })
  const parts = fc.array(fc.record({ id: text(32), quantity: minor }, { requiredKeys: ['id'] }), { maxLength: 3 })
  const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  const changes = fc.record(
    {
      key: text(64),
      merchant: fc.constant(shop),
      number: text(32),
      at: time,
      amount: minor,
      items: parts,
      of: fc.constantFrom('held' as const, 'charged' as const),
    },
    { requiredKeys: ['key', 'merchant', 'number', 'at'] },
  )

  it('a change comes back as it was', () => {
    fc.assert(
      fc.property(changes, change => {
        expect(decodeChange(JSON.parse(JSON.stringify(encodeChange(change))))).toEqual(change)
      }),
      { seed: 3, numRuns: 200 },
    )
  })

  it('whatever comes instead is refused by its path, or is an order', async () => {
    const { client, pay } = await started()
    await pay('p', 'o', { items })
    const order = (await client.order(shop, 'o'))!
    const good = JSON.stringify(encodeHostOrder(order))
    expect(decodeHostOrder(JSON.parse(good))).toEqual(order)
    const refused = (read: (json: unknown) => unknown, json: unknown) => {
      try {
        read(json)
        return undefined
      } catch (error) {
        return error
      }
    }
    let bad = 0
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.constantFrom('"', '0', '{}', '[]', 'null', ',', 'x'), (at, piece) => {
        let json: unknown
        try {
          json = JSON.parse(good.slice(0, at) + piece + good.slice(at + 1))
        } catch {
          return
        }
        const fault = refused(decodeHostOrder, json)
        if (fault) bad++
        if (fault) expect(fault).toMatchObject({ code: 'bad-argument', details: { path: expect.any(String) } })
      }),
      { seed: 4, numRuns: 3000 },
    )
    expect(bad).toBeGreaterThan(20)
    fc.assert(
      fc.property(fc.jsonValue(), json => {
        expect(refused(decodeChange, json)).toMatchObject({ code: 'bad-argument' })
        expect(refused(decodeHostOrder, json)).toMatchObject({ code: 'bad-argument' })
      }),
      { seed: 5, numRuns: 300 },
    )
  })
})
