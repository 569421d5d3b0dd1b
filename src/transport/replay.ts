/** Opens a recording as a Link: it says what was received, and insists on hearing what was sent. */

import { fromHex, hex } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import * as door from '../door.ts'
import { asFault, Fault } from '../errors.ts'
import { TRACE_FORMAT } from '../trace/event.ts'
import { Inbox } from './inbox.ts'
import type { ClosedBy, Link } from './link.ts'
import { linkClosed } from './link.ts'
import { needBytes } from './need-bytes.ts'
import type { Direction, Redact, Redaction } from './trace.ts'
import { TRACE_VERSION } from './trace.ts'

/** One piece that passed the line. */
export interface TraceChunk {
  /** Milliseconds since the start. */
  readonly at: number
  /** `out`: the host sent it. */
  readonly direction: Direction
  /** Bytes. */
  readonly length: number
  /** Left out where only the length was recorded. */
  readonly bytes?: Uint8Array
  /** Line of the recording, from 1. */
  readonly line: number
}

/** A recording, read. */
export interface Trace {
  /** Of the Link that was recorded. */
  readonly uri: string
  /** ISO 8601. */
  readonly start: string
  /** What it has of the bytes: only their number, a redaction, or all. */
  readonly bytes: 'none' | 'redacted' | 'all'
  /** Name of the reader's family, where it was told. */
  readonly family?: string
  /** What it spoke, where its family has several languages. */
  readonly dialect?: string
  /** GATT service, over Bluetooth LE. */
  readonly service?: string
  /** In the order in which they passed. */
  readonly chunks: readonly TraceChunk[]
  /** Left out where the recording breaks off. */
  readonly end?: ClosedBy
}

/**
 * Reads a recording made by `traced`, or the `link` events of a trace.
 * @throws Fault `bad-argument` with details.line; `unsupported` for another version
 */
export function parseTrace(text: string): Trace {
  door.need('text', text, door.anyText)
  const [head, ...lines] = text.split('\n').map(line => line.trimEnd())
  const first = object(head, 1)
  if (first.tapdip !== 'trace') throw new Fault('bad-argument', 'line 1 is not that of a tapdip trace', { line: 1 })
  if (first.version !== TRACE_VERSION && first.version !== TRACE_FORMAT)
    throw new Fault('unsupported', `trace version ${first.version}, this is ${TRACE_FORMAT}`, { feature: `trace-${first.version}` })
  let facts = headOf(first)
  const chunks: TraceChunk[] = []
  for (const [index, text] of lines.entries()) {
    if (text === '') continue
    const line = index + 2
    const event = object(text, line)
    const { at, out, in: received, end } = first.version === TRACE_FORMAT ? ofEvent(event) : event
    if (first.version === TRACE_FORMAT && event.kind !== 'link') {
      facts = { ...familyOf(event), ...facts }
      continue
    }
    if (typeof at !== 'number') throw new Fault('bad-argument', `line ${line}: at is a number of milliseconds`, { line })
    if (end === 'close' || end === 'peer' || end === 'loss') return { ...facts, chunks, end }
    chunks.push({ at, line, direction: out === undefined ? 'in' : 'out', ...content(out ?? received, line) })
  }
  return { ...facts, chunks }
}

/** A `link` event as a line of version 1. */
function ofEvent({ at, way, bytes, length, end }: Record<string, unknown>): Record<string, unknown> {
  return { at, ...(end === undefined ? { [way === 'out' ? 'out' : 'in']: bytes ?? length } : { end }) }
}

/** A trace that was begun before its reader was there names it when it is opened. */
function familyOf({ kind, event, content }: Record<string, unknown>): Pick<Trace, 'family'> {
  const family = kind === 'reader' && event === 'opened' && (content as Record<string, unknown> | undefined)?.family
  return typeof family === 'string' ? { family } : {}
}

function headOf({ version, uri, start, bytes, family, dialect, service, reader }: Record<string, unknown>): Omit<Trace, 'chunks'> {
  const trace = version === TRACE_FORMAT
  const at = trace ? (uri ?? 'trace:') : uri
  const kept = trace ? 'redacted' : bytes
  if (typeof at !== 'string' || typeof start !== 'string' || (kept !== 'none' && kept !== 'redacted' && kept !== 'all'))
    throw new Fault('bad-argument', 'line 1: uri and start are text, bytes is none, redacted or all', { line: 1 })
  const told = { family, dialect, service, ...(typeof reader === 'object' ? reader : undefined) }
  const word = (name: 'family' | 'dialect' | 'service') => (typeof told[name] === 'string' ? { [name]: told[name] } : {})
  return { uri: at, start, bytes: kept, ...word('family'), ...word('dialect'), ...word('service') }
}

/** How a recording is played. */
export interface ReplayOptions {
  /** The redaction that the recording was made with: what is sent passes it before it is compared. */
  redaction?: Redaction | undefined
  /** Keeps the recorded pauses before what is received, on this clock; without one everything comes as soon as its turn is there. */
  pace?: Clock | undefined
}

