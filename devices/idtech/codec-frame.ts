/** ID TECH ViVOtech2 framing: header, command, sub-command or status, length, data, CRC-16 in a byte order of its own for each side. */

import { concat, crc16, equal, fromText, fromUint, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'

/** `lsb`: low byte of the CRC first. A host's commands have it so; most pass-through commands, and whatever a reader says, the other way. */
export type CrcOrder = 'lsb' | 'msb'

export interface Frame {
  readonly command: number
  /** Sub-command of a command, status of an answer. */
  readonly second: number
  readonly data: Uint8Array
  readonly order: CrcOrder
}

const HEADER = concat(fromText('ViVOtech2'), Uint8Array.of(0))
const HEAD = HEADER.length + 4
const CRC = 2
/** The most that is believed of a length: a bound of ours, above any answer with tracks and tags. */
export const MAX_DATA = 8192

/** Where the CRC begins (CRC-16/CCITT-FALSE). */
const SEED = 0xffff

/** @throws Fault `bad-argument` for what no frame can carry */
export function encodeFrame({ command, second, data, order }: Frame): Uint8Array {
  if (data.length > MAX_DATA) throw new Fault('bad-argument', `data of ${data.length} bytes: a frame takes ${MAX_DATA}`, { field: 'data' })
  const body = concat(HEADER, fromUint(command, 1), fromUint(second, 1), fromUint(data.length, 2), data)
  const crc = fromUint(crc16(body, SEED), CRC)
  return concat(body, order === 'lsb' ? crc.reverse() : crc)
}

/**
 * Finds frames in a byte stream, between whatever else there is: reports are padded with zeros. Where both orders of the CRC are right, `prefer` decides.
 * @param prefer by command and second byte
 */
export function frameDecoder(prefer: (command: number, second: number) => CrcOrder): Decoder<Frame> {
  let rest: Uint8Array = new Uint8Array(0)

  const scan = (bytes: Uint8Array, quiet: boolean): Frame[] => {
    const frames: Frame[] = []
    let at = bytes.indexOf(HEADER[0])
    for (; at >= 0; at = bytes.indexOf(HEADER[0], at)) {
      const begun = bytes.subarray(at, at + HEADER.length)
      if (!equal(begun, HEADER.subarray(0, begun.length))) {
        at++
        continue
      }
      const length = bytes.length - at >= HEAD ? uint(bytes.subarray(at + HEAD - 2, at + HEAD)) : 0
      const end = at + HEAD + length + CRC
      if (length <= MAX_DATA && end > bytes.length && !quiet) break
      const frame = length <= MAX_DATA && end <= bytes.length ? read(bytes.subarray(at, end), prefer) : undefined
      if (frame) frames.push(frame)
      at = frame ? end : at + 1
    }
    rest = at < 0 || quiet ? new Uint8Array(0) : bytes.slice(at)
    return frames
  }

  return {
    push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false),
    idle: () => scan(rest, true),
  }
}

function read(bytes: Uint8Array, prefer: (command: number, second: number) => CrcOrder): Frame | undefined {
  const crc = crc16(bytes.subarray(0, -CRC), SEED)
  const [first, last] = bytes.subarray(-CRC)
  const msb = ((first << 8) | last) === crc
  const lsb = ((last << 8) | first) === crc
  if (!msb && !lsb) return undefined
  const [command, second] = bytes.subarray(HEADER.length)
  const order = msb && lsb ? prefer(command, second) : msb ? 'msb' : 'lsb'
  return { command, second, data: bytes.slice(HEAD, -CRC), order }
}
