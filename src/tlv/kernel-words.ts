/** What the data objects of contactless kernels say, by their names in the kernels' dictionaries (EMV Contactless Books C-2 to C-8, Annex A). */

import { fromBcd, hex, text, uint } from '../bytes.ts'
import { type FlagTable, tableWords } from './bits.ts'
import { as, schemeWords, type WordRow } from './scheme-words.ts'

type Words = (value: Uint8Array) => string[]

const TTQ: FlagTable = [
  [
    'Mag-stripe mode supported', '', 'EMV mode supported', 'EMV contact chip supported', 'Offline-only reader', 'Online PIN supported',
    'Signature supported', 'Offline data authentication for online authorisations supported',
  ],
  ['Online cryptogram required', 'CVM required', '(Contact chip) offline PIN supported', '', '', '', '', ''],
  ['Issuer update processing supported', 'Consumer device CVM supported', '', '', '', '', '', ''],
] // biome-ignore format: a table

const CTQ: FlagTable = [
  [
    'Online PIN required', 'Signature required', 'Go online if offline data authentication fails and reader is online capable',
    'Switch interface if offline data authentication fails and reader supports contact', 'Go online if application expired',
    'Switch interface for cash transactions', 'Switch interface for cashback transactions', '',
  ],
  ['Consumer device CVM performed', 'Card supports issuer update processing at the point of sale', '', '', '', '', '', ''],
] // biome-ignore format: a table

/** Amex 9F6E, bits of byte 4 below b6 are the kernel's version. */
const ENHANCED: FlagTable = [
  [
    'Contact mode supported', 'Mag-stripe mode supported', 'EMV full online mode supported', 'EMV partial online mode supported',
    'Mobile supported', 'Try another interface after a decline', '', '',
  ],
  ['Mobile CVM supported', 'Online PIN supported', 'Signature supported', 'Plaintext offline PIN supported', '', '', '', ''],
  ['Reader is offline only', 'CVM required', '', '', '', '', '', ''],
  ['Exempt from no-CVM checks', 'Delayed authorisation terminal', 'Transit terminal', '', '', '', '', ''],
] // biome-ignore format: a table

const CAPTURE: FlagTable = [['Manual key entry', 'Magnetic stripe', 'IC with contacts', '', '', '', '', '']]
const CVM: FlagTable = [
  [
    'Plaintext PIN for ICC verification', 'Enciphered PIN for online verification', 'Signature', 'Enciphered PIN for offline verification',
    'No CVM required', '', '', '',
  ],
] // biome-ignore format: a table
const SECURITY: FlagTable = [['SDA', 'DDA', 'Card capture', '', 'CDA', '', '', '']]
const KERNEL: FlagTable = [
  [
    'Mag-stripe mode not supported', 'EMV mode not supported', 'On device cardholder verification supported',
    'Relay resistance protocol supported', '', 'Read all records even when no CDA', '', '',
  ],
] // biome-ignore format: a table
const MOBILE: FlagTable = [['', '', '', '', '', '', 'On device cardholder verification required', 'Mobile supported']]
const INTERACTION: FlagTable = [
  ['', '', '', '', '', '', '', ''],
  [
    '', '', '', 'On device cardholder verification successful', 'Context is conflicting', 'Offline change PIN required', 'Acknowledgement required',
    'On device cardholder verification required',
  ],
  ['', '', '', '', '', '', '', 'Wallet requires second tap'],
] // biome-ignore format: a table
const IDS: FlagTable = [['Read', 'Write', '', '', '', '', '', '']]

const cvms: Readonly<Record<number, string>> = {
  0: 'no CVM', 1: 'obtain signature', 2: 'online PIN', 3: 'confirmation code verified', 15: 'N/A',
} // biome-ignore format: a table
const outcomes: Readonly<Record<number, string>> = {
  1: 'approved', 2: 'declined', 3: 'online request', 4: 'end application', 5: 'select next', 6: 'try another interface', 7: 'try again', 15: 'N/A',
} // biome-ignore format: a table
const starts: Readonly<Record<number, string>> = { 0: 'A', 1: 'B', 2: 'C', 3: 'D', 15: 'N/A' }
const PRESENCE: FlagTable = [
  [
    'UI request on outcome present', 'UI request on restart present', 'Data record present', 'Discretionary data present', 'Receipt: yes', '', '', '',
  ],
] // biome-ignore format: a table

