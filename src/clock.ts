/** Time as a thing that is handed in: the system's for real use, a virtual one for tests and simulations. */

import * as door from './door.ts'
import { abortFault, Fault, throwIfAborted } from './errors.ts'

/** Where time is taken from. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z: the wall clock, which somebody may set. */
  now(): number
  /** Milliseconds since some moment of this process, only ever forward: what a duration is measured by. */
  elapsed(): number
  /** Calls `fire` once after `ms` milliseconds; the returned function cancels it. */
  timer(ms: number, fire: () => void): () => void
}

/** The time of the system. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  timer(ms, fire) {
    const handle = setTimeout(fire, ms)
    return () => clearTimeout(handle)
  },
}

/** Resolves after `ms` on `clock`. @throws Fault `aborted` */
export function sleep(ms: number, clock: Clock = systemClock, signal?: AbortSignal): Promise<void> {
  door.need('ms', ms, door.milliseconds)
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortFault(signal))
    const cancel = clock.timer(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    const abort = () => {
      cancel()
      reject(abortFault(signal!))
    }
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** How long something may take, and who may end it. */
export interface Limit {
  /** Milliseconds the work may take; none when left out. */
  timeout?: number | undefined
  /** Ends the work with `aborted`. */
  signal?: AbortSignal | undefined
  /** Measures the time; the system's when left out. */
  clock?: Clock | undefined
  /** Fires the signal given to the work; a new one each time when left out. For work that ends for good once one part of it did. */
  controller?: AbortController | undefined
  /** Named in the timeout's message: "no answer to <what> in 5000 ms". */
  what?: string | undefined
}

/**
 * Runs `work` and settles at the latest when the time is over or the signal fires, whether or not `work` listens.
 * The signal given to `work` fires in both cases, so that it can clean up.
 * @throws Fault `timeout` with details.ms, or `aborted`
 */
export function within<T>(limit: Limit, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  door.need('limit', limit, door.object)
  door.need('work', work, door.callable)
  const { timeout, signal, clock = systemClock, what = 'the work', controller: inner = new AbortController() } = limit
  return new Promise<T>((resolve, reject) => {
    throwIfAborted(signal)
    const settle = () => {
      cancel?.()
      signal?.removeEventListener('abort', abort)
    }
    const stop = (fault: Fault) => {
      settle()
      reject(fault)
      inner.abort(fault)
    }
    const abort = () => stop(abortFault(signal!))
    signal?.addEventListener('abort', abort, { once: true })
    const cancel =
      timeout === undefined
        ? undefined
        : clock.timer(timeout, () => stop(new Fault('timeout', `no answer to ${what} in ${timeout} ms`, { ms: timeout })))
    const fail = (error: unknown) => {
      settle()
      reject(error)
    }
    try {
      Promise.resolve(work(inner.signal)).then(value => {
        settle()
        resolve(value)
      }, fail)
    } catch (error) {
      fail(error)
    }
  })
}

/**
 * A clock that stands still until it is moved. Timers fire in order of their time; between two of them the event loop is drained,
 * so that work woken by one can set the next. Deterministic as long as the work behind it waits for nothing but this clock.
 * @example
 * ```ts
 * import { sleep, VirtualClock } from 'tapdip'
 *
 * const clock = new VirtualClock(new Date('2026-03-26T10:52:00'))
 * await clock.settle(sleep(60_000, clock)) // at once
 * console.log(new Date(clock.now()).getMinutes()) // 53
 * ```
 */
export class VirtualClock implements Clock {
  #now: number
  /** What the wall clock was set forward, or back, by. */
  #jump = 0
  #order = 0
  readonly #timers = new Map<number, { at: number; fire: () => void }>()

  /** It stands at `start`: milliseconds since 1970, or a date. */
  constructor(start: Date | number = new Date('2026-03-26T10:52:00')) {
    this.#now = +start
  }

  /** As `Clock.now`, with what `jump` set it by. */
  now(): number {
    return this.#now + this.#jump
  }

  /** As `Clock.elapsed`: moved by time alone. */
  elapsed(): number {
    return this.#now
  }

  /** Somebody sets the wall clock: no time passes, no timer moves. */
  jump(ms: number): void {
    this.#jump += ms
  }

  /** How many timers are waiting: zero when nothing was leaked. */
  get pending(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer fires; undefined where none waits. */
  get untilNext(): number | undefined {
    const id = this.#next(Number.POSITIVE_INFINITY)
    return id === undefined ? undefined : Math.max(0, this.#timers.get(id)!.at - this.#now)
  }

  /** As `Clock.timer`: fires when time is moved past it. */
  timer(ms: number, fire: () => void): () => void {
    const id = ++this.#order
    this.#timers.set(id, { at: this.#now + Math.max(0, ms), fire })
    return () => this.#timers.delete(id)
  }

  /** Moves time on by `ms`, firing what falls due. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await drain()
    for (let due = this.#next(end); due; due = this.#next(end)) await this.#fire(due)
    this.#now = end
    await drain()
  }

  /** Moves time on, timer by timer, until `work` settles. @throws Fault `internal` when nothing is left that could settle it */
  async settle<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    work.then(mark, mark)
    for (let idle = 0; !settled; ) {
      await drain()
      if (settled) break
      const due = this.#next(Number.POSITIVE_INFINITY)
      if (due) {
        idle = 0
        await this.#fire(due)
      } else if (++idle > 1000) throw new Fault('internal', 'virtual time stands still: the work waits for something that is no timer')
    }
    return work
  }

  #next(end: number): number | undefined {
    let best: number | undefined
    for (const [id, timer] of this.#timers) if (timer.at <= end && (best === undefined || timer.at < this.#timers.get(best)!.at)) best = id
    return best
  }

  async #fire(id: number): Promise<void> {
    const timer = this.#timers.get(id)!
    this.#timers.delete(id)
    this.#now = Math.max(this.#now, timer.at)
    timer.fire()
    await drain()
  }
}

/** yyyyMMddHHmmss in local time, as readers take date and time. */
export function localTime(at: Date): string {
  door.need('at', at, door.date)
  const parts = [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()]
  return String(at.getFullYear()).padStart(4, '0') + parts.map(part => String(part).padStart(2, '0')).join('')
}

const nextTurn = (work: () => void) => (typeof setImmediate === 'function' ? setImmediate(work) : setTimeout(work))

/** Lets promises and immediates run until they have had a few turns of the event loop. */
async function drain(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>(resolve => nextTurn(resolve))
}
