/** What the page knows of a trace: lanes, spans, times of steps, payments, and the line that says what an event is. */

import { statusWords } from '../../src/apdu/status.ts'
import type { Json, SpanLevel, TraceEvent } from '../../src/trace/event.ts'
import type { View } from './view.ts'

export const lanes = ['app', 'link', 'reader', 'card', 'host'] as const
export type Lane = (typeof lanes)[number]

const spanLanes: Readonly<Record<SpanLevel, Lane>> = { payment: 'app', presentation: 'reader', step: 'reader', command: 'card' }

/** Where an event stands on the axis. */
export function laneOf(event: TraceEvent): Lane {
  switch (event.kind) {
    case 'link':
    case 'message':
      return 'link'
    case 'apdu':
    case 'card':
      return 'card'
    case 'host':
      return 'host'
    case 'app':
    case 'journal':
    case 'result':
      return 'app'
    case 'span':
      return spanLanes[event.level] ?? 'reader'
    default:
      return 'reader'
  }
}

/** A span with its end; one that never ended lasts to the last event. */
export interface Span {
  readonly level: SpanLevel
  readonly name: string
  readonly from: number
  readonly to: number
}

/** Steps of the kernel as they are found, event by event. */
export class Steps {
  readonly #spans: { name: string; from: number; to: number | undefined }[] = []
  readonly #open = new Map<number, { to: number | undefined }>()
  readonly #rules: { name: string; from: number; to: number }[] = []
  #last = 0

  take(event: TraceEvent): void {
    this.#last = event.at
    if (event.kind === 'span' && event.level === 'step') {
      const span = { name: event.name, from: event.at, to: undefined }
      this.#spans.push(span)
      this.#open.set(event.id, span)
    } else if (event.kind === 'spanEnd') {
      const span = this.#open.get(event.id)
      if (span) span.to = event.at
      this.#open.delete(event.id)
    } else if (event.kind === 'kernel') {
      const open = this.#rules.at(-1)
      if (open) open.to = event.at
      if (event.step !== open?.name) this.#rules.push({ name: event.step, from: event.at, to: event.at })
    }
  }

  /** Its spans; where a trace has none, what lies between the first rule of one step and the first of the next. */
  get all(): readonly Span[] {
    const found = this.#spans.length > 0 ? this.#spans : this.#rules
    return found.map(({ name, from, to }) => ({ level: 'step', name, from, to: to ?? this.#last }))
  }
}

export function stepsOf(events: readonly TraceEvent[]): readonly Span[] {
  const steps = new Steps()
  for (const event of events) steps.take(event)
  return steps.all
}

/** A payment in a trace: its result, and the place of it and of the first event that is its own. */
export interface Payment {
  readonly from: number
  readonly at: number
  readonly result: string
  readonly reason?: string
  readonly content: Readonly<Record<string, Json>>
}

/** Adds a payment where one ends. */
export function takePayment(found: Payment[], event: TraceEvent, at: number): void {
  if (event.kind !== 'result') return
  const { result, reason, content } = event
  found.push({ from: (found.at(-1)?.at ?? -1) + 1, at, result, ...(reason && { reason }), content: objectOf(content) })
}

/** The last rule of a payment that set this bit (`TVR expired`), by its place in the trace. */
export function setterOf(events: readonly TraceEvent[], effect: string, { from, at }: Pick<Payment, 'from' | 'at'>): number | undefined {
  for (let place = at; place >= from; place--) {
    const event = events[place]
    if (event?.kind === 'kernel' && event.effect.includes(effect)) return place
  }
  return undefined
}

export function objectOf(value: Json | undefined): Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, Json>>) : {}
}

/** Text by text, of what may be anything. */
export function textsOf(value: Json | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).filter((one): one is [string, string] => typeof one[1] === 'string'))
}

const LONG = 160

function short(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  const plain = text === '{}' ? '' : text
  return plain.length > LONG ? `${plain.slice(0, LONG)}…` : plain
}

const arrow = (way: 'out' | 'in') => (way === 'out' ? '→' : '←')
const asked = { ask: '?', answer: '!', event: '·', request: '→', decision: '·' } as const

/** How a line is told in a language; as the trace has it where nobody says. */
type Teller = Pick<View, 'rule' | 'told' | 'step' | 'level' | 'reason'>
const same = (text: string) => text
const asWritten: Teller = { rule: same, told: same, step: same, level: same, reason: same }

/** What happened, in a line: its name, and the rest. In the terms of the trace, which are those of the field. */
export function lineOf(event: TraceEvent, { rule, told, step, level, reason }: Teller = asWritten): readonly [name: string, rest: string] {
  switch (event.kind) {
    case 'span':
      return [event.level === 'step' ? step(event.name) : told(event.name), level(event.level)]
    case 'spanEnd':
      return ['', event.fault ?? '']
    case 'link':
      return 'end' in event ? [`⊣ ${event.end}`, ''] : [`${arrow(event.way)} ${event.length}`, event.bytes ?? '']
    case 'message':
      return [`${arrow(event.way)} ${event.type}`, short(event.content)]
    case 'apdu':
      return [event.name, told(statusOf(event.answer))]
    case 'kernel':
      return [event.effect.map(rule).join(', ') || '—', rule(event.rule)]
    case 'screen':
      return [event.lines.filter(line => line.trim()).join(' / ') || '—', event.message ?? '']
    case 'light':
      return [event.light, '']
    case 'sound':
      return [event.sound, '']
    case 'key':
      return [event.key, '']
    case 'card':
      return [event.event, '']
    case 'reader':
      return [event.event, short(event.content)]
    case 'app':
      return [`${asked[event.what] ?? ''} ${event.name}`, short(event.content)]
    case 'host':
      return [`${event.what === 'answer' ? '←' : (asked[event.what] ?? '')} ${event.name}`, short(event.content)]
    case 'journal':
      return [event.stage, short(event.content)]
    case 'result':
      return [told(event.result), event.reason === undefined ? '' : reason(event.reason)]
  }
}

/** The status word of an answer in words: `9000 done`. */
export function statusOf(answer: string | undefined): string {
  const digits = answer?.slice(-4) ?? ''
  return /^[0-9A-F]{4}$/i.test(digits) ? statusWords(Number.parseInt(digits, 16)) : '—'
}

/** The number in the middle, in a list that is sorted; the one at `part` of it. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0
}
