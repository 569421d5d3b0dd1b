/** The client of a bench, and whoever finds its readers: events that nothing is missing of, over a line that breaks; readers over TCP, a pseudo-terminal and the air; one that is there. */

import { createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { currency, discover, httpAcquirer, open, pay } from '../../../devices/index.ts'
import { type RunningBench, startBench } from '../../../simulator/bench/bench.ts'
import { type BenchSessionClient, benchClient, type NumberedEvent } from '../../../simulator/bench/client.ts'
import { testPinDukpt } from '../../../simulator/keys.ts'
import { isFault } from '../../../src/errors.ts'
import { faces, found, secretBytes, secretNumber } from '../../canaries.ts'
import { line } from '../../devices/commands/line.ts'

let bench: RunningBench
beforeAll(async () => {
  bench = await startBench({ session: false })
})
afterAll(() => bench.close())

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const cardNamed = async (session: BenchSessionClient, profile: string) => (await session.cards()).find(one => one.profile === profile)!.id

/** By chip with a wrong PIN, at the bank of the session, by an app outside. */
async function payWrong(session: BenchSessionClient, id = 'r1'): Promise<string> {
  const own = session.reader(id)
  const { uri } = await own.state()
  const reader = await open(uri!)
  const { url } = await session.bank()
  const order = { number: `${Math.random()}`.slice(0, 12), amount: 2500_00n, currency: currency('RUB') }
  const paid = pay(order, { reader, acquirer: httpAcquirer(url), merchant })
  const card = await cardNamed(session, 'mir')
  await own.wait({ message: 'reader.presentCard' })
  await own.insert(card)
  await own.wait({ message: 'reader.enterPin' })
  await own.press('9', '9', '9', '9', 'enter')
  const { result } = await paid
  await own.pull()
  await reader.close()
  return result
}

/** Hands bytes on, and cuts the line after so many of them. */
async function cutting(port: number, after: number) {
  const sockets = new Set<Socket>()
  let [cuts, most] = [0, after]
  const server = createServer(near => {
    const far = new (near.constructor as typeof Socket)()
    far.connect(port, '127.0.0.1')
    for (const one of [near, far]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    let passed = 0
    far.on('data', (piece: Buffer) => {
      passed += piece.length
      near.write(piece)
      if (passed > most) {
        cuts++
        near.destroy()
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as { port: number }
  const close = () => {
    for (const one of sockets) one.destroy()
    return new Promise<void>(resolve => server.close(() => resolve()))
  }
  const mend = () => {
    most = Number.POSITIVE_INFINITY
  }
  return { origin: `http://127.0.0.1:${own}`, cuts: () => cuts, mend, close }
}

describe('a client of the bench', () => {
  it('hears every event once and in order, though its line is cut again and again', async () => {
    const session = await benchClient(bench.url).open({ counter: { tapdip: 'counter', version: 1, cards: [{ profile: 'mir' }] } })
    const line = await cutting(bench.port, 20_000)
    const heard: NumberedEvent[] = []
    const listening = (async () => {
      for await (const one of benchClient(`${line.origin}/#token=${bench.token}`).session(session.id).events({ after: 0 })) heard.push(one)
    })()
    expect(await payWrong(session)).toBe('declined')
    expect(await payWrong(session)).toBe('declined')
    const whole = bench.sessions.session(session.id).happenings
    const last = whole.last
    await expect.poll(() => heard.at(-1)?.n ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(last)
    line.mend()
    await session.reader('r1').knob('latency 0')
    await expect.poll(() => heard.at(-1)?.n ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(whole.last)
    await session.close()
    await listening
    await line.close()
    expect(heard.map(({ n }) => n)).toEqual(heard.map((_, at) => at + 1))
    expect(heard).toEqual(whole.after(0, Number.POSITIVE_INFINITY).map(row => JSON.parse(row)))
    expect(heard.at(-1)!.event).toMatchObject({ kind: 'bench', what: 'session', state: null })
    expect(line.cuts()).toBeGreaterThan(1)
    expect(last).toBeGreaterThan(150)
  })

  it('a WebSocket tells the same from the number that it asks for; what is not kept any more is refused, with the first that is', async () => {
    const session = await benchClient(bench.url).open({})
    await payWrong(session)
    const { happenings } = bench.sessions.session(session.id)
    const socket = new WebSocket(`ws://127.0.0.1:${bench.port}/api/sessions/${session.id}/events/ws?after=10&token=${bench.token}`)
    const told: string[] = []
    socket.on('message', data => told.push(String(data)))
    await expect.poll(() => told.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(happenings.last - 10)
    expect(told.slice(0, 50)).toEqual(happenings.after(10, 50))
    const closed = new Promise<number>(resolve => socket.on('close', resolve))
    await session.close()
    expect(await closed).toBe(1000)
  })

  it('told together: a message is a list, whose id is the number of its last; who comes back by that number misses nothing and hears nothing twice', async () => {
    const session = await benchClient(bench.url).open({})
    await payWrong(session)
    const { happenings } = bench.sessions.session(session.id)
    const at = `/api/sessions/${session.id}/events`
    const lists: string[] = []
    const socket = new WebSocket(`ws://127.0.0.1:${bench.port}${at}/ws?after=10&together=yes&token=${bench.token}`)
    socket.on('message', data => lists.push(String(data)))
    await expect.poll(() => lists.join().includes(`{"n":${happenings.last},`), { timeout: 10_000 }).toBe(true)
    expect(lists.flatMap(list => JSON.parse(list))).toEqual(happenings.after(10, undefined).map(line => JSON.parse(line)))
    expect(lists.length).toBeLessThan(happenings.last - 10)
    socket.close()
    /** The first message, as one who has the whole session before them. */
    const first = async (last?: string) => {
      const gone = new AbortController()
      const headers = { ...(last !== undefined && { 'last-event-id': last }) }
      const { body } = await fetch(`${bench.origin}${at}?after=0&together=yes&token=${bench.token}`, { headers, signal: gone.signal })
      const { value } = await body!.pipeThrough(new TextDecoderStream()).getReader().read()
      gone.abort()
      const [, id, data] = /^id: (\d+)\ndata: (.*)\n\n$/.exec(value!)!
      return { id: Number(id), numbers: (JSON.parse(data) as { n: number }[]).map(({ n }) => n) }
    }
    const whole = await first()
    expect([whole.numbers[0], whole.numbers.at(-1)]).toEqual([1, whole.id])
    await session.reader('r1').knob('latency 0')
    expect((await first(String(whole.id))).numbers[0]).toBe(whole.id + 1)
    const refused = new WebSocket(`ws://127.0.0.1:${bench.port}${at}/ws?together=perhaps&token=${bench.token}`)
    refused.on('error', () => {})
    expect(await new Promise(resolve => refused.on('unexpected-response', (_, { statusCode }) => resolve(statusCode)))).toBe(400)
    await session.close()
  })

  it('is told what was refused as the Fault that it was: field, value and rule; and a token that is none', async () => {
    const client = benchClient(bench.url)
    const session = await client.open({})
    await expect(session.reader('r1').knob('battery x')).rejects.toSatisfy(
      error => isFault(error, 'bad-argument') && error.details.field === 'knob' && error.details.value === 'x',
    )
    await expect(session.reader('r9').pull()).rejects.toSatisfy(error => isFault(error, 'not-found') && error.details.value === 'r9')
    await expect(session.advance(1)).rejects.toSatisfy(error => isFault(error, 'unsupported'))
    await expect(benchClient(`${bench.origin}/#token=00000000`).sessions()).rejects.toSatisfy(
      error => isFault(error, 'link-failed') && error.details.reason === 'forbidden',
    )
    expect(() => benchClient(bench.origin)).toThrow('#token=')
    await session.close()
  })

  it('nothing that is told has a card number, track, PIN or key in clear: responses, events, trace, pictures', async () => {
    const client = benchClient(bench.url)
    const session = await client.open({})
    const card = await cardNamed(session, 'mir')
    const { text } = await client.call<{ text: string }>('GET', `/api/sessions/${session.id}/cards/${card}/profile`)
    const { pan, pin } = JSON.parse(text)
    await payWrong(session)
    const own = session.reader('r1')
    const reader = await open((await own.state()).uri!)
    const paid = pay(
      { number: 'right', amount: 10_00n, currency: currency('RUB') },
      { reader, acquirer: httpAcquirer((await session.bank()).url), merchant },
    )
    await own.wait({ message: 'reader.presentCard' })
    await own.insert(card)
    await own.wait({ message: 'reader.enterPin' })
    const typed = await Promise.all([own.press(...pin.digits), client.call('GET', `/api/sessions/${session.id}/readers/r1/screen.svg`)])
    await own.press('enter')
    expect((await paid).result).toBe('approved')
    await reader.close()
    const at = `/api/sessions/${session.id}`
    const requests = await client.call<readonly { n: number }[]>('GET', `${at}/bank/requests`)
    const told = await Promise.all([
      ...[
        '',
        '/readers',
        '/cards',
        '/bank',
        '/bank/requests',
        '/bank/orders',
        '/apps',
        '/trace',
        '/events/list?after=0&most=10000',
        '/readers/r1/screen.svg',
      ].map(path => client.call('GET', at + path)),
      ...requests.map(({ n }) => client.call('GET', `${at}/bank/requests/${n}`)),
    ])
    const secrets = [
      secretNumber('PAN', pan),
      secretNumber('track 2', `${pan}=`),
      { what: 'PIN typed', forms: [`"${[...pin.digits].join('","')}"`, '"9","9","9","9"', `"digits":"${pin.digits}"`] },
      secretBytes('BDK', testPinDukpt.bdk),
    ]
    const all = [...told, typed].map(one => (typeof one === 'string' ? one : faces(one))).join('\n')
    expect(found(secrets, all)).toEqual([])
    expect(found(secrets, text)).not.toEqual([]) // they are found where they are
    expect(all).toContain(`${pan.slice(0, 6)}******`)
    await session.close()
  })
})

describe('the readers of a bench', () => {
  it('are found over TCP, a pseudo-terminal and the air, and paid with; `tapdip list` tells them; those that are off are not there', async () => {
    const client = benchClient(bench.url)
    const session = await client.open({})
    await session.addReader({ family: 'miura', listen: 'pty' })
    await session.addReader({ family: 'bluepad', listen: 'ble' })
    await session.addReader({ family: 'idtech', listen: 'none' })
    const dark = await session.addReader({ family: 'magtek' })
    await client.call('POST', `/api/sessions/${session.id}/readers/${dark.id}/switch`, { on: false })
    const seen = []
    for await (const one of discover({ transports: ['bench'], bench: bench.url, once: true })) seen.push(one)
    expect(seen).toMatchObject([
      { type: 'found', reader: { transport: 'bench', family: 'qpos', uri: expect.stringMatching(/^tcp:/), name: 'MPOS0000000001' } },
      { type: 'found', reader: { transport: 'bench', family: 'miura', uri: expect.stringMatching(/^serial:\/dev\/pts\//) } },
      { type: 'found', reader: { transport: 'bench', family: 'bluepad', uri: expect.stringMatching(/^ble:/), air: expect.any(String) } },
    ])
    const { out } = await line('tapdip', ['list', '--over', 'bench', '--bench', bench.url])
    expect(out).toMatch(/tcp:\/\/127\.0\.0\.1:\d+\?family=qpos\tqpos\tMPOS0000000001\n/)
    const miura = await open((seen[1] as { reader: { uri: string } }).reader.uri)
    expect(miura.info.family).toBe('miura')
    await miura.close()
    await expect(discover({ transports: ['bench'] }).next()).rejects.toMatchObject({ code: 'bad-argument' })
    await session.close()
  })

  it('one that is there stands beside them: its screens and payments are events, an app pays with it, and a person is told what to do', async () => {
    const client = benchClient(bench.url)
    const away = await client.open({ name: 'somewhere else' })
    const { uri } = await away.reader('r1').state()
    const session = await client.open({ counter: { tapdip: 'counter', version: 1, readers: [] } })
    const real = await session.addReader({ uri: uri! })
    expect(real).toMatchObject({ id: 'r1', real: true, family: 'qpos', uri, on: true, connected: 'none', battery: { percent: 80 } })
    const [{ id: app, screen }] = await session.apps()
    const press = async (action: string, more: object = {}) => {
      const own = (await session.apps()).find(one => one.id === app)!
      await session.answer(app, { screen: own.screen.n, action, ...more })
    }
    expect(screen.kind).toBe('order')
    await press('pay', { fields: { amount: '10.00' } })
    await session.waitForApp(app, { kind: 'method' })
    await press('reader')
    await session.waitForApp(app, { kind: 'found' })
    await press('connect')
    const card = await cardNamed(session, 'mir')
    expect(await session.reader('r1').wait({ message: 'reader.presentCard' })).toMatchObject({
      connected: 'app',
      screen: { lines: ['Present card.'] },
    })
    expect(await session.reader('r1').tap(card)).toMatchObject({ todo: 'Hold MIR to the reader.', field: [] })
    await away.reader('r1').tap(await cardNamed(away, 'mir'))
    const ended = await session.waitForApp(app, { kind: 'result' })
    expect(ended.screen.lines[0].text).toBe('APPROVED')
    expect(await session.reader('r1').state()).not.toHaveProperty('todo')
    const trace = (await session.trace())
      .trimEnd()
      .split('\n')
      .map(row => JSON.parse(row))
    expect(trace.some(({ kind, from }) => kind === 'link' && from === 'link')).toBe(true)
    await expect(session.reader('r1').knob('battery 3')).rejects.toSatisfy(error => isFault(error, 'unsupported'))
    await away.close()
    await expect.poll(async () => (await session.reader('r1').state()).on).toBe(false)
    expect(await session.reader('r1').state()).toMatchObject({ fault: expect.any(String), connected: expect.any(String) })
    await session.close()
  })
})