/** A recording as a Link. */
export interface Replay extends Link {
  /** Whether all that was recorded has been sent and received. */
  readonly finished: boolean
}

/**
 * Plays the device's part of a recording. Chunk boundaries mean nothing: what is sent is compared byte by byte, what was received comes when all that had
 * been sent before it has been sent again. The first difference is a Fault `protocol` with details.offset (in what this side sends) and details.line, for
 * that `send` and for everything after it. A recording that ended by the peer or a loss ends so again.
 * @throws Fault `unsupported` when only lengths were recorded
 */
export function replay(trace: Trace, options: ReplayOptions = {}): Replay {
  door.need('trace', trace, recording)
  door.need('options', options, door.object)
  needBytes(trace)
  return new Player(trace, options)
}

const recording = door.shape({ chunks: door.listOf(door.object) })

class Player implements Replay {
  readonly uri: string
  readonly mtu = Number.POSITIVE_INFINITY
  readonly incoming = new Inbox()
  readonly #trace: Trace
  readonly #pace: Clock | undefined
  readonly #redact: Redact
  /** All that was sent. */
  readonly #script: Uint8Array
  #sent = 0
  #compared = 0
  #next = 0
  /** Bytes sent in the recording before `#next`. */
  #heard = 0
  #cancel: (() => void) | undefined
  #over: Fault | undefined

  constructor(trace: Trace, { redaction, pace }: ReplayOptions) {
    this.uri = `replay:${trace.uri}`
    this.#trace = trace
    this.#pace = pace
    this.#redact = redaction?.('out') ?? (bytes => bytes)
    const sent = trace.chunks.filter(chunk => chunk.direction === 'out')
    this.#script = new Uint8Array(sent.reduce((sum, chunk) => sum + chunk.length, 0))
    for (let i = 0, at = 0; i < sent.length; at += sent[i++].length) this.#script.set(sent[i].bytes!, at)
    this.#advance()
  }

  get finished(): boolean {
    return this.#next === this.#trace.chunks.length
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    if (bytes.length === 0) return
    this.#compare(this.#redact(bytes.slice(), false))
    this.#sent += bytes.length
    if (this.#sent > this.#script.length)
      throw this.#fail(new Fault('protocol', 'more is sent than the recording has', { offset: this.#script.length }))
    this.#advance()
  }

  async close(): Promise<void> {
    this.#cancel?.()
    this.#over ??= linkClosed(this.uri, 'close')
    this.incoming.close()
  }

  #compare(bytes: Uint8Array): void {
    for (const byte of bytes) {
      const offset = this.#compared++
      const recorded = this.#script[offset]
      if (byte === recorded || recorded === undefined) continue
      const line = this.#lineOf(offset)
      const [sent, said] = [hex(Uint8Array.of(byte)), hex(Uint8Array.of(recorded))]
      throw this.#fail(new Fault('protocol', `byte ${offset} sent is ${sent}, line ${line} of the recording has ${said}`, { offset, line }))
    }
  }

  #lineOf(offset: number): number | undefined {
    let end = 0
    return this.#trace.chunks.find(chunk => chunk.direction === 'out' && (end += chunk.length) > offset)?.line
  }

  /** Says what is due: each received chunk whose turn is there, up to the next chunk that has to be sent. */
  #advance(): void {
    if (this.#cancel) return // the pause before a chunk is running
    const { chunks, end } = this.#trace
    for (; this.#next < chunks.length; this.#next++) {
      const chunk = chunks[this.#next]
      if (chunk.direction === 'out') {
        if (this.#heard + chunk.length > this.#sent) return
        this.#heard += chunk.length
        continue
      }
      const pause = chunk.at - (chunks[this.#next - 1]?.at ?? 0)
      if (this.#pace && pause > 0) {
        this.#cancel = this.#pace.timer(pause, () => {
          this.#cancel = undefined
          this.incoming.push(chunk.bytes!)
          this.#next++
          this.#advance()
        })
        return
      }
      this.incoming.push(chunk.bytes!)
    }
    if (end === 'peer' || end === 'loss') this.#fail(linkClosed(this.uri, end))
  }

  #fail(fault: Fault): Fault {
    this.#cancel?.()
    this.#over ??= fault
    this.incoming.end(fault)
    return fault
  }
}

function object(text: string, line: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // told below
  }
  throw new Fault('bad-argument', `line ${line} is no JSON object`, { line })
}

function content(value: unknown, line: number): { readonly length: number; readonly bytes?: Uint8Array } {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return { length: value }
  if (typeof value !== 'string') throw new Fault('bad-argument', `line ${line}: out, in or end is missing`, { line })
  try {
    const bytes = fromHex(value)
    return { length: bytes.length, bytes }
  } catch (error) {
    throw new Fault('bad-argument', `line ${line}: ${asFault(error).message}`, { line }, { cause: error })
  }
}
