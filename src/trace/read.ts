/** Reads a trace: version 2, and what was written before there was one trace (recordings of a line, explanations), as the same events. */

import { fromHex } from '../bytes.ts'
import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { lacking } from './about.ts'
import { TRACE_FORMAT, type TraceContent, type TraceEvent, type TraceHeader, type TraceSubject } from './event.ts'

/** A trace, read. */
export interface TraceLog {
  /** What it is written in: this format, a recording of a line alone (1), or the explanations of a kernel. */
  readonly format: 2 | 1 | 'explanations'
  /** Its first line; of older formats as much of it as they tell. */
  readonly header: TraceHeader
  /** In the order in which they were told. */
  readonly events: readonly TraceEvent[]
  /** The line of each event in the text, from 1. */
  readonly lines: readonly number[]
}

/** A piece that passed the line, as `replay` plays it. */
export interface LinkChunk {
  /** Milliseconds since the start. */
  readonly at: number
  /** `out`: the host sent it. */
  readonly direction: 'out' | 'in'
  /** Bytes. */
  readonly length: number
  /** Left out where only the length may be told. */
  readonly bytes?: Uint8Array
  /** Line of the trace, from 1. */
  readonly line: number
}

const sources = ['app', 'driver', 'link', 'reader', 'card', 'person', 'host']
const hexRule: door.Rule = {
  takes: 'bytes in hex',
  broken: (value, path) =>
    typeof value === 'string' && /^(?:[0-9A-Fa-f]{2})*$/.test(value) ? undefined : { path, value, takes: 'bytes in hex' },
}
const ordinal = door.whole(1, Number.MAX_SAFE_INTEGER)
const textLines = door.listOf(door.anyText)
const way = door.oneOf(['out', 'in'])
const there: door.Rule = {
  takes: 'something',
  broken: (value, path) => (value === undefined ? { path, value, takes: 'something' } : undefined),
}

const stampRule = door.shape({
  ...{ at: door.milliseconds, from: door.oneOf(sources), span: door.maybe(ordinal), masked: door.maybe(textLines) },
})

/** What each kind has. */
const kinds: Readonly<Record<TraceContent['kind'], Readonly<Record<string, door.Rule>>>> = {
  span: {
    ...{ id: ordinal, parent: door.maybe(ordinal), name: door.anyText },
    level: door.oneOf(['payment', 'presentation', 'step', 'command']),
  },
  spanEnd: { id: ordinal, fault: door.maybe(door.anyText) },
  link: {
    ...{ way: door.maybe(way), length: door.maybe(door.whole(0, Number.MAX_SAFE_INTEGER)), bytes: door.maybe(hexRule) },
    end: door.maybe(door.oneOf(['close', 'peer', 'loss'])),
  },
  message: { way, type: door.anyText, content: there },
  apdu: {
    ...{ interface: door.oneOf(['contact', 'contactless']), name: door.anyText, command: hexRule, answer: door.maybe(hexRule) },
  },
  kernel: { step: door.anyText, rule: door.anyText, inputs: door.object, effect: textLines },
  screen: { lines: textLines, message: door.maybe(door.anyText) },
  light: { light: door.anyText },
  sound: { sound: door.anyText },
  key: { key: door.anyText },
  card: { event: door.oneOf(['inserted', 'removed', 'tapped', 'left', 'swiped']) },
  reader: { event: door.anyText },
  app: { what: door.oneOf(['ask', 'answer', 'event']), name: door.anyText },
  host: { what: door.oneOf(['request', 'answer', 'decision']), name: door.anyText },
  journal: { stage: door.anyText },
  result: { result: door.anyText, reason: door.maybe(door.anyText), content: there },
}
const shapes = new Map(Object.entries(kinds).map(([kind, fields]) => [kind, door.shape(fields)]))
const kindRule = door.oneOf(Object.keys(kinds))

