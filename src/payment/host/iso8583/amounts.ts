/** The parts of an amount in ISO 8583:1987: cash and tip in field 54, a surcharge in field 28. Both ends use it. */

import { Fault } from '../../../errors.ts'
import type { AmountParts } from '../../acquirer.ts'

/**
 * Amount types of field 54, in blocks of account type (2, 00: none named), amount type (2), currency (3), D, amount (12). 40, cash, is what networks have (Thredd's guide to
 * field 54 shows Visa's and Mastercard's blocks); 44 for a tip is assumed: banks differ, and a bank of your own says which.
 */
const amountTypes = { cashback: '40', tip: '44' } as const

/** Digits of field 28 behind its D (x + n 8). */
const MOST_FEE = 99_999_999n

/** @throws Fault `bad-argument` where the surcharge does not fit its field */
export function setAmountParts(fields: Map<number, string | Uint8Array>, parts: AmountParts | undefined, currency: number): void {
  if (!parts) return
  const { cashback, tip, surcharge } = parts
  const block = (type: string, amount: bigint | undefined) =>
    amount ? `00${type}${String(currency).padStart(3, '0')}D${amount.toString().padStart(12, '0')}` : ''
  const blocks = block(amountTypes.cashback, cashback) + block(amountTypes.tip, tip)
  if (blocks !== '') fields.set(54, blocks)
  if (surcharge === undefined) return
  if (surcharge > MOST_FEE)
    throw new Fault('bad-argument', `surcharge ${surcharge}: field 28 holds at most ${MOST_FEE} minor units`, { field: 'surcharge' })
  fields.set(28, `D${surcharge.toString().padStart(8, '0')}`)
}

/** What fields 54 and 28 say; types that are not known are passed over, as every network wants it. */
export function amountPartsOf(additional: string | undefined, fee: string | undefined): AmountParts | undefined {
  const parts: { -readonly [name in keyof AmountParts]: AmountParts[name] } = {}
  for (const [, type, amount] of (additional ?? '').matchAll(/\d{2}(\d{2}).{3}D(\d{12})|.{20}/g))
    for (const name of ['cashback', 'tip'] as const) if (type === amountTypes[name] && BigInt(amount) > 0n) parts[name] = BigInt(amount)
  const [, surcharge] = /^D(\d{8})$/.exec(fee ?? '') ?? []
  if (surcharge !== undefined && BigInt(surcharge) > 0n) parts.surcharge = BigInt(surcharge)
  return Object.keys(parts).length > 0 ? parts : undefined
}
