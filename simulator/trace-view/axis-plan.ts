/** Where events stand on the axis, by time or by order, and which part of it is looked at. */

import type { TraceEvent } from '../../src/trace/event.ts'

export type Scale = 'time' | 'order'

/** The part that is seen, in milliseconds or in events. */
export interface Range {
  readonly from: number
  readonly to: number
}

export function place(events: readonly TraceEvent[], at: number, scale: Scale): number {
  return scale === 'order' ? at : events[at].at
}

/** All of it, with room at both ends. */
export function whole(events: readonly TraceEvent[], scale: Scale): Range {
  const last = scale === 'order' ? events.length - 1 : (events.at(-1)?.at ?? 0)
  const room = Math.max(last * 0.01, 0.5)
  return { from: -room, to: last + room }
}

/** As much around `middle` times `factor`, within `all`. */
export function zoomed({ from, to }: Range, factor: number, middle: number, all: Range): Range {
  const size = Math.min((to - from) * factor, all.to - all.from)
  const share = (middle - from) / (to - from)
  const start = Math.max(all.from, Math.min(middle - size * Math.max(0, Math.min(1, share)), all.to - size))
  return { from: start, to: start + size }
}

/** The same size, moved so that `middle` is in it. */
export function movedTo(range: Range, middle: number, all: Range): Range {
  const size = range.to - range.from
  if (middle >= range.from + size * 0.02 && middle <= range.to - size * 0.02) return range
  const from = Math.max(all.from, Math.min(middle - size / 2, all.to - size))
  return { from, to: from + size }
}

/** How much of a growing trace is seen unless somebody has zoomed: milliseconds, or events. */
const LIVE = { time: 20_000, order: 250 } as const

/** The end of a trace that grows, as much of it as before, and no more than can be read. */
export function ending({ from, to }: Range, scale: Scale, all: Range): Range {
  const size = Math.min(all.to - all.from, Math.max(Math.min(to - from, LIVE[scale]), LIVE[scale] / 10))
  return { from: all.to - size, to: all.to }
}

/** Round places for marks: 1, 2 or 5 times a power of ten apart, some `count` of them. */
export function ticks({ from, to }: Range, count: number): number[] {
  const rough = (to - from) / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(one => one * power).find(one => one >= rough) ?? rough
  const found: number[] = []
  for (let at = Math.ceil(Math.max(0, from) / step); at * step <= to && found.length < 100; at++) found.push(at * step)
  return found
}
