/** ISO 8583:1987 messages as bytes: ASCII type and fields, binary bitmaps; the field table is data. */

import { concat, fromText, fromUint, text, uint } from '../bytes.ts'
import { Fault } from '../errors.ts'
import type { Decoder, Side } from '../reader/side.ts'

/** `n` digits, `a` any printable, `z` track data, `b` bytes, `u` UTF-8, its length counted in bytes. */
type Kind = 'n' | 'a' | 'z' | 'b' | 'u'

export interface FieldRule {
  readonly name: string
  readonly kind: Kind
  /** Characters or bytes: all of them, or with `var` at most as many. */
  readonly size: number
  /** Digits of the length before the value: LLVAR 2, LLLVAR 3. */
  readonly var?: 2 | 3
}

const fixed = (name: string, kind: Kind, size: number): FieldRule => ({ name, kind, size })
const ll = (name: string, kind: Kind, size: number): FieldRule => ({ name, kind, size, var: 2 })
const lll = (name: string, kind: Kind, size = 999): FieldRule => ({ name, kind, size, var: 3 })

/** The fields that this project uses (ISO 8583:1987, 4.4); 48 and 60–63 are private, and ours. */
export const fieldTable: Readonly<Record<number, FieldRule>> = {
  2: ll('Primary account number', 'n', 19),
  3: fixed('Processing code', 'n', 6),
  4: fixed('Amount, transaction', 'n', 12),
  7: fixed('Transmission date and time', 'n', 10),
  11: fixed('System trace audit number', 'n', 6),
  12: fixed('Time, local transaction', 'n', 6),
  13: fixed('Date, local transaction', 'n', 4),
  14: fixed('Date, expiration', 'n', 4),
  22: fixed('Point of service entry mode', 'n', 3),
  23: fixed('Card sequence number', 'n', 3),
  25: fixed('Point of service condition code', 'n', 2),
  35: ll('Track 2 data', 'z', 37),
  37: fixed('Retrieval reference number', 'a', 12),
  38: fixed('Authorization identification response', 'a', 6),
  39: fixed('Response code', 'a', 2),
  41: fixed('Card acceptor terminal identification', 'a', 8),
  42: fixed('Card acceptor identification code', 'a', 15),
  48: lll('Additional data, private', 'u'),
  49: fixed('Currency code, transaction', 'n', 3),
  52: fixed('Personal identification number data', 'b', 8),
  55: lll('Integrated circuit card data', 'b'),
  60: lll('Private: additional data, continued', 'u'),
  61: lll('Private: additional data, continued', 'u'),
  62: lll('Private: idempotency key', 'a', 64),
  63: lll('Private: key serial number of field 52', 'a', 40),
  70: fixed('Network management information code', 'n', 3),
  90: fixed('Original data elements', 'n', 42),
  95: fixed('Replacement amounts', 'a', 42),
}

const alphabets: Readonly<Record<Exclude<Kind, 'b' | 'u'>, RegExp>> = { n: /^\d*$/, a: /^[\x20-\x7e]*$/, z: /^[\d=D]*$/ }

export interface IsoMessage {
  /** Message type: `0200`. */
  readonly type: string
  readonly fields: ReadonlyMap<number, string | Uint8Array>
}

/** @throws Fault `bad-argument` naming the field and its rule */
export function encodeIso({ type, fields }: IsoMessage): Uint8Array {
  if (!/^\d{4}$/.test(type)) throw new Fault('bad-argument', `message type '${type}' is not 4 digits`, { field: 'type' })
  const numbers = [...fields.keys()].sort((a, b) => a - b)
  const bitmap = new Uint8Array(numbers.some(number => number > 64) ? 16 : 8)
  for (const number of [...numbers, ...(bitmap.length > 8 ? [1] : [])]) bitmap[(number - 1) >> 3] |= 0x80 >> ((number - 1) & 7)
  return concat(fromText(type), bitmap, ...numbers.map(number => encodeField(number, fields.get(number)!)))
}

