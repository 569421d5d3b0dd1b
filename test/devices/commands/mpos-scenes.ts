/** What a merchant and a customer do at a counter, played through the `tapdip` command: each scene gives all that the app and the reader's display said. */

import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { discover } from '../../../devices/discover.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { turnKnob } from '../../../simulator/readers/knobs.ts'
import { type Counter, type CounterOptions, instant, virtualCounter } from '../../../simulator/world.ts'
import { faultMessage, type Language, message } from '../../../src/messages/messages.ts'
import type { FamilyRow } from '../families.ts'
import { type AtTerminal, atTerminal, type Ended, typedIn } from './at-terminal.ts'
import type { Seen } from './mpos-words.ts'

export class Stage {
  readonly state = mkdtempSync(join(tmpdir(), 'tapdip-scene-'))
  readonly row: FamilyRow
  readonly lang: Language
  readonly #ends: (() => unknown)[] = []
  #app = ''
  #counter: Counter | undefined
  #orders = 0

  constructor(row: FamilyRow, lang: Language) {
    this.row = row
    this.lang = lang
  }

  /** The counter of the scene. */
  async counter(options: CounterOptions = {}): Promise<Counter> {
    const { family, dialect } = this.row
    const made = await virtualCounter({
      ...{ family, ...(dialect && { dialect }), language: this.lang, listen: 'tcp:0', pins: ['1234'], resultTime: 0, ...options },
    })
    this.#counter = made
    this.#ends.push(() => made.close())
    return made
  }

  /** For commands: the counter's own, with nobody at a reader. */
  async host(options: CounterOptions = {}): Promise<Counter> {
    return this.counter({ family: 'qpos', listen: undefined, ...options } as CounterOptions)
  }

  async enter(...args: readonly string[]): Promise<string> {
    const number = `scene_${++this.#orders}`
    const ended = await this.run(['order', 'new', ...args, '--number', number])
    if (ended.code !== 0) throw new Error(ended.err)
    return number
  }

  pay(number: string, made: Counter, ...more: readonly string[]): readonly string[] {
    const { url } = made.acquirer
    return [
      'order',
      'pay',
      number,
      '--method',
      'reader',
      '--reader',
      made.uri,
      '--acquirer',
      url,
      '--status-time',
      '5',
      '--no-sync',
      ...more,
    ]
  }

  /** A command to its end; the lines are typed at once. */
  async run(args: readonly string[], lines: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const ended = await typedIn([...args, '--lang', this.lang], lines, { state: this.state, env })
    this.#app += ended.all
    return ended
  }

  /** A command with a person at its keyboard, who sees and types. */
  async play(
    args: readonly string[],
    act: (shown: AtTerminal) => Promise<unknown>,
    options: { readonly env?: Readonly<Record<string, string>>; readonly keyboard?: boolean } = {},
  ): Promise<Ended> {
    const shown = atTerminal([...args, '--lang', this.lang], { state: this.state, ...options })
    try {
      await act(shown)
    } catch (error) {
      shown.interrupt()
      await shown.ended
      throw error
    }
    const ended = await shown.ended
    this.#app += ended.all
    return ended
  }

  /** Words that no command says. */
  say(words: string): void {
    this.#app += `${words}\n`
  }

  /** Called when the scene is over. */
  after(end: () => unknown): void {
    this.#ends.push(end)
  }

  get seen(): Seen {
    const lines = this.#counter?.reader.body.screens.map(screen => screen.lines.join(' ')) ?? []
    return { app: this.#app, reader: lines.filter((line, at) => line !== lines[at - 1]).join('\n') }
  }

  async close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end()
    rmSync(this.state, { recursive: true, force: true })
  }
}

type Play = (stage: Stage) => Promise<void>

