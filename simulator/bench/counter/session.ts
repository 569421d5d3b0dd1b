/** A session of the bench: a counter with readers, a shelf of cards, a bank and apps on one clock, and everything that happens there in one order. */

import { type Clock, systemClock, VirtualClock } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import type { Language } from '../../../src/messages/messages.ts'
import { book, headerOf, type TraceWriter } from '../../../src/trace/book.ts'
import { profiles } from '../../cards/profiles/index.ts'
import { drawnSeed, seededBytes } from '../../random.ts'
import type { Key } from '../../readers/body/senses.ts'
import { noSuch } from '../failure.ts'
import { Happenings } from '../happenings.ts'
import { type PersonInput, type ReaderInput, virtualInput } from '../schema/reader.ts'
import type { CounterFile, SessionInput } from '../schema/session.ts'
import type { SessionState } from '../schema/types.ts'
import type { AnyReader } from './any-reader.ts'
import { Apps, type AroundReader } from './apps.ts'
import { type Bank, openBank } from './bank.ts'
import { type Deed, type Happened, scenarioOf } from './did.ts'
import { fileOf } from './file.ts'
import { keyboardKeys } from './keys.ts'
import { Mover } from './mover.ts'
import { type Noun, type Place, Teller } from './place.ts'
import { BenchReader, isReal, isSoftPos } from './reader.ts'
import { openReal, RealReader } from './real.ts'
import { Shelf } from './shelf.ts'
import { openSoftPosPhone, SoftPosPhone } from './softpos.ts'

/** Of one scenario, as they are kept. */
const MOST_DEEDS = 10_000

/** Where virtual time begins. */
const BEGINNING = new Date('2026-03-26T10:52:00')

export class Session implements Place {
  readonly id: string
  readonly name: string
  readonly ttl: number
  readonly seed: number
  readonly clock: Clock
  readonly virtual: VirtualClock | undefined
  readonly created = new Date()
  readonly happenings = new Happenings()
  readonly shelf: Shelf
  readonly #readers = new Map<string, AnyReader>()
  readonly #tracers = new Map<string, TraceWriter>()
  readonly #teller: Teller
  readonly #mover: Mover | undefined
  readonly #start: { readonly now: number; readonly elapsed: number }
  #language: Language
  /** Somebody has said in which language it is. */
  #spoken: boolean
  /** Readers that were given no language. */
  readonly #unsaid = new Set<string>()
  #bank!: Bank
  #apps!: Apps
  /** What was done since the mark, by the number of its event. */
  readonly #deeds = new Map<number, Deed>()
  #mark = 0
  #spans = 0
  #count = 0
  #closed: Promise<void> | undefined

