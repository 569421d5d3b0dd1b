/** QPOS framing: 4D, length, CmdID, code, sub-code, delay or result, data length, data, LRC. */

import { concat, lrc } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'
import { struct, u8, u16be } from '../../src/tlv/layout.ts'

/** One frame without its redundancy: both directions have this shape. */
export interface Frame {
  /** CmdID: downlink the kind of request, uplink the outcome. */
  readonly id: number
  readonly code: number
  readonly sub: number
  /** Downlink: seconds the reader may take. Uplink: result code, 0 for success. */
  readonly parameter: number
  readonly data: Uint8Array
}

/** The vendor's receive buffer (webBluetooth.js): no frame is longer. */
export const MAX_FRAME = 10240
const START = 0x4d

const head = struct([
  u8('start'),
  u16be('length'), // CmdID … last data byte
  u8('id'),
  u8('code'),
  u8('sub'),
  u8('parameter'),
  u16be('dataLength'),
])
/** CmdID, code, sub-code, parameter and the data length itself are counted in `length`. */
const COUNTED = 6
const OVERHEAD = head.span + 1
export const MAX_DATA = MAX_FRAME - OVERHEAD

const isByte = (value: number) => (value & 0xff) === value

/** @throws Fault `bad-argument` when the data exceeds the receive buffer of either side or a field is no byte */
export function encodeFrame({ id, code, sub, parameter, data }: Frame): Uint8Array {
  if (data.length > MAX_DATA)
    throw new Fault('bad-argument', `data of ${data.length} bytes exceeds ${MAX_DATA}, the largest of a QPOS frame`, { field: 'data' })
  if (!(isByte(id) && isByte(code) && isByte(sub) && isByte(parameter)))
    for (const [field, value] of Object.entries({ id, code, sub, parameter }))
      if (!isByte(value)) throw new Fault('bad-argument', `${field} ${value} is no byte`, { field })
  const bytes = new Uint8Array(OVERHEAD + data.length)
  head.encode({ start: START, length: COUNTED + data.length, id, code, sub, parameter, dataLength: data.length }, bytes)
  bytes.set(data, head.span)
  bytes[bytes.length - 1] = lrc(bytes)
  return bytes
}

/** How long the frame is that `bytes` begins with: 0 while that cannot be told, or not all of it is there; undefined where none begins. */
export function frameLength(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== START) return undefined
  if (bytes.length < head.span) return 0
  // Asked for every piece of the line that is recorded: without the other fields of the head.
  const length = bytes[1] * 256 + bytes[2]
  const dataLength = bytes[7] * 256 + bytes[8]
  const total = OVERHEAD + dataLength
  if (length !== COUNTED + dataLength || total > MAX_FRAME) return undefined
  return bytes.length < total ? 0 : total
}

/**
 * Finds frames in a byte stream. A start byte is believed when both lengths agree and fit the buffer, the frame when its LRC is right;
 * otherwise the search goes on at the next byte, so that a false start costs no good frame. Keeps less than `MAX_FRAME` bytes.
 */
export function frameDecoder(): Decoder<Frame> {
  let rest: Uint8Array = new Uint8Array(0)

  /** Frames in `bytes`; what may still become one stays in `rest`, unless nothing more is coming. */
  const scan = (bytes: Uint8Array, quiet: boolean): Frame[] => {
    const frames: Frame[] = []
    let at = bytes.indexOf(START)
    for (; at >= 0; at = bytes.indexOf(START, at)) {
      const left = bytes.length - at
      if (left < head.span) {
        if (!quiet) break
        at++
        continue
      }
      const { length, id, code, sub, parameter, dataLength } = head.decode(bytes, at)
      const total = OVERHEAD + dataLength
      if (length !== COUNTED + dataLength || total > MAX_FRAME) at++
      else if (left < total) {
        if (!quiet) break
        at++
      } else if (lrc(bytes.subarray(at, at + total)) !== 0) at++
      else {
        frames.push({ id, code, sub, parameter, data: bytes.slice(at + head.span, at + total - 1) })
        at += total
      }
    }
    rest = at < 0 || quiet ? new Uint8Array(0) : bytes.slice(at)
    return frames
  }

  return {
    push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false),
    idle: () => scan(rest, true),
  }
}
