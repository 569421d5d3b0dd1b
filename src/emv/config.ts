/** Terminal configuration as data: what the terminal is, which applications it takes, whose keys it trusts. `config-schema` checks it. */

import * as door from '../door.ts'
import type { Bit } from './data.ts'

/** Application Selection Indicator (EMV 4.4 Book 1, 12.3.1). */
export type AidMatch = 'exact' | 'partial'

/** Random transaction selection (EMV 4.4 Book 3, 10.6.2). */
export interface RandomSelection {
  /** Minor units, below the floor limit: from here on an amount is selected the more often, the higher it is. */
  readonly threshold: bigint
  /** How many of the amounts below the threshold are selected, in per cent, 0–99. */
  readonly targetPercentage: number
  /** How many just below the floor limit, in per cent, 0–99; not less than the target. */
  readonly maximumPercentage: number
}

/** What the terminal does with one application, or with all whose AID begins so. */
export interface ApplicationConfig {
  /** Application Identifier of the terminal (9F06), 5–16 bytes. */
  readonly aid: Uint8Array
  /** Whether a card's AID may be longer. */
  readonly match: AidMatch
  /** Application version numbers the terminal supports (9F09), best first. */
  readonly versions: readonly Uint8Array[]
  /** Terminal Action Code – Denial, 5 bytes: TVR bits that decline (Book 3, 10.7). */
  readonly tacDenial: Uint8Array
  /** Terminal Action Code – Online, 5 bytes: TVR bits that ask the host. */
  readonly tacOnline: Uint8Array
  /** Terminal Action Code – Default, 5 bytes: TVR bits that decline when the host cannot be asked. */
  readonly tacDefault: Uint8Array
  /** 9F1B, minor units of the configuration's currency; undefined where there is none. */
  readonly floorLimit?: bigint
  /** Transactions below the floor limit that go online all the same; none when left out. */
  readonly randomSelection?: RandomSelection
  /** Velocity checking is done (Book 3, 10.6.3). */
  readonly velocityChecking: boolean
  /** Default DDOL, where the card has none (Book 2, 6.5.1). */
  readonly ddol?: Uint8Array
  /** Default TDOL, where the card has none (Book 3, 9.2.2). */
  readonly tdol?: Uint8Array
  /** More data objects of the terminal's that a payment system wants in its DOLs, by tag: Transaction Category Code (9F53), 9F1D, … */
  readonly data?: ReadonlyMap<number, Uint8Array>
}

/** A certification authority's public key (EMV 4.4 Book 2, 11.2). `parseCaKey` makes one of hex strings. */
export interface CaPublicKey {
  /** Registered Application Provider Identifier, 5 bytes. */
  readonly rid: Uint8Array
  /** Certification Authority Public Key Index, 0–255, which the card names (8F). */
  readonly index: number
  /** Big-endian, as long as the key. */
  readonly modulus: Uint8Array
  /** 03, or 01 00 01. */
  readonly exponent: Uint8Array
  /** SHA-1 over RID, index, modulus and exponent (EMV 4.4 Book 2, 11.2). */
  readonly checksum: Uint8Array
  /** Last day of use, YYMMDD; undefined where none is set. */
  readonly expires?: string
}

/** EMV 4.4 Book 2, 5.1.2: an issuer certificate that is no longer trusted. */
export interface RevokedCertificate {
  /** Of the certification authority, 5 bytes. */
  readonly rid: Uint8Array
  /** Of the authority's key that it was signed with. */
  readonly index: number
  /** Certificate serial number, 3 bytes. */
  readonly serial: Uint8Array
}

