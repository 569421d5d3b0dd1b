/** BER-TLV as EMV 4.4 Book 3, Annex B and ISO/IEC 7816-4 allow it: a strict, zero-copy reader and a writer. */

import { asFault, Fault } from '../errors.ts'

/** One data object; `value` is a view into the bytes that were read. */
export interface Tlv {
  /** The tag as a number, 0x9F02 for `9F 02`. */
  readonly tag: number
  /** A view, not a copy. */
  readonly value: Uint8Array
  /** Where the tag begins in the bytes that were read. */
  readonly offset: number
}

/** A data object met while walking a tree. */
export interface NestedTlv extends Tlv {
  /** Tags of the templates around it, outermost first; empty at the top. */
  readonly path: readonly number[]
  /** Where the value begins in the bytes that were walked. */
  readonly valueOffset: number
}

/** How bytes are read. */
export interface ReadOptions {
  /** Added to every reported offset. */
  readonly base?: number
  /**
   * What `FF` before a tag is. `padding` (the default): skipped like `00`, as ISO/IEC 7816-4, 5.2.2 allows and cards do. `tag`: the first byte of a
   * private constructed tag, as contactless kernels (FF8105) and reader vendors (FFEE01) use it in messages that no card wrote.
   */
  readonly ff?: 'padding' | 'tag'
  /** Bytes, where a message may have more than MAX_LENGTH: new firmware on its way to a reader. */
  readonly most?: number
}

/** Bytes that are read at once: an extended response with its status (ISO/IEC 7816-4, 5.1). No message of a card is longer, nor a reader's about one. */
export const MAX_LENGTH = 0x1_0002

/** How deep templates may nest. EMV data needs 4; the bound keeps hostile data off the stack. */
export const MAX_DEPTH = 16

/** Whether the tag is of a constructed object (b6 of its first byte). */
export function isConstructed(tag: number): boolean {
  const first = tag > 0xffff ? tag >>> 16 : tag > 0xff ? tag >>> 8 : tag
  return (first & 0x20) !== 0
}

function malformed(rule: string, offset: number): Fault {
  return new Fault('tlv', `${rule} at offset ${offset}`, { rule, offset })
}

/** Where a scan could not go on, and by which rule; `length` and `limit` where there are too many bytes. */
interface Stop {
  readonly rule: string
  readonly offset: number
  readonly length?: number
  readonly limit?: number
}

function faultOf(stop: Stop): Fault {
  const { rule, offset, length, limit } = stop
  if (length === undefined) return malformed(rule, offset)
  return new Fault('tlv', `${length} bytes are more than any message has, the rule is at most ${limit}`, { rule, offset, length, limit })
}

/**
 * The data objects of one level, in order. `00` and `FF` bytes before, between and after objects are skipped (Book 3, Annex B1 allows `00`; cards pad
 * with `FF` as well). Tags have 1–3 bytes; lengths are one byte up to 127, or `81`–`84` and 1–4 bytes, not necessarily the shortest form.
 * @throws Fault `tlv` with details.rule and details.offset; `rule` is the limit where there are more than MAX_LENGTH bytes
 */
export function read(bytes: Uint8Array, options?: ReadOptions): Tlv[] {
  const objects: Tlv[] = []
  scan(bytes, 0, bytes.length, options, (tag, offset, from, to) => objects.push({ tag, value: bytes.subarray(from, to), offset }))
  return objects
}

/** What could be read, and the fault that ended it: for showing data to people, never for a decision. */
export function readTolerant(bytes: Uint8Array, options?: ReadOptions): { readonly objects: Tlv[]; readonly fault?: Fault } {
  const objects: Tlv[] = []
  try {
    scan(bytes, 0, bytes.length, options, (tag, offset, from, to) => objects.push({ tag, value: bytes.subarray(from, to), offset }))
  } catch (error) {
    return { objects, fault: asFault(error) }
  }
  return { objects }
}

/** As `readTolerant` for who does not ask what was wrong: no Fault is made, which costs more than the reading. `whole`: all of it was read. */
export function readAsFar(bytes: Uint8Array, options?: ReadOptions): { readonly objects: Tlv[]; readonly whole: boolean } {
  const objects: Tlv[] = []
  const stop = look(bytes, 0, bytes.length, options, (tag, offset, from, to) =>
    objects.push({ tag, value: bytes.subarray(from, to), offset }),
  )
  return { objects, whole: stop === undefined }
}

/** Called with each object; `STOP` ends the search there. */
type Found = (tag: number, offset: number, from: number, to: number) => unknown
const STOP = 'stop'

/** As `look`. @throws Fault `tlv` where it stopped */
function scan(bytes: Uint8Array, at: number, end: number, options: ReadOptions | undefined, found: Found): void {
  const stop = look(bytes, at, end, options, found)
  if (stop) throw faultOf(stop)
}

