/** Ctrl-C, SIGTERM and a pipe that is closed, at every stage of every command that waits: it ends within seconds, says what became of the payment, and the bank, the journal and the till agree. Needs `npm run build`. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Counter, type CounterOptions, profiles, virtualCounter } from '../../../simulator/world.ts'
import { ends } from '../../ends.ts'
import { line } from './line.ts'
import { type Ended, type Running, root, run, start, tapdip, tapdipSim } from './processes.ts'

/** Milliseconds in which a command has ended that somebody stops: the machine may be busy, a minute's wait is longer. */
const SOON = 12_000

async function counter(options: CounterOptions = {}): Promise<Counter> {
  const made = await virtualCounter({ listen: 'tcp:0', pins: ['1234'], ...options })
  ends.push(() => made.close())
  return made
}

/** A program that takes connections and never says a word; `met` resolves at the next one. */
async function silent(): Promise<{ readonly port: number; met(): Promise<unknown> }> {
  const server = createServer(socket => socket.on('error', () => {}))
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  ends.push(() => void server.close())
  return { port: (server.address() as { port: number }).port, met: () => once(server, 'connection') }
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'tapdip-signals-'))
  ends.push(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** Stops it where it says `at`. */
async function stopped(running: Running, at: RegExp, signal: NodeJS.Signals): Promise<Ended> {
  await running.says(at)
  const began = Date.now()
  running.child.kill(signal)
  const ended = await running.ended
  expect(Date.now() - began, `${at}: ${ended.err}`).toBeLessThan(SOON)
  expect(`${ended.out}${ended.err}`).not.toMatch(/\n\s+at |internal/)
  return ended
}

const never = 3_600_000
const signals = ['SIGINT', 'SIGTERM'] as const

interface Stage {
  readonly name: string
  readonly options?: CounterOptions
  readonly at: RegExp
  /** Exit codes that are right here. */
  readonly codes: readonly number[]
}

/** What a payment waits for, from its begin to its end. */
const stages: readonly Stage[] = [
  { name: 'no card yet', options: { pace: { present: never } }, at: /insert, swipe or tap/, codes: [12] },
  { name: 'the list', at: /Number \(empty/, codes: [12] },
  { name: 'the PIN', options: { card: 'offline-pin', pins: ['1234'], pace: { think: never } }, at: /enters the PIN/, codes: [12] },
  { name: 'the signature', options: { card: 'visa-signature' }, at: /Sign \(c clears/, codes: [12] },
  {
    name: 'a host that takes its time',
    options: { card: 'dda', rules: [{ do: 'delay', ms: 600_000 }] },
    at: /Asking for authorisation/,
    codes: [11, 12],
  },
  {
    name: 'a host that has decided and is silent',
    options: { card: 'dda', rules: [{ do: 'silence' }] },
    at: /Asking for authorisation/,
    codes: [11, 12],
  },
]

const rubles = ['--currency', 'RUB', '--status-time', '2']
const balanceOf = ({ acquirer }: Counter, card: CounterOptions['card'] = 'mir-maestro') => acquirer.balance(profiles[card as 'dda'].pan)

/** Both signals by turns: each stage meets one in `pay` and the other in `order pay`. */
const turn = (at: number) => signals[at % 2]

describe('stopped', () => {
  it.each(stages.map((stage, at) => ({ ...stage, signal: turn(at) })))(
    'pay, $name, $signal',
    { timeout: 60_000 },
    async ({ options = {}, at, codes, signal }) => {
      const made = await counter(options)
      const before = balanceOf(made, options.card)
      const words = ['pay', '1500.00', ...rubles, '--reader', made.uri, '--acquirer', made.acquirer.url]
      const ended = await stopped(start(tapdip, words, '', { open: true }), at, signal)
      expect(codes, ended.err).toContain(ended.code)
      expect(ended.err).toMatch(ended.code === 12 ? /> CANCELLED: / : /> UNKNOWN|not known|in process/i)
      expect(ended.out).toMatch(/Order: /) // the slip says it too
      if (ended.code === 12) expect(balanceOf(made, options.card)).toBe(before)
    },
  )

  it.each(stages.map((stage, at) => ({ ...stage, signal: turn(at + 1) })))(
    'order pay, $name, $signal: the journal knows it, and nothing hangs after the next start',
    { timeout: 60_000 },
    async ({ options = {}, at, codes, signal }) => {
      const made = await counter(options)
      const before = balanceOf(made, options.card)
      const book = ['--journal', join(folder(), 'orders.db')]
      expect(await line('tapdip', ['order', 'new', '1500.00', '--number', '7', ...book])).toMatchObject({ code: 0 })
      const words = ['order', 'pay', '7', '--method', 'reader', '--status-time', '2', '--reader', made.uri, '--acquirer', made.acquirer.url]
      const ended = await stopped(start(tapdip, [...words, ...book], '', { open: true }), at, signal)
      expect(codes, ended.err).toContain(ended.code)
      expect(ended.err).toMatch(ended.code === 12 ? /> CANCELLED: / : /> UNKNOWN|not known|in process/i)
      const synchronised = await line('tapdip', ['order', 'sync', '--acquirer', made.acquirer.url, '--json', ...book])
      expect([synchronised.code, JSON.parse(synchronised.out).waiting], synchronised.err).toEqual([0, 0])
      expect(balanceOf(made, options.card)).toBe(before)
      expect(JSON.parse((await line('tapdip', ['order', 'list', '--json', ...book])).out)).toMatchObject([{ number: '7' }])
    },
  )

  it('order pay before a method is chosen, while cash is counted, while a code is shown', { timeout: 90_000 }, async () => {
    const made = await counter()
    const book = ['--journal', join(folder(), 'orders.db')]
    const host = ['--acquirer', made.acquirer.url, '--status-time', '2']
    await line('tapdip', ['order', 'new', '1500.00', '--number', '7', ...book])
    for (const [signal, at, more] of [
      ['SIGINT', /Number \(empty/, []],
      ['SIGTERM', /Received/, ['--method', 'cash']],
      ['SIGINT', /State: In process/, ['--method', 'sbp']],
    ] as const) {
      const ended = await stopped(start(tapdip, ['order', 'pay', '7', ...more, ...host, ...book], '', { open: true }), at, signal)
      expect(ended.code, `${at}: ${ended.err}`).toBe(12)
      expect(ended.err).toMatch(/CANCELLED/)
    }
    const synchronised = await line('tapdip', ['order', 'sync', ...host.slice(0, 2), '--json', ...book])
    expect(JSON.parse(synchronised.out)).toMatchObject({ waiting: 0 })
  })

  it.each([
    ['confirm', 'SIGINT'],
    ['cancel', 'SIGTERM'],
    ['refund', 'SIGINT'],
  ] as const)('order %s at a silent host, %s: the change is not lost', { timeout: 60_000 }, async (name, signal) => {
    let told = () => {}
    const made = await counter({
      card: 'dda',
      rules: [{ do: 'silence', on: ['confirmation', 'cancellation'], times: 1 }],
      onHost: () => told(),
    })
    const book = ['--journal', join(folder(), 'orders.db')]
    const host = ['--acquirer', made.acquirer.url]
    await line('tapdip', ['order', 'new', '1500.00', '--number', '7', ...book])
    const hold = name === 'confirm' ? ['--hold'] : []
    expect(
      await line('tapdip', ['order', 'pay', '7', '--method', 'reader', '--reader', made.uri, ...hold, ...host, ...book]),
    ).toMatchObject({
      code: 0,
    })
    const heard = new Promise<void>(resolve => (told = resolve))
    const changing = start(tapdip, ['order', name, '7', ...host, ...book], '', { open: true })
    await heard
    changing.child.kill(signal)
    const ended = await changing.ended
    expect([11, 12], ended.err).toContain(ended.code)
    const synchronised = await line('tapdip', ['order', 'sync', ...host, '--json', ...book])
    expect(JSON.parse(synchronised.out), synchronised.err).toMatchObject({ waiting: 0 })
  })

  it('info, apdu, update, pay and scan while the other side is silent', { timeout: 90_000 }, async () => {
    const { port, met } = await silent()
    const uri = `tcp://127.0.0.1:${port}?family=`
    const lines: readonly (readonly [string, readonly string[]])[] = [
      [tapdip, ['info', `${uri}qpos`]],
      [tapdip, ['pay', '1.00', ...rubles, '--reader', `${uri}miura`, '--acquirer', 'http://127.0.0.1:1']],
      [tapdip, ['apdu', `${uri}vpcd`, '00A4040000']],
      [tapdip, ['update', `${uri}qpos`, join(root, 'package.json')]],
      [tapdipSim, ['scan', 'x', '--acquirer', `http://127.0.0.1:${port}`]],
    ]
    for (const [index, [program, words]] of lines.entries()) {
      const there = met()
      const running = start(program, words, '', { open: true })
      await there
      const began = Date.now()
      running.child.kill(turn(index))
      const ended = await running.ended
      expect(Date.now() - began).toBeLessThan(SOON)
      expect(ended.code, `${words}: ${ended.err}`).toBe(12)
      expect(ended.err).toMatch(/Cancelled|CANCELLED/)
    }
  })

  it('serve and acquirer end with 0, also with a payment in their hands', { timeout: 60_000 }, async () => {
    const host = start(tapdipSim, ['acquirer', '--port', '0', '--rule', '{"do":"delay","ms":600000}'])
    const reader = start(tapdipSim, ['serve', 'qpos', '--listen', 'tcp:0', '--card', 'dda'])
    const [, url] = await host.says(/acquirer: (\S+)/)
    const [, uri] = await reader.says(/: (tcp:\S+)/)
    const paying = start(tapdip, ['pay', '100.00', ...rubles, '--reader', uri, '--acquirer', url])
    await paying.says(/Asking for authorisation/)
    for (const [index, served] of [host, reader].entries()) {
      const began = Date.now()
      served.child.kill(turn(index))
      expect(await served.ended).toMatchObject({ code: 0 })
      expect(Date.now() - began).toBeLessThan(SOON)
    }
    // The bank is gone with the question, and nobody knows; or before it, and then the card has declined, unless its reader was gone first.
    const { code, err } = await paying.ended
    const words: Readonly<Record<number, RegExp>> = { 10: /DECLINED/, 11: /NOT KNOWN/, 12: /CANCELLED/ }
    expect(err).toMatch(words[code ?? 0] ?? /10, 11 or 12/)
  })
})

describe('an output that nobody reads to its end', () => {
  const book = () => ['--journal', join(folder(), 'orders.db')]
  /** What `… | head -0` does. */
  const unread = (file: string, words: readonly string[]) => {
    const running = start(file, words)
    running.child.stdout!.destroy()
    return running.ended
  }

  it('the commands that answer at once end as they would', { timeout: 60_000 }, async () => {
    for (const [file, words] of [
      [tapdip, ['decode', '9F0206000000002500']],
      [tapdip, ['explain', '--tvr', '0040048000']],
      [tapdip, ['keys', 'check', '--key', 'test']],
      [tapdip, ['order', 'list', ...book()]],
      [tapdip, ['--help']],
      [tapdipSim, ['config']],
      [tapdipSim, ['run', '--explain']],
    ] as const)
      expect(await unread(file, words), words.join(' ')).toMatchObject({ code: 0, err: '' })
  })

  it('a payment is paid all the same', { timeout: 60_000 }, async () => {
    const made = await counter({ card: 'dda' })
    const host = ['--reader', made.uri, '--acquirer', made.acquirer.url]
    expect(await unread(tapdip, ['pay', '100.00', ...rubles, ...host])).toMatchObject({ code: 0, err: expect.stringMatching(/APPROVED/) })
    const [first] = made.acquirer.orders
    expect(first).toMatchObject({ state: 'Approved' })
  })

  it('serve and acquirer end when there is something to say, with 0', { timeout: 60_000 }, async () => {
    const host = start(tapdipSim, ['acquirer', '--port', '0'])
    const [, url] = await host.says(/acquirer: (\S+)/)
    const reader = start(tapdipSim, ['serve', 'qpos', '--listen', 'tcp:0', '--card', 'dda'])
    const [, uri] = await reader.says(/: (tcp:\S+)/)
    host.child.stdout!.destroy()
    expect(await run(['pay', '100.00', ...rubles, '--reader', uri, '--acquirer', url])).toMatchObject({ code: 0 })
    expect(await host.ended).toMatchObject({ code: 0, err: '' })
    reader.child.stdout!.destroy()
    await run(['info', uri])
    await run(['pay', '100.00', ...rubles, '--reader', uri, '--acquirer', url])
    expect(await reader.ended).toMatchObject({ code: 0, err: '' })
  })
})

describe('a server in the background of a shell', () => {
  it('is not stopped for the terminal that it would read its knobs from', async () => {
    const { spawn } = await import('@lydell/node-pty')
    const shell = spawn('bash', ['--norc', '--noprofile', '-i'], { cwd: root, cols: 200, env: { ...process.env, PS1: '' } })
    ends.push(() => shell.kill('SIGKILL'))
    let said = ''
    const looks = new Set<() => void>()
    shell.onData(text => {
      said += text
      for (const look of looks) look()
    })
    const says = (pattern: RegExp) =>
      new Promise<RegExpExecArray>(found => {
        const look = () => {
          const match = pattern.exec(said)
          if (match) looks.delete(look)
          if (match) found(match)
        }
        looks.add(look)
        look()
      })
    shell.write(`${process.execPath} ${tapdipSim} serve qpos --listen tcp:0 --card mir & server=$!\n`)
    const [, uri] = await says(/(tcp:\/\/127\.0\.0\.1:\d+\?family=qpos)/)
    shell.write('sleep 1\n') // nobody reads the terminal but who stands in the background
    await says(/sleep 1/)
    shell.write('echo typed to the shell\n')
    await says(/[\r\n]typed to the shell/)
    const info = await run(['info', uri])
    shell.write('jobs; kill $server; wait $server; echo over\n')
    await says(/[\r\n]over/)
    expect(info.code).toBe(0)
    expect(said).toMatch(/Running +.*serve qpos/)
    expect(said).not.toContain('Stopped')
  })
})