const PIN_CARD = { card: 'mastercard', pins: ['4321', '1234'] } as const
const must = (ended: Ended, code: number) => {
  if (ended.code !== code) throw new Error(`exit ${ended.code}, not ${code}: ${ended.all}`)
}
/** Marks of a marked table stand before the letters of a text: whoever waits for one passes over them. */
const plain = (text: string) => text.replace(/[\ue000-\uf8ff]/g, '')
const said = (id: Parameters<typeof message>[0], lang: Language) => plain(message(id, lang))
const heard = async (shown: AtTerminal, words: string) => {
  for (let at = 0; !plain(shown.said()).includes(words); at++) {
    if (at > 20_000) throw new Error(`it never said '${words}':\n${shown.said()}`)
    const over = await Promise.race([shown.ended.then(() => true), new Promise<false>(resolve => setTimeout(resolve, 1, false))])
    if (over && !plain(shown.said()).includes(words)) throw new Error(`it ended before it said '${words}':\n${shown.said()}`)
  }
}

/** Played at a reader: once for each family. */
export const atReader = {
  async pin(stage) {
    const made = await stage.counter({ ...PIN_CARD, resultTime: 1500 })
    must(await stage.run([...stage.pay(await stage.enter('2500.00'), made), '--sign', 'Test']), 0)
    await over(made)
  },
  async signature(stage) {
    const made = await stage.counter({ card: 'visa-signature' })
    must(await stage.run(stage.pay(await stage.enter('5000.00'), made), ['c', '', 'Ivanov']), 0)
    await over(made)
  },
  async cross(stage) {
    const made = await stage.counter({ card: 'visa-signature' })
    must(await stage.run(stage.pay(await stage.enter('5000.00'), made), ['x']), 12)
    // A reader that asks for the signature behind the host’s approval has it taken back.
    if (made.acquirer.orders.some(({ state }) => state === 'Approved')) throw new Error('it was paid')
    await over(made)
  },
  async tap(stage) {
    const made = await stage.counter({ card: 'mastercard', present: 'tap' })
    must(await stage.run(stage.pay(await stage.enter('2999.99'), made)), 0)
  },
  async stripe(stage) {
    const made = await stage.counter({ card: 'stripe-only', present: 'swipe' })
    must(await stage.run([...stage.pay(await stage.enter('2500.00'), made), '--sign', 'Test']), 0)
  },
  async decline(stage) {
    const made = await stage.counter({ card: 'visa-signature', rules: [{ do: 'decline', code: '51', reason: 'no money', times: 1 }] })
    const number = await stage.enter('255.00')
    must(await stage.run([...stage.pay(number, made), '--sign', 'Test']), 10)
    made.next({})
    must(await stage.run([...stage.pay(number, made), '--sign', 'Test']), 0)
    must(await stage.run(stage.pay(number, made)), 0)
    if (made.acquirer.order(number)?.operations.filter(({ state }) => state === 'Approved').length !== 1) throw new Error('paid twice')
  },
  async process(stage) {
    const rules: HostRule[] = [
      { do: 'dropAnswer', times: 1 },
      { do: 'dropRequest', on: 'status', times: 1 },
    ]
    const made = await stage.counter({ card: 'visa-signature', rules })
    must(await stage.run([...stage.pay(await stage.enter('66.22'), made), '--sign', 'Test']), 0)
  },
  async hangs(stage) {
    const rules: HostRule[] = [{ do: 'dropAnswer' }, { do: 'dropRequest', on: ['status', 'reversal'], times: 50 }]
    const made = await stage.counter({ card: 'visa-signature', rules })
    const number = await stage.enter('66.22')
    const args = stage.pay(number, made).map(one => (one === '5' ? '0' : one))
    must(await stage.run([...args, '--sign', 'Test']), 11)
    must(await stage.run(args), 11)
  },
  async network(stage) {
    const made = await stage.counter({ card: 'visa-signature' })
    const number = await stage.enter('66.22')
    const nowhere = stage.pay(number, made).map(one => (one === made.acquirer.url ? 'http://127.0.0.1:1/' : one))
    must(await stage.run([...nowhere, '--sign', 'Test']), 10)
    made.next({})
    must(await stage.run([...stage.pay(number, made), '--sign', 'Test']), 0)
  },
  async lost(stage) {
    const made = await stage.counter({ pace: { ...instant, present: 60_000 } })
    const ended = await stage.play(stage.pay(await stage.enter('25.00'), made), async shown => {
      await heard(shown, said('app.presentCard', stage.lang))
      await made.reader.close()
    })
    must(ended, 1)
    if (made.acquirer.orders.length > 0) throw new Error('the host was asked')
  },
  async firmware(stage) {
    const made = await stage.counter({ card: 'visa-signature' })
    turnKnob({ reader: made.reader }, 'require 2.0.0')
    const number = await stage.enter('25.00')
    must(await stage.run(stage.pay(number, made)), 1)
  },
  async flat(stage) {
    const made = await stage.counter({ battery: { percent: 3 } })
    must(await stage.run(stage.pay(await stage.enter('25.00'), made)), 1)
    if (made.acquirer.orders.length > 0) throw new Error('the host was asked')
  },
  async low(stage) {
    const made = await stage.counter({ card: 'visa-signature', battery: { percent: 12 } })
    must(await stage.run([...stage.pay(await stage.enter('25.00'), made), '--sign', 'Test']), 0)
  },
  async other(stage) {
    const { family, dialect } = stage.row
    const silent = createServer(socket => socket.on('error', () => {}).resume())
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    stage.after(() => new Promise(resolve => silent.close(resolve)))
    const uri = `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}?family=${family}${dialect ? `&dialect=${dialect}` : ''}`
    const args = [
      'order',
      'pay',
      await stage.enter('25.00'),
      '--method',
      'reader',
      '--reader',
      uri,
      '--acquirer',
      'http://127.0.0.1:1/',
      '--no-sync',
    ]
    const ended = await stage.play(args, async shown => {
      await heard(shown, said('app.chooseOther', stage.lang))
      shown.types('o')
      await heard(shown, said('app.searching', stage.lang))
      shown.interrupt()
    })
    must(ended, 12)
  },
  async choice(stage) {
    const made = await stage.counter({ choose: 'Maestro', present: 'dip' })
    const args = [...stage.pay(await stage.enter('25.00'), made), '--sign', 'Test']
    await stage.play(args, async shown => {
      const asked = heard(shown, said('app.choicePrompt', stage.lang)).then(() => shown.types('2'))
      await Promise.race([asked.catch(() => {}), shown.ended])
    })
  },
  async coBadgedTap(stage) {
    const made = await stage.counter({ present: 'tap' })
    must(await stage.run(stage.pay(await stage.enter('25.00'), made)), 0)
  },
} satisfies Record<string, Play>

