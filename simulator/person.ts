/** A person at a counter, with a card of their own. */

import * as door from '../src/door.ts'
import { loadCard, type VirtualCard, type VirtualCardOptions } from './cards/icc.ts'
import type { CardProfile } from './cards/profile/card-profile.ts'
import { VirtualPhone } from './cards/tap/phone.ts'
import { type Body, bodyRule } from './readers/body/body.ts'
import { type CardholderScript, cardholder, type Pace, type Presentation, type Turn } from './readers/body/cardholder.ts'

/** Nobody waits: for tests. */
export const instant: Pace = { present: 0, think: 0, key: 0, remove: 0, hold: 1500 }

/** By name, by profile, or one that has been used before. */
export type AnyCard = string | CardProfile | VirtualCard

/** What a person with this card does; the card's name or profile, and everything of `CardholderScript` that is no card. */
export interface PersonOptions extends Partial<Omit<CardholderScript, 'card' | 'present'>> {
  /** A profile by name, a profile of your own, or a card that has been used before; `mir-maestro` when left out. */
  readonly card?: AnyCard
  /** As in `CardholderScript`: `[{ how: 'dip', leave: true }, 'dip']`. */
  readonly present?: Presentation | Turn<AnyCard> | readonly (Presentation | Turn<AnyCard>)[]
  /** The card lives in their phone, which they have unlocked; `locked`: not before the reader sends them to it. */
  readonly phone?: boolean | 'locked'
}

/** Puts a person with a card at a reader; the returned function sends them away. */
export function person(body: Body, card: VirtualCard, { phone = false, present, ...script }: Omit<PersonOptions, 'card'> = {}): () => void {
  door.need('body', body, bodyRule)
  const held = phone ? new VirtualPhone(card, { locked: phone === 'locked' }) : card
  const turns = [present ?? (phone ? 'tap' : 'dip')].flat().map((turn): Turn => {
    if (typeof turn === 'string') return { how: turn }
    const { card: other, ...rest } = turn
    return other === undefined ? rest : { ...rest, card: toCard(other) }
  })
  return cardholder(body, { ...script, present: turns, card: held })
}

/** A card by name or profile, made with these options, or as it is. @throws Fault `bad-config`, `bad-argument` */
export function toCard(card: AnyCard, options?: VirtualCardOptions): VirtualCard {
  return typeof card === 'object' && 'contact' in card ? card : loadCard(card, options)
}
