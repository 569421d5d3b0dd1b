/** Two runs of one case over different lines: what is the same in both, and what is not. Only `link` events may differ, and the time of day. */

import type { ScenarioResult } from '../../../simulator/scenario/result.ts'
import type { TraceEvent } from '../../../src/trace/event.ts'

/** What a line cannot carry by its nature, as one sentence each: the only events beside `link` that are not compared. docs/scenarios.md has the table. */
export interface LineFact {
  /** What is left out on both sides. */
  readonly leaves: (event: TraceEvent, before: readonly TraceEvent[]) => boolean
  readonly why: string
}

/** A serial line has no beginning: what a reader says to greet whoever connects has gone before somebody opens the port. */
export const nobodyGreeted: LineFact = {
  why: 'a port is there before its app is: the greeting has gone',
  leaves: (event, before) =>
    event.kind === 'message' &&
    event.way === 'in' &&
    event.type === 'event' &&
    !before.some(one => one.kind === 'message' && one.way === 'in'),
}

/** A driver asks by the clock whether its reader is done (QPOS), or still there (Miura: BATTERY STATUS): how often depends on how long things take. */
const asksAgain: LineFact = {
  why: 'how often a driver asks is a matter of time',
  leaves(event) {
    if (event.kind !== 'message') return false
    if (event.type === 'query' || event.type === 'waiting' || event.type === 'notAvailable') return true
    const { command, sw, body } = event.content as { readonly command?: string; readonly sw?: number; readonly body?: string }
    return command === 'batteryStatus' || (event.type === 'answer' && (sw === BUSY || body?.startsWith(CHARGE) === true))
  },
}

/** A QPOS repeats its last answer to whoever asks again, late on a slow line. */
const isAnswer = (event: TraceEvent): boolean => event.kind === 'message' && (event.type === 'completed' || event.type === 'partData')

/** Miura: what it answers in the middle of a payment, and the beginning of its battery's state (docs/devices/miura.md). */
const BUSY = 0x9f26
const CHARGE = 'E10ADFA209'

/**
 * Where the two differ, a line each. Sources tell independently of each other, so that events are compared in the order of each source, kind and way; what is only
 * the time of day (9F21, the clock of a command, times in ISO 8601) is left out, since one of the runs was on virtual time.
 */
export function differences(near: ScenarioResult, far: ScenarioResult, facts: readonly LineFact[] = []): string[] {
  const found: string[] = []
  for (const one of [near, far]) if (one.status !== 'passed') found.push(`${one.status}: ${one.reason}`)
  const [left, right] = [lanesOf(near, facts), lanesOf(far, facts)]
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(name) ?? [], right.get(name) ?? []]
    const at = one.findIndex((event, at) => event !== other[at])
    if (at < 0 && one.length === other.length) continue
    const place = at < 0 ? one.length : at
    found.push(`${name}, event ${place} of ${one.length} and ${other.length}:\n  - ${one[place]}\n  + ${other[place]}`)
  }
  const [one, other] = [timeless(near.steps), timeless(far.steps)]
  if (one !== other) found.push(`results:\n  - ${one}\n  + ${other}`)
  return found
}

function lanesOf({ trace }: ScenarioResult, facts: readonly LineFact[]): Map<string, string[]> {
  const lanes = new Map<string, string[]>()
  const events = trace?.events ?? []
  const left = [asksAgain, ...facts]
  for (const [at, event] of events.entries()) {
    if (event.kind === 'link' || event.kind === 'spanEnd' || left.some(({ leaves }) => leaves(event, events.slice(0, at)))) continue
    const { way, what, name } = event as { readonly way?: string; readonly what?: string; readonly name?: string }
    const lane = [event.from, event.kind, way ?? what, event.kind === 'app' ? name : undefined].filter(Boolean).join(' ')
    const { at: _, span, masked, ...said } = event
    const { id, parent, ...rest } = said as typeof said & { readonly id?: number; readonly parent?: number }
    const all = lanes.get(lane) ?? []
    const told = timeless(rest)
    if (event.kind === 'message' && (all.at(-1) === told || (isAnswer(event) && all.includes(told)))) continue // asked again, answered again
    lanes.set(lane, [...all, told])
  }
  return lanes
}

/** The day of the scenarios, 2026-03-26, with any time of day; and what a reader has enciphered with that in it (MMS: DFDF59), by its length. */
function timeless(value: unknown): string {
  return JSON.stringify(value, (name, one) => (name === '9F21' || name === 'elapsed' ? undefined : name === SEALED ? one.length : one))
    .replace(/9F2103\d{6}/g, '9F2103')
    .replace(/2026-03-26T[\d:.]+/g, '2026-03-26')
    .replace(/20260326\d{6}/g, '20260326')
    .split(SEALED)
    .map((part, at) => (at === 0 ? part : hidden(part)))
    .join(SEALED)
    .replace(/(DFDF580101)[\dA-F]{8}/g, '$1') // the CRC of it
}

const SEALED = 'DFDF59'

/** What follows the tag: its length stays, its value goes. */
function hidden(part: string): string {
  const [, bytes, one, two] = /^(81([\dA-F]{2})|82([\dA-F]{4})|[0-7][\dA-F])/.exec(part) ?? []
  if (bytes === undefined) return part
  const length = Number.parseInt(two ?? one ?? bytes, 16)
  return bytes + part.slice(bytes.length + 2 * length)
}
