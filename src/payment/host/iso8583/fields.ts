/** The 128 fields of ISO 8583:1987 as data: name, kind and size of each, so that a field nobody uses can still be passed over. */

/**
 * | Kind | Takes |
 * |---|---|
 * | `n` | digits |
 * | `a` | any printable characters |
 * | `x` | C or D (credit, debit), then digits |
 * | `z` | track data: digits, and = or D |
 * | `b` | bytes |
 * | `u` | UTF-8, counted in bytes |
 */
export type FieldKind = 'n' | 'a' | 'x' | 'z' | 'b' | 'u'

/** How a value lies on the line; `bcd`: two digits a byte, `raw`: as it is, `hex`: two characters a byte. */
export type FieldForm = 'ascii' | 'ebcdic' | 'bcd' | 'raw' | 'hex'

/** How a length lies on the line: its digits as characters, packed two a byte, or as an unsigned number. */
export type LengthForm = 'ascii' | 'ebcdic' | 'bcd' | 'binary'

/** What one field takes. */
export interface FieldRule {
  /** The standard's. */
  readonly name: string
  /** What characters. */
  readonly kind: FieldKind
  /** Characters, of `b` and `u` bytes: all of them, or with `var` at most as many. */
  readonly size: number
  /** Digits of the length before the value: LLVAR 2, LLLVAR 3. */
  readonly var?: 1 | 2 | 3 | 4 | 5 | 6
  /** Where it lies otherwise than its dialect has it for the kind. */
  readonly form?: FieldForm
  /** Where its length lies otherwise than its dialect has it. */
  readonly lengthForm?: LengthForm
  /** Of packed digits and of hex: what the length counts. `digits` when left out, as the standard has it. */
  readonly counts?: 'digits' | 'bytes'
}

const fixed = (name: string, kind: FieldKind, size: number): FieldRule => ({ name, kind, size })
const ll = (name: string, kind: FieldKind, size: number): FieldRule => ({ name, kind, size, var: 2 })
const lll = (name: string, kind: FieldKind, size = 999): FieldRule => ({ name, kind, size, var: 3 })
const from = (first: number, last: number, rule: FieldRule): Record<number, FieldRule> =>
  Object.fromEntries(Array.from({ length: last - first + 1 }, (_, at) => [first + at, rule]))

