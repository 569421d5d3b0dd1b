/** ISO 8583:1987 messages as bytes and back, in any dialect: message type, bitmaps, fields, MAC, and the frames that carry them. */

import { concat, equal, fromHex, fromText, fromUint, hex, joined, text, uint } from '../../../bytes.ts'
import * as door from '../../../door.ts'
import { asFault, Fault, isFault } from '../../../errors.ts'
import type { Decoder, Side } from '../../../reader/side.ts'
import { formOf, type IsoDialect, isoDialect, isoField } from './dialect.ts'
import type { FieldForm, FieldKind, FieldRule, LengthForm } from './fields.ts'

/** A message of ISO 8583:1987. */
export interface IsoMessage {
  /** Message type: `0200`. */
  readonly type: string
  /** By number; text, or bytes of the kinds `b`. */
  readonly fields: ReadonlyMap<number, string | Uint8Array>
  /** What stood before the type, where the dialect has a header. */
  readonly header?: Uint8Array
  /** Of a message that came: fields whose value breaks their rule, and how. They are in `fields` all the same: who uses one decides. */
  readonly wrong?: ReadonlyMap<number, string>
}

/** The MAC over a message from its type to the field before the MAC; cut to the field's size. `data => macAlgorithm3(key, data, 1)`, for example. */
export type IsoMac = (data: Uint8Array) => Uint8Array

/** How messages lie on the line. */
export interface IsoOptions {
  /** `isoDialects.tapdip` when left out. */
  readonly dialect?: IsoDialect
  /** Field 64, or 128 where there is a second bitmap, is made of it, and must be right in what comes. */
  readonly mac?: IsoMac
}

const alphabets: Readonly<Record<Exclude<FieldKind, 'b' | 'u'>, RegExp>> = {
  n: /^\d*$/,
  a: /^[\x20-\x7e]*$/,
  x: /^([CD]\d*)?$/,
  z: /^[\d=D]*$/,
}
const notTaken = 'it has characters that the field does not take'

/** Code page 500 of the characters 20 to 7E. */
const EBCDIC = fromHex(
  '404F7F7B5B6C507D4D5D5C4E6B604B61F0F1F2F3F4F5F6F7F8F97A5E4C7E6E6F7CC1C2C3C4C5C6C7C8C9D1D2D3D4D5D6D7D8D9E2E3E4E5E6E7E8E94AE05A5F6D' +
    '79818283848586878889919293949596979899A2A3A4A5A6A7A8A9C0BBD0A1',
)
const fromEbcdic = new Map(Array.from(EBCDIC, (byte, at) => [byte, String.fromCharCode(0x20 + at)]))

function characters(form: 'ascii' | 'ebcdic', value: string): Uint8Array {
  return form === 'ascii' ? fromText(value) : Uint8Array.from(value, letter => EBCDIC[letter.charCodeAt(0) - 0x20] ?? 0x6f)
}

/** What is no character of the code page becomes U+FFFD, which no field takes. */
function textIn(form: 'ascii' | 'ebcdic', bytes: Uint8Array): string {
  return form === 'ascii' ? text(bytes) : Array.from(bytes, byte => fromEbcdic.get(byte) ?? '\ufffd').join('')
}

function packed(digits: string, pad: IsoDialect['pad']): Uint8Array {
  const even = digits.length % 2 === 0 ? digits : pad === 'left' ? `0${digits}` : `${digits}${pad === 'rightF' ? 'F' : '0'}`
  return fromHex(even.replace('=', 'D'))
}

/** The bytes of the bitmaps, each in its form. */
const bitmapSize = ({ bitmap }: IsoDialect) => (bitmap === 'raw' ? 8 : 16)

/** @throws Fault `bad-argument` with details.field, naming the field and its rule */
export function encodeIso(message: IsoMessage, { dialect = isoDialect(), mac }: IsoOptions = {}): Uint8Array {
  door.need('message', message, door.shape({ type: door.anyText, fields: door.object }))
  const { type, fields, header } = message
  if (!/^\d{4}$/.test(type)) throw new Fault('bad-argument', `message type '${type}' is not 4 digits`, { field: 'type' })
  const plain = [...fields.keys()].filter(number => !mac || (number !== 64 && number !== 128)).sort((a, b) => a - b)
  const both = dialect.bothBitmaps === true || plain.some(number => number > 64)
  const macField = mac && (both ? 128 : 64)
  const bitmap = new Uint8Array(both ? 16 : 8)
  for (const number of [...plain, ...(macField ? [macField] : []), ...(both ? [1] : [])])
    bitmap[(number - 1) >> 3] |= 0x80 >> ((number - 1) & 7)
  const start = dialect.type === 'bcd' ? fromHex(type) : characters(dialect.type, type)
  const bits = dialect.bitmap === 'raw' ? bitmap : characters(dialect.bitmap, hex(bitmap))
  const body = concat(start, bits, ...plain.map(number => encodeField(dialect, number, fields.get(number)!)))
  const whole = mac && macField ? concat(body, encodeField(dialect, macField, macOf(mac, body, isoField(dialect, macField)!))) : body
  const front = header ?? dialect.header?.sent
  return front ? concat(front, whole) : whole
}

