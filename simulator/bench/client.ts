/** A client of a bench: sessions, readers to touch, cards, the bank, apps and events, over `fetch`. `tapdip/bench`. */

import { benchAddress } from '../../src/bench-address.ts'
import { sleep, systemClock } from '../../src/clock.ts'
import * as door from '../../src/door.ts'
import { Fault, type FaultCode, isFault } from '../../src/errors.ts'
import type { TraceEvent } from '../../src/trace/event.ts'
import type { Bench, BenchOptions } from './options.ts'
import type { AppAnswer, AppState } from './schema/app-types.ts'
import type { BankState, BenchEvent, CardState, ReaderState, SessionState } from './schema/types.ts'

export type { Clock, Limit } from '../../src/clock.ts'
export { Fault, type FaultCode, type FaultDetails, isFault } from '../../src/errors.ts'
export type * from '../../src/trace/event.ts'
export type { Bench, BenchOptions } from './options.ts'
export type * from './schema/app-types.ts'
export type * from './schema/types.ts'

/** An event of a session. */
export interface NumberedEvent {
  /** Counts from 1 in each session, without gaps. */
  readonly n: number
  /** Where it happened, if at a reader. */
  readonly reader?: string
  /** Of the trace, or the whole state of a noun after it has changed. */
  readonly event: BenchEvent | TraceEvent
}

/** Which display, which lights. */
export interface ScreenWanted {
  /** A text that a line has in it, or /a regular expression/. */
  readonly screen?: string
  /** An id of the table of messages: `reader.enterPin`. */
  readonly message?: string
  /** What the lights show. */
  readonly light?: ReaderState['light']
  /** Milliseconds of the session's clock; 30 000 when left out. */
  readonly timeout?: number
}

/** Which screen of an app. */
export interface AppScreenWanted {
  /** What kind: `result`. */
  readonly kind?: AppState['screen']['kind']
  /** A text that its title, a line or its slip has in it, or /a regular expression/. */
  readonly text?: string
  /** The screen's `n` is more than this. */
  readonly after?: number
  /** Milliseconds of the session's clock; 30 000 when left out. */
  readonly timeout?: number
}

/** How a card is put in. */
export interface InsertOptions {
  /** Upside down or back to front. */
  readonly wrongWay?: boolean
}

/** One reader of a session. Every deed tells how the reader is after it. */
export interface BenchReaderClient {
  /** `r1` */
  readonly id: string
  /** As it is now. */
  state(): Promise<ReaderState>
  /** Presses keys; what nobody reads does nothing. */
  press(...keys: readonly string[]): Promise<ReaderState>
  /** Puts a card into the slot. @throws Fault `busy` */
  insert(card: string, how?: InsertOptions): Promise<ReaderState>
  /** Takes the card out of the slot, whatever the reader does with it. */
  pull(): Promise<ReaderState>
  /** Holds a card to the antenna. @throws Fault `busy` */
  tap(card: string): Promise<ReaderState>
  /** Takes cards from the antenna; all of them when none is named. */
  leave(card?: string): Promise<ReaderState>
  /** Draws a card's stripe through the reader. */
  swipe(card: string): Promise<ReaderState>
  /** Turns a knob: `latency 200`, `battery 3`. @throws Fault `bad-argument`, `unsupported` */
  knob(line: string): Promise<ReaderState>
  /** Resolves when display and lights are so. @throws Fault `timeout` */
  wait(wanted: ScreenWanted): Promise<ReaderState>
  /** A picture of the display as it is now: PNG. */
  picture(options?: {
    /** Dots of the picture for a dot of the display, 1 to 8; 2 when left out. */ readonly scale?: number
  }): Promise<Uint8Array>
}

