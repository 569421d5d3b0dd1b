/** What a rig does with test keys: enciphers a key for a reader, and opens what came under one, whichever DUKPT it was. */

import { Fault } from '../errors.ts'
import * as aes from './aes.ts'
import * as des from './des.ts'
import { dataKey, initialKey, pinKey, transactionKey } from './dukpt.ts'
import { aesInitialKey, aesTransactionKey, aesWorkingKey } from './dukpt-aes.ts'
import { aesCmac } from './mac.ts'
import { decipherFormat4, decodeFormat0, decodeFormat3 } from './pin.ts'

/** A key under another, with the check value of the key itself: `loadKeys` takes it as it is. */
export interface Sealed {
  /** The enciphered key, as long as the key. */
  readonly key: Uint8Array
  /** As many bytes as were asked for. */
  readonly kcv: Uint8Array
}

/** How a key is enciphered. */
export interface SealOptions {
  /** Triple DES when left out. */
  readonly by?: 'des' | 'aes'
  /** Bytes of the check value: 3 when left out; readers have their own number, QPOS 8. */
  readonly kcv?: number
}

/**
 * A key under a key encryption key, block by block. The check value is zeros under the key (triple DES), or AES-CMAC over zeros (ANSI X9.24-1:2017, Annex A), as much
 * of it as is asked for.
 * @throws Fault `bad-key`, `bad-argument`
 */
export function encipherKey(kek: Uint8Array, key: Uint8Array, { by = 'des', kcv = 3 }: SealOptions = {}): Sealed {
  if (![16, 24, 32].includes(key.length))
    throw new Fault('bad-key', `key has ${key.length} bytes, the rule is 16, 24 or 32`, { field: 'key', length: key.length })
  if (!Number.isInteger(kcv) || kcv < 1 || kcv > 8)
    throw new Fault('bad-argument', `check value of ${kcv} bytes, the rule is 1 to 8`, { field: 'kcv' })
  const check = by === 'des' ? des.encryptEcb(key, new Uint8Array(des.blockSize)) : aesCmac(key, new Uint8Array(aes.blockSize))
  return { key: (by === 'des' ? des : aes).encryptEcb(kek, key), kcv: check.slice(0, kcv) }
}

/** @throws Fault `bad-key` also where the check value is not the key's */
export function decipherKey(kek: Uint8Array, { key, kcv }: Sealed, { by = 'des' }: { readonly by?: 'des' | 'aes' } = {}): Uint8Array {
  const opened = by === 'des' ? des.decryptEcb(kek, key) : aes.decryptEcb(kek, key)
  const own = encipherKey(kek, opened, { by, kcv: kcv.length }).kcv
  if (kcv.some((byte, at) => byte !== own[at])) throw new Fault('bad-key', 'the check value is not that of the key', { field: 'kcv' })
  return opened
}

/** The PIN of a block under DUKPT: a KSN of 10 bytes is triple DES (formats 0 and 3), one of 12 AES (format 4). @throws Fault `bad-key`, `bad-argument` */
export function openPinBlock(bdk: Uint8Array, ksn: Uint8Array, block: Uint8Array, pan: string, format?: 0 | 3 | 4): Uint8Array {
  if (format !== undefined && (format === 4) !== (ksn.length === 12))
    throw new Fault('bad-argument', `format ${format} does not go with a key serial number of ${ksn.length} bytes`, { field: 'format' })
  if (ksn.length === 12) {
    const transaction = aesTransactionKey(aesInitialKey(bdk, ksn.subarray(0, 8)), ksn)
    return decipherFormat4(aesWorkingKey(transaction, ksn, 'pinEncryption'), block, pan)
  }
  const clear = des.decryptEcb(pinKey(transactionKey(initialKey(bdk, ksn), ksn)), block)
  return format === 3 ? decodeFormat3(clear, pan) : decodeFormat0(clear, pan)
}

/** A track, or any data, under DUKPT: CBC from zeros under the data key of the request; a KSN of 12 bytes is AES. @throws Fault `bad-key`, `bad-argument` */
export function openTrack(bdk: Uint8Array, ksn: Uint8Array, data: Uint8Array): Uint8Array {
  if (ksn.length === 12) {
    const transaction = aesTransactionKey(aesInitialKey(bdk, ksn.subarray(0, 8)), ksn)
    return aes.decryptCbc(aesWorkingKey(transaction, ksn, 'dataEncrypt'), data)
  }
  return des.decryptCbc(dataKey(transactionKey(initialKey(bdk, ksn), ksn)), data)
}
