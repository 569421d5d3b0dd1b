/** Writes the trace while things happen: a header, then each event as one line, masked, in the order and with the times of one clock. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import * as door from '../door.ts'
import { type SpanLevel, type Told, TRACE_FORMAT, type TraceEvent, type TraceHeader, type Tracer, type TraceSource } from './event.ts'
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
  return book(clock, line, () => out !== undefined)
}

/** A Tracer that keeps what it is told, masked as in a file: for tests, and for who shows it at once. */
export function traceEvents(options: Pick<TraceWriterOptions, 'clock' | 'header'> = {}): TraceMemory {
  door.need('options', options, memoryRule)
  const { clock = systemClock, header } = options
  const events: TraceEvent[] = []
  const tracer = book(clock, line => events.push(JSON.parse(line)))
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

/** Stamps and masks what is told, and gives it as a line. `heard`: somebody still takes it. */
function book(clock: Clock, take: (line: string) => void, heard: () => boolean = () => true): TraceWriter {
  const masker = new Masker()
  const start = clock.elapsed()
  const open: OpenSpan[] = []
  let spans = 0
  let closed = false
  /** What stands in the head is numbers and our own words: it needs no quoting. */
  const put = (from: TraceSource, fields: string, rules?: ReadonlySet<string>) => {
    const at = Math.round((clock.elapsed() - start) * 1000) / 1000
    const span = open.at(-1)?.id
    const within = span === undefined ? '' : `,"span":${span}`
    const by = rules === undefined || rules.size === 0 ? '' : `,"masked":["${[...rules].join('","')}"]`
    take(`{"at":${at},"from":"${from}"${within}${by},${fields}}`)
  }
  /** Closes a span; those inside it that nobody closed end with it. */
  const end = (id: number, fault?: string) => {
    if (closed || !open.some(one => one.id === id)) return
    const why = fault === undefined ? '' : `,"fault":${JSON.stringify(fault)}`
    for (let last = open.pop(); last; last = open.pop()) {
      put(last.from, `"kind":"spanEnd","id":${last.id}${why}`)
      if (last.id === id) return
    }
  }
  return {
    tell(from: TraceSource, told: Told) {
      if (closed || !heard()) return
      try {
        const { fields, rules } = masker.mask(told)
        put(from, fields, rules)
      } catch {
        // what cannot be made safe is not written
      }
    },
    span(level: SpanLevel, name: string, from: TraceSource = 'app') {
      if (closed || !heard()) return () => {}
      const id = ++spans
      const parent = open.at(-1)?.id
      const inside = parent === undefined ? '' : `,"parent":${parent}`
      put(from, `"kind":"span","id":${id}${inside},"level":${JSON.stringify(level)},"name":${JSON.stringify(masker.words(name))}`)
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
