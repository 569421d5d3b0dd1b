/** What the virtual issuer makes of the terminal's word: Terminal Verification Results (95) that no payment is approved with, and the response code for each. */

import { isSet, TVR, type TvrBit } from '../../../src/emv/data.ts'
import type { CheckedRule } from '../rules.ts'

type Refusal = readonly [code: string, reason: string]

/** In this order: the first bit that is set decides (EMV 4.4 Book 3, Annex C5). Codes of ISO 8583:1987 and, for 70, of payment systems. Bits that are not here are no reason. */
export const tvrCodes: Readonly<Partial<Record<TvrBit, Refusal>>> = {
  cardOnExceptionFile: ['62', 'the terminal has the card on its exception file'],
  sdaFailed: ['63', 'static data authentication failed'],
  ddaFailed: ['63', 'dynamic data authentication failed'],
  cdaFailed: ['63', 'combined data authentication failed'],
  expired: ['54', 'the card has expired'],
  notYetEffective: ['57', 'the card is not valid yet'],
  serviceNotAllowed: ['57', 'the card does not allow this service'],
  pinTryLimitExceeded: ['75', 'too many wrong PINs: the PIN try limit of the card is exceeded'],
  cardholderVerificationFailed: ['70', 'the cardholder was not verified'],
}

/** Why `tvr` is no TVR to approve with; undefined where it is. A rule `tvr` decides on its bit instead of the table: 00 passes it over. */
export function refusalOf(tvr: Uint8Array | undefined, rules: readonly CheckedRule[]): Refusal | undefined {
  const own = new Map(rules.flatMap(rule => (rule.do === 'tvr' ? [[rule.bit, rule] as const] : [])))
  for (const bit of new Set([...(Object.keys(tvrCodes) as TvrBit[]), ...own.keys()])) {
    if (!isSet(tvr, TVR[bit])) continue
    const rule = own.get(bit)
    const refusal = rule ? ([rule.code, rule.reason ?? tvrCodes[bit]?.[1] ?? bit] as const) : tvrCodes[bit]
    if (refusal && refusal[0] !== '00') return refusal
  }
  return undefined
}
