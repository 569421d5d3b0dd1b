/** `tapdip-sim demo`: payments through the real `tapdip pay`, a real serial port library and a virtual QPOS on a pseudo-terminal. */

import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { type Command, Option } from 'commander'
import { within } from '../../src/clock.ts'
import { wholeNumber } from '../../src/command/flags.ts'
import { interruption } from '../../src/command/interruption.ts'
import { EXIT, language } from '../../src/command/line.ts'
import { currency, formatAmount } from '../../src/currency.ts'
import { type Language, type MessageId, message } from '../../src/messages/messages.ts'
import { packageFile } from '../../src/package-file.ts'
import { hostEventLine } from '../acquirer/host.ts'
import type { ProfileName } from '../cards/profiles/index.ts'
import type { Pace } from '../readers/body/cardholder.ts'
import { type Counter, type HostEvent, loadCard, type PersonOptions, type VirtualCard, virtualCounter } from '../world.ts'
import { displayLine } from './serve.ts'

interface Scene {
  readonly title: MessageId
  readonly amount: bigint
  readonly person: Omit<PersonOptions, 'card'>
  /** A profile; `mir-maestro` when left out. Each card keeps its counters from scene to scene. */
  readonly card?: ProfileName
  readonly flags?: readonly string[]
  readonly exit: number
}

const rub = currency('RUB')
/** A customer in a hurry: nobody waits long for a demonstration. */
const brisk: Pace = { present: 250, think: 200, key: 60, remove: 250, hold: 1500 }
/** GENERATE AC of the Mastercard: PPSE, SELECT, GET PROCESSING OPTIONS and eight records come before it. */
const TORN_AT = 12

const scenes: readonly Scene[] = [
  { title: 'demo.chip', amount: 250_000n, person: { pins: ['1234'] }, flags: ['--app', 'MIR'], exit: EXIT.approved },
  {
    title: 'demo.wrongPin',
    amount: 250_000n,
    person: { pins: ['4321', '1234'] },
    flags: ['--app', 'MIR'],
    exit: EXIT.approved,
  },
  {
    title: 'demo.declined',
    amount: 777_700n,
    person: { pins: ['1234'] },
    flags: ['--app', 'Maestro'],
    exit: EXIT.declined,
  },
  { title: 'demo.tap', amount: 299_999n, person: { present: 'tap' }, exit: EXIT.approved },
  { title: 'demo.tapVerified', amount: 300_000n, person: { present: 'tap', pins: ['1234'] }, exit: EXIT.approved },
  { title: 'demo.phone', amount: 300_000n, card: 'dda', person: { phone: 'locked' }, exit: EXIT.approved },
  {
    title: 'demo.swipe',
    amount: 100_000n,
    person: { present: 'swipe', pins: ['1234'] },
    flags: ['--app', 'MIR'],
    exit: EXIT.approved,
  },
  { title: 'demo.torn', amount: 100_000n, card: 'mastercard', person: { present: 'tap', pullAt: TORN_AT }, exit: EXIT.approved },
]

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a virtual QPOS on a pseudo-terminal, an acquirer, and payments by chip, tap, phone and stripe')
    .addOption(
      new Option('--scene <number>', 'one of them; the first when left out')
        .argParser(wholeNumber('--scene', 1, scenes.length))
        .conflicts('all'),
    )
    .option('--all', 'all of them')
    .action(async (flags: { scene?: number; all?: boolean; lang?: string }) => {
      const { scene = 1 } = flags
      const chosen = flags.all ? scenes : scenes.slice(scene - 1, scene)
      process.exitCode = await demo(chosen, language(flags.lang))
    })
}

/** In colour on a terminal, unless its user wants none (no-color.org). */
function told(style: Parameters<typeof styleText>[0], text: string): string {
  const { NO_COLOR, TERM } = process.env
  return process.stdout.isTTY && !NO_COLOR && TERM !== 'dumb' ? styleText(style, text) : text
}

