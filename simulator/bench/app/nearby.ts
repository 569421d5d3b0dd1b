/** Readers around a phone, for an app of the bench: those in memory, whose lines are handed out, and real ones by their addresses. */

import { open } from '../../../devices/index.ts'
import { type Clock, sleep } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import type { Tracer } from '../../../src/trace/event.ts'
import type { Link } from '../../../src/transport/link.ts'
import type { Nearby } from './phone.ts'

/** A reader that may be around. */
export interface NearbyReader {
  /** As it calls itself: `PP0918900518`. */
  readonly name: string
  readonly family: string
  readonly dialect?: string | undefined
  /** It talks to a phone only when they are paired. */
  readonly secure?: boolean | undefined
  /** dBm. */
  readonly rssi?: number | undefined
  /** A new line to it; or where it is, for one that is no virtual one. */
  readonly at: (() => Link) | string
}

/** Milliseconds between two looks at who is around. */
const LOOK_AGAIN = 200

/** `around`: who is switched on and in range now. */
export function nearbyReaders(
  around: () => readonly NearbyReader[],
  { clock, tracer }: { readonly clock: Clock; readonly tracer?: Tracer | undefined },
): Nearby {
  return {
    async *search({ signal }) {
      const seen = new Set<string>()
      while (!signal.aborted) {
        for (const { name, family, dialect, rssi, at } of around()) {
          if (seen.has(name)) continue
          seen.add(name)
          const uri = typeof at === 'string' ? at : uriOf(name)
          yield {
            uri,
            transport: 'ble',
            family,
            name,
            serial: name,
            ...(dialect && { model: dialect }),
            ...(rssi !== undefined && { rssi }),
          }
        }
        await sleep(LOOK_AGAIN, clock, signal).catch(() => {})
      }
    },
    async open(uri, { signal, pair }) {
      const reader = around().find(({ name, at }) => (typeof at === 'string' ? at : uriOf(name)) === uri)
      const options = { signal, clock, ...(tracer && { tracer }) }
      if (!reader) throw new Fault('link-failed', `${uri} is not in range`, { uri, reason: 'not-found' })
      const { name, family, dialect, secure, at } = reader
      if (secure && !(await pair?.(name, signal)))
        throw new Fault('link-failed', `pairing with ${name} was refused`, { uri, reason: 'pairing' })
      return typeof at === 'string' ? open(at, options) : open(at(), { ...options, family, ...(dialect && { dialect }) })
    },
  }
}

/** Where a reader of the bench is, for an app that remembers it. */
export function uriOf(name: string): string {
  return `bench:${encodeURIComponent(name)}`
}
