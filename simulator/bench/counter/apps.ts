/** The apps of a session: phones with the guide's app on them, over lines to its readers and to its bank, whose steps stand in the lane of the reader that they hold. */

import type { z } from 'zod'
import { within } from '../../../src/clock.ts'
import type { Language } from '../../../src/messages/messages.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import { seededKey } from '../../random.ts'
import { virtualFamilies } from '../../readers/index.ts'
import { type BenchApp, openApp } from '../app/app.ts'
import { type NearbyReader, nearbyReaders, uriOf } from '../app/nearby.ts'
import type { Nearby } from '../app/phone.ts'
import { noSuch } from '../failure.ts'
import type { AppAnswer, AppPhone, AppState } from '../schema/app.ts'
import type { appInput, appWait } from '../schema/apps.ts'
import type { Bank } from './bank.ts'
import { patternOf } from './pattern.ts'
import { type Place, Teller } from './place.ts'

export type AppInput = z.output<typeof appInput>

/** What a phone has around it, and in it. */
export interface Around {
  /** Readers that are switched on and in range now. */
  readonly readers: () => readonly AroundReader[]
  /** SoftPOS: the phone's own field. */
  readonly field: () => Promise<{ readonly id: string; lend(): Reader }>
}

/** A reader as an app may meet it: where it is, and whose lane it has. */
export interface AroundReader extends NearbyReader {
  readonly id: string
  /** Of one that is there, and open already. */
  readonly lend?: () => Reader
}

interface Own {
  readonly input: AppInput
  readonly app: BenchApp
  readonly teller: Teller
}

/** The version of the firmware that the app has for a reader that wants some. */
const NEWER = '9.0.0'

export class Apps {
  readonly #place: Place
  readonly #bank: Bank
  readonly #around: Around
  #language: Language
  readonly #apps = new Map<string, Own>()
  #count = 0

  constructor(place: Place, bank: Bank, around: Around, language: Language) {
    this.#place = place
    this.#bank = bank
    this.#around = around
    this.#language = language
  }

  get ids(): readonly string[] {
    return [...this.#apps.keys()]
  }

  get states(): readonly AppState[] {
    return [...this.#apps.values()].map(({ app }) => app.state)
  }

  /** As the file of a counter has them. */
  get inputs(): readonly AppInput[] {
    return [...this.#apps.values()].map(({ input, app: { state } }) => ({ ...input, language: state.language, location: state.location }))
  }

  #own(id: string): Own {
    const own = this.#apps.get(id)
    if (!own) throw noSuch('app', id)
    return own
  }

  /** Of those that were given no language, and of those that come. */
  speak(language: Language): void {
    this.#language = language
    for (const { input, app } of this.#apps.values())
      if (input.language === undefined && app.state.language !== language) app.set({ language })
  }

  /** @throws Fault `not-found` */
  state(id: string): AppState {
    return this.#own(id).app.state
  }

  /** @param input of `reader`: that it was connected to the last time @throws Fault `not-found` for a reader that is none */
  async add(input: AppInput): Promise<AppState> {
    const id = `a${++this.#count}`
    const { clock } = this.#place
    const last = input.reader === undefined ? undefined : this.#around.readers().find(one => one.id === input.reader)
    if (input.reader !== undefined && !last) throw noSuch('reader', input.reader)
    const lane = new Lane(this.#place)
    const random = this.#place.random(0x61707000 + this.#count)
    const around = () =>
      this.#around.readers().map(one => ({ ...one, ...(typeof one.at === 'function' && { at: lane.following(one.id, one.at) }) }))
    const app = await openApp({
      ...{ id, clock, tracer: lane, language: input.language ?? this.#language },
      acquirer: httpAcquirer('http://127.0.0.1/', { clock, fetch: this.#bank.fetch }),
      nearby: this.#nearby(around, lane),
      field: async () => {
        const field = await this.#around.field()
        return lane.following(field.id, () => field.lend())()
      },
      ...(last && { last: { uri: typeof last.at === 'string' ? last.at : uriOf(last.name), name: last.name } }),
      ...(input.location && { location: input.location }),
      ...(input.amount !== undefined && { amount: input.amount }),
      firmware: async ({ family }) => virtualFamilies[family]?.image?.({ version: NEWER }),
      newKey: () => seededKey(random),
    })
    const teller = new Teller(
      () => app.state,
      state => this.#place.tell('app', id, state),
    )
    app.on(() => teller.soon())
    this.#apps.set(id, { input, app, teller })
    teller.soon()
    return app.state
  }

  /** One that is open here already is lent: it has one line. */
  #nearby(around: () => readonly AroundReader[], lane: Lane): Nearby {
    const nearby = nearbyReaders(around, { clock: this.#place.clock, tracer: lane })
    return {
      search: options => nearby.search(options),
      open: async (uri, options) => {
        const real = around().find(({ at, lend }) => lend && at === uri)
        return real ? lane.following(real.id, real.lend!)() : nearby.open(uri, options)
      },
    }
  }

  /** @throws Fault `busy` where the screen has gone, `bad-argument` for what it does not offer */
  answer(id: string, answer: AppAnswer): AppState {
    const { app } = this.#own(id)
    app.answer(answer)
    return app.state
  }

  set(id: string, phone: AppPhone): AppState {
    const { app } = this.#own(id)
    app.set(phone)
    return app.state
  }

  async restart(id: string, how: 'close' | 'kill', after?: number): Promise<AppState> {
    const { app } = this.#own(id)
    await app.restart(how, after)
    return app.state
  }

  /** Resolves when a screen is shown that is so. @throws Fault `timeout`, `aborted` */
  async until(id: string, wanted: z.output<typeof appWait>, signal: AbortSignal): Promise<AppState> {
    const { app } = this.#own(id)
    const { kind, text, after = 0, timeout = 30_000 } = wanted
    const pattern = text === undefined ? undefined : patternOf('text', text)
    const holds = ({ screen }: AppState) =>
      screen.n > after &&
      (kind === undefined || screen.kind === kind) &&
      (pattern === undefined ||
        [screen.title, ...screen.lines.map(line => line.text), ...(screen.slip ?? [])].some(line => pattern.test(line)))
    let stop = () => {}
    await within({ timeout, signal, clock: this.#place.clock, what: `app ${id}` }, () => {
      return new Promise<void>(resolve => {
        const look = () => void (holds(app.state) && resolve())
        stop = app.on(look)
        look()
      })
    }).finally(() => stop())
    return app.state
  }

  /** @throws Fault `not-found` */
  async remove(id: string): Promise<void> {
    const { app, teller } = this.#own(id)
    this.#apps.delete(id)
    teller.stop()
    await app.close()
    this.#place.tell('app', id, null)
  }

  async close(): Promise<void> {
    for (const id of this.ids) await this.remove(id)
  }
}

/** The tracer of an app: what it does stands in the lane of the reader whose line it took last, so that the spans of both lie inside each other. */
class Lane implements Tracer {
  readonly #place: Place
  #reader: string | undefined

  constructor(place: Place) {
    this.#place = place
  }

  following<T>(reader: string, line: () => T): () => T {
    return () => {
      const taken = line()
      this.#reader = reader
      return taken
    }
  }

  tell(...told: Parameters<Tracer['tell']>): void {
    this.#place.tracer(this.#reader).tell(...told)
  }

  span(...asked: Parameters<Tracer['span']>): ReturnType<Tracer['span']> {
    return this.#place.tracer(this.#reader).span(...asked)
  }
}
