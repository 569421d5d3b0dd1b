/** Where readers, cards, bank and apps of one session stand: its clock, its chance, and who is told. */

import type { Clock, VirtualClock } from '../../../src/clock.ts'
import type { TraceWriter } from '../../../src/trace/book.ts'
import type { BenchEvent } from '../schema/types.ts'

export type Noun = BenchEvent['what']

export interface Place {
  readonly clock: Clock
  /** Where time stands still until it is moved. */
  readonly virtual: VirtualClock | undefined
  /** Chance of its own for each who asks, of the session's seed. */
  readonly random: (stream: number) => (length: number) => Uint8Array
  /** Milliseconds since the session began; `now` as of its clock, this moment when left out. */
  readonly at: (now?: number) => number
  /** Tells the state of a noun, whole; null: it is gone. */
  readonly tell: (what: Noun, id: string, state: unknown) => void
  /** For what happens at this reader, or beside all of them. */
  readonly tracer: (reader?: string) => TraceWriter
}

/** Tells a state once the event loop has come round, and only what has changed: many changes at once are one event. */
export class Teller {
  readonly #tell: (state: unknown) => void
  readonly #state: () => unknown
  #told = ''
  #waiting: NodeJS.Immediate | undefined

  constructor(state: () => unknown, tell: (state: unknown) => void) {
    this.#state = state
    this.#tell = tell
  }

  /** Something may have changed. */
  soon(): void {
    this.#waiting ??= setImmediate(() => {
      this.#waiting = undefined
      this.now()
    })
  }

  now(): void {
    const state = this.#state()
    const words = JSON.stringify(state)
    if (words === this.#told) return
    this.#told = words
    this.#tell(state)
  }

  stop(): void {
    if (this.#waiting) clearImmediate(this.#waiting)
    this.#waiting = undefined
  }
}
