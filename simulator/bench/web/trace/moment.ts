/** What a trace says of the readers at one moment: their screens and lights as they were. */

import type { TraceEvent } from '../../../../src/trace/event.ts'
import type { Past } from '../readers/reader.tsx'

const blank: Past = { lines: [], light: 'off', on: true, slot: false, field: false }

function after(now: Past, event: TraceEvent): Past {
  switch (event.kind) {
    case 'screen':
      return { ...now, lines: event.lines }
    case 'light':
      return { ...now, light: event.light as Past['light'] }
    case 'card':
      if (event.event === 'inserted' || event.event === 'removed') return { ...now, slot: event.event === 'inserted' }
      if (event.event === 'tapped' || event.event === 'left') return { ...now, field: event.event === 'tapped' }
      return now
    case 'reader': {
      const content = typeof event.content === 'object' && event.content !== null && !Array.isArray(event.content) ? event.content : {}
      const on = (content as Readonly<Record<string, unknown>>).on
      return event.event === 'power' && typeof on === 'boolean' ? { ...now, on } : now
    }
    default:
      return now
  }
}

/** Each reader as it was after the event at `place`; events of no reader in particular are of `only`. */
export function momentAt(
  events: readonly TraceEvent[],
  place: number,
  readerOf: (event: TraceEvent) => string | undefined,
  only: string | undefined,
): ReadonlyMap<string, Past> {
  const found = new Map<string, Past>()
  for (let at = 0; at <= place && at < events.length; at++) {
    const reader = readerOf(events[at]) ?? only
    if (reader !== undefined) found.set(reader, after(found.get(reader) ?? blank, events[at]))
  }
  return found
}
