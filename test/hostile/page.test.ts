/** A web page that is open on this machine while the acquirer runs, and whoever holds its connections open: no order is touched, no connection stays. */

import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, startAcquirer } from '../../simulator/acquirer/host.ts'
import { currency } from '../../src/currency.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'

const merchant = { name: 'M', id: 'MTM', terminal: '1' }
const order = { number: 'D1', amount: 100_00n, currency: currency('RUB') }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function host(options: AcquirerOptions = {}): Promise<AcquirerHost> {
  const started = await startAcquirer(options)
  ends.push(() => started.close())
  return started
}

interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A request with exactly these headers, as no `fetch` of Node would send it. */
function ask(
  { port }: AcquirerHost,
  path: string,
  { method = 'POST', headers = {}, body = '' }: Asked,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, path, method, headers }, response => {
      let text = ''
      response.on('data', part => (text += part))
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

const json = { 'content-type': 'application/json' }

describe('a page in a browser', () => {
  const sale = JSON.stringify({
    key: 'k',
    order: { number: 'D1', amount: '10000', currency: 'RUB' },
    merchant,
    amount: '10000',
    at: '2026-03-26T10:52:00.000Z',
    received: '10000',
  })
  const own = (port: number) => `http://127.0.0.1:${port}`

  /** What a page can send, by form, by `fetch`, and from a name that it lets point here. */
  const moves: readonly (readonly [string, (port: number, token: string) => Readonly<Record<string, string>>, number])[] = [
    ['a form, or fetch without preflight: text/plain', () => ({ 'content-type': 'text/plain' }), 415],
    ['a form', () => ({ 'content-type': 'application/x-www-form-urlencoded' }), 415],
    ['no content type', () => ({}), 415],
    ['a type that only begins like JSON', () => ({ 'content-type': 'application/jsonx' }), 415],
    ['fetch with JSON from elsewhere', () => ({ ...json, origin: 'https://evil.example' }), 403],
    ['a page from a file', () => ({ ...json, origin: 'null' }), 403],
    ['another port of this machine', () => ({ ...json, origin: 'http://127.0.0.1:1' }), 403],
    ['elsewhere, with the token', (_, token) => ({ ...json, origin: 'https://evil.example', authorization: `Bearer ${token}` }), 403],
    ['cross-site without an origin', () => ({ ...json, 'sec-fetch-site': 'cross-site' }), 403],
    ['a name that points here', port => ({ ...json, host: `evil.example:${port}` }), 403],
    ['a name that points here, its own origin', port => ({ ...json, host: `evil.example:${port}`, origin: `http://evil.example:${port}` }), 403],
    ['a name that begins like this machine’s', port => ({ ...json, host: `127.0.0.1.evil.example:${port}` }), 403],
    ['the host’s own page without the token', port => ({ ...json, origin: own(port) }), 401],
    ['the host’s own page with another token', port => ({ ...json, origin: own(port), authorization: 'Bearer 00000000' }), 401],
    ['the same site without an origin and token', () => ({ ...json, 'sec-fetch-site': 'same-origin' }), 401],
  ] // biome-ignore format: a table

  it.each(moves)('%s: nothing is registered, nothing cancelled, nothing of it may be read', async (_, headers, status) => {
    const started = await host()
    const answer = await ask(started, '/v1/cash', { headers: headers(started.port, started.token), body: sale })
    expect(answer.status).toBe(status)
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
    expect(started.orders).toEqual([])
  })

  it('the host’s own page with its token, and a program without either: heard', async () => {
    for (const headers of [(port: number, token: string) => ({ ...json, origin: own(port), authorization: `Bearer ${token}` }), (port: number) => ({ 'content-type': 'application/json; charset=utf-8', host: `localhost:${port}` })]) {
      const started = await host()
      expect(await ask(started, '/v1/cash', { headers: headers(started.port, started.token), body: sale })).toMatchObject({ status: 200 })
      expect(started.order('D1')).toMatchObject({ state: 'Approved' })
    } // biome-ignore format: two rows
  })

  it('a preflight gets no leave, a page elsewhere reads no order', async () => {
    const started = await host()
    const origin = 'https://evil.example'
    for (const method of ['OPTIONS', 'GET']) {
      const answer = await ask(started, '/v1/orders/D1?merchant=MTM', {
        method,
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      expect(answer.status).toBe(403)
      expect(Object.keys(answer.headers).filter(name => name.startsWith('access-control'))).toEqual([])
    }
  })
})

describe('a token for everybody', () => {
  it('without it nobody is heard, with it all; a wrong one is told as such, and nothing hangs', async () => {
    const started = await host({ token: 'a-token-of-mine' })
    const at = new Date('2026-03-26T10:52:00Z')
    const cash = { key: 'k', order, merchant, amount: order.amount, received: order.amount, at }
    for (const options of [{}, { token: 'another-one' }])
      await expect(httpAcquirer(started.url, options).registerCash(cash)).rejects.toMatchObject({
        code: 'host-unreachable',
        message: expect.stringContaining('token'),
      })
    expect(started.orders).toEqual([])
    expect(await httpAcquirer(started.url, { token: 'a-token-of-mine' }).registerCash(cash)).toMatchObject({ state: 'approved' })
    expect((await ask(started, '/v1/orders/D1', { method: 'GET' })).status).toBe(401)
  })

  it.each(['', 'short', 'with a blank', 'x'.repeat(257)])('%j is none', async token => {
    await expect(startAcquirer({ token })).rejects.toMatchObject({ code: 'bad-argument', details: { field: 'options.token' } })
  })
})

describe('connections', () => {
  const open = (port: number, first = '') =>
    new Promise<{ socket: Socket; closed: Promise<void>; said: () => string }>((resolve, reject) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => {
        if (first) socket.write(first)
        resolve({ socket, closed, said: () => text })
      })
      socket.on('data', part => (text += part.toString('latin1')))
      const closed = new Promise<void>(done => socket.on('close', () => done()))
      socket.on('error', error => ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? reject(error) : undefined))
      ends.push(() => socket.destroy())
    })

  it('300 that say nothing, half a header, half a body: all are closed in their time, and a payment goes through meanwhile', async () => {
    const started = await host({ idleTime: 400, maxConnections: 1000 })
    const halves = [
      '',
      'POST /v1/cash HT',
      'POST /v1/cash HTTP/1.1\r\nHost: x\r\nX-Y: ',
      `POST /v1/cash HTTP/1.1\r\nHost: 127.0.0.1:${started.port}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"key":`,
    ]
    const held = await Promise.all(Array.from({ length: 300 }, (_, index) => open(started.port, halves[index % halves.length])))
    expect(await httpAcquirer(started.url).order(merchant, 'D1')).toBeUndefined()
    await Promise.all(held.map(({ closed }) => closed))
  })

  it('one more than it takes is closed at once, and there is room again afterwards', async () => {
    const started = await host({ maxConnections: 4 })
    const held = await Promise.all(Array.from({ length: 4 }, () => open(started.port)))
    await (await open(started.port)).closed
    for (const { socket, closed } of held) {
      socket.destroy()
      await closed
    }
    const client = httpAcquirer(started.url)
    for (let attempt = 0; ; attempt++) {
      try {
        expect(await client.order(merchant, 'D1')).toBeUndefined()
        break
      } catch (error) {
        if (attempt > 100) throw error // the server hears of the end a moment later
      }
    }
  })

  it('a body that does not end, and headers that do not: refused', async () => {
    const started = await host()
    const big = await ask(started, '/v1/cash', { headers: json, body: `"${'x'.repeat(70_000)}"` })
    expect(big.status).toBe(413)
    const { closed, said } = await open(started.port, `GET / HTTP/1.1\r\n${'X-Y: 1234567890\r\n'.repeat(2000)}`)
    await closed
    expect(said()).toContain('431')
  })
})