  /** Use `openSession`. */
  constructor(id: string, { name = id, ttl = 3600, seed = drawnSeed(), clock = 'system', language }: SessionInput) {
    this.#language = language ?? 'en'
    this.#spoken = language !== undefined
    this.id = id
    this.name = name
    this.ttl = ttl
    this.seed = seed
    this.virtual = clock === 'virtual' ? new VirtualClock(BEGINNING) : undefined
    this.clock = this.virtual ?? systemClock
    this.#mover = this.virtual && new Mover(this.virtual, () => this.#bank?.holds ?? false)
    this.#start = { now: this.clock.now(), elapsed: this.clock.elapsed() }
    this.shelf = new Shelf(this, { issue: card => this.#bank.issue(card), renew: card => this.#bank.forgive(card) })
    this.#teller = new Teller(
      () => ({ ...this.state, at: 0, events: { first: 0, last: 0 } }),
      () => this.tell('session', id, this.state),
    )
  }

  /** What stands at it, as a file of a counter says. @throws Fault as the parts of it */
  async furnish(file: CounterFile | undefined): Promise<void> {
    this.#bank = await openBank(this)
    const cards = file?.cards ?? Object.keys(profiles).map(profile => ({ profile }))
    // A wallet may name a card that comes after it.
    for (const { id, memory, ...input } of cards as NonNullable<CounterFile['cards']>)
      this.shelf.add({ ...input, wallet: undefined } as never, { id, memory, quiet: true })
    for (const [at, { wallet }] of (cards as NonNullable<CounterFile['cards']>).entries())
      if (wallet) this.shelf.patch(this.shelf.cards[at].id, { wallet })
    this.#bank.knows(this.shelf)
    for (const one of file?.readers ?? [{ family: 'qpos' as const }]) await this.#place(one)
    if (file?.bank) this.#bank.restore(file.bank)
    this.#apps = new Apps(this, this.#bank, { readers: () => this.#around(), field: () => this.#field() }, this.#language)
    for (const input of file?.apps ?? [{}]) await this.#apps.add(input)
    this.#teller.soon()
  }

  /** A reader of the file. */
  async #place(given: NonNullable<CounterFile['readers']>[number]): Promise<void> {
    const { id, person, ...kept } = given
    const { knobsTurned = {}, tampered, on, ...input } = { knobsTurned: undefined, tampered: undefined, on: undefined, ...kept }
    const reader = await this.addReader(input as ReaderInput, id)
    for (const [name, value] of Object.entries(knobsTurned)) reader.knob(`${name} ${value}`.trim())
    if (tampered) reader.tamper()
    if (on === false) reader.switch(false)
    if (person) reader.setPerson(person as PersonInput)
  }

  // — as a place —

  random(stream: number): (length: number) => Uint8Array {
    return seededBytes(this.seed ^ stream)
  }

