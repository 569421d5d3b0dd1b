/** What data objects of kernels 2 and 4 to 8 say beside those of `kernel-words.ts`: each table with how well its bits are known. */

import { fromBcd, hex, text } from '../bytes.ts'
import { type FlagTable, tableWords } from './bits.ts'
import type { Certainty } from './certainty.ts'

type Words = (value: Uint8Array) => string[]

/** What an object says, and how well that is known. */
export interface WordRow {
  readonly certainty: Certainty
  words(value: Uint8Array): string[]
}

/** Rows of one certainty: each has one, so that none is shown as a fact by oversight. */
export const as = (certainty: Certainty, rows: readonly (readonly [string, Words])[]): [string, WordRow][] =>
  rows.map(([name, words]) => [name, { certainty, words }])

const flagged =
  (table: FlagTable): Words =>
  value =>
    tableWords(table, value)
const coded =
  (table: Readonly<Record<number, string>>): Words =>
  ([byte]) => [table[byte] ?? `${hex(Uint8Array.of(byte))} (reserved)`]

/** Seen: a terminal vendor's pages, a kernel's code and a table of tags. */
const CPR: FlagTable = [
  ['Online PIN required', 'Signature required', 'Loyalty transaction approved', 'Consumer device CVM performed', '', '', '', ''],
  [
    'Switch interface if unable to process online', 'Process online if CDA failed', 'Decline or switch interface if CDA failed', 'Issuer update supported',
    'Process online if application expired', 'Decline if application expired', 'CVM fallback to signature', 'CVM fallback to no CVM',
  ],
] // biome-ignore format: a table

