/** A phone as a terminal (SoftPOS) at the bench: its own field and screen, the kernels in it, and a PIN that is typed on its screen. */

import type { z } from 'zod'
import { openSoftPos } from '../../../devices/index.ts'
import { formatAmount } from '../../../src/currency.ts'
import type { UiStatus } from '../../../src/emv/contactless/outcome.ts'
import { contactlessFor } from '../../../src/emv/contactless/profiles.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import type { Language } from '../../../src/messages/messages.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { Body, type BodyEvent } from '../../readers/body/body.ts'
import { virtualNfc } from '../../readers/body/nfc.ts'
import type { Key, Light } from '../../readers/body/senses.ts'
import { pinKeysOf, pinPrompts, typePin, withoutCommands } from '../../scenario/over/slot.ts'
import { virtualConfig } from '../../virtual-reader.ts'
import type { PersonInput, softPosInput } from '../schema/reader.ts'
import type { ReaderState } from '../schema/types.ts'
import { type AnyReader, untilShown, type Wanted } from './any-reader.ts'
import { Hands } from './hands.ts'
import { type Place, Teller } from './place.ts'
import type { Shelf } from './shelf.ts'

export type SoftPosInput = z.output<typeof softPosInput>

/** Milliseconds that a result stays on the screen. */
const RESULT_TIME = 1500
/** As its provider names the first one. */
const SERIAL = 'SOFTPOS00000001'

/** What the kernel wants to be seen (EMV Contactless Book A, 9.2). */
const lights: Partial<Record<UiStatus, Light>> = {
  ...{ notReady: 'off', idle: 'off', readyToRead: 'waiting' },
  ...{ cardReadSuccessfully: 'ok', processingError: 'error', collision: 'error' },
}

export class SoftPosPhone implements AnyReader {
  readonly id: string
  readonly input: SoftPosInput
  readonly body: Body
  readonly serial: string
  readonly #place: Place
  readonly #hands: Hands
  readonly #teller: Teller
  readonly #keys: ReturnType<typeof pinKeysOf>
  #reader!: Reader
  #lent = false
  #sound: ReaderState['sound']
  #rest = () => {}

  /** Use `openSoftPosPhone`. */
  constructor(place: Place, shelf: Shelf, id: string, input: SoftPosInput, language: Language) {
    this.id = id
    this.input = input
    this.serial = input.serial ?? SERIAL
    this.#place = place
    this.body = new Body({ clock: place.clock, language: input.language ?? language, tracer: withoutCommands(place.tracer(id)) })
    this.#hands = new Hands(id, this.body, shelf)
    this.#teller = new Teller(
      () => this.state,
      state => place.tell('reader', id, state),
    )
    this.#keys = pinKeysOf(this.#random)
    this.body.on(event => this.#see(event))
  }

