/** The axis as it is painted: steps of the kernel on top, under them a lane for each side, and the marks of time. */

import type { TraceEvent } from '../../src/trace/event.ts'
import { place, type Range, type Scale, ticks } from './axis-plan.ts'
import { firstFrom } from './growing.ts'
import { laneOf, lanes, type Span } from './model.ts'

export const [ROW, TOP, FOOT] = [24, 26, 20]
export const HEIGHT = TOP + lanes.length * ROW + FOOT

export interface Paint {
  readonly events: readonly TraceEvent[]
  /** Places of events that are shown, in their order. */
  readonly shown: readonly number[]
  /** Their times stand in order. */
  readonly sorted: boolean
  readonly steps: readonly Span[]
  readonly scale: Scale
  readonly range: Range
  readonly selected: number | undefined
  /** Of the page as it is shown: letters, lines, what is chosen, and each lane. */
  readonly colours: { readonly text: string; readonly line: string; readonly chosen: string; readonly lanes: readonly string[] }
  readonly font: string
}

export function paint(context: CanvasRenderingContext2D, width: number, plan: Paint): void {
  const { range, colours } = plan
  const x = (at: number) => ((at - range.from) / (range.to - range.from)) * width
  context.clearRect(0, 0, width, HEIGHT)
  context.font = plan.font
  context.textBaseline = 'middle'
  paintGrid(context, width, x, plan)
  paintSteps(context, width, x, plan)
  columnsOf(plan, width, x).forEach((columns, row) => {
    context.fillStyle = colours.lanes[row]
    for (const [column, high] of columns) context.fillRect(column - 1, TOP + row * ROW + (ROW - high) / 2, 2.5, high)
  })
  if (plan.selected !== undefined && plan.events[plan.selected]) {
    const column = Math.round(x(place(plan.events, plan.selected, plan.scale)))
    context.fillStyle = colours.chosen
    context.fillRect(column - 1, 0, 2, HEIGHT - FOOT + 4)
    context.beginPath()
    context.moveTo(column - 6, HEIGHT - FOOT + 10)
    context.lineTo(column + 6, HEIGHT - FOOT + 10)
    context.lineTo(column, HEIGHT - FOOT + 2)
    context.fill()
  }
}

/** For each lane the columns in which something happened, each once, and how high it is drawn: of the part that is seen alone. */
function columnsOf(
  { events, shown, sorted, scale, range }: Paint,
  width: number,
  x: (at: number) => number,
): readonly Map<number, number>[] {
  const found = lanes.map(() => new Map<number, number>())
  const inOrder = sorted || scale === 'order'
  const margin = ((range.to - range.from) / width) * 3
  const first = inOrder ? firstFrom(shown.length, at => place(events, shown[at], scale), range.from - margin) : 0
  for (let at = first; at < shown.length; at++) {
    const column = Math.round(x(place(events, shown[at], scale)))
    if (column > width + 2 && inOrder) break
    const event = events[shown[at]]
    const columns = found[lanes.indexOf(laneOf(event))]
    if (column < -2 || column > width + 2 || columns.has(column)) continue
    columns.set(column, event.kind === 'span' ? 4 : 14)
  }
  return found
}

function paintGrid(context: CanvasRenderingContext2D, width: number, x: (at: number) => number, { range, colours, scale }: Paint): void {
  context.fillStyle = colours.line
  for (let row = 0; row <= lanes.length; row++) context.fillRect(0, TOP + row * ROW, width, 1)
  const marks = ticks(range, Math.max(2, Math.floor(width / 110)))
  for (const mark of marks) context.fillRect(Math.round(x(mark)), TOP, 1, lanes.length * ROW + 4)
  context.fillStyle = colours.text
  const digits = marks.length > 1 && marks[1] - marks[0] < 1 ? 2 : 0
  for (const mark of marks) {
    const text = scale === 'order' ? `#${Math.round(mark) + 1}` : mark.toFixed(digits)
    context.textAlign = x(mark) > width - 30 ? 'right' : x(mark) < 15 ? 'left' : 'center'
    context.fillText(text, x(mark), HEIGHT - FOOT / 2 + 2)
  }
  context.textAlign = 'left'
}

function paintSteps(context: CanvasRenderingContext2D, width: number, x: (at: number) => number, plan: Paint): void {
  const { steps, scale, colours } = plan
  let free = Number.NEGATIVE_INFINITY
  for (const { name, from, to } of steps) {
    const [left, right] = [from, to].map((at, end) => x(scale === 'time' ? at : orderOf(plan, at, end === 1)))
    if (right < 0 || left > width) continue
    const wide = Math.max(2, right - left - 1)
    context.fillStyle = colours.lanes[2]
    context.globalAlpha = 0.22
    context.fillRect(left, 3, wide, TOP - 8)
    context.globalAlpha = 1
    context.fillRect(left, 3, 1.5, TOP - 8)
    const size = context.measureText(name).width
    if (size + 8 > wide || left < free) continue
    context.fillStyle = colours.text
    context.fillText(name, Math.max(left, 0) + 5, 3 + (TOP - 8) / 2)
    free = left + size
  }
}

/** The place in the order that a time has: that of the first event then, or of the last. */
function orderOf({ events, sorted }: Paint, time: number, last: boolean): number {
  const of = (at: number) => events[at].at
  if (sorted) return Math.max(0, last ? firstFrom(events.length, of, time + 1e-6) - 1 : firstFrom(events.length, of, time))
  const found = last ? events.findLastIndex(({ at }) => at <= time) : events.findIndex(({ at }) => at >= time)
  return Math.max(0, found)
}
