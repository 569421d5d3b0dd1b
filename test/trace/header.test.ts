/** Whoever opens a trace, or a recording, says in its header of which configuration and of which seed: a number, a digest, or null where there is none, and why. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { Session } from '../../simulator/bench/counter/session.ts'
import { runScenario, virtualConfig, virtualCounter, virtualReader } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { contactlessFor } from '../../src/emv/contactless/profiles.ts'
import { openJournal } from '../../src/payment/journal/open.ts'
import { openTill } from '../../src/payment/till/till.ts'
import { passthrough } from '../../src/reader/passthrough.ts'
import { configurationDigest } from '../../src/trace/digest.ts'
import type { TraceHeader } from '../../src/trace/event.ts'
import { parseTraceLog } from '../../src/trace/read.ts'
import { openTrace, type TraceWriter, traceEvents } from '../../src/trace/writer.ts'
import { line, programs } from '../devices/commands/line.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'

const folder = mkdtempSync(join(tmpdir(), 'tapdip-header-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const root = resolve(import.meta.dirname, '../..')

const digest = expect.stringMatching(/^[0-9A-F]{64}$/)
const seed = expect.any(Number)
const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
/** What a header says of it, or why it says that there is none. */
type Said = { readonly configuration: unknown; readonly seed: unknown; readonly none?: string }
const inEarnest = 'what pays in earnest draws from the system, or its cryptograms could be foretold'

let files = 0
const fresh = () => join(folder, `${++files}.jsonl`)
const headerIn = (file: string): TraceHeader => parseTraceLog(readFileSync(file, 'utf8')).header

/** Runs one line with `--trace` or `--record`, and gives the header of what it wrote. */
const said = async (name: 'tapdip' | 'tapdip-sim', option: string, words: readonly string[]) => {
  const file = fresh()
  const { err } = await line(name, [...words, option, file])
  try {
    return headerIn(file)
  } catch (error) {
    throw new Error(`${words.join(' ')}: ${err}`, { cause: error })
  }
}

/** What serves until it is interrupted. */
const served = async (option: string, words: readonly string[]) => {
  const file = fresh()
  const before = process.listeners('SIGINT')
  const running = line('tapdip-sim', ['serve', ...words, '--listen', 'tcp:0', option, file])
  await expect.poll(() => process.listeners('SIGINT').length, { timeout: 10_000 }).toBeGreaterThan(before.length)
  for (const hear of process.listeners('SIGINT')) if (!before.includes(hear)) (hear as () => void)()
  await running
  return headerIn(file)
}

/** Pays a counter over TCP: its words behind `pay` or `order pay n`. */
const atCounter = async (work: (at: readonly string[]) => Promise<TraceHeader>): Promise<TraceHeader> => {
  await using counter = await virtualCounter({ family: 'miura', card: 'mir', listen: 'tcp:0', resultTime: 0 })
  return await work(['--reader', counter.uri, '--acquirer', counter.acquirer.url])
}
const book = ['--journal', join(folder, 'orders.db'), '--no-sync']
const nobody = ['--acquirer', 'http://127.0.0.1:9']
const entered = async (number: string) => line('tapdip', ['order', 'new', '10.00', '--number', number, ...book.slice(0, 2)])
const changed = (name: string) => async () => {
  await entered(name)
  return said('tapdip', '--trace', ['order', name, name, ...(name === 'increment' ? ['--amount', '1.00'] : []), ...book, ...nobody])
}
const byHand = { configuration: null, seed: null, none: `no terminal takes part; ${inEarnest}` }
const own = { configuration: digest, seed: null, none: inEarnest }

