/** A trace: screens, axis, the list of events with its filter, and the event that is chosen. */

import { useEffect, useId, useMemo, useState } from 'preact/hooks'
import type { Language } from '../../src/messages/messages.ts'
import type { TraceEvent } from '../../src/trace/event.ts'
import { Axis } from './axis.tsx'
import { Filter } from './choices.tsx'
import { Detail } from './detail.tsx'
import { useGrowing } from './growing.ts'
import { List } from './list.tsx'
import { type Lane, laneOf, lanes, lineOf } from './model.ts'
import { Screens } from './screens.tsx'
import { useView, type View } from './view.ts'
import { Wide } from './wide.tsx'

interface Props {
  readonly events: readonly TraceEvent[]
  /** What stands over it, where it is not the only one. */
  readonly name?: string
  readonly selected: number | undefined
  readonly focus: number
  /** It grows while it is shown: axis and list stay with its end. */
  readonly follow?: boolean
  readonly onSelect: (at: number) => void
}

/** A command’s span says what its APDU says; of ends, those by a fault are news. */
function isRow(event: TraceEvent): boolean {
  return event.kind === 'span' ? event.level !== 'command' : event.kind !== 'spanEnd' || event.fault !== undefined
}

const known: Readonly<Record<Language, WeakMap<TraceEvent, string>>> = { en: new WeakMap(), ru: new WeakMap() }

/** What the filter looks at, made once: a trace that grows is looked through again and again. */
function lower(event: TraceEvent, view: View): string {
  const made = known[view.language].get(event)
  if (made !== undefined) return made
  const words = [...lineOf(event), ...(view.language === 'en' ? [] : lineOf(event, view))]
  const text = `${event.kind} ${words.join(' ')} ${event.kind === 'apdu' ? event.command : ''}`.toLowerCase()
  known[view.language].set(event, text)
  return text
}

function Row({ event }: { event: TraceEvent }) {
  const view = useView()
  const { say } = view
  const [name, rest] = lineOf(event, view)
  return (
    <>
      <span class="at">{event.at.toFixed(1)}</span>
      <span class={`kind ${laneOf(event)}`}>{say(`report.kind.${event.kind}`)}</span>
      <span class="name">{name}</span>
      <span class="rest">{rest}</span>
    </>
  )
}

export function TraceView({ events, name, selected, focus, follow = false, onSelect }: Props) {
  const view = useView()
  const { say } = view
  const title = useId() // there may be two of them
  const [hidden, setHidden] = useState<readonly Lane[]>([])
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const found = useGrowing(
    events,
    (): number[] => [],
    (all, event, at) => {
      if (isRow(event) && !hidden.includes(laneOf(event)) && (wanted === '' || lower(event, view).includes(wanted))) all.push(at)
    },
    [hidden, wanted, view],
  )
  // What is drawn late is drawn of the events that it was made of.
  const shown = useMemo(() => found.slice(), [found, events])
  useEffect(() => {
    // What is led to is seen, whatever the filter says.
    if (focus === 0 || selected === undefined || shown.includes(selected)) return
    setHidden([])
    setText('')
  }, [focus])
  const turn = (lane: Lane) => setHidden(now => (now.includes(lane) ? now.filter(one => one !== lane) : [...now, lane]))
  return (
    <section aria-labelledby={title}>
      <h2 id={title}>{name ?? say('report.trace')}</h2>
      <Screens events={events} follow={follow} onSelect={onSelect} />
      <Axis events={events} shown={shown} selected={selected} follow={follow} onSelect={onSelect} />
      <div class="bar">
        <Filter label={say('report.filter')} placeholder={say('report.filter.events')} text={text} onText={setText} />
        <fieldset class="choice">
          <legend>{say('report.lane')}</legend>
          {lanes.map(lane => (
            <label key={lane} class={lane}>
              <input type="checkbox" checked={!hidden.includes(lane)} onChange={() => turn(lane)} /> {say(`report.lane.${lane}`)}
            </label>
          ))}
        </fieldset>
        <output class="dim">{say('report.shown', { shown: shown.length, count: events.length })}</output>
      </div>
      <div class="split">
        {shown.length > 0 ? (
          <List
            label={say('report.events')}
            items={shown}
            selected={selected}
            focus={focus}
            follow={follow}
            onSelect={onSelect}
            row={at => <Row event={events[at]} />}
          />
        ) : (
          <p class="dim list">{say(events.length === 0 ? 'report.noEvents' : 'report.nothing')}</p>
        )}
        <Wide class="detail" label={say('report.event')}>
          <Detail events={events} at={selected} />
        </Wide>
      </div>
    </section>
  )
}
