/** A card that is dragged: it follows the pointer, is drawn through an edge in passing, and acts where it is let go. */

import { useEffect, useRef, useState } from 'preact/hooks'
import type { CardState } from '../../schema/types.ts'
import { CardArt } from '../faces/card-art.tsx'
import { CARD } from '../faces/face.ts'
import type { Target } from '../faces/face-view.tsx'
import { lookOf } from '../state/names.ts'
import { useBench } from '../state/view.ts'
import { present, type Spot, spotAt, takeAway } from './hand.ts'

/** Pixels that a pointer moves before a press is a drag. */
const FAR = 6

export interface Drag {
  readonly card: CardState
  readonly x: number
  readonly y: number
  readonly over: Spot
}

/** Begins when a card is pressed; tells where it is until it is let go. */
export function useDrag(): { readonly drag: Drag | undefined; readonly begin: (card: CardState, event: PointerEvent) => void } {
  const bench = useBench()
  const [drag, setDrag] = useState<Drag>()
  const ends = useRef<() => void>(() => {})
  useEffect(() => () => ends.current(), [])
  const begin = (card: CardState, press: PointerEvent) => {
    if (press.button !== 0) return
    ends.current()
    const stop = new AbortController()
    const options = { signal: stop.signal }
    let moving = false
    let swiped: string | undefined
    ends.current = () => {
      stop.abort()
      setDrag(undefined)
    }
    const move = (event: PointerEvent) => {
      if (event.pointerId !== press.pointerId) return
      if (!moving && Math.hypot(event.clientX - press.clientX, event.clientY - press.clientY) < FAR) return
      if (!moving) bench.store.set({ held: card.id })
      moving = true
      event.preventDefault()
      const over = spotAt(event.clientX, event.clientY)
      // Through the edge: in passing, once until it has left it.
      if (over.target === 'swipe' && over.reader !== undefined && swiped !== over.reader && card.place === null && !card.phone) {
        swiped = over.reader
        present(bench, over.reader, card.id, 'swipe')
      } else if (over.target !== 'swipe') swiped = undefined
      setDrag({ card, x: event.clientX, y: event.clientY, over })
    }
    const up = (event: PointerEvent) => {
      if (event.pointerId !== press.pointerId) return
      ends.current()
      if (!moving) return
      addEventListener('click', swallow, { capture: true, once: true })
      setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0)
      const { reader, target } = spotAt(event.clientX, event.clientY)
      const here = card.place
      const same = here && here.reader === reader && here.where === (target === 'antenna' ? 'field' : target)
      if (same) return
      const away = Promise.resolve(takeAway(bench, card))
      if (reader !== undefined && target && target !== 'swipe') away.then(() => present(bench, reader, card.id, target as Target))
    }
    addEventListener('pointermove', move, { ...options, passive: false })
    addEventListener('pointerup', up, options)
    addEventListener('pointercancel', () => ends.current(), options)
    addEventListener('keydown', event => event.key === 'Escape' && ends.current(), options)
  }
  return { drag, begin }
}

/** The click that ends a drag is none. */
function swallow(event: Event): void {
  event.stopPropagation()
  event.preventDefault()
}

/** The card under the pointer. */
export function Dragged({ drag: { card, x, y, over } }: { drag: Drag }) {
  return (
    <svg
      class={`dragged${over.target ? ' over' : ''}`}
      aria-hidden="true"
      viewBox={`0 0 ${CARD.long} ${CARD.short}`}
      style={{ left: `${x}px`, top: `${y}px` }}
    >
      <CardArt look={lookOf(card)} />
    </svg>
  )
}
