/** Issuer Application Data (9F10) in words: whose layout it has, its cryptogram version and Card Verification Results, each row with how well it is known. */

import { hex } from '../bytes.ts'
import type { FlagTable } from './bits.ts'

/**
 * How well a row is known: `seen` in the named source, a public book or programs that agree; `derived` from what cards and programs do; `assumed` where one
 * source alone or a likeness says so. What no public source says has no row.
 */
type Certainty = 'seen' | 'derived' | 'assumed'

/** A layout of Issuer Application Data. */
interface IadLayout {
  readonly name: string
  readonly certainty: Certainty
  readonly source: string
  /** Whether `value` can have it. */
  fits(value: Uint8Array): boolean
  /** Its rows; each ends in its own certainty where that differs from the layout's. */
  rows(value: Uint8Array): string[]
}

/** Of the cryptograms in the results' first byte, b8–b7 and b6–b5. */
function cryptograms(byte: number): string[] {
  const second = ['AAC in second GENERATE AC', 'TC in second GENERATE AC', 'second GENERATE AC not requested', 'RFU in second GENERATE AC']
  const first = ['AAC', 'TC', 'ARQC', 'RFU']
  return [second[byte >> 6], `${first[(byte >> 4) & 3]} in first GENERATE AC`]
}

/** The bits of `bytes` that are set, by a table; a byte's bits outside `masks` are read elsewhere. */
function bits(table: FlagTable, bytes: Uint8Array, masks: readonly number[]): string[] {
  return [...bytes].flatMap((byte, at) =>
    [8, 7, 6, 5, 4, 3, 2, 1].flatMap(bit =>
      byte & (masks[at] ?? 0xff) & (1 << (bit - 1))
        ? [table[at]?.[8 - bit] || `CVR byte ${at + 1} bit ${bit} (reserved, or not public)`]
        : [],
    ),
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
const VISA_ASSUMED: FlagTable = [
  ['', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', 'PIN verification command not received from a PIN-expecting terminal [assumed]'],
  ['', '', '', '', '', '', 'Consumer device CVM performed [assumed]', 'Secure messaging uses session keys of EMV [assumed]'],
] // biome-ignore format: a table

function visaResults(results: Uint8Array): string[] {
  const table = VISA.map((row, at) => row.map((word, bit) => word || (VISA_ASSUMED[at]?.[bit] ?? '')))
  const scripts = results[2] >> 4
  return [
    ...cryptograms(results[0]),
    ...bits([...table, ...VISA_ASSUMED.slice(3)], results, [0x0f, 0xff, 0x0f, 0xff]),
    ...(scripts > 0 ? [`${scripts} issuer script commands processed`] : []),
  ]
}

/** By version number; what 22 is called is hex 22. What `cryptogram-version.ts` has of it. */
const visaVersions: Readonly<Record<number, string>> = {
  10: 'CVN 10: under the card\'s own key, padding of method 1 [seen]',
  17: 'CVN 17: contactless, over amount, unpredictable number, ATC and one byte of this [derived]',
  18: 'CVN 18: session keys of EMV, padding of method 2 [seen]',
  34: 'CVN 22: session keys of EMV, ARPC of method 2 [derived]',
} // biome-ignore format: a table

const cvn = (table: Readonly<Record<number, string>>, version: number) =>
  table[version] ?? `CVN ${hex(Uint8Array.of(version))}: its rules are not public here`

const key = (index: number) => `Derivation key index ${hex(Uint8Array.of(index))}`

/** M/Chip 4 and Advance, six bytes. jPOS (`CVRMastercard`) and two programs agree on bytes 1 to 5; byte 6 from one. */
const MCHIP: FlagTable = [
  ['', '', '', '', 'Date check failed [assumed]', 'Offline PIN verification performed', 'Offline enciphered PIN verification performed', 'Offline PIN verification successful'],
  [
    'DDA returned', 'CDA returned in first GENERATE AC', 'CDA returned in second GENERATE AC', 'Issuer authentication performed',
    'CIAC-Default skipped on CAT3', 'Offline change PIN result [assumed]', '', '',
  ],
  ['', '', '', '', '', '', '', ''],
  [
    'Last online transaction not completed [assumed]', 'Unable to go online', 'Offline PIN verification not performed', 'Offline PIN verification failed',
    'PIN Try Limit exceeded', 'International transaction', 'Domestic transaction', 'Terminal erroneously considers offline PIN OK',
  ],
  [
    'Lower consecutive offline limit exceeded', 'Upper consecutive offline limit exceeded', 'Lower cumulative offline limit exceeded',
    'Upper cumulative offline limit exceeded', 'Go online on next transaction was set', 'Issuer authentication failed', 'Script received', 'Script failed',
  ],
  [
    'Lower consecutive counter 2 limit exceeded [assumed]', 'Upper consecutive counter 2 limit exceeded [assumed]',
    'Lower cumulative accumulator 2 limit exceeded [assumed]', 'Upper cumulative accumulator 2 limit exceeded [assumed]',
    'Maximum transaction amount exceeded [assumed]', 'Number of days offline limit exceeded [assumed]',
    'Match found in additional check table [assumed]', 'No match found in additional check table [assumed]',
  ],
] // biome-ignore format: a table

const mchipVersions: Readonly<Record<number, string>> = {
  16: 'CVN 16: session keys of Mastercard, without counters [seen]',
  17: 'CVN 17: session keys of Mastercard, with counters [seen]',
  20: 'CVN 20: session keys of EMV, without counters [seen]',
  21: 'CVN 21: session keys of EMV, with counters [seen]',
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
    certainty: 'derived',
    source: 'two public programs that read it',
    fits: value => value.length === 32 && value[0] === 0x1f && value[1] === 0x22,
    rows: value => [
      cvn(visaVersions, value[1]),
      key(value[2]),
      ...visaResults(value.subarray(4, 8)),
      `Issuer discretionary data: ${hex(value.subarray(8))}`,
    ],
  },
  {
    name: 'Visa, format 0, 1 or 3',
    certainty: 'seen',
    source: 'VIS 1.5 as binaryfoo/emv-bertlv and pyemv read it',
    fits: value => value.length >= 7 && value[0] === 0x06 && value[3] === 0x03 && [10, 17, 18].includes(value[2]),
    rows: value => [
      key(value[1]),
      cvn(visaVersions, value[2]),
      ...visaResults(value.subarray(4, 7)),
      ...(value.length > 7 ? [`Issuer discretionary data: ${hex(value.subarray(7))}`] : []),
    ],
  },
  {
    name: 'M/Chip',
    certainty: 'seen',
    source: 'M/Chip 4 and Advance as jPOS and pyemv read it',
    fits: value => [18, 20, 26, 28].includes(value.length) && mchipVersions[value[1]] !== undefined,
    rows: value => [
      key(value[0]),
      cvn(mchipVersions, value[1]),
      ...cryptograms(value[2]),
      ...bits(MCHIP, value.subarray(2, 8), [0x0f, 0xff, 0, 0xff, 0xff, 0xff]),
      `Script counter ${value[4] >> 4}, PIN tries left ${value[4] & 0x0f} (low nibbles)`,
      `DAC or ICC dynamic number: ${hex(value.subarray(8, 10))}`,
      `Counters, plaintext or enciphered: ${hex(value.subarray(10))}`,
    ],
  },
]

/** What Issuer Application Data say: the layout that their form tells, with its certainty and source, then its rows. */
export function issuerDataWords(value: Uint8Array): string[] {
  const [layout, ...others] = layouts.filter(one => one.fits(value))
  if (!layout) return ["No public layout fits: an issuer's own, or a scheme's that is not published"]
  const doubt = others.length > 0 ? `; ${others.map(({ name }) => name).join(', ')} would fit too` : ''
  return [`Layout, told by its form: ${layout.name} [${layout.certainty}: ${layout.source}]${doubt}`, ...layout.rows(value)]
}
