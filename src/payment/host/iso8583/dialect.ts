/** What networks do differently in ISO 8583:1987, as data: how fields, lengths and frames lie, which private field carries what, how the line is managed. */

import { Fault } from '../../../errors.ts'
import { type FieldForm, type FieldRule, fieldTable, type LengthForm } from './fields.ts'

/** How one network or bank has ISO 8583:1987. */
export interface IsoDialect {
  /** For messages to people. */
  readonly name: string
  /** The length before each message: so many bytes, as an unsigned number, as packed digits or as characters; `inclusive`: it counts itself. */
  readonly frame: {
    /** How many bytes. */
    readonly bytes: 2 | 4
    /** What they are. */
    readonly form: LengthForm
    /** They count themselves. */
    readonly inclusive?: boolean
  }
  /** What stands between length and message type of what is sent; the peer's has the same number of bytes. `tpdu`: an answer goes back with its two addresses exchanged. */
  readonly header?: {
    /** Of what is sent. */
    readonly sent: Uint8Array
    /** Its two addresses are exchanged in an answer. */
    readonly tpdu?: boolean
  }
  /** The message type. */
  readonly type: 'ascii' | 'ebcdic' | 'bcd'
  /** 8 bytes, or 16 characters of hex. */
  readonly bitmap: 'raw' | 'ascii' | 'ebcdic'
  /** The second bitmap is always there, although no field is in it. */
  readonly bothBitmaps?: boolean
  /** Kinds `n` and `z`. */
  readonly digits: 'ascii' | 'ebcdic' | 'bcd'
  /** Kinds `a` and `x`. */
  readonly text: 'ascii' | 'ebcdic'
  /** Kind `b`. */
  readonly bytes: 'raw' | 'hex'
  /** Of fields of variable size. */
  readonly lengths: LengthForm
  /** Where the half byte goes that an odd number of packed digits leaves over, and what is in it. */
  readonly pad: 'left' | 'right' | 'rightF'
  /** Fields that lie otherwise than the standard's table says. */
  readonly fields: Readonly<Record<number, Partial<FieldRule>>>
  /** Data objects that field 55 takes, in this order; all that card and terminal have where it is left out. */
  readonly icc?: readonly number[]
  /** Between PAN and expiry in field 35 where it is text. */
  readonly separator: '=' | 'D'
  /** The private fields of tapdip's own host. Left out: only what the standard has is said. */
  readonly own?: {
    /** The idempotency key. */
    readonly key: number
    /** JSON of what has no field: orders, items, states. In this order, each as long as it may be. */
    readonly data: readonly number[]
    /** Format and key serial number of the PIN block, and the block where it does not fit 52. */
    readonly pin: number
  }
  /** Where the key serial number of field 52 is told, in hex, by those without `own`. */
  readonly ksn?: number
  /** `terminal`: the answer brings back the retrieval reference number of the request; `host`: it may be one of the host's own. */
  readonly rrn: 'terminal' | 'host'
  /** Fields that an answer must have beside 11 and 39. */
  readonly answers: readonly number[]
  /** Codes of field 70. Those that are left out are not sent. */
  readonly network: {
    /** The host is there. */
    readonly echo: string
    /** The terminal is there from now on. */
    readonly signOn?: string
    /** The terminal is away from now on. */
    readonly signOff?: string
  }
}

/** What networks ask for of a chip: the cryptogram, what it was made over, and how the cardholder was verified. */
const networkIcc = [
  0x9f26, 0x9f27, 0x9f10, 0x9f37, 0x9f36, 0x95, 0x9a, 0x9c, 0x9f02, 0x5f2a, 0x82, 0x9f1a, 0x9f03, 0x9f33, 0x9f34, 0x9f35, 0x9f1e, 0x84, 0x9f09,
  0x9f41, 0x5f34, 0x9f53, 0x9f6e, 0x9f7c,
] // biome-ignore format: a list