/** The one loop over bytes: finds the objects from `at` to `end`. Reported offsets have the base added, value places have not. */
function look(bytes: Uint8Array, at: number, end: number, options: ReadOptions | undefined, found: Found): Stop | undefined {
  const base = options?.base ?? 0
  const limit = options?.most ?? MAX_LENGTH
  if (end - at > limit) return { rule: `at most ${limit} bytes`, offset: base + at, length: end - at, limit }
  const pad = options?.ff === 'tag' ? 0x00 : 0xff
  while (at < end) {
    let tag = bytes[at]
    if (tag === 0x00 || tag === pad) {
      at++
      continue
    }
    const offset = at++
    if ((tag & 0x1f) === 0x1f) {
      for (let more = true; more; ) {
        if (at >= end) return { rule: 'tag is truncated', offset: base + offset }
        if (at - offset === 3) return { rule: 'tag is longer than 3 bytes', offset: base + offset }
        more = bytes[at] >= 0x80
        tag = tag * 256 + bytes[at++]
      }
    }
    if (at >= end) return { rule: 'length is missing', offset: base + at }
    let length = bytes[at++]
    if (length >= 0x80) {
      const size = length & 0x7f
      if (size === 0) return { rule: 'indefinite length is not allowed', offset: base + at - 1 }
      if (size > 4) return { rule: `length byte ${length.toString(16).toUpperCase()} is no usable form (81 to 84)`, offset: base + at - 1 }
      if (at + size > end) return { rule: 'length is truncated', offset: base + at - 1 }
      length = 0
      for (let i = 0; i < size; i++) length = length * 256 + bytes[at++]
    }
    if (length > end - at) return { rule: `value of ${length} bytes exceeds the ${end - at} that follow`, offset: base + at }
    if (found(tag, base + offset, at, (at += length)) === STOP) return undefined
  }
  return undefined
}

/** The one object that `bytes` must hold; padding around it is allowed. @throws Fault `tlv` */
export function readOne(bytes: Uint8Array, options?: ReadOptions): Tlv {
  let only: Tlv | undefined
  let second: number | undefined
  scan(bytes, 0, bytes.length, options, (tag, offset, from, to) => {
    if (only) second ??= offset
    else only = { tag, value: bytes.subarray(from, to), offset }
  })
  if (!only) throw malformed('no data object', options?.base ?? 0)
  if (second !== undefined) throw malformed('data after the object', second)
  return only
}

/** The object that `bytes` begin with (00 before it is padding); what follows it is not looked at. @throws Fault `tlv` */
export function readFirst(bytes: Uint8Array, options?: ReadOptions): Tlv {
  let first: Tlv | undefined
  scan(bytes, 0, bytes.length, options, (tag, offset, from, to) => {
    first = { tag, value: bytes.subarray(from, to), offset }
    return STOP
  })
  if (!first) throw malformed('no data object', options?.base ?? 0)
  return first
}

/** The objects inside the one template that `bytes` must be, as card responses are (`70`, `77`, `6F`). @throws Fault `tlv` */
export function readTemplate(bytes: Uint8Array, tag: number, options?: ReadOptions): Tlv[] {
  const template = readOne(bytes, options)
  if (template.tag !== tag) throw malformed(`template ${tagHex(tag)} expected, ${tagHex(template.tag)} found`, template.offset)
  const from = template.value.byteOffset - bytes.byteOffset
  const objects: Tlv[] = []
  scan(bytes, from, from + template.value.length, options, (inner, offset, start, end) =>
    objects.push({ tag: inner, value: bytes.subarray(start, end), offset }),
  )
  return objects
}

/** The first value of `tag` at this level. @throws Fault `tlv` */
export function find(bytes: Uint8Array, tag: number, options?: ReadOptions): Uint8Array | undefined {
  let value: Uint8Array | undefined
  scan(bytes, 0, bytes.length, options, (own, _, from, to) => {
    if (own === tag) value ??= bytes.subarray(from, to)
  })
  return value
}

/**
 * Every object, depth first, templates before what they hold. A template whose value is no BER-TLV throws, as does nesting deeper than MAX_DEPTH.
 * @throws Fault `tlv`
 */
export function walk(bytes: Uint8Array, options?: ReadOptions): NestedTlv[] {
  const base = options?.base ?? 0
  const objects: NestedTlv[] = []
  const visit = (at: number, end: number, path: readonly number[]) => {
    if (path.length > MAX_DEPTH) throw malformed(`templates nest deeper than ${MAX_DEPTH}`, base + at)
    scan(bytes, at, end, options, (tag, offset, from, to) => {
      objects.push({ tag, value: bytes.subarray(from, to), offset, path, valueOffset: base + from })
      if (isConstructed(tag)) visit(from, to, [...path, tag])
    })
  }
  visit(0, bytes.length, [])
  return objects
}

/** The first value of `tag` at any depth, in the order of `walk`. @throws Fault `tlv` */
export function findDeep(bytes: Uint8Array, tag: number, options?: ReadOptions): Uint8Array | undefined {
  return walk(bytes, options).find(object => object.tag === tag)?.value
}

/** One data object in bytes, with the shortest length form. @throws Fault `bad-argument` when the tag is none */
export function write(tag: number, value: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const parts = value instanceof Uint8Array ? [value] : value
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [...tagBytes(tag), ...lengthBytes(length)]
  const bytes = new Uint8Array(head.length + length)
  bytes.set(head)
  let at = head.length
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** The bytes of a tag. @throws Fault `bad-argument` when the number is no tag of 1 to 3 bytes */
export function tagBytes(tag: number): number[] {
  const bytes = tag > 0xffff ? [tag >>> 16, (tag >>> 8) & 0xff, tag & 0xff] : tag > 0xff ? [tag >>> 8, tag & 0xff] : [tag]
  const many = (bytes[0] & 0x1f) === 0x1f
  const [last] = bytes.slice(-1)
  const valid =
    Number.isInteger(tag) &&
    tag > 0 &&
    tag <= 0xffffff &&
    many === bytes.length > 1 &&
    (!many || (last < 0x80 && bytes.slice(1, -1).every(byte => byte >= 0x80)))
  if (!valid) throw new Fault('bad-argument', `${tag.toString(16).toUpperCase()} is no BER-TLV tag of 1 to 3 bytes`, { tag })
  return bytes
}

/** The tag as people write it: `9F02`. */
export function tagHex(tag: number): string {
  const digits = tag.toString(16).toUpperCase()
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}
