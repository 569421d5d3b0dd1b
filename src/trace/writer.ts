/** Writes the trace while things happen: a header, then each event as one line, masked, in the order and with the times of one clock. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import * as door from '../door.ts'
import {
  type SpanLevel,
  type Told,
  TRACE_FORMAT,
  type TraceContent,
  type TraceEvent,
  type TraceHeader,
  type Tracer,
  type TraceSource,
  type TraceStamp,
} from './event.ts'
import { Masker } from './masked.ts'
import { maskingRules } from './masking.ts'
import { PACKAGE_VERSION } from './package.ts'

/** What a header tells of the counter; the rest of it is the writer's. */
export type TraceSubject = Omit<TraceHeader, 'tapdip' | 'version' | 'package' | 'start' | 'clock' | 'masked'>

/** How a trace is written. */
export interface TraceWriterOptions {
  /** Takes each line, without a line feed. One that throws ends the trace, and nothing else. */
  readonly write: (line: string) => void
  /** Hears once what `write` threw; the console is warned when left out. */
  readonly onFailure?: ((error: unknown) => void) | undefined
  /** Gives the times; the system's when left out. */
  readonly clock?: Clock | undefined
  /** What is known of reader, card and configuration when it begins. */
  readonly header?: TraceSubject | undefined
}

/** A trace that is being written. */
export interface TraceWriter extends Tracer {
  /** Ends the spans that are open; nothing is written any more. Idempotent. */
  close(): void
}

/** A trace that is kept in memory. */
export interface TraceMemory extends TraceWriter {
  /** As the first line of a file would have it. */
  readonly header: TraceHeader
  /** What was told so far, in order. */
  readonly events: readonly TraceEvent[]
}

const writerRule = door.shape({
  ...{ write: door.callable, onFailure: door.maybe(door.callable), clock: door.maybe(door.clock), header: door.maybe(door.object) },
})
const memoryRule = door.shape({ clock: door.maybe(door.clock), header: door.maybe(door.object) })

/**
 * A Tracer that writes lines of JSON: the header at once, then each event as it is told. What is secret is masked before it is written (`maskingRules`).
 * @example
 * ```ts
 * import { openTrace } from 'tapdip'
 *
 * const lines: string[] = []
 * const tracer = openTrace({ write: line => lines.push(line) })
 * const end = tracer.span('payment', 'order 1')
 * tracer.tell('person', { kind: 'card', event: 'inserted' })
 * end()
 * tracer.close()
 * console.log(lines.length) // 4
 * ```
 */
export function openTrace(options: TraceWriterOptions): TraceWriter {
  door.need('options', options, writerRule)
  const { write, onFailure = warn, clock = systemClock, header } = options
  let out: typeof write | undefined = write
  const line = (text: string) => {
    try {
      out?.(text)
    } catch (error) {
      out = undefined
      try {
        onFailure(error)
      } catch {
        // the listener's own affair: the payment goes on
      }
    }
  }
  line(JSON.stringify(headerOf(header, clock)))
  return book(
    clock,
    // What stands in the head is numbers and our own words: it needs no quoting.
    ({ at, from, span, masked }, _, json) => {
      const within = span === undefined ? '' : `,"span":${span}`
      const by = masked === undefined ? '' : `,"masked":["${masked.join('","')}"]`
      line(`{"at":${at},"from":"${from}"${within}${by},${json.slice(1)}`)
    },
    () => out !== undefined,
  )
}

/** A Tracer that keeps what it is told, masked as in a file: for tests, and for who shows it at once. */
export function traceEvents(options: Pick<TraceWriterOptions, 'clock' | 'header'> = {}): TraceMemory {
  door.need('options', options, memoryRule)
  const { clock = systemClock, header } = options
  const events: TraceEvent[] = []
  const tracer = book(clock, (stamp, content) => events.push({ ...stamp, ...content }))
  return { ...tracer, header: headerOf(header, clock), events }
}

function headerOf(subject: TraceSubject | undefined, clock: Clock): TraceHeader {
  return {
    ...{ tapdip: 'trace', version: TRACE_FORMAT, package: PACKAGE_VERSION, start: new Date(clock.now()).toISOString() },
    ...{ clock: clock === systemClock ? 'system' : 'virtual', ...subject, masked: maskingRules },
  }
}

interface OpenSpan {
  readonly id: number
  readonly from: TraceSource
}

/** Stamps and masks what is told. `heard`: somebody still takes it. */
function book(
  clock: Clock,
  take: (stamp: TraceStamp, content: TraceContent, json: string) => void,
  heard: () => boolean = () => true,
): TraceWriter {
  const masker = new Masker()
  const start = clock.elapsed()
  const open: OpenSpan[] = []
  let spans = 0
  let closed = false
  const put = (from: TraceSource, content: TraceContent, json: string, rules: readonly string[], span = open.at(-1)?.id) => {
    const at = Math.round((clock.elapsed() - start) * 1000) / 1000
    take({ at, from, ...(span !== undefined && { span }), ...(rules.length > 0 && { masked: rules }) }, content, json)
  }
  /** Closes a span; those inside it that nobody closed end with it. */
  const end = (id: number, fault?: string) => {
    if (closed || !open.some(one => one.id === id)) return
    for (let last = open.pop(); last; last = open.pop()) {
      const content: TraceContent = { kind: 'spanEnd', id: last.id, ...(fault !== undefined && { fault }) }
      put(last.from, content, JSON.stringify(content), [], open.at(-1)?.id)
      if (last.id === id) return
    }
  }
  return {
    tell(from: TraceSource, told: Told) {
      if (closed || !heard()) return
      try {
        const { content, json, rules } = masker.mask(told)
        put(from, content, json, rules)
      } catch {
        // what cannot be made safe is not written
      }
    },
    span(level: SpanLevel, name: string, from: TraceSource = 'app') {
      if (closed || !heard()) return () => {}
      const id = ++spans
      const parent = open.at(-1)?.id
      const begun: TraceContent = { kind: 'span', id, ...(parent !== undefined && { parent }), level, name: masker.words(name) }
      put(from, begun, JSON.stringify(begun), [])
      open.push({ id, from })
      return fault => end(id, fault)
    },
    close() {
      const [outer] = open
      if (outer) end(outer.id)
      closed = true
    },
  }
}

function warn(error: unknown): void {
  console.warn(`tapdip: the trace has ended: ${error instanceof Error ? error.message : String(error)}`)
}