/** Every command that has `--trace` or `--record`. */
const commands: Readonly<Record<string, readonly [Said, () => Promise<TraceHeader>]>> = {
  'tapdip pay --trace': [own, () => atCounter(at => said('tapdip', '--trace', ['pay', '10.00', '--currency', 'RUB', ...at]))],
  'tapdip pay --record': [own, () => atCounter(at => said('tapdip', '--record', ['pay', '10.00', '--currency', 'RUB', ...at]))],
  'tapdip order pay --trace': [
    own,
    () =>
      atCounter(async at => {
        await entered('pay')
        return said('tapdip', '--trace', ['order', 'pay', 'pay', '--method', 'reader', ...at, ...book])
      }),
  ],
  'tapdip order status --trace': [byHand, changed('status')],
  'tapdip order confirm --trace': [byHand, changed('confirm')],
  'tapdip order cancel --trace': [byHand, changed('cancel')],
  'tapdip order increment --trace': [byHand, changed('increment')],
  'tapdip order refund --trace': [
    own,
    () =>
      atCounter(async at => {
        await entered('back')
        return said('tapdip', '--trace', ['order', 'refund', 'back', '--card', ...at, ...book])
      }),
  ],
  'tapdip order sync --trace': [byHand, () => said('tapdip', '--trace', ['order', 'sync', ...book, ...nobody])],
  'tapdip refund --trace': [
    own,
    () =>
      atCounter(async at => {
        process.env.TAPDIP_REFUND_LIMIT = '100.00'
        try {
          return await said('tapdip', '--trace', ['refund', '10.00', ...at, ...book])
        } finally {
          delete process.env.TAPDIP_REFUND_LIMIT
        }
      }),
  ],
  'tapdip-sim run --trace': [{ configuration: digest, seed }, () => said('tapdip-sim', '--trace', ['run', '--card', 'mir'])],
  'tapdip-sim serve --trace': [{ configuration: digest, seed: 7 }, () => served('--trace', ['qpos', '--seed', '7'])],
  'tapdip-sim serve --explain': [{ configuration: digest, seed: 7 }, () => served('--explain', ['qpos', '--seed', '7'])],
}

const withOption = (name: string, command: Command, path: readonly string[] = []): string[] => [
  ...command.options.flatMap(({ long }) =>
    ['--trace', '--record', '--explain'].includes(long!) && command.options.some(one => one.long === long && one.required)
      ? [`${name} ${path.join(' ')} ${long}`]
      : [],
  ),
  ...command.commands.flatMap(one => withOption(name, one, [...path, one.name()])),
]

describe('commands', () => {
  it('each that writes a trace or a recording is in the table', async () => {
    const names = ['tapdip', 'tapdip-sim'] as const
    const there = (await Promise.all(names.map(async name => withOption(name, await programs[name]())))).flat()
    expect(there.sort()).toEqual([...Object.keys(commands), 'tapdip-sim serve --record'].sort())
  })

  it.each(Object.entries(commands))('%s', async (_, [{ configuration, seed, none }, run]) => {
    const header = await run()
    expect({ configuration: header.configuration, seed: header.seed }).toEqual({ configuration, seed })
    if (configuration === null || seed === null) expect(none).toBeDefined()
  })

  it('tapdip-sim serve --record', async () => {
    const file = fresh()
    const before = process.listeners('SIGINT')
    const port = 20_000 + (process.pid % 20_000)
    const running = line('tapdip-sim', ['serve', 'qpos', '--seed', '9', '--listen', `tcp:${port}`, '--record', file])
    await expect.poll(() => process.listeners('SIGINT').length, { timeout: 10_000 }).toBeGreaterThan(before.length)
    await (await open(`tcp://127.0.0.1:${port}?family=qpos`)).close()
    for (const hear of process.listeners('SIGINT')) if (!before.includes(hear)) (hear as () => void)()
    await running
    expect(headerIn(file)).toMatchObject({ reader: { family: 'qpos' }, configuration: digest, seed: 9 })
  })

  it('the same seed is the same chance: two cards of `run` answer alike, a third one not', async () => {
    const run = async (own: string) => {
      const file = fresh()
      await line('tapdip-sim', ['run', '--card', 'mir', '--seed', own, '--trace', file])
      return parseTraceLog(readFileSync(file, 'utf8')).events.flatMap(one => (one.kind === 'apdu' ? [one.command, one.answer] : []))
    }
    const numbers = (apdus: readonly (string | undefined)[]) => apdus.filter(one => one?.startsWith('80AE'))
    expect(numbers(await run('7'))).toEqual(numbers(await run('7')))
    expect(numbers(await run('8'))).not.toEqual(numbers(await run('7')))
  })
})

const written = (): { tracer: TraceWriter; header: () => TraceHeader } => {
  const lines: string[] = []
  const tracer = openTrace({ write: one => lines.push(one) })
  return {
    tracer,
    header() {
      tracer.close()
      return parseTraceLog(lines.join('\n')).header
    },
  }
}