  get #random(): ReturnType<Place['random']> {
    return this.#place.random(0x736f6674 + Number(this.id.replace(/\D/g, '')))
  }

  /** Entry Point and kernels over its field. */
  async open(): Promise<void> {
    const { clock } = this.#place
    this.#reader = await openSoftPos({
      channel: { ...virtualNfc(this.body), model: 'SoftPOS' },
      serial: this.serial,
      config: virtualConfig(this.serial),
      contactless: contactlessFor('RUB'),
      ...{ clock, tracer: this.#place.tracer(this.id), onUi: ({ status }) => this.#shine(status) },
      kernel: { random: this.#random },
    })
    void this.#watch().catch(() => {}) // its end is told by who works with it
    this.#tell()
  }

  async #watch(): Promise<void> {
    // PIN prompts come with the keys behind them.
    for await (const event of this.#reader.events)
      if (event.type === 'display' && !pinPrompts.includes(event.message)) this.#show(event.message)
  }

  #amount: readonly string[] = []

  #show(message: Parameters<Body['show']>[0]): void {
    this.body.show(message, ...(message === 'reader.presentCard' || message === 'reader.tapCard' ? this.#amount : []))
  }

  #shine(status: UiStatus): void {
    const light = lights[status]
    if (light === 'ok' || light === 'error') this.body.sound(light)
    if (light) this.body.shine(light)
  }

  #see(event: BodyEvent): void {
    if (event.type === 'sound') this.#sound = { sound: event.sound, at: this.#place.at() }
    this.#hands.see(event)
    this.#tell()
  }

  #tell(): void {
    this.#teller.soon()
  }

  /** For the app on it: its reader, which is not closed with the app. @throws Fault `busy` while another has it */
  lend(): Reader {
    if (this.#lent) throw new Fault('busy', `an app has the field of ${this.id}`, { field: 'reader', value: this.id })
    this.#lent = true
    this.#tell()
    const reader = this.#reader
    const back = async () => {
      this.#lent = false
      this.#tell()
    }
    return {
      ...{ info: reader.info, events: reader.events, status: options => reader.status(options) },
      transact: (transaction, terminal, options) => this.#pay(transaction, terminal, options),
      openCard: options => reader.openCard!(options),
      close: back,
      [Symbol.asyncDispose]: back,
    }
  }

  /** With a PIN entry of its own, on its screen. */
  async #pay(transaction: Transaction, terminal: Terminal, options?: Parameters<Reader['transact']>[2]) {
    this.#rest()
    this.#amount = [`${formatAmount(transaction.amount, transaction.currency)} ${transaction.currency.alpha}`]
    try {
      const own: Terminal = { ...terminal, enterPin: (request, waiting) => typePin(this.body, this.#keys, request, waiting) }
      return await this.#reader.transact(transaction, own, options)
    } finally {
      this.body.shine('off')
      this.#rest = this.#place.clock.timer(RESULT_TIME, () => this.body.show('reader.idle'))
    }
  }

  // — what a person does —

  press(keys: readonly Key[]): void {
    this.body.press(...keys)
    this.#tell()
  }

  insert(): void {
    this.#cannot('slot')
  }

  pull(): void {}

  /** With what else is in its wallet. @throws Fault `busy` where it is elsewhere */
  tap(card: string): void {
    this.#hands.tap(card)
  }

  leave(card?: string): void {
    this.#hands.leave(card)
  }

  swipe(): void {
    this.#cannot('swipe')
  }

  switch(): void {
    this.#cannot('switch')
  }

  plug(): void {
    this.#cannot('charger')
  }

  charge(): void {
    this.#cannot('battery')
  }

  tamper(): void {
    this.#cannot('tamper')
  }

  range(): void {
    this.#cannot('range')
  }

  knob(): void {
    this.#cannot('knob')
  }

  /** @throws Fault `unsupported` */
  #cannot(feature: string): never {
    throw new Fault('unsupported', `${this.id} is a phone: it has a field and a screen, and no ${feature}`, { feature, field: feature })
  }

  setPerson(input: PersonInput | undefined): void {
    this.#hands.setPerson(input)
    this.#tell()
  }

  get personInput(): PersonInput | undefined {
    return this.#hands.personInput
  }

  // — what can be seen —

  async until(wanted: Wanted, signal: AbortSignal): Promise<ReaderState> {
    const { body } = this
    await untilShown(this.#place, this.id, wanted, signal, {
      look: () => ({ screen: { ...body.screen, lines: [...body.screen.lines] }, light: body.light }),
      on: listener => body.on(listener),
    })
    return this.state
  }

  get state(): ReaderState {
    const { body } = this
    const { lines, message, at } = body.screen
    return {
      ...{ id: this.id, real: false, family: 'softpos', model: 'SoftPOS', serial: this.serial },
      screen: { lines: [...lines], ...(message && { message }), at: this.#place.at(at) },
      light: body.light,
      ...(this.#sound && { sound: this.#sound }),
      ...this.#hands.held,
      ...{ battery: {}, on: true, tampered: false, keypad: body.keypadRead, pinPad: true },
      ...{ connected: this.#lent ? 'app' : 'none', person: this.personInput !== undefined, knobs: {} },
    }
  }

  async close(): Promise<void> {
    this.#rest()
    this.#hands.close()
    this.#teller.stop()
    await this.#reader.close()
  }
}

/** @throws Fault as of `openSoftPos` */
export async function openSoftPosPhone(
  place: Place,
  shelf: Shelf,
  id: string,
  input: SoftPosInput,
  language: Language,
): Promise<SoftPosPhone> {
  const phone = new SoftPosPhone(place, shelf, id, input, language)
  await phone.open()
  return phone
}
