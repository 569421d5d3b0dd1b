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

/** How far behind a record that may be a false start the true one is looked for: noise is short. */
const FALSE_START = 64

/**
 * Records of `channels`; the transport makes them, so that what is on no known channel is noise. They have no check, so noise may look like the beginning of a record and
 * swallow the one behind it: where no record follows it, or the line goes quiet before its end, and some that begin a little later end with the last byte, it is noise.
 */
export function recordDecoder(channels: readonly number[]): Decoder<PipeRecord> {
  const sizeAt = (bytes: Uint8Array, at: number): number | 'more' | 'none' => {
    if (!channels.includes(bytes[at])) return 'none'
    if (bytes.length - at < HEAD) return 'more'
    const length = uint(bytes.subarray(at + 1, at + HEAD))
    if (length === 0 || length > MAX_RECORD) return 'none'
    return bytes.length - at < HEAD + length ? 'more' : HEAD + length
  }
  let rest: Uint8Array = new Uint8Array(0)

  const scan = (bytes: Uint8Array, quiet: boolean): PipeRecord[] => {
    const records: PipeRecord[] = []
    /** By place: what the records from there on come to. */
    const known = new Map<number, 'end' | 'more' | 'none'>([[bytes.length, 'end']])
    const leadsTo = (from: number): 'end' | 'more' | 'none' => {
      const passed: number[] = []
      let at = from
      while (!known.has(at)) {
        passed.push(at)
        const size = sizeAt(bytes, at)
        if (typeof size === 'string') known.set(at, size)
        else at += size
      }
      for (const one of passed) known.set(one, known.get(at)!)
      return known.get(at)!
    }
    const behind = (at: number, end: number): number | undefined => {
      for (let later = at + 1; later < Math.min(end, at + FALSE_START); later++) if (leadsTo(later) === 'end') return later
      return undefined
    }
    let at = 0
    while (at < bytes.length) {
      const size = sizeAt(bytes, at)
      const end = typeof size === 'number' ? at + size : bytes.length
      const leads = leadsTo(at)
      const doubtful = leads === 'more' || (leads === 'none' && typeof size === 'number')
      const right = doubtful ? behind(at, end) : undefined
      // More of it may still come, which decides.
      if (right !== undefined && leads === 'more' && !quiet) break
      if (right !== undefined) at = right
      else if (size === 'more' && !quiet) break
      else if (typeof size === 'string') at++
      else {
        records.push({ channel: bytes[at], bytes: bytes.slice(at + HEAD, end) })
        at = end
      }
    }
    rest = bytes.slice(at)
    return records
  }
  return { push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false), idle: () => scan(rest, true) }
}

/** Channel and length of a record. */
const HEAD = 3
