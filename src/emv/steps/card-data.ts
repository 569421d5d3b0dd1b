/** Which data objects of a card are kept: those that are where the dictionary has them. Others are ignored (EMV 4.4 Book 3, 7.5). */

import { type Dictionary, general } from '../../tlv/tags.ts'
import type { Kernel } from './context.ts'

/** Where a card's objects are read from, by the tags of the templates around them. */
export const FROM = {
  fci: [0x6f, 0xa5, 0xbf0c],
  response: [0x77, 0x80],
  record: [0x70],
} as const satisfies Record<string, readonly number[]>

/**
 * Whether an object may come out of these templates. What a terminal or an issuer's host is the source of belongs in none of them, so that no card can
 * say the amount, nor in a record what only a command returns. A tag that the dictionary does not know is the card's own.
 */
export function belongsIn(tag: number, templates: readonly number[], words: Dictionary = general): boolean {
  const known = words.get(tag)
  return known === undefined || known.templates.some(template => templates.includes(template))
}

/** Whether a card may be the source of `tag` at all, wherever it is found: the rule of contactless kernels, which return records' objects in responses. */
function isCardSourced(tag: number, words: Dictionary = general): boolean {
  return words.get(tag)?.source === 'icc' || belongsIn(tag, [...FROM.fci, 0x73], words)
}

/** Keeps a primitive object that came from the card, unless no card may send it in the meaning that the kernel's dictionary gives it. */
export function storeCardData({ data, words }: Pick<Kernel, 'data' | 'words'>, tag: number, value: Uint8Array): void {
  if (isCardSourced(tag, words)) data.card.set(tag, value)
}
