/** Ready configurations of a merchant's mobile terminal: for each region of `regions`, and for any other currency. */

import { currency as currencyOf } from '../currency.ts'
import * as door from '../door.ts'
import type { ApplicationConfig, TerminalConfig } from './config.ts'
import { parseTerminalConfig } from './config-schema.ts'
import { elsewhere, type Region, regionOf } from './regions.ts'
import { verificationLimits } from './verification-limit.ts'

/** What no profile can know: who the merchant is, and whose keys are trusted. */
export interface Site {
  /** 9F16, up to 15 characters. */
  readonly merchantId: string
  /** 9F1C, up to 8 characters. */
  readonly terminalId: string
  /** 9F4E, ASCII. */
  readonly merchantName: string
  /** 9F01, 6–11 digits. */
  readonly acquirerId: string
  /** 9F1E, up to 8 characters. */
  readonly ifdSerial: string
  /** 9F15; 5999 (miscellaneous retail) when left out. */
  readonly merchantCategoryCode?: string
  /** As in `TerminalConfig`; none when left out: no card is authenticated offline then. */
  readonly caKeys?: TerminalConfig['caKeys']
  /** As in `TerminalConfig`; none when left out. */
  readonly revoked?: TerminalConfig['revoked']
}

/** Everything but `Site` can be changed: `russianMpos(site, { terminalType: 0x21 })`. */
export type Changes = Partial<Omit<TerminalConfig, keyof Site>>

/**
 * Terminal Action Codes and versions by payment system. Assumed: acquirers set their own by the rule books, which are not public. The Mir values are
 * those of a published generic loader (docs of readers, "derived"); the Visa and Mastercard ones are what public terminal configurations carry; those of
 * the others follow the defaults of their contactless kernels.
 */
const systems = {
  mir: { versions: ['0100'], tacDenial: '0010000000', tacOnline: 'FC60ACF800', tacDefault: 'FC60242800' },
  visa: { versions: ['0096', '008D', '008C'], tacDenial: '0010000000', tacOnline: 'DC4004F800', tacDefault: 'DC4000A800' },
  mastercard: { versions: ['0002'], tacDenial: '0000000000', tacOnline: 'FC50BCF800', tacDefault: 'FC50BCA000' },
  amex: { versions: ['0001'], tacDenial: '0010000000', tacOnline: 'DE00FC9800', tacDefault: 'DC50FC9800' },
  jcb: { versions: ['0200'], tacDenial: '0010000000', tacOnline: 'FC60ACF800', tacDefault: 'FC6024A800' },
  discover: { versions: ['0001'], tacDenial: '0010000000', tacOnline: 'FCE09CF800', tacDefault: 'DC00002000' },
  unionpay: { versions: ['0030', '0020'], tacDenial: '0010000000', tacOnline: 'D84004F800', tacDefault: 'D84000A800' },
} as const

const aids: Readonly<Record<string, keyof typeof systems>> = {
  A0000006581010: 'mir',
  A0000006581099: 'mir',
  A0000006582010: 'mir',
  A0000000031010: 'visa', // Visa
  A0000000032010: 'visa', // Visa Electron
  A0000000032020: 'visa', // V PAY
  A0000000041010: 'mastercard', // Mastercard
  A0000000043060: 'mastercard', // Maestro
  A00000002501: 'amex',
  A0000000651010: 'jcb',
  A0000001523010: 'discover', // Discover, Diners Club
  A000000333010101: 'unionpay', // debit
  A000000333010102: 'unionpay', // credit
  A000000333010103: 'unionpay', // quasi credit
}

/** Floor limit 0: all goes online, and what the host cannot answer is decided by the default action codes. */
function applications(
  of: readonly (keyof typeof systems)[],
): (Pick<ApplicationConfig, 'match' | 'floorLimit'> & { aid: string; ddol: string })[] {
  return Object.entries(aids).flatMap(([aid, system]) =>
    of.includes(system) ? [{ aid, match: 'partial' as const, ...systems[system], floorLimit: 0n, ddol: '9F3704' }] : [],
  )
}

/**
 * What all have: attended by the merchant, online with offline capability (22); magnetic stripe and chip; plaintext and enciphered offline PIN, online
 * PIN, signature, no CVM; SDA, DDA, CDA (9F33). Goods, services, cashback; numeric and command keys; two displays; code tables 1 and 5 (9F40).
 */
const common = {
  terminalType: 0x22,
  capabilities: '60F8C8',
  additionalCapabilities: '7000A03011',
  merchantCategoryCode: '5999',
  usePse: true,
}

/** Of a region, chip only: what is taken by tap is `contactlessFor`. */
function mpos(region: Region, site: Site, changes: Changes): TerminalConfig {
  const { countryCode, languages, codeTables, systems, currency } = region
  const verifyFrom = verificationLimits[currency]
  return parseTerminalConfig({
    ...common,
    countryCode,
    currencyCode: currencyOf(currency).numeric,
    ...(verifyFrom !== undefined && { verifyFrom }),
    languages,
    codeTables,
    applications: applications(systems),
    ...site,
    ...changes,
  })
}

/**
 * A merchant's mPOS for a currency (`GBP`, 826): with the country, languages and payment systems of `regions`. Where that has no such currency, the country is
 * 999, nobody's, unless `changes` names one.
 * @throws Fault `bad-argument` for no currency, `bad-config`
 * @example
 * const site = { merchantId: '1', terminalId: '1', merchantName: 'Shop', acquirerId: '123456', ifdSerial: '1' }
 * const config = mposFor('GBP', site, { usePse: false })
 */
export function mposFor(currency: string | number, site: Site, changes: Changes = {}): TerminalConfig {
  door.need('site', site, door.object)
  return mpos(regionOf(currency) ?? elsewhere(currencyOf(currency)), site, changes)
}

/** A merchant's mPOS in Russia: RUB, all schemes, Mir first, Russian then English. @throws Fault `bad-config` */
export function russianMpos(site: Site, changes: Changes = {}): TerminalConfig {
  return mpos(regionOf('RUB')!, site, changes)
}

/** A merchant's mPOS in the euro area; `countryCode` is Germany's (276) unless changed. @throws Fault `bad-config` */
export function eurMpos(site: Site, changes: Changes = {}): TerminalConfig {
  return mpos(regionOf('EUR')!, site, changes)
}
