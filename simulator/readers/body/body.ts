/** The body of a virtual reader: what a person touches and sees. Slot, antenna, stripe, keypad, display, buzzer, lights, battery, switch. */

import type { Clock, Limit } from '../../../src/clock.ts'
import { systemClock } from '../../../src/clock.ts'
import * as door from '../../../src/door.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { CardInterface } from '../../../src/emv/outcome.ts'
import { Fault } from '../../../src/errors.ts'
import type { Language, MessageId } from '../../../src/messages/messages.ts'
import { message } from '../../../src/messages/messages.ts'
import { Queue } from '../../../src/queue.ts'
import { KernelTrace } from '../../../src/reader/kernel-trace.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import type { Battery, BodyEvent, Key, Light, PlasticCard, Presented, Screen, Signal, Sound } from './senses.ts'
import { BodyMemory, tellKey, toldOf } from './told-body.ts'

export * from './senses.ts'

/** Where a card is, and what ends when it goes. */
interface Place {
  readonly card: PlasticCard
  readonly gone: AbortController
  apdus: number
  /** It was powered: a further payment wants it presented anew. */
  used: boolean
  /** The chip is at the other end: no contact reaches it. */
  readonly wrongWay?: boolean
  /** What ends a command here that was sent with the signal `of`: the commands of one transaction have the same. */
  ends?: { readonly of: AbortSignal; readonly either: AbortSignal }
}

/** How a body is made. */
export interface BodyOptions {
  /** The system's when left out. */
  readonly clock?: Clock
  /** Of its display; `en` when left out. */
  readonly language?: Language
  /** 80 % off the charger when left out. */
  readonly battery?: Partial<Battery>
  /** How many screens and log lines are remembered; 500 when left out. */
  readonly memory?: number
  /** Is told of all that happens to it, keys too, and of commands to cards. */
  readonly tracer?: Tracer
}

/** For doors: a Body, whatever made it. */
export const bodyRule: door.Rule = door.having('a Body', 'on', 'insert')

/** A lithium cell's voltage is not linear; what a display of volts needs is only that it falls: 3300 mV empty, 4200 mV full. */
function cellVoltage(percent: number): number {
  return 3300 + Math.round(percent * 9)
}

/** Who waits is told once: kernel, firmware and host each say it, and the display does not change. What asks for something asks anew each time. */
const waits: readonly (MessageId | undefined)[] = ['reader.processing', 'reader.authorising']

function stands(screen: Screen | undefined, lines: readonly string[], id: MessageId | undefined): boolean {
  return waits.includes(id) && screen?.message === id && screen?.lines.join('\n') === lines.join('\n')
}

/** A reader as a person meets it: what they can do to it, and what they see and hear of it. The firmware works on the other side of it. */
export class Body {
  /** By which it is timed. */
  readonly clock: Clock
  /** Of its display, from the next message on. */
  language: Language
  /** Of what the firmware does with a card; left out where nobody is told. */
  readonly trace: KernelTrace | undefined
  readonly #tracer: Tracer | undefined
  readonly #seen: BodyMemory
  readonly #listeners = new Set<(event: BodyEvent) => void>()
  #battery: Battery
  #on = true
  #tampered = false
  #slot: Place | undefined
  /** More than one is a collision. */
  #field: Place[] = []
  #keypad: Queue<Key> | undefined
  #light: Light = 'off'

  /** It is switched on, and shows that it is idle. */
  constructor(options: BodyOptions = {}) {
    this.clock = options.clock ?? systemClock
    this.language = options.language ?? 'en'
    this.#seen = new BodyMemory(options.memory ?? 500)
    this.#tracer = options.tracer
    this.trace = options.tracer && new KernelTrace(options.tracer, 'reader')
    const percent = options.battery?.percent ?? 80
    this.#battery = { percent, millivolts: cellVoltage(percent), charging: false, ...options.battery }
    this.show('reader.idle')
  }