const headerRule = door.shape({
  ...{ package: door.anyText, start: door.anyText, clock: door.oneOf(['system', 'virtual']), masked: textLines },
  ...{ reader: door.maybe(door.shape({ family: door.anyText })), card: door.maybe(door.anyText), uri: door.maybe(door.anyText) },
  ...{ configuration: orNone(door.anyText), seed: orNone(door.finite(-Number.MAX_VALUE, Number.MAX_VALUE)) },
})

/** Also null: it is told that there is none. */
function orNone(rule: door.Rule): door.Rule {
  const { takes, broken } = door.maybe(rule)
  return { takes: `${takes} or null`, broken: (value, path) => (value === null ? undefined : broken(value, path)) }
}

/** The header with what was told of the counter later. */
function known(header: TraceHeader, events: readonly TraceEvent[]): TraceHeader {
  let all = header
  for (const event of events)
    if (
      event.kind === 'reader' &&
      event.event === 'about' &&
      event.from === 'driver' &&
      typeof event.content === 'object' &&
      event.content !== null
    )
      all = { ...all, ...lacking(all, event.content as TraceSubject) }
  return all
}

/**
 * A trace as it was written: version 2; version 1, a recording of a line alone; or the explanations of a kernel, one a line. A last line that breaks off, as of a program that was
 * killed, is left out.
 * @throws Fault `bad-argument` with details.line, and where a field is wrong details.field, value and rule; `unsupported` for another version
 */
export function parseTraceLog(text: string): TraceLog {
  door.need('text', text, door.anyText)
  const rows = text.split('\n')
  const whole = rows.at(-1) === ''
  const objects: { line: number; value: Record<string, unknown> }[] = []
  for (const [index, row] of rows.entries()) {
    if (row.trim() === '') continue
    const value = objectIn(row)
    if (value === undefined && !whole && index === rows.length - 1 && objects.length > 0) break
    if (value === undefined) throw new Fault('bad-argument', `line ${index + 1} is no JSON object`, { line: index + 1 })
    objects.push({ line: index + 1, value })
  }
  const [first, ...rest] = objects
  if (!first) throw new Fault('bad-argument', 'line 1: a trace begins with its header', { line: 1 })
  if (first.value.tapdip !== 'trace') return explanations(objects)
  if (first.value.version === 1) return recording(first, rest)
  if (first.value.version !== TRACE_FORMAT)
    throw new Fault('unsupported', `trace version ${door.show(first.value.version)}, this is ${TRACE_FORMAT}`, {
      ...{ feature: `trace-${String(first.value.version)}`, line: first.line },
    })
  check(first.line, first.value, headerRule)
  for (const { line, value } of rest) {
    check(line, value, stampRule)
    check(line, value.kind, kindRule, 'kind')
    check(line, value, shapes.get(value.kind as string)!)
    if (value.kind === 'link' && value.end === undefined) check(line, value, passed)
    if (value.kind === 'kernel')
      for (const [tag, bytes] of Object.entries(value.inputs as object)) check(line, bytes, hexRule, `inputs.${tag}`)
  }
  const events = rest.map(({ value }) => value as unknown as TraceEvent)
  return {
    format: 2,
    header: known(first.value as unknown as TraceHeader, events),
    events,
    lines: rest.map(({ line }) => line),
  }
}

const passed = door.shape({ way, length: door.whole(0, Number.MAX_SAFE_INTEGER) })

/** Whether a text begins as a trace does, of whatever version. */
export function isTrace(text: string): boolean {
  door.need('text', text, door.anyText)
  return objectIn(text.trimStart().split('\n', 1)[0])?.tapdip === 'trace'
}

/** What passed the line, for a replay; `end`: how it was closed. Of an `unredacted` piece that was told by its length alone the bytes are missing. */
export function linkChunks(log: TraceLog): { readonly chunks: readonly LinkChunk[]; readonly end?: 'close' | 'peer' | 'loss' } {
  door.need('log', log, door.shape({ events: door.listOf(door.object), lines: door.listOf(door.whole(1, Number.MAX_SAFE_INTEGER)) }))
  const chunks: LinkChunk[] = []
  for (const [index, event] of log.events.entries()) {
    if (event.kind !== 'link') continue
    if ('end' in event) return { chunks, end: event.end }
    const { at, way: direction, length, bytes } = event
    chunks.push({ at, direction, length, ...(bytes !== undefined && { bytes: fromHex(bytes) }), line: log.lines[index] })
  }
  return { chunks }
}

