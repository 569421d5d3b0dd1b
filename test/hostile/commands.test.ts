/** Somebody reads both streams and every file of every command of `tapdip` and `tapdip-sim`: no card, track, PIN or key is in them, beyond first six and last four. */

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { tapdipProgram } from '../../devices/program.ts'
import { benchClient } from '../../simulator/bench/client.ts'
import { issuerView } from '../../simulator/cards/issuer-view.ts'
import { simulatorProgram } from '../../simulator/program.ts'
import { type Counter, profiles, testPinAesDukpt, testPinDukpt, virtualCounter } from '../../simulator/world.ts'
import { hex } from '../../src/bytes.ts'
import { run } from '../../src/command/line.ts'
import { initialKey } from '../../src/crypto/dukpt.ts'
import { aesInitialKey } from '../../src/crypto/dukpt-aes.ts'
import { type Canary, found, secretBytes, secretNumber } from '../canaries.ts'
import { everyFamily } from '../devices/families.ts'

const programs = { tapdip: tapdipProgram, 'tapdip-sim': simulatorProgram } as const
type Program = keyof typeof programs

/** With digits that stand nowhere else; nine of them are to be hidden. */
const pan = '2200707364918254012'
const pin = '730916482755'
const track1 = `B${pan}^LEAKY/MARGARET^30122011758431962`
const track2 = `${pan}=30122011758431962`
const ownKey = '8C1F5D02E97A4B36D85E10C3F7249AB6'
const journalKey = '5A0E93C1D7462BF81E6D0B94A7C35F28C4719E0D36FB852A6190D3E74C8BF215'
const test16 = Buffer.from(ownKey, 'hex')
const base = profiles['mir-maestro']
const card = { ...base, pan, pin: { ...base.pin!, digits: pin } }

const canaries: readonly Canary[] = [
  secretNumber('a card number', pan),
  secretNumber('more than six of it', pan.slice(0, 8)),
  secretNumber('the middle of a card number', pan.slice(6, -4)),
  ...(['mir-maestro', 'visa-signature'] as const).map(name => secretNumber('the number of a ready card', profiles[name].pan)),
  secretNumber('discretionary data', '1758431962'),
  secretNumber('PIN', pin),
  secretBytes('the PIN key', testPinDukpt.bdk),
  secretBytes('its initial key', initialKey(testPinDukpt.bdk, testPinDukpt.ksn)),
  secretBytes('the PIN key of AES', testPinAesDukpt.bdk),
  secretBytes('its initial key', aesInitialKey(testPinAesDukpt.bdk, testPinAesDukpt.ksn.subarray(0, 8))),
  secretBytes('a key of a command line', test16),
  secretBytes('the key of the journal', Buffer.from(journalKey, 'hex')),
]

interface Line {
  readonly words: readonly string[]
  /** Its exit code; 0 when left out. */
  readonly code?: number
  /** It is a raw tool, which shows what it was asked for: why. */
  readonly raw?: string
  /** Ends what runs until Ctrl-C, once this was said. */
  readonly until?: RegExp
  /** Beside it, once `until` was said. */
  readonly meanwhile?: (said: RegExpMatchArray) => Promise<unknown>
}

const folder = mkdtempSync(join(tmpdir(), 'tapdip-commands-'))
const at = (name: string) => join(folder, name)
/** What somebody has written, secrets and all: not what commands leave behind. */
const given = mkdtempSync(join(tmpdir(), 'tapdip-given-'))
const counters = new Map<string, Counter>()
/** All that was said by a line that is no raw tool. */
const said: string[] = []
const ran = new Set<string>()

beforeAll(() => {
  vi.stubEnv('TAPDIP_STATE', at('state'))
  vi.stubEnv('TAPDIP_JOURNAL_KEY', journalKey)
  vi.stubEnv('TAPDIP_REFUND_LIMIT', '10000')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  for (const counter of counters.values()) await counter.close()
  rmSync(folder, { recursive: true, force: true })
  rmSync(given, { recursive: true, force: true })
})

