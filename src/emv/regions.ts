/** Countries as a terminal knows them, as data: country, currency, languages, payment systems, and from where on a tap is verified, each with its source. */

import { type Currency, currency as currencyOf } from '../currency.ts'
import type { ContactlessScheme } from './schemes.ts'
import { verificationLimits } from './verification-limit.ts'

/** From which amount on the holder of a tapped card is verified. */
export interface TapLimit {
  /** Minor units: the first amount that is verified. */
  readonly verifyFrom: bigint
  /** `seen`: in the source named; `assumed`: nobody has published it, or only one page tells: an acquirer's figure takes its place. */
  readonly confidence: 'seen' | 'assumed'
  /** Since when, or as of when, `YYYY-MM-DD` or a part of it. */
  readonly date: string
  /** Where the figure is from. */
  readonly source: string
}

/** A country, or countries with one currency, as a terminal is set up for it. */
export interface Region {
  /** In English, in lower case: `euro area`. */
  readonly name: string
  /** ISO 4217. */
  readonly currency: string
  /** ISO 3166-1 numeric, for 9F1A. */
  readonly countryCode: number
  /** ISO 639-1, best first. */
  readonly languages: readonly string[]
  /** Parts of ISO 8859. */
  readonly codeTables: readonly number[]
  /** Accepted by chip and by tap, best first. */
  readonly systems: readonly ContactlessScheme[]
  /** From where on a tap is verified. */
  readonly tap: TapLimit
}

const international = ['visa', 'mastercard', 'amex', 'jcb', 'discover', 'unionpay'] as const

/** Limits are the countries' or their card industries'; an acquirer, and each scheme, may have others. */
export const regions: readonly Region[] = [
  {
    ...{ name: 'russia', currency: 'RUB', countryCode: 643, languages: ['ru', 'en'], codeTables: [5, 1] },
    systems: ['mir', 'visa', 'mastercard', 'unionpay', 'jcb', 'amex', 'discover'],
    tap: {
      ...{ verifyFrom: verificationLimits.RUB, confidence: 'seen', date: '2019' },
      source: 'the one rule of docs/emv-coverage.md: below 3000.00 nobody is verified by tap, 3000.00 itself is',
    },
  },
  {
    ...{ name: 'euro area', currency: 'EUR', countryCode: 276, languages: ['en', 'de'], codeTables: [1, 5], systems: international },
    tap: {
      ...{ verifyFrom: 50_01n, confidence: 'seen', date: '2019-09-14' },
      source: 'Commission Delegated Regulation (EU) 2018/389, article 11 (a): not above 50.00 without authentication of the holder',
    },
  },
  {
    ...{ name: 'united kingdom', currency: 'GBP', countryCode: 826, languages: ['en'], codeTables: [1], systems: international },
    tap: {
      ...{ verifyFrom: 100_01n, confidence: 'seen', date: '2026-03-19' },
      source:
        'the cap of 100.00 of October 2021, which banks may keep or change themselves since 2026-03-19 (FCA; econostrum.info, techround.co.uk)',
    },
  },
  {
    ...{ name: 'united states', currency: 'USD', countryCode: 840, languages: ['en', 'es'], codeTables: [1], systems: international },
    tap: {
      ...{ verifyFrom: 100_00n, confidence: 'assumed', date: '2024' },
      source: 'no limit of the country’s; 100.00 in one page about the schemes’ own (parkingpaymentguide.com)',
    },
  },
  {
    ...{ name: 'canada', currency: 'CAD', countryCode: 124, languages: ['en', 'fr'], codeTables: [1], systems: international },
    tap: {
      ...{ verifyFrom: 250_01n, confidence: 'seen', date: '2020-04' },
      source: 'interac.ca: a single tap cannot exceed 250; Visa and Mastercard the same since April 2020 (digitaltransactions.net)',
    },
  },
  {
    ...{ name: 'australia', currency: 'AUD', countryCode: 36, languages: ['en'], codeTables: [1], systems: international },
    tap: {
      ...{ verifyFrom: 200_01n, confidence: 'seen', date: '2020-04' },
      source: 'AusPayNet since April 2020; at or below 200 generally without a PIN, issuers may ask from 100 on (myzeller.com)',
    },
  },
  {
    ...{ name: 'kazakhstan', currency: 'KZT', countryCode: 398, languages: ['ru', 'kk', 'en'], codeTables: [5, 1], systems: international },
    tap: {
      ...{ verifyFrom: 1n, confidence: 'assumed', date: '2026-11' },
      source: 'no public figure was found: until an acquirer names one every tap is verified',
    },
  },
  {
    ...{ name: 'turkey', currency: 'TRY', countryCode: 792, languages: ['tr', 'en'], codeTables: [9, 1], systems: international },
    tap: {
      ...{ verifyFrom: 2500_00n, confidence: 'seen', date: '2026-01-15' },
      source: 'BDDK: 2500.00 and more takes the PIN (donanimhaber.com 2026-01-02, dunya.com 2026-01-14)',
    },
  },
]

/** A currency without a row above: no country (ISO 3166-1 leaves 900 to 999 to their users), and nobody pays by tap unverified. */
export function elsewhere({ alpha }: Currency): Region {
  return {
    ...{ name: 'elsewhere', currency: alpha, countryCode: 999, languages: ['en'], codeTables: [1], systems: international },
    tap: { verifyFrom: 1n, confidence: 'assumed', date: '2026-11', source: 'no rule is known: every tap is verified' },
  }
}

/** The region of a currency, by its alphabetic or numeric code; undefined where none is known. @throws Fault `bad-argument` for no currency */
export function regionOf(code: string | number): Region | undefined {
  const { alpha } = currencyOf(code)
  return regions.find(one => one.currency === alpha)
}