/** Seen: a page of the TTQ and a kernel's code. */
const UNIONPAY_TTQ: FlagTable = [
  [
    '', 'Contactless debit and credit supported', 'qPBOC/qUICS supported', 'Contact debit and credit supported', 'Offline-only reader', 'Online PIN supported',
    'Signature supported', 'Offline data authentication for online authorisations supported',
  ],
  ['Online cryptogram required', 'CVM required', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', ''],
  ['fDDA version 01 supported', '', '', '', '', '', '', ''],
] // biome-ignore format: a table
const UNIONPAY_CTQ: FlagTable = [
  [
    'Online PIN required', 'Signature required', 'Go online if offline data authentication fails', 'End or switch interface if offline data authentication fails',
    'Go online if application expired', '', '', '',
  ],
  ['Consumer device CVM performed', '', '', '', '', '', '', ''],
] // biome-ignore format: a table

/** Kernel 4, seen in a table of tags and a kernel's code. */
const AMEX_CARD: FlagTable = [
  ['Keyed entry', 'Magnetic stripe', 'Contact EMV', 'Contactless EMV', 'Mobile', 'Mag-stripe mode not supported', '', ''],
  ['Delayed authorisation information present', 'Domestic delayed authorisation valid', 'International delayed authorisation valid', '', '', '', '', ''],
] // biome-ignore format: a table
const amexCard: Words = value => [
  ...tableWords(AMEX_CARD, Uint8Array.of(value[0], value[1] & 0xf0)),
  `Dynamic limit set ${value[1] & 0x0f}`,
]
const amexReader: Words = ([byte]) => [
  ['version 1.0 (deprecated)', 'mag-stripe only', 'EMV and mag-stripe, version 2.1 (deprecated)', 'EMV and mag-stripe'][byte >> 6],
  ...(byte & 0x08 ? ['CVM required'] : []),
]
const mobileCvm: Words = value =>
  value.length !== 3
    ? []
    : [
        { 1: 'Mobile CVM performed', 63: 'No mobile CVM performed' }[value[0]] ?? `CVM ${hex(value.subarray(0, 1))} (reserved)`,
        { 0: 'Mobile CVM not required', 3: 'Terminal required a CVM' }[value[1]] ?? `condition ${hex(value.subarray(1, 2))} (reserved)`,
        ['Result unknown', 'Mobile CVM failed', 'Mobile CVM successful', 'Mobile CVM blocked'][value[2]] ??
          `result ${hex(value.subarray(2))} (reserved)`,
      ]

/** Kernel 5, seen in a table of tags and a kernel's code. */
const TIP: FlagTable = [
  ['CVM required by reader', 'Signature supported', 'Online PIN supported', 'On-device CVM supported', '', 'Transit reader', 'EMV contact chip supported', '(Contact chip) offline PIN supported'],
  ['Issuer update supported', '', '', '', '', '', '', ''],
  ['', '', '', '', '', '', '', ''],
] // biome-ignore format: a table
const COMPATIBILITY: FlagTable = [['', '', '', '', '', '', 'EMV mode supported', 'Mag-stripe mode supported']]
const jcbCvm: Words = ([byte]) => [['no CVM', 'signature', 'online PIN', 'on-device CVM'][byte >> 4] ?? 'no preference']

/** Kernel 2, Book C-2, Annex A, as two public kernels have it. */
const capabilities: Words = value => {
  if (value.length !== 3) return []
  const storage = value[0] & 0x0f
  const schemes = ['not supported', '32', '48', '64', '96', '128']
  return [
    `Data storage ${storage === 0 ? 'not supported' : `version ${storage}`}`,
    ...(value[1] & 0x02 ? ['Balance reading supported'] : []),
    value[1] & 0x01 ? 'CDA supported over TC, ARQC and AAC' : 'CDA supported as in EMV',
    value[2] === 0
      ? 'Standalone data storage not supported'
      : schemes[value[2]]
        ? `Standalone data storage: 10 tags of ${schemes[value[2]]} bytes`
        : `Standalone data storage: scheme ${hex(value.subarray(2))} (reserved)`,
  ]
}
const ODS_READER: FlagTable = [
  ['Usable for TC', 'Usable for ARQC', 'Usable for AAC', '', '', 'Stop if no DS ODS Term', 'Stop if write failed', ''],
]
const phoneMessages: Words = value =>
  value.length % 8 !== 0
    ? []
    : Array.from({ length: value.length / 8 }, (_, at) => {
        const one = value.subarray(at * 8, at * 8 + 8)
        return `where interaction & ${hex(one.subarray(0, 3))} is ${hex(one.subarray(3, 6))}: message ${hex(one.subarray(6, 7))}, status ${hex(one.subarray(7))}`
      })

/** Kernel 8, seen in a public kernel. */
const TVR8: FlagTable = [
  ['Local authentication was not performed', '', '', '', '', 'Local authentication failed', '', ''],
  ['Application versions differ', 'Expired application', 'Application not yet effective', 'Requested service not allowed for card product', '', '', '', ''],
  ['Cardholder verification was not successful', '', '', '', '', 'Online CVM captured', '', ''],
  ['Transaction exceeds floor limit', '', '', '', '', '', '', ''],
  ['Format of kernel 8', 'Terminal AID does not match', '', '', 'Relay resistance threshold exceeded', 'Relay resistance time limits exceeded', 'Relay resistance performed', 'Relay resistance not performed'],
] // biome-ignore format: a table
const decision = coded({ 0: 'no CVM', 1: 'signature', 2: 'online PIN', 3: 'CD-CVM', 15: 'N/A', 255: 'cardholder verification failed' })
const uiRequest: Words = value => {
  if (value.length !== 13) return []
  const hold = fromBcd(value.subarray(2, 5))
  const language = text(value.subarray(5)).replace(/\0+$/, '')
  return [
    `Message: ${hex(value.subarray(0, 1))}`,
    `Status: ${hex(value.subarray(1, 2))}`,
    ...(hold === undefined ? [] : [`Hold time: ${(Number(hold) / 10).toFixed(1)} s`]),
    ...(/^[\x20-\x7e]+$/.test(language) ? [`Language preference: "${language}"`] : []),
  ]
}

/** Words by name in a kernel's dictionary. */
export const schemeWords: ReadonlyMap<string, WordRow> = new Map([
  ...as('seen', [
    ['Card Processing Requirements (CPR)', flagged(CPR)],
    ['Terminal Transaction Qualifiers (TTQ), UnionPay', flagged(UNIONPAY_TTQ)],
    ['Card Transaction Qualifiers (CTQ), UnionPay', flagged(UNIONPAY_CTQ)],
    ['Contactless Reader Capabilities', amexReader],
    ['Card Interface Capabilities', amexCard],
    ['Mobile CVM Results', mobileCvm],
    ['Terminal Interchange Profile (static/dynamic)', flagged(TIP)],
    ['Terminal Compatibility Indicator', flagged(COMPATIBILITY)],
    ['Cardholder Verification Status', jcbCvm],
    ['Issuer Update Parameter', coded({ 0: 'not supported', 1: 'present and hold', 2: 'two presentments' })],
    ['Application Capabilities Information (ACI)', capabilities],
    ['DS ODS Info For Reader', flagged(ODS_READER)],
    ['Phone Message Table', phoneMessages],
  ]),
  // Kernel 8: one public kernel has them.
  ...as('assumed', [
    ['Terminal Verification Results (TVR), Kernel 8', flagged(TVR8)],
    ['Card TVR', flagged(TVR8)],
    ['Reserved TVR Mask', flagged(TVR8)],
    ['Cardholder Verification Decision', decision],
    ['User Interface Request Data 1', uiRequest],
    ['User Interface Request Data 2', uiRequest],
  ]),
])
