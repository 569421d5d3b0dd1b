/** ISO 4217 currencies and amounts in minor units. */

import { type Currency, currencyRows, withdrawnCurrencies } from './currency-table.ts'
import * as door from './door.ts'
import { nearest } from './nearest.ts'
import { usageFault } from './refusal.ts'

export type { Currency } from './currency-table.ts'

const currencies = currencyRows.map(([alpha, numeric, exponent]): Currency => ({ alpha, numeric, exponent }))
const byAlpha = new Map(currencies.map(one => [one.alpha, one]))
const byNumeric = new Map(currencies.map(one => [one.numeric, one]))

/** Every currency of ISO 4217 that has a minor unit, by its alphabetic code. */
export const allCurrencies: readonly Currency[] = [...byAlpha.values()].sort((one, other) => (one.alpha < other.alpha ? -1 : 1))

/** Characters of a code or an amount, blanks around it too; what is longer is neither. */
const LONGEST = 64

/** The currency with this alphabetic or numeric code: `RUB`, `rub`, 643, `643`, `036`. @throws Fault `bad-argument` */
export function currency(code: string | number): Currency {
  if (typeof code !== 'number') door.need('currency', code, door.anyText)
  const given = String(code)
  const text = (given.length > LONGEST ? '' : given).trim().toUpperCase()
  const found = byAlpha.get(text) ?? (/^\d{1,3}$/.test(text) ? byNumeric.get(Number(text)) : undefined)
  if (found) return found
  const [field, value, follower, meant] = ['currency', given, withdrawnCurrencies[text], nearest(text, [...byAlpha.keys()])]
  if (follower !== undefined) throw usageFault('usage.currencyWithdrawn', { field, value, follower })
  throw meant === undefined ? usageFault('usage.currency', { field, value }) : usageFault('usage.currencyMeant', { field, value, meant })
}

/** `2500.00` or `2500,5` as minor units of `unit`. @throws Fault `bad-argument` */
export function parseAmount(text: string, unit: Currency): bigint {
  door.need('text', text, door.anyText)
  door.need('unit', unit, door.currencyOf)
  const match = text.length > LONGEST ? null : /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim())
  const fraction = match?.[2] ?? ''
  if (!match || fraction.length > unit.exponent) {
    throw usageFault('usage.amount', { field: 'amount', value: text, decimals: unit.exponent, unit: unit.alpha })
  }
  const amount = BigInt(match[1] + fraction.padEnd(unit.exponent, '0'))
  if (amount > 999_999_999_999n)
    throw usageFault('usage.amountBound', { field: 'amount', value: text, to: formatAmount(999_999_999_999n, unit) })
  return amount
}

/** Minor units as `2500.00`. */
export function formatAmount(amount: bigint, unit: Currency): string {
  door.need('amount', amount, door.anyAmount)
  door.need('unit', unit, door.currencyOf)
  const digits = amount.toString().padStart(unit.exponent + 1, '0')
  return unit.exponent === 0 ? digits : `${digits.slice(0, -unit.exponent)}.${digits.slice(-unit.exponent)}`
}
