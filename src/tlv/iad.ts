/** Issuer Application Data (9F10) in words: whose layout it has, its cryptogram version and Card Verification Results, each row with how well it is known. */

import { hex } from '../bytes.ts'
import type { FlagTable } from './bits.ts'
import { type Certainty, type Sentence, weaker } from './certainty.ts'

/** A layout of Issuer Application Data. */
interface IadLayout {
  readonly name: string
  readonly certainty: Certainty
  readonly source: string
  /** The payment systems whose cards have it, as dictionaries name them; any where it is left out. */
  readonly schemes?: readonly string[]
  /** Whether `value` can have it. */
  fits(value: Uint8Array): boolean
  /** Its rows; those that are text have the layout's own certainty. */
  rows(value: Uint8Array): (string | Sentence)[]
}

const seen = (text: string): Sentence => ({ text, certainty: 'seen' })
const derived = (text: string): Sentence => ({ text, certainty: 'derived' })
const assumed = (text: string): Sentence => ({ text, certainty: 'assumed' })

/** Of the cryptograms in the results' first byte, b8–b7 and b6–b5. */
function cryptograms(byte: number): string[] {
  const second = ['AAC in second GENERATE AC', 'TC in second GENERATE AC', 'second GENERATE AC not requested', 'RFU in second GENERATE AC']
  const first = ['AAC', 'TC', 'ARQC', 'RFU']
  return [second[byte >> 6], `${first[(byte >> 4) & 3]} in first GENERATE AC`]
}

/** The bits of `bytes` that are set, by a table; a byte's bits outside `masks` are read elsewhere. @param one table of what one source alone has */
function bits(table: FlagTable, bytes: Uint8Array, masks: readonly number[], one: FlagTable = []): Sentence[] {
  return [...bytes].flatMap((byte, at) =>
    [8, 7, 6, 5, 4, 3, 2, 1].flatMap(bit => {
      if (!(byte & (masks[at] ?? 0xff) & (1 << (bit - 1)))) return []
      const [word, alone] = [table[at]?.[8 - bit], one[at]?.[8 - bit]]
      return [word ? seen(word) : alone ? assumed(alone) : seen(`CVR byte ${at + 1} bit ${bit} (reserved, or not public)`)]
    }),
  )
}

/** Of VIS 1.5, without the byte of length. Two public programs agree on all bits (binaryfoo/emv-bertlv, a card check script), and jPOS. */
const VISA: FlagTable = [
  ['', '', '', '', 'Issuer authentication performed and failed', 'Offline PIN verification performed', 'Offline PIN verification failed', 'Unable to go online'],
  [
    'Last online transaction not completed', 'PIN Try Limit exceeded', 'Velocity checking counters exceeded', 'New card',
    'Issuer authentication failed on last online transaction', 'Issuer authentication not performed after online authorisation',
    'Application blocked by card because PIN Try Limit exceeded', 'SDA failed on last transaction and it was declined offline',
  ],
  ['', '', '', '', 'Issuer script processing failed', 'DDA failed on last transaction and it was declined offline', 'DDA performed', ''],
] // biome-ignore format: a table