/** All that a terminal is and knows before a card comes. `mposFor` makes one, `parseTerminalConfig` checks one. */
export interface TerminalConfig {
  /** 9F35: 11–16, 21–26, 34–36, as the two hexadecimal digits read. */
  readonly terminalType: number
  /** 9F33, 3 bytes. */
  readonly capabilities: Uint8Array
  /** 9F40, 5 bytes. */
  readonly additionalCapabilities: Uint8Array
  /**
   * From this amount on, in minor units, a payment without any verification is not among the capabilities: "no CVM" is taken out of 9F33, which may depend on the
   * amount (EMV 4.4 Book 4, 6.3.4: the terminal's support of a CVM). Refunds have no such limit. Left out: 9F33 is the same for all amounts.
   */
  readonly verifyFrom?: bigint | undefined
  /** An offline-only terminal looks at the online action codes first, and at the default ones only where they match; left out or false: it skips them (EMV 4.4 Book 3, 10.7 leaves it the choice). */
  readonly onlineCodesOffline?: boolean | undefined
  /** 9F1A, ISO 3166-1 numeric. */
  readonly countryCode: number
  /** ISO 4217 numeric of the currency that limits are in. */
  readonly currencyCode: number
  /** 9F15. */
  readonly merchantCategoryCode: string
  /** 9F16, ans 15; shorter ones are filled with blanks for the card. */
  readonly merchantId: string
  /** 9F1C, an 8. */
  readonly terminalId: string
  /** 9F4E. */
  readonly merchantName: string
  /** 9F01, n 6–11. */
  readonly acquirerId: string
  /** 9F1E, an 8. */
  readonly ifdSerial: string
  /** The PSE is tried before the list of AIDs (Book 1, 12.3.2). */
  readonly usePse: boolean
  /** The cardholder can choose and confirm applications (Book 1, 12.4); true when left out. Without it the terminal takes the best that allows it. */
  readonly cardholderSelection?: boolean
  /** ISO 639-1, best first (Book 4, 11.1). */
  readonly languages: readonly string[]
  /** ISO 8859 parts that the display has (9F11; Book 4, 11.1). */
  readonly codeTables: readonly number[]
  /** What is taken by chip; of two rows that match a card's AID the longer one counts. */
  readonly applications: readonly ApplicationConfig[]
  /** Whose certificates are trusted. */
  readonly caKeys: readonly CaPublicKey[]
  /** Issuer certificates that are not trusted any more. */
  readonly revoked: readonly RevokedCertificate[]
}

/** Terminal type (9F35) in parts, EMV 4.4 Book 4, Annex A1. */
export interface TerminalKind {
  /** Who controls it. */
  readonly operatedBy: 'bank' | 'merchant' | 'cardholder'
  /** Somebody of the merchant's is there. */
  readonly attended: boolean
  /** Whether it asks the host. */
  readonly online: 'onlineOnly' | 'offlineWithOnline' | 'offlineOnly'
}

/** A terminal type in words: `terminalKind(0x22)` is a merchant's, attended, offline with online. @throws Fault `bad-argument` */
export function terminalKind(terminalType: number): TerminalKind {
  door.need('terminalType', terminalType, door.whole(0, 255))
  const low = terminalType & 0x0f
  return {
    operatedBy: (['bank', 'merchant', 'cardholder'] as const)[(terminalType >> 4) - 1],
    attended: low <= 3,
    online: (['onlineOnly', 'offlineWithOnline', 'offlineOnly'] as const)[(low - 1) % 3],
  }
}

/** Terminal Capabilities (9F33), EMV 4.4 Book 4, Annex A2; b8 is the highest bit. */
export const CAPABILITY = {
  icc: { byte: 1, bit: 6 },
  plaintextPin: { byte: 2, bit: 8 },
  onlinePin: { byte: 2, bit: 7 },
  signature: { byte: 2, bit: 6 },
  encipheredPin: { byte: 2, bit: 5 },
  noCvm: { byte: 2, bit: 4 },
  sda: { byte: 3, bit: 8 },
  dda: { byte: 3, bit: 7 },
  cardCapture: { byte: 3, bit: 6 },
  cda: { byte: 3, bit: 4 },
} as const satisfies Record<string, Bit>

/** Additional Terminal Capabilities (9F40), EMV 4.4 Book 4, Annex A3. */
export const ADDITIONAL = {
  cash: { byte: 1, bit: 8 },
  goods: { byte: 1, bit: 7 },
  services: { byte: 1, bit: 6 },
  cashback: { byte: 1, bit: 5 },
  numericKeys: { byte: 3, bit: 8 },
} as const satisfies Record<string, Bit>
