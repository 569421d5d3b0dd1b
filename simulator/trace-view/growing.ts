/** What is made of a trace that grows: each event is looked at once, however long the trace has become. */

import { useRef } from 'preact/hooks'
import type { TraceEvent } from '../../src/trace/event.ts'

type Events = readonly TraceEvent[]

/** Whether `now` is `before` with more at its end, by its ends alone: a trace changes nowhere else. */
export function grew(before: Events, now: Events): boolean {
  const { length } = before
  return length === 0 || (now.length >= length && now[0] === before[0] && now[length - 1] === before[length - 1])
}

/**
 * Begun anew where the trace is another, or one of `keys`.
 * @param take adds an event to what was made before, in place: who shows it looks at how much it is
 */
export function useGrowing<T>(
  events: Events,
  begin: () => T,
  take: (made: T, event: TraceEvent, at: number) => void,
  keys: readonly unknown[] = [],
): T {
  const kept = useRef<{ events: Events; keys: readonly unknown[]; made: T }>()
  const now = kept.current
  const same = now !== undefined && grew(now.events, events) && keys.every((key, at) => Object.is(key, now.keys[at]))
  const made = same ? now.made : begin()
  for (let at = same ? now.events.length : 0; at < events.length; at++) take(made, events[at], at)
  kept.current = { events, keys, made }
  return made
}

/** Place of the first that is not before `value`, in places that are in order. */
export function firstFrom(count: number, of: (at: number) => number, value: number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (of(middle) < value) low = middle + 1
    else high = middle
  }
  return low
}
