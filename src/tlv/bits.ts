/** What the bits of EMV's flag fields mean, as words (EMV 4.4 Book 3, Annex C and Book 4, Annex A). */

/** For each byte the meanings of b8 to b1; '' where a bit is reserved. */
export type FlagTable = readonly (readonly string[])[]

const TVR: FlagTable = [
  [
    'Offline data authentication was not performed', 'SDA failed', 'ICC data missing', 'Card appears on terminal exception file',
    'DDA failed', 'CDA failed', 'SDA selected', 'XDA selected',
  ],
  [
    'ICC and terminal have different application versions', 'Expired application', 'Application not yet effective',
    'Requested service not allowed for card product', 'New card', '', 'Biometric performed and successful',
    'Biometric template format not supported',
  ],
  [
    'Cardholder verification was not successful', 'Unrecognised CVM', 'PIN Try Limit exceeded',
    'PIN entry required and PIN pad not present or not working', 'PIN entry required, PIN pad present, but PIN was not entered',
    'Online PIN entered', 'Biometric required but Biometric capture device not working',
    'Biometric required, Biometric capture device present, but Biometric Subtype entry was bypassed',
  ],
  [
    'Transaction exceeds floor limit', 'Lower consecutive offline limit exceeded', 'Upper consecutive offline limit exceeded',
    'Transaction selected randomly for online processing', 'Merchant forced transaction online', 'Biometric Try Limit exceeded',
    'A selected Biometric Type not supported', 'XDA signature verification failed',
  ],
  [
    'Default TDOL used', 'Issuer authentication failed', 'Script processing failed before final GENERATE AC',
    'Script processing failed after final GENERATE AC', 'Relay resistance threshold exceeded', 'Relay resistance time limits exceeded', '', '',
  ],
] // biome-ignore format: a table

/** Flag fields by tag. The action codes have the layout of the TVR. */
export const flags: ReadonlyMap<number, FlagTable> = new Map<number, FlagTable>([
  [0x95, TVR],
  [0x9f0d, TVR],
  [0x9f0e, TVR],
  [0x9f0f, TVR],
  [0xdf8120, TVR],
  [0xdf8121, TVR],
  [0xdf8122, TVR],
  [
    0x9b,
    [
      [
        'Offline data authentication was performed', 'Cardholder verification was performed', 'Card risk management was performed',
        'Issuer authentication was performed', 'Terminal risk management was performed', 'Script processing was performed', '', '',
      ],
    ],
  ],
  [
    0x82,
    [
      [
        '', 'SDA supported', 'DDA supported', 'Cardholder verification is supported', 'Terminal risk management is to be performed',
        'Issuer authentication is supported', 'On device cardholder verification is supported', 'CDA supported',
      ],
      ['EMV mode is supported (contactless)', '', '', '', '', '', '', 'Relay resistance protocol is supported'],
    ],
  ],
  [
    0x9f07,
    [
      [
        'Valid for domestic cash transactions', 'Valid for international cash transactions', 'Valid for domestic goods',
        'Valid for international goods', 'Valid for domestic services', 'Valid for international services', 'Valid at ATMs',
        'Valid at terminals other than ATMs',
      ],
      ['Domestic cashback allowed', 'International cashback allowed', '', '', '', '', '', ''],
    ],
  ],
  [
    0x9f33,
    [
      ['Manual key entry', 'Magnetic stripe', 'IC with contacts', '', '', '', '', ''],
      [
        'Plaintext PIN for ICC verification', 'Enciphered PIN for online verification', 'Signature', 'Enciphered PIN for offline verification',
        'No CVM required', 'Online biometric', 'Offline biometric', 'Enciphered PIN for offline verification (ECC)',
      ],
      ['SDA', 'DDA', 'Card capture', '', 'CDA', 'XDA', '', ''],
    ],
  ],
  [
    0x9f40,
    [
      ['Cash', 'Goods', 'Services', 'Cashback', 'Inquiry', 'Transfer', 'Payment', 'Administrative'],
      ['Cash deposit', '', '', '', '', '', '', ''],
      ['Numeric keys', 'Alphabetic and special character keys', 'Command keys', 'Function keys', '', '', '', ''],
      ['Print, attendant', 'Print, cardholder', 'Display, attendant', 'Display, cardholder', '', '', 'Code table 10', 'Code table 9'],
      [8, 7, 6, 5, 4, 3, 2, 1].map(part => `Code table ${part}`),
    ],
  ],
]) // biome-ignore format: tables