/** A counter of this family, with the card in somebody's hand and its bank behind it. */
async function counterOf({ family, dialect }: { readonly family: string; readonly dialect?: string }): Promise<Counter> {
  const name = `${family} ${dialect ?? ''}`
  const made =
    counters.get(name) ??
    (await virtualCounter({
      ...{ family, ...(dialect && { dialect }), card, pins: [pin], resultTime: 0, listen: 'tcp:0', battery: { charging: true } },
      host: { accounts: [...issuerView(card), ...issuerView(profiles['visa-signature'])], state: at(`${family}${dialect ?? ''}.acquirer`) },
    }))
  counters.set(name, made)
  return made
}

/** Both streams of a line, and its exit code. */
async function line(program: Program, { words, until, meanwhile }: Line): Promise<{ text: string; code: number }> {
  let text = ''
  let wake = () => {}
  const streams = [process.stdout, process.stderr]
  const writes = streams.map(stream => stream.write)
  for (const stream of streams)
    stream.write = chunk => {
      text += Buffer.from(chunk).toString('latin1')
      wake()
      return true
    }
  const signals = ['SIGINT', 'SIGTERM'] as const
  const before = signals.map(signal => process.listeners(signal))
  const added = () => signals.flatMap((signal, at) => process.listeners(signal).filter(one => !before[at].includes(one)).map(one => [signal, one] as const)) // biome-ignore format: a list
  const code = process.exitCode
  process.exitCode = 0
  try {
    const running = programs[program](words).then(made => run(made, ['node', program, ...words]))
    if (until) {
      const match = await Promise.race([
        running.then(() => Promise.reject(new Error(`ended before it said ${until}: ${text}`))),
        new Promise<RegExpMatchArray>(resolve => {
          wake = () => {
            const match = until.exec(text)
            if (match) resolve(match)
          }
        }),
      ])
      await meanwhile?.(match)
      // Ctrl-C, for this line alone.
      const [[, stop]] = added()
      ;(stop as () => void)()
    }
    await running
    return { text, code: Number(process.exitCode) }
  } finally {
    process.exitCode = code
    for (const [signal, one] of added()) process.off(signal, one)
    for (const [index, stream] of streams.entries()) {
      stream.write = writes[index]
      stream.removeAllListeners('error')
    }
  }
}

const leaves = (command: Command, path: readonly string[] = []): string[] =>
  command.commands.length === 0 ? [path.join(' ')] : command.commands.flatMap(one => leaves(one, [...path, one.name()]))

const tlv = (tag: string, value: string) => `${tag}${(value.length / 2).toString(16).padStart(2, '0')}${value}`
const padded = (digits: string) => (digits.length % 2 === 0 ? digits : `${digits}F`)
const card57 = tlv('57', padded(track2.replace('=', 'D')))
const card5a = tlv('5A', padded(pan))
const ascii = (text: string) => hex(Buffer.from(text))
const record1 = tlv('70', `${card5a}${card57}${tlv('5F20', ascii('LEAKY/MARGARET'))}${tlv('56', ascii(track1))}`)
const shown = 'it opens what it is given, on the console of who has the key (docs: `keys`)'

/** A counter that stands for the whole table but for the rows of `pay`. */
const miura = { family: 'miura' }
const purchase = async (row: { readonly family: string; readonly dialect?: string } = miura) => {
  const counter = await counterOf(row)
  counter.next({ card, pins: [pin] })
  return ['--reader', counter.uri, '--acquirer', counter.acquirer.url, '--sign', 'M', '--app', 'Mir', '--status-time', '1']
}
const book = ['--journal', at('orders.db')]
let counted = 0
/** An order that a card has paid. */
async function paidOrder(...more: string[]): Promise<string> {
  const number = `order_${++counted}`
  const host = await purchase()
  await say('tapdip', { words: ['order', 'new', '100.00', '--number', number, ...book] })
  await say('tapdip', { words: ['order', 'pay', number, '--method', 'reader', ...host, ...more, ...book] })
  return number
}
const hostOf = async () => ['--acquirer', (await counterOf(miura)).acquirer.url]

