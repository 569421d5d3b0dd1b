/**
 * Recordings by the commands themselves, a process each, over TCP, for every family and dialect: `serve --record` and `pay --record`, what may not stand in the files,
 * `replay:`, `tapdip-sim play` and `tapdip replay`. Needs `npm run build` (npm test does it).
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { profiles, startAcquirer, testIssuerKeys, testPinDukpt } from '../../../simulator/world.ts'
import { found, secretBytes, secretNumber } from '../../canaries.ts'
import { lines } from '../recorded.ts'
import { line as command } from './line.ts'
import { run, start, tapdipSim } from './processes.ts'

/** Two payment systems, an online PIN, and numbers that are not zeros in the middle. */
const profile = 'mir-unionpay'
const card = profiles[profile]
const pans = [card.pan, ...card.applications.flatMap(({ pan = [] }) => pan)]
const canaries = [
  ...pans.flatMap(pan => [secretNumber('PAN', pan), secretNumber('track 2', `${pan}=${card.expires.slice(0, 4)}`)]),
  secretBytes('name', Buffer.from(card.cardholder.split('/')[0])),
  secretBytes('PIN block of format 2', Buffer.from('241234FFFFFFFFFF', 'hex')),
  secretBytes('PIN key', testPinDukpt.bdk),
  ...Object.values(testIssuerKeys).map(key => secretBytes('issuer key', key as Uint8Array)),
]

interface Host {
  readonly url: string
  /** From here on it says again what it said, of whatever it is asked. */
  again(): void
  /** From here on it asks its bank. */
  anew(): void
  close(): Promise<void>
}

/** A host in front of the virtual acquirer that keeps its answers: a recording holds no card number and no PIN that a bank could check. */
async function keepingHost(): Promise<Host> {
  const bank = await startAcquirer()
  const kept: { readonly method: string; readonly status: number; readonly body: string; readonly key: string }[] = []
  let due: typeof kept | undefined
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    const { method = '', url = '' } = request
    const asked = keyOf(url, body)
    if (due) {
      const next = due.shift()
      if (next?.method !== method) return void response.writeHead(500).end()
      return void response.writeHead(next.status, { 'content-type': 'application/json' }).end(next.body.replaceAll(next.key, asked))
    }
    const told = await fetch(new URL(url, bank.url), {
      method,
      ...(body !== '' && { body, headers: { 'content-type': 'application/json' } }),
    })
    const answer = { method, status: told.status, body: await told.text(), key: asked }
    kept.push(answer)
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    again() {
      due = [...kept]
    },
    anew() {
      due = undefined
      kept.length = 0
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await bank.close()
    },
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += piece
  return text
}

/** The idempotency key of what is asked. */
const keyOf = (url: string, body: string) =>
  body === '' ? (url.split('/')[3] ?? '') : String((JSON.parse(body) as { key?: string }).key ?? url.split('/')[3])

/** What differs between a payment and its recording: where the reader is, the moment, and the name of the cardholder. */
const differing = [/^> Connecting to reader .*$/m, /^Date: .*$/m, /^Cardholder: .*$/m]
const screens = ({ code, out, err }: { code: number | null; out: string; err: string }) => ({
  code,
  out: differing.reduce((text, what) => text.replace(what, '…'), out),
  // What reader and payment say at the same moment comes in either order; `test/devices/recordings.test.ts` holds the order, on one clock.
  err: differing
    .reduce((text, what) => text.replace(what, '…'), err)
    .split('\n')
    .sort(),
})

let host: Host
const folder = mkdtempSync(join(tmpdir(), 'tapdip-recorded-'))
beforeAll(async () => {
  host = await keepingHost()
})
afterAll(async () => {
  await host.close()
  rmSync(folder, { recursive: true, force: true })
})

it.each(lines.map((line, index) => [line.name, line, index] as const))(
  '%s',
  { timeout: 180_000 },
  async (name, { family, dialect }, index) => {
    const file = (what: string) => join(folder, `${name.replace(' ', '-')}-${what}.jsonl`)
    const order = `20260326_105200_00${index}`
    const words = (uri: string) => [
      ...['pay', '2500.00', '--currency', 'RUB', '--order', order, '--reader', uri, '--acquirer', host.url, '--app', 'MIR', '--sign', 'AB'],
    ]
    const pay = (uri: string, ...more: string[]) => run([...words(uri), ...more])
    host.anew()
    const own = dialect ? ['--dialect', dialect] : []
    const reader = start(tapdipSim, [
      'serve',
      family,
      ...own,
      '--listen',
      'tcp:0',
      '--card',
      profile,
      '--pin',
      '1234',
      '--record',
      file('reader'),
    ])
    const [, at] = await reader.says(/: (tcp:\S+)/)
    const first = await pay(at, '--record', file('app'))
    reader.child.kill('SIGINT')
    expect((await reader.ended).code).toBe(0)
    expect(first.code, first.err).toBe(0)
    for (const side of ['reader', 'app']) {
      const text = readFileSync(file(side), 'utf8')
      expect(text.split('\n').length, side).toBeGreaterThan(6)
      expect(found(canaries, text), side).toEqual([])
    }
    // The recorded reader, of either end of the line: in the process of the app, and in one of its own.
    for (const side of ['reader', 'app']) {
      host.again()
      expect(screens(await pay(`replay:${file(side)}`)), side).toEqual(screens(first))
    }
    // As often as one likes: nothing of it is used up, and nothing hangs on how long a payment takes.
    for (let time = 1; time <= (family === 'bluepad' ? 5 : 2); time++) {
      host.again()
      expect(screens(await command('tapdip', words(`replay:${file('app')}`))), `time ${time}`).toEqual(screens(first))
    }
    const played = start(tapdipSim, ['play', file('app'), '--listen', 'tcp:0'])
    const [, uri] = await played.says(/: (tcp:\S+)/)
    host.again()
    expect(screens(await pay(uri))).toEqual(screens(first))
    // The recorded app says all of it to the recorded reader.
    const said = await run(['replay', file('app'), '--reader', uri])
    expect(said.code, said.err).toBe(0)
    expect(said.out.split('\n').filter(line => / [<>] /.test(line)).length).toBeGreaterThan(6)
  },
)
