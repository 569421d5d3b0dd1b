/** A merchant at the bench's app on virtual time: a counter, the app on a line to its reader, and who reads its screens and presses its buttons. */

import { openSoftPos } from '../../../../devices/index.ts'
import { deskFetch } from '../../../../simulator/acquirer/host.ts'
import { type BenchApp, type BenchAppOptions, openApp } from '../../../../simulator/bench/app/app.ts'
import { nearbyReaders, uriOf } from '../../../../simulator/bench/app/nearby.ts'
import type { AppAnswer, AppScreen, AppState } from '../../../../simulator/bench/schema/app.ts'
import { Body } from '../../../../simulator/readers/body/body.ts'
import { virtualNfc } from '../../../../simulator/readers/body/nfc.ts'
import { virtualFamily } from '../../../../simulator/readers/index.ts'
import { pinKeysOf, pinPrompts, typePin } from '../../../../simulator/scenario/over/slot.ts'
import { type Counter, type CounterOptions, instant, loadCard, person, virtualConfig, virtualCounter } from '../../../../simulator/world.ts'
import { VirtualClock } from '../../../../src/clock.ts'
import { russianContactless } from '../../../../src/emv/contactless/profiles.ts'
import type { Terminal } from '../../../../src/emv/terminal.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { httpAcquirer } from '../../../../src/payment/host/http.ts'
import type { Reader } from '../../../../src/reader/reader.ts'
import { pipe } from '../../../../src/transport/pipe.ts'
import type { Setting } from './scenes.ts'

export interface Wish extends CounterOptions {
  readonly lang?: Language
  /** The app, beside what the counter gives it. */
  readonly app?: Partial<BenchAppOptions>
  /** The app connects by itself; searched for when false. */
  readonly paired?: boolean
  /** The reader talks to phones only that are paired with it. */
  readonly pairing?: boolean
  /** Who comes to the phone's own field. */
  readonly atPhone?: Setting['atPhone']
  /** No reader is in range. */
  readonly alone?: boolean
}

/** All that a person sees of a screen, a line each. */
export function wordsOf({ title, lines, rows = [], items, fields = [], choices = [], actions, slip = [] }: AppScreen): string[] {
  return [
    title,
    ...lines.map(({ text }) => text),
    ...(items ? [items.title] : []),
    ...(items?.list ?? []).flatMap(({ name, price, discount }) => [name, price, ...(discount === undefined ? [] : [discount])]),
    ...rows.map(({ label, value }) => `${label}: ${value}`),
    ...fields.flatMap(({ label, value, error }) => [`${label}: ${value}`, ...(error === undefined ? [] : [error])]),
    ...choices.flatMap(({ label, note }) => [label, ...(note === undefined ? [] : [note])]),
    ...actions.map(({ label }) => label),
    ...slip,
  ].flatMap(text => text.split('\n'))
}

/** The field of a phone whose screen the customer sees, with a PIN entry on it. */
function fieldOf(body: Body): () => Promise<Reader> {
  const { clock } = body
  const keys = pinKeysOf(length => new Uint8Array(length))
  return async () => {
    const reader = await openSoftPos({ channel: virtualNfc(body), config: virtualConfig(), contactless: russianContactless(), clock })
    void (async () => {
      for await (const event of reader.events) if (event.type === 'display' && !pinPrompts.includes(event.message)) body.show(event.message)
    })()
    return {
      ...{ info: reader.info, events: reader.events, status: options => reader.status(options) },
      async transact(transaction, terminal, options) {
        const enterPin: Terminal['enterPin'] = (request, waiting) => typePin(body, keys, request, waiting)
        return reader.transact(transaction, { ...terminal, enterPin }, options).finally(() => body.show('reader.idle'))
      },
      close: () => reader.close(),
      [Symbol.asyncDispose]: () => reader.close(),
    }
  }
}

