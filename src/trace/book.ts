/** The book of a trace: stamps what is told with its time and its span, masks it, and gives it as a line of JSON. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import {
  type SpanLevel,
  type Told,
  TRACE_FORMAT,
  type TraceHeader,
  type Tracer,
  type TraceSource,
  type TraceSpan,
  type TraceSpanEnd,
  type TraceSubject,
} from './event.ts'
import { kept } from './kept.ts'
import { Masker } from './masked.ts'
import { maskingRules } from './masking.ts'
import { PACKAGE_VERSION } from './package.ts'

/** A trace that is being written. */
export interface TraceWriter extends Tracer {
  /** Writes what was told and still waits: for who looks at the lines at once, or ends the program. Idempotent. */
  flush(): void
  /** Writes what waits, and ends the spans that are open; nothing is written any more. Idempotent. */
  close(): void
}

/** The first line of a trace that begins now. */
export function headerOf(subject: TraceSubject | undefined, clock: Clock): TraceHeader {
  return {
    ...{ tapdip: 'trace', version: TRACE_FORMAT, package: PACKAGE_VERSION, start: new Date(clock.now()).toISOString() },
    ...{ clock: clock === systemClock ? 'system' : 'virtual', configuration: null, seed: null, ...subject, masked: maskingRules },
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

/** What was told and is not yet masked, stamped. */
interface Waiting {
  readonly at: number
  readonly from: TraceSource
  readonly span: number | undefined
  readonly told: Told | TraceSpan | TraceSpanEnd
}

/** Milliseconds for which an event waits for others; and how many wait at most. */
const [PATIENCE, MOST_WAITING] = [100, 256]

/** Stamps and masks what is told, and gives it as a line. `heard`: somebody still takes it. Where several share one order, none lets its events wait. */
export function book(clock: Clock, take: (line: string) => void, heard: () => boolean = () => true, shared?: TraceShared): TraceWriter {
  const { start, nextSpan } = shared ?? sharing(clock)
  const most = shared ? 1 : MOST_WAITING
  const masker = new Masker()
  const open: OpenSpan[] = []
  let waiting: Waiting[] = []
  let moment: ReturnType<typeof setTimeout> | undefined
  let closed = false
  const put = (from: TraceSource, told: Waiting['told']) => {
    waiting.push({ at: clock.elapsed() - start, from, span: open.length === 0 ? undefined : open[open.length - 1].id, told })
    if (waiting.length >= most) flush()
    else moment ??= patience(flush)
  }
  const flush = () => {
    clearTimeout(moment)
    moment = undefined
    const told = waiting
    waiting = []
    for (const one of told) if (heard()) line(one)
  }
  /** What stands in the head is numbers and our own words: it needs no quoting. */
  const line = ({ at, from, span, told }: Waiting) => {
    let fields: string
    try {
      fields = masker.mask(told)
    } catch {
      return // what cannot be made safe is not written
    }
    const by = masker.rules.size === 0 ? '' : `,"masked":["${[...masker.rules].join('","')}"]`
    const within = span === undefined ? '' : `,"span":${span}`
    take(`{"at":${milliseconds(at)},"from":"${from}"${within}${by},${fields}}`)
  }
  /** Closes a span; those inside it that nobody closed end with it. */
  const end = (id: number, fault?: string) => {
    if (closed || !open.some(one => one.id === id)) return
    for (let last = open.pop(); last; last = open.pop()) {
      put(last.from, { kind: 'spanEnd', id: last.id, ...(fault !== undefined && { fault }) })
      if (last.id === id) return
    }
  }
  return {
    tell(from: TraceSource, told: Told) {
      if (closed || !heard()) return
      try {
        put(from, kept(told))
        if (atOnce.has(told.kind)) flush()
      } catch {
        // what cannot be made safe is not written
      }
    },
    span(level: SpanLevel, name: string, from: TraceSource = 'app') {
      if (closed || !heard()) return () => {}
      const id = nextSpan()
      const parent = open.at(-1)?.id
      put(from, { kind: 'span', id, ...(parent !== undefined && { parent }), level, name })
      open.push({ id, from })
      return fault => end(id, fault)
    },
    flush,
    close() {
      const [outer] = open
      if (outer) end(outer.id)
      closed = true
      flush()
    },
  }
}

/** By microseconds: what stands behind the whole milliseconds. */
const fractions = Array.from({ length: 1000 }, (_, micro) => (micro === 0 ? '' : `.${`${micro}`.padStart(3, '0').replace(/0+$/, '')}`))

/** Three decimals at most. From two whole numbers: to find the shortest digits of a fraction takes as long as all the rest of a line's head. */
function milliseconds(at: number): string {
  const micro = Math.round(at * 1000)
  return micro >= 0 ? Math.floor(micro / 1000) + fractions[micro % 1000] : `${micro / 1000}`
}

/** A timer of the system's, whatever clock the events have: it is there for the writing, and keeps no program alive. */
function patience(fire: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(fire, PATIENCE) as ReturnType<typeof setTimeout> & { unref?(): void }
  timer.unref?.()
  return timer
}

/** With these all that waits is written: they hold what the app has in its hands too and may change, and are what nobody wants to lose. */
const atOnce: ReadonlySet<Told['kind']> = new Set(['host', 'journal', 'result'])
