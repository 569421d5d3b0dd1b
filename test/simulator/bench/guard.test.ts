/** Who is not heard at the bench: pages of other places, names that were made to point here, and whoever has no token. Every route is knocked at, and nothing changes. */

import { createConnection } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { type RunningBench as Bench, startBench } from '../../../simulator/bench/bench.ts'
import { routes } from '../../../simulator/bench/routes/all.ts'
import { type Ask, asking } from './client.ts'

let bench: Bench
let ask: Ask
beforeAll(async () => {
  bench = await startBench()
  ask = asking(bench)
  await ask('POST', '/api/sessions/s1/readers/r1/insert', { card: 'c1' })
})
afterAll(() => bench.close())

interface Knock {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** As it stands on the wire: `fetch` sets Host and Origin by itself. */
function knock({ method, path, headers, body = '' }: Knock): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(bench.port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', piece => {
      text += piece
    })
    socket.on('error', reject)
    socket.on('close', () => resolve({ status: Number(text.split(' ')[1]), text }))
    const lines = Object.entries({ ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) })
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
  })
}

const own = () => ({ host: `127.0.0.1:${bench.port}`, authorization: `Bearer ${bench.token}`, 'content-type': 'application/json' })
const without = (name: string) => Object.fromEntries(Object.entries(own()).filter(([one]) => one !== name))

const strangers: readonly (readonly [string, () => Record<string, string>])[] = [
  ['a page of another place', () => ({ ...own(), origin: 'https://evil.example' })],
  ['a page of another port', () => ({ ...own(), origin: 'http://127.0.0.1:1' })],
  ['a page that says no origin', () => ({ ...own(), origin: 'null' })],
  ['a page that a browser says is of another site', () => ({ ...own(), 'sec-fetch-site': 'cross-site' })],
  ['a name that was made to point here', () => ({ ...own(), host: `evil.example:${bench.port}` })],
  ['the same with its own origin', () => ({ ...own(), host: 'evil.example', origin: 'http://evil.example' })],
  ['no host', () => ({ ...own(), host: '' })],
  ['no token', () => without('authorization')],
  ['another token', () => ({ ...own(), authorization: 'Bearer 00000000000000000000000000000000' })],
  ['a token of another length', () => ({ ...own(), authorization: 'Bearer x' })],
]

/** Something that each route would take. */
const bodies: Readonly<Record<string, unknown>> = {
  createSession: {},
  importSession: { tapdip: 'counter', version: 1 },
  tellLanguage: { language: 'ru' },
  createReader: { family: 'qpos' },
  insertCard: { card: 'c2' },
  tapCard: { card: 'c2' },
  swipeCard: { card: 'c2' },
  pressKeys: { keys: ['1'] },
  switchReader: { on: false },
  plugCharger: { charging: true },
  setBattery: { percent: 1 },
  turnKnob: { line: 'latency 9' },
  setPerson: { card: 'c2' },
  createCard: { profile: 'mir' },
  changeCard: { phone: 'locked' },
  setRules: { rules: [] },
  setMode: { answer: 'hand' },
  setGone: { gone: true },
  setBalance: { card: 'c2', balance: '1.00' },
}

describe('the bench’s door', () => {
  const all = routes.map(one => ({
    ...{ method: one.method.toUpperCase(), name: one.name },
    path: one.path.replace('{s}', 's1').replace('{r}', 'r1').replace('{c}', 'c2').replace('{n}', '1').replace('{a}', 'a1'),
  }))

  it.each(strangers)('%s gets 403 at every route, and changes nothing', async (_, headers) => {
    const seen = async () => {
      const [file, readers, cards, bank, sessions] = await Promise.all(
        ['/api/sessions/s1/file', '/api/sessions/s1/readers', '/api/sessions/s1/cards', '/api/sessions/s1/bank', '/api/sessions'].map(
          path => ask('GET', path),
        ),
      )
      const told = JSON.parse(sessions.text).map(({ at: _at, ...rest }: { at: number }) => rest)
      return [file.text, readers.text, cards.text, bank.text, told]
    }
    const before = await seen()
    for (const { method, path, name } of [...all, { method: 'GET', path: '/api/openapi.json', name: 'openapi' }]) {
      const body = JSON.stringify(bodies[name] ?? {})
      const { status, text } = await knock({ method, path, headers: headers(), ...(method !== 'GET' && { body }) })
      // Node itself refuses a request without a host.
      expect([name, status], text).toEqual([name, headers().host === '' ? expect.toBeOneOf([400, 403]) : 403])
      expect(text).not.toMatch(/access-control/i)
      if (status === 403) expect(JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).error.code).toBe('forbidden')
    }
    expect(await seen()).toEqual(before)
  })

  it('who is at home comes in: by each of its names, by header and by query', async () => {
    for (const host of ['127.0.0.1', `localhost:${bench.port}`, `[::1]:${bench.port}`, '127.0.0.1:4000'])
      expect((await knock({ method: 'GET', path: '/api/sessions', headers: { ...own(), host } })).status).toBe(200)
    const page = { ...own(), origin: `http://127.0.0.1:${bench.port}`, 'sec-fetch-site': 'same-origin' }
    expect((await knock({ method: 'POST', path: '/api/sessions/s1/readers/r1/press', headers: page, body: '{"keys":["1"]}' })).status).toBe(
      200,
    )
    const { authorization: _, ...bare } = own()
    expect((await knock({ method: 'GET', path: `/api/sessions?token=${bench.token}`, headers: bare })).status).toBe(200)
  })

  it('a form of a page, which needs no leave to be sent, is not taken', async () => {
    const form = { ...own(), 'content-type': 'text/plain' }
    expect((await knock({ method: 'POST', path: '/api/sessions/s1/readers/r1/press', headers: form, body: '{"keys":["1"]}' })).status).toBe(
      415,
    )
  })

  it.each(strangers.filter(([name]) => name !== 'no host'))('%s gets no events as a WebSocket', async (_, headers) => {
    const { host, origin, authorization, ...rest } = headers()
    const socket = new WebSocket(`ws://127.0.0.1:${bench.port}/api/sessions/s1/events/ws?after=0`, {
      headers: { host, ...(origin && { origin }), ...(authorization && { authorization }), ...rest },
    })
    const status = await new Promise<number>(resolve => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
      socket.on('open', () => resolve(101))
      socket.on('error', () => {})
    })
    expect(status).toBe(403)
    socket.terminate()
  })

  it('the page itself, which needs no token, is not for other names', async () => {
    expect((await knock({ method: 'GET', path: '/', headers: { host: 'evil.example' } })).status).toBe(403)
    expect((await knock({ method: 'GET', path: '/../../../../etc/passwd', headers: { host: '127.0.0.1' } })).text).not.toContain('root:')
    expect((await knock({ method: 'GET', path: '/%2e%2e/%2e%2e/package.json', headers: { host: '127.0.0.1' } })).text).not.toContain(
      'devDependencies',
    )
  })
})