export class AtPhone implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly counter: Counter
  readonly app: BenchApp
  /** The reader's, or the phone's own where somebody comes there. */
  readonly body: Body
  /** The host cannot be reached. */
  gone = false
  #seen: string[] = []
  #notices = 0

  private constructor(clock: VirtualClock, counter: Counter, app: BenchApp, body: Body) {
    ;[this.clock, this.counter, this.app, this.body] = [clock, counter, app, body]
    const see = ({ screen, notices }: AppState) => {
      this.#seen.push(...wordsOf(screen))
      for (const { title, text } of notices.slice(0, notices.length - this.#notices)) this.#seen.push(title, text)
      this.#notices = notices.length
    }
    see(app.state)
    app.on(see)
  }

  static async open({ lang = 'en', app, paired = true, alone = false, pairing, atPhone, ...options }: Wish = {}): Promise<AtPhone> {
    const clock = new VirtualClock()
    const counter = await virtualCounter({
      clock,
      language: lang,
      pins: ['1234'],
      resultTime: 1500,
      ...options,
      host: { clock, ...options.host },
    })
    const { reader } = counter
    const { family, dialect, serial } = reader
    const at = () => {
      const [host, device] = pipe({ clock })
      void reader.serve(device).catch(fault => device.drop(fault))
      return host
    }
    let self: AtPhone | undefined
    const near = () => (alone || !reader.body.isOn ? [] : [{ name: serial, family, dialect, rssi: -50, secure: pairing, at }])
    const body = atPhone ? new Body({ clock, language: lang }) : reader.body
    if (atPhone) {
      const { card = 'mir', wallet, ...who } = atPhone
      person(body, typeof card === 'object' && 'contact' in card ? card : loadCard(card, { clock }), {
        ...{ pace: instant, present: 'tap', ...who },
        ...(wallet && { wallet: wallet.map(one => loadCard(one, { clock })) }),
      })
    }
    const opened = await openApp({
      ...{ id: 'a1', language: lang, clock },
      acquirer: httpAcquirer('http://127.0.0.1/', { clock, fetch: deskFetch(counter.acquirer.desk, () => self?.gone ?? false) }),
      nearby: nearbyReaders(near, { clock }),
      ...(atPhone && { field: fieldOf(body) }),
      ...(paired && { last: { uri: uriOf(serial), name: serial } }),
      firmware: async () => virtualFamily(family).image?.({ version: '9.0.0' }),
      ...app,
    })
    self = new AtPhone(clock, counter, opened, body)
    return self
  }

  get screen(): AppScreen {
    return this.app.state.screen
  }

  /** Everything that was on the screen since it was opened, in the order in which it came. */
  get seen(): string {
    return this.#seen.join('\n')
  }

  /** Until a screen of this kind, or one that `is` agrees to. */
  async until(wanted: AppScreen['kind'] | ((screen: AppScreen) => boolean), what = String(wanted)): Promise<AppScreen> {
    const is = typeof wanted === 'function' ? wanted : ({ kind }: AppScreen) => kind === wanted
    const now = () => is(this.screen) && !this.screen.answered
    if (now()) return this.screen
    let off = () => {}
    const came = new Promise<void>(resolve => {
      off = this.app.on(() => now() && resolve())
    })
    try {
      await this.clock.settle(came)
    } catch (error) {
      throw new Error(`${what} never came; the screen is ${this.screen.kind}:\n${wordsOf(this.screen).join('\n')}`, { cause: error })
    } finally {
      off()
    }
    return this.screen
  }

  press(action: string, more: Partial<AppAnswer> = {}): void {
    this.app.answer({ screen: this.screen.n, action, ...more })
  }

  /** An order of this amount, by this method. */
  async pay(amount: string, method: 'cash' | 'reader' | 'sbp' | 'softpos'): Promise<void> {
    await this.until('order')
    this.press('pay', { fields: { amount } })
    await this.until('method')
    this.press(method)
  }

  async close(): Promise<void> {
    await this.clock.settle(this.app.close())
    await this.clock.settle(this.counter.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
