/** The bench over HTTP: sessions, readers that are touched, cards, the bank by rules and by hand, events, virtual time, a counter as one file. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { currency, httpAcquirer, open, pay } from '../../../devices/index.ts'
import { type RunningBench as Bench, startBench } from '../../../simulator/bench/bench.ts'
import { type Ask, asking } from './client.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const order = (number: string, amount = 2500_00n) => ({ number, amount, currency: currency('RUB') })

let bench: Bench
let ask: Ask
beforeAll(async () => {
  bench = await startBench({ session: false })
  ask = asking(bench)
})
afterAll(() => bench.close())

const session = async (input: object = {}): Promise<string> => {
  const { status, json } = await ask('POST', '/api/sessions', input)
  expect(status).toBe(201)
  return `/api/sessions/${json.id}`
}
const cardOf = async (at: string, profile: string): Promise<string> =>
  (await ask('GET', `${at}/cards`)).json.find((card: { profile: string }) => card.profile === profile).id

describe('bench', () => {
  it('a payment of a program outside: the card is put in, a PIN is wrong and then right, the bank has the order', async () => {
    const at = await session()
    const card = await cardOf(at, 'mir')
    const reader = (await ask('GET', `${at}/readers/r1`)).json
    expect(reader).toMatchObject({ family: 'qpos', model: 'QPOS mini', slot: null, connected: 'none', screen: { message: 'reader.idle' } })
    const { url } = (await ask('GET', `${at}/bank`)).json
    const link = await open(reader.uri)
    const paid = pay(order('1'), { reader: link, acquirer: httpAcquirer(url), merchant })
    const wait = (message: string) => ask('POST', `${at}/readers/r1/wait`, { message, timeout: 20_000 })
    expect((await wait('reader.presentCard')).json).toMatchObject({ connected: 'outside' })
    expect((await ask('POST', `${at}/readers/r1/insert`, { card })).json.slot).toBe(card)
    await wait('reader.enterPin')
    await ask('POST', `${at}/readers/r1/press`, { keys: ['9', '9', '9', '9', 'enter'] })
    const ended = await paid
    expect(ended.result).toBe('declined')
    expect((await ask('GET', `${at}/bank`)).json.requests[0]).toMatchObject({ code: '55', state: 'answered' })
    expect((await ask('POST', `${at}/readers/r1/pull`)).json.slot).toBeNull()
    const again = pay(order('2'), { reader: link, acquirer: httpAcquirer(url), merchant })
    await wait('reader.presentCard')
    await ask('POST', `${at}/readers/r1/insert`, { card })
    await wait('reader.enterPin')
    const { pin } = JSON.parse((await ask('GET', `${at}/cards/${card}/profile`)).json.text)
    await ask('POST', `${at}/readers/r1/press`, { keys: [...pin.digits, 'enter'] })
    expect((await again).result).toBe('approved')
    await link.close()
    const { orders, requests, balances } = (await ask('GET', `${at}/bank`)).json
    expect(orders.map((one: { number: string; state: string }) => [one.number, one.state])).toEqual([
      ['2', 'Approved'],
      ['1', 'Declined'],
    ])
    expect(requests[0]).toMatchObject({ on: 'authorisation', amount: '2500.00', cvm: 'onlinePin', state: 'answered', code: '00' })
    expect(requests[0].pan).toMatch(/^\d{6}\*+\d{4}$/)
    expect(balances).toEqual([{ card, balance: '997500.00' }])
    const { tags } = (await ask('GET', `${at}/bank/requests/${requests[0].n}`)).json
    expect(tags.find((one: { tag: string }) => one.tag === '9F27' || one.tag === '9F26')).toBeDefined()
  })

  it('what is not as the schema says is refused with field, value and rule, and nothing has changed', async () => {
    const at = await session()
    const before = (await ask('GET', `${at}/readers/r1`)).text
    expect((await ask('POST', `${at}/readers/r1/press`, { keys: ['x'] })).json.error).toMatchObject({
      code: 'bad-argument',
      field: 'keys.0',
      value: '"x"',
    })
    expect((await ask('POST', `${at}/readers/r1/knob`, { line: 'latenc 3' })).json.error).toMatchObject({ field: 'knob', value: 'latenc' })
    expect((await ask('POST', `${at}/readers/r1/knob`, { line: 'range out' })).status).toBe(422)
    expect((await ask('POST', `${at}/readers`, { family: 'none' })).json.error.field).toBe('family')
    expect((await ask('POST', `${at}/readers/r9/pull`)).status).toBe(404)
    expect((await ask('GET', '/api/sessions/s999')).json.error).toMatchObject({ code: 'not-found', value: 's999' })
    expect((await ask('GET', '/api/nothing')).status).toBe(404)
    expect((await ask('GET', `${at}/readers/r1`)).text).toBe(before)
  })

  it('a card is in one place', async () => {
    const at = await session()
    await ask('POST', `${at}/readers`, { family: 'miura', listen: 'none' })
    await ask('POST', `${at}/readers/r1/insert`, { card: 'c1' })
    expect((await ask('POST', `${at}/readers/r2/tap`, { card: 'c1' })).json.error).toMatchObject({
      code: 'busy',
      field: 'card',
      value: 'c1',
    })
    expect((await ask('POST', `${at}/readers/r1/insert`, { card: 'c2' })).status).toBe(409)
    expect((await ask('GET', `${at}/cards/c1`)).json.place).toEqual({ reader: 'r1', where: 'slot' })
    await ask('DELETE', `${at}/readers/r1`)
    const { place, log } = (await ask('GET', `${at}/cards/c1`)).json
    expect(place).toBeNull()
    expect(log.map(({ event }: { event: string }) => event)).toEqual(['removed', 'inserted'])
  })

  it('a session that nobody asks anything ends; one that is listened to does not', async () => {
    const short = await session({ ttl: 1 })
    const heard = await session({ ttl: 1 })
    const listening = await fetch(`${bench.origin}${heard}/events?after=0&token=${bench.token}`)
    await expect.poll(() => bench.sessions.all.some(({ id }) => short.endsWith(`/${id}`)), { timeout: 10_000 }).toBe(false)
    expect(bench.sessions.all.some(({ id }) => heard.endsWith(`/${id}`))).toBe(true)
    await listening.body?.cancel()
    await expect.poll(() => bench.sessions.all.some(({ id }) => heard.endsWith(`/${id}`)), { timeout: 10_000 }).toBe(false)
  })
})
