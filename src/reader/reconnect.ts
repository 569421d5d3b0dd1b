/** Keeps an app connected to its reader: the last one is remembered, a lost one is opened again, with growing pauses. */

import type { Clock, Limit } from '../clock.ts'
import { sleep, systemClock, within } from '../clock.ts'
import * as door from '../door.ts'
import type { Waiting as Asking } from '../emv/terminal.ts'
import { abortFault, asFault, Fault, type FaultCode } from '../errors.ts'
import { Broadcast } from './broadcast.ts'
import type { Reader, ReaderEvent, ReaderInfo } from './reader.ts'

/** Where the last reader was, and which it was. */
export interface RememberedReader {
  /** What `open` takes. */
  readonly uri: string
  /** Its serial number, where it has told one. */
  readonly serial?: string
  /** What the search called it, where it was found by one. */
  readonly name?: string
}

/** Keeps one remembered reader over the runs of an app: a file, a setting. */
export interface ReaderMemory {
  /** The reader that was saved last; undefined where there is none. */
  load(): Promise<RememberedReader | undefined>
  /** Keeps it instead of the one before; undefined forgets it. */
  save(reader: RememberedReader | undefined): Promise<void>
}

/** How an app stands with the reader that it wants. */
export type ConnectionState =
  | {
      /** No reader is wanted: none was chosen, or it was released. */
      readonly type: 'off'
    }
  | {
      /** It is being opened. */
      readonly type: 'connecting'
      /** Where. */
      readonly uri: string
      /** Counts from 1 since the reader was last ready. */
      readonly attempt: number
    }
  | {
      /** It can pay. */
      readonly type: 'ready'
      /** Where it is. */
      readonly uri: string
      /** What it is. */
      readonly info: ReaderInfo
      /** The serial number of the last time, where another reader is now at the same place. */
      readonly replaces?: string
    }
  | {
      /** It was lost, or did not open. */
      readonly type: 'waiting'
      /** Where it is looked for. */
      readonly uri: string
      /** As in `connecting`. */
      readonly attempt: number
      /** Milliseconds until the next attempt, which `retry()` makes at once. */
      readonly retryIn: number
      /** Why. */
      readonly fault: Fault
    }
  | {
      /** It will not open however often one tries: somebody has to do something first. Of a reader whose battery is empty the fault is `low-battery`. */
      readonly type: 'failed'
      /** Where it was tried. */
      readonly uri: string
      /** What has to be done something about. */
      readonly fault: Fault
    }
  | {
      /** The connection was closed, and is of no use any more. */
      readonly type: 'closed'
    }

/** How a reader is opened again, and how often. */
export interface ConnectionOptions {
  /** Opens a reader, as `open` of tapdip does. */
  open: (uri: string, options: Pick<Asking, 'signal'>) => Promise<Reader>
  /** Keeps the last reader over the runs of the app; it is forgotten with the connection when left out. */
  memory?: ReaderMemory | undefined
  /** Times the attempts and the pauses; the system's when left out. */
  clock?: Clock | undefined
  /** Milliseconds that one attempt may take; 20 000 when left out. */
  timeout?: number | undefined
  /** Milliseconds before attempt `n` (1: after a loss, 2: after the first that failed); `backOff` when left out. */
  pause?: ((attempt: number) => number) | undefined
}

/** Half a second, then twice as long each time, up to half a minute: a reader that reboots is back soon, one that is switched off does not tire the radio. */
export function backOff(attempt: number): number {
  door.need('attempt', attempt, door.whole(0, 1_000_000))
  return Math.min(500 * 2 ** (attempt - 1), 30_000)
}

/** Another attempt meets the same: the address, the program, the system or the reader itself has to change. */
const lasting: readonly FaultCode[] = [
  'bad-argument',
  'bad-uri',
  'bad-config',
  'missing-library',
  'unsupported',
  'tampered',
  'update-required',
  'low-battery',
]

/** A reader that was ready for less than this was not back for good: the pauses go on growing. Milliseconds. */
const STABLE = 10_000

/** How long a reader is waited for. */
export interface ReadyOptions extends Pick<Limit, 'timeout' | 'signal'> {
  /** Rejects with the fault of an attempt that fails, instead of waiting for one that does not. The connection goes on trying. */
  readonly once?: boolean | undefined
}

interface Waiting {
  readonly once: boolean
  readonly resolve: (reader: Reader) => void
  readonly reject: (fault: Fault) => void
}

/**
 * One reader that the app wants, whatever happens to its link. A payment that runs when the link is lost ends by itself, in its own way.
 * @example
 * ```ts
 * import { fileMemory, open, ReaderConnection } from 'tapdip'
 *
 * const connection = new ReaderConnection({ open, memory: fileMemory() })
 * void (async () => {
 *   for await (const state of connection.states) console.log(state.type)
 * })()
 * await connection.use('ble:PP0918900518') // without an address: the reader of the last time
 * const reader = await connection.ready({ timeout: 30_000 })
 * console.log(reader.info.serial)
 * await connection.close()
 * ```
 */
