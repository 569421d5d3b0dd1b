/** The payment system that a card was paid with, as slips and merchants name it: by the application's AID, never by a guess. */

import { hex } from '../../bytes.ts'
import type { CardInterface } from '../../emv/outcome.ts'

/** By AID, longest first where one begins like another (the registered provider identifiers of ISO/IEC 7816-5, and applications within them). */
const byAid: readonly (readonly [prefix: string, name: string])[] = [
  ['A0000000043060', 'MAESTRO'], ['A000000004', 'MASTERCARD'], ['A000000003', 'VISA'], ['A000000658', 'MIR'], ['A000000025', 'AMERICAN EXPRESS'],
  ['A000000065', 'JCB'], ['A000000152', 'DISCOVER'], ['A000000324', 'DISCOVER'], ['A000000333', 'UNIONPAY'],
  ['A000000042', 'CB'], ['A000000384', 'EFTPOS'], ['A000000121', 'DANKORT'], ['A000000277', 'INTERAC'],
  ['A0000003591010028001', 'GIROCARD'], ['A00000005945430100', 'GIROCARD'], ['D27600002547410100', 'GIROCARD'], ['A000000524', 'RUPAY'],
  ['A000000371', 'VERVE'], ['A000000672', 'TROY'], ['A000000651', 'ELO'], ['A000000141', 'PAGOBANCOMAT'],
] // biome-ignore format: a table

/** By issuer identification number (ISO/IEC 7812), for cards that were swiped: their stripe has no AID. */
const byPan: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^220[0-4]/, 'MIR'],
  [/^4/, 'VISA'],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, 'MASTERCARD'],
  [/^3[47]/, 'AMERICAN EXPRESS'],
  [/^35/, 'JCB'],
  [/^(6011|64[4-9]|65)/, 'DISCOVER'],
  [/^62/, 'UNIONPAY'],
  [/^(50|5[6-9]|6)/, 'MAESTRO'],
]

/** Undefined for an AID of a payment system that is not known here. */
export function schemeOfAid(aid: Uint8Array | string): string | undefined {
  const own = typeof aid === 'string' ? aid : hex(aid)
  return byAid.find(([prefix]) => own.startsWith(prefix))?.[1]
}

/** What is known of what was paid with. */
export interface SchemeFacts {
  /** Hex. */
  readonly aid?: string | undefined
  /** The application's label. */
  readonly label?: string | undefined
  /** Whole or masked. */
  readonly pan?: string | undefined
  /** How the card was read. */
  readonly interface?: CardInterface | undefined
}

/**
 * The name on a slip: of the AID; where that has no name here, or the reader tells none, the application's own label; of the PAN for a stripe only, since the
 * number of a co-badged card does not say which of its payment systems was used. Undefined where nobody tells.
 */
export function schemeName({ aid, label, pan, interface: by }: SchemeFacts): string | undefined {
  const named = aid ? schemeOfAid(aid) : undefined
  if (named) return named
  if (label && label.toUpperCase() !== aid) return label
  return by === 'swipe' && pan ? byPan.find(([pattern]) => pattern.test(pan))?.[1] : undefined
}
