/** The check digit of a card's number (ISO/IEC 7812-1, Annex B), and which issuers have none. */

import * as door from '../door.ts'

/** The check of ISO/IEC 7812-1, Annex B: every second digit from the right is doubled, the sum of digits is a multiple of ten. */
export function luhn(digits: string): boolean {
  door.need('digits', digits, door.anyText)
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    sum += i % 2 === 0 ? digit : digit * 2 > 9 ? digit * 2 - 9 : digit * 2
  }
  return digits.length > 0 && sum % 10 === 0
}

/**
 * Issuer ranges whose numbers need no check digit, by their first digits. UnionPay's members have issued numbers without one (62, and 81 of its newer range); enRoute,
 * long withdrawn, never had one. ISO/IEC 7812-1 has one for all others.
 */
export const withoutCheckDigit: readonly { readonly digits: string; readonly whose: string }[] = [
  { digits: '62', whose: 'UnionPay' },
  { digits: '81', whose: 'UnionPay' },
  { digits: '2014', whose: 'Diners Club enRoute' },
  { digits: '2149', whose: 'Diners Club enRoute' },
]

/** Whether the last digit of this number is a check digit that has to be right. */
export function hasCheckDigit(pan: string): boolean {
  door.need('pan', pan, door.anyText)
  return !withoutCheckDigit.some(({ digits }) => pan.startsWith(digits))
}
