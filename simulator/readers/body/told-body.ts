/** What happens to a body, as a trace has it; and what can be seen of it later, which is the same. */

import type { Told, Tracer, TraceSource } from '../../../src/trace/event.ts'
import type { BodyEvent, Key, Screen, Signal } from './senses.ts'

type Seen = Extract<Told, { readonly kind: 'screen' | 'sound' | 'light' }>

/** What was told of display, buzzer and lights, before anything is masked: whoever stands there sees it so. Screens and signals are views of it. */
export class BodyMemory {
  readonly #most: number
  readonly #screens: { readonly at: number; readonly told: Extract<Seen, { kind: 'screen' }> }[] = []
  readonly #signals: { readonly at: number; readonly told: Exclude<Seen, { kind: 'screen' }> }[] = []

  /** @param most of screens, and of the others */
  constructor(most: number) {
    this.#most = most
  }

  keep(at: number, told: Told): void {
    if (told.kind === 'screen') this.#put(this.#screens, { at, told })
    else if (told.kind === 'sound' || told.kind === 'light') this.#put(this.#signals, { at, told })
  }

  #put<T>(all: T[], one: T): void {
    all.push(one)
    if (all.length > this.#most) all.shift()
  }

  get screen(): Screen | undefined {
    const last = this.#screens.at(-1)
    return last && screenOf(last)
  }

  get screens(): Screen[] {
    return this.#screens.map(screenOf)
  }

  get signals(): Signal[] {
    return this.#signals.map(({ at, told }) => ({
      at,
      what: (told.kind === 'sound' ? `sound:${told.sound}` : `light:${told.light}`) as Signal['what'],
    }))
  }
}

function screenOf({ at, told: { message, lines } }: { readonly at: number; readonly told: Extract<Seen, { kind: 'screen' }> }): Screen {
  return { at, message: message as Screen['message'], lines }
}

/** An event as it is told; commands to the card are told with their answers, by who sends them. */
export function toldOf(event: BodyEvent): [TraceSource, Told] | undefined {
  switch (event.type) {
    case 'display': {
      const { lines, message } = event.screen
      return ['reader', { kind: 'screen', lines, ...(message !== undefined && { message }) }]
    }
    case 'card':
      return ['person', { kind: 'card', event: event.event }]
    case 'sound':
      return ['reader', { kind: 'sound', sound: event.sound }]
    case 'light':
      return ['reader', { kind: 'light', light: event.light }]
    case 'battery':
      return ['reader', { kind: 'reader', event: 'battery', content: event.battery }]
    case 'power':
      return ['reader', { kind: 'reader', event: event.on ? 'switchedOn' : 'switchedOff' }]
    case 'tamper':
      return ['reader', { kind: 'reader', event: 'tampered' }]
    case 'apdu':
      return undefined
  }
}

/** A key that somebody reads. */
export function tellKey(tracer: Tracer, key: Key): void {
  tracer.tell('person', { kind: 'key', key })
}