/** One session of a bench. */
export interface BenchSessionClient {
  /** `s1` */
  readonly id: string
  /** As it is now. */
  state(): Promise<SessionState>
  /** All readers. */
  readers(): Promise<readonly ReaderState[]>
  /** One of them by its id. */
  reader(id: string): BenchReaderClient
  /** A new one: a virtual reader by its family, or a real one by its URI. @throws Fault `bad-argument` */
  addReader(reader: Readonly<Record<string, unknown>>): Promise<ReaderState>
  /** The shelf. */
  cards(): Promise<readonly CardState[]>
  /** The bank. */
  bank(): Promise<BankState>
  /** All apps. */
  apps(): Promise<readonly AppState[]>
  /** Presses a button of an app's screen. @throws Fault `busy` where the screen has gone */
  answer(app: string, answer: AppAnswer): Promise<AppState>
  /** Resolves when an app shows such a screen. @throws Fault `timeout` */
  waitForApp(app: string, wanted: AppScreenWanted): Promise<AppState>
  /**
   * What happens, as it does, from a number on: it connects again where the line breaks, and misses nothing that the bench still keeps. Ends with the session, or when `signal`
   * fires. @throws Fault `not-found` with details.first where events are not kept any more
   */
  events(options?: {
    /** The last number that is known; what comes from now on when left out. */
    readonly after?: number
    /** Ends it quietly. */
    readonly signal?: AbortSignal
  }): AsyncGenerator<NumberedEvent, void>
  /** The trace as a file: JSON lines. */
  trace(): Promise<string>
  /** The whole counter as one file. */
  file(): Promise<unknown>
  /** Moves virtual time on. @throws Fault `unsupported` where time is the system's */
  advance(ms: number): Promise<SessionState>
  /** Ends it with all that stands at it. */
  close(): Promise<void>
}

/** A bench. */
export interface BenchClient {
  /** `http://127.0.0.1:7000` */
  readonly origin: string
  /** All sessions. */
  sessions(): Promise<readonly SessionState[]>
  /** One of them by its id. */
  session(id: string): BenchSessionClient
  /** A new one: `{ clock: 'virtual', seed: 7 }`, or with the `counter` of a file. */
  open(input?: Readonly<Record<string, unknown>>): Promise<BenchSessionClient>
  /** Any route of its API: what it answers. @throws Fault as it was refused */
  call<T>(method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
}

/** How a bench is called. */
export interface BenchClientOptions {
  /** The platform's when left out. */
  readonly fetch?: typeof fetch
}

const optionsRule = door.shape({ fetch: door.maybe(door.callable) })

/**
 * A client of the bench at the address that it prints, with the token behind its `#`.
 * @example
 * ```ts
 * import { benchClient, startBench } from 'tapdip/bench'
 *
 * await using bench = await startBench()
 * const session = benchClient(bench.url).session('s1')
 * const reader = session.reader('r1')
 * await reader.insert('c1')
 * console.log((await reader.state()).slot) // c1
 * ```
 * @throws Fault `bad-argument` for an address that is none, or has no token
 */
export function benchClient(url: string, options: BenchClientOptions = {}): BenchClient {
  door.need('url', url, door.anyText)
  door.need('options', options, optionsRule)
  const { origin, token } = benchAddress(url, 'url')
  const request = async (method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> => {
    const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) }
    const own = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }), ...(signal && { signal }) }
    const response = await (options.fetch ?? fetch)(`${origin}${path}`, own).catch(error => {
      throw new Fault('link-failed', `there is no bench at ${origin}`, { reason: 'not-found', uri: origin }, { cause: error })
    })
    if (!response.ok) throw await refusal(response)
    return response
  }
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await request(method, path, body)
    return response.headers.get('content-type')?.startsWith('application/json')
      ? ((await response.json()) as T)
      : ((await response.text()) as T)
  }
  return {
    ...{ origin, call },
    sessions: () => call('GET', '/api/sessions'),
    session: id => sessionClient(id, request, call),
    open: async (input = {}) => sessionClient((await call<SessionState>('POST', '/api/sessions', input)).id, request, call),
  }
}

type Request = (method: string, path: string, body?: unknown, signal?: AbortSignal) => Promise<Response>
type Call = <T>(method: string, path: string, body?: unknown) => Promise<T>