function macOf(mac: IsoMac, data: Uint8Array, { size }: FieldRule): Uint8Array {
  const made = mac(data)
  if (made.length < size) throw new Fault('bad-argument', `the MAC has ${made.length} bytes, the field takes ${size}`, { field: 'mac' })
  return made.subarray(0, size)
}

function encodeField(dialect: IsoDialect, number: number, value: string | Uint8Array): Uint8Array {
  const rule = isoField(dialect, number)
  const refuse = (why: string): never => {
    throw new Fault('bad-argument', `field ${number} ${rule?.name ?? ''}: ${why}`, { field: `iso8583.${number}` })
  }
  if (!rule) return refuse('it is not in the table')
  const { kind, size } = rule
  if ((kind === 'b') !== (typeof value !== 'string')) return refuse(kind === 'b' ? 'it takes bytes' : 'it takes text')
  if (typeof value === 'string' && kind !== 'u' && kind !== 'b' && !alphabets[kind].test(value)) return refuse(notTaken)
  const form = formOf(dialect, rule)
  const length = typeof value === 'string' && kind !== 'u' ? value.length : bytesOf(value).length
  if (rule.var ? length > size : length !== size) return refuse(`it has ${length}, the rule is ${rule.var ? 'at most ' : ''}${size}`)
  const bytes = encodeValue(form, value, dialect.pad)
  return rule.var ? concat(encodeLength(rule.lengthForm ?? dialect.lengths, rule.var, counted(form, rule, length)), bytes) : bytes
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value
}

function encodeValue(form: FieldForm, value: string | Uint8Array, pad: IsoDialect['pad']): Uint8Array {
  if (form === 'raw') return bytesOf(value)
  if (form === 'hex') return fromText(hex(bytesOf(value)))
  return form === 'bcd' ? packed(String(value), pad) : characters(form, String(value))
}

/** What the length of a value says. @param length characters, or bytes of `b` and `u` */
function counted(form: FieldForm, { counts = 'digits' }: FieldRule, length: number): number {
  if (form === 'hex') return counts === 'digits' ? length * 2 : length
  return form === 'bcd' && counts === 'bytes' ? Math.ceil(length / 2) : length
}

/** How many bytes a value takes whose length says `said`, and how many characters it has (bytes, of `b` and `u`). */
function spanOf(form: FieldForm, { counts = 'digits' }: FieldRule, said: number): { bytes: number; length: number } {
  if (form === 'hex') return counts === 'digits' ? { bytes: said, length: said / 2 } : { bytes: said * 2, length: said }
  if (form !== 'bcd') return { bytes: said, length: said }
  return counts === 'digits' ? { bytes: Math.ceil(said / 2), length: said } : { bytes: said, length: said * 2 }
}

function lengthSize(form: LengthForm, digits: number): number {
  if (form === 'bcd') return Math.ceil(digits / 2)
  return form === 'binary' ? (digits <= 2 ? 1 : digits <= 4 ? 2 : 3) : digits
}

function encodeLength(form: LengthForm, digits: number, value: number): Uint8Array {
  const size = lengthSize(form, digits)
  if (form === 'binary') return fromUint(value, size)
  return form === 'bcd' ? fromHex(String(value).padStart(size * 2, '0')) : characters(form, String(value).padStart(digits, '0'))
}

/** Undefined where it is no number. */
function decodeLength(form: LengthForm, bytes: Uint8Array): number | undefined {
  if (form === 'binary') return uint(bytes)
  const digits = form === 'bcd' ? hex(bytes) : textIn(form, bytes)
  return /^\d+$/.test(digits) ? Number(digits) : undefined
}

/** A message whose end could not be read: what came before it, and why. */
export interface IsoBroken {
  /** Where a message has its type. */
  readonly type: 'malformed'
  /** Why. */
  readonly fault: Fault
  /** Its type and the fields before the one that is wrong; left out where there is no type. */
  readonly partial?: IsoMessage
}
/** What comes out of frames. A message that is no ISO 8583 is handed on as a Fault: who waits for an answer learns that it was none. */
export type IsoFrame = IsoMessage | IsoBroken

