/** Records what passes a Link, as lines of JSON; card data are written only as a family's redaction leaves them, by default no bytes at all. */

import { concat, hex } from '../bytes.ts'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import type { Tracer } from '../trace/event.ts'
import type { ClosedBy, Link } from './link.ts'

/** `out`: from the host to the device. */
export type Direction = 'out' | 'in'

/**
 * Follows one direction of a line and gives every byte back, in order, with what is secret replaced. It may keep bytes until it has seen a whole frame;
 * in sum it gives as many as it got. `last` is set once, with no bytes: then it gives what it still has, made harmless.
 */
export type Redact = (bytes: Uint8Array, last: boolean) => Uint8Array

/** A fresh follower of one direction: a family supplies it beside its codec. See `byFrame`. */
export type Redaction = (direction: Direction) => Redact

/** Leaves everything as it is: only for lines that carry nothing but test cards. */
export const unredacted: Redaction = () => bytes => bytes

/**
 * A Redaction made of a family's framing. `length(bytes)` is that of the unit at the front, a frame or noise, 0 while more bytes are needed to tell;
 * `hide(unit, direction)` gives as many bytes back, without the secrets (and with a right check sum, so that the recording can be replayed); zeros for
 * what it does not understand. A `hide` that gives another length, and what is no whole unit at the end, is written as zeros.
 */
export function byFrame(length: (bytes: Uint8Array) => number, hide: (unit: Uint8Array, direction: Direction) => Uint8Array): Redaction {
  door.need('length', length, door.callable)
  door.need('hide', hide, door.callable)
  return direction => {
    let rest: Uint8Array = new Uint8Array()
    return (bytes, last) => {
      const all = rest.length === 0 ? bytes.slice() : concat(rest, bytes)
      let done = 0
      while (done < all.length) {
        const size = length(all.subarray(done))
        if (!(size > 0 && done + size <= all.length)) break
        const hidden = hide(all.slice(done, done + size), direction)
        if (hidden.length === size) all.set(hidden, done)
        else all.fill(0, done, done + size)
        done += size
      }
      if (last) all.fill(0, done)
      const end = last ? all.length : done
      if (end < all.length || rest.length > 0) rest = all.slice(end)
      return end === all.length ? all : all.subarray(0, end)
    }
  }
}

/** How a link is recorded. */
export interface TraceOptions {
  /** Takes each line of the recording, without a line feed. One that throws ends the recording, and nothing else. */
  write: (line: string) => void
  /** Hears once what `write` threw; the console is warned when left out. */
  onFailure?: ((error: unknown) => void) | undefined
  /** What may be written of the bytes. When left out, only their number is: the safe choice where nobody knows the family. */
  redaction?: Redaction | undefined
  /** Gives the times; the system's when left out. */
  clock?: Clock | undefined
  /** Whose end of the line this is; `host` when left out. A recording has the host's view: `out` is what the reader hears. */
  side?: 'host' | 'device' | undefined
  /** Of the reader, for whoever plays the recording. */
  reader?:
    | {
        /** `qpos`, `bluepad`, … */
        readonly family: string
        /** Which of the family’s languages. */
        readonly dialect?: string | undefined
        /** As in `TraceHeader`. */
        readonly configuration?: string | null | undefined
        /** As in `TraceHeader`. */
        readonly seed?: number | null | undefined
      }
    | undefined
}

/** The version of the format, in its first line. */
export const TRACE_VERSION = 1

/**
 * `link`, with every chunk recorded. The lines: `{"tapdip":"trace","version":1,"uri","start","bytes":"none"|"redacted"|"all"}`, with `family`, `dialect`
 * and `service` where they are known, then for each chunk `{"at":<ms since start>,"out"|"in":"<hex>"}`, or the number of its bytes in place of the hex, and at the end `{"at","end":"close"|"peer"|"loss"}`.
 */
export function traced(link: Link, options: TraceOptions): Link {
  door.need('link', link, door.linkRule)
  door.need('options', options, door.shape({ write: door.callable }))
  return recordedLink(link, new Recorder(options.redaction, inLines(link, options)), options.side === 'device')
}

/** How a link is told to a trace. */
export interface TracedLinkOptions {
  /** Is told of every chunk, and of the end. */
  tracer: Tracer
  /** What may be told of the bytes. When left out, only their number is. */
  redaction?: Redaction | undefined
  /** Whose end of the line this is; `host` when left out. */
  side?: 'host' | 'device' | undefined
}

/** `link`, with every chunk told to a trace: as soon as all of it came back from the redaction, so that a frame's first piece has the time of its last. */
export function tracedLink(link: Link, options: TracedLinkOptions): Link {
  door.need('link', link, door.linkRule)
  door.need('options', options, door.shape({ tracer: door.tracer, redaction: door.maybe(door.callable) }))
  const { tracer, redaction, side = 'host' } = options
  const sink: Sink = {
    now: () => 0,
    chunk: (_, way, length, bytes) => tracer.tell('link', { kind: 'link', way, length, ...(bytes !== undefined && { bytes }) }),
    end: (_, by) => tracer.tell('link', { kind: 'link', end: by }),
  }
  return recordedLink(link, new Recorder(redaction, sink), side === 'device')
}

