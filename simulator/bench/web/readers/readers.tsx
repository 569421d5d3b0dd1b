/** Readers beside each other, and how one is added: a virtual one by its family, or a real one by its URI. */

import { useState } from 'preact/hooks'
import { faceOf, faces } from '../faces/faces.ts'
import type { Drag } from '../hand/drag.tsx'
import { useBench, useSelect } from '../state/view.ts'
import { type Past, Reader } from './reader.tsx'

/** What can be added, as the server takes it. */
const kinds = [
  { family: 'qpos' },
  { family: 'bluepad' },
  { family: 'miura' },
  { family: 'magtek', dialect: 'v5' },
  { family: 'magtek', dialect: 'mms' },
  { family: 'idtech' },
  { family: 'softpos' },
] as const

interface Props {
  readonly drag: Drag | undefined
  readonly onGrab: (card: string, event: PointerEvent) => void
  readonly sounds: boolean
  readonly past: ReadonlyMap<string, Past> | undefined
}

function Add() {
  const { say, act, language } = useBench()
  const [open, setOpen] = useState(false)
  const [uri, setUri] = useState('')
  const [pairing, setPairing] = useState(false)
  const add = (body: Readonly<Record<string, unknown>>) => act(api => api.addReader(body)).then(done => done && setOpen(false))
  return (
    <div class="add">
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        + {say('bench.reader.add')}
      </button>
      {open && (
        <div class="choices">
          {kinds.map(kind => (
            <button
              key={JSON.stringify(kind)}
              type="button"
              onClick={() => add({ ...kind, language, ...(pairing && kind.family !== 'softpos' && { pairing }) })}
            >
              {faces[faceOf(kind)].title}
            </button>
          ))}
          <label>
            <input type="checkbox" checked={pairing} onChange={event => setPairing(event.currentTarget.checked)} />{' '}
            {say('bench.reader.pairing')}
          </label>
          <form
            onSubmit={event => {
              event.preventDefault()
              add({ uri })
            }}
          >
            <label>
              {say('bench.reader.real')}{' '}
              <input
                value={uri}
                required
                placeholder="serial:/dev/ttyACM0?family=qpos"
                onInput={event => setUri(event.currentTarget.value)}
              />
            </label>
            <button type="submit">{say('bench.reader.open')}</button>
          </form>
        </div>
      )}
    </div>
  )
}

export function Readers({ drag, onGrab, sounds, past }: Props) {
  const { say } = useBench()
  const ids = useSelect(state => state.readers.map(({ id }) => id).join(' '))
  const all = ids === '' ? [] : ids.split(' ')
  return (
    <section class="readers" id="readers" aria-labelledby="readers-title">
      <div class="title">
        <h2 id="readers-title">{say('bench.readers')}</h2>
        <Add />
      </div>
      <div class="row">
        {all.map(id => (
          <Reader key={id} id={id} drag={drag} onGrab={onGrab} sounds={sounds} alone={all.length === 1} past={past?.get(id)} />
        ))}
        {all.length === 0 && <p class="dim">{say('bench.readers.none')}</p>}
      </div>
    </section>
  )
}