  /** Calls `listener` for all that happens from now on; the returned function ends it. */
  on(listener: (event: BodyEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What happens is told once: a trace hears it, what can be seen of it later is a view of the same, and so does who listens. */
  #emit(event: BodyEvent): void {
    const told = toldOf(event)
    if (told) {
      this.#seen.keep(this.clock.now(), told[1])
      this.#tracer?.tell(...told)
    }
    for (const listener of [...this.#listeners]) listener(event)
  }

  // — what a person does —

  /** `wrongWay`: upside down or back to front. @throws Fault `busy` when a card is in the slot */
  insert(card: PlasticCard, { wrongWay = false }: { readonly wrongWay?: boolean } = {}): void {
    if (this.#slot) throw new Fault('busy', 'a card is in the slot')
    this.#slot = { card, gone: new AbortController(), apdus: 0, used: false, wrongWay }
    this.#emit({ type: 'card', event: 'inserted' })
  }

  /** Takes the card out of the slot, whatever the reader is doing with it. */
  pull(): void {
    const place = this.#slot
    if (!place) return
    this.#slot = undefined
    place.gone.abort(new Fault('card-removed', 'the card was pulled out of the slot'))
    this.#emit({ type: 'card', event: 'removed' })
  }

  /** Several cards may be in the field, and collide there. @throws Fault `busy` when this one is there already */
  tap(card: PlasticCard): void {
    if (this.#field.some(place => place.card === card)) throw new Fault('busy', 'the card is in the field')
    this.#field.push({ card, gone: new AbortController(), apdus: 0, used: false })
    this.#emit({ type: 'card', event: 'tapped' })
  }

  /** Takes a card out of the field; all of them when none is named. */
  leave(card?: PlasticCard): void {
    const leaving = this.#field.filter(place => card === undefined || place.card === card)
    this.#field = this.#field.filter(place => !leaving.includes(place))
    for (const place of leaving) {
      place.gone.abort(new Fault('card-removed', 'the card has left the field'))
      this.#emit({ type: 'card', event: 'left' })
    }
  }

  /** Draws a card's stripe through the reader. What is not read at this moment is lost. */
  swipe(card: PlasticCard): void {
    this.#swiped?.({ interface: 'swipe', tracks: card.stripe ?? {} })
    this.#emit({ type: 'card', event: 'swiped' })
  }
  #swiped: ((presented: Presented) => void) | undefined

  /** A key that nobody waits for does nothing. */
  press(...pressed: readonly Key[]): void {
    for (const key of pressed) {
      if (!this.#on || !this.#keypad) continue
      if (this.#tracer) tellKey(this.#tracer, key)
      this.#keypad.push(key)
    }
  }

  /** The charger in, or out. */
  plug(charging = true): void {
    this.setBattery({ charging })
  }

  /** It goes dark, and its connection ends. */
  switchOff(): void {
    if (!this.#on) return
    this.#on = false
    this.#place([])
    this.#emit({ type: 'power', on: false })
  }

  /** Unless the battery is empty and the charger is out. */
  switchOn(): void {
    if (this.#on || (this.#battery.percent === 0 && !this.#battery.charging)) return
    this.#on = true
    this.#emit({ type: 'power', on: true })
    this.show('reader.idle')
  }

  /** Opens the case: the reader has lost its keys and says so ever after. */
  tamper(): void {
    this.#tampered = true
    this.#emit({ type: 'tamper' })
  }

  // — what can be seen —

  /** What the display shows now. */
  get screen(): Screen {
    return this.#seen.screen!
  }

  /** All screens so far, oldest first. */
  get screens(): readonly Screen[] {
    return this.#seen.screens
  }

  /** Sounds and lights so far, oldest first. */
  get signals(): readonly Signal[] {
    return this.#seen.signals
  }

  /** What the lights show now. */
  get light(): Light {
    return this.#light
  }

  /** How it stands with the battery; see `setBattery`. */
  get battery(): Battery {
    return this.#battery
  }

  /** It is switched on. */
  get isOn(): boolean {
    return this.#on
  }

  /** It was opened, and has lost its keys. */
  get tampered(): boolean {
    return this.#tampered
  }

  /** What is in the slot, as it was put in; undefined where nothing is. */
  get inSlot(): PlasticCard | undefined {
    return this.#slot?.card
  }

  /** What is held to the antenna, in the order in which it came. */
  get inField(): readonly PlasticCard[] {
    return this.#field.map(({ card }) => card)
  }

  /** Somebody reads the keypad: keys do something. */
  get keypadRead(): boolean {
    return this.#keypad !== undefined
  }

  /** A card is in the slot, whether it works or not. */
  get cardInSlot(): boolean {
    return this.#slot !== undefined
  }

  /** How many are held to the antenna. */
  get cardsInField(): number {
    return this.#field.length
  }

  /** A card in the field has not been worked with yet. */
  get freshTap(): boolean {
    return this.#field.some(({ used }) => !used)
  }

  /** The card in the slot has been worked with already. */
  get cardUsed(): boolean {
    return this.#slot?.used ?? false
  }

  // — what the world does to it, and what the firmware does with it —

  /** The card in the slot counts as presented once more. */
  reuseCard(): void {
    if (this.#slot) this.#slot.used = false
  }

  /** The field was off for a while: a card that stayed in it begins anew. */
  reuseField(): void {
    for (const place of this.#field) place.used = false
  }

  /** Millivolts follow percent unless given. At 0 % off the charger the reader goes dark. */
  setBattery(change: Partial<Battery>): void {
    const millivolts = change.percent === undefined ? this.#battery.millivolts : cellVoltage(change.percent)
    this.#battery = { ...this.#battery, millivolts, ...change }
    this.#emit({ type: 'battery', battery: this.#battery })
    if (this.#battery.percent === 0 && !this.#battery.charging) this.switchOff()
  }

  /** Shows a message in the reader's language, with further lines below it. */
  show(id: MessageId, ...more: readonly string[]): void {
    this.#place([message(id, this.language), ...more], id)
  }

  /** Shows text as the host gave it. */
  showText(...lines: readonly string[]): void {
    this.#place(lines)
  }

  #place(lines: readonly string[], id?: MessageId): void {
    if (stands(this.#seen.screen, lines, id)) return
    const screen: Screen = { at: this.clock.now(), message: id, lines }
    this.#emit({ type: 'display', screen })
  }

  /** Plays it. */
  sound(sound: Sound): void {
    this.#emit({ type: 'sound', sound })
  }

  /** Lights them so until the next call. */
  shine(light: Light): void {
    if (light === this.#light) return
    this.#light = light
    this.#emit({ type: 'light', light })
  }

  /**
   * The keys pressed from now until `close`; what was pressed before is not there.
   * @throws Fault `busy` when somebody reads the keypad
   */
  keypad(): { next(limit?: Limit): Promise<Key>; close(): void } {
    if (this.#keypad) throw new Fault('busy', 'the keypad is being read')
    const queue = new Queue<Key>()
    this.#keypad = queue
    return {
      next: async limit => {
        const key = await queue.next({ clock: this.clock, what: 'a key', ...limit })
        if (key === undefined) throw new Fault('internal', 'the keypad was closed while it was read')
        return key
      },
      close: () => {
        if (this.#keypad === queue) this.#keypad = undefined
        queue.end()
      },
    }
  }

  /** The next card over one of `interfaces`; one that was inserted before counts, unless it is used. @throws Fault `timeout`, `aborted` */
  async nextCard(interfaces: readonly CardInterface[], limit: Limit = {}): Promise<Presented> {
    if (this.#slot && !this.#slot.used && interfaces.includes('chip')) return { interface: 'chip' }
    if (this.freshTap && interfaces.includes('tap')) return { interface: 'tap' }
    const found = new Queue<Presented>()
    const stop = this.on(event => {
      if (event.type !== 'card') return
      if (event.event === 'inserted' && interfaces.includes('chip')) found.push({ interface: 'chip' })
      if (event.event === 'tapped' && interfaces.includes('tap')) found.push({ interface: 'tap' })
    })
    if (interfaces.includes('swipe')) this.#swiped = presented => found.push(presented)
    try {
      const presented = await found.next({ clock: this.clock, what: 'a card', ...limit })
      return presented!
    } finally {
      stop()
      this.#swiped = undefined
    }
  }

  /** Fires with Fault `card-removed` when the card goes; already fired where there is none. */
  cardGone(where: 'chip' | 'tap'): AbortSignal {
    return (where === 'chip' ? this.#slot : this.#field[0])?.gone.signal ?? AbortSignal.abort(new Fault('card-removed', 'there is no card'))
  }

  /** Resets the card there and gives its interface. @throws Fault `card-removed`, `card-mute` (no chip, one that does not answer to reset, or at the other end of the card) */
  powerOn(where: 'chip' | 'tap'): Card {
    const place = where === 'chip' ? this.#slot : this.#field[0]
    if (!place) throw new Fault('card-removed', 'there is no card')
    place.used = true
    if (place.wrongWay) throw new Fault('card-mute', 'the card is in the slot the wrong way round')
    const power = { clock: this.clock }
    const card = where === 'chip' ? place.card.contact?.(power) : place.card.contactless?.(power)
    if (!card) throw new Fault('card-mute', where === 'chip' ? 'the card has no chip' : 'the card has no antenna')
    return {
      interface: card.interface,
      atr: card.atr,
      transmit: (apdu, options) => {
        const send = () => this.#transmit(where, place, card, apdu, options?.signal)
        return this.trace ? this.trace.command(card.interface, apdu, send) : send()
      },
    }
  }

  /** One command. When the card goes before the answer is there, the answer is lost, as it is for a reader. */
  async #transmit(where: 'chip' | 'tap', place: Place, card: Card, apdu: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const gone = place.gone.signal
    if (gone.aborted) throw gone.reason
    if (signal && place.ends?.of !== signal) place.ends = { of: signal, either: AbortSignal.any([signal, gone]) }
    const ends = signal ? place.ends!.either : gone
    let lost: (() => void) | undefined
    const removed = new Promise<never>((_, reject) => {
      lost = () => reject(gone.reason)
      gone.addEventListener('abort', lost, { once: true })
    })
    removed.catch(() => {})
    try {
      const answer = card.transmit(apdu, { signal: ends })
      answer.catch(() => {}) // when the card is pulled, nobody else looks at it
      this.#emit({ type: 'apdu', where, count: ++place.apdus, instruction: apdu[1] })
      return await Promise.race([removed, answer])
    } finally {
      gone.removeEventListener('abort', lost!)
    }
  }
}
