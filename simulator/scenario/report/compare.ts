/** Two runs beside each other: which cases ended otherwise, and what in them. What differs in every run by its nature is left out. */

import type { Json, TraceEvent } from '../../../src/trace/event.ts'
import type { RunReport, ScenarioResult } from '../result.ts'
import type { Change, ChangedCase, Comparison } from './data.ts'

/** Dates and times, what is random, counters, and what is made of them. */
export const varying = ['9A', '9F21', '9F37', '9F41', '9F36', '9F26', '9F4B', '9F4C', '91', '9F10', '9F1E', '9F5B'] as const

/** Name, card, reader and the values of the matrix: what makes a case the same case in another run. */
function keyOf({ name, card, reader, matrix }: ScenarioResult): string {
  return JSON.stringify([name, card, reader, Object.entries(matrix).toSorted()])
}

/** Everything of a case that is compared, by its name. */
function factsOf(result: ScenarioResult): ReadonlyMap<string, string> {
  const events = result.trace?.events ?? []
  const payments = paymentsOf(result, events)
  const facts = new Map<string, string>([['status', result.status]])
  if (payments.length > 1) facts.set('payments', String(payments.length))
  const last = payments.at(-1) ?? {}
  for (const name of ['result', 'reason', 'cvm', 'interface']) if (typeof last[name] === 'string') facts.set(name, last[name])
  const screens = result.screens.map(({ lines }) => lines.map(line => line.trim()).filter(Boolean).join(' / ')) // biome-ignore format: one line
  if (screens.length > 0) facts.set('screens', screens.join('\n'))
  for (const [tag, value] of Object.entries(objectOf(last.tags)))
    if (typeof value === 'string' && !varying.some(one => one === tag)) facts.set(tag, value)
  return facts
}

type Facts = Readonly<Record<string, Json>>

function objectOf(value: Json | undefined): Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Facts) : {}
}

function paymentsOf({ result }: ScenarioResult, events: readonly TraceEvent[]): Facts[] {
  const told = events.flatMap(event => (event.kind === 'result' ? [objectOf(event.content)] : []))
  return told.length > 0 || result === undefined ? told : [objectOf(result)]
}

function changesOf(before: ScenarioResult, now: ScenarioResult): Change[] {
  const [earlier, later] = [factsOf(before), factsOf(now)]
  return [...new Set([...earlier.keys(), ...later.keys()])].flatMap(what => {
    const [one, other] = [earlier.get(what), later.get(what)]
    if (one === other) return []
    return [{ what, ...(one !== undefined && { before: one }), ...(other !== undefined && { now: other }) }]
  })
}

/** Cases by their key; of several with one key the second is the second of the other run too. */
function byKey(results: readonly ScenarioResult[]): Map<string, { readonly at: number; readonly result: ScenarioResult }> {
  const found = new Map<string, { at: number; result: ScenarioResult }>()
  for (const [at, result] of results.entries()) {
    const key = keyOf(result)
    let turn = 1
    while (found.has(`${turn} ${key}`)) turn++
    found.set(`${turn} ${key}`, { at, result })
  }
  return found
}

/** What became another from the one run to the other. */
export function compareRuns(before: RunReport, now: RunReport): Comparison {
  const [earlier, later] = [byKey(before.results), byKey(now.results)]
  const cases: ChangedCase[] = []
  let same = 0
  for (const [key, { at, result }] of later) {
    const { name, card, reader, status } = result
    const old = earlier.get(key)?.result
    const changes = old ? changesOf(old, result) : [{ what: 'status', now: status }]
    if (changes.length === 0) same++
    else cases.push({ at, name, card, reader, kind: old ? 'changed' : 'added', ...(old && { before: old.status }), now: status, changes })
  }
  for (const [key, { result }] of earlier) {
    if (later.has(key)) continue
    const { name, card, reader, status } = result
    cases.push({ name, card, reader, kind: 'gone', before: status, changes: [{ what: 'status', before: status }] })
  }
  return { started: before.started, same, cases, varies: varying }
}
