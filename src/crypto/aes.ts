/** AES-128, -192 and -256 in ECB, CBC and CTR, without padding. */

import { cbc, ctr, ecb } from '@noble/ciphers/aes.js'
import { Fault } from '../errors.ts'

/** Bytes of a block. */
export const blockSize = 16
const noPadding = { disablePadding: true }

function checked(key: Uint8Array, data: Uint8Array, iv?: Uint8Array): void {
  if (![16, 24, 32].includes(key.length))
    throw new Fault('bad-key', `AES key has ${key.length} bytes, the rule is 16, 24 or 32`, { length: key.length })
  if (data.length % blockSize !== 0)
    throw new Fault('bad-argument', `AES data has ${data.length} bytes, the rule is a multiple of ${blockSize}`, { length: data.length })
  if (iv && iv.length !== blockSize) throw new Fault('bad-argument', `AES initial vector has ${iv.length} bytes, the rule is ${blockSize}`)
}

/** @throws Fault `bad-key`, `bad-argument` */
export function encryptEcb(key: Uint8Array, data: Uint8Array): Uint8Array {
  checked(key, data)
  return ecb(key, noPadding).encrypt(data)
}

/** @throws Fault `bad-key`, `bad-argument` */
export function decryptEcb(key: Uint8Array, data: Uint8Array): Uint8Array {
  checked(key, data)
  return data.length === 0 ? new Uint8Array() : ecb(key, noPadding).decrypt(data)
}

/** @param iv 16 bytes, zeros when left out. @throws Fault `bad-key`, `bad-argument` */
export function encryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array = new Uint8Array(blockSize)): Uint8Array {
  checked(key, data, iv)
  return cbc(key, iv, noPadding).encrypt(data)
}

/** @param iv 16 bytes, zeros when left out. @throws Fault `bad-key`, `bad-argument` */
export function decryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array = new Uint8Array(blockSize)): Uint8Array {
  checked(key, data, iv)
  return data.length === 0 ? new Uint8Array() : cbc(key, iv, noPadding).decrypt(data)
}

/** Counter mode, both directions. @param counter the first counter block, 16 bytes. @throws Fault `bad-key`, `bad-argument` */
export function applyCtr(key: Uint8Array, data: Uint8Array, counter: Uint8Array): Uint8Array {
  checked(key, new Uint8Array(), counter)
  return ctr(key, counter).encrypt(data)
}
