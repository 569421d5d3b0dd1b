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
  for (const [at, event] of events.entries()) {
    if (event.kind === 'link' || event.kind === 'spanEnd' || facts.some(({ leaves }) => leaves(event, events.slice(0, at)))) continue
    const { way, what, name } = event as { readonly way?: string; readonly what?: string; readonly name?: string }
    const lane = [event.from, event.kind, way ?? what, event.kind === 'app' ? name : undefined].filter(Boolean).join(' ')
    const { at: _, span, masked, ...said } = event
    const { id, parent, ...rest } = said as typeof said & { readonly id?: number; readonly parent?: number }
    lanes.set(lane, [...(lanes.get(lane) ?? []), timeless(rest)])
  }
  return lanes
}

/** The day of the scenarios, 2026-03-26, with any time of day. */
function timeless(value: unknown): string {
  return JSON.stringify(value, (name, one) => (name === '9F21' || name === 'elapsed' ? undefined : one))
    .replace(/9F2103\d{6}/g, '9F2103')
    .replace(/2026-03-26T[\d:.]+/g, '2026-03-26')
    .replace(/20260326\d{6}/g, '20260326')
}
