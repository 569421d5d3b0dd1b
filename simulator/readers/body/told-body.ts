/** What happens to a body, as a trace has it. */

import type { Told, Tracer, TraceSource } from '../../../src/trace/event.ts'
import type { BodyEvent, Key } from './senses.ts'

/** Tells an event; commands to the card are told with their answers, by who sends them. */
export function tellBody(tracer: Tracer, event: BodyEvent): void {
  const told = toldOf(event)
  if (told) tracer.tell(...told)
}

function toldOf(event: BodyEvent): [TraceSource, Told] | undefined {
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
