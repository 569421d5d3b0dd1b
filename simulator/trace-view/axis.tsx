/** The time axis: every event in its lane. The pointer chooses one, and so do the arrow keys. */

import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TraceEvent } from '../../src/trace/event.ts'
import { HEIGHT, type Paint, paint, ROW, TOP } from './axis-paint.ts'
import { ending, movedTo, place, type Range, type Scale, whole, zoomed } from './axis-plan.ts'
import { useGrowing } from './growing.ts'
import { laneOf, lanes, lineOf, Steps } from './model.ts'
import { timeText, useView } from './view.ts'

interface Props {
  readonly events: readonly TraceEvent[]
  /** Places of events that are shown, in their order. */
  readonly shown: readonly number[]
  readonly selected: number | undefined
  /** Its end stays in sight while it grows. */
  readonly follow?: boolean
  readonly onSelect: (at: number) => void
}

/** Follows an element's width. */
function useWidth(element: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (!element.current) return
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)))
    watch.observe(element.current)
    return () => watch.disconnect()
  }, [])
  return width
}

/** Counts up when the colours of the page become others. */
function useColours(): number {
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const changed = () => setTurn(one => one + 1)
    const system = matchMedia('(prefers-color-scheme: dark)')
    const page = new MutationObserver(changed)
    page.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    system.addEventListener('change', changed)
    return () => {
      page.disconnect()
      system.removeEventListener('change', changed)
    }
  }, [])
  return turn
}

/** Colours and letters of the page as it is shown. */
function lookOf(element: HTMLElement): { readonly colours: Paint['colours']; readonly font: string } {
  const { color: text, borderTopColor: line, caretColor: chosen, fontFamily } = getComputedStyle(element)
  const names = [...(element.closest('.lanes')?.querySelectorAll('[data-lane]') ?? [])]
  return { colours: { text, line, chosen, lanes: names.map(one => getComputedStyle(one).color) }, font: `11px ${fontFamily}` }
}

/** What is seen of `all`: its end while it grows, else all of it; what is chosen is in it. */
function useRange(all: Range, scale: Scale, follow: boolean, chosen: number | undefined): [Range, (range: Range) => void] {
  const [, turn] = useState(0)
  const kept = useRef({ all, scale, chosen, range: all })
  const before = kept.current
  const another = before.all !== all
  if (another || before.scale !== scale || before.chosen !== chosen) {
    const seen = another ? (follow ? ending(before.range, scale, all) : all) : before.range
    kept.current = { all, scale, chosen, range: chosen === undefined ? seen : movedTo(seen, chosen, all) }
  }
  const set = (range: Range) => {
    kept.current = { ...kept.current, range }
    turn(one => one + 1)
  }
  return [kept.current.range, set]
}

