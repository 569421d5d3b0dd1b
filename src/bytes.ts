/** Byte strings: hex for people, BCD and big-endian numbers for the wire. */

import * as door from './door.ts'
import { Fault } from './errors.ts'

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
const HEX_CODES = Uint8Array.from('0123456789ABCDEF', digit => digit.charCodeAt(0))

const ascii = new TextDecoder()
/** From this length on a call of the decoder costs less than one piece of text for each byte. */
const DECODED = 12
/** Characters on their way to a text. Wiped each time: what is shown in hex may be a key. */
const codes = new Uint8Array(4096)

/** Upper-case hex of a byte string, without separators. */
export function hex(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  const { length } = bytes
  if (length < DECODED) {
    let short = ''
    for (let i = 0; i < length; i++) short += HEX[bytes[i]]
    return short
  }
  const room = length * 2 <= codes.length ? codes : new Uint8Array(length * 2)
  for (let i = 0, at = 0; i < length; i++) {
    const byte = bytes[i]
    room[at++] = HEX_CODES[byte >> 4]
    room[at++] = HEX_CODES[byte & 0x0f]
  }
  const shown = ascii.decode(room.subarray(0, length * 2))
  room.fill(0, 0, length * 2)
  return shown
}

const NONE = 0xff
/** The value of each character of ASCII as a hex digit. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16)
  return Number.isNaN(value) ? NONE : value
})

/** Bytes of a hex string; blanks between digits are allowed. @throws Fault `bad-hex` */
export function fromHex(text: string): Uint8Array {
  if (typeof text !== 'string') door.need('text', text, door.anyText)
  const bytes = new Uint8Array(text.length >> 1)
  let digits = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? DIGITS[code] : NONE
    if (value === NONE) {
      if (/\s/.test(text[i])) continue
      throw new Fault('bad-hex', `'${text[i]}' at position ${digits} is not a hex digit`)
    }
    bytes[digits >> 1] = bytes[digits >> 1] * 16 + value
    digits++
  }
  if (digits % 2 !== 0) throw new Fault('bad-hex', `hex string has an odd number of digits (${digits})`)
  return digits / 2 === bytes.length ? bytes : bytes.slice(0, digits / 2)
}

/** The byte strings one after the other. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return joined(parts)
}

/** `concat` of a list, however long: arguments have room for some 100,000. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (!Array.isArray(parts)) door.need('parts', parts, door.listOf(door.anyBytes))
  for (const one of parts) if (!(one instanceof Uint8Array)) door.need('parts', one, door.anyBytes)
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Bytes that come in pieces, in one buffer: a thousand pieces of one byte each are no thousand objects. */
export class Gathered {
  #bytes = new Uint8Array(64)
  /** Bytes so far. */
  length = 0

  /** Puts a copy of `part` behind what came before. */
  add(part: Uint8Array): void {
    const length = this.length + part.length
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, this.length))
      this.#bytes = larger
    }
    this.#bytes.set(part, this.length)
    this.length = length
  }

  /** A copy of what came. */
  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.length)
  }
}

/** Whether both have the same bytes. Not for secrets: how long it takes tells where they differ. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (!(a instanceof Uint8Array)) door.need('a', a, door.anyBytes)
  if (!(b instanceof Uint8Array)) door.need('b', b, door.anyBytes)
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Whether `bytes` begin with `prefix`. */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  if (!(prefix instanceof Uint8Array)) door.need('prefix', prefix, door.anyBytes)
  return bytes.length >= prefix.length && equal(bytes.subarray(0, prefix.length), prefix)
}

/** Byte by byte. @throws Fault `bad-argument` for byte strings of different length */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (!(a instanceof Uint8Array)) door.need('a', a, door.anyBytes)
  if (!(b instanceof Uint8Array)) door.need('b', b, door.anyBytes)
  if (a.length !== b.length) throw new Fault('bad-argument', `xor of ${a.length} and ${b.length} bytes`)
  return a.map((byte, i) => byte ^ b[i])
}

/** Longitudinal redundancy check: the XOR of all bytes. */
export function lrc(bytes: Uint8Array): number {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  let sum = 0
  for (const byte of bytes) sum ^= byte
  return sum
}

