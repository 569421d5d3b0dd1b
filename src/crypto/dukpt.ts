/** DUKPT with triple DES (ANSI X9.24-1:2009): the receiving side derives any key from BDK and KSN, the originating side keeps future keys only. */

import { concat, fromUint, hex, uint, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as des from './des.ts'

/** `request`: from the terminal to the host; `response`: back. */
export type Direction = 'request' | 'response'

const counterMask = 0x1fffff
const keyMask = Uint8Array.of(0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0, 0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0)

function checkKey(key: Uint8Array, field: string): Uint8Array {
  if (key.length !== 16) throw new Fault('bad-key', `${field} has ${key.length} bytes, the rule is 16`, { field, length: key.length })
  return key
}

function checkKsn(ksn: Uint8Array): Uint8Array {
  if (ksn.length !== 10)
    throw new Fault('bad-argument', `key serial number has ${ksn.length} bytes, the rule is 10`, { field: 'ksn', length: ksn.length })
  return ksn
}

/** The 21-bit transaction counter at the end of a key serial number. */
export function transactionCounter(ksn: Uint8Array): number {
  return uint(checkKsn(ksn).subarray(7)) & counterMask
}

function withCounter(ksn: Uint8Array, counter: number): Uint8Array {
  return concat(ksn.subarray(0, 7), fromUint((uint(ksn.subarray(7)) & ~counterMask) | counter, 3))
}

/** The initial key of a device (X9.24-1:2009, A.6). @param ksn 10 bytes; its counter does not matter. @throws Fault `bad-key`, `bad-argument` */
export function initialKey(bdk: Uint8Array, ksn: Uint8Array): Uint8Array {
  checkKey(bdk, 'base derivation key')
  const serial = withCounter(checkKsn(ksn), 0).subarray(0, 8)
  return concat(des.encryptEcb(bdk, serial), des.encryptEcb(xor(bdk, keyMask), serial))
}

/** The non-reversible key generation process (A.2): one step from a key to one further down. */
function nextKey(key: Uint8Array, serial: Uint8Array): Uint8Array {
  const half = (from: Uint8Array) => {
    const right = from.subarray(8)
    return xor(des.encryptEcb(from.subarray(0, 8), xor(serial, right)), right)
  }
  return concat(half(xor(key, keyMask)), half(key))
}

/** The key of one transaction, before any variant. @param initial the device's initial key. @throws Fault `bad-key`, `bad-argument` */
export function transactionKey(initial: Uint8Array, ksn: Uint8Array): Uint8Array {
  let key = checkKey(initial, 'initial key')
  const target = transactionCounter(ksn)
  let counter = 0
  for (let bit = 0x100000; bit > 0; bit >>>= 1) {
    if ((target & bit) === 0) continue
    counter |= bit
    key = nextKey(key, withCounter(ksn, counter).subarray(2))
  }
  return key
}

function variant(key: Uint8Array, byte: number): Uint8Array {
  const mask = new Uint8Array(16)
  mask[byte] = mask[byte + 8] = 0xff
  return xor(checkKey(key, 'transaction key'), mask)
}

/** The variant that enciphers PIN blocks (A.4.1). */
export function pinKey(transaction: Uint8Array): Uint8Array {
  return variant(transaction, 7)
}

/** The variant for message authentication. */
export function macKey(transaction: Uint8Array, direction: Direction = 'request'): Uint8Array {
  return variant(transaction, direction === 'request' ? 6 : 4)
}

/** The key for data: the variant enciphered under itself, half by half. */
export function dataKey(transaction: Uint8Array, direction: Direction = 'request'): Uint8Array {
  const key = variant(transaction, direction === 'request' ? 5 : 3)
  return des.encryptEcb(key, key)
}

/** How many ones a counter has: X9.24 uses only counters of at most ten, so that no key is more than ten steps away. */
function ones(counter: number): number {
  let count = 0
  for (let rest = counter; rest > 0; rest &= rest - 1) count++
  return count
}

/**
 * The originating device (X9.24-1:2009, Annex A): 21 future key registers and a counter; the initial key and every used key are erased.
 * About a million transactions, then it is exhausted.
 */
export class DukptDevice {
  /** Register n holds the key of the counter's bit n. */
  readonly #future: (Uint8Array | undefined)[] = new Array(21)
  readonly #ksn: Uint8Array
  #counter: number

  /**
   * @param ksn the first key serial number to use; with counter zero a new device, whose first transaction is number 1
   * @throws Fault `bad-key`, `bad-argument`
   */
  constructor(initial: Uint8Array, ksn: Uint8Array) {
    this.#counter = transactionCounter(ksn) || 1
    if (ones(this.#counter) > 10)
      throw new Fault('bad-argument', `key serial number ${hex(ksn)} has a counter of more than ten ones, which DUKPT skips`, {
        field: 'ksn',
      })
    this.#ksn = ksn.slice()
    const lowest = this.#counter & -this.#counter
    for (let bit = 20; 1 << bit >= lowest; bit--) {
      const above = this.#counter & ~((1 << (bit + 1)) - 1)
      if ((this.#counter & (1 << bit)) === 0 || 1 << bit === lowest)
        this.#future[bit] = transactionKey(initial, withCounter(ksn, above | (1 << bit)))
    }
  }

  /** The key serial number that the next transaction will have; undefined when exhausted. */
  get ksn(): Uint8Array | undefined {
    return this.exhausted ? undefined : withCounter(this.#ksn, this.#counter)
  }

  /** No key is left: the device needs a new initial key. */
  get exhausted(): boolean {
    return this.#counter > counterMask
  }

  /** Uses up one key. @throws Fault `bad-key` when no key is left */
  next(): { readonly ksn: Uint8Array; readonly key: Uint8Array } {
    const ksn = this.ksn
    if (!ksn) throw new Fault('bad-key', 'DUKPT counter is exhausted: the device needs a new initial key')
    const bit = 31 - Math.clz32(this.#counter & -this.#counter)
    const key = this.#future[bit]!
    if (ones(this.#counter) < 10) {
      for (let lower = bit - 1; lower >= 0; lower--)
        this.#future[lower] = nextKey(key, withCounter(ksn, this.#counter | (1 << lower)).subarray(2))
      this.#counter += 1
    } else this.#counter += 1 << bit
    this.#future[bit] = undefined
    return { ksn, key }
  }
}