export function Axis({ events, shown, selected, follow = false, onSelect }: Props) {
  const view = useView()
  const { say, language } = view
  const own = useId()
  const [scale, setScale] = useState<Scale>('time')
  const all = useMemo(() => whole(events, scale), [events, scale])
  const [range, setRange] = useRange(
    all,
    scale,
    follow,
    selected === undefined || !events[selected] ? undefined : place(events, selected, scale),
  )
  const [hint, setHint] = useState('')
  const [box, canvas] = [useRef<HTMLDivElement>(null), useRef<HTMLCanvasElement>(null)]
  const width = useWidth(box)
  const colours = useColours()
  const steps = useGrowing(
    events,
    () => new Steps(),
    (made, event) => made.take(event),
  )
  // Times stand in order, but for a trace that somebody else has put together.
  const order = useGrowing(
    events,
    () => ({ sorted: true, last: Number.NEGATIVE_INFINITY }),
    (made, { at }) => {
      if (at < made.last) made.sorted = false
      made.last = at
    },
  )
  const look = useRef<{ for: unknown; colours: Paint['colours']; font: string }>()

  // Before the page is drawn: else each picture of a trace that grows would be two.
  useLayoutEffect(() => {
    const [element, context] = [canvas.current, canvas.current?.getContext('2d')]
    if (!element || !context || width === 0) return
    const ratio = devicePixelRatio || 1
    const [across, down] = [Math.round(width * ratio), Math.round(HEIGHT * ratio)]
    if (element.width !== across) element.width = across
    if (element.height !== down) element.height = down
    context.setTransform(ratio, 0, 0, ratio, 0, 0)
    if (look.current?.for !== colours) look.current = { for: colours, ...lookOf(element) }
    const plan = { events, shown, sorted: order.sorted, steps: steps.all, scale, range, selected }
    paint(context, width, { ...plan, colours: look.current.colours, font: look.current.font })
  }, [events, scale, range, selected, shown, width, colours, language])

  const nearest = (event: MouseEvent): number | undefined => {
    const bounds = canvas.current!.getBoundingClientRect()
    const at = range.from + ((event.clientX - bounds.left) / bounds.width) * (range.to - range.from)
    const lane = lanes[Math.floor((event.clientY - bounds.top - TOP) / ROW)]
    const distance = (one: number) => Math.abs(place(events, one, scale) - at)
    const candidates = shown.filter(one => lane === undefined || laneOf(events[one]) === lane)
    return candidates.reduce<number | undefined>(
      (best, one) => (best === undefined || distance(one) < distance(best) ? one : best),
      undefined,
    )
  }
  const zoom = (factor: number) => {
    const middle = selected === undefined ? (range.from + range.to) / 2 : place(events, selected, scale)
    setRange(zoomed(range, factor, middle, all))
  }
  const key = (event: KeyboardEvent) => {
    const here = selected === undefined ? -1 : shown.findLastIndex(one => one <= selected)
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1, ArrowUp: here + 1, ArrowDown: here - 1, Home: 0, End: shown.length - 1 }[
      event.key
    ]
    if (to !== undefined && shown.length > 0) onSelect(shown[Math.max(0, Math.min(shown.length - 1, to))])
    else if (event.key === '+' || event.key === '=') zoom(0.5)
    else if (event.key === '-') zoom(2)
    else if (event.key === '0') setRange(all)
    else return
    event.preventDefault()
  }
  const told = (at: number) => say('report.axis.value', { number: at + 1, count: events.length, at: timeText(say, events[at].at), text: lineOf(events[at], view).join(' ') }) // biome-ignore format: one line
  return (
    <div class="axis">
      <div class="bar">
        <fieldset class="choice">
          <legend>{say('report.axis.scale')}</legend>
          {(['time', 'order'] as const).map(one => (
            <label key={one}>
              <input type="radio" name={own} checked={scale === one} onChange={() => setScale(one)} /> {say(`report.axis.${one}`)}
            </label>
          ))}
        </fieldset>
        <button type="button" onClick={() => zoom(0.5)}>
          + {say('report.zoom.in')}
        </button>
        <button type="button" onClick={() => zoom(2)}>
          − {say('report.zoom.out')}
        </button>
        <button type="button" onClick={() => setRange(all)}>
          {say('report.zoom.all')}
        </button>
        <small class="dim hint">{hint || say('report.axis.help')}</small>
      </div>
      <div class="lanes">
        <ul style={{ paddingTop: `${TOP}px` }}>
          {lanes.map(lane => (
            <li key={lane} class={lane} data-lane={lane} style={{ height: `${ROW}px` }}>
              {say(`report.lane.${lane}`)}
            </li>
          ))}
        </ul>
        <div ref={box} class="ground">
          <canvas
            ref={canvas}
            style={{ width: `${width}px`, height: `${HEIGHT}px` }}
            tabIndex={0}
            role="slider"
            aria-label={say('report.axis')}
            aria-valuemin={1}
            aria-valuemax={events.length}
            aria-valuenow={(selected ?? 0) + 1}
            aria-valuetext={events.length > 0 ? told(Math.min(selected ?? 0, events.length - 1)) : ''}
            onClick={event => {
              const at = nearest(event)
              if (at !== undefined) onSelect(at)
            }}
            onMouseMove={event => {
              const at = nearest(event)
              setHint(at === undefined ? '' : told(at))
            }}
            onMouseLeave={() => setHint('')}
            onWheel={event => {
              if (!event.ctrlKey) return
              event.preventDefault()
              setRange(zoomed(range, event.deltaY > 0 ? 1.25 : 0.8, range.from + (event.offsetX / width) * (range.to - range.from), all))
            }}
            onKeyDown={key}
          />
        </div>
      </div>
    </div>
  )
}
