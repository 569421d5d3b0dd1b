/** One reader: its face, what can be done to it, and its knobs. */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { ReaderState } from '../../schema/types.ts'
import { type Face, ROOM } from '../faces/face.ts'
import { FaceView, type Target } from '../faces/face-view.tsx'
import { faceOf, faces } from '../faces/faces.ts'
import type { Drag } from '../hand/drag.tsx'
import { present, takeAway } from '../hand/hand.ts'
import { lookOf, openFor } from '../state/names.ts'
import { useBench, useSelect } from '../state/view.ts'
import { Battery } from './battery.tsx'
import { Panel } from './panel.tsx'
import { keyOf, letterOf } from './reader-keys.ts'
import { beep } from './sound.ts'

interface Props {
  readonly id: string
  readonly drag: Drag | undefined
  readonly onGrab: (card: string, event: PointerEvent) => void
  readonly sounds: boolean
  readonly alone: boolean
}

/** The moment of a trace that is looked at, in place of now. */
export interface Past {
  readonly lines: readonly string[]
  readonly light: ReaderState['light']
  readonly on: boolean
  readonly slot: boolean
  readonly field: boolean
}

/** Counts up when the buzzer is heard anew; not for what was played before the page was there. */
function useBuzzer(reader: ReaderState | undefined, sounds: boolean): number {
  const [count, setCount] = useState(0)
  const last = useRef(reader?.sound?.at)
  const at = reader?.sound?.at
  useEffect(() => {
    if (at === undefined || at === last.current || !reader?.sound) return
    last.current = at
    setCount(one => one + 1)
    if (sounds) beep(reader.sound.sound)
  }, [at])
  return count
}

/** What a face has to say of itself to whoever does not see it. */
function useNames() {
  const { say } = useBench()
  return {
    keys: { enter: say('bench.key.enter'), cancel: say('bench.key.cancel'), clear: say('bench.key.clear') },
    targets: { slot: say('bench.target.slot'), antenna: say('bench.target.antenna'), swipe: say('bench.target.swipe') },
  }
}

/** Buttons that act with the card in the hand, for whoever does not drag. */
function Hand({ reader, face, doIt }: { reader: ReaderState; face: Face; doIt: (target: Target) => void }) {
  const bench = useBench()
  const { say } = bench
  const cards = useSelect(state => state.cards)
  const held = useSelect(state => state.held)
  const card = cards.find(({ id }) => id === held)
  const here = cards.filter(({ place }) => place?.reader === reader.id)
  const open = openFor(card, reader)
  const stay = useSelect(state => state.stay)
  const places = (['slot', 'antenna', 'swipe'] as const).filter(one => one === 'antenna' || face[one])
  return (
    <fieldset class="hand">
      <legend>{card ? say('bench.inHand', { label: card.label }) : say('bench.hand')}</legend>
      {places.map(target => {
        const there = here.filter(({ place }) => place?.where === { slot: 'slot', antenna: 'field', swipe: '' }[target])
        return there.length > 0 ? (
          <button key={target} type="button" class="away" onClick={() => there.map(one => takeAway(bench, one))}>
            {say(target === 'slot' ? 'bench.do.pull' : 'bench.do.leave')} <kbd>P</kbd>
          </button>
        ) : (
          <button key={target} type="button" disabled={!open.includes(target)} onClick={() => doIt(target)}>
            {say(`bench.do.${target}`)} <kbd>{{ slot: 'I', antenna: 'T', swipe: 'S' }[target]}</kbd>
          </button>
        )
      })}
      <label class="stay" title={say('bench.hand.stay.how')}>
        <input type="checkbox" checked={stay} onChange={event => bench.store.set({ stay: event.currentTarget.checked })} />
        {say('bench.hand.stay')}
      </label>
    </fieldset>
  )
}

