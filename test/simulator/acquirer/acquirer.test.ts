/** The acquirer's line and its client: messages both ways, idempotency, refusals, rules, and what each failure of the network is called. */

import { createServer as createHttp, type RequestListener } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer as createTcp } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, type AcquirerOptions, type HostEvent, hostEventLine, startAcquirer } from '../../../simulator/acquirer/host.ts'
import { parseRules } from '../../../simulator/acquirer/rules.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { fromHex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { isFault } from '../../../src/errors.ts'
import type { HostAnswer } from '../../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { decodeAnswer, decodeMessage, encodeAnswer, encodeMessage } from '../../../src/payment/host/wire.ts'
import { cardMessage as message } from '../../payment/host/host-bench.ts'

const visa = profiles['visa-signature'].pan
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map(stop => stop()))
})

async function started(options: AcquirerOptions = {}): Promise<{ host: AcquirerHost; seen: HostEvent[] }> {
  const seen: HostEvent[] = []
  const host = await startAcquirer({ ...options, onEvent: event => seen.push(event) })
  stops.push(() => host.close())
  return { host, seen }
}

describe('the host', () => {
  it('approves, and gives the same answer to the same key without charging again', async () => {
    const { host, seen } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message()
    const first = await client.authorise(sent)
    expect(first).toMatchObject({
      state: 'approved',
      response: { type: 'approved', code: '00', authorisationCode: expect.stringMatching(/^X\d{5}$/) },
    })
    expect(first.response?.issuerAuthenticationData).toHaveLength(10)
    expect(await client.authorise(sent)).toEqual(first)
    expect(await client.status(sent.key)).toEqual(first)
    expect(host.balance(visa)).toBe(100_000_000n - 250_000n)
    expect(seen.map(({ type }) => type)).toEqual(['authorisation', 'repeat', 'status'])
  })

  it('a key does not serve two payments', async () => {
    const { host } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message()
    await client.authorise(sent)
    await expect(client.authorise({ ...sent, amount: 1n })).rejects.toMatchObject({ code: 'host-error', details: { status: 409 } })
    expect(host.balance(visa)).toBe(100_000_000n - 250_000n)
  })

  it('a cryptogram does not serve two payments', async () => {
    const { host } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message()
    await client.authorise(sent)
    const replayed = { ...sent, key: 'key-2', order: { ...sent.order, number: 'another' } }
    expect(await client.authorise(replayed)).toMatchObject({ state: 'declined', response: { code: '88' } })
  })

  it('a reversal gives the money back once, and forbids what comes after it', async () => {
    const { host, seen } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message()
    await client.authorise(sent)
    await client.reverse(sent.key, 'cardDeclined')
    await client.reverse(sent.key, 'cardDeclined')
    expect(host.balance(visa)).toBe(100_000_000n)
    expect(await client.status(sent.key)).toMatchObject({ state: 'reversed' })
    const late = await message('key-late')
    await client.reverse('key-late', 'noAnswer')
    expect(await client.authorise(late)).toEqual({ about: { key: 'key-late' }, state: 'reversed' })
    expect(host.balance(visa)).toBe(100_000_000n)
    expect(seen.filter(({ type }) => type === 'reversal')).toMatchObject([{ charged: true }, { charged: false }, { charged: false }])
  })

  it('a payment in process is in process for whoever asks, and a second attempt at its order is told so', async () => {
    const { host } = await started({ rules: [{ do: 'delay', ms: 200, times: 1 }] })
    const client = httpAcquirer(host.url)
    const waiting = client.authorise(await message())
    while (!host.order('20260326_1')) await new Promise(resolve => setTimeout(resolve, 5))
    expect(await client.status('key-1')).toMatchObject({ state: 'inProcess' })
    expect(await client.authorise(await message('key-2'))).toMatchObject({ state: 'declined', response: { code: '09' } })
    expect(await waiting).toMatchObject({ state: 'approved' })
  })

  it('never saw the key', async () => {
    const { host } = await started()
    expect(await httpAcquirer(host.url).status('nobody')).toEqual({ about: { key: 'nobody' }, state: 'unknown' })
  })

  it('declines an unknown card and an expired one', async () => {
    const { host } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message()
    const other = new Map(sent.tags).set(0x5a, fromHex('4000000000000002'))
    expect(await client.authorise({ ...sent, tags: other })).toMatchObject({ response: { code: '14' } })
    const later = await message('key-2', { at: new Date('2049-01-01T00:00:00Z') })
    expect(await client.authorise(later)).toMatchObject({ response: { code: '54' } })
  })

  it('a refund brings money, its reversal takes it again', async () => {
    const { host } = await started()
    const client = httpAcquirer(host.url)
    expect(await client.authorise(await message('key-1', { type: 'refund' }))).toMatchObject({ state: 'approved' })
    expect(host.balance(visa)).toBe(100_000_000n + 250_000n)
    await client.reverse('key-1', 'cancelled')
    expect(host.balance(visa)).toBe(100_000_000n)
  })

  it('an advice is booked once', async () => {
    const { host, seen } = await started()
    const client = httpAcquirer(host.url)
    const sent = await message('key-1', {}, '40')
    const first = await client.advise(sent)
    expect(first).toMatchObject({ state: 'approved', reason: 'approved offline' })
    expect(await client.advise(sent)).toEqual(first)
    expect(host.balance(visa)).toBe(100_000_000n - 250_000n)
    expect(seen.map(({ type }) => type)).toEqual(['advice', 'repeat'])
  })

  it('shows an order with its operations and transactions, masked', async () => {
    const { host } = await started()
    const sent = await message()
    await httpAcquirer(host.url).authorise(sent)
    const text = await (await fetch(`${host.url}v1/orders/20260326_1`)).text()
    expect(JSON.parse(text)).toMatchObject({
      number: '20260326_1',
      state: 'Approved',
      operations: [{ type: 'payment', state: 'Approved', transactions: [{ kind: 'authorisation', code: '00', amount: '250000' }] }],
    })
    expect(text).not.toContain(visa)
    expect((await fetch(`${host.url}v1/orders/none`)).status).toBe(404)
  })

  it.each([
    ['POST', 'v1/authorisations', '{', 400],
    ['POST', 'v1/authorisations', '[]', 400],
    ['POST', 'v1/authorisations', '{"key":""}', 400],
    ['POST', 'v1/authorisations', `"${'x'.repeat(70_000)}"`, 413],
    ['GET', 'v1/authorisations', undefined, 404],
    ['GET', 'v2/authorisations/x', undefined, 404],
    ['GET', 'v1/authorisations/%ff', undefined, 400],
    ['DELETE', 'v1/authorisations/x', undefined, 404],
  ])('refuses %s %s with %s', async (method, path, body, status) => {
    const { host, seen } = await started()
    const response = await fetch(host.url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body }),
    })
    expect(response.status).toBe(status)
    expect(await response.json()).toHaveProperty('error')
    expect(seen).toMatchObject([{ type: 'refused', status }])
  })

  it('a request line that is no path is refused', async () => {
    const { host } = await started()
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectTcp(host.port, '127.0.0.1', () =>
        socket.write(`GET // HTTP/1.1\r\nhost: 127.0.0.1:${host.port}\r\nconnection: close\r\n\r\n`),
      )
      let text = ''
      socket.on('data', chunk => {
        text += chunk
      })
      socket.on('end', () => resolve(text)).on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1.1 404 /)
  })

  it('prints what it sees without a PAN', async () => {
    const { host, seen } = await started({ rules: [{ do: 'dropAnswer' }] })
    const client = httpAcquirer(host.url)
    await expect(client.authorise(await message())).rejects.toMatchObject({ code: 'host-no-answer' })
    await client.reverse('key-1', 'noAnswer')
    const lines = seen.map(hostEventLine)
    expect(lines[0]).toBe(
      `authorisation 20260326_1 ${visa.slice(0, 6)}******${visa.slice(-4)} 2500.00 RUB (chip, CVM none): ARQC right, PIN none, 00 approved`,
    )
    expect(lines.slice(1)).toEqual(['dropped the answer of key-1', 'reversal key-1 (noAnswer): money given back'])
    expect(lines.join()).not.toContain(visa)
  })

  it('closes with a payment in process, and frees its port', async () => {
    const { host } = await started({ rules: [{ do: 'delay', ms: 600_000 }] })
    const waiting = httpAcquirer(host.url).authorise(await message())
    const settled = expect(waiting).rejects.toMatchObject({ code: 'host-no-answer' })
    while (host.orders.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    await host.close()
    await settled
    const again = await startAcquirer({ port: host.port })
    await again.close()
  })

  it('says which port it cannot have', async () => {
    const { host } = await started()
    await expect(startAcquirer({ port: host.port })).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(String(host.port)),
    })
  })
})