function sessionClient(id: string, request: Request, call: Call): BenchSessionClient {
  const at = `/api/sessions/${encodeURIComponent(id)}`
  return {
    id,
    state: () => call('GET', at),
    readers: () => call('GET', `${at}/readers`),
    reader: one => readerClient(one, `${at}/readers/${encodeURIComponent(one)}`, request, call),
    addReader: reader => call('POST', `${at}/readers`, reader),
    cards: () => call('GET', `${at}/cards`),
    bank: () => call('GET', `${at}/bank`),
    apps: () => call('GET', `${at}/apps`),
    answer: (app, answer) => call('POST', `${at}/apps/${encodeURIComponent(app)}/answer`, answer),
    waitForApp: (app, wanted) => call('POST', `${at}/apps/${encodeURIComponent(app)}/wait`, wanted),
    events: ({ after, signal } = {}) => eventsOf(`${at}/events`, request, after, signal),
    trace: () => call('GET', `${at}/trace`),
    file: () => call('GET', `${at}/file`),
    advance: ms => call('POST', `${at}/time`, { ms }),
    close: () => call('DELETE', at),
  }
}

function readerClient(id: string, at: string, request: Request, call: Call): BenchReaderClient {
  const deed = (word: string, body: object = {}) => call<ReaderState>('POST', `${at}/${word}`, body)
  return {
    id,
    state: () => call('GET', at),
    press: (...keys) => deed('press', { keys }),
    insert: (card, how = {}) => deed('insert', { card, ...how }),
    pull: () => deed('pull'),
    tap: card => deed('tap', { card }),
    leave: card => deed('leave', { ...(card !== undefined && { card }) }),
    swipe: card => deed('swipe', { card }),
    knob: line => deed('knob', { line }),
    wait: wanted => deed('wait', wanted),
    picture: async ({ scale } = {}) =>
      new Uint8Array(await (await request('GET', `${at}/screen.png${scale === undefined ? '' : `?scale=${scale}`}`)).arrayBuffer()),
  }
}

/** Milliseconds before a line that broke is tried again. */
const AGAIN = 500

async function* eventsOf(
  path: string,
  request: Request,
  after: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<NumberedEvent, void> {
  let last = after
  let tries = 0
  let connected = false
  while (!signal?.aborted) {
    try {
      const response = await request('GET', `${path}${last === undefined ? '' : `?after=${last}`}`, undefined, signal)
      tries = 0
      connected = true
      for await (const { data, event } of serverEvents(response.body!)) {
        if (event === 'gone') throw gone(data)
        const told = JSON.parse(data) as NumberedEvent
        last = told.n
        yield told
        const { kind, what, state } = told.event as Partial<BenchEvent>
        if (kind === 'bench' && what === 'session' && state === null) return
      }
    } catch (error) {
      if (signal?.aborted) return
      // It ended while the line was down.
      if (connected && isFault(error, 'not-found') && error.details.first === undefined) return
      if (error instanceof Fault && (error.code !== 'link-failed' || last === undefined || ++tries > 20)) throw error
    }
    await sleep(AGAIN, systemClock, signal).catch(() => {})
  }
}

function gone(data: string): Fault {
  const { error } = JSON.parse(data) as { error: { message: string; first?: number } }
  return new Fault('not-found', error.message, { ...(error.first !== undefined && { first: error.first }) })
}

/** Server-sent events as they come (WHATWG HTML, 9.2); comments and ids are passed over. */
async function* serverEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<{ readonly data: string; readonly event: string }, void> {
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const of = (name: string) =>
          block
            .split('\n')
            .find(line => line.startsWith(`${name}: `))
            ?.slice(name.length + 2)
        const data = of('data')
        if (data !== undefined) yield { data, event: of('event') ?? 'message' }
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** What the bench refused, as the Fault that it was there. */
async function refusal(response: Response): Promise<Fault> {
  const text = await response.text()
  let error: { code?: string; message?: string; field?: string; value?: string; rule?: string; first?: number } = {}
  try {
    error = (JSON.parse(text) as { error?: typeof error }).error ?? {}
  } catch {
    // a proxy's own words
  }
  const { code = 'link-failed', message = `the bench answers ${response.status}`, ...details } = error
  if (response.status === 403) return new Fault('link-failed', message, { reason: 'forbidden', ...details })
  return new Fault(code as FaultCode, message, details)
}

/**
 * Starts a bench in this process: its API and its page on loopback.
 * @throws Fault `busy` for a port that is taken; `bad-argument` or `bad-config` for a session that cannot be
 */
export async function startBench(options: BenchOptions = {}): Promise<Bench> {
  const { startBench: start } = await import('./bench.ts')
  return start(options)
}
