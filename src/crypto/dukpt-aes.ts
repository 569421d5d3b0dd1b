/** DUKPT with AES (ANSI X9.24-3:2017): intermediate keys are AES, working keys AES, TDES or HMAC, one for each usage. */

import { concat, fromUint, hex, uint } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as aes from './aes.ts'

/** Key types with their algorithm's code, length and strength in bits (X9.24-3:2017, 6.2.2, 6.3.2). */
const types = {
  TDES2: { code: 0, bits: 128, strength: 80 },
  TDES3: { code: 1, bits: 192, strength: 112 },
  AES128: { code: 2, bits: 128, strength: 128 },
  AES192: { code: 3, bits: 192, strength: 192 },
  AES256: { code: 4, bits: 256, strength: 256 },
  HMAC128: { code: 5, bits: 128, strength: 128 },
  HMAC192: { code: 5, bits: 192, strength: 192 },
  HMAC256: { code: 5, bits: 256, strength: 256 },
} as const

/** What a working key is for: an algorithm with the bits of its key. */
export type AesDukptKeyType = keyof typeof types

const usages = {
  keyEncryption: 0x0002,
  pinEncryption: 0x1000,
  macGeneration: 0x2000,
  macVerification: 0x2001,
  macBoth: 0x2002,
  dataEncrypt: 0x3000,
  dataDecrypt: 0x3001,
  dataBoth: 0x3002,
} as const

/** What a working key may be used for (X9.24-3:2017, 6.3.2). */
export type AesDukptUsage = keyof typeof usages

const derivation = 0x8000
const initial = 0x8001
const maxCounter = 0xffff0000

function aesType(key: Uint8Array, field: string): AesDukptKeyType {
  const type = `AES${key.length * 8}`
  if (type === 'AES128' || type === 'AES192' || type === 'AES256') return type
  throw new Fault('bad-key', `${field} has ${key.length} bytes, the rule is 16, 24 or 32`, { field, length: key.length })
}

/** The key derivation function (6.3.1): as many blocks of enciphered derivation data as the key needs. `data` follows usage, type and length. */
function derive(key: Uint8Array, usage: number, type: AesDukptKeyType, data: Uint8Array): Uint8Array {
  const { code, bits } = types[type]
  const blocks = Array.from({ length: Math.ceil(bits / 128) }, (_, i) =>
    concat(Uint8Array.of(0x01, i + 1), fromUint(usage, 2), fromUint(code, 2), fromUint(bits, 2), data),
  )
  return aes.encryptEcb(key, concat(...blocks)).slice(0, bits / 8)
}

function checkKsn(ksn: Uint8Array): Uint8Array {
  if (ksn.length !== 12)
    throw new Fault('bad-argument', `key serial number has ${ksn.length} bytes, the rule is 12`, { field: 'ksn', length: ksn.length })
  return ksn
}

/** The derivation data of a counter: the right half of the initial key ID and the counter (6.3.2). */
function at(ksn: Uint8Array, counter: number): Uint8Array {
  return concat(ksn.subarray(4, 8), fromUint(counter, 4))
}

/** The initial key of a device. @param id initial key ID, 8 bytes (BDK ID and derivation ID). @throws Fault `bad-key`, `bad-argument` */
export function aesInitialKey(bdk: Uint8Array, id: Uint8Array): Uint8Array {
  if (id.length !== 8) throw new Fault('bad-argument', `initial key ID has ${id.length} bytes, the rule is 8`, { field: 'id' })
  return derive(bdk, initial, aesType(bdk, 'base derivation key'), id)
}

/** The intermediate key of one transaction. @param key the device's initial key @param ksn 12 bytes. @throws Fault `bad-key`, `bad-argument` */
export function aesTransactionKey(key: Uint8Array, ksn: Uint8Array): Uint8Array {
  const type = aesType(key, 'initial key')
  const target = uint(checkKsn(ksn).subarray(8))
  let counter = 0
  for (let bit = 31; bit >= 0; bit--) {
    if (Math.floor(target / 2 ** bit) % 2 === 0) continue
    counter += 2 ** bit
    key = derive(key, derivation, type, at(ksn, counter))
  }
  return key
}

