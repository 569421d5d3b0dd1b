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

/** Milliseconds between two tellings to those who hear events in company: of what somebody sees at once, and of all else. */
const [AT_ONCE, COMPANY] = [4, 30]

/** Events as lines of JSON: `{"n":12,"reader":"r1","event":{…}}`. The oldest are forgotten, never one between two that are kept. */
export class Happenings {
  readonly #kept: Kept
  /** Line `n` is at `n % #kept.events`. */
  readonly #lines: (string | undefined)[] = []
  readonly #wake = new Set<() => void>()
  readonly #company = new Set<() => void>()
  #first = 1
  #last = 0
  #size = 0
  #ended = false
  #waking: NodeJS.Immediate | undefined
  /** Of those who hear in company: what they were told of, when, and when they are told again. */
  #together = 0
  #toldAt = Number.NEGATIVE_INFINITY
  #next: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | undefined
  /** Number of the newest that somebody sees at once. */
  #seen = 0

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

  /** Number of the newest of which those are told who hear events in company. */
  get together(): number {
    return this.#ended ? this.#last : this.#together
  }

  /**
   * @param event one object of JSON
   * @param seen it changes what somebody sees: who hears in company is not made to wait for it
   */
  push(event: string, reader?: string, seen = false): void {
    if (this.#ended) return
    const n = ++this.#last
    if (seen) this.#seen = n
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
    if (this.#company.size > 0) this.#plan()
    if (this.#wake.size === 0) return
    this.#waking ??= setImmediate(() => {
      this.#waking = undefined
      const waiting = [...this.#wake]
      this.#wake.clear()
      for (const wake of waiting) wake()
    })
  }

  /** When those in company are told next. */
  #plan(): void {
    if (this.#last === this.#together && !this.#ended) return
    const at = this.#ended ? 0 : this.#toldAt + (this.#seen > this.#together ? AT_ONCE : COMPANY)
    if (this.#next && this.#next.at <= at) return
    clearTimeout(this.#next?.timer)
    const wait = at - performance.now()
    const timer = setTimeout(() => this.#tellCompany(), Math.max(0, wait))
    this.#next = { at, timer }
  }

  #tellCompany(): void {
    this.#next = undefined
    this.#toldAt = performance.now()
    this.#together = this.#last
    const waiting = [...this.#company]
    this.#company.clear()
    for (const wake of waiting) wake()
  }

  /**
   * Lines after number `n`, at most `most` of them, none after `upTo`.
   * @throws Fault `not-found` with details.first where one of them is not kept any more
   */
  after(n: number, most = 1000, upTo = this.#last): readonly string[] {
    if (n + 1 < this.#first && n < this.#last)
      throw new Fault('not-found', `event ${n + 1} is not kept any more: the first is ${this.#first}`, { first: this.#first, n: n + 1 })
    const lines: string[] = []
    for (let at = Math.max(n + 1, this.#first); at <= upTo && lines.length < most; at++) lines.push(this.#lines[at % this.#kept.events]!)
    return lines
  }

  /**
   * Resolves when there is one after number `n`, when nothing follows, or when `signal` fires.
   * @param company waits for what comes close upon it: until `together` is beyond `n`
   */
  beyond(n: number, signal: AbortSignal, company = false): Promise<void> {
    if ((company ? this.together : this.#last) > n || this.#ended || signal.aborted) return Promise.resolve()
    const waiting = company ? this.#company : this.#wake
    return new Promise(resolve => {
      const wake = () => {
        waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
      if (company) this.#plan()
    })
  }
}