/** Every entry of the library that is given a tracer. */
const entries: Readonly<Record<string, readonly [Said, () => Promise<TraceHeader>]>> = {
  virtualReader: [
    { configuration: digest, seed },
    async () => {
      const { tracer, header } = written()
      await virtualReader({ family: 'miura', tracer }).close()
      return header()
    },
  ],
  virtualCounter: [
    { configuration: digest, seed: 5 },
    async () => {
      const { tracer, header } = written()
      await (await virtualCounter({ family: 'miura', card: 'mir', tracer, seed: 5 })).close()
      const { card, reader } = header()
      expect({ card, reader }).toEqual({ card: 'mir', reader: { family: 'miura', serial: expect.any(String) } })
      return header()
    },
  ],
  'open, a reader with a kernel': [
    { configuration: null, seed: null, none: 'a real reader keeps its configuration, and its chance' },
    async () => {
      const { tracer, header } = written()
      await using counter = await virtualCounter({ family: 'qpos' })
      await (await open(counter.link(), { family: 'qpos', tracer })).close()
      return header()
    },
  ],
  'passthrough, hostKernel, open of a raw slot': [
    own,
    async () => {
      const { tracer, header } = written()
      const config = virtualConfig()
      const contactless = contactlessFor('RUB')
      let shut = () => {}
      const closed = new Promise<void>(resolve => (shut = resolve))
      const slots = { info: { capabilities: [] }, openCard: () => closed, close: async () => shut(), closed }
      await passthrough(slots as never, { config, contactless, tracer }).close()
      expect(header().configuration).toBe(configurationDigest(config, contactless))
      return header()
    },
  ],
  openTill: [
    byHand,
    async () => {
      const { tracer, header } = written()
      await using counter = await virtualCounter()
      const journal = await openJournal(join(folder, 'till.db'))
      const acquirer = deskAcquirer(counter.acquirer.desk) as never
      const till = openTill({ journal, merchant, acquirer, background: false, tracer })
      await till.close()
      await journal.close()
      return header()
    },
  ],
  runScenario: [{ configuration: digest, seed }, async () => (await runScenario({ name: 'plain', card: 'mir' })).trace!.header],
  'a session of the bench': [
    { configuration: digest, seed },
    async () => {
      const session = new Session('s1', {})
      await session.furnish({ readers: [{ family: 'miura', listen: 'none' }], cards: [], apps: [] } as never)
      const { header } = parseTraceLog(session.trace())
      await session.close()
      return header
    },
  ],
}

describe('the library', () => {
  it.each(Object.entries(entries))('%s', async (_, [{ configuration, seed, none }, run]) => {
    const header = await run()
    expect({ configuration: header.configuration, seed: header.seed }).toEqual({ configuration, seed })
    if (configuration === null || seed === null) expect(none).toBeDefined()
  })

  it('nothing else opens one', () => {
    const openers = ['src', 'devices', 'simulator'].flatMap(room =>
      readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
        .map(name => `${room}/${name}`)
        .filter(name => /\.tsx?$/.test(name) && !/^src\/(trace|transport)\//.test(name))
        .filter(name => /\b(openTrace|traceEvents|headerOf|traced)\(/.test(readFileSync(join(root, name), 'utf8'))),
    )
    expect(openers.sort()).toEqual([
      'devices/commands/record.ts', // `--trace`, `--record` of tapdip
      'simulator/bench/counter/session.ts',
      'simulator/commands/trace-file.ts', // `serve`, `run`
      'simulator/device-line.ts', // `serve --record`
      'simulator/scenario/run.ts', // cases: `test`, `provoke`, `runScenario`
    ])
  })

  it('what is told of a counter after the first event is an event, and in the header of who reads it; what was known stays', () => {
    const trace = traceEvents({ clock: new VirtualClock(), header: { card: 'mir' } })
    trace.about!({ seed: 3, card: 'sda' })
    trace.tell('person', { kind: 'card', event: 'inserted' })
    trace.about!({ seed: 4, configuration: 'AB' })
    expect(trace.header).toMatchObject({ card: 'mir', seed: 3, configuration: 'AB' })
    expect(trace.events.at(-1)).toMatchObject({ from: 'driver', kind: 'reader', event: 'about', content: { configuration: 'AB' } })
    const lines: string[] = []
    const file = openTrace({ write: one => lines.push(one) })
    file.tell('person', { kind: 'card', event: 'inserted' })
    file.flush()
    file.about!({ seed: 4 })
    file.close()
    expect(JSON.parse(lines[0])).toMatchObject({ seed: null, configuration: null })
    expect(parseTraceLog(lines.join('\n')).header).toMatchObject({ seed: 4, configuration: null })
  })

  it('a trace of before, without either, is still read', () => {
    const head = { tapdip: 'trace', version: 2, package: '0.1.0', start: '2026-03-26T10:52:00.000Z', clock: 'system', masked: [] }
    const { header } = parseTraceLog(JSON.stringify(head))
    expect([header.seed, header.configuration]).toEqual([undefined, undefined])
    expect(() => parseTraceLog(JSON.stringify({ ...head, seed: 'x' }))).toThrow(/seed is/)
  })
})
