/** MPED framing: 10 02, payload with each 10 doubled, 10 03 or 10 17, CRC; and the sequences that stand alone between frames. */

import { concat, crc16, equal, joined } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder, Side } from '../../src/reader/side.ts'

const DLE = 0x10
const STX = 0x02
const ETX = 0x03
const ETB = 0x17

/** What follows the 10 of a sequence that stands alone (CmdIds.h). */
const controls = { ack: 0x06, nak: 0x15, end: 0x04, poll: 0x05 } as const
export type Control = keyof typeof controls

/** What is on the line, in either direction. */
export type LineItem =
  | { readonly type: Control }
  /** The payload of one frame, or of a part of it: then `last` is false. */
  | { readonly type: 'frame'; readonly data: Uint8Array; readonly last: boolean }
  /** Only received: a frame whose CRC is wrong. It is to be refused (NAK), and comes again. */
  | { readonly type: 'damaged' }

/** 10 02 before, 10 03 and the CRC after. */
const META = 6
/** The vendor's frame size before the reader names its own (HeftConnection.mm). */
export const MAX_FRAME = 200
/** What a host asks for (ComBufSize), and a reader of today has (MpedDevice.mm names 2048): each frame is a turn of the line, acknowledged and waited for. */
export const COM_BUFFER = 2048
/** A frame that must hold a doubled 10 (FrameManager.mm). */
export const MIN_FRAME = META + 2
/** The vendor's receive buffer (FrameManager.mm): a start whose end is further away is none. */
const LONGEST = 8192

/** Where the CRC begins. */
const SEED = 0

function escaped(data: Uint8Array): Uint8Array {
  const out: number[] = []
  for (const byte of data) out.push(byte, ...(byte === DLE ? [DLE] : []))
  return Uint8Array.from(out)
}

function frame(data: Uint8Array, last: boolean): Uint8Array {
  const body = concat(escaped(data), Uint8Array.of(DLE, last ? ETX : ETB))
  const crc = crc16(body, SEED)
  return concat(Uint8Array.of(DLE, STX), body, Uint8Array.of(crc >> 8, crc & 0xff))
}

/**
 * A payload cut into frames of at most `max` bytes, escapes and all; the last one says so.
 * @throws Fault `bad-argument` when `max` has no room for an escaped byte
 */
export function framesOf(payload: Uint8Array, max = MAX_FRAME): Uint8Array[] {
  if (!Number.isInteger(max) || max < MIN_FRAME)
    throw new Fault('bad-argument', `frame size ${max} is no whole number from ${MIN_FRAME} on`, { field: 'max' })
  const frames: Uint8Array[] = []
  let from = 0
  let room = max - META
  for (let at = 0; at < payload.length; at++) {
    const size = payload[at] === DLE ? 2 : 1
    if (size > room) {
      frames.push(frame(payload.subarray(from, at), false))
      from = at
      room = max - META
    }
    room -= size
  }
  frames.push(frame(payload.subarray(from), true))
  return frames
}

/**
 * Finds frames and sequences in a byte stream. Inside a frame a 10 is doubled or ends it; one that is neither was a false start, and the search goes on behind
 * its first byte. So it does where a frame never ends: `idle` lets go of it. Behind a false start a doubled 10 may be data, so no sequence is seen in it.
 */
function lineDecoder(): Decoder<LineItem> {
  let rest: Uint8Array = new Uint8Array(0)

  const scan = (bytes: Uint8Array, quiet: boolean): LineItem[] => {
    const items: LineItem[] = []
    let doubled = -1
    let at = bytes.indexOf(DLE)
    for (; at >= 0 && at + 1 < bytes.length; at = bytes.indexOf(DLE, at)) {
      const next = bytes[at + 1]
      const control = at === doubled ? undefined : (Object.keys(controls) as Control[]).find(name => controls[name] === next)
      if (control) {
        items.push({ type: control })
        at += 2
        continue
      }
      const found = next === STX ? readFrame(bytes, at) : 'none'
      if (found === 'more' && !quiet) break
      if (typeof found === 'object') {
        const right = found.item.type === 'damaged' ? behindFalseStart(bytes, at, found.end) : found
        items.push(right.item)
        at = right.end
      } else {
        if (next === DLE) doubled = at + 1
        at++
      }
    }
    rest = at < 0 || quiet ? new Uint8Array(0) : bytes.slice(at === doubled ? at - 1 : at)
    return items
  }

  return {
    push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false),
    idle: () => scan(rest, true),
  }
}