function encodeField(number: number, value: string | Uint8Array): Uint8Array {
  const rule = fieldTable[number]
  const refuse = (why: string): never => {
    throw new Fault('bad-argument', `field ${number} ${rule?.name ?? ''}: ${why}`, { field: `iso8583.${number}` })
  }
  if (!rule) return refuse('it is not in the table')
  const { kind, size } = rule
  if ((kind === 'b') !== (typeof value !== 'string')) return refuse(kind === 'b' ? 'it takes bytes' : 'it takes text')
  if (typeof value === 'string' && kind !== 'u' && kind !== 'b' && !alphabets[kind].test(value))
    return refuse('it has characters that the field does not take')
  const bytes = typeof value !== 'string' ? value : kind === 'u' ? new TextEncoder().encode(value) : fromText(value)
  if (rule.var ? bytes.length > size : bytes.length !== size)
    return refuse(`it has ${bytes.length}, the rule is ${rule.var ? 'at most ' : ''}${size}`)
  return rule.var ? concat(fromText(String(bytes.length).padStart(rule.var, '0')), bytes) : bytes
}

/** @throws Fault `protocol` with details.field where the message is cut off, has a field that is not in the table, or one that breaks its rule */
export function decodeIso(bytes: Uint8Array): IsoMessage {
  let at = 0
  const take = (length: number, field: string): Uint8Array => {
    if (at + length > bytes.length)
      throw new Fault('protocol', `ISO 8583: ${field} takes ${length} bytes, ${bytes.length - at} are left`, { field })
    at += length
    return bytes.subarray(at - length, at)
  }
  const type = text(take(4, 'type'))
  if (!/^\d{4}$/.test(type)) throw new Fault('protocol', 'ISO 8583: the message type is not 4 digits', { field: 'type' })
  const first = take(8, 'bitmap')
  const bitmap = first[0] & 0x80 ? concat(first, take(8, 'secondary bitmap')) : first
  const fields = new Map<number, string | Uint8Array>()
  for (let number = 2; number <= bitmap.length * 8; number++) {
    if (!(bitmap[(number - 1) >> 3] & (0x80 >> ((number - 1) & 7)))) continue
    const field = `field ${number}`
    const rule = fieldTable[number]
    if (!rule) throw new Fault('protocol', `ISO 8583: ${field} is not in the table`, { field })
    const digits = rule.var ? text(take(rule.var, `length of ${field}`)) : String(rule.size)
    if (!/^\d+$/.test(digits) || Number(digits) > rule.size)
      throw new Fault('protocol', `ISO 8583: length '${digits}' of ${field}`, { field })
    const value = take(Number(digits), field)
    fields.set(number, rule.kind === 'b' ? value.slice() : textOf(rule.kind, value, field))
  }
  if (at < bytes.length) throw new Fault('protocol', `ISO 8583: ${bytes.length - at} bytes too many`, { field: 'end' })
  return { type, fields }
}

function textOf(kind: Exclude<Kind, 'b'>, value: Uint8Array, field: string): string {
  if (kind !== 'u') {
    const read = text(value)
    if (alphabets[kind].test(read)) return read
  } else
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(value)
    } catch {
      // told below
    }
  throw new Fault('protocol', `ISO 8583: ${field} has characters that it does not take`, { field })
}

/** The most that two bytes of length can say. */
const MAX_FRAME = 0xffff
/** A message that is no ISO 8583 is handed on as a Fault: who waits for an answer learns that it was none. */
export type IsoFrame = IsoMessage | { readonly type: 'malformed'; readonly fault: Fault }

/** Messages behind a two-byte length, big-endian; both ends say the same. */
export const isoSide: Side<IsoMessage, IsoFrame> = {
  encode: message => {
    const bytes = encodeIso(message)
    return concat(fromUint(bytes.length, 2), bytes)
  },
  decoder: frames,
}

function frames(): Decoder<IsoFrame> {
  let held: Uint8Array = new Uint8Array(0)
  return {
    push(chunk) {
      held = held.length > 0 ? concat(held, chunk) : chunk
      const found: IsoFrame[] = []
      while (held.length >= 2) {
        const length = uint(held.subarray(0, 2))
        if (length > MAX_FRAME || held.length < 2 + length) break
        found.push(quietly(held.subarray(2, 2 + length)))
        held = held.slice(2 + length)
      }
      return found
    },
    idle: () => [], // TCP loses nothing: a message that is slow is still one
  }
}

function quietly(bytes: Uint8Array): IsoFrame {
  try {
    return decodeIso(bytes)
  } catch (error) {
    return { type: 'malformed', fault: error as Fault }
  }
}