/** Message identifiers of Book A, 9.4. */
const messages: Readonly<Record<number, string>> = {
  3: 'approved', 7: 'not authorised', 9: 'enter PIN', 15: 'processing error', 16: 'remove card', 20: 'welcome',
  21: 'present card', 22: 'processing', 23: 'card read OK, remove card', 24: 'insert or swipe card', 25: 'present one card only',
  26: 'approved, sign', 27: 'authorising', 28: 'insert, swipe or try another card', 29: 'insert card', 30: 'clear display',
  32: 'see phone', 33: 'present card again', 255: 'N/A',
} // biome-ignore format: a table
const statuses: Readonly<Record<number, string>> = {
  0: 'not ready', 1: 'idle', 2: 'ready to read', 3: 'processing', 4: 'card read successfully', 5: 'processing error',
  6: 'conditions for contactless not satisfied', 7: 'collision', 8: 'card not removed', 255: 'N/A',
} // biome-ignore format: a table
const level1: Readonly<Record<number, string>> = { 0: 'OK', 1: 'time out', 2: 'transmission error', 3: 'protocol error' }
const level2: Readonly<Record<number, string>> = {
  0: 'OK', 1: 'card data missing', 2: 'CAM failed', 3: 'status bytes', 4: 'parsing error', 5: 'max limit exceeded', 6: 'card data error',
  7: 'mag-stripe not supported', 8: 'no PPSE', 9: 'PPSE fault', 10: 'empty candidate list', 11: 'IDS read error', 12: 'IDS write error',
  13: 'IDS data error', 14: 'IDS no matching AC', 15: 'terminal data error',
} // biome-ignore format: a table
const level3: Readonly<Record<number, string>> = { 0: 'OK', 1: 'time out', 2: 'stop', 3: 'amount not present' }

/** A code in words; one that the table does not have as it stands. */
function coded(table: Readonly<Record<number, string>>, code: number): string {
  return table[code] ?? `${hex(Uint8Array.of(code))} (reserved)`
}

const tenths = (count: number) => `${(count / 10).toFixed(1)} s`

/** Codes are in the high nibble of their byte. */
const outcomeSet: Words = value => {
  if (value.length !== 8) return []
  const [status, start, online, cvm, , other] = [...value].map(byte => byte >> 4)
  return [
    `Status: ${coded(outcomes, status)}`,
    `Start: ${coded(starts, start)}`,
    `Online response data: ${online === 15 ? 'N/A' : coded({}, online)}`,
    `CVM: ${coded(cvms, cvm)}`,
    ...tableWords(PRESENCE, value.subarray(4, 5)),
    `Alternate interface: ${other === 15 ? 'N/A' : coded({}, other)}`,
    `Field off: ${value[6] === 0xff ? 'N/A' : tenths(value[6])}`,
    `Removal timeout: ${tenths(value[7])}`,
  ]
}

const uiRequest: Words = value => {
  if (value.length !== 22) return []
  const hold = fromBcd(value.subarray(2, 5))
  const language = text(value.subarray(5, 13)).replace(/\0+$/, '')
  const qualifier = { 0: 'none', 1: 'amount', 2: 'balance' }
  const kind = value[13] >> 4
  return [
    `Message: ${coded(messages, value[0])}`,
    `Status: ${coded(statuses, value[1])}`,
    ...(hold === undefined ? [] : [`Hold time: ${tenths(Number(hold))}`]),
    ...(/^[\x20-\x7e]+$/.test(language) ? [`Language preference: "${language}"`] : []),
    `Value: ${coded(qualifier, kind)}${kind === 0 ? '' : ` ${fromBcd(value.subarray(14, 20)) ?? '?'}, currency ${hex(value.subarray(20)).slice(1)}`}`,
  ]
}

/** @param second what the kernel's L2 says */
const errorIndication =
  (second: Readonly<Record<number, string>>): Words =>
  value =>
    value.length !== 6
      ? []
      : [
          `L1: ${coded(level1, value[0])}`,
          `L2: ${coded(second, value[1])}`,
          `L3: ${coded(level3, value[2])}`,
          `SW12: ${hex(value.subarray(3, 5))}`,
          `Message on error: ${coded(messages, value[5])}`,
        ]

const devices: Readonly<Record<number, string>> = {
  0: 'card', 1: 'mini-card', 2: 'non-card form factor', 3: 'consumer mobile phone', 4: 'wrist-worn device',
} // biome-ignore format: a table
const FEATURES: FlagTable = [
  [
    'Passcode capable', 'Signature panel', 'Hologram', 'CVV2', 'Two-way messaging', 'Cloud based payment credentials',
    'Biometric cardholder verification capable', '',
  ],
] // biome-ignore format: a table

/** Book C-3, Annex A.2, as emv-utils (openemv) has it. */
const formFactor: Words = value =>
  value.length !== 4
    ? []
    : [
        `Version ${value[0] >> 5}`,
        `Form factor: ${coded(devices, value[0] & 0x1f)}`,
        ...tableWords(FEATURES, value.subarray(1, 2)),
        `Technology: ${coded({ 0: 'proximity contactless (ISO/IEC 14443)' }, value[3] & 0x0f)}`,
      ]

