/** What every driver shares of a reader's life: one thing at a time, events that end with the link, closing, what is known of the battery, and how long a chip may work. */

import type { Clock } from '../clock.ts'
import { Fault } from '../errors.ts'
import { SpentCryptograms } from './binding.ts'
import { Broadcast } from './broadcast.ts'
import type { ReaderEvent, ReaderStatus } from './reader.ts'

/** What a reader may be busy with, as it stands in the message of `busy`. */
export type Work = 'a payment' | 'a status request' | 'an open card' | 'a firmware update' | 'a configuration' | 'new keys' | 'a text'

/** Percent at which a reader that is not charging is said to be low, and critical. */
export interface BatteryLimits {
  readonly low: number
  readonly critical: number
}

const LIMITS: BatteryLimits = { low: 20, critical: 5 }

export type BatteryLevel = Extract<ReaderEvent, { type: 'battery' }>['level']

/** What a charge means; undefined where the percentage is not known. */
export function batteryLevel(
  { percent, charging }: NonNullable<ReaderStatus['battery']>,
  { low, critical } = LIMITS,
): BatteryLevel | undefined {
  if (percent === undefined) return undefined
  return charging || percent > low ? 'ok' : percent > critical ? 'low' : 'critical'
}

export class ReaderWork {
  readonly events: Broadcast<ReaderEvent> = new Broadcast()
  /** What this reader has been paid with. */
  readonly spent = new SpentCryptograms()
  readonly #closing = new AbortController()
  readonly #limits: BatteryLimits
  #busy: Work | undefined
  /** The link is over. */
  #over = false
  #job: Promise<unknown> | undefined
  #level: BatteryLevel = 'ok'

  /** `closed` resolves when the link is over, whoever ended it: the events end with it. */
  constructor(closed: Promise<unknown>, limits = LIMITS) {
    this.#limits = limits
    void closed.then(() => {
      this.#over = true
      this.events.send({ type: 'state', state: 'disconnected' })
      this.events.end()
    })
  }

  /** Fires when the reader is being closed. */
  get closing(): AbortSignal {
    return this.#closing.signal
  }

  /** What is under way. */
  get busy(): Work | undefined {
    return this.#busy
  }

  /** The battery, as it was told last. */
  get level(): BatteryLevel {
    return this.#level
  }

  /** From now until the returned function is called, `what` is under way. @throws Fault `busy` */
  claim(what: Work): () => void {
    if (this.#busy) throw new Fault('busy', `the reader is busy with ${this.#busy}`, { what: this.#busy })
    this.#busy = what
    return () => {
      this.#busy = undefined
    }
  }

  /** Does `work` while nothing else is done; its signal fires with `signal`, and when the reader is closed. @throws Fault `busy`, `link-closed` once the reader is closed, or what `work` throws */
  async alone<T>(what: Work, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = this.claim(what)
    try {
      return await this.stoppable(work, signal)
    } finally {
      release()
    }
  }

  /** Work that `close` stops and waits for. */
  async stoppable<T>(work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#closing.signal.aborted) throw new Fault('link-closed', 'the reader was closed')
    const stop = new AbortController()
    const signals = [this.#closing.signal, ...(signal ? [signal] : [])]
    const abort = () => stop.abort(signals.find(one => one.aborted)?.reason)
    for (const one of signals) one.aborted ? abort() : one.addEventListener('abort', abort)
    try {
      const job = work(stop.signal)
      this.#job = job.catch(() => {})
      return await job
    } finally {
      for (const one of signals) one.removeEventListener('abort', abort)
    }
  }

  /** Stops what is under way, waits until it has settled, then closes the line with `shut`. Idempotent as far as `shut` is. */
  async close(shut: () => Promise<unknown>): Promise<void> {
    // What fails with the link fails in its own way, not as something that was cancelled: it is given its turn.
    if (this.#over && this.#job) await orSoon(this.#job)
    this.#closing.abort(this.#over ? new Fault('link-closed', 'the link to the reader was lost') : undefined)
    await this.#job
    await shut()
    this.events.end()
  }

  /** What the reader told of its battery, as status; a level that changed is an event. */
  battery(told: NonNullable<ReaderStatus['battery']>): ReaderStatus {
    const { percent } = told
    const level = batteryLevel(told, this.#limits)
    if (level !== undefined && percent !== undefined) {
      if (level !== this.#level) this.events.send({ type: 'battery', level, percent })
      this.#level = level
    }
    const known = Object.entries(told).filter(([, value]) => value !== undefined)
    return known.length > 0 ? { battery: Object.fromEntries(known) } : {}
  }
}

/** Milliseconds that work has to end by itself when its link is lost: an app may be asking a person meanwhile. */
const GRACE = 1000

async function orSoon(job: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, GRACE)
  })
  await Promise.race([job, late])
  clearTimeout(timer)
}

/** Milliseconds in which any chip has done its part: a slow one takes half a second for each of some twenty-five commands, and no reader tells of each. Assumed. */
const CHIP = 15_000
/** Milliseconds for which a line that has lost something is trusted less. */
const BAD_FOR = 600_000

/**
 * Silence while a chip works is work on a good line. On one that has lost something a short while ago it is, more likely, another loss: then a reader is waited for no longer
 * than `quick`, or twice the longest that it was seen to work while its line was good.
 */
export class ChipWork {
  readonly #clock: Clock
  readonly #quick: number
  #lost = Number.NEGATIVE_INFINITY
  #longest = 0

  /** @param quick milliseconds in which an ordinary chip is through */
  constructor(clock: Clock, quick: number) {
    this.#clock = clock
    this.#quick = quick
  }

  /** Something was lost on the way. */
  lost(): void {
    this.#lost = this.#clock.elapsed()
  }

  /** The reader was heard after so many milliseconds of silent work; on a bad line that says nothing of the chip. */
  took(ms: number): void {
    if (this.isBad) return
    this.#longest = Math.max(this.#longest, ms)
  }

  /** The line has lost something a short while ago. */
  get isBad(): boolean {
    return this.#clock.elapsed() - this.#lost < BAD_FOR
  }

  /** Milliseconds of silence that are too long. */
  get patience(): number {
    return this.isBad ? Math.min(CHIP, Math.max(this.#quick, 2 * this.#longest)) : CHIP
  }
}
