/** A virtual reader of the bench: what a person does to it, what can be seen of it, and the lines that reach it. */

import type { z } from 'zod'
import { configurationDigest } from '../../../src/trace/digest.ts'
import type { Link } from '../../../src/transport/link.ts'
import { plugsOf, switchRadio } from '../../counter.ts'
import { toldLine } from '../../device-line.ts'
import { MemoryLine } from '../../memory-line.ts'
import type { BodyEvent, Key } from '../../readers/body/senses.ts'
import { virtualFamily } from '../../readers/index.ts'
import { turnKnob } from '../../readers/knobs.ts'
import { listen } from '../../readers/listen/listen.ts'
import type { Listening } from '../../readers/listen/listening.ts'
import type { VirtualReader } from '../../readers/reader.ts'
import { setUp, virtualReader } from '../../virtual-reader.ts'
import type { PersonInput, ReaderInput, virtualInput } from '../schema/reader.ts'
import type { ReaderState } from '../schema/types.ts'
import { type AnyReader, untilShown, type Wanted } from './any-reader.ts'
import { Hands, withoutUndefined } from './hands.ts'
import { type Place, Teller } from './place.ts'
import type { Shelf } from './shelf.ts'
import type { SoftPosInput } from './softpos.ts'

export type VirtualInput = z.output<typeof virtualInput>

/** Whether an input is of a reader that is there. */
export function isReal(input: ReaderInput): input is { readonly uri: string } {
  return 'uri' in input
}

/** Whether an input is of a phone as a terminal. */
export function isSoftPos(input: ReaderInput): input is SoftPosInput {
  return 'family' in input && input.family === 'softpos'
}

/** What each family's face is called. */
const models: Readonly<Record<string, string>> = {
  qpos: 'QPOS mini',
  bluepad: 'BluePad-50',
  miura: 'Miura M010',
  magtek: 'tDynamo',
  'magtek mms': 'DynaFlex',
  idtech: 'VP3300',
}

const places: Readonly<Record<Exclude<NonNullable<VirtualInput['listen']>, 'none'>, string>> = {
  tcp: 'tcp:0',
  pty: 'pty',
  ble: 'ble:0',
  hid: 'hid',
}

export class BenchReader implements AnyReader {
  readonly id: string
  readonly input: VirtualInput
  readonly reader: VirtualReader
  readonly #place: Place
  readonly #hands: Hands
  readonly #teller: Teller
  readonly #line: MemoryLine
  readonly #deaf: () => void
  #listening: Listening | undefined
  /** Links from other programs. */
  #outside = 0
  #sound: ReaderState['sound']
  #knobs: Record<string, string> = {}