function check(line: number, value: unknown, rule: door.Rule, path = ''): void {
  const broken = rule.broken(value, path)
  if (!broken) return
  const shown = door.show(broken.value)
  throw new Fault('bad-argument', `line ${line}: ${broken.path || 'the line'} is ${shown}; it takes ${broken.takes}`, {
    ...{ line, field: broken.path, value: shown, rule: broken.takes },
  })
}

function objectIn(row: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(row)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const before = { tapdip: 'trace', package: '', clock: 'system', masked: [] } as const

interface Row {
  readonly line: number
  readonly value: Record<string, unknown>
}

interface RecordedHead extends Pick<TraceHeader, 'start' | 'configuration' | 'seed'> {
  readonly uri: string
  readonly family?: string
  readonly dialect?: string
}

/** What only some recordings tell. */
const recordedRule = door.shape({
  ...{ family: door.maybe(door.anyText), dialect: door.maybe(door.anyText) },
  ...{ configuration: orNone(door.anyText), seed: orNone(door.finite(-Number.MAX_VALUE, Number.MAX_VALUE)) },
})

/** Version 1: a head for each connection, pieces, an end. */
function recording(first: Row, rest: readonly Row[]): TraceLog {
  check(first.line, first.value, door.shape({ uri: door.anyText, start: door.anyText, bytes: door.oneOf(['none', 'redacted', 'all']) }))
  check(first.line, first.value, recordedRule)
  const { uri, start, family, dialect, configuration, seed } = first.value as unknown as RecordedHead
  const events: TraceEvent[] = []
  const lines: number[] = []
  let [offset, last] = [0, 0]
  for (const { line, value } of rest) {
    if (value.tapdip === 'trace') {
      // Another connection: its times count from its own start.
      offset = Math.max(last, Date.parse(String(value.start)) - Date.parse(start) || 0)
      continue
    }
    check(line, value.at, door.milliseconds, 'at')
    const at = (last = offset + (value.at as number))
    lines.push(line)
    if (value.end !== undefined) {
      check(line, value.end, door.oneOf(['close', 'peer', 'loss']), 'end')
      events.push({ at, from: 'link', kind: 'link', end: value.end as 'close' })
      continue
    }
    const direction = value.out === undefined ? 'in' : 'out'
    const piece = value[direction]
    if (typeof piece === 'string') {
      check(line, piece, hexRule, direction)
      events.push({ at, from: 'link', kind: 'link', way: direction, length: piece.length / 2, bytes: piece })
    } else {
      check(line, piece, door.whole(0, Number.MAX_SAFE_INTEGER), direction)
      events.push({ at, from: 'link', kind: 'link', way: direction, length: piece as number })
    }
  }
  const reader = family === undefined ? {} : { reader: { family, ...(dialect !== undefined && { dialect }) } }
  const known = { ...(configuration !== undefined && { configuration }), ...(seed !== undefined && { seed }) }
  return { format: 1, header: { ...before, version: 1, start, uri, ...reader, ...known }, events, lines }
}

/** What a kernel explained, one rule a line; nobody has written when. */
function explanations(rows: readonly Row[]): TraceLog {
  const events = rows.map(({ line, value }): TraceEvent => {
    check(line, value, shapes.get('kernel')!)
    const { step, rule, inputs, effect } = value as unknown as Extract<TraceEvent, { kind: 'kernel' }>
    for (const [tag, bytes] of Object.entries(inputs)) check(line, bytes, hexRule, `inputs.${tag}`)
    return { at: 0, from: 'reader', kind: 'kernel', step, rule, inputs, effect }
  })
  return {
    format: 'explanations',
    header: { ...before, version: 0, start: '1970-01-01T00:00:00.000Z' },
    events,
    lines: rows.map(({ line }) => line),
  }
}