  at(now = this.clock.now()): number {
    return Math.round((now - this.#start.now) * 1000) / 1000
  }

  tell(what: Noun, id: string, state: unknown): void {
    this.happenings.push(JSON.stringify({ kind: 'bench', what, id, state }), undefined, what !== 'deed')
  }

  tracer(reader = ''): TraceWriter {
    const known = this.#tracers.get(reader)
    if (known) return known
    const shared = { start: this.#start.elapsed, nextSpan: () => ++this.#spans }
    const tracer = book(this.clock, line => this.happenings.push(line, reader || undefined), undefined, shared)
    this.#tracers.set(reader, tracer)
    return tracer
  }

  // — its nouns —

  get bank(): Bank {
    return this.#bank
  }

  get apps(): Apps {
    return this.#apps
  }

  /** Whom a phone can hear. */
  #around(): AroundReader[] {
    return this.readers.flatMap((one): AroundReader[] => {
      const { on, inRange = true, serial, family, dialect } = one.state
      if (!on || !inRange || one instanceof SoftPosPhone) return []
      if (one instanceof RealReader) return [{ id: one.id, name: serial || one.id, family, at: one.input.uri, lend: () => one.lend() }]
      if (!(one instanceof BenchReader)) return []
      return [{ id: one.id, name: serial, family, dialect, rssi: -50, secure: one.input.pairing, at: () => one.link() }]
    })
  }

  /** The field of the phone that an app is on: it stands at the counter from its first use on. */
  async #field(): Promise<SoftPosPhone> {
    const phone = this.phones[0] ?? (await this.addReader({ family: 'softpos' }))
    return phone as SoftPosPhone
  }

  get readers(): readonly AnyReader[] {
    return [...this.#readers.values()]
  }

  /** Those of the bench itself. */
  get virtualReaders(): readonly BenchReader[] {
    return this.readers.filter(one => one instanceof BenchReader)
  }

  /** Phones as terminals. */
  get phones(): readonly SoftPosPhone[] {
    return this.readers.filter(one => one instanceof SoftPosPhone)
  }

  /** @throws Fault `not-found` */
  reader(id: string): AnyReader {
    const reader = this.#readers.get(id)
    if (!reader) throw noSuch('reader', id)
    return reader
  }

  /** @throws Fault as of `listen`, or of `open` for one that is there; `bad-argument` */
  async addReader(given: ReaderInput, id?: string): Promise<AnyReader> {
    let own = id
    while (own === undefined || (id === undefined && this.#readers.has(own))) own = `r${++this.#count}`
    if (this.#readers.has(own)) throw new Fault('bad-argument', `there are two readers ${own}`, { field: 'readers', value: own })
    const reader = isReal(given)
      ? await openReal(this, this.shelf, { id: own, uri: given.uri, language: this.#language })
      : isSoftPos(given)
        ? await openSoftPosPhone(this, this.shelf, own, given, this.#language)
        : await this.#make(given, own)
    this.#readers.set(own, reader)
    this.#teller.soon()
    return reader
  }

  async #make(given: ReaderInput, id: string): Promise<BenchReader> {
    if (!('language' in given)) this.#unsaid.add(id)
    const input = virtualInput.parse({ language: this.#language, ...given })
    const reader = new BenchReader(this, this.shelf, id, this.#unlike(input))
    try {
      await reader.open()
    } catch (error) {
      await this.settle(reader.close())
      throw error
    }
    return reader
  }

  /** Two readers of a family do not have one name on the case. */
  #unlike(input: BenchReader['input']): BenchReader['input'] {
    if (input.serial !== undefined) return input
    const same = this.virtualReaders.filter(({ reader: { family } }) => family === input.family)
    if (same.length === 0) return input
    const [, letters, digits] = /^(.*?)(\d+)$/.exec(same.at(-1)!.reader.serial) ?? [undefined, same.at(-1)!.reader.serial, '0']
    return { ...input, serial: `${letters}${String(Number(digits) + 1).padStart(digits.length, '0')}`.slice(0, 32) }
  }

  /** @throws Fault `not-found` */
  async removeReader(id: string): Promise<void> {
    const reader = this.reader(id)
    this.#readers.delete(id)
    await this.settle(reader.close())
    this.#tracers.get(id)?.close()
    this.#tracers.delete(id)
    this.tell('reader', id, null)
    this.#teller.soon()
  }

  /** On virtual time, moved until it settles. */
  settle<T>(work: Promise<T>): Promise<T> {
    return this.#mover ? this.#mover.until(work) : work
  }

  /** The language of whoever looks first: of readers and apps that were given none. A session that has one keeps it. */
  speak(language: Language): void {
    if (this.#spoken) return
    this.#spoken = true
    this.#language = language
    for (const reader of this.virtualReaders)
      if (this.#unsaid.has(reader.id) && reader.reader.body.language !== language) reader.reader.firmware.language = language
    this.#apps.speak(language)
  }

  /** Moves virtual time on. @throws Fault `unsupported` where time is the system's */
  async advance(ms: number): Promise<void> {
    if (!this.virtual)
      throw new Fault('unsupported', `time of session ${this.id} is the system's`, { feature: 'time', field: 'clock', rule: 'virtual' })
    await this.#mover!.advance(ms)
  }

  /** The trace so far as a file, of one reader or of all: a header, then what happened, one event a line. @throws Fault `not-found` */
  trace(reader?: string): string {
    if (reader !== undefined) this.reader(reader)
    const lines = this.happenings.after(this.happenings.first - 1, Number.POSITIVE_INFINITY)
    const head = JSON.stringify(this.#headerOf(reader))
    const events = lines.flatMap(line => {
      const { reader: own, event } = JSON.parse(line) as { reader?: string; event: { kind: string } }
      return event.kind === 'bench' || (reader !== undefined && own !== undefined && own !== reader) ? [] : [JSON.stringify(event)]
    })
    return `${[head, ...events].join('\n')}\n`
  }

  /** What somebody did, as everybody hears it. */
  did(id: string, deed: string, what: Record<string, unknown> = {}): void {
    const keys = deed === 'press' && { keys: keyboardKeys(what.keys as readonly Key[]) }
    this.tell('deed', id, { deed, with: { ...what, ...keys } })
    const { last: n } = this.happenings
    this.#deeds.set(n, { n, id, deed, with: what })
    if (this.#deeds.size > MOST_DEEDS) this.#deeds.delete(this.#deeds.keys().next().value!)
  }

  /** What is done from here on is the next scenario. */
  mark(): void {
    this.#mark = this.happenings.last
    this.#deeds.clear()
  }

  /** What was done since the mark, at one reader. @throws Fault `not-found`, with details.first where it is not kept any more */
  scenario(reader = this.#touched()): string {
    const one = this.reader(reader)
    if (one instanceof SoftPosPhone)
      throw new Fault('unsupported', 'scenarios have no phone as a terminal', { feature: 'softpos', field: 'reader', value: reader })
    const { language: _, listen: __, ...input } = one.input as Record<string, unknown>
    const language = one instanceof BenchReader ? one.reader.body.language : this.#language
    const happened = this.happenings.after(this.#mark, Number.POSITIVE_INFINITY).map(line => JSON.parse(line) as Happened)
    const { rules, magicAmounts } = this.#bank.state
    return scenarioOf(happened, this.#deeds, {
      ...{ name: this.name, reader, readerInput: Object.keys(input).length > 1 ? input : (input.family ?? input), language },
      cardInput: id => this.shelf.cards.find(card => card.id === id)?.input,
      ...{ rules, magicAmounts },
      amountOf: n => this.#bank.requests.find(request => request.n === n)?.amount,
    })
  }

  /** The reader that somebody has touched first since the mark. */
  #touched(): string {
    const ids = new Set(this.#readers.keys())
    return [...this.#deeds.values()].find(({ id }) => ids.has(id))?.id ?? this.readers[0]?.id ?? 'r1'
  }

  get state(): SessionState {
    const { first, last } = this.happenings
    return {
      ...{ id: this.id, name: this.name, clock: this.virtual ? 'virtual' : 'system', created: this.created.toISOString(), at: this.at() },
      ...{ ttl: this.ttl, seed: this.seed, acquirer: this.#bank.host.url },
      ...{
        readers: [...this.#readers.keys()],
        cards: this.shelf.cards.length,
        apps: [...(this.#apps?.ids ?? [])],
        events: { first, last },
      },
    }
  }

  /** The first line of its trace. */
  get header(): object {
    return this.#headerOf()
  }

  /** Of one reader, or of the first; one that is there keeps its own configuration, and its chance is no matter of the seed. */
  #headerOf(id?: string): object {
    const reader = id === undefined ? this.readers[0] : this.reader(id)
    const { family, dialect, serial } = reader?.state ?? {}
    const subject = {
      ...(family && { reader: { family, ...(dialect && { dialect }), ...(serial && { serial }) } }),
      ...{ configuration: reader instanceof BenchReader ? reader.configuration : null, seed: this.seed },
    }
    return { ...headerOf(subject, this.clock), start: new Date(this.#start.now).toISOString() }
  }

  get file(): CounterFile {
    return fileOf(this)
  }

  /** Everything in it ends; who listens hears that nothing follows. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    if (this.#apps) await this.settle(this.#apps.close())
    for (const reader of this.readers) await this.settle(reader.close())
    for (const card of this.shelf.cards) card.stop()
    await this.#bank?.close()
    this.#teller.stop()
    for (const tracer of this.#tracers.values()) tracer.close()
    this.tell('session', this.id, null)
    this.happenings.end()
  }
}

/** @throws Fault as what stands at it */
export async function openSession(id: string, input: SessionInput): Promise<Session> {
  const session = new Session(id, input)
  try {
    await session.furnish(input.counter as CounterFile | undefined)
  } catch (error) {
    await session.close()
    throw error
  }
  return session
}
