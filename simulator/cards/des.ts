/** Triple DES of a virtual card and its issuer, on node:crypto: the kernel's side has its own in `src/crypto`, so that the two check each other. */

import { createCipheriv, createDecipheriv } from 'node:crypto'
import { concat } from '../../src/bytes.ts'

/** `key` of 8 or 16 bytes as the 24 that OpenSSL wants; single DES is triple DES with one key. */
function tripled(key: Uint8Array): Uint8Array {
  return key.length === 8 ? concat(key, key, key) : concat(key, key.subarray(0, 8))
}

/** ECB without padding; `key` of 8 (DES) or 16 bytes (two-key triple DES). */
export function encryptEcb(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv('des-ede3', tripled(key), null).setAutoPadding(false)
  return concat(cipher.update(blocks), cipher.final())
}

export function decryptEcb(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('des-ede3', tripled(key), null).setAutoPadding(false)
  return concat(cipher.update(blocks), cipher.final())
}

/** CBC with a zero initial vector, without padding. */
export function decryptCbc(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('des-ede3-cbc', tripled(key), new Uint8Array(8)).setAutoPadding(false)
  return concat(cipher.update(blocks), cipher.final())
}

/** ISO/IEC 9797-1 MAC algorithm 3 (EMV 4.4 Book 2, A1.2): DES-CBC with the left half, the last block finished with both. */
export function retailMac(key: Uint8Array, padded: Uint8Array): Uint8Array {
  const [left, right] = [key.subarray(0, 8), key.subarray(8)]
  const cipher = createCipheriv('des-ede3-cbc', tripled(left), new Uint8Array(8)).setAutoPadding(false)
  const chained = concat(cipher.update(padded), cipher.final())
  return encryptEcb(left, decryptEcb(right, chained.subarray(-8)))
}

/** ISO/IEC 9797-1 padding: `zeros` (method 1) adds none to a whole block, `bit` (method 2) always adds 80. */
export function pad(data: Uint8Array, method: 'zeros' | 'bit'): Uint8Array {
  const marked = method === 'bit' ? concat(data, Uint8Array.of(0x80)) : data
  return concat(marked, new Uint8Array((8 - (marked.length % 8)) % 8))
}

/** Every byte with odd parity, as DES keys are written. */
export function withOddParity(key: Uint8Array): Uint8Array {
  return key.map(byte => {
    let ones = 0
    for (let rest = byte >> 1; rest > 0; rest >>= 1) ones += rest & 1
    return (byte & 0xfe) | (ones % 2 === 0 ? 1 : 0)
  })
}