export function Reader({ id, drag, onGrab, sounds, alone, past }: Props & { past: Past | undefined }) {
  const bench = useBench()
  const { say, act, store } = bench
  const reader = useSelect(state => state.readers.find(one => one.id === id))
  const cards = useSelect(state => state.cards)
  const held = useSelect(state => state.held)
  const buzz = useBuzzer(reader, sounds)
  const names = useNames()
  const [swiping, setSwiping] = useState<{ card: string; count: number }>()
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  if (!reader) return null
  const face: Face = faces[faceOf(reader)]
  const cardOf = (one: string | null | undefined) => cards.find(card => card.id === one)
  const inHand = cardOf(held)
  const lookAt = (one: string | null | undefined) => {
    const card = cardOf(one)
    return card && lookOf(card)
  }
  const doIt = (target: Target, stay?: boolean) => {
    const there = cards.find(({ place }) => place?.reader === id && place.where === (target === 'slot' ? 'slot' : 'field'))
    if (there && target !== 'swipe') return void takeAway(bench, there)
    if (!inHand || !openFor(inHand, reader).includes(target)) return
    if (target === 'swipe') setSwiping(one => ({ card: inHand.id, count: (one?.count ?? 0) + 1 }))
    present(bench, id, inHand.id, target, stay)
  }
  const press = (key: string) => {
    box.current?.focus({ preventScroll: true })
    act(api => api.reader(id, 'press', { keys: [key] }))
  }
  const keyDown = (event: KeyboardEvent) => {
    const [key, letter] = [keyOf(event), letterOf(event)]
    if (event.target !== box.current || (key === undefined && letter === undefined)) return
    event.preventDefault()
    if (key !== undefined) press(key)
    else if (letter === 'away') for (const one of cards) one.place?.reader === id && takeAway(bench, one)
    else if (letter) doIt(letter, event.shiftKey || undefined)
  }
  const lines = past?.lines ?? reader.screen.lines
  const words = lines.filter(line => line.trim()).join(' ')
  const shown = past
    ? {
        lines,
        light: past.light,
        on: past.on,
        slot: past.slot ? lookAt(reader.slot) : undefined,
        field: past.field ? reader.field.flatMap(one => lookAt(one) ?? []) : [],
      }
    : {
        lines,
        light: reader.light,
        on: reader.on,
        slot: lookAt(reader.slot),
        field: reader.field.flatMap(one => lookAt(one) ?? []),
        keypad: reader.keypad,
      }
  const over = drag?.over.reader === id ? drag.over.target : undefined
  const places = (['slot', 'antenna', 'swipe'] as const).filter(one => one === 'antenna' || face[one])
  const grab = (event: PointerEvent) => {
    const target = (event.target as Element).closest('[data-target]')?.getAttribute('data-target')
    const one = target === 'slot' ? reader.slot : target === 'antenna' ? reader.field.at(-1) : undefined
    if (one) onGrab(one, event)
  }
  return (
    <article
      class={`device${past ? ' past' : ''}`}
      data-reader={id}
      aria-labelledby={`${id}-name`}
      style={{ '--face': face.width + 2 * ROOM.side }}
    >
      <header>
        <h3 id={`${id}-name`}>
          {face.title} <small>{reader.serial}</small>
        </h3>
        <button type="button" class="quiet" aria-expanded={open} aria-controls={`${id}-panel`} onClick={() => setOpen(!open)}>
          <span aria-hidden="true">⚙</span> {say('bench.knobs')}
        </button>
        <Battery reader={reader} onOpen={() => setOpen(true)} />
      </header>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <div
        ref={box}
        class={`body${buzz > 0 ? ` buzz-${buzz % 2}` : ''}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it has the focus for the keys of its keypad
        tabIndex={0}
        role="group"
        aria-label={say('bench.face', { model: face.title, serial: reader.serial })}
        aria-describedby={`${id}-says`}
        onKeyDown={keyDown}
        onPointerDown={grab}
      >
        <FaceView
          face={face}
          shown={shown}
          names={names}
          onKey={press}
          onTarget={target => doIt(target)}
          over={over}
          open={drag ? places.filter(one => openFor({ ...drag.card, place: null }, reader).includes(one)) : []}
          swiping={swiping && { look: lookAt(swiping.card)!, count: swiping.count }}
        />
      </div>
      <p id={`${id}-says`} class="says" aria-live="polite">
        <span class={face.display ? 'unseen' : ''}>{reader.on ? words || say('bench.screen.empty') : say('bench.off')}</span>
        {reader.todo && <strong>{reader.todo}</strong>}
        {reader.fault && <strong class="bad">{reader.fault}</strong>}
        {reader.tampered && <strong class="bad">{say('bench.tampered')}</strong>}
      </p>
      {!reader.real && <Hand reader={reader} face={face} doIt={doIt} />}
      {open && (
        <Panel
          reader={reader}
          removable={!alone}
          close={() => setOpen(false)}
          onRemove={() => store.tell(say('bench.reader.removed', { model: face.title }))}
        />
      )}
    </article>
  )
}
