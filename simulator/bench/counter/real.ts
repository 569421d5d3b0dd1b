/** A reader that is there, opened by its URI: its messages, status and payments beside the virtual ones, and a word for the person at it where a virtual one would be touched. */

import { open } from '../../../devices/index.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { type Language, type MessageId, message } from '../../../src/messages/messages.ts'
import type { Reader, ReaderEvent, ReaderStatus } from '../../../src/reader/reader.ts'
import type { Key } from '../../readers/body/senses.ts'
import type { PersonInput } from '../schema/reader.ts'
import type { ReaderState } from '../schema/types.ts'
import { type AnyReader, untilShown, type Wanted } from './any-reader.ts'
import { type Place, Teller } from './place.ts'
import type { Shelf } from './shelf.ts'

/** What a real reader is opened with, beside its URI. */
export interface RealOptions {
  readonly id: string
  readonly uri: string
  readonly language: Language
}

export class RealReader implements AnyReader {
  readonly id: string
  readonly input: { readonly uri: string }
  readonly reader: Reader
  readonly #place: Place
  readonly #shelf: Shelf
  readonly #language: Language
  readonly #teller: Teller
  readonly #listeners = new Set<() => void>()
  #screen: ReaderState['screen']
  #light: ReaderState['light'] = 'off'
  #battery: ReaderState['battery'] = {}
  #on = true
  #app = false
  #todo: string | undefined
  #fault: string | undefined

