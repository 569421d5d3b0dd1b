/** An app of the bench over the API, on virtual time: searched and found, a wrong PIN, a card pulled, a bank that answers by hand, a counter that goes on from its file. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBench as Bench, startBench } from '../../../simulator/bench/bench.ts'
import { type Ask, asking } from './client.ts'

let bench: Bench
let ask: Ask
beforeAll(async () => {
  bench = await startBench({ session: false })
  ask = asking(bench)
})
afterAll(() => bench.close())

/** A counter on virtual time with the mir card in somebody's hand. */
class Counter {
  readonly at: string
  readonly card: string
  constructor(at: string, card: string) {
    this.at = at
    this.card = card
  }

  static async open(input: object = {}): Promise<Counter> {
    const at = `/api/sessions/${(await ask('POST', '/api/sessions', { clock: 'virtual', seed: 7, ...input })).json.id}`
    const cards = (await ask('GET', `${at}/cards`)).json
    return new Counter(at, cards.find((card: { profile: string }) => card.profile === 'mir').id)
  }

  // biome-ignore lint/suspicious/noExplicitAny: as it is told
  async do(path: string, body: unknown = {}): Promise<any> {
    const { status, json, text } = await ask('POST', `${this.at}/${path}`, body)
    if (status >= 300)
      throw new Error(`${path}: ${status} ${text}; the screen is ${(await ask('GET', `${this.at}/apps/a1`)).text.slice(0, 700)}`)
    return json
  }

  async app(kind: string) {
    return (await this.do('apps/a1/wait', { kind, timeout: 120_000 })).screen
  }

  async press(action: string, more: object = {}) {
    const { screen } = (await ask('GET', `${this.at}/apps/a1`)).json
    return this.do('apps/a1/answer', { screen: screen.n, action, ...more })
  }

  async shows(message: string) {
    return this.do('readers/r1/wait', { message, timeout: 120_000 })
  }

  /** Until the reader asks for a card. */
  async begin(amount = '2500.00') {
    await this.app('order')
    await this.press('pay', { fields: { amount } })
    await this.app('method')
    await this.press('reader')
    if ((await this.do('apps/a1/wait', { text: '/Found|card/i', timeout: 120_000 })).screen.kind === 'found') await this.press('connect')
    await this.shows('reader.presentCard')
  }
}