/** @throws Fault `protocol` with details.field where the message is cut off, too long, has a length that is none, or a wrong MAC */
export function decodeIso(bytes: Uint8Array, options: IsoOptions = {}): IsoMessage {
  const read = readIso(bytes, options)
  if ('fault' in read) throw read.fault
  return read
}

/** Where a part of a message lies: its first byte, and how many there are. */
export interface IsoPlace {
  /** Of its first byte, from that of the message; of a field of variable size its length comes first. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

/** Where the parts of a message lie: header, `type`, bitmaps, fields by number; filled while it is read. */
export type IsoPlaces = Map<'header' | 'type' | 'bitmap' | 'secondary bitmap' | number, IsoPlace>

/** As `decodeIso`, and never throws: of a message that is broken the fields before the break. @param places takes where each part lies */
export function readIso(bytes: Uint8Array, { dialect = isoDialect(), mac }: IsoOptions = {}, places?: IsoPlaces): IsoFrame {
  door.need('bytes', bytes, door.anyBytes)
  const fields = new Map<number, string | Uint8Array>()
  const wrong = new Map<number, string>()
  let message: Pick<IsoMessage, 'type' | 'header'> | undefined
  let at = 0
  /** Where the part begins that is being read. */
  let from = 0
  const fail = (field: string, why: string): never => {
    throw new Fault('protocol', `ISO 8583: ${field}${why}`, { field, offset: from, rule: why.replace(/^:? /, '') })
  }
  const take = (length: number, field: string): Uint8Array => {
    from = at
    if (at + length > bytes.length) fail(field, ` takes ${length} bytes, ${bytes.length - at} are left`)
    at += length
    return bytes.subarray(at - length, at)
  }
  const whole = (): IsoMessage => ({ ...message!, fields, ...(wrong.size > 0 && { wrong }) })
  try {
    const headerSize = dialect.header?.sent.length ?? 0
    const placed = <T>(name: Parameters<IsoPlaces['set']>[0], read: () => T): T => {
      const offset = at
      const value = read()
      places?.set(name, { offset, length: at - offset })
      return value
    }
    const header = headerSize > 0 ? placed('header', () => take(headerSize, 'header').slice()) : undefined
    const type = placed('type', () => (dialect.type === 'bcd' ? hex(take(2, 'type')) : textIn(dialect.type, take(4, 'type'))))
    if (!/^\d{4}$/.test(type)) fail('type', ': it is not 4 digits')
    message = { type, ...(header && { header }) }
    const bitmap = readBitmaps(dialect, field => placed(field, () => take(bitmapSize(dialect), field)), fail)
    for (let number = 2; number <= bitmap.length * 8; number++) {
      if (!(bitmap[(number - 1) >> 3] & (0x80 >> ((number - 1) & 7)))) continue
      const start = at
      const { value, broken } = placed(number, () => readField(dialect, number, take, fail))
      if (mac && (number === 64 || number === 128))
        checkMac(mac, bytes.subarray(headerSize, start), value, isoField(dialect, number)!, fail)
      fields.set(number, value)
      if (broken) wrong.set(number, broken)
    }
    from = at
    if (at < bytes.length) fail('end', `: ${bytes.length - at} bytes too many`)
    if (mac && !fields.has(bitmap.length > 8 ? 128 : 64)) fail('MAC', ': it is missing')
    return whole()
  } catch (error) {
    if (!isFault(error)) throw error
    return { type: 'malformed', fault: error, ...(message && { partial: whole() }) }
  }
}

function readBitmaps(
  dialect: IsoDialect,
  take: (field: 'bitmap' | 'secondary bitmap') => Uint8Array,
  fail: (field: string, why: string) => never,
): Uint8Array {
  const one = (field: 'bitmap' | 'secondary bitmap'): Uint8Array => {
    const bytes = take(field)
    if (dialect.bitmap === 'raw') return bytes
    const digits = textIn(dialect.bitmap, bytes)
    return /^[\dA-Fa-f]{16}$/.test(digits) ? fromHex(digits) : fail(field, ': it is not 16 hex digits')
  }
  const first = one('bitmap')
  return first[0] & 0x80 ? concat(first, one('secondary bitmap')) : first
}

function checkMac(
  mac: IsoMac,
  data: Uint8Array,
  value: string | Uint8Array,
  rule: FieldRule,
  fail: (field: string, why: string) => never,
): void {
  if (typeof value === 'string' || !equal(macOf(mac, data, rule), value)) fail('MAC', ': it is wrong')
}

function readField(
  dialect: IsoDialect,
  number: number,
  take: (length: number, field: string) => Uint8Array,
  fail: (field: string, why: string) => never,
): { readonly value: string | Uint8Array; readonly broken?: string | undefined } {
  const field = `field ${number}`
  const rule = isoField(dialect, number)!
  const form = formOf(dialect, rule)
  const lengthForm = rule.lengthForm ?? dialect.lengths
  const told = rule.var ? take(lengthSize(lengthForm, rule.var), `length of ${field}`) : undefined
  const said = told ? decodeLength(lengthForm, told) : counted(form, rule, rule.size)
  if (said === undefined) return fail(`length of ${field}`, ': it is no number')
  const { bytes, length } = spanOf(form, rule, said)
  const raw = take(bytes, field)
  const tooLong = length > rule.size ? `it has ${length}, the rule is at most ${rule.size}` : undefined
  if (rule.kind === 'b') {
    if (form !== 'hex') return { value: raw.slice(), broken: tooLong }
    const digits = text(raw)
    return /^([\dA-Fa-f]{2})*$/.test(digits) ? { value: fromHex(digits), broken: tooLong } : { value: raw.slice(), broken: 'it is no hex' }
  }
  if (rule.kind === 'u') return { ...readUtf8(raw), ...(tooLong && { broken: tooLong }) }
  const value = form === 'bcd' ? unpacked(raw, length, dialect.pad) : textIn(form === 'ebcdic' ? 'ebcdic' : 'ascii', raw)
  return { value, broken: alphabets[rule.kind].test(value) ? tooLong : notTaken }
}

function unpacked(bytes: Uint8Array, length: number, pad: IsoDialect['pad']): string {
  const digits = hex(bytes)
  return pad === 'left' ? digits.slice(digits.length - length) : digits.slice(0, length)
}

function readUtf8(bytes: Uint8Array): { readonly value: string; readonly broken?: string } {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { value: text(bytes), broken: 'it is no UTF-8' }
  }
}

