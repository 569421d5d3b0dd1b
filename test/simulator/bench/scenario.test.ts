/** "What I did" at the bench is a scenario that does it again: keys, cards, knobs, answers by hand, each at its moment; and scenario files are run over the API. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { type RunningBench as Bench, startBench } from '../../../simulator/bench/bench.ts'
import { type Ask, asking } from './client.ts'

let bench: Bench
let ask: Ask
beforeAll(async () => {
  bench = await startBench({ session: false })
  ask = asking(bench)
})
afterAll(() => bench.close())

describe('a scenario at the bench', () => {
  it('of what was done: a wrong PIN and the right one, a card pulled while it is read, a request declined by hand', async () => {
    const at = `/api/sessions/${(await ask('POST', '/api/sessions', { clock: 'virtual', seed: 5, name: 'the counter' })).json.id}`
    const card = (await ask('GET', `${at}/cards`)).json.find((one: { profile: string }) => one.profile === 'mir').id
    const { pin } = JSON.parse((await ask('GET', `${at}/cards/${card}/profile`)).json.text)
    const r1 = (deed: string, body: object = {}) => ask('POST', `${at}/readers/r1/${deed}`, body)
    const shows = (message: string) => r1('wait', { message })
    const app = async (kind: string) => (await ask('POST', `${at}/apps/a1/wait`, { kind, timeout: 200_000 })).json.screen
    const press = async (action: string, fields?: object) => {
      const { screen } = (await ask('GET', `${at}/apps/a1`)).json
      expect((await ask('POST', `${at}/apps/a1/answer`, { screen: screen.n, action, ...(fields && { fields }) })).status).toBe(200)
    }
    const begin = async (amount: string) => {
      await app('order')
      await press('pay', { amount })
      await app('method')
      await press('reader')
      if ((await ask('POST', `${at}/apps/a1/wait`, { text: '/Found|card/i' })).json.screen.kind === 'found') await press('connect')
      await shows('reader.presentCard')
    }
    const end = async () => {
      const { lines } = await app('result')
      await ask('POST', `${at}/time`, { ms: 5000 })
      await press('home')
      return lines[0].text
    }
    await r1('knob', { line: 'latency 20' })
    await begin('2500.00')
    await r1('insert', { card })
    await shows('reader.enterPin')
    for (const key of ['9', '9', '9', '9', 'enter']) await r1('press', { keys: [key] })
    await shows('reader.wrongPin')
    await r1('press', { keys: [...pin.digits, 'enter'] })
    await shows('reader.removeCard')
    await r1('pull')
    expect(await end()).toContain('APPROVED')
    await begin('70.00')
    await r1('insert', { card })
    await shows('reader.enterPin')
    await r1('pull')
    expect(await end()).toContain('CANCELLED')
    await ask('PUT', `${at}/bank/mode`, { answer: 'hand' })
    await begin('30.00')
    await r1('tap', { card })
    await expect
      .poll(async () => (await ask('GET', `${at}/bank`)).json.requests[0].state, { timeout: 10_000 })
      .toBe('held')
      .catch(() => {})
    const ended = app('result')
    await expect.poll(async () => (await ask('GET', `${at}/bank`)).json.requests[0].state).toBe('held')
    const { n } = (await ask('GET', `${at}/bank`)).json.requests[0]
    await ask('POST', `${at}/bank/requests/${n}/answer`, { do: 'decline', code: '51', reason: 'no money today' })
    await ended
    await r1('leave')
    expect(await end()).toContain('DECLINED')

    const { text } = await ask('GET', `${at}/scenario`)
    const written = parse(text)
    expect(written).toMatchObject({ name: 'What was done at the counter', reader: 'qpos', person: 'nobody' })
    expect(written.steps).toEqual([
      { knob: 'latency 20' },
      { pay: { amount: '2500.00', expect: { result: 'approved' } } },
      { pay: { amount: '70.00', expect: { result: 'cancelled', reason: 'cardRemoved' } } },
      { pay: { amount: '30.00', expect: { result: 'declined', reason: 'hostDeclined' } } },
    ])
    expect(written.faults).toContainEqual({ at: { screen: 'reader.enterPin' }, do: { press: ['9', '9', '9', '9', 'enter'] }, step: 1 })
    const { json, status } = await ask('POST', `${at}/scenario`, { text, trace: true })
    expect(status).toBe(200)
    expect(json.results.map((one: { status: string; reason?: string }) => [one.status, one.reason])).toEqual([['passed', undefined]])
    expect(json.results[0].trace.events.length).toBeGreaterThan(100)
    await ask('POST', `${at}/mark`)
    expect(parse((await ask('GET', `${at}/scenario`)).text).steps).toEqual([{ wait: 0 }])
  })

  it('of a file is run, each case of its matrix; what is wrong with it is told by line', async () => {
    const at = `/api/sessions/${(await ask('POST', '/api/sessions', {})).json.id}`
    const text = 'name: a tap\nmatrix:\n  reader: [qpos, miura]\ncard: mir\nperson: tap\namount: 10\nexpect:\n  result: approved\n'
    const { results } = (await ask('POST', `${at}/scenario`, { text })).json
    expect(results.map((one: { reader: string; status: string }) => [one.reader, one.status])).toEqual([
      ['qpos', 'passed'],
      ['miura', 'passed'],
    ])
    const { status, json } = await ask('POST', `${at}/scenario`, { text: text.replace('approved', 'aproved') })
    expect(status).toBe(400)
    expect(json.error.message).toMatch(/scenario\.yaml:8.*aproved.*approved/)
  })
})
