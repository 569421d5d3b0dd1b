/** The trace at the bench: live, or still at a moment that a slider chooses, with the readers as they were then; and how each payment ended. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { TraceEvent } from '../../../../src/trace/event.ts'
import { firstFrom } from '../../../trace-view/growing.ts'
import { Outcome } from '../../../trace-view/outcome.tsx'
import { TraceView } from '../../../trace-view/trace-view.tsx'
import type { Past } from '../readers/reader.tsx'
import { clockText } from '../state/names.ts'
import { useBench, useSelect } from '../state/view.ts'
import { Beside, readOther } from './beside.tsx'
import { momentAt } from './moment.ts'

/** Milliseconds between two pictures of a trace that grows: the shortest, and the longest while drawing one takes its time. */
const [SOONEST, LATEST] = [40, 120]
/** Payments whose end is shown until all are asked for. */
const FEW = 3

/** Whether an element is in sight, or nearly, of a page that is. */
function useSeen(element: { readonly current: HTMLElement | null }): boolean {
  const [seen, setSeen] = useState(false)
  const [shown, setShown] = useState(!document.hidden)
  useEffect(() => {
    const changed = () => setShown(!document.hidden)
    document.addEventListener('visibilitychange', changed)
    return () => document.removeEventListener('visibilitychange', changed)
  }, [])
  useEffect(() => {
    if (!element.current) return
    const watch = new IntersectionObserver(entries => setSeen(entries.at(-1)!.isIntersecting), { rootMargin: '100px' })
    watch.observe(element.current)
    return () => watch.disconnect()
  }, [])
  return seen && shown
}

/** The events as they are now, many times a second: a list that does not change while it is shown. What nobody looks at is not drawn. */
function useEvents(looked: boolean): readonly TraceEvent[] {
  const { store } = useBench()
  const [events, setEvents] = useState<readonly TraceEvent[]>(() => [...store.events])
  useEffect(() => {
    if (!looked) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let [drawn, at, pause]: [number, number, number] = [-1, Number.NEGATIVE_INFINITY, SOONEST]
    const draw = () => {
      timer = undefined
      drawn = store.traced
      at = performance.now()
      setEvents([...store.events])
      // What it takes is paid once more to everything else on the page.
      requestAnimationFrame(() => {
        const began = performance.now()
        setTimeout(() => {
          pause = Math.min(LATEST, Math.max(SOONEST, 2 * (performance.now() - began)))
        })
      })
    }
    const changed = () => {
      if (store.traced !== drawn) timer ??= setTimeout(draw, Math.max(0, at + pause - performance.now()))
    }
    changed()
    const deaf = store.onTrace(changed)
    return () => {
      clearTimeout(timer)
      deaf()
    }
  }, [looked, store])
  return events
}

export function TracePanel({ onPast }: { onPast: (past: ReadonlyMap<string, Past> | undefined) => void }) {
  const { say, store, api } = useBench()
  const readers = useSelect(state => state.readers)
  const view = useRef<HTMLDivElement>(null)
  const [still, setStill] = useState<readonly TraceEvent[]>()
  const growing = useEvents(useSeen(view) && still === undefined)
  const [since, setSince] = useState(0)
  const [selected, setSelected] = useState<number>()
  const [focus, setFocus] = useState(0)
  const other = useSelect(state => state.other)
  const all = still ?? growing
  const events = useMemo(() => (since > 0 ? all.slice(firstFrom(all.length, at => all[at].at, since)) : all), [all, since])
  const only = readers.length === 1 ? readers[0]?.id : undefined
  const readerOf = (event: TraceEvent) => store.readerOf.get(event)
  const choose = (at: number | undefined) => {
    setSelected(at)
    if (at === undefined) {
      setStill(undefined)
      return onPast(undefined)
    }
    if (!still) setStill(growing)
    // The clear ones before it too: a screen stands until the next.
    const whole = all.indexOf(events[at])
    onPast(momentAt(all, whole, readerOf, only))
  }
  const lead = (at: number) => {
    choose(at)
    setFocus(one => one + 1)
  }
  const put = (input: HTMLInputElement) => {
    const [file] = input.files ?? []
    if (file)
      readOther(file).then(
        read => store.set({ other: read }),
        error => store.tell(String(error.message), true),
      )
  }
  const now = selected === undefined ? undefined : events[selected]
  return (
    <div class="trace-panel" id="trace-panel">
      <div class="bar moment">
        <label class="slider">
          {say('bench.moment')}
          <input
            type="range"
            class="when"
            min="0"
            max={Math.max(0, events.length - 1)}
            value={selected ?? Math.max(0, events.length - 1)}
            disabled={events.length === 0}
            aria-valuetext={now ? clockText(now.at) : say('bench.live')}
            onInput={event => choose(Number(event.currentTarget.value))}
          />
          <output>{now ? clockText(now.at) : say('bench.live')}</output>
        </label>
        <button type="button" class="live" aria-pressed={selected === undefined} onClick={() => choose(undefined)}>
          ● {say('bench.live')}
        </button>
        <button
          type="button"
          onClick={() => {
            choose(undefined)
            setSince((growing.at(-1)?.at ?? 0) + 0.001)
          }}
        >
          {say('bench.trace.clear')}
        </button>
        {since > 0 && (
          <button type="button" onClick={() => setSince(0)}>
            {say('bench.trace.all')}
          </button>
        )}
        <a href={api.traceUrl()} download="trace.jsonl">
          {say('bench.trace.save')}
        </a>
        {other ? (
          <button type="button" onClick={() => store.set({ other: undefined })}>
            {say('bench.trace.alone')}
          </button>
        ) : (
          <label class="button">
            {say('bench.trace.beside')}
            <input type="file" class="unseen" accept=".jsonl,.json,.trace" onChange={event => put(event.currentTarget)} />
          </label>
        )}
      </div>
      <div ref={view} class={other ? 'two' : ''}>
        <div>
          <TraceView events={events} selected={selected} focus={focus} onSelect={choose} follow={selected === undefined} />
          <Outcome events={events} few={FEW} onStep={lead} />
        </div>
        {other && <Beside other={other} />}
      </div>
    </div>
  )
}