/** By number (ISO 8583:1987, 4.4); 55 as networks have it since there is EMV. Field 1 is the second bitmap, and no field of its own. */
export const fieldTable: Readonly<Record<number, FieldRule>> = {
  2: ll('Primary account number', 'n', 19),
  3: fixed('Processing code', 'n', 6),
  4: fixed('Amount, transaction', 'n', 12),
  5: fixed('Amount, settlement', 'n', 12),
  6: fixed('Amount, cardholder billing', 'n', 12),
  7: fixed('Transmission date and time', 'n', 10),
  8: fixed('Amount, cardholder billing fee', 'n', 8),
  9: fixed('Conversion rate, settlement', 'n', 8),
  10: fixed('Conversion rate, cardholder billing', 'n', 8),
  11: fixed('System trace audit number', 'n', 6),
  12: fixed('Time, local transaction', 'n', 6),
  13: fixed('Date, local transaction', 'n', 4),
  14: fixed('Date, expiration', 'n', 4),
  15: fixed('Date, settlement', 'n', 4),
  16: fixed('Date, conversion', 'n', 4),
  17: fixed('Date, capture', 'n', 4),
  18: fixed('Merchant type', 'n', 4),
  19: fixed('Acquiring institution country code', 'n', 3),
  20: fixed('PAN extended, country code', 'n', 3),
  21: fixed('Forwarding institution country code', 'n', 3),
  22: fixed('Point of service entry mode', 'n', 3),
  23: fixed('Card sequence number', 'n', 3),
  24: fixed('Network international identifier', 'n', 3),
  25: fixed('Point of service condition code', 'n', 2),
  26: fixed('Point of service PIN capture code', 'n', 2),
  27: fixed('Authorization identification response length', 'n', 1),
  28: fixed('Amount, transaction fee', 'x', 9),
  29: fixed('Amount, settlement fee', 'x', 9),
  30: fixed('Amount, transaction processing fee', 'x', 9),
  31: fixed('Amount, settlement processing fee', 'x', 9),
  32: ll('Acquiring institution identification code', 'n', 11),
  33: ll('Forwarding institution identification code', 'n', 11),
  34: ll('Primary account number, extended', 'a', 28),
  35: ll('Track 2 data', 'z', 37),
  36: lll('Track 3 data', 'z', 104),
  37: fixed('Retrieval reference number', 'a', 12),
  38: fixed('Authorization identification response', 'a', 6),
  39: fixed('Response code', 'a', 2),
  40: fixed('Service restriction code', 'a', 3),
  41: fixed('Card acceptor terminal identification', 'a', 8),
  42: fixed('Card acceptor identification code', 'a', 15),
  43: fixed('Card acceptor name and location', 'a', 40),
  44: ll('Additional response data', 'a', 25),
  45: ll('Track 1 data', 'a', 76),
  46: lll('Additional data, ISO', 'a'),
  47: lll('Additional data, national', 'a'),
  48: lll('Additional data, private', 'u'),
  49: fixed('Currency code, transaction', 'a', 3),
  50: fixed('Currency code, settlement', 'a', 3),
  51: fixed('Currency code, cardholder billing', 'a', 3),
  52: fixed('Personal identification number data', 'b', 8),
  53: fixed('Security related control information', 'n', 16),
  54: lll('Additional amounts', 'a', 120),
  55: lll('Integrated circuit card data', 'b'),
  56: lll('Reserved for ISO use', 'a'),
  ...from(57, 59, lll('Reserved for national use', 'a')),
  ...from(60, 63, lll('Reserved for private use', 'u')),
  64: fixed('Message authentication code', 'b', 8),
  65: fixed('Bitmap, extended', 'b', 8),
  66: fixed('Settlement code', 'n', 1),
  67: fixed('Extended payment code', 'n', 2),
  68: fixed('Receiving institution country code', 'n', 3),
  69: fixed('Settlement institution country code', 'n', 3),
  70: fixed('Network management information code', 'n', 3),
  71: fixed('Message number', 'n', 4),
  72: fixed('Message number, last', 'n', 4),
  73: fixed('Date, action', 'n', 6),
  74: fixed('Credits, number', 'n', 10),
  75: fixed('Credits, reversal number', 'n', 10),
  76: fixed('Debits, number', 'n', 10),
  77: fixed('Debits, reversal number', 'n', 10),
  78: fixed('Transfer number', 'n', 10),
  79: fixed('Transfer, reversal number', 'n', 10),
  80: fixed('Inquiries number', 'n', 10),
  81: fixed('Authorizations, number', 'n', 10),
  82: fixed('Credits, processing fee amount', 'n', 12),
  83: fixed('Credits, transaction fee amount', 'n', 12),
  84: fixed('Debits, processing fee amount', 'n', 12),
  85: fixed('Debits, transaction fee amount', 'n', 12),
  86: fixed('Credits, amount', 'n', 16),
  87: fixed('Credits, reversal amount', 'n', 16),
  88: fixed('Debits, amount', 'n', 16),
  89: fixed('Debits, reversal amount', 'n', 16),
  90: fixed('Original data elements', 'n', 42),
  91: fixed('File update code', 'a', 1),
  92: fixed('File security code', 'a', 2),
  93: fixed('Response indicator', 'a', 5),
  94: fixed('Service indicator', 'a', 7),
  95: fixed('Replacement amounts', 'a', 42),
  96: fixed('Message security code', 'b', 8),
  97: fixed('Amount, net settlement', 'x', 17),
  98: fixed('Payee', 'a', 25),
  99: ll('Settlement institution identification code', 'n', 11),
  100: ll('Receiving institution identification code', 'n', 11),
  101: ll('File name', 'a', 17),
  102: ll('Account identification 1', 'a', 28),
  103: ll('Account identification 2', 'a', 28),
  104: lll('Transaction description', 'a', 100),
  ...from(105, 111, lll('Reserved for ISO use', 'a')),
  ...from(112, 119, lll('Reserved for national use', 'a')),
  ...from(120, 127, lll('Reserved for private use', 'u')),
  128: fixed('Message authentication code', 'b', 8),
}
