/** A screen of an app: lines, rows, choices, fields and buttons, as its kind looks. It knows no rule of the app's. */

import type { Ref } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { AppAnswer, AppScreen } from '../../schema/app.ts'
import { Field } from './field.tsx'
import { MethodSign } from './method-sign.tsx'
import { Pad, type Stroke } from './pad.tsx'

interface Props {
  readonly screen: AppScreen
  readonly answer: (answer: AppAnswer) => void
  readonly title: Ref<HTMLHeadingElement>
}

type Action = AppScreen['actions'][number]

/** Questions of the phone itself, over the app. */
const dialogs: readonly AppScreen['kind'][] = ['locationDialog', 'permissionDialog', 'pairDialog']

export function ScreenView({ screen, answer, title }: Props) {
  const { n, kind, lines, rows = [], items, choices = [], fields = [], actions, answered } = screen
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({})
  const [strokes, setStrokes] = useState<readonly Stroke[]>([])
  const sent = useRef('')
  const body = useRef<HTMLDivElement>(null)
  // News of a payment are read at its end, however much was said before.
  useLayoutEffect(() => {
    if (kind === 'payment' && body.current) body.current.scrollTop = body.current.scrollHeight
  }, [lines.length])
  const values = () => Object.fromEntries(fields.map(({ id, value }) => [id, typed[id] ?? value]))
  const send = (action: string, given = values()) => {
    // Pressed twice is pressed once, until the screen has moved on.
    const pressed = `${action} ${screen.revision}`
    if (action !== 'typed' && sent.current === pressed) return
    sent.current = pressed
    answer({
      ...{ screen: n, action },
      ...(fields.length > 0 && { fields: given }),
      ...(screen.signature && strokes.length > 0 && { strokes: strokes.map(stroke => stroke.map(([x, y]): [number, number] => [x, y])) }),
    })
  }
  const type = (id: string, value: string, live: boolean) => {
    setTyped(now => ({ ...now, [id]: value }))
    if (live) send('typed', { ...values(), [id]: value })
  }
  const empty = screen.signature !== undefined && strokes.length === 0 && (typed.name ?? '').trim() === ''
  const button = (one: Action) => {
    const off = one.disabled === true || answered === true || (one.id === 'sign' && empty)
    return (
      <button
        key={one.id}
        type={one.look === 'primary' ? 'submit' : 'button'}
        class={one.look ?? 'plain'}
        data-action={one.id}
        aria-disabled={off}
        onClick={one.look === 'primary' ? undefined : () => !(one.disabled || answered) && send(one.id)}
      >
        {one.label}
      </button>
    )
  }
  const primary = actions.find(({ look }) => look === 'primary')
  const groups = [...new Set(fields.flatMap(({ group }) => (group === undefined ? [] : [group])))]
  const field = (one: (typeof fields)[number]) => (
    <Field
      key={one.id}
      field={one}
      name={`${n}-${one.id}`}
      value={typed[one.id] ?? one.value}
      onType={value => type(one.id, value, one.live === true)}
    />
  )
  const alone = actions.filter(({ group }) => group === undefined)
  return (
    <form
      class={`screen ${kind} ${dialogs.includes(kind) ? 'dialog' : ''}`}
      noValidate
      aria-busy={screen.busy === true}
      onSubmit={event => {
        event.preventDefault()
        if (primary && !primary.disabled && !answered) send(primary.id)
      }}
    >
      <header>
        <h3 tabIndex={-1} ref={title}>
          {screen.title}
        </h3>
        {screen.busy && <span class="wheel" aria-hidden="true" />}
      </header>
      <div class="screen-body" ref={body}>
        {kind === 'method' || kind === 'payment' || kind === 'chooseApplication' ? <Rows rows={rows} /> : null}
        {items && (
          <div class="items">
            <h4>{items.title}</h4>
            <ol>
              {items.list.map(({ id, name, price, discount }) => (
                <li key={id}>
                  <span>{name}</span>
                  <span class="sum">{price}</span>
                  {discount && <span class="sum">{discount}</span>}
                </li>
              ))}
            </ol>
          </div>
        )}
        {screen.qr && <img class="code" alt={screen.qr.text} src={`data:image/svg+xml,${encodeURIComponent(screen.qr.svg)}`} />}
        {lines.length > 0 && (
          <ul class="lines">
            {lines.map(({ id, text, tone }, at) => (
              <li key={`${at} ${id}`} class={tone ?? 'plain'}>
                {text}
              </li>
            ))}
          </ul>
        )}
        {screen.progress !== undefined && <progress max={100} value={screen.progress} aria-label={lines[0]?.text ?? screen.title} />}
        {kind === 'method' || kind === 'payment' || kind === 'chooseApplication' ? null : <Rows rows={rows} />}
        {choices.length > 0 && (
          <div class="choices">
            {choices.map(({ id, label, note }) => (
              <button
                key={id}
                type="button"
                class="choice"
                data-action={id}
                aria-disabled={answered === true}
                onClick={() => !answered && send(id)}
              >
                {kind === 'method' && <MethodSign method={id} />}
                <span>
                  {label}
                  {note && <small>{note}</small>}
                </span>
              </button>
            ))}
          </div>
        )}
        {screen.signature && <Pad strokes={strokes} onStrokes={setStrokes} label={screen.title} hint={lines[0]?.text ?? ''} />}
        {fields.filter(({ group }) => group === undefined).map(field)}
        {groups.map(group => (
          <details key={group} open={fields.some(one => one.group === group && one.error !== undefined)}>
            <summary>{group}</summary>
            {fields.filter(one => one.group === group).map(field)}
            {actions.filter(one => one.group === group).map(button)}
          </details>
        ))}
        {screen.slip && !screen.picture && <pre class="slip">{screen.slip.join('\n')}</pre>}
        {screen.picture && <img class="slip" src={screen.picture} alt={(screen.slip ?? []).join('\n')} />}
        {alone.some(({ look }) => look === 'link') && <div class="links">{alone.filter(({ look }) => look === 'link').map(button)}</div>}
      </div>
      {alone.some(({ look }) => look !== 'link') && <footer>{alone.filter(({ look }) => look !== 'link').map(button)}</footer>}
    </form>
  )
}

function Rows({ rows }: { rows: NonNullable<AppScreen['rows']> }) {
  if (rows.length === 0) return null
  return (
    <dl class="rows">
      {rows.map(({ id, label, value, tone }) => (
        <div key={id} class={tone ?? ''}>
          <dt>{label}:</dt>
          <dd>
            {value}
            {tone === 'waiting' && <span aria-hidden="true"> ↻</span>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