interface Found {
  readonly item: LineItem
  readonly end: number
}

/** The frame that begins at `start`: `more` while its end has not come, `none` where it is no frame. */
function readFrame(bytes: Uint8Array, start: number): Found | 'more' | 'none' {
  const data: number[] = []
  for (let at = start + 2; at < bytes.length; at++) {
    if (at - start > LONGEST) return 'none'
    if (bytes[at] !== DLE) {
      data.push(bytes[at])
      continue
    }
    if (at + 1 >= bytes.length) return 'more'
    const next = bytes[++at]
    if (next === DLE) data.push(DLE)
    else if (next !== ETX && next !== ETB) return 'none'
    else {
      const end = at + 3
      if (end > bytes.length) return 'more'
      const crc = (bytes[at + 1] << 8) | bytes[at + 2]
      if (crc16(bytes.subarray(start + 2, at + 1), SEED) === crc)
        return { item: { type: 'frame', data: Uint8Array.from(data), last: next === ETX }, end }
      return { item: { type: 'damaged' }, end }
    }
  }
  return 'more'
}

/** A false start may have taken in a good frame: by a 10 before it, which doubles the frame's own, or by two bytes of it as the check. */
function behindFalseStart(bytes: Uint8Array, start: number, end: number): Found {
  for (let at = bytes.indexOf(DLE, start + 1); at >= 0 && at < end; at = bytes.indexOf(DLE, at + 1)) {
    if (bytes[at + 1] !== STX) continue
    if (at === end - 2) return { item: { type: 'damaged' }, end: at }
    const inner = readFrame(bytes, at)
    if (typeof inner === 'object' && inner.item.type === 'frame') return inner
  }
  return { item: { type: 'damaged' }, end }
}

/** The line itself, the same on both sides: one frame or sequence at a time. What they carry is in `host` and `device`. */
export const line: Side<Exclude<LineItem, { type: 'damaged' }>, LineItem> = {
  encode: item => (item.type === 'frame' ? frame(item.data, item.last) : Uint8Array.of(DLE, controls[item.type])),
  decoder: lineDecoder,
}

/**
 * Puts the parts of a payload together. A peer that did not hear our ACK sends a part again: where the whole is too long by such repeats, they are dropped, and so is
 * the end of what had more than one part. `length` tells from the beginning of a payload how long it is to be.
 */
export function assembler(length: (head: Uint8Array) => number | undefined): (part: Uint8Array, last: boolean) => Uint8Array | undefined {
  let parts: Uint8Array[] = []
  let size = 0
  let end: Uint8Array | undefined
  return (part, last) => {
    if (last && end && parts.length === 0 && equal(part, end)) return undefined
    end = undefined
    if (part.length > 0) parts.push(part)
    size += part.length
    if (last) {
      const all = parts
      const [whole, once] = [joined(all), all.filter((one, index) => index === 0 || !equal(one, all[index - 1]))]
      parts = []
      size = 0
      const right = whole.length !== length(whole) && once.length < all.length ? joined(once) : whole
      // What stands behind the rest of something else is no end of it, and may be said again for ever.
      if (all.length > 1 && right.length === length(right)) end = part
      return right
    }
    if (size > MAX_PAYLOAD) {
      parts = []
      size = 0
    }
    return undefined
  }
}

/** The longest payload that is kept while its parts come: a receipt each for merchant and customer, and XML, have room in it. */
const MAX_PAYLOAD = 1 << 16
