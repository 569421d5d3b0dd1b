/** Message authentication codes: ISO/IEC 9797-1 algorithms 1 and 3 with their paddings, and CMAC (NIST SP 800-38B), on DES or AES. */

import { concat, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as aes from './aes.ts'
import * as des from './des.ts'

/** Method 1 fills with zeros (an empty message becomes one block), method 2 appends 80 first. */
export type Padding = 1 | 2

/** @throws Fault `bad-argument` */
export function pad(data: Uint8Array, padding: Padding, blockSize = 8): Uint8Array {
  if (padding !== 1 && padding !== 2) throw new Fault('bad-argument', `ISO 9797-1 padding method is ${padding}, the rule is 1 or 2`)
  const message = padding === 2 ? concat(data, Uint8Array.of(0x80)) : data
  const padded = new Uint8Array(Math.max(1, Math.ceil(message.length / blockSize)) * blockSize)
  padded.set(message)
  return padded
}

/** The data before padding method 2; undefined when there is no such padding. */
export function unpad2(data: Uint8Array): Uint8Array | undefined {
  let at = data.length - 1
  while (at >= 0 && data[at] === 0x00) at--
  return at >= 0 && data[at] === 0x80 ? data.subarray(0, at) : undefined
}

/** ISO/IEC 9797-1 MAC algorithm 1: the last block of a CBC encipherment, 8 bytes; with a 16 or 24-byte key every block is triple DES. */
export function macAlgorithm1(key: Uint8Array, data: Uint8Array, padding: Padding = 2): Uint8Array {
  return des.encryptCbc(key, pad(data, padding)).slice(-8)
}

/** ISO/IEC 9797-1 MAC algorithm 3 ("retail MAC"): single DES along the message, triple DES at its end, 8 bytes. @throws Fault `bad-key` */
export function macAlgorithm3(key: Uint8Array, data: Uint8Array, padding: Padding = 2): Uint8Array {
  if (key.length !== 16) throw new Fault('bad-key', `retail MAC key has ${key.length} bytes, the rule is 16`, { length: key.length })
  const left = key.subarray(0, 8)
  const chained = des.encryptCbc(left, pad(data, padding)).slice(-8)
  return des.encryptEcb(left, des.decryptEcb(key.subarray(8), chained))
}

/** CMAC with AES, 16 bytes. @throws Fault `bad-key` */
export function aesCmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return cmac(aes, 0x87, key, data)
}

/** CMAC with (triple) DES, 8 bytes. @throws Fault `bad-key` */
export function desCmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return cmac(des, 0x1b, key, data)
}

function cmac(cipher: typeof aes | typeof des, polynomial: number, key: Uint8Array, data: Uint8Array): Uint8Array {
  const size = cipher.blockSize
  const doubled = (block: Uint8Array) => {
    const out = block.map((byte, i) => (byte << 1) | ((block[i + 1] ?? 0) >> 7))
    if (block[0] & 0x80) out[size - 1] ^= polynomial
    return out
  }
  const first = doubled(cipher.encryptEcb(key, new Uint8Array(size)))
  const complete = data.length > 0 && data.length % size === 0
  const message = complete ? data.slice() : pad(data, 2, size)
  message.set(xor(message.subarray(-size), complete ? first : doubled(first)), message.length - size)
  return cipher.encryptCbc(key, message).slice(-size)
}
