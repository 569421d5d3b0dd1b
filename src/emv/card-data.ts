/** Which data objects of a card are kept: those that only a terminal or an issuer may give are ignored when a card sends them (EMV 4.4 Book 3, 7.5). */

import type { Kernel } from './context.ts'

/** Terminal- and issuer-sourced objects of Book 3, Annex A, Table 37. */
const notTheCards = new Set([
  0x71, 0x72, 0x81, 0x83, 0x86, 0x89, 0x8a, 0x91, 0x95, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x5f2a, 0x5f36, 0x5f57, 0x9f01, 0x9f02, 0x9f03,
  0x9f04, 0x9f06, 0x9f09, 0x9f15, 0x9f16, 0x9f18, 0x9f1a, 0x9f1b, 0x9f1c, 0x9f1d, 0x9f1e, 0x9f21, 0x9f22, 0x9f33, 0x9f34, 0x9f35, 0x9f37,
  0x9f39, 0x9f3a, 0x9f3c, 0x9f3d, 0x9f40, 0x9f41, 0x9f4e, 0x9f53, 0x9f5b,
])

/** Whether a card may be the source of `tag`. */
export function isCardSourced(tag: number): boolean {
  return !notTheCards.has(tag)
}

/** Keeps a primitive object that came from the card, unless no card may send it. */
export function storeCardData({ data }: Pick<Kernel, 'data'>, tag: number, value: Uint8Array): void {
  if (isCardSourced(tag)) data.card.set(tag, value)
}
