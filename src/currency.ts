/** ISO 4217 currencies and amounts in minor units. */

import { Fault } from './errors.ts'

export interface Currency {
  /** Alphabetic code, `RUB`. */
  readonly alpha: string
  /** Numeric code, 643. */
  readonly numeric: number
  /** Digits after the decimal point, 2. */
  readonly exponent: number
}

const table: readonly (readonly [string, number, number])[] = [
  ['RUB', 643, 2], ['EUR', 978, 2], ['USD', 840, 2], ['GBP', 826, 2], ['CHF', 756, 2], ['CNY', 156, 2], ['JPY', 392, 0], ['KZT', 398, 2],
  ['BYN', 933, 2], ['AMD', 51, 2], ['KGS', 417, 2], ['UZS', 860, 2], ['TRY', 949, 2], ['INR', 356, 2], ['AED', 784, 2], ['BRL', 986, 2],
  ['PLN', 985, 2], ['CZK', 203, 2], ['SEK', 752, 2], ['NOK', 578, 2], ['DKK', 208, 2], ['KWD', 414, 3], ['BHD', 48, 3], ['GEL', 981, 2],
] // biome-ignore format: a table
const currencies = table.map(([alpha, numeric, exponent]): Currency => ({ alpha, numeric, exponent }))

/** The currency with this alphabetic or numeric code. @throws Fault `bad-argument` */
export function currency(code: string | number): Currency {
  const found = currencies.find(one =>
    typeof code === 'number' ? one.numeric === code : one.alpha === code.toUpperCase() || one.numeric === Number(code),
  )
  if (!found)
    throw new Fault('bad-argument', `currency '${code}' is not in the ISO 4217 table: ${currencies.map(one => one.alpha).join(', ')}`)
  return found
}

/** `2500.00` or `2500,5` as minor units of `unit`. @throws Fault `bad-argument` */
export function parseAmount(text: string, unit: Currency): bigint {
  const match = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim())
  const fraction = match?.[2] ?? ''
  if (!match || fraction.length > unit.exponent) {
    throw new Fault('bad-argument', `amount '${text}' is not digits with at most ${unit.exponent} decimals of ${unit.alpha}`, {
      field: 'amount',
    })
  }
  const amount = BigInt(match[1] + fraction.padEnd(unit.exponent, '0'))
  if (amount > 999_999_999_999n) throw new Fault('bad-argument', `amount '${text}' does not fit n 12`, { field: 'amount' })
  return amount
}

/** Minor units as `2500.00`. */
export function formatAmount(amount: bigint, unit: Currency): string {
  const digits = amount.toString().padStart(unit.exponent + 1, '0')
  return unit.exponent === 0 ? digits : `${digits.slice(0, -unit.exponent)}.${digits.slice(-unit.exponent)}`
}