/** `turned`: it is the device's end, what it sends is `in`. */
function recordedLink(link: Link, recorder: Recorder, turned = false): Link {
  const [sent, heard] = turned ? (['in', 'out'] as const) : (['out', 'in'] as const)
  // Who hung up is told as the host sees it too.
  const [ours, theirs] = turned ? (['peer', 'close'] as const) : (['close', 'peer'] as const)
  return {
    uri: link.uri,
    mtu: link.mtu,
    ...(link.service !== undefined && { service: link.service }),
    async send(bytes) {
      if (bytes.length > 0 && bytes.length <= link.mtu) recorder.chunk(sent, bytes) // before its answer can come
      await link.send(bytes)
    },
    incoming: { [Symbol.asyncIterator]: () => recorded(link.incoming[Symbol.asyncIterator](), recorder, heard, ours, theirs) },
    async close() {
      await link.close()
      recorder.end(ours)
    },
  }
}

function recorded(
  chunks: AsyncIterator<Uint8Array>,
  recorder: Recorder,
  heard: Direction,
  ours: ClosedBy,
  theirs: ClosedBy,
): AsyncIterator<Uint8Array> {
  return {
    async next() {
      try {
        const result = await chunks.next()
        if (result.done) recorder.end(ours)
        else recorder.chunk(heard, result.value)
        return result
      } catch (error) {
        recorder.end(error instanceof Fault && error.details.by === 'peer' ? theirs : 'loss')
        throw error
      }
    },
    return: async () => (await chunks.return?.()) ?? { value: undefined, done: true },
  }
}

interface Pending {
  readonly at: number
  readonly direction: Direction
  readonly length: number
  /** What the redaction has given back of it so far; nothing once it failed. */
  text: string | undefined
}

/** Where chunks go, in the order in which they passed. */
interface Sink {
  now(): number
  chunk(at: number, direction: Direction, length: number, bytes: string | undefined): void
  end(at: number, by: ClosedBy): void
}

/** Gives chunks on in the order in which they passed, each as soon as all of it came back from the redaction. */
class Recorder {
  readonly #sink: Sink
  readonly #redact: Record<Direction, Redact | undefined>
  readonly #pending: Pending[] = []
  #ended = false

  constructor(redaction: Redaction | undefined, sink: Sink) {
    this.#sink = sink
    this.#redact = { out: redaction?.('out'), in: redaction?.('in') }
  }

  chunk(direction: Direction, bytes: Uint8Array): void {
    if (this.#ended) return
    const text = this.#redact[direction] && ''
    this.#pending.push({ at: this.#sink.now(), direction, length: bytes.length, text })
    this.#give(direction, bytes, false)
    this.#flush()
  }

  end(by: ClosedBy): void {
    if (this.#ended) return
    this.#ended = true
    for (const direction of ['out', 'in'] as const) {
      this.#give(direction, new Uint8Array(), true)
      this.#fail(direction) // what a redaction kept to itself is not written
    }
    this.#flush()
    this.#sink.end(this.#sink.now(), by)
  }

  #give(direction: Direction, bytes: Uint8Array, last: boolean): void {
    let shown = ''
    try {
      const redact = this.#redact[direction]
      if (redact) shown = hex(redact(bytes.slice(), last))
    } catch {
      this.#fail(direction)
    }
    for (const chunk of this.#pending) {
      if (shown === '') break
      if (chunk.direction !== direction || chunk.text === undefined) continue
      const rest = chunk.length * 2 - chunk.text.length
      chunk.text += shown.slice(0, rest)
      shown = shown.slice(rest)
    }
    if (shown !== '') this.#fail(direction) // more than it got: nobody knows what these bytes are
  }

  /** From here on only lengths: a redaction that went wrong shows nothing more. */
  #fail(direction: Direction): void {
    this.#redact[direction] = undefined
    for (const chunk of this.#pending)
      if (chunk.direction === direction && chunk.text !== undefined && chunk.text.length < chunk.length * 2) chunk.text = undefined
  }

  #flush(): void {
    for (;;) {
      const [chunk] = this.#pending
      if (!chunk || (chunk.text !== undefined && chunk.text.length < chunk.length * 2)) return
      this.#pending.shift()
      this.#sink.chunk(chunk.at, chunk.direction, chunk.length, chunk.text)
    }
  }
}

/** A sink that writes a head, and then each chunk as one line. */
function inLines({ uri, service }: Link, { write, redaction, clock = systemClock, onFailure = warn, reader }: TraceOptions): Sink {
  let out: typeof write | undefined = write
  const line = (content: object) => {
    try {
      out?.(JSON.stringify(content))
    } catch (error) {
      out = undefined
      try {
        onFailure(error)
      } catch {
        // the listener's own affair: the line goes on
      }
    }
  }
  const start = clock.now()
  const bytes = redaction === undefined ? 'none' : redaction === unredacted ? 'all' : 'redacted'
  const head = { tapdip: 'trace', version: TRACE_VERSION, uri, start: new Date(start).toISOString(), bytes }
  line({ ...head, ...reader, ...(service !== undefined && { service }) })
  return {
    now: () => clock.now() - start,
    chunk: (at, direction, length, text) => line({ at, [direction]: text ?? length }),
    end: (at, by) => line({ at, end: by }),
  }
}

function warn(error: unknown): void {
  console.warn(`tapdip: the recording of the line has ended: ${error instanceof Error ? error.message : String(error)}`)
}
