/** How long the steps took: all of one name together, sorted into ranges that double. */

import { quantile, type Span, stepsOf } from '../../../../trace-view/model.ts'
import type { ScenarioResult } from '../../../result.ts'

/** Upper ends of the ranges in milliseconds; what is longer is in the last. */
export const bins = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const

export interface StepTimes {
  readonly name: string
  readonly count: number
  readonly median: number
  readonly p95: number
  readonly max: number
  readonly sum: number
  /** How many are in each range; one more than `bins`. */
  readonly bars: readonly number[]
}

export function timesOf(steps: readonly Span[]): StepTimes[] {
  const byName = new Map<string, number[]>()
  for (const { name, from, to } of steps) byName.set(name, [...(byName.get(name) ?? []), to - from])
  return [...byName].map(([name, times]) => {
    const sorted = times.toSorted((one, other) => one - other)
    const bars = Array.from({ length: bins.length + 1 }, () => 0)
    for (const time of sorted) {
      const bin = bins.findIndex(end => time <= end)
      bars[bin < 0 ? bins.length : bin]++
    }
    return {
      name,
      count: sorted.length,
      median: quantile(sorted, 0.5),
      p95: quantile(sorted, 0.95),
      max: sorted.at(-1) ?? 0,
      sum: sorted.reduce((all, one) => all + one, 0),
      bars,
    }
  })
}

export function timesOfRun(results: readonly ScenarioResult[]): StepTimes[] {
  return timesOf(results.flatMap(({ trace }) => (trace ? stepsOf(trace.events) : [])))
}

/** A range in milliseconds, as it is told. */
export function rangeText(bin: number): string {
  if (bin === 0) return `≤ ${bins[0]}`
  return bin === bins.length ? `> ${bins[bins.length - 1]}` : `${bins[bin - 1]}–${bins[bin]}`
}
