/** What a hand does with a card at a reader: the deeds, by pointer, by keys, or by a click. */

import type { CardState, ReaderState } from '../../schema/types.ts'
import type { Target } from '../faces/face-view.tsx'
import type { Bench } from '../state/view.ts'

/** Puts the card there, or draws it through. One that is tapped is taken away as a person does, unless it is to stay. */
export async function present(
  bench: Bench,
  reader: string,
  card: string,
  target: Target,
  stay = bench.store.state.stay,
): Promise<ReaderState | undefined> {
  const deed = { slot: 'insert', antenna: 'tap', swipe: 'swipe' } as const
  const done = await bench.act(api => api.reader(reader, deed[target], { card }))
  if (done && target === 'antenna' && !done.real && !stay) takeAwaySoon(bench, done, card)
  return done
}

/** Milliseconds: the longest that a card is held to a reader, and from its sound to the hand that goes. */
const [HELD, AFTER] = [8_000, 600]

/** After these a card at the antenna is not needed, or wanted anew. */
const over: readonly (string | undefined)[] = [
  ...['reader.seePhone', 'reader.cardReadOk', 'reader.authorising', 'reader.presentCardAgain', 'reader.tryAnotherCard'],
  ...['reader.insertCard', 'reader.notAccepted', 'reader.approved', 'reader.approvedSign', 'reader.declined', 'reader.cancelled'],
]

/** At the sound of the reader, or when its display has no more use for the card; what came with it in a wallet too. */
function takeAwaySoon(bench: Bench, { id, sound, screen }: ReaderState, card: string): void {
  const { store } = bench
  let timer = setTimeout(() => go(), HELD)
  let heard = false
  const held = () => store.state.cards.find(one => one.id === card)
  const go = () => {
    stop()
    for (const one of [card, ...(held()?.wallet ?? [])])
      if (placeOf(store, one) === id) bench.act(api => api.reader(id, 'leave', { card: one }))
  }
  const look = () => {
    const now = store.state.readers.find(one => one.id === id)
    if (!now || heard) return
    const beep = now.sound && now.sound.at !== sound?.at && now.sound.sound !== 'key'
    if (!beep && !(now.screen.at !== screen.at && over.includes(now.screen.message))) return
    heard = true
    clearTimeout(timer)
    timer = setTimeout(go, AFTER)
  }
  const stop = store.on(look)
  look()
}

const placeOf = ({ state: { cards } }: Bench['store'], card: string) => cards.find(({ id }) => id === card)?.place?.reader

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
