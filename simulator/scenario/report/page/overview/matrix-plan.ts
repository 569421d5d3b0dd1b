/** The matrix: a row for each case and card, a column for each reader, in each cell the results that are there. */

import type { CaseStatus, ScenarioResult } from '../../../result.ts'
import { bareName } from '../view.ts'

/** A result and its place in the run. */
export interface Placed {
  readonly at: number
  readonly result: ScenarioResult
}

export interface MatrixRow {
  readonly name: string
  readonly card: string
  readonly cells: readonly (readonly Placed[])[]
}

export interface Matrix {
  readonly readers: readonly string[]
  readonly rows: readonly MatrixRow[]
  /** Results in it. */
  readonly count: number
}

export function matrixOf(results: readonly ScenarioResult[], text: string, status: CaseStatus | undefined): Matrix {
  const wanted = text.trim().toLowerCase()
  const fits = (one: ScenarioResult) =>
    (status === undefined || one.status === status) &&
    [one.name, one.card, one.reader, ...one.tags].some(word => word.toLowerCase().includes(wanted))
  const placed = results.flatMap((result, at) => (fits(result) ? [{ at, result }] : []))
  const readers = [...new Set(placed.map(({ result }) => result.reader))]
  const rows = new Map<string, Placed[]>()
  for (const one of placed) {
    const key = `${bareName(one.result)}\n${one.result.card}`
    const row = rows.get(key)
    if (row) row.push(one)
    else rows.set(key, [one])
  }
  return {
    readers,
    count: placed.length,
    rows: [...rows.values()].map(row => ({
      name: bareName(row[0].result),
      card: row[0].result.card,
      cells: readers.map(reader => row.filter(({ result }) => result.reader === reader)),
    })),
  }
}
