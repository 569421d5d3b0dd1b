/** The book of a trace: stamps what is told with its time and its span, masks it, and gives it as a line of JSON. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import { type SpanLevel, type Told, TRACE_FORMAT, type TraceHeader, type Tracer, type TraceSource, type TraceSubject } from './event.ts'
import { Masker } from './masked.ts'
import { maskingRules } from './masking.ts'
import { PACKAGE_VERSION } from './package.ts'

/** A trace that is being written. */
export interface TraceWriter extends Tracer {
  /** Ends the spans that are open; nothing is written any more. Idempotent. */
  close(): void
}

/** The first line of a trace that begins now. */
export function headerOf(subject: TraceSubject | undefined, clock: Clock): TraceHeader {
  return {
    ...{ tapdip: 'trace', version: TRACE_FORMAT, package: PACKAGE_VERSION, start: new Date(clock.now()).toISOString() },
    ...{ clock: clock === systemClock ? 'system' : 'virtual', ...subject, masked: maskingRules },
  }
}

/** What several who tell of one counter have in common: when their times begin, and the numbers of their spans. */
export interface TraceShared {
  /** As `Clock.elapsed`, when the trace began. */
  readonly start: number
  /** Of a span that begins. */
  readonly nextSpan: () => number
}

function sharing(clock: Clock): TraceShared {
  let spans = 0
  return { start: clock.elapsed(), nextSpan: () => ++spans }
}

interface OpenSpan {
  readonly id: number
  readonly from: TraceSource
}

/** Stamps and masks what is told, and gives it as a line. `heard`: somebody still takes it. */
export function book(
  clock: Clock,
  take: (line: string) => void,
  heard: () => boolean = () => true,
  { start, nextSpan }: TraceShared = sharing(clock),
): TraceWriter {
  const masker = new Masker()
  const open: OpenSpan[] = []
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
      const id = nextSpan()
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