export class ReaderConnection implements AsyncDisposable {
  /** Every change of `state`, from when one begins to listen. Ends when the connection is closed. */
  readonly states = new Broadcast<ConnectionState>()
  readonly #open: ConnectionOptions['open']
  readonly #memory: ReaderMemory | undefined
  /** What a search called the reader that is wanted. */
  #name: string | undefined
  readonly #clock: Clock
  readonly #timeout: number
  readonly #pause: (attempt: number) => number
  readonly #waiting = new Set<Waiting>()
  #state: ConnectionState = { type: 'off' }
  #reader: Reader | undefined
  #keeping: { readonly stop: AbortController; readonly over: Promise<void> } | undefined
  #wake: AbortController | undefined
  #changing: Promise<unknown> = Promise.resolve()
  #remembering: Promise<void> = Promise.resolve()

  /** Wants no reader yet: `use` does. */
  constructor({ open, memory, clock = systemClock, timeout = 20_000, pause = backOff }: ConnectionOptions) {
    this.#open = open
    this.#memory = memory
    this.#clock = clock
    this.#timeout = timeout
    this.#pause = pause
  }

  /** How it stands now; `states` has the changes. */
  get state(): ConnectionState {
    return this.#state
  }

  /** The reader, while it is ready. */
  get reader(): Reader | undefined {
    return this.#reader
  }