/** Runs it, and keeps what it says with what was said before. */
async function say(program: Program, one: Line): Promise<string> {
  const { text, code } = await line(program, one)
  expect(code, `${one.words.join(' ')}: ${text}`).toBe(one.code ?? 0)
  const hits = found(canaries, text)
  if (one.raw === undefined) {
    said.push(text)
    expect(hits, `${program} ${one.words.join(' ')}`).toEqual([])
  }
  return text
}

const changing =
  (name: string, ...flags: string[]) =>
  async () => {
    const number = await paidOrder(...(name === 'confirm' || name === 'increment' ? ['--hold'] : []))
    const host = await hostOf()
    await say('tapdip', { words: ['order', name, number, '--amount', '40.00', ...flags, ...host, ...book] })
    await say('tapdip', { words: ['order', name, number, '--amount', pan, '--json', ...host, ...book], code: 2 })
  }

/** A payment at a reader of this family that was recorded. */
async function recorded(name: string): Promise<string> {
  const file = at(`${name}.recording`)
  await say('tapdip', { words: ['pay', '100.00', '--currency', 'RUB', ...(await purchase()), '--record', file] })
  return file
}

/** A scenario with the secret card: as JSON of its run. */
async function ranScenario(...more: string[]): Promise<string> {
  const file = join(given, 'secret.json')
  const secret = { profile: 'mir-maestro', with: { pan, pin: { ...base.pin!, digits: pin } } }
  writeFileSync(file, JSON.stringify({ name: 'A secret card pays', card: secret, person: { pins: [pin] }, expect: { cvm: 'signature' } }))
  const json = at('run.json')
  await say('tapdip-sim', { words: ['test', file, '--workers', '1', '--reporter', `json=${json}`, ...more], code: 1 })
  return json
}

