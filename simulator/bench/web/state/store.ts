/** What the page knows: the states of the session's nouns, kept true by its events; and what a hand holds. */

import type { TraceEvent } from '../../../../src/trace/event.ts'
import type { AppState } from '../../schema/app.ts'
import type { BankState, BenchEvent, CardState, ReaderState, SessionState } from '../../schema/types.ts'
import type { Happening } from './api.ts'

/** How the page hangs on the server. */
export type Line = 'waiting' | 'live' | 'lost' | 'over'

export interface BenchState {
  readonly session: SessionState | undefined
  readonly readers: readonly ReaderState[]
  readonly cards: readonly CardState[]
  readonly bank: BankState | undefined
  readonly apps: readonly AppState[]
  readonly line: Line
  /** The card that is in the hand, and acts on a reader next. */
  readonly held: string | undefined
  /** A card that is tapped is held there until it is taken away. */
  readonly stay: boolean
  /** What was refused, or done, last: told once. */
  readonly notice: { readonly text: string; readonly bad: boolean; readonly count: number } | undefined
  /** A trace that stands beside the one of the bench. */
  readonly other: { readonly name: string; readonly events: readonly TraceEvent[] } | undefined
}

const empty: BenchState = {
  ...{ session: undefined, readers: [], cards: [], bank: undefined, apps: [], line: 'waiting' },
  ...{ held: undefined, stay: false, notice: undefined, other: undefined },
}

/** Events that are kept for the trace; the oldest go in blocks. */
export const [MOST, BLOCK] = [20_000, 4_000]

const isBench = (event: TraceEvent | BenchEvent): event is BenchEvent => event.kind === 'bench'

function put<Noun extends { readonly id: string }>(all: readonly Noun[], id: string, state: Noun | null): readonly Noun[] {
  if (state === null) return all.filter(one => one.id !== id)
  return all.some(one => one.id === id) ? all.map(one => (one.id === id ? state : one)) : [...all, state]
}

/** One state, and who listens to it. */
export class BenchStore {
  state: BenchState = empty
  /** The trace, oldest first. Grows in place: `traced` tells that it did. */
  events: TraceEvent[] = []
  /** How many events of the trace there have been. */
  traced = 0
  /** The reader that an event of the trace is of. */
  readonly readerOf = new WeakMap<TraceEvent, string>()
  /** Number of the last event that was heard. */
  last = 0
  /** Number of the event up to which the states are true: older ones tell them as they were. */
  knownAt = 0
  readonly #listeners = new Set<() => void>()
  readonly #followers = new Set<() => void>()
  #notices = 0

  on(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Hears that the trace has grown. */
  onTrace(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  set(change: Partial<BenchState>): void {
    this.state = { ...this.state, ...change }
    for (const listener of [...this.#listeners]) listener()
  }

  tell(text: string, bad = false): void {
    this.set({ notice: { text, bad, count: ++this.#notices } })
  }

  /** Several events that came together: one change of the states, if one of them is any. */
  take(happenings: readonly Happening[]): void {
    let change: Partial<BenchState> | undefined
    const before = this.traced
    for (const { n, reader, event } of happenings) {
      if (n <= this.last) continue // told again after a line that broke
      this.last = n
      if (!isBench(event)) this.#trace(event, reader)
      else if (n > this.knownAt && event.what !== 'deed') change = { ...change, ...this.#bench(event, { ...this.state, ...change }) }
    }
    if (change) this.set(change)
    if (this.traced !== before) this.#grown()
  }

  /** What was traced is no whole any more: it begins anew. */
  forget(): void {
    this.events = []
    this.traced++
    this.#grown()
  }

  #grown(): void {
    for (const follower of [...this.#followers]) follower()
  }

  #trace(event: TraceEvent, reader: string | undefined): void {
    if (this.events.length >= MOST) this.events.splice(0, BLOCK)
    this.events.push(event)
    this.traced++
    if (reader !== undefined) this.readerOf.set(event, reader)
  }

  #bench(event: BenchEvent, { readers, cards, apps }: BenchState): Partial<BenchState> {
    switch (event.what) {
      case 'reader':
        return { readers: put(readers, event.id, event.state) }
      case 'card':
        return { cards: put(cards, event.id, event.state) }
      case 'app':
        return { apps: put(apps, event.id, event.state as AppState | null) }
      case 'bank':
        return { bank: event.state }
      case 'session':
        return event.state ? { session: event.state } : { line: 'over' }
      default:
        return {} // a deed: what it did is told by those above
    }
  }
}
