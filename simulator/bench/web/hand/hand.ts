/** What a hand does with a card at a reader: the deeds, by pointer, by keys, or by a click. */

import type { CardState, ReaderState } from '../../schema/types.ts'
import type { Target } from '../faces/face-view.tsx'
import type { Bench } from '../state/view.ts'

/** Puts the card there, or draws it through. */
export function present({ act }: Bench, reader: string, card: string, target: Target): Promise<ReaderState | undefined> {
  const deed = { slot: 'insert', antenna: 'tap', swipe: 'swipe' } as const
  return act(api => api.reader(reader, deed[target], { card }))
}

/** Takes a card from where it is. */
export function takeAway({ act }: Bench, { id, place }: CardState): Promise<ReaderState | undefined> | undefined {
  if (!place) return undefined
  return act(api => (place.where === 'slot' ? api.reader(place.reader, 'pull') : api.reader(place.reader, 'leave', { card: id })))
}

/** What lies under a point: a place of a reader, or the shelf. */
export interface Spot {
  readonly reader?: string
  readonly target?: Target
  readonly shelf?: boolean
}

export function spotAt(x: number, y: number): Spot {
  // The card that is dragged takes no pointer events, so that what is under it is found.
  const element = document.elementFromPoint(x, y)
  const place = element?.closest('[data-target]')
  const reader = element?.closest<HTMLElement>('[data-reader]')?.dataset.reader
  if (element?.closest('[data-shelf]')) return { shelf: true }
  return {
    ...(reader !== undefined && { reader }),
    ...(place && { target: place.getAttribute('data-target') as Target }),
  }
}
