/** Finds frames in a byte stream: the one loop behind all of MagTek's framings, and the records of a line with several pipes. */

import { concat, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'

/** What stands at the beginning of some bytes: a frame of `size` bytes (without a value where it is padding, or part of more), not all of one yet, or none. */
export type Found<T> = { readonly size: number; readonly value?: T } | 'more' | 'none'

/** `parse` sees the bytes from each place on where a frame may begin; where there is none the search goes on at the next byte. */
export function scanner<T>(parse: (bytes: Uint8Array) => Found<T>): Decoder<T> {
  let rest: Uint8Array = new Uint8Array(0)
  const scan = (bytes: Uint8Array, quiet: boolean): T[] => {
    const values: T[] = []
    let at = 0
    while (at < bytes.length) {
      const found = parse(bytes.subarray(at))
      if (found === 'more' && !quiet) break
      if (found === 'more' || found === 'none') at++
      else {
        if (found.value !== undefined) values.push(found.value)
        at += found.size
      }
    }
    rest = bytes.slice(at)
    return values
  }
  return { push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false), idle: () => scan(rest, true) }
}

/** The values that `next` makes of each value of `inner`. */
export function through<A, B>(inner: Decoder<A>, next: (value: A) => readonly B[]): Decoder<B> {
  return { push: chunk => inner.push(chunk).flatMap(next), idle: () => inner.idle().flatMap(next) }
}

/** One report of HID, or one value of a GATT characteristic (`Channel`, src/transport/shape.ts). */
export interface PipeRecord {
  readonly channel: number
  readonly bytes: Uint8Array
}

/** No report and no characteristic is longer; what promises more is no record. */
const MAX_RECORD = 4096

/** channel (1) · length (2, big-endian) · bytes. @throws Fault `bad-argument` */
export function encodeRecord({ channel, bytes }: PipeRecord): Uint8Array {
  if (bytes.length > MAX_RECORD)
    throw new Fault('bad-argument', `a record of ${bytes.length} bytes exceeds ${MAX_RECORD}`, { field: 'bytes' })
  return concat(Uint8Array.of(channel, bytes.length >> 8, bytes.length & 0xff), bytes)
}

/** Records of `channels`; the transport makes them, so that what is on no known channel is noise. */
export function recordDecoder(channels: readonly number[]): Decoder<PipeRecord> {
  return scanner(bytes => {
    if (!channels.includes(bytes[0])) return 'none'
    if (bytes.length < 3) return 'more'
    const length = uint(bytes.subarray(1, 3))
    if (length === 0 || length > MAX_RECORD) return 'none'
    const size = 3 + length
    return bytes.length < size ? 'more' : { size, value: { channel: bytes[0], bytes: bytes.slice(3, size) } }
  })
}

/** buffer-layout reads through Buffer's methods; this is a view, nothing is copied. */
export function view(bytes: Uint8Array): Uint8Array {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
