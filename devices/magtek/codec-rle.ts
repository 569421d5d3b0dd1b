/** Run-length coding of card data and notifications over Bluetooth: a byte that comes twice in a row is followed by how often it comes in all. */

import { Fault } from '../../src/errors.ts'

/** Runs of 2 to 255 become three bytes. */
export function encodeRle(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at]
    let run = 1
    while (run < 255 && bytes[at + run] === byte) run++
    if (run === 1) out.push(byte)
    else out.push(byte, byte, run)
    at += run
  }
  return Uint8Array.from(out)
}

/** What is coded begins with its own length, in two bytes. */
const LONGEST = 2 + 0xffff

/**
 * A pair at the very end, without its count, stands for itself (Magensa/magensa-bluetooth reads it so). Three bytes can stand for 255: what grows beyond its own length bytes ends there.
 * @throws Fault `protocol`
 */
export function decodeRle(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(LONGEST)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const pair = bytes[at] === bytes[at + 1] && at + 2 < bytes.length
    const run = pair ? bytes[at + 2] : 1
    if (length + run > LONGEST)
      throw new Fault('protocol', `run-length coded data have more than ${LONGEST} bytes`, { length: bytes.length, limit: LONGEST })
    out.fill(bytes[at], length, length + run)
    length += run
    if (pair) at += 2
  }
  return out.slice(0, length)
}