describe('an app of the bench', () => {
  it('pays with a wrong PIN, then with the right one; the card is pulled; each is on its screen, at the bank and in the trace', async () => {
    const counter = await Counter.open()
    await counter.begin()
    await counter.do('readers/r1/insert', { card: counter.card })
    await counter.shows('reader.enterPin')
    await counter.do('readers/r1/press', { keys: ['9', '9', '9', '9', 'enter'] })
    await counter.shows('reader.wrongPin')
    const { pin } = JSON.parse((await ask('GET', `${counter.at}/cards/${counter.card}/profile`)).json.text)
    await counter.do('readers/r1/press', { keys: [...pin.digits, 'enter'] })
    const { lines } = await counter.app('result')
    expect(lines.map(({ text }: { text: string }) => text).join('\n')).toContain('APPROVED')
    await counter.do('readers/r1/pull')
    await counter.press('home')
    await counter.begin('7.00')
    await counter.do('readers/r1/insert', { card: counter.card })
    await counter.shows('reader.enterPin')
    await counter.do('readers/r1/pull')
    await counter.app('result')
    const { requests } = (await ask('GET', `${counter.at}/bank`)).json
    expect(requests).toMatchObject([
      { code: '00', amount: '2500.00' },
      { code: '55', amount: '2500.00' },
    ])
    const trace = (await ask('GET', `${counter.at}/trace`)).text
      .trimEnd()
      .split('\n')
      .map(row => JSON.parse(row))
    const spans = trace.filter(({ kind }) => kind === 'span')
    expect(new Set(spans.map(({ id }) => id)).size).toBe(spans.length)
    const payment = spans.find(({ level }) => level === 'payment')
    // What the reader does with the card lies inside the payment of the app.
    expect(spans.find(({ level }) => level === 'presentation').parent).toBe(payment.id)
  })

  it('a request is held until somebody answers it: late, with a wrong ARPC, not at all', async () => {
    const counter = await Counter.open()
    expect((await ask('PUT', `${counter.at}/bank/mode`, { answer: 'hand' })).json.mode).toEqual({ answer: 'hand' })
    const pay = async (amount: string, answer: object) => {
      await counter.begin(amount)
      await counter.do('readers/r1/tap', { card: counter.card })
      const found = counter.do('apps/a1/wait', { kind: 'result', timeout: 600_000 })
      await expect.poll(async () => (await ask('GET', `${counter.at}/bank`)).json.requests[0]?.amount).toBe(amount)
      const {
        requests: [held],
      } = (await ask('GET', `${counter.at}/bank`)).json
      expect(held).toMatchObject({ state: 'held', on: 'authorisation' })
      expect((await ask('GET', `${counter.at}/bank/orders`)).json[0].state).toBe('In Process')
      await counter.do(`bank/requests/${held.n}/answer`, answer)
      const { screen } = await found
      expect((await ask('POST', `${counter.at}/bank/requests/${held.n}/answer`, { do: 'approve' })).status).toBe(409)
      await counter.do('readers/r1/leave')
      await counter.do('time', { ms: 1000 }) // orders are numbered by their moment
      await counter.press('home')
      return screen.lines.map(({ text }: { text: string }) => text).join('\n')
    }
    expect(await pay('1.00', { do: 'decline', code: '51', reason: 'no money today' })).toContain('DECLINED')
    expect((await ask('GET', `${counter.at}/bank`)).json.requests[0]).toMatchObject({
      state: 'answered',
      code: '51',
      reason: 'no money today',
    })
    expect(await pay('2.00', { do: 'approve' })).toContain('APPROVED')
    expect(await pay('3.00', { do: 'late', ms: 5000 })).toContain('APPROVED')
    expect((await ask('GET', `${counter.at}/bank/orders`)).json.map(({ state }: { state: string }) => state)).toEqual([
      'Approved',
      'Approved',
      'Declined',
    ])
  })

  it('a counter goes on from its file: counters of cards, orders, balances, knobs; and nothing else is in it than there was', async () => {
    const counter = await Counter.open()
    await counter.begin('10.00')
    await counter.do('readers/r1/tap', { card: counter.card })
    await counter.app('result')
    await counter.do('readers/r1/leave')
    await counter.do('readers/r1/knob', { line: 'latency 20' })
    await ask('PATCH', `${counter.at}/cards/${counter.card}`, { phone: 'locked' })
    await ask('PUT', `${counter.at}/bank/rules`, { rules: [{ do: 'decline', code: '51', reason: 'no' }] })
    const file = (await ask('GET', `${counter.at}/file`)).json
    const { status, json } = await ask('POST', '/api/sessions/import', file)
    expect(status).toBe(201)
    const at = `/api/sessions/${json.id}`
    const again = (await ask('GET', `${at}/file`)).json
    expect(again).toEqual(file)
    const seen = async (from: string) => {
      const card = (await ask('GET', `${from}/cards/${counter.card}`)).json
      const { orders, balances, rules } = (await ask('GET', `${from}/bank`)).json
      return { counters: card.counters, phone: card.phone, orders, balances, rules }
    }
    expect(await seen(at)).toEqual(await seen(counter.at))
    expect((await seen(at)).orders).toHaveLength(1)
  })

  it('virtual time stands still until it is moved, and a seed gives the same events', async () => {
    const run = async () => {
      const counter = await Counter.open()
      await counter.begin('10.00')
      await counter.do('readers/r1/tap', { card: counter.card })
      await counter.app('result')
      await counter.do('time', { ms: 60_000 })
      return (await ask('GET', `${counter.at}/trace`)).text.split('\n').slice(1)
    }
    const [one, other] = [await run(), await run()]
    expect(other).toEqual(one)
    expect(one.length).toBeGreaterThan(50)
    const system = await ask('POST', '/api/sessions', {})
    expect((await ask('POST', `/api/sessions/${system.json.id}/time`, { ms: 1 })).status).toBe(422)
  })
})
