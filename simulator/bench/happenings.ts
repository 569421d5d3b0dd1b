/** What happens in a session, numbered: the trace of every reader and the states of all nouns in one order, for listeners that come back to where they were. */

import { Fault } from '../../src/errors.ts'

/** How much is kept. */
export interface Kept {
  /** Events. */
  readonly events: number
  /** Characters of all of them. */
  readonly size: number
}

export const kept: Kept = { events: 100_000, size: 64 * 1024 * 1024 }

/** Events as lines of JSON: `{"n":12,"reader":"r1","event":{…}}`. The oldest are forgotten, never one between two that are kept. */
export class Happenings {
  readonly #kept: Kept
  /** Line `n` is at `n % #kept.events`. */
  readonly #lines: (string | undefined)[] = []
  readonly #wake = new Set<() => void>()
  #first = 1
  #last = 0
  #size = 0
  #ended = false
  #waking: NodeJS.Immediate | undefined

  constructor(most: Kept = kept) {
    this.#kept = most
  }

  /** Number of the oldest that is kept; 0 where there is none. */
  get first(): number {
    return this.#last < this.#first ? 0 : this.#first
  }

  /** Number of the newest; 0 where there is none. */
  get last(): number {
    return this.#last
  }

  /** Nothing follows any more. */
  get ended(): boolean {
    return this.#ended
  }

  /** @param event one object of JSON */
  push(event: string, reader?: string): void {
    if (this.#ended) return
    const n = ++this.#last
    const told = reader === undefined ? `{"n":${n},"event":${event}}` : `{"n":${n},"reader":"${reader}","event":${event}}`
    // What was put together is kept as a tree of its pieces, each an object, four times as large: as bytes and back it is one text.
    const line = Buffer.from(told).toString()
    const { events, size } = this.#kept
    while (this.#first < n && (n - this.#first >= events || this.#size + line.length > size)) this.#forget()
    this.#lines[n % events] = line
    this.#size += line.length
    this.#wakeAll()
  }

  #forget(): void {
    const at = this.#first++ % this.#kept.events
    this.#size -= this.#lines[at]!.length
    this.#lines[at] = undefined
  }

  /** The session is over: who listens hears the rest, and the end. */
  end(): void {
    this.#ended = true
    this.#wakeAll()
  }

  /** Once a turn of the event loop: what happens at once is told at once. */
  #wakeAll(): void {
    if (this.#wake.size === 0) return
    this.#waking ??= setImmediate(() => {
      this.#waking = undefined
      const waiting = [...this.#wake]
      this.#wake.clear()
      for (const wake of waiting) wake()
    })
  }

  /**
   * Lines after number `n`, at most `most` of them.
   * @throws Fault `not-found` with details.first where one of them is not kept any more
   */
  after(n: number, most = 1000): readonly string[] {
    if (n + 1 < this.#first && n < this.#last)
      throw new Fault('not-found', `event ${n + 1} is not kept any more: the first is ${this.#first}`, { first: this.#first, n: n + 1 })
    const lines: string[] = []
    for (let at = Math.max(n + 1, this.#first); at <= this.#last && lines.length < most; at++)
      lines.push(this.#lines[at % this.#kept.events]!)
    return lines
  }

  /** Resolves when there is one after number `n`, when nothing follows, or when `signal` fires. */
  beyond(n: number, signal: AbortSignal): Promise<void> {
    if (this.#last > n || this.#ended || signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const wake = () => {
        this.#wake.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#wake.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
