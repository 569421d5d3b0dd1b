/** BER-TLV as EMV 4.4 Book 3, Annex B and ISO/IEC 7816-4 allow it: a strict, zero-copy reader and a writer. */

import { Fault } from '../errors.ts'

/** One data object; `value` is a view into the bytes that were read. */
export interface Tlv {
  /** The tag as a number, 0x9F02 for `9F 02`. */
  readonly tag: number
  readonly value: Uint8Array
  /** Where the tag begins in the bytes that were read. */
  readonly offset: number
}

export interface ReadOptions {
  /** Added to every reported offset. */
  readonly base?: number
}

/** Whether the tag is of a constructed object (b6 of its first byte). */
export function isConstructed(tag: number): boolean {
  const first = tag > 0xffff ? tag >>> 16 : tag > 0xff ? tag >>> 8 : tag
  return (first & 0x20) !== 0
}

function malformed(rule: string, offset: number): Fault {
  return new Fault('tlv', `${rule} at offset ${offset}`, { rule, offset })
}

/**
 * The data objects of one level, in order. `00` and `FF` bytes between objects are skipped (Book 3, Annex B1 allows `00`; cards pad with `FF` as well).
 * Tags have 1–3 bytes, lengths 1–4 bytes after an optional 81–84.
 * @throws Fault `tlv` with details.rule and details.offset
 */
export function read(bytes: Uint8Array, options: ReadOptions = {}): Tlv[] {
  const base = options.base ?? 0
  const objects: Tlv[] = []
  const end = bytes.length
  let at = 0
  while (at < end) {
    let tag = bytes[at]
    if (tag === 0x00 || tag === 0xff) {
      at++
      continue
    }
    const offset = at++
    if ((tag & 0x1f) === 0x1f) {
      for (let more = true; more; ) {
        if (at >= end) throw malformed('tag is truncated', base + offset)
        if (at - offset === 3) throw malformed('tag is longer than 3 bytes', base + offset)
        more = bytes[at] >= 0x80
        tag = tag * 256 + bytes[at++]
      }
    }
    if (at >= end) throw malformed('length is missing', base + at)
    let length = bytes[at++]
    if (length >= 0x80) {
      const size = length & 0x7f
      if (size === 0) throw malformed('indefinite length is not allowed', base + at - 1)
      if (size > 4) throw malformed('length has more than 4 bytes', base + at - 1)
      if (at + size > end) throw malformed('length is truncated', base + at - 1)
      length = 0
      for (let i = 0; i < size; i++) length = length * 256 + bytes[at++]
    }
    if (length > end - at) throw malformed(`value of ${length} bytes exceeds the ${end - at} that follow`, base + at)
    objects.push({ tag, value: bytes.subarray(at, at + length), offset: base + offset })
    at += length
  }
  return objects
}

/** The one object that `bytes` must hold. @throws Fault `tlv` */
export function readOne(bytes: Uint8Array): Tlv {
  const objects = read(bytes)
  if (objects.length !== 1) throw malformed(objects.length === 0 ? 'no data object' : 'data after the object', objects[1]?.offset ?? 0)
  return objects[0]
}

/** The first value of `tag` at this level. @throws Fault `tlv` */
export function find(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  return read(bytes).find(object => object.tag === tag)?.value
}

/** One data object in bytes, with the shortest length form. @throws Fault `bad-argument` */
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

/** The bytes of a tag. @throws Fault `bad-argument` when the number is no tag */
export function tagBytes(tag: number): number[] {
  const bytes = tag > 0xffff ? [tag >>> 16, (tag >>> 8) & 0xff, tag & 0xff] : tag > 0xff ? [tag >>> 8, tag & 0xff] : [tag]
  const many = (bytes[0] & 0x1f) === 0x1f
  const last = bytes.at(-1)!
  const middle = bytes.slice(1, -1)
  const valid =
    Number.isInteger(tag) &&
    tag > 0 &&
    tag <= 0xffffff &&
    bytes[0] !== 0xff + 1 &&
    many === bytes.length > 1 &&
    (!many || (last < 0x80 && middle.every(byte => byte >= 0x80)))
  if (!valid) throw new Fault('bad-argument', `${tag.toString(16).toUpperCase()} is no BER-TLV tag of 1 to 3 bytes`, { tag })
  return bytes
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}