/** The meanings of the bits that are set, reserved ones by their place. Undefined where `tag` is no flag field. */
export function flagWords(tag: number, value: Uint8Array): string[] | undefined {
  const table = flags.get(tag)
  return table && tableWords(table, value)
}

/** The meanings of the bits that are set in `value`, by a table of them. */
export function tableWords(table: FlagTable, value: Uint8Array): string[] {
  const words: string[] = []
  value.forEach((byte, at) => {
    for (let bit = 8; bit >= 1; bit--)
      if (byte & (1 << (bit - 1))) words.push(table[at]?.[8 - bit] || `byte ${at + 1} bit ${bit} (reserved)`)
  })
  return words
}

/** EMV 4.4 Book 3, 10.8.1 (table 15 of the CID): what the card decided, and why. */
export function cidWords(cid: number): string[] {
  const words = [['AAC: declined', 'TC: approved offline', 'ARQC: online authorisation requested', 'RFU cryptogram type'][cid >> 6]]
  if (cid & 0x08) words.push('Advice required')
  const reason =
    ['', 'Service not allowed', 'PIN Try Limit exceeded', 'Issuer authentication failed'][cid & 0x07] ?? `reason ${cid & 0x07} (reserved)`
  return reason ? [...words, reason] : words
}

const METHODS: Readonly<Record<number, string>> = {
  0: 'Fail CVM processing',
  1: 'Plaintext PIN verification by ICC',
  2: 'Enciphered PIN verified online',
  3: 'Plaintext PIN verification by ICC and signature',
  4: 'Enciphered PIN verification by ICC',
  5: 'Enciphered PIN verification by ICC and signature',
  6: 'Facial biometric verified offline by ICC',
  7: 'Facial biometric verified online',
  8: 'Finger biometric verified offline by ICC',
  9: 'Finger biometric verified online',
  10: 'Palm biometric verified offline by ICC',
  11: 'Palm biometric verified online',
  12: 'Iris biometric verified offline by ICC',
  13: 'Iris biometric verified online',
  14: 'Voice biometric verified offline by ICC',
  15: 'Voice biometric verified online',
  30: 'Signature',
  31: 'No CVM required',
  63: 'No CVM performed',
}

const CONDITIONS: readonly string[] = [
  'always', 'if unattended cash', 'if neither unattended cash, nor manual cash, nor purchase with cashback', 'if terminal supports the CVM',
  'if manual cash', 'if purchase with cashback', 'if transaction is in the application currency and under X',
  'if transaction is in the application currency and over X', 'if transaction is in the application currency and under Y',
  'if transaction is in the application currency and over Y',
] // biome-ignore format: a table

/** A rule of a CVM list: method and condition (EMV 4.4 Book 3, Annex C3). */
export function cvmWords(method: number, condition: number): string {
  const name =
    method === 0x3f
      ? METHODS[0x3f]
      : (METHODS[method & 0x3f] ?? `CVM ${(method & 0x3f).toString(16).toUpperCase().padStart(2, '0')} (reserved or proprietary)`)
  const when = CONDITIONS[condition] ?? `condition ${condition.toString(16).toUpperCase().padStart(2, '0')} (reserved or proprietary)`
  return `${name}, ${when}`
}

/** EMV 4.4 Book 4, Annex A1. */
export function terminalTypeWords(type: number): string {
  const operator = ['', 'financial institution', 'merchant', 'cardholder'][type >> 4]
  const kind = ['', 'attended, online only', 'attended, offline with online capability', 'attended, offline only', 'unattended, online only',
    'unattended, offline with online capability', 'unattended, offline only'][type & 0x0f] // biome-ignore format: a table
  return operator && kind ? `${kind}, controlled by ${operator}` : 'reserved'
}

/** ISO 8583 processing codes as EMV's 9C has them. */
export const transactionTypes: Readonly<Record<number, string>> = {
  0: 'purchase',
  1: 'cash',
  9: 'purchase with cashback',
  32: 'refund',
  48: 'balance inquiry',
}