/** The customer has seen the result and taken the card. */
async function over({ reader }: Counter): Promise<void> {
  for (let at = 0; at < 5000 && reader.body.screen.message !== 'reader.idle'; at++) await new Promise(resolve => setTimeout(resolve, 1))
}

/** Over the virtual air: for families with Bluetooth LE. */
export const onTheAir = {
  async found(stage) {
    const made = await stage.counter({ listen: 'ble:0', card: 'visa-signature' })
    const env = { TAPDIP_AIR: made.air! }
    const args = async () => [
      'order',
      'pay',
      await stage.enter('25.00'),
      '--method',
      'reader',
      '--acquirer',
      made.acquirer.url,
      '--no-sync',
      '--sign',
      'Test',
    ]
    const ended = await stage.play(
      await args(),
      async shown => {
        await heard(shown, said('app.connectPrompt', stage.lang))
        shown.types('')
      },
      { env },
    )
    must(ended, 0)
    made.next({})
    must(await stage.play(await args(), async () => {}, { env }), 0)
  },
} satisfies Record<string, Play>

/** Where no reader is: once. */
export const withoutReader = {
  async order(stage) {
    const items = [
      '--item',
      'Компактный фотик|2|1.82|20',
      '--item',
      'PowerShot|3|1.16|20|0.12',
      '--email',
      'mail@assist.ru',
      '--comment',
      'до 18:00',
    ]
    await stage.enter(...items)
  },
  async cash(stage) {
    const { acquirer } = await stage.host()
    const number = await stage.enter('8.08')
    const args = ['order', 'pay', number, '--acquirer', acquirer.url]
    const ended = await stage.play(args, async shown => {
      await heard(shown, said('app.choicePrompt', stage.lang))
      shown.types('1')
      await heard(shown, said('app.receivedPrompt', stage.lang))
      shown.keys('5\r')
      await heard(shown, plain(message('app.tooLittle', stage.lang, { received: '', amount: '' })).replace(/[: ]+$/, ''))
      shown.keys('10\r')
    })
    must(ended, 0)
    const { port, bytes } = await printer(stage)
    const fiscal = ['--fiscal', '--acquirer', acquirer.url, '--inn', '7728029110', '--taxation', 'osn']
    must(await stage.run(['order', 'receipt', number, ...fiscal, '--printer', `tcp://127.0.0.1:${port}`]), 0)
    if (bytes() < 100) throw new Error('nothing was printed')
  },
  async cashCross(stage) {
    const { acquirer } = await stage.host()
    const args = ['order', 'pay', await stage.enter('8.08'), '--method', 'cash', '--acquirer', acquirer.url]
    must(await stage.run(args, ['x']), 12)
    if (acquirer.orders.length > 0) throw new Error('it was paid')
  },
  async offline(stage) {
    const { acquirer } = await stage.host()
    const number = await stage.enter('10.00')
    must(await stage.run(['order', 'pay', number, '--method', 'cash', '--received', '10', '--acquirer', 'http://127.0.0.1:1/']), 0)
    must(await stage.run(['order', 'sync', '--acquirer', acquirer.url]), 0)
  },
  async location(stage) {
    for (const location of ['off', 'denied'] as const)
      for await (const one of discover({ once: true, timeout: 200, transports: ['ble'], location: async () => location }))
        if (one.type === 'unavailable') stage.say(faultMessage(one.fault, stage.lang))
  },
  async nobody(stage) {
    const args = ['order', 'pay', await stage.enter('25.00'), '--method', 'reader', '--acquirer', 'http://127.0.0.1:1/', '--no-sync']
    await stage.play(args, async shown => {
      await heard(shown, said('app.searchAgainPrompt', stage.lang))
      shown.types('x')
    })
  },
  async sbp(stage) {
    const { acquirer } = await stage.host()
    const args = ['order', 'pay', await stage.enter('1.00'), '--method', 'sbp', '--acquirer', acquirer.url]
    const codes = (shown: AtTerminal) => shown.said().match(/^000201.*6304[0-9A-F]{4}$/gm) ?? []
    const ended = await stage.play(args, async shown => {
      await heard(shown, said('app.sbpKeys', stage.lang))
      shown.types('')
      while (codes(shown).length < 2) await new Promise(resolve => setTimeout(resolve, 1))
      await heard(shown, said('state.In Process', stage.lang))
      acquirer.payQr(codes(shown)[0]!)
    })
    must(ended, 0)
  },
  async sbpInstead(stage) {
    const { acquirer } = await stage.host()
    const args = ['order', 'pay', await stage.enter('1.00'), '--method', 'sbp', '--acquirer', acquirer.url]
    const ended = await stage.play(args, async shown => {
      await heard(shown, said('app.sbpKeys', stage.lang))
      shown.types('o')
      await heard(shown, said('app.choicePrompt', stage.lang))
      shown.types('1')
      await heard(shown, said('app.receivedPrompt', stage.lang))
      shown.keys('\r')
    })
    must(ended, 0)
  },
  async sbpLater(stage) {
    const { acquirer } = await stage.host()
    const left = await stage.run(['order', 'pay', await stage.enter('1.00'), '--method', 'sbp', '--wait', '0', '--acquirer', acquirer.url])
    must(left, 11)
    acquirer.payQr(/^000201.*6304[0-9A-F]{4}$/m.exec(left.all)![0])
    must(await stage.run(['order', 'sync', '--acquirer', acquirer.url]), 0)
  },
} satisfies Record<string, Play>

async function printer(stage: Stage): Promise<{ readonly port: number; readonly bytes: () => number }> {
  let bytes = 0
  const server = createServer(socket => socket.on('data', data => (bytes += data.length)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stage.after(() => new Promise(resolve => server.close(resolve)))
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes }
}

export const scenes: Readonly<Record<string, Play>> = { ...atReader, ...onTheAir, ...withoutReader }
export type AtReader = keyof typeof atReader
export type OnTheAir = keyof typeof onTheAir
export type WithoutReader = keyof typeof withoutReader

/** Plays one scene to its end. @throws Error where it went otherwise than it should */
export async function played(name: string, row: FamilyRow, lang: Language): Promise<Seen> {
  const stage = new Stage(row, lang)
  try {
    await scenes[name](stage)
    return stage.seen
  } finally {
    await stage.close()
  }
}
