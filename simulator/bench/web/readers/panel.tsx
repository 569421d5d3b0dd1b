/** What can be turned on a reader: battery, charger, power, range, tamper, and every knob with the words of the server. */

import { useEffect, useState } from 'preact/hooks'
import type { ReaderState } from '../../schema/types.ts'
import type { KnobHelp } from '../state/api.ts'
import { useBench } from '../state/view.ts'

/** Knobs that have a control of their own. */
const own = ['battery', 'charging', 'power', 'range', 'tamper', 'reboot']

interface Props {
  readonly reader: ReaderState
  readonly removable: boolean
  readonly close: () => void
  readonly onRemove: () => void
}

function Knob({ reader, knob }: { reader: ReaderState; knob: KnobHelp }) {
  const { say, act } = useBench()
  const [value, setValue] = useState('')
  const set = reader.knobs[knob.name]
  const turn = (to: string) =>
    act(api => api.reader(reader.id, 'knob', { line: `${knob.name} ${to}`.trim() })).then(done => done && setValue(''))
  const id = `${reader.id}-${knob.name}`
  const onOff = knob.takes === 'on|off'
  return (
    <form
      class="knob"
      onSubmit={event => {
        event.preventDefault()
        turn(value)
      }}
    >
      <label for={id}>
        <b>{knob.name}</b> {set !== undefined && set !== '' && <span class="set">{set}</span>}
        <small class="knob-what">{knob.what}</small>
      </label>
      {onOff ? (
        <input id={id} type="checkbox" checked={set === 'on'} onChange={event => turn(event.currentTarget.checked ? 'on' : 'off')} />
      ) : knob.takes === '' ? (
        <button id={id} type="submit">
          {say('bench.knob.turn')}
        </button>
      ) : (
        <span class="turn">
          <input
            id={id}
            value={value}
            placeholder={knob.takes}
            size={10}
            onInput={event => setValue(event.currentTarget.value)}
            autoComplete="off"
          />
          <button type="submit" aria-label={`${knob.name}: ${say('bench.knob.turn')}`}>
            {say('bench.knob.turn')}
          </button>
        </span>
      )}
    </form>
  )
}

function Switch({ label, on, turn }: { label: string; on: boolean; turn: (on: boolean) => void }) {
  return (
    <label class="switch">
      <input type="checkbox" checked={on} onChange={event => turn(event.currentTarget.checked)} /> {label}
    </label>
  )
}

export function Panel({ reader, removable, close, onRemove }: Props) {
  const { say, act, language } = useBench()
  const { id, battery } = reader
  const [knobs, setKnobs] = useState<readonly KnobHelp[]>([])
  useEffect(() => {
    let gone = false
    act(api => api.knobs(language)).then(all => !gone && all && setKnobs(all))
    return () => {
      gone = true
    }
  }, [language])
  const deed = (name: string, body: Readonly<Record<string, unknown>> = {}) => act(api => api.reader(id, name, body))
  const mute = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    close()
  }
  return (
    <section class="panel" id={`${id}-panel`} aria-label={say('bench.knobs.of', { serial: reader.serial })} onKeyDown={mute}>
      <button type="button" class="quiet shut" aria-label={say('bench.close')} onClick={close}>
        ✕
      </button>
      {reader.uri && (
        <p class="uri">
          <small>{say('bench.uri')}</small> <code>{reader.uri}</code>{' '}
          <button type="button" class="quiet" onClick={() => navigator.clipboard?.writeText(reader.uri!)}>
            {say('bench.copy')}
          </button>
        </p>
      )}
      {reader.air && (
        <p class="uri">
          <small>TAPDIP_AIR</small> <code>{reader.air}</code>
        </p>
      )}
      {!reader.real && reader.family !== 'softpos' && (
        <>
          <div class="switches">
            {/* What it names is the slider: an output could be named too. */}
            <label class="charge" for={`${id}-charge`}>
              {say('bench.charge')} <output>{battery.percent} %</output>
              <input
                id={`${id}-charge`}
                type="range"
                min="0"
                max="100"
                value={battery.percent ?? 0}
                onChange={event => deed('battery', { percent: Number(event.currentTarget.value) })}
              />
            </label>
            <Switch label={say('bench.charger')} on={battery.charging === true} turn={charging => deed('plug', { charging })} />
            <Switch label={say('bench.power')} on={reader.on} turn={on => deed('switch', { on })} />
            {reader.inRange !== undefined && (
              <Switch label={say('bench.range')} on={reader.inRange} turn={on => deed('knob', { line: `range ${on ? 'in' : 'out'}` })} />
            )}
            <button type="button" onClick={() => deed('knob', { line: 'reboot' })}>
              {say('bench.reboot')}
            </button>
            <button type="button" class="danger" disabled={reader.tampered} onClick={() => deed('tamper')}>
              {say('bench.tamper')}
            </button>
          </div>
          <details class="more-knobs">
            <summary>{say('bench.knobs.more', { count: knobs.length - own.length })}</summary>
            <div class="knobs">
              {knobs
                .filter(({ name }) => !own.includes(name))
                .map(knob => (
                  <Knob key={knob.name} reader={reader} knob={knob} />
                ))}
            </div>
          </details>
        </>
      )}
      {removable && (
        <button
          type="button"
          class="danger"
          onClick={() => {
            act(api => api.removeReader(id)).then(onRemove)
          }}
        >
          {say('bench.reader.remove')}
        </button>
      )}
    </section>
  )
}
