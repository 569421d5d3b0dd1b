/** A merchant at the bench's app on virtual time: a counter, the app on a line to its reader, and who reads its screens and presses its buttons. */

import { deskFetch } from '../../../../simulator/acquirer/host.ts'
import { type BenchApp, type BenchAppOptions, openApp } from '../../../../simulator/bench/app/app.ts'
import { nearbyReaders, uriOf } from '../../../../simulator/bench/app/nearby.ts'
import type { AppAnswer, AppScreen, AppState } from '../../../../simulator/bench/schema/app.ts'
import { virtualFamily } from '../../../../simulator/readers/index.ts'
import { type Counter, type CounterOptions, virtualCounter } from '../../../../simulator/world.ts'
import { VirtualClock } from '../../../../src/clock.ts'
import type { Language } from '../../../../src/messages/messages.ts'
import { httpAcquirer } from '../../../../src/payment/host/http.ts'
import { pipe } from '../../../../src/transport/pipe.ts'

export interface Wish extends CounterOptions {
  readonly lang?: Language
  /** The app, beside what the counter gives it. */
  readonly app?: Partial<BenchAppOptions>
  /** The app connects by itself; searched for when false. */
  readonly paired?: boolean
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

export class AtPhone implements AsyncDisposable {
  readonly clock: VirtualClock
  readonly counter: Counter
  readonly app: BenchApp
  /** The host cannot be reached. */
  gone = false
  #seen: string[] = []
  #notices = 0

  private constructor(clock: VirtualClock, counter: Counter, app: BenchApp) {
    ;[this.clock, this.counter, this.app] = [clock, counter, app]
    const see = ({ screen, notices }: AppState) => {
      this.#seen.push(...wordsOf(screen))
      for (const { title, text } of notices.slice(0, notices.length - this.#notices)) this.#seen.push(title, text)
      this.#notices = notices.length
    }
    see(app.state)
    app.on(see)
  }

  static async open({ lang = 'en', app, paired = true, alone = false, ...options }: Wish = {}): Promise<AtPhone> {
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
    const near = () => (alone || !reader.body.isOn ? [] : [{ name: serial, family, dialect, rssi: -50, at }])
    const opened = await openApp({
      ...{ id: 'a1', language: lang, clock },
      acquirer: httpAcquirer('http://127.0.0.1/', { clock, fetch: deskFetch(counter.acquirer.desk, () => self?.gone ?? false) }),
      nearby: nearbyReaders(near, { clock }),
      ...(paired && { last: { uri: uriOf(serial), name: serial } }),
      firmware: async () => virtualFamily(family).image?.({ version: '9.0.0' }),
      ...app,
    })
    self = new AtPhone(clock, counter, opened)
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
