/** The keys of a virtual PIN pad: DUKPT with triple DES for format 0, with AES for format 4, and the PIN blocks that come of them. */

import * as des from '../../src/crypto/des.ts'
import { DukptDevice, pinKey } from '../../src/crypto/dukpt.ts'
import { AesDukptDevice, aesWorkingKey } from '../../src/crypto/dukpt-aes.ts'
import { encipherFormat4, encodeFormat0, type Random } from '../../src/crypto/pin.ts'
import type { PinBlock } from '../../src/emv/terminal.ts'

/** Which keys a PIN pad has: `tdes` ANSI X9.24-1, PIN blocks of ISO 9564 format 0; `aes-128` ANSI X9.24-3, format 4. */
export const pinKeyKinds = ['tdes', 'aes-128'] as const
/** How a PIN pad enciphers PINs. */
export type PinKeyKind = (typeof pinKeyKinds)[number]

/** DUKPT initial key and initial key serial number (counter zero): 16 and 10 bytes of triple DES; 16, 24 or 32 and 12 bytes of AES. */
export interface InitialKey {
  readonly ipek: Uint8Array
  readonly ksn: Uint8Array
}

/** One transaction's key and its serial number. */
export type TransactionKey = ReturnType<DukptDevice['next']>
/** What gives out the keys, each of them once. */
export type DukptKeys = Pick<DukptDevice, 'ksn' | 'exhausted' | 'next'>

const AES_KSN = 12

/** The keys by the length of their serial number. @throws Fault `bad-key`, `bad-argument` */
export function dukptKeys({ ipek, ksn }: InitialKey): DukptKeys {
  return ksn.length === AES_KSN ? new AesDukptDevice(ipek, ksn) : new DukptDevice(ipek, ksn)
}

/** Enciphers and wipes the digits: each PIN block has a key of its own. */
export function pinBlock(digits: Uint8Array, pan: string, { key, ksn }: TransactionKey, random?: Random): PinBlock {
  const aes = ksn.length === AES_KSN
  const data = aes
    ? encipherFormat4(aesWorkingKey(key, ksn, 'pinEncryption'), digits, pan, random)
    : des.encryptEcb(pinKey(key), encodeFormat0(digits, pan))
  digits.fill(0)
  return { format: aes ? 4 : 0, data, ksn }
}