/**
 * A working key of a transaction; it may not be stronger than the intermediate key (X9.24-3:2017, 6.1.3).
 * @throws Fault `bad-key`, `bad-argument`
 */
export function aesWorkingKey(
  transaction: Uint8Array,
  ksn: Uint8Array,
  usage: AesDukptUsage,
  type: AesDukptKeyType = 'AES128',
): Uint8Array {
  const own = aesType(transaction, 'transaction key')
  if (types[type].strength > types[own].strength)
    throw new Fault('bad-argument', `working key ${type} is stronger than the ${own} key it would come from`, { field: 'type' })
  return derive(transaction, usages[usage], type, at(ksn, uint(checkKsn(ksn).subarray(8))))
}

/** The key that enciphers a new initial key for the device: counter FFFFFFFF, usage key encryption (6.5.4). */
export function aesUpdateKey(
  initialKey: Uint8Array,
  id: Uint8Array,
  type: AesDukptKeyType = aesType(initialKey, 'initial key'),
): Uint8Array {
  const ksn = concat(id, fromUint(0xffffffff, 4))
  return aesWorkingKey(aesTransactionKey(initialKey, ksn), ksn, 'keyEncryption', type)
}

function ones(counter: number): number {
  let count = 0
  for (let rest = counter; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2
  return count
}

/** The lowest bit that is set, as a number 0–31. */
function lowestBit(counter: number): number {
  let bit = 0
  while (Math.floor(counter / 2 ** bit) % 2 === 0) bit++
  return bit
}

/** The originating device: 32 intermediate key registers and a counter of at most sixteen ones; used keys are erased. */
export class AesDukptDevice {
  readonly #future: (Uint8Array | undefined)[] = new Array(32)
  readonly #id: Uint8Array
  readonly #type: AesDukptKeyType
  #counter: number

  /**
   * @param ksn the first key serial number to use, 12 bytes; with counter zero a new device, whose first transaction is number 1
   * @throws Fault `bad-key`, `bad-argument`
   */
  constructor(initialKey: Uint8Array, ksn: Uint8Array) {
    this.#type = aesType(initialKey, 'initial key')
    this.#id = checkKsn(ksn).slice(0, 8)
    this.#counter = uint(ksn.subarray(8)) || 1
    if (ones(this.#counter) > 16)
      throw new Fault('bad-argument', `key serial number ${hex(ksn)} has a counter of more than sixteen ones, which DUKPT skips`, {
        field: 'ksn',
      })
    const lowest = lowestBit(this.#counter)
    for (let bit = 31; bit >= lowest; bit--) {
      const value = 2 ** bit
      const above = Math.floor(this.#counter / (value * 2)) * value * 2
      if (Math.floor(this.#counter / value) % 2 === 0 || bit === lowest)
        this.#future[bit] = aesTransactionKey(initialKey, this.#ksnOf(above + value))
    }
  }

  #ksnOf(counter: number): Uint8Array {
    return concat(this.#id, fromUint(counter, 4))
  }

  /** No key is left: the device needs a new initial key. */
  get exhausted(): boolean {
    return this.#counter > maxCounter
  }

  /** The key serial number that the next transaction will have; undefined when exhausted. */
  get ksn(): Uint8Array | undefined {
    return this.exhausted ? undefined : this.#ksnOf(this.#counter)
  }

  /** Uses up one intermediate key; its working keys come from `aesWorkingKey`. @throws Fault `bad-key` when no key is left */
  next(): { readonly ksn: Uint8Array; readonly key: Uint8Array } {
    const ksn = this.ksn
    if (!ksn) throw new Fault('bad-key', 'AES DUKPT counter is exhausted: the device needs a new initial key')
    const bit = lowestBit(this.#counter)
    const key = this.#future[bit]!
    if (ones(this.#counter) < 16) {
      for (let lower = bit - 1; lower >= 0; lower--)
        this.#future[lower] = derive(key, derivation, this.#type, at(ksn, this.#counter + 2 ** lower))
      this.#counter += 1
    } else this.#counter += 2 ** bit
    this.#future[bit] = undefined
    return { ksn, key }
  }
}