/** Messages behind a length; both ends say the same. */
export const isoSide: Side<IsoMessage, IsoFrame> = isoSideOf()

/** Messages as a dialect frames them. */
export function isoSideOf(options: IsoOptions = {}): Side<IsoMessage, IsoFrame> {
  door.need('options', options, door.object)
  const { frame } = options.dialect ?? isoDialect()
  const own = frame.inclusive ? frame.bytes : 0
  return {
    encode(message) {
      const bytes = encodeIso(message, options)
      const digits = frame.form === 'bcd' ? frame.bytes * 2 : frame.bytes
      const most = frame.form === 'binary' ? 256 ** frame.bytes - 1 : 10 ** digits - 1
      if (bytes.length + own > most)
        throw new Fault('bad-argument', `the message has ${bytes.length} bytes, a frame takes ${most - own}`, { field: 'message' })
      const length =
        frame.form === 'binary' ? fromUint(bytes.length + own, frame.bytes) : encodeLength(frame.form, digits, bytes.length + own)
      return concat(length, bytes)
    },
    decoder: () => frames(options),
  }
}

/** What no message of a payment comes near: a length beyond it is none. */
const MAX_FRAME = 0x4000

function frames(options: IsoOptions): Decoder<IsoFrame> {
  const { frame } = options.dialect ?? isoDialect()
  const own = frame.inclusive ? frame.bytes : 0
  const waiting: Uint8Array[] = []
  let size = 0
  /** Bytes that must be there before anything more can be said. */
  let needed: number = frame.bytes
  let lost = false
  return {
    push(chunk) {
      if (lost) return []
      waiting.push(chunk)
      size += chunk.length
      if (size < needed) return []
      const held = joined(waiting.splice(0))
      const found: IsoFrame[] = []
      let at = 0
      for (needed = frame.bytes; held.length - at >= needed; needed = frame.bytes) {
        const said = decodeLength(frame.form, held.subarray(at, at + frame.bytes))
        const length = said === undefined ? -1 : said - own
        if (length < 0 || length > MAX_FRAME) {
          // Nothing tells where the next message begins.
          lost = true
          found.push({ type: 'malformed', fault: new Fault('protocol', 'ISO 8583: the length of a message is none', { field: 'length' }) })
          return found
        }
        needed = frame.bytes + length
        if (held.length - at < needed) break
        found.push(quietly(held.subarray(at + frame.bytes, at + needed), options))
        at += needed
      }
      if (at < held.length) waiting.push(held.slice(at))
      size = held.length - at
      return found
    },
    idle: () => [], // TCP loses nothing: a message that is slow is still one
  }
}

function quietly(bytes: Uint8Array, options: IsoOptions): IsoFrame {
  try {
    return readIso(bytes, options)
  } catch (error) {
    return { type: 'malformed', fault: asFault(error, 'protocol') }
  }
}
