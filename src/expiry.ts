/** Dates of cards, whose years have two digits (EMV 4.4 Book 4, 6.7.3). */

import * as door from './door.ts'

/** The year of two digits: 50 to 99 are 1950 to 1999, the others 2000 to 2049. */
export function fullYear(year: number): number {
  return year < 50 ? 2000 + year : 1900 + year
}

/** Whether YYMM has a month 01 to 12: real cards have `0000`. */
export function hasMonth(expiry: string): boolean {
  return /^\d\d(0[1-9]|1[0-2])$/.test(expiry)
}

/**
 * Whether a card of this expiry (YYMM) is past its month on `date`; years 50–99 are 1950–1999 (EMV 4.4 Book 4, 6.7.3). One without a month, `0000`, is no date: it says
 * nothing, and the issuer decides.
 */
export function isExpired(expiry: string, date: Date): boolean {
  door.need('expiry', expiry, door.text(4, 4))
  door.need('date', date, door.date)
  if (!hasMonth(expiry)) return false
  const lastYear = fullYear(Number(expiry.slice(0, 2)))
  const month = Number(expiry.slice(2))
  return date.getFullYear() > lastYear || (date.getFullYear() === lastYear && date.getMonth() + 1 > month)
}
