/** Names of things on the page: cards, ways, readers. */

import type { Language } from '../../../../src/messages/messages.ts'
import { cardsInRussian } from '../../../../src/messages/tools/cards.ts'
import type { CardState, ReaderState } from '../../schema/types.ts'
import type { CardLook } from '../faces/card-art.tsx'
import type { Target } from '../faces/face-view.tsx'
import type { Say } from './view.ts'

export const lookOf = ({ schemes, label, pan, interfaces, phone }: CardState): CardLook => ({
  ...{ scheme: schemes[0] ?? '', label, pan, interfaces, phone },
})

/** Which way a place of a reader reads a card. */
export const wayOf = { slot: 'chip', antenna: 'tap', swipe: 'swipe' } as const satisfies Readonly<Record<Target, string>>

/** The places of a reader that may be tried with a card now: it need not have a chip to go into a slot. */
export function openFor(card: CardState | undefined, reader: ReaderState): readonly Target[] {
  if (!card || card.place !== null || reader.real) return []
  if (reader.family === 'softpos') return ['antenna']
  return [...(reader.slot === null && !card.phone ? (['slot'] as const) : []), 'antenna', ...(card.phone ? [] : (['swipe'] as const))]
}

/** `1 234.5` ms as a clock of the session. */
export function clockText(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const two = (one: number) => String(one).padStart(2, '0')
  return `${Math.floor(seconds / 60)}:${two(seconds % 60)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
}

/** What is special about a card, in the language of the page where its profile is a ready one. */
export function specialOf(language: Language, { profile, changed, special }: CardState): string {
  return (language === 'ru' && !changed && cardsInRussian[profile]) || special
}

/** A method of verification in words; one that has none is told as it is. */
export function cvmText(say: Say, cvm: string): string {
  const known = [
    'onlinePin',
    'offlinePin',
    'offlinePinAndSignature',
    'encipheredPin',
    'encipheredPinAndSignature',
    'signature',
    'noCvm',
  ] as const
  const one = known.find(name => name === cvm)
  return one ? say(`bench.cvm.${one}`) : cvm
}