/** One public program alone has these. */
const VISA_ALONE: FlagTable = [
  ['', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', 'PIN verification command not received from a PIN-expecting terminal'],
  ['', '', '', '', '', '', 'Consumer device CVM performed', 'Secure messaging uses session keys of EMV'],
] // biome-ignore format: a table

function results(table: FlagTable, value: Uint8Array, alone?: FlagTable): (string | Sentence)[] {
  const scripts = value[2] >> 4
  return [
    ...cryptograms(value[0]),
    ...bits(table, value, [0x0f, 0xff, 0x0f, 0xff], alone),
    ...(scripts > 0 ? [`${scripts} issuer script commands processed`] : []),
  ]
}

/** By version number; what 22 is called is hex 22. What `cryptogram-version.ts` has of it. */
const visaVersions: Readonly<Record<number, Sentence>> = {
  10: seen("CVN 10: under the card's own key, padding of method 1"),
  14: seen('CVN 14: its rules are not public'),
  17: derived('CVN 17: contactless, over amount, unpredictable number, ATC and one byte of this'),
  18: seen('CVN 18: session keys of EMV, padding of method 2'),
  34: derived('CVN 22: session keys of EMV, ARPC of method 2'),
}

const cvn = (table: Readonly<Record<number, Sentence>>, version: number) =>
  table[version] ?? seen(`CVN ${hex(Uint8Array.of(version))} (hex): its rules are not public`)

const key = (index: number) => `Derivation key index ${hex(Uint8Array.of(index))}`

/** M/Chip 4 and Advance, six bytes. jPOS (`CVRMastercard`) and two programs agree on bytes 1 to 5; byte 6 from one. */
const MCHIP: FlagTable = [
  ['', '', '', '', '', 'Offline PIN verification performed', 'Offline enciphered PIN verification performed', 'Offline PIN verification successful'],
  [
    'DDA returned', 'CDA returned in first GENERATE AC', 'CDA returned in second GENERATE AC', 'Issuer authentication performed',
    'CIAC-Default skipped on CAT3', '', '', '',
  ],
  ['', '', '', '', '', '', '', ''],
  [
    '', 'Unable to go online', 'Offline PIN verification not performed', 'Offline PIN verification failed',
    'PIN Try Limit exceeded', 'International transaction', 'Domestic transaction', 'Terminal erroneously considers offline PIN OK',
  ],
  [
    'Lower consecutive offline limit exceeded', 'Upper consecutive offline limit exceeded', 'Lower cumulative offline limit exceeded',
    'Upper cumulative offline limit exceeded', 'Go online on next transaction was set', 'Issuer authentication failed', 'Script received', 'Script failed',
  ],
] // biome-ignore format: a table

/** One program alone has these. */
const MCHIP_ALONE: FlagTable = [
  ['', '', '', '', 'Date check failed', '', '', ''],
  ['', '', '', '', '', 'Offline change PIN result', '', ''],
  ['', '', '', '', '', '', '', ''],
  ['Last online transaction not completed', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', ''],
  [
    'Lower consecutive counter 2 limit exceeded', 'Upper consecutive counter 2 limit exceeded',
    'Lower cumulative accumulator 2 limit exceeded', 'Upper cumulative accumulator 2 limit exceeded',
    'Maximum transaction amount exceeded', 'Number of days offline limit exceeded',
    'Match found in additional check table', 'No match found in additional check table',
  ],
] // biome-ignore format: a table

/** What some call by its hex digits: CVN 14 of Mastercard is 20. */
const mchipVersions: Readonly<Record<number, Sentence>> = {
  16: seen('CVN 16 (hex 10): session keys of Mastercard, without counters'),
  17: seen('CVN 17 (hex 11): session keys of Mastercard, with counters'),
  20: seen('CVN 20 (hex 14): session keys of EMV, without counters'),
  21: seen('CVN 21 (hex 15): session keys of EMV, with counters'),
}

/** UnionPay's, as PBOC 2.0 and 3.0 (JR/T 0025) are quoted on public pages: Visa's, but one bit that those do not name. */
const PBOC: FlagTable = [...VISA.slice(0, 2), ['', '', '', '', 'Issuer script processing failed', 'DDA failed on last transaction and it was declined offline', '', '']] // biome-ignore format: a table

/** By likeness with Visa's. */
const PBOC_ALONE: FlagTable = [[], [], ['', '', '', '', '', '', 'DDA performed', '']]

const pbocVersions: Readonly<Record<number, Sentence>> = {
  1: seen('CVN 01: over the transaction and the results, session keys of the ATC and its complement'),
  23: derived('CVN 17 (hex): contactless, over amount, unpredictable number, ATC and one byte of the results'),
}

/** Length, then identifier 01 with an amount of 5 bytes and a MAC of 4; others as they stand. */
function pbocIssuerData(data: Uint8Array): string[] {
  if (data.length <= 1) return []
  if (data[1] !== 0x01 || data.length < 11) return [`Issuer discretionary data: ${hex(data.subarray(1))}`]
  return [
    `Issuer discretionary data 01: amount ${hex(data.subarray(2, 7))}, MAC ${hex(data.subarray(7, 11))}`,
    ...(data.length > 11 ? [`Other issuer discretionary data: ${hex(data.subarray(11))}`] : []),
  ]
}

/** EMV 4.4 Book 3, Annex C7.3. */
const CCD: FlagTable = [
  ['', '', '', '', 'CDA performed', 'DDA performed', 'Issuer authentication not performed', 'Issuer authentication performed and failed'],
  [
    '', '', '', '', 'Offline PIN verification performed', 'Offline PIN verification performed and PIN not verified', 'PIN Try Limit exceeded',
    'Last online transaction not completed',
  ],
  [
    'Lower offline transaction count limit exceeded', 'Upper offline transaction count limit exceeded',
    'Lower cumulative offline amount limit exceeded', 'Upper cumulative offline amount limit exceeded', 'Issuer discretionary bit 1',
    'Issuer discretionary bit 2', 'Issuer discretionary bit 3', 'Issuer discretionary bit 4',
  ],
  [
    '', '', '', '', 'Issuer script processing failed', 'Offline data authentication failed on previous transaction', 'Go online on next transaction was set',
    'Unable to go online',
  ],
] // biome-ignore format: a table

const cciVersions: Readonly<Record<number, string>> = { 5: 'TDES', 6: 'AES' }

/** In the order in which they are tried: the more a layout is bound to certain bytes, the earlier. */
const layouts: readonly IadLayout[] = [
  {
    name: 'Common Core Definitions, format A',
    certainty: 'seen',
    source: 'EMV 4.4 Book 3, Annex C7',
    fits: value => value.length === 32 && value[0] === 0x0f && value[16] === 0x0f && value[1] >> 4 === 0x0a,
    rows: value => [
      `Common core identifier ${hex(value.subarray(1, 2))}: format A, cryptogram version ${value[1] & 0x0f}${cciVersions[value[1] & 0x0f] ? ` (${cciVersions[value[1] & 0x0f]})` : ''}`,
      key(value[2]),
      ...cryptograms(value[3]),
      `PIN tries left: ${value[4] >> 4}`,
      ...bits(CCD, value.subarray(3, 8), [0x0f, 0x0f, 0xff, 0x0f, 0xff]),
      ...(value[6] >> 4 ? [`${value[6] >> 4} issuer script commands processed`] : []),
      `Counters: ${hex(value.subarray(8, 16))}`,
      `Issuer discretionary data: ${hex(value.subarray(17))}`,
    ],
  },
  {
    name: 'Visa, format 2',
    schemes: ['visa'],
    certainty: 'derived',
    source: 'two public programs that read it',
    fits: value => value.length === 32 && value[0] === 0x1f && value[1] === 0x22,
    rows: value => [
      cvn(visaVersions, value[1]),
      key(value[2]),
      ...results(VISA, value.subarray(4, 8), VISA_ALONE),
      `Issuer discretionary data: ${hex(value.subarray(8))}`,
    ],
  },
  {
    name: 'Visa, format 0, 1 or 3',
    schemes: ['visa'],
    certainty: 'seen',
    source: 'VIS 1.5 as binaryfoo/emv-bertlv, jPOS and pyemv read it',
    fits: value => isParted(value, 0x06) && [10, 14, 17, 18].includes(value[2]),
    rows: value => [
      key(value[1]),
      cvn(visaVersions, value[2]),
      ...results(VISA, value.subarray(4, 7), VISA_ALONE),
      ...(value.length > 7 ? [`Issuer discretionary data: ${hex(value.subarray(7))}`] : []),
    ],
  },
  {
    name: 'M/Chip',
    schemes: ['mastercard'],
    certainty: 'seen',
    source: 'M/Chip 4 and Advance as jPOS and pyemv read it',
    fits: value => [18, 20, 26, 28].includes(value.length) && mchipVersions[value[1]] !== undefined,
    rows: value => [
      key(value[0]),
      cvn(mchipVersions, value[1]),
      ...cryptograms(value[2]),
      ...bits(MCHIP, value.subarray(2, 8), [0x0f, 0xff, 0, 0xff, 0xff, 0xff], MCHIP_ALONE),
      `Script counter ${value[4] >> 4}, PIN tries left ${value[4] & 0x0f} (low nibbles)`,
      `DAC or ICC dynamic number: ${hex(value.subarray(8, 10))}`,
      `Counters, plaintext or enciphered: ${hex(value.subarray(10))}`,
    ],
  },
  {
    name: 'UnionPay (PBOC)',
    schemes: ['unionpay'],
    certainty: 'seen',
    source: 'PBOC 3.0 (JR/T 0025) as public pages quote it and three programs read it',
    fits: value => isParted(value, 0x07) && pbocVersions[value[2]] !== undefined,
    rows: value => [
      key(value[1]),
      cvn(pbocVersions, value[2]),
      ...results(PBOC, value.subarray(4, 7), PBOC_ALONE),
      `Algorithm indicator ${hex(value.subarray(7, 8))}`,
      ...pbocIssuerData(value.subarray(8)),
    ],
  },
  {
    name: 'American Express, CVN 01',
    schemes: ['amex'],
    certainty: 'assumed',
    source: 'one public program, whose author checked a cryptogram with it',
    fits: value => isParted(value, 0x06) && value[2] === 0x01,
    rows: value => [
      key(value[1]),
      "CVN 01: under the card's own key, padding of method 1",
      `Card Verification Results ${hex(value.subarray(3, 7))}: their bits are not public`,
      ...(value.length > 7 ? [`Issuer discretionary data: ${hex(value.subarray(7))}`] : []),
    ],
  },
]

/** A length, key index, version, and results of three bytes with their own length. */
function isParted(value: Uint8Array, length: number): boolean {
  return value.length > length && value[0] === length && value[3] === 0x03
}

/** What jPOS and Proxmark3 make of any other card's: the same parts, where the two lengths agree. That a scheme means it so is assumed. */
const other: IadLayout = {
  name: 'length, key index, version and results, as most cards part them',
  certainty: 'assumed',
  source: 'jPOS and Proxmark3, of any card',
  fits: ([length, , , results, ...rest]) => length >= 6 && results === length - 3 && rest.length >= results,
  rows: value => [
    key(value[1]),
    cvn({}, value[2]),
    `Card Verification Results ${hex(value.subarray(3, value[0] + 1))}: their bits are not public`,
    ...(value.length > value[0] + 1 ? [`Issuer discretionary data: ${hex(value.subarray(value[0] + 1))}`] : []),
  ],
}

/** By dictionary: whose layout was looked for, where none fits. */
const names: Readonly<Record<string, string>> = {
  visa: 'Visa', mastercard: 'Mastercard', amex: 'American Express', jcb: 'JCB', discover: 'Discover', unionpay: 'UnionPay', mir: 'Mir',
} // biome-ignore format: a table

/** Those of whom no source has the bits of the results, and, but for one version of American Express, no layout. */
const closed: readonly string[] = ['amex', 'jcb', 'discover', 'mir']

function nothingFits(scheme: string | undefined): Sentence {
  const name = scheme && names[scheme]
  if (!name) return seen("No public layout fits: an issuer's own, or that of a scheme that has published none (American Express, JCB, Discover, Mir)") // biome-ignore format: one line
  return seen(closed.includes(scheme) ? `${name}: the layout is not public` : `${name}: none of its public layouts fits; an issuer's own, or a version that is not public`) // biome-ignore format: one line
}

/**
 * What Issuer Application Data say: the layout, with its source, then its rows. None is surer than the layout.
 * @param scheme the dictionary of the card's kernel, where the AID or somebody told it; by the form alone when left out
 */
export function issuerDataSentences(value: Uint8Array, scheme?: string): Sentence[] {
  const named = scheme !== undefined && names[scheme] !== undefined
  const [layout, ...others] = layouts.filter(({ schemes, fits }) => (!named || !schemes || schemes.includes(scheme)) && fits(value))
  const taken = layout ?? (other.fits(value) ? other : undefined)
  if (!taken) return [nothingFits(scheme)]
  const doubt = others.length > 0 ? `; ${others.map(({ name }) => name).join(', ')} would fit too` : ''
  const by = named && taken.schemes ? 'told by the scheme and its form' : 'told by its form'
  return [
    ...(taken === other ? [nothingFits(scheme)] : []),
    { text: `Layout, ${by}: ${taken.name} (${taken.source})${doubt}`, certainty: taken.certainty },
    ...taken.rows(value).map(row => {
      const { text, certainty } = typeof row === 'string' ? { text: row, certainty: taken.certainty } : row
      return { text, certainty: weaker(taken.certainty, certainty) }
    }),
  ]
}