/** CRC-16, polynomial 1021, most significant bit first, not inverted; `seed` is where it begins: 0, or FFFF. */
export function crc16(bytes: Uint8Array, seed: number): number {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  if (!(seed >= 0 && seed <= 0xffff)) door.need('seed', seed, door.whole(0, 0xffff))
  let crc = seed
  for (let i = 0; i < bytes.length; i++) crc = ((crc << 8) & 0xffff) ^ CRC16[(crc >> 8) ^ bytes[i]]
  return crc
}

/** What each byte does to a CRC-16. */
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  return crc
})

/** The unsigned big-endian number in up to 6 bytes (exact in a double). */
export function uint(bytes: Uint8Array): number {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  if (bytes.length > 6) throw new Fault('bad-argument', `${bytes.length} bytes do not fit an exact number`)
  let value = 0
  for (const byte of bytes) value = value * 256 + byte
  return value
}

/** `value` as `length` big-endian bytes. @throws Fault `bad-argument` when it does not fit */
export function fromUint(value: number | bigint, length: number): Uint8Array {
  door.need('value', value, door.unsigned)
  if (!(length >= 0 && length <= 255 && length % 1 === 0)) door.need('length', length, door.whole(0, 255))
  let rest = Number.isSafeInteger(value) ? (value as number) : BigInt(value)
  const bytes = new Uint8Array(length)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(typeof rest === 'bigint' ? rest & 0xffn : rest & 0xff)
    rest = typeof rest === 'bigint' ? rest >> 8n : Math.floor(rest / 256)
  }
  if (rest !== 0n && rest !== 0) throw new Fault('bad-argument', `${value} does not fit ${length} bytes`)
  return bytes
}

/** Numeric (n) format, EMV 4.4 Book 3, 4.3: right justified, zero filled. @throws Fault `bad-argument` when it does not fit */
export function toBcd(value: number | bigint, length: number): Uint8Array {
  door.need('value', value, door.unsigned)
  if (!(length >= 0 && length <= 255 && length % 1 === 0)) door.need('length', length, door.whole(0, 255))
  const digits = value.toString()
  if (!/^\d+$/.test(digits) || digits.length > length * 2) throw new Fault('bad-argument', `${digits} does not fit n ${length * 2}`)
  const bytes = new Uint8Array(length)
  for (let at = length - 1, i = digits.length - 1; i >= 0; at--, i -= 2)
    bytes[at] = (i > 0 ? (digits.charCodeAt(i - 1) & 0x0f) << 4 : 0) | (digits.charCodeAt(i) & 0x0f)
  return bytes
}

/** The number in numeric (n) format; undefined when a nibble is no digit. */
export function fromBcd(bytes: Uint8Array): bigint | undefined {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  const digits = hex(bytes)
  return /^\d*$/.test(digits) ? BigInt(digits || '0') : undefined
}

/** Compressed numeric (cn) format, EMV 4.4 Book 3, 4.3: digits two a byte, left justified, filled with F where their number is odd. @throws Fault `bad-hex` */
export function toCn(digits: string): Uint8Array {
  if (typeof digits !== 'string') door.need('digits', digits, door.anyText)
  return fromHex(digits.length % 2 === 0 ? digits : `${digits}F`)
}

/** Characters that one call takes as arguments. */
const AT_ONCE = 8192

/** Text of an `an`/`ans` field, one character a byte (ISO 8859-1, which holds the common character set of Book 4, Annex B). */
export function text(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) door.need('bytes', bytes, door.anyBytes)
  if (bytes.length >= DECODED && bytes.every(isAscii)) return ascii.decode(bytes)
  let string = ''
  for (let at = 0; at < bytes.length; at += AT_ONCE)
    string += String.fromCharCode.apply(null, bytes.subarray(at, at + AT_ONCE) as unknown as number[])
  return string
}

const isAscii = (byte: number) => byte < 0x80

/** Bytes of an `an`/`ans` field, one a character (ISO 8859-1). @throws Fault `bad-argument` for a character outside it */
export function fromText(string: string): Uint8Array {
  if (typeof string !== 'string') door.need('string', string, door.anyText)
  const bytes = new Uint8Array(string.length)
  for (let i = 0; i < string.length; i++) {
    const code = string.charCodeAt(i)
    if (code > 0xff) throw new Fault('bad-argument', `'${string[i]}' is outside ISO 8859-1`)
    bytes[i] = code
  }
  return bytes
}