  constructor(place: Place, shelf: Shelf, id: string, input: VirtualInput) {
    this.id = id
    this.input = input
    this.#place = place
    const { family, dialect, serial, language, battery, firmware, pinKeys, knobs = [], resultTime } = input
    const random = place.random(0x72656164 + Number(id.replace(/\D/g, '')))
    this.reader = virtualReader({
      ...{ family, clock: place.clock, tracer: place.tracer(id) },
      ...(dialect !== undefined && { dialect }),
      ...(serial !== undefined && { serial }),
      ...(language !== undefined && { language }),
      ...(battery !== undefined && { battery: typeof battery === 'number' ? { percent: battery } : withoutUndefined(battery) }),
      ...(pinKeys !== undefined && { pinKeys }),
      ...(resultTime !== undefined && { resultTime }),
      random,
    })
    this.#hands = new Hands(id, this.reader.body, shelf)
    this.#teller = new Teller(
      () => this.state,
      state => place.tell('reader', id, state),
    )
    this.#line = new MemoryLine(this.reader, { clock: place.clock, told: () => this.tell() })
    this.#deaf = this.reader.body.on(event => this.#see(event))
    if (firmware !== undefined) this.knob(`firmware ${firmware}`)
    for (const line of knobs) this.knob(line)
  }

  /** Puts it where other programs reach it. @throws Fault as `listen` */
  async open(): Promise<void> {
    const { listen: where = 'tcp', pairing: secure } = this.input
    const { ble, ...plugs } = plugsOf(this.reader)
    const all = { ...plugs, ...(ble && { ble: { ...ble, secure } }) }
    if (where !== 'none') this.#listening = await listen(places[where], link => this.#serve(link), all)
    switchRadio(this.reader, this.#listening)
    this.tell()
  }

  async #serve(link: Link): Promise<void> {
    const { family, dialect } = this.reader
    this.#outside++
    this.tell()
    try {
      await this.reader.serve(toldLine(link, { family, dialect }, this.#place.tracer(this.id)))
    } finally {
      this.#outside--
      this.tell()
    }
  }

  /** As a trace's header has it. */
  get configuration(): string {
    const { config, contactless } = setUp({ family: this.input.family, serial: this.reader.serial })
    return configurationDigest(config, contactless)
  }

  /** A new line to it in memory, for an app of the bench. @throws Fault `busy` */
  link(): Link {
    return this.#line.link()
  }

  #see(event: BodyEvent): void {
    if (event.type === 'sound') this.#sound = { sound: event.sound, at: this.#place.at() }
    this.#hands.see(event)
    this.tell()
  }

  tell(): void {
    this.#teller.soon()
  }

  // — what a person does —

  press(keys: readonly Key[]): void {
    this.reader.body.press(...keys)
    this.tell()
  }

  /** @throws Fault `busy` where a card is in the slot, or this one is elsewhere */
  insert(id: string, wrongWay = false): void {
    this.#hands.insert(id, wrongWay)
  }

  pull(): void {
    this.reader.body.pull()
  }

  /** With what else is in its wallet. @throws Fault `busy` where it is elsewhere */
  tap(id: string): void {
    this.#hands.tap(id)
  }

  leave(id?: string): void {
    this.#hands.leave(id)
  }

  /** @throws Fault `busy` where it is elsewhere */
  swipe(id: string): void {
    this.#hands.swipe(id)
  }

  switch(on: boolean): void {
    if (on) this.reader.body.switchOn()
    else this.reader.body.switchOff()
    this.tell()
  }

  plug(charging: boolean): void {
    this.reader.body.plug(charging)
  }

  charge(percent: number): void {
    this.reader.body.setBattery({ percent })
  }

  tamper(): void {
    this.reader.body.tamper()
  }

  /** @throws Fault `unsupported` for one that is on no air of the bench */
  range(inRange: boolean): void {
    this.knob(`range ${inRange ? 'in' : 'out'}`)
  }

  /** @throws Fault `bad-argument`, `unsupported` */
  knob(line: string): void {
    turnKnob({ reader: this.reader, radio: this.#listening?.radio }, line)
    const [name, value = ''] = line.trim().split(/\s+/)
    this.#knobs = { ...this.#knobs, [name]: value }
    this.#place.tracer(this.id).tell('person', { kind: 'reader', event: 'knob', content: { knob: name, value } })
    this.tell()
  }

  /** Somebody comes who does things by themselves; the one before leaves. */
  setPerson(input: PersonInput | undefined): void {
    this.#hands.setPerson(input)
    this.tell()
  }

  /** As the file of a counter has them. */
  get personInput(): PersonInput | undefined {
    return this.#hands.personInput
  }

  get knobs(): Readonly<Record<string, string>> {
    return this.#knobs
  }

  // — what can be seen —

  async until(wanted: Wanted, signal: AbortSignal): Promise<ReaderState> {
    const { body } = this.reader
    await untilShown(this.#place, this.id, wanted, signal, {
      look: () => ({ screen: { ...body.screen, lines: [...body.screen.lines] }, light: body.light }),
      on: listener => body.on(listener),
    })
    return this.state
  }

  get state(): ReaderState {
    const { reader } = this
    const { body, family, dialect, serial } = reader
    const { lines, message, at } = body.screen
    const { pinPad = [], dialects = [] } = virtualFamily(family)
    const spoken = dialect ?? dialects[0] ?? ''
    const { percent, millivolts, charging } = body.battery
    const { air, radio } = this.#listening ?? {}
    return {
      ...{
        id: this.id,
        real: false,
        family,
        ...(dialect && { dialect }),
        model: models[`${family} ${spoken}`] ?? models[family] ?? family,
        serial,
      },
      ...(this.uri !== undefined && { uri: this.uri }),
      ...(air !== undefined && { air }),
      screen: { lines: [...lines], ...(message && { message }), at: this.#place.at(at) },
      light: body.light,
      ...(this.#sound && { sound: this.#sound }),
      ...this.#hands.held,
      battery: { percent, millivolts, charging },
      ...{ on: body.isOn, tampered: body.tampered, ...(radio && { inRange: radio.inRange }) },
      ...{ keypad: body.keypadRead, pinPad: pinPad === true || pinPad.includes(spoken) },
      connected: this.#line.connected ? 'app' : this.#outside > 0 ? 'outside' : 'none',
      ...{ person: this.personInput !== undefined, knobs: this.#knobs, firmware: reader.firmware.condition.update.version },
    }
  }

  /** Where other programs reach it. */
  get uri(): string | undefined {
    if (!this.#listening) return undefined
    const { uri } = this.#listening
    const { family, dialect } = this.reader
    return `${uri}${uri.includes('?') ? '&' : '?'}family=${family}${dialect ? `&dialect=${dialect}` : ''}`
  }

  async close(): Promise<void> {
    this.#hands.close()
    this.#deaf()
    this.#teller.stop()
    await this.#listening?.close()
    await this.reader.close()
  }
}