function titleOf({ title, amount }: Scene, lang: Language): string {
  return message(title, lang, { amount: `${formatAmount(amount, rub)} ${rub.alpha}` })
}

async function demo(chosen: readonly Scene[], lang: Language): Promise<number> {
  const cards = new Map<ProfileName, VirtualCard>()
  const cardOf = (name: ProfileName) => {
    const card = cards.get(name) ?? loadCard(name)
    cards.set(name, card)
    return card
  }
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  const signal = interruption()
  const counter = await virtualCounter({
    listen: 'pty',
    language: lang,
    resultTime: 600,
    rules: [{ when: { amount: { is: 777_700 } }, do: 'decline', code: '51', reason: message('demo.noMoney', lang) }],
    onHost: (event: HostEvent) => say(told('magenta', `  host   ${hostEventLine(event)}`)),
  })
  try {
    say(message('demo.begin', lang, { serial: counter.reader.serial, uri: counter.uri, acquirer: counter.acquirer.url }))
    counter.reader.body.on(event => event.type === 'display' && say(told('cyan', `  reader ${displayLine(event.screen)}`)))
    const summary: string[] = []
    for (const scene of chosen) {
      say(told('bold', `\n=== ${titleOf(scene, lang)}\n`))
      const began = performance.now()
      counter.next({ ...scene.person, card: cardOf(scene.card ?? 'mir-maestro'), pace: brisk })
      const code = await pay(counter, scene, lang, say, signal)
      if (signal.aborted) return EXIT.cancelled
      await idle(counter)
      if (code !== scene.exit) {
        say(message('demo.unexpected', lang, { code, expected: scene.exit }))
        return EXIT.fault
      }
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const result = message(code === EXIT.approved ? 'demo.result.approved' : 'demo.result.declined', lang)
      summary.push(`  ${titleOf(scene, lang)}: ${message('demo.took', lang, { result, seconds })}`)
    }
    say(`\n${told('bold', message('demo.summary', lang))}`)
    for (const line of summary) say(told('green', line))
    if (chosen.length < scenes.length) {
      say(`\n${message('demo.more', lang, { count: scenes.length })}`)
      for (const [index, scene] of scenes.entries())
        say(`  ${message('demo.scene', lang, { number: index + 1, title: titleOf(scene, lang) })}`)
    }
    say(`\n${message('demo.end', lang)}`)
    return EXIT.ok
  } finally {
    await counter.close()
  }
}

/** The reader has shown how it ended and the card is out. @throws Fault `timeout` */
async function idle({ reader: { body } }: Counter): Promise<void> {
  let stop = () => {}
  await within(
    { timeout: 10_000, what: 'the end of a payment' },
    () =>
      new Promise<void>(resolve => {
        const look = () => body.screen.message === 'reader.idle' && resolve()
        stop = body.on(look)
        look()
      }),
  ).finally(() => stop())
}

/** Runs `tapdip pay` beside us, as a user would in another terminal; resolves with its exit code. */
function pay(
  counter: Counter,
  { amount, flags = [] }: Scene,
  lang: Language,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const cli = packageFile('dist/devices/cli.js')
  const args = [
    'pay',
    formatAmount(amount, rub),
    '--currency',
    rub.alpha,
    '--reader',
    counter.uri,
    '--acquirer',
    counter.acquirer.url,
    ...flags,
  ]
  say(`  $ tapdip ${args.join(' ')}`)
  const child = spawn(process.execPath, [cli, ...args, '--lang', lang], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // The user's own last reader is none of ours.
    env: { ...process.env, TAPDIP_STATE: join(tmpdir(), 'tapdip-demo') },
  })
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) say(`  app    ${line}`.trimEnd())
    })
    stream.on('end', () => rest && say(`  app    ${rest}`))
  }
  // At a terminal Ctrl-C reaches both; anything else reaches this process alone.
  signal.addEventListener('abort', () => child.kill(), { once: true })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code ?? EXIT.fault))
  })
}