describe('rules', () => {
  it.each([
    [{ do: 'decline' }, '0.code', 'two digits or capital letters, not 00'],
    [{ do: 'decline', code: '05' }, '0.reason', 'a sentence of 1 to 200 characters'],
    [{ do: 'decline', code: '05', reason: '' }, '0.reason', 'a sentence of 1 to 200 characters'],
    [{ do: 'refer' }, '0.reason', 'a sentence of 1 to 200 characters'],
    [{ do: 'delay' }, '0.ms', 'it is missing'],
    [{ do: 'explode' }, '0.do', expect.stringContaining('silence')],
  ])('%j is refused in words of ours', (rule, path, words) => {
    expect(() => parseRules([rule])).toThrowError(expect.objectContaining({ details: expect.objectContaining({ path, rule: words }) }))
  })

  it.each([
    [[{ do: 'decline', code: '00', reason: 'x' }], '0.code'],
    [[{ do: 'decline', code: '05' }], '0.reason'],
    [[{ do: 'explode' }], '0.do'],
    [[{ do: 'delay', ms: -1 }], '0.ms'],
    [[{ do: 'garbage' }, { do: 'dropAnswer', when: { pan: 'x' } }], '1.when.pan'],
    [[{ do: 'garbage', when: { amounts: 1 } }], '0.when'],
    ['none', '(rules)'],
  ])('%j is refused at %s', (rules, path) => {
    expect(() => parseRules(rules)).toThrowError(
      expect.objectContaining({ code: 'bad-config', details: expect.objectContaining({ path }) }),
    )
  })

  it('are spent after as many payments as they say', async () => {
    const { host } = await started({ rules: [{ do: 'decline', code: '05', reason: 'once', times: 1, when: { amount: { is: 250_000n } } }] })
    const client = httpAcquirer(host.url)
    expect(await client.authorise(await message('a'))).toMatchObject({ state: 'declined', reason: 'once' })
    expect(await client.authorise(await message('b'))).toMatchObject({ state: 'approved' })
  })
})