  /**
   * Wants the reader at `uri`, or the remembered one, from now on; another that was wanted before is closed first. Resolves when the first attempt begins.
   * `name`: what a search called it, to be remembered.
   * @throws Fault `not-found` when none is given and none remembered; `link-closed` after `close`
   */
  use(uri?: string, name?: string): Promise<void> {
    return this.#change(async () => {
      await this.#letGo()
      const last = await this.#memory?.load()
      const wanted = uri ?? last?.uri
      if (this.#state.type === 'closed') throw new Fault('link-closed', 'this connection was closed')
      if (wanted === undefined) throw new Fault('not-found', 'no reader is given and none remembered')
      const stop = new AbortController()
      const known = last?.uri === wanted ? last.serial : undefined
      this.#name = name ?? (last?.uri === wanted ? last.name : undefined)
      this.#keeping = { stop, over: this.#keep(wanted, known, stop.signal) }
    })
  }

  /**
   * The reader as soon as it is ready. @throws Fault the one of `failed`; `not-found` while no reader is wanted, or when it is released;
   * `link-closed` when the connection is closed; `timeout`, `aborted`
   */
  async ready({ once = false, ...limit }: ReadyOptions = {}): Promise<Reader> {
    if (this.#reader) return this.#reader
    const fault = this.#hopeless(once)
    if (fault) throw fault
    return within({ ...limit, clock: this.#clock, what: 'the wish for a reader' }, signal => {
      return new Promise((resolve, reject) => {
        const waiting = { once, resolve, reject }
        this.#waiting.add(waiting)
        signal.addEventListener('abort', () => this.#waiting.delete(waiting), { once: true })
      })
    })
  }

  /** Tries at once instead of after the pause: the person asks for it, or the adapter is back. After `failed` too. */
  retry(): void {
    this.#wake?.abort()
  }

  /** Closes the reader and wants none: another program may have it. It stays remembered. */
  release(): Promise<void> {
    return this.#change(() => this.#letGo())
  }

  /** As `release`, and it is not remembered any more. */
  forget(): Promise<void> {
    return this.#change(async () => {
      await this.#letGo()
      await this.#memory?.save(undefined)
    })
  }

  /** Idempotent: closes the reader, ends `states`, settles what waits. */
  close(): Promise<void> {
    return this.#change(async () => {
      await this.#letGo()
      if (this.#state.type === 'closed') return
      this.#enter({ type: 'closed' })
      this.states.end()
    })
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Changes of what is wanted are made one after the other. */
  #change(work: () => Promise<void>): Promise<void> {
    const changing = this.#changing.then(work)
    this.#changing = changing.catch(() => {})
    return changing
  }

  async #letGo(): Promise<void> {
    if (!this.#keeping) return
    this.#keeping.stop.abort()
    await this.#keeping.over
    await this.#remembering
    this.#keeping = undefined
    this.#enter({ type: 'off' })
  }

  /** Opens the reader again and again until `signal` fires; throws nothing. */
  async #keep(uri: string, serial: string | undefined, signal: AbortSignal): Promise<void> {
    let known = serial
    for (let attempt = 1; !signal.aborted; attempt++) {
      let fault: Fault
      let lasts = false
      this.#enter({ type: 'connecting', uri, attempt })
      try {
        const reader = await this.#attempt(uri, signal)
        const since = this.#clock.now()
        const held = await this.#hold(uri, reader, known, signal)
        known = held.serial
        if (this.#clock.now() - since >= STABLE) attempt = 0
        lasts = held.empty !== undefined
        fault = held.empty ?? new Fault('link-closed', `${uri} was lost`, { uri })
      } catch (error) {
        fault = asFault(error)
        lasts = lasting.includes(fault.code) || fault.details.reason === 'permission' || fault.details.reason === 'bonded'
      }
      if (signal.aborted) return
      const retryIn = this.#pause(attempt + 1)
      this.#enter(lasts ? { type: 'failed', uri, fault } : { type: 'waiting', uri, attempt: attempt + 1, retryIn, fault })
      await this.#rest(lasts ? undefined : retryIn, signal)
      if (lasts) attempt = 0
    }
  }

  /** One attempt. A reader that opens after it was given up is closed. */
  #attempt(uri: string, signal: AbortSignal): Promise<Reader> {
    return within({ timeout: this.#timeout, signal, clock: this.#clock, what: uri }, async given => {
      const reader = await this.#open(uri, { signal: given })
      if (!given.aborted) return reader
      await reader.close()
      throw abortFault(given)
    })
  }

  /**
   * Is there for a reader that is ready, until it is lost or no longer wanted. Its serial number, or the one known before; and a fault where its battery was all but
   * empty when it went: it has switched itself off.
   */
  async #hold(
    uri: string,
    reader: Reader,
    known: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly serial?: string | undefined; readonly empty?: Fault }> {
    const { serial } = reader.info
    try {
      this.#reader = reader
      const replaces = known !== undefined && serial !== undefined && serial !== known ? { replaces: known } : {}
      this.#enter({ type: 'ready', uri, info: reader.info, ...replaces })
      const gone = lost(reader, signal)
      const which = { ...(serial !== undefined && { serial }), ...(this.#name !== undefined && { name: this.#name }) }
      void this.#remember({ uri, ...which })
      const battery = await gone
      return { serial: serial ?? known, ...(battery?.level === 'critical' && { empty: emptyAt(uri, battery.percent) }) }
    } finally {
      this.#reader = undefined
      await reader.close()
    }
  }

  /** One after the other. A memory that fails, or takes longer than an attempt may, costs no reader and holds nobody up. */
  #remember(reader: RememberedReader): Promise<void> {
    const memory = this.#memory
    if (!memory) return this.#remembering
    const limit = { timeout: this.#timeout, clock: this.#clock, what: 'the memory of readers' }
    this.#remembering = this.#remembering.then(() => within(limit, () => memory.save(reader))).catch(() => {})
    return this.#remembering
  }

  /** Waits for the time, for ever when it is undefined, for `retry`, or for `signal`. */
  async #rest(ms: number | undefined, signal: AbortSignal): Promise<void> {
    const wake = new AbortController()
    const stop = () => wake.abort()
    this.#wake = wake
    signal.addEventListener('abort', stop)
    if (signal.aborted) stop()
    try {
      if (ms !== undefined) await sleep(ms, this.#clock, wake.signal)
      else if (!wake.signal.aborted)
        await new Promise<void>(resolve => wake.signal.addEventListener('abort', () => resolve(), { once: true }))
    } catch {
      // woken before its time
    } finally {
      signal.removeEventListener('abort', stop)
      this.#wake = undefined
    }
  }

  #enter(state: ConnectionState): void {
    this.#state = state
    for (const waiting of this.#waiting) {
      const fault = this.#hopeless(waiting.once)
      if (this.#reader) waiting.resolve(this.#reader)
      else if (fault) waiting.reject(fault)
      else continue
      this.#waiting.delete(waiting)
    }
    this.states.send(state)
  }

  /** Why no reader will come, as things are. */
  #hopeless(once: boolean): Fault | undefined {
    if (this.#state.type === 'failed' || (once && this.#state.type === 'waiting')) return this.#state.fault
    if (this.#state.type === 'closed') return new Fault('link-closed', 'this connection was closed')
    return this.#state.type === 'off' ? new Fault('not-found', 'no reader is wanted: call use() first') : undefined
  }
}

type Battery = Extract<ReaderEvent, { type: 'battery' }>

function emptyAt(uri: string, percent: number | undefined): Fault {
  const told = percent === undefined ? '' : `: it was at ${percent} %`
  return new Fault('low-battery', `${uri} was lost, and its battery is empty${told}`, { uri, ...(percent !== undefined && { percent }) })
}

/** What was told last of its battery, when the reader says that it is disconnected, when its events end, or when `signal` fires. */
async function lost(reader: Reader, signal: AbortSignal): Promise<Battery | undefined> {
  let battery: Battery | undefined
  const events = reader.events[Symbol.asyncIterator]()
  const stop = () => void events.return?.()
  signal.addEventListener('abort', stop)
  try {
    while (!signal.aborted) {
      const { done, value } = await events.next()
      if (done || (value.type === 'state' && value.state === 'disconnected')) break
      if (value.type === 'battery') battery = value
    }
  } catch {
    // events that break off are those of a reader that is gone
  } finally {
    signal.removeEventListener('abort', stop)
    await events.return?.()
  }
  return battery
}