const ascii = {
  frame: { bytes: 2, form: 'binary' },
  type: 'ascii',
  bitmap: 'raw',
  digits: 'ascii',
  text: 'ascii',
  bytes: 'raw',
  lengths: 'ascii',
  pad: 'left',
  fields: {},
  icc: networkIcc,
  separator: '=',
  rrn: 'host',
  answers: [],
  network: { echo: '301' },
} as const satisfies Omit<IsoDialect, 'name'>

const { icc: _all, ...everything } = ascii

/**
 * | Name | What it is |
 * |---|---|
 * | `tapdip` | ASCII, binary bitmaps, and the private fields of tapdip's own host: when nothing else is said. A host that knows nothing of them is understood too. |
 * | `ascii` | the same without private fields; 55 has what networks ask for |
 * | `iso_8583` | what npm `iso_8583` (2.6.7) has when nothing is set: both bitmaps, 55 as text of hex digits that the length counts, a MAC of 4 bytes |
 * | `pyiso8583` | `default` of pyiso8583 (4.0.1): as `ascii` |
 * | `pyiso8583Ascii` | its `default_ascii`: bitmaps, 52, 55 and MAC as text of hex digits |
 * | `bcd` | packed digits and lengths, a TPDU, as terminals of the Hypercom kind send: 60 NII source |
 * | `ebcdic` | everything in EBCDIC, bitmaps binary |
 */
export const isoDialects = {
  tapdip: { name: 'tapdip', ...everything, own: { key: 62, data: [48, 60, 61], pin: 63 } },
  ascii: { name: 'ascii', ...ascii },
  iso_8583: {
    name: 'iso_8583',
    ...ascii,
    bothBitmaps: true,
    fields: {
      53: { kind: 'b', size: 48 },
      55: { form: 'hex', size: 499 },
      58: { kind: 'n', size: 11, var: 2 },
      59: { size: 255 },
      64: { size: 4 },
      65: { size: 0 },
      96: { size: 4 },
      127: { size: 999_999, var: 6 },
      128: { size: 4 },
    },
  },
  pyiso8583: { name: 'pyiso8583', ...ascii, fields: { 54: { size: 240 }, 55: { size: 255 } } },
  pyiso8583Ascii: { name: 'pyiso8583Ascii', ...ascii, bitmap: 'ascii', bytes: 'hex', fields: { 54: { size: 240 }, 55: { size: 499 } } },
  bcd: {
    name: 'bcd',
    ...ascii,
    header: { sent: Uint8Array.of(0x60, 0x00, 0x00, 0x00, 0x00), tpdu: true },
    type: 'bcd',
    digits: 'bcd',
    lengths: 'bcd',
    fields: { 49: { kind: 'n' }, 50: { kind: 'n' }, 51: { kind: 'n' } },
  },
  ebcdic: { name: 'ebcdic', ...ascii, type: 'ebcdic', digits: 'ebcdic', text: 'ebcdic', lengths: 'ebcdic' },
} as const satisfies Readonly<Record<string, IsoDialect>>
/** A dialect that comes with tapdip. */
export type IsoDialectName = keyof typeof isoDialects

/** A dialect by its name, or one of your own as it is. @throws Fault `bad-argument` */
export function isoDialect(named: IsoDialectName | IsoDialect = 'tapdip'): IsoDialect {
  if (typeof named !== 'string') return named
  if (Object.hasOwn(isoDialects, named)) return isoDialects[named]
  throw new Fault('bad-argument', `dialect '${named}' of ISO 8583 is not known (${Object.keys(isoDialects).join(', ')})`, {
    field: 'dialect',
  })
}

/** A field as the dialect has it; undefined for 0, 1 and what is above 128. */
export function isoField({ fields }: IsoDialect, number: number): FieldRule | undefined {
  const rule = fieldTable[number]
  const other = fields[number]
  return rule && other ? { ...rule, ...other } : rule
}

/** How the value of a field lies. */
export function formOf({ digits, text, bytes }: IsoDialect, { kind, form }: FieldRule): FieldForm {
  return form ?? { n: digits, z: digits, a: text, x: text, b: bytes, u: 'raw' as const }[kind]
}
