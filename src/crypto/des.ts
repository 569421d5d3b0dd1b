/** DES and triple DES in ECB and CBC, without padding; the key's length tells which (8, 16 or 24 bytes). */

import des from 'des.js'
import { Fault } from '../errors.ts'

/** Bytes of a block. */
export const blockSize = 8

/** A key as three single ones: 16 bytes are K1 K2 K1 (ISO/IEC 18033-3, keying option 2). */
function cipher(type: 'encrypt' | 'decrypt', key: Uint8Array) {
  if (key.length === 8) return des.DES.create({ type, key, padding: false })
  if (key.length === 16) return des.EDE.create({ type, key: [...key, ...key.subarray(0, 8)], padding: false })
  if (key.length === 24) return des.EDE.create({ type, key, padding: false })
  throw new Fault('bad-key', `DES key has ${key.length} bytes, the rule is 8, 16 or 24`, { length: key.length })
}

function wholeBlocks(data: Uint8Array): Uint8Array {
  if (data.length % blockSize !== 0)
    throw new Fault('bad-argument', `DES data has ${data.length} bytes, the rule is a multiple of ${blockSize}`, { length: data.length })
  return data
}

/** @throws Fault `bad-key`, `bad-argument` */
export function encryptEcb(key: Uint8Array, data: Uint8Array): Uint8Array {
  return Uint8Array.from(cipher('encrypt', key).update(wholeBlocks(data)))
}

/** @throws Fault `bad-key`, `bad-argument` */
export function decryptEcb(key: Uint8Array, data: Uint8Array): Uint8Array {
  const engine = cipher('decrypt', key)
  if (wholeBlocks(data).length === 0) return new Uint8Array()
  return Uint8Array.from([...engine.update(data), ...engine.final()]) // des.js keeps the last block back for its own padding
}

/** @param iv 8 bytes, zeros when left out. @throws Fault `bad-key`, `bad-argument` */
export function encryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array = new Uint8Array(blockSize)): Uint8Array {
  const engine = cipher('encrypt', key)
  const out = new Uint8Array(wholeBlocks(data).length)
  let chain: ArrayLike<number> = oneBlock(iv)
  for (let at = 0; at < data.length; at += blockSize) {
    chain = engine.update(data.subarray(at, at + blockSize).map((byte, i) => byte ^ chain[i]))
    out.set(chain, at)
  }
  return out
}

/** @param iv 8 bytes, zeros when left out. @throws Fault `bad-key`, `bad-argument` */
export function decryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array = new Uint8Array(blockSize)): Uint8Array {
  oneBlock(iv)
  return decryptEcb(key, data).map((byte, i) => byte ^ (i < blockSize ? iv[i] : data[i - blockSize]))
}

function oneBlock(iv: Uint8Array): Uint8Array {
  if (iv.length !== blockSize) throw new Fault('bad-argument', `DES initial vector has ${iv.length} bytes, the rule is ${blockSize}`)
  return iv
}

/** The key with every byte's lowest bit set so that the byte has an odd number of ones (FIPS 46-3). */
export function oddParity(key: Uint8Array): Uint8Array {
  return key.map(byte => {
    let ones = 0
    for (let rest = byte >> 1; rest > 0; rest >>= 1) ones ^= rest & 1
    return (byte & 0xfe) | (ones ^ 1)
  })
}

/** Key check value: the first 3 bytes of an enciphered block of zeros. */
export function checkValue(key: Uint8Array): Uint8Array {
  return encryptEcb(key, new Uint8Array(blockSize)).subarray(0, 3)
}