/** What is done with each command. A command that is not here fails the test. */
const scenarios: Readonly<Record<Program, Readonly<Record<string, () => Promise<unknown>>>>> = {
  tapdip: {
    list: () => say('tapdip', { words: ['list', '--over', 'serial', '--json'] }),
    info: async () => {
      for (const json of [[], ['--json']]) await say('tapdip', { words: ['info', (await counterOf(miura)).uri, ...json] })
      await say('tapdip', { words: ['info', pan, '--json'], code: 2 })
    },
    async pay() {
      for (const row of everyFamily.filter(({ dialect }) => dialect !== 'emv2')) {
        const counter = await counterOf(row)
        const host = await purchase(row)
        for (const [present, how] of [
          ['dip', []],
          ['tap', ['--json']],
          ['swipe', ['--lang', 'ru']],
        ] as const) {
          counter.next({ card, present, pins: ['111111', pin] })
          const trace = ['--trace', at(`${row.name} ${present}.jsonl`)]
          const { text } = await line('tapdip', { words: ['pay', '3000.00', '--currency', 'RUB', ...host, ...how, ...trace] })
          said.push(text)
          expect(found(canaries, text), `${row.name} ${present}`).toEqual([])
        }
      }
      const host = await purchase()
      await say('tapdip', { words: ['pay', pan, '--currency', 'RUB', '--json', ...host], code: 2 })
      await say('tapdip', { words: ['pay', '1.00', '--currency', 'RUB', ...host, '--merchant-id', track2], code: 2 })
    },
    refund: async () => {
      await say('tapdip', { words: ['refund', '10.00', ...(await purchase()), ...book] })
      await say('tapdip', { words: ['refund', pan, '--json', ...(await purchase()), ...book], code: 2 })
    },
    update: async () => {
      const counter = await counterOf({ family: 'qpos' })
      await say('tapdip-sim', { words: ['image', 'qpos', '2.0.0', at('image')] })
      await say('tapdip', { words: ['update', counter.uri, at('image')] })
      await say('tapdip', { words: ['update', counter.uri, at('none')], code: 2 })
    },
    'order new': () => say('tapdip', { words: ['order', 'new', '10.00', '--number', 'n', '--json', ...book] }),
    'order pay': async () => {
      await paidOrder()
      await paidOrder('--json')
    },
    'order status': async () => {
      const number = await paidOrder()
      for (const json of [[], ['--json']])
        await say('tapdip', { words: ['order', 'status', number, ...json, ...(await hostOf()), ...book] })
    },
    'order confirm': changing('confirm'),
    'order increment': async () => {
      const number = await paidOrder('--hold')
      await line('tapdip', { words: ['order', 'increment', number, '--amount', '10.00', '--json', ...(await hostOf()), ...book] }).then(
        ({ text }) => {
          said.push(text)
          expect(found(canaries, text)).toEqual([])
        },
      )
    },
    'order cancel': changing('cancel'),
    'order refund': async () => {
      await changing('refund')()
      const number = await paidOrder()
      await say('tapdip', { words: ['order', 'refund', number, '--card', '--json', ...(await purchase()), ...book] })
    },
    'order receipt': async () => {
      const number = await paidOrder()
      await say('tapdip', { words: ['order', 'receipt', number, '--copy', 'merchant', '--png', at('slip.png'), ...book] })
      await say('tapdip', { words: ['order', 'receipt', number, '--fiscal', '--json', ...(await hostOf()), ...book] })
    },
    'order sync': async () => say('tapdip', { words: ['order', 'sync', '--json', ...(await hostOf()), ...book] }),
    'order repair': () => say('tapdip', { words: ['order', 'repair', '--json', ...book] }),
    'order list': async () => {
      for (const json of [[], ['--json']]) await say('tapdip', { words: ['order', 'list', ...json, ...book] })
    },
    decode: async () => {
      for (const json of [[], ['--json']]) {
        await say('tapdip', { words: ['decode', record1, ...json] })
        await say('tapdip', { words: ['decode', '--apdu', `${record1}9000`, ...json] })
        // Broken off in the middle of the track; no hexadecimal.
        await say('tapdip', { words: ['decode', card57.slice(0, -4), ...json], code: 1 })
        await say('tapdip', { words: ['decode', `${card5a}xy`, ...json], code: 2 })
      }
    },
    explain: async () => {
      await serve(['--explain', at('rules.jsonl'), '--overwrite'])
      for (const json of [[], ['--json']]) await say('tapdip', { words: ['explain', at('rules.jsonl'), ...json] })
      await say('tapdip', { words: ['explain', '--cvm', track2], code: 2 })
    },
    apdu: () =>
      say('tapdip-sim', {
        words: ['serve', 'vpcd', '--card', 'visa-signature', '--listen', 'tcp:0'],
        until: /(tcp:\S+)/,
        async meanwhile([, uri]) {
          const commands = ['00A4040007A0000000031010', '00B2010C00', '00B2011400']
          const raw = 'bytes of the card are what it is for; `--decode` masks them'
          await apart('tapdip', { words: ['apdu', uri, ...commands], raw })
          await apart('tapdip', { words: ['apdu', uri, ...commands, '--decode'] })
          await apart('tapdip', { words: ['apdu', uri, ...commands, '--decode', '--json'] })
        },
      }),
    replay: async () => {
      const file = await recorded('replay')
      const counter = await counterOf(miura)
      counter.next({ card, pins: [pin] })
      await apart('tapdip', { words: ['replay', file, '--reader', counter.uri, '--patience', '1'] })
      await say('tapdip', { words: ['replay', pan], code: 2 })
    },
    'keys initial': async () => {
      const words = ['keys', 'initial', '--bdk', 'test', '--ksn', hex(testPinDukpt.ksn)]
      expect(found(canaries, await say('tapdip', { words, raw: shown }))).not.toEqual([])
      for (const json of [[], ['--json']]) await say('tapdip', { words: [...words, '--under', ownKey, ...json] })
      await say('tapdip', { words: [...words, '--under', `${ownKey}zz`, '--json'], code: 2 })
      await say('tapdip', { words: [...words, '--under', ownKey.slice(2)], code: 2 })
    },
    'keys wrap': async () => {
      await say('tapdip', { words: ['keys', 'wrap', '--under', 'test', '--key', ownKey, '--json'] })
      await say('tapdip', { words: ['keys', 'wrap', '--under', ownKey.slice(2), '--key', ownKey, '--json'], code: 2 })
    },
    'keys check': async () => {
      await say('tapdip', { words: ['keys', 'check', '--key', ownKey, '--aes', '--json'] })
      await say('tapdip', { words: ['keys', 'check', '--key', ownKey.slice(2), '--json'], code: 2 })
    },
    'keys pin': async () => {
      const words = [
        'keys',
        'pin',
        '--bdk',
        'test',
        '--ksn',
        'FFFF9876543210E00001',
        '--block',
        '1B9C1845EB993A7A',
        '--pan',
        '4012345678909',
      ]
      expect(await say('tapdip', { words, raw: shown })).toContain('1234')
      await say('tapdip', { words: [...words.slice(0, -1), `${pan}77`, '--json'], code: 2 })
      await say('tapdip', { words: [...words.slice(0, -1), pan, '--json'], code: 2 })
    },
    'keys track': async () => {
      const words = ['keys', 'track', '--bdk', 'test', '--ksn', 'FFFF9876543210E00001', '--data']
      await say('tapdip', { words: [...words, '0000000000000000'], raw: shown })
      await say('tapdip', { words: [...words, padded(pan)], code: 2 })
    },
  },
  'tapdip-sim': {
    serve: () => serve([]),
    acquirer: () =>
      say('tapdip-sim', {
        words: ['acquirer', '--port', '0', '--iso8583', '0', '--state', at('acquirer.db')],
        until: /(http:\S+)[\s\S]*iso8583/,
        async meanwhile([, url]) {
          const counter = await counterOf(miura)
          for (const present of ['dip', 'tap', 'swipe'] as const) {
            counter.next({ card: 'visa-signature', present })
            await apart('tapdip', {
              words: ['pay', '100.00', '--currency', 'RUB', '--reader', counter.uri, '--acquirer', url, '--sign', 'V'],
            })
          }
        },
      }),
    scan: async () => {
      await say('tapdip', { words: ['order', 'new', '10.00', '--number', 'qr', ...book] })
      const text = await say('tapdip', {
        words: ['order', 'pay', 'qr', '--method', 'sbp', '--wait', '0', ...(await hostOf()), ...book],
        code: 11,
      })
      const payload = /^000201\S+$/m.exec(text)?.[0]
      await say('tapdip-sim', { words: ['scan', payload!, ...(await hostOf())] })
      await say('tapdip-sim', { words: ['scan', pan, ...(await hostOf())], code: 10 })
    },
    config: async () => {
      for (const taps of [[], ['--taps']]) await say('tapdip-sim', { words: ['config', ...taps] })
    },
    image: () => say('tapdip-sim', { words: ['image', 'miura', '2.0.0', at('miura.image')] }),
    run: async () => {
      for (const how of [[], ['--json', '--explain'], ['--explain']])
        await say('tapdip-sim', { words: ['run', '--card', 'mir-maestro', '--pin', pin, ...how], code: 10 })
      await say('tapdip-sim', { words: ['run', '--card', 'mir-maestro', '--json', '--explain'] })
    },
    cards: async () => {
      for (const json of [[], ['--json']]) await say('tapdip-sim', { words: ['cards', ...json] })
    },
    test: async () => {
      await ranScenario(
        '--reporter',
        `junit=${at('junit.xml')}`,
        '--reporter',
        `ctrf=${at('ctrf.json')}`,
        '--reporter',
        `tap=${at('run.tap')}`,
      )
      await ranScenario('--reporter', 'github', '--reporter', `html=${at('run.html')}`)
    },
    report: async () => {
      await say('tapdip-sim', { words: ['report', await ranScenario(), '--out', at('report.html')] })
      await say('tapdip-sim', { words: ['report', pan, '--out', at('none.html')], code: 2 })
    },
    provoke: async () => {
      for (const how of [[], ['--json', '--explain'], ['--explain', '--lang', 'ru']])
        await say('tapdip-sim', { words: ['provoke', 'cardRemoved', '--family', 'qpos', ...how] })
      await say('tapdip-sim', { words: ['provoke', '--list', '--json'] })
    },
    bench: () =>
      say('tapdip-sim', {
        words: ['bench', '--headless'],
        until: /"origin":"([^"]+)","token":"([^"]+)","session":"([^"]+)"/,
        async meanwhile([, origin, token, session]) {
          const bench = benchClient(`${origin}/#token=${token}`)
          const [reader] = await bench.session(session).readers()
          const { url } = await bench.session(session).bank()
          const own = { profile: 'mir-maestro', with: { pan, pin: { digits: pin } } }
          const { id } = await bench.call<{ id: string }>('POST', `/api/sessions/${session}/cards`, own)
          const person = { card: id, present: 'dip', pins: ['1234', pin] }
          await bench.call('PUT', `/api/sessions/${session}/readers/${reader.id}/person`, person)
          const words = ['pay', '100.00', '--currency', 'RUB', '--reader', reader.uri!, '--acquirer', url, '--app', 'Mir', '--json']
          await apart('tapdip', { words })
          const told = JSON.stringify([
            await bench.session(session).trace(),
            await bench.session(session).cards(),
            await bench.session(session).bank(),
          ])
          expect(told).toContain(pan.slice(-4))
          expect(found(canaries, told)).toEqual([])
        },
      }),
    play: async () => {
      const file = await recorded('play')
      const { acquirer } = await counterOf(miura)
      await say('tapdip-sim', {
        words: ['play', file, '--listen', 'tcp:0'],
        until: /(tcp:\S+)/,
        meanwhile: ([, uri]) =>
          apart('tapdip', { words: ['pay', '100.00', '--currency', 'RUB', '--reader', uri, '--acquirer', acquirer.url, '--sign', 'M'] }),
      })
    },
    demo: async () => {
      // It starts `tapdip` beside itself, out of what was built.
      const text = await new Promise<string>(done => {
        const child = spawn(process.execPath, [resolve(import.meta.dirname, '../../dist/simulator/cli.js'), 'demo', '--scene', '1'])
        const parts: Buffer[] = []
        for (const stream of [child.stdout, child.stderr]) stream.on('data', part => parts.push(part))
        child.once('close', () => done(Buffer.concat(parts).toString('latin1')))
      })
      expect(text).toContain('******')
      expect(found(canaries, text)).toEqual([])
    },
  },
}

