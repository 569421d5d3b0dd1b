/** One event, whole: its bytes decoded, its picture, what it looked at and what it did. */

import { type ComponentChildren, createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { stepName } from '../../src/messages/retold-rules.ts'
import type { TraceEvent } from '../../src/trace/event.ts'
import { Bytes, Hex, JsonTree, Objects } from './data-view.tsx'
import { answeredIns, commandParts, listed, objectOfTag } from './decode.ts'
import { laneOf, lineOf, statusOf } from './model.ts'
import type { LineSaid } from './said.ts'
import { ScreenPicture } from './screens.tsx'
import { timeText, useView } from './view.ts'

type Of<K extends TraceEvent['kind']> = Extract<TraceEvent, { kind: K }>

/** What the bytes of an event say. */
export const LineContext = createContext<(at: number) => LineSaid | undefined>(() => undefined)

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <>
      <h4>{title}</h4>
      {children}
    </>
  )
}

function Apdu({ event, events, at }: { event: Of<'apdu'>; events: readonly TraceEvent[]; at: number }) {
  const { say, told } = useView()
  const { command, answer } = event
  const parts = commandParts(command)
  const ins = answeredIns(events, at)
  const objects = parts && parts.data !== '' ? listed(events, at, parts) : undefined
  return (
    <>
      <Part title={say('report.command')}>
        {parts ? (
          <p class="header">
            {Object.entries(parts.header).map(([name, value]) => (
              <span key={name}>
                <small>{name}</small> <code>{value}</code>
              </span>
            ))}
            {parts.le !== undefined && (
              <span>
                <small>Le</small> <code>{parts.le}</code>
              </span>
            )}
          </p>
        ) : (
          <Hex digits={command} />
        )}
        {objects ? <Objects of={objects} /> : parts?.data && <Bytes digits={parts.data} />}
      </Part>
      <Part title={say('report.answer')}>
        {answer === undefined ? (
          <p>{say('report.noAnswer')}</p>
        ) : (
          <>
            {answer.length > 4 && <Bytes digits={answer.slice(0, -4)} {...(ins !== undefined && { answerTo: ins })} />}
            <p>
              <code class="tag">SW</code> {told(statusOf(answer))}
            </p>
          </>
        )}
      </Part>
    </>
  )
}

function Rule({ event: { step, rule, inputs, effect } }: { event: Of<'kernel'> }) {
  const { say, language, rule: ruled } = useView()
  const objects = Object.entries(inputs).map(
    ([tag, value]) => objectOfTag(tag, value) ?? { tag, value, offset: 0, length: value.length / 2 },
  )
  return (
    <>
      <p>
        <code class="tag">{stepName(step, language)}</code> {ruled(rule)}
      </p>
      {objects.length > 0 && (
        <Part title={say('report.inputs')}>
          <Objects of={objects} />
        </Part>
      )}
      {effect.length > 0 && (
        <Part title={say('report.effects')}>
          <ul class="effects">
            {effect.map((one, at) => (
              <li key={at}>{ruled(one)}</li>
            ))}
          </ul>
        </Part>
      )}
    </>
  )
}

function Link({ event, at }: { event: Of<'link'>; at: number }) {
  const { say } = useView()
  const said = useContext(LineContext)(at)
  if ('end' in event) return null
  if (!event.bytes) return <p>{say('report.notShown', { count: event.length })}</p>
  return (
    <>
      <Hex digits={event.bytes} />
      {said?.pieces && <p class="dim">{say('report.pieces', { count: said.pieces })}</p>}
      {said?.messages.map(({ from, type, text }, place) => (
        <details key={place} class="frame">
          <summary>
            {say(`report.said.${from}`)}: <code class="tag">{type}</code>
          </summary>
          {text && <pre>{text}</pre>}
        </details>
      ))}
    </>
  )
}

function Body({ events, at }: { events: readonly TraceEvent[]; at: number }) {
  const { say } = useView()
  const event = events[at]
  switch (event.kind) {
    case 'apdu':
      return <Apdu event={event} events={events} at={at} />
    case 'kernel':
      return <Rule event={event} />
    case 'link':
      return <Link event={event} at={at} />
    case 'screen':
      return <ScreenPicture lines={event.lines} label={event.lines.join(' / ')} />
    case 'message':
    case 'reader':
    case 'app':
    case 'host':
    case 'journal':
    case 'result':
      return event.content === undefined || event.content === null ? null : (
        <Part title={say('report.content')}>
          <JsonTree value={event.content} />
        </Part>
      )
    default:
      return null
  }
}

export function Detail({ events, at }: { events: readonly TraceEvent[]; at: number | undefined }) {
  const view = useView()
  const { say, told } = view
  const event = at === undefined ? undefined : events[at]
  if (at === undefined || !event) return <p class="dim">{say('report.event.none')}</p>
  const [name, rest] = lineOf(event, view)
  const long = event.kind === 'link' || ('content' in event && event.content)
  return (
    <article class={`event ${laneOf(event)}`}>
      <p class="dim">
        {timeText(say, event.at)} ·{' '}
        {say('report.event.seen', { kind: say(`report.kind.${event.kind}`), from: say(`report.from.${event.from}`) })}
        {event.kind === 'apdu' && ` · ${told(event.interface)}`}
        {event.masked && ` · ${say('report.masked')}: ${event.masked.map(told).join(', ')}`}
      </p>
      <h3>{name || event.kind}</h3>
      {rest && !long && event.kind !== 'kernel' && event.kind !== 'apdu' && <p>{rest}</p>}
      <Body events={events} at={at} />
    </article>
  )
}
