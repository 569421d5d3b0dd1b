/** Writes the trace while things happen: a header, then each event as one line, masked, in the order and with the times of one clock. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import * as door from '../door.ts'
import { lacking } from './about.ts'
import { book, headerOf, type TraceWriter } from './book.ts'
import type { TraceEvent, TraceHeader, TraceSubject } from './event.ts'

export type { TraceWriter } from './book.ts'

/** How a trace is written. */
export interface TraceWriterOptions {
  /** Takes each line, without a line feed, at the latest a tenth of a second after what it tells of. One that throws ends the trace, and nothing else. */
  readonly write: (line: string) => void
  /** Hears once what `write` threw; the console is warned when left out. */
  readonly onFailure?: ((error: unknown) => void) | undefined
  /** Gives the times; the system's when left out. */
  readonly clock?: Clock | undefined
  /** What is known of reader, card and configuration when it begins. */
  readonly header?: TraceSubject | undefined
}

/** A trace that is kept in memory. */
export interface TraceMemory extends TraceWriter {
  /** As the first line of a file would have it, with what was told `about` the counter later. */
  readonly header: TraceHeader
  /** What was told so far, in order. */
  readonly events: readonly TraceEvent[]
}

const writerRule = door.shape({
  ...{ write: door.callable, onFailure: door.maybe(door.callable), clock: door.maybe(door.clock), header: door.maybe(door.object) },
})
const memoryRule = door.shape({ clock: door.maybe(door.clock), header: door.maybe(door.object) })

/**
 * A Tracer that writes lines of JSON: the header with the first event, so that who is given the tracer may tell what it is of, then the events in the order in which they are told, with the time of their telling. What is secret is masked before
 * it is written (`maskingRules`). Events wait for each other a moment, since a line costs less in company: until the host is asked, the payment ends, `flush`, `close`,
 * or for 100 milliseconds.
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
  const head = heading(header, clock)
  const line = (text: string) => {
    try {
      if (head.begin()) out?.(JSON.stringify(head.header))
      if (text !== '') out?.(text)
    } catch (error) {
      out = undefined
      try {
        onFailure(error)
      } catch {
        // the listener's own affair: the payment goes on
      }
    }
  }
  const tracer = book(clock, line, () => out !== undefined)
  return {
    ...tracer,
    about: subject => head.about(subject, tracer),
    flush() {
      line('')
      tracer.flush()
    },
    close() {
      line('')
      tracer.close()
    },
  }
}

/** The first line, and what is told of it until it is written; after that an event tells what it lacks. */
function heading(subject: TraceSubject | undefined, clock: Clock) {
  let header = headerOf(subject, clock)
  let begun = false
  return {
    get header() {
      return header
    },
    /** True once. */
    begin: () => !begun && (begun = true),
    about(subject: TraceSubject, tracer: Pick<TraceWriter, 'tell'>) {
      const content = lacking(header, subject)
      if (Object.keys(content).length === 0) return
      header = { ...header, ...content }
      if (begun) tracer.tell('driver', { kind: 'reader', event: 'about', content })
    },
  }
}

/** A Tracer that keeps what it is told, masked as in a file: for tests, and for who shows it at once. */
export function traceEvents(options: Pick<TraceWriterOptions, 'clock' | 'header'> = {}): TraceMemory {
  door.need('options', options, memoryRule)
  const { clock = systemClock, header } = options
  const events: TraceEvent[] = []
  let lines: string[] = []
  const tracer = book(clock, line => lines.push(line))
  const head = heading(header, clock)
  return {
    ...tracer,
    tell(from, told) {
      head.begin()
      tracer.tell(from, told)
    },
    span(...asked) {
      head.begin()
      return tracer.span(...asked)
    },
    about: subject => head.about(subject, tracer),
    get header() {
      return head.header
    },
    get events() {
      tracer.flush()
      for (const line of lines) events.push(JSON.parse(line))
      lines = []
      return events
    },
  }
}

function warn(error: unknown): void {
  console.warn(`tapdip: the trace has ended: ${error instanceof Error ? error.message : String(error)}`)
}