/** A reader of its own process’s kind, with payments at it. */
async function serve(more: readonly string[]): Promise<void> {
  await say('tapdip-sim', {
    words: ['serve', 'miura', '--listen', 'tcp:0', '--present', 'dip', '--pin', pin, '--pin', '1234', ...more],
    until: /(tcp:\S+)/,
    async meanwhile([, uri]) {
      const { acquirer } = await counterOf(miura)
      const words = ['pay', '100.00', '--currency', 'RUB', '--reader', uri, '--acquirer', acquirer.url, '--app', 'Mir', '--json']
      await apart('tapdip', { words })
    },
  })
}

/** A line beside one that runs: what it says is heard by that one's ears. */
async function apart(program: Program, { words, raw }: Line): Promise<void> {
  const { text } = await line(program, { words })
  if (raw !== undefined) return
  said.push(text)
  expect(found(canaries, text), words.join(' ')).toEqual([])
}

for (const program of ['tapdip', 'tapdip-sim'] as const)
  it.each(leaves(await programs[program]()))(`${program} %s`, { timeout: 60_000 }, async name => {
    const scenario = scenarios[program][name]
    expect(scenario, `no scenario for ${program} ${name}`).toBeDefined()
    await scenario()
    ran.add(`${program} ${name}`)
  })

it('every file that they left behind', () => {
  const files = (path: string): string[] =>
    readdirSync(path).flatMap(name => (statSync(join(path, name)).isDirectory() ? files(join(path, name)) : [join(path, name)]))
  const all = files(folder)
  expect(all.length).toBeGreaterThan(10)
  for (const file of all) expect(found(canaries, readFileSync(file, 'latin1')), file).toEqual([])
  // It was looked at: what may be shown is there.
  expect(said.join('')).toContain(pan.slice(-4))
})

it('the scenarios are those of the commands, no more', async () => {
  for (const program of ['tapdip', 'tapdip-sim'] as const)
    expect(Object.keys(scenarios[program]).toSorted()).toEqual(leaves(await programs[program]()).toSorted())
})