/** Book C-2, Annex A: country, identifier, and a device type where the identifier's first bit is clear. The types' own list is not public; 00 is a card. */
const thirdParty: Words = value => {
  if (value.length < 5) return []
  const typed = value.length >= 6 && (value[2] & 0x80) === 0
  const type = typed ? text(value.subarray(4, 6)).replace(/[^\x20-\x7e]/g, '.') : undefined
  const rest = value.subarray(typed ? 6 : 4)
  return [
    `Country: ISO 3166 ${hex(value.subarray(0, 2)).slice(1)}`,
    `Unique identifier: ${hex(value.subarray(2, 4))}`,
    ...(type === undefined ? [] : [`Device type: "${type}"${type === '00' ? ' (card)' : ''}`]),
    ...(rest.length > 0 ? [`Proprietary data: ${rest.length} bytes`] : []),
  ]
}

/** Book C-4, 4.3.4. */
const enhanced: Words = value => {
  if (value.length !== 4) return []
  const version =
    { 0: '', 1: 'Kernel 2.2 to 2.3', 2: 'Kernel 2.4 to 2.6', 3: 'Kernel 2.7' }[value[3] & 0x07] ?? `Kernel version ${value[3] & 0x07}`
  const bits = tableWords(ENHANCED, Uint8Array.of(...value.subarray(0, 3), value[3] & 0xf8))
  return version ? [...bits, version] : bits
}

const acType: Words = ([byte]) => [
  ['AAC', 'TC', 'ARQC', 'RFU cryptogram type'][byte >> 6],
  ...(byte & 0x10 ? ['CDA signature requested'] : []),
]
const stripeCvm: Words = ([byte]) => [coded(cvms, byte >> 4)]
const hundredths: Words = value => [`${uint(value) / 10} ms`]
const seconds: Words = value => [`${uint(value)} s`]
const flagged =
  (table: FlagTable): Words =>
  value =>
    tableWords(table, value)

/** Words by name, which tells the kernel too: `9F66` is another thing in kernel 2 than in kernel 3. */
export const kernelWords: ReadonlyMap<string, WordRow> = new Map([
  ...schemeWords,
  // Books C-2 to C-4, Annex A.
  ...as('seen', [
    ['Terminal Transaction Qualifiers (TTQ)', flagged(TTQ)],
    ['Card Transaction Qualifiers (CTQ)', flagged(CTQ)],
    ['Third Party Data', thirdParty],
    ['Enhanced Contactless Reader Capabilities', enhanced],
    ['Mag-stripe Application Version Number (Card)', value => [`version ${uint(value)}`]],
    ['Mag-stripe Application Version Number (Reader)', value => [`version ${uint(value)}`]],
    ['Outcome Parameter Set', outcomeSet],
    ['User Interface Request Data', uiRequest],
    ['Error Indication', errorIndication(level2)],
    ['Reference Control Parameter', acType],
    ['DS AC Type', acType],
    ['Card Data Input Capability', flagged(CAPTURE)],
    ['CVM Capability - CVM Required', flagged(CVM)],
    ['CVM Capability - No CVM Required', flagged(CVM)],
    ['Security Capability', flagged(SECURITY)],
    ['Kernel Configuration', flagged(KERNEL)],
    ['Mobile Support Indicator', flagged(MOBILE)],
    ['POS Cardholder Interaction Information', flagged(INTERACTION)],
    ['IDS Status', flagged(IDS)],
    ['Mag-stripe CVM Capability - CVM Required', stripeCvm],
    ['Mag-stripe CVM Capability - No CVM Required', stripeCvm],
    ['Max Lifetime of Torn Transaction Log Record', seconds],
    ['Time Out Value', value => [`${uint(value)} ms`]],
    ['Message Hold Time', value => [tenths(Number(fromBcd(value) ?? 0))]],
    ['Hold Time Value', value => [tenths(value[0])]],
    ['Minimum Relay Resistance Grace Period', hundredths],
    ['Maximum Relay Resistance Grace Period', hundredths],
    ['Terminal Expected Transmission Time For Relay Resistance C-APDU', hundredths],
    ['Terminal Expected Transmission Time For Relay Resistance R-APDU', hundredths],
    ['Min Time For Processing Relay Resistance APDU', hundredths],
    ['Max Time For Processing Relay Resistance APDU', hundredths],
    ['Device Estimated Transmission Time For Relay Resistance R-APDU', hundredths],
    ['Measured Relay Resistance Processing Time', hundredths],
  ]),
  // Book C-3 as one program quotes it.
  ...as('derived', [['Form Factor Indicator (FFI)', formFactor]]),
  // Kernel 8: one public kernel has them.
  ...as('assumed', [
    ['Error Indication, Kernel 8', errorIndication({ ...level2, 16: 'decryption failed', 18: 'IAD-MAC failed', 19: 'EDA-MAC failed' })],
  ]),
])