describe('the client', () => {
  const sent = message()
  const listen = async (handler: RequestListener): Promise<string> => {
    const server = createHttp(handler)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => {
      server.closeAllConnections()
      return new Promise(resolve => server.close(resolve))
    })
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it.each(['nonsense', 'ftp://127.0.0.1/', 'http://acquirer.example/', 'http://127.0.0.1.example/'])('will not talk to %s', address => {
    expect(() => httpAcquirer(address)).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
  })
  it('talks https to anybody and keeps the path', async () => {
    expect(() => httpAcquirer('https://acquirer.example/api')).not.toThrow()
    const paths: string[] = []
    const url = await listen((request, response) => {
      paths.push(request.url!)
      response.end('{"key":"a/b","state":"unknown"}')
    })
    await httpAcquirer(`${url}/api`).status('a/b')
    expect(paths).toEqual(['/api/v1/authorisations/a%2Fb'])
  })

  it('nobody listens: unreachable', async () => {
    const { host } = await started()
    await host.close()
    await expect(httpAcquirer(host.url).authorise(await sent)).rejects.toMatchObject({ code: 'host-unreachable' })
    await expect(httpAcquirer('https://host.invalid/').status('x')).rejects.toMatchObject({ code: 'host-unreachable' })
    await expect(httpAcquirer('http://127.0.0.1:1').status('x')).rejects.toMatchObject({ code: 'host-unreachable' }) // a port that fetch never calls
  })

  it('the peer speaks no TLS: unreachable, for nothing of the payment was sent', async () => {
    const url = await listen((_, response) => response.end())
    await expect(httpAcquirer(url.replace('http:', 'https:')).authorise(await sent)).rejects.toMatchObject({ code: 'host-unreachable' })
  })

  it('the connection breaks after the request: no answer', async () => {
    const url = await listen(request => request.socket.destroy())
    await expect(httpAcquirer(url).authorise(await sent)).rejects.toMatchObject({ code: 'host-no-answer' })
  })

  it('a TCP port that says something else: no answer', async () => {
    const server = createTcp(
      socket =>
        void socket
          .on('error', () => {})
          .end('SSH-2.0-OpenSSH_9.2\r\n')
          .resume(),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stops.push(() => new Promise(resolve => server.close(resolve)))
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    await expect(httpAcquirer(address).authorise(await sent)).rejects.toMatchObject({ code: 'host-no-answer' })
  })

  it('silence: no answer when the time is over', async () => {
    const url = await listen(() => {})
    const clock = new VirtualClock()
    const asking = httpAcquirer(url, { timeout: 30_000, clock }).authorise(await sent)
    const settled = expect(asking).rejects.toMatchObject({ code: 'host-no-answer', details: { ms: 30_000 } })
    await clock.advance(29_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    await settled
    expect(clock.pending).toBe(0)
  })

  it('the signal ends the wait', async () => {
    const url = await listen(() => {})
    const stop = new AbortController()
    const asking = httpAcquirer(url).authorise(await sent, { signal: stop.signal })
    setTimeout(() => stop.abort(), 20)
    await expect(asking).rejects.toMatchObject({ code: 'aborted' })
    await expect(httpAcquirer(url).status('x', { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' })
  })

  it.each<[string, number, string]>([
    ['no JSON', 200, 'OK'],
    ['a state that is none', 200, '{"state":"maybe"}'],
    ['an approval without a code', 200, '{"state":"approved"}'],
    ['an ARPC that is none', 200, '{"state":"approved","code":"00","issuerAuthenticationData":"00"}'],
    ['an error of its own', 500, '{"error":"database"}'],
    ['a page of a proxy', 502, '<html>'],
    ['too much', 200, `"${'x'.repeat(100_000)}"`],
  ])('%s: a host error', async (_, status, text) => {
    const url = await listen((_request, response) => response.writeHead(status).end(text))
    await expect(httpAcquirer(url).authorise(await sent)).rejects.toMatchObject({ code: 'host-error', details: { status } })
  })

  it('follows no redirect: the PAN goes nowhere else', async () => {
    let elsewhere = 0
    const other = await listen((_, response) => {
      elsewhere++
      response.end('{"state":"unknown"}')
    })
    const url = await listen((_, response) => response.writeHead(307, { location: `${other}/` }).end())
    await expect(httpAcquirer(url).authorise(await sent)).rejects.toSatisfy(error => isFault(error, 'host-no-answer', 'host-error'))
    expect(elsewhere).toBe(0)
  })

  it('a reversal that the host does not confirm is none', async () => {
    const url = await listen((_, response) => response.end('{"key":"x","state":"inProcess"}'))
    await expect(httpAcquirer(url).reverse('x', 'noAnswer')).rejects.toMatchObject({ code: 'host-error', details: { state: 'inProcess' } })
  })
})

describe('messages', () => {
  it('survive both ways', async () => {
    const pinBlock = { format: 0 as const, data: fromHex('0011223344556677'), ksn: fromHex('FFFF9876543210E00001') }
    const whole = await message('k', { pinBlock, cvm: 'onlinePin' })
    expect(decodeMessage(JSON.parse(JSON.stringify(encodeMessage(whole))))).toEqual(whole)
    const answer: HostAnswer = {
      state: 'declined',
      reason: 'because',
      billNumber: '1',
      transaction: '2',
      response: { type: 'declined', code: '05', scripts: [fromHex('7200')], issuerAuthenticationData: fromHex('00'.repeat(10)), rrn: '3' },
    }
    expect(decodeAnswer(JSON.parse(JSON.stringify(encodeAnswer(answer))))).toEqual(answer)
  })

  it('name the field that is wrong', async () => {
    const good = JSON.parse(JSON.stringify(encodeMessage(await message())))
    const wrong = (change: (copy: Record<string, unknown>) => void) => {
      const copy = structuredClone(good)
      change(copy)
      try {
        decodeMessage(copy)
      } catch (error) {
        return isFault(error, 'bad-argument') && error.details.path
      }
      return 'accepted'
    }
    expect(wrong(copy => (copy.amount = '-1'))).toBe('amount')
    expect(wrong(copy => (copy.currency = 'XXX'))).toBe('currency')
    expect(wrong(copy => (copy.tags = { '9F0': '00' }))).toBe('tags.9F0')
    expect(wrong(copy => (copy.tags = { '9F02': '0' }))).toBe('tags.9F02')
    expect(wrong(copy => (copy.at = 'yesterday, about noon time'))).toBe('at')
    expect(wrong(copy => (copy.interface = 'telepathy'))).toBe('interface')
    expect(wrong(copy => (copy.order = { number: 'x' }))).toBe('order.amount')
    expect(wrong(copy => (copy.pinBlock = { format: 1, data: '', ksn: '' }))).toBe('pinBlock.format')
    expect(wrong(copy => delete copy.merchant)).toBe('merchant')
  })

  it('any JSON is a message or a Fault', () => {
    fc.assert(
      fc.property(fc.jsonValue(), json => {
        for (const decode of [decodeMessage, decodeAnswer])
          try {
            decode(json)
          } catch (error) {
            if (!isFault(error, 'bad-argument')) throw error
          }
      }),
      { seed: 9, numRuns: 500 },
    )
  })
})