  /** Use `openReal`. */
  constructor(place: Place, shelf: Shelf, { id, uri, language }: RealOptions, reader: Reader, status: ReaderStatus) {
    this.id = id
    this.input = { uri }
    this.reader = reader
    this.#place = place
    this.#shelf = shelf
    this.#language = language
    this.#screen = { lines: [], at: place.at() }
    this.#battery = batteryOf(status)
    this.#teller = new Teller(
      () => this.state,
      state => place.tell('reader', id, state),
    )
    void this.#watch().catch(() => {})
    this.#tell()
  }

  async #watch(): Promise<void> {
    for await (const event of this.reader.events) this.#see(event)
    if (this.#on) this.#lost(new Fault('link-closed', 'the line is closed'))
  }

  #see(event: ReaderEvent): void {
    switch (event.type) {
      case 'display':
        this.#show(event.message)
        break
      case 'pin':
        if (event.event === 'digit') this.#show('reader.enterPin', '*'.repeat(event.digits ?? 0))
        break
      case 'card':
        this.#todo = undefined
        break
      case 'battery':
        if (event.percent !== undefined) this.#battery = { ...this.#battery, percent: event.percent }
        break
      case 'state':
        if (event.state === 'disconnected') this.#lost(new Fault('link-closed', 'the reader is disconnected'))
        break
      default:
    }
    this.#tell()
  }

  #show(id: MessageId, ...more: readonly string[]): void {
    this.#screen = { lines: [message(id, this.#language), ...more], message: id, at: this.#place.at() }
    if (id === 'reader.approved' || id === 'reader.approvedSign') this.#light = 'ok'
    else if (id === 'reader.declined' || id === 'reader.cancelled') this.#light = 'error'
    else this.#light = id === 'reader.idle' ? 'off' : 'waiting'
  }

  #lost(fault: Fault): void {
    this.#on = false
    this.#fault = fault.message
    this.#tell()
  }

  #tell(): void {
    this.#teller.soon()
    for (const listener of [...this.#listeners]) listener()
  }

  /** For an app of the bench: the same reader, which is not closed with the app. @throws Fault `busy` while another app has it, `link-closed` */
  lend(): Reader {
    if (!this.#on) throw new Fault('link-closed', this.#fault ?? 'the reader is gone', { uri: this.input.uri })
    if (this.#app) throw new Fault('busy', `an app has reader ${this.id}`, { field: 'reader', value: this.id })
    this.#app = true
    this.#tell()
    const { reader } = this
    const back = async () => {
      this.#app = false
      this.#tell()
    }
    return {
      info: reader.info,
      status: options => this.#asked(options),
      events: reader.events,
      transact: (...asked) => reader.transact(...asked),
      ...(reader.openCard && { openCard: options => reader.openCard!(options) }),
      ...(reader.updateFirmware && { updateFirmware: (...asked) => reader.updateFirmware!(...asked) }),
      close: back,
      [Symbol.asyncDispose]: back,
    }
  }

  async #asked(options?: Parameters<Reader['status']>[0]): Promise<ReaderStatus> {
    const status = await this.reader.status(options)
    this.#battery = batteryOf(status)
    this.#tell()
    return status
  }

  // — what a person is to do: nobody else can —

  #lead(id: MessageId, params: Readonly<Record<string, string>> = {}): void {
    this.#todo = message(id, this.#language, params)
    this.#tell()
  }

  #label(card: string): { readonly card: string } {
    const { label, profile } = this.#shelf.card(card).state
    return { card: label || profile }
  }

  press(keys: readonly Key[]): void {
    const pressed = keys.map(key => (/^\d$/.test(key) ? '*' : key.toUpperCase())).join(' ')
    this.#lead('bench.todo.press', { keys: pressed })
  }

  insert(card: string, wrongWay = false): void {
    this.#lead(wrongWay ? 'bench.todo.insertWrong' : 'bench.todo.insert', this.#label(card))
  }

  pull(): void {
    this.#lead('bench.todo.pull')
  }

  tap(card: string): void {
    this.#lead('bench.todo.tap', this.#label(card))
  }

  leave(): void {
    this.#lead('bench.todo.leave')
  }

  swipe(card: string): void {
    this.#lead('bench.todo.swipe', this.#label(card))
  }

  switch(on: boolean): void {
    this.#lead(on ? 'bench.todo.on' : 'bench.todo.off')
  }

  plug(charging: boolean): void {
    this.#lead(charging ? 'bench.todo.plug' : 'bench.todo.unplug')
  }

  charge(): void {
    this.#cannot('battery')
  }

  tamper(): void {
    this.#cannot('tamper')
  }

  range(inRange: boolean): void {
    this.#lead(inRange ? 'bench.todo.near' : 'bench.todo.far')
  }

  knob(): void {
    this.#cannot('knob')
  }

  setPerson(input: PersonInput | undefined): void {
    if (input) this.#cannot('person')
  }

  /** @throws Fault `unsupported` */
  #cannot(feature: string): never {
    throw new Fault('unsupported', `reader ${this.id} is there: it has no ${feature} to be turned from here`, { feature, field: feature })
  }

  // — what can be seen —

  async until(wanted: Wanted, signal: AbortSignal): Promise<ReaderState> {
    await untilShown(this.#place, this.id, wanted, signal, {
      look: () => ({ screen: this.#screen, light: this.#light }),
      on: listener => {
        this.#listeners.add(listener)
        return () => this.#listeners.delete(listener)
      },
    })
    return this.state
  }

  get state(): ReaderState {
    const { info } = this.reader
    return {
      ...{ id: this.id, real: true, family: info.family, model: info.model ?? info.family, serial: info.serial ?? '', uri: this.input.uri },
      ...{ screen: this.#screen, light: this.#light, slot: null, field: [], battery: this.#battery, on: this.#on, tampered: false },
      ...{ keypad: false, pinPad: info.capabilities.includes('pinPad'), connected: this.#app ? 'app' : 'none', person: false, knobs: {} },
      ...(info.firmware !== undefined && { firmware: info.firmware }),
      ...(this.#todo !== undefined && { todo: this.#todo }),
      ...(this.#fault !== undefined && { fault: this.#fault }),
    }
  }

  async close(): Promise<void> {
    this.#on = false
    this.#teller.stop()
    await this.reader.close()
  }
}

function batteryOf({ battery = {} }: ReaderStatus): ReaderState['battery'] {
  return { ...battery }
}

/** @throws Fault as of `open`; `unsupported` where time is not the system's */
export async function openReal(place: Place, shelf: Shelf, options: RealOptions): Promise<RealReader> {
  if (place.virtual)
    throw new Fault('unsupported', 'a reader that is there knows no virtual time', {
      feature: 'real-readers',
      field: 'uri',
      rule: 'clock: system',
    })
  const reader = await open(options.uri, { tracer: place.tracer(options.id) })
  const status = await reader.status().catch(error => {
    if (isFault(error)) return {}
    throw error
  })
  return new RealReader(place, shelf, options, reader, status)
}
