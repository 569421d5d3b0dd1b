/** Which data objects of a card are kept: those that only a terminal or an issuer's host may give are ignored when a card sends them (EMV 4.4 Book 3, 7.5). */

import { general } from '../tlv/tags.ts'
import type { Kernel } from './context.ts'

/** Templates in which a card carries objects that an issuer gave it, such as its IIN (42). */
const cardTemplates = [0xbf0c, 0x73]

/** Whether a card may be the source of `tag`; one that the dictionary does not know is the card's own. */
export function isCardSourced(tag: number): boolean {
  const known = general.get(tag)
  return known === undefined || known.source === 'icc' || known.templates.some(template => cardTemplates.includes(template))
}

/** Keeps a primitive object that came from the card, unless no card may send it. */
export function storeCardData({ data }: Pick<Kernel, 'data'>, tag: number, value: Uint8Array): void {
  if (isCardSourced(tag)) data.card.set(tag, value)
}
