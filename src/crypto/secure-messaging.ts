/** Secure messaging of issuer scripts: command MAC, enciphered command data and the PIN block of a PIN change (EMV 4.4 Book 2, 9). */

import { concat, fromHex, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import { doubleKey } from './cryptogram.ts'
import * as des from './des.ts'
import { macAlgorithm3, pad, unpad2 } from './mac.ts'
import { checkPin } from './pin.ts'

/**
 * How command data is enciphered: `emv` pads always (method 2), `mastercard` only where it is no whole block, both in CBC;
 * `visa` puts a length byte first, pads always, and uses ECB.
 */
export type Encipherment = 'emv' | 'visa' | 'mastercard'

/** MAC over a command as the scheme has it (header, perhaps ATC and cryptogram, enciphered data), 8 bytes. @throws Fault `bad-key` */
export function commandMac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return macAlgorithm3(doubleKey(key, 'session key'), data)
}

/** @throws Fault `bad-key`, `bad-argument` */
export function encipherCommandData(key: Uint8Array, data: Uint8Array, how: Encipherment): Uint8Array {
  doubleKey(key, 'session key')
  switch (how) {
    case 'visa':
      return des.encryptEcb(key, pad(concat(Uint8Array.of(data.length), data), 2))
    case 'mastercard':
      return des.encryptCbc(key, data.length % 8 === 0 ? data : pad(data, 2))
    case 'emv':
      return des.encryptCbc(key, pad(data, 2))
    default:
      throw new Fault('bad-argument', `encipherment is '${String(how)}', the rule is emv, visa or mastercard`, { field: 'encipherment' })
  }
}

/** The command data again, as a card reads it. Under `mastercard` padding that looks like padding stays. @throws Fault `bad-key`, `bad-argument` */
export function decipherCommandData(key: Uint8Array, data: Uint8Array, how: Encipherment): Uint8Array {
  doubleKey(key, 'session key')
  const plain = how === 'visa' ? des.decryptEcb(key, data) : des.decryptCbc(key, data)
  if (how === 'mastercard') return plain
  const unpadded = unpad2(plain)
  const length = how === 'visa' ? unpadded?.[0] : unpadded?.length
  const content = how === 'visa' ? unpadded?.subarray(1) : unpadded
  if (!content || content.length !== length) throw new Fault('bad-argument', 'enciphered command data has no valid padding (wrong key?)')
  return content
}

/**
 * The PIN block of Visa's PIN change: length, digits and F over the card's key; `current` PIN laid over it where the card asks for it (P2 01).
 * @param masterKey the ICC master key for application cryptograms. @throws Fault `bad-key`, `bad-argument`
 */
export function visaPinChangeBlock(masterKey: Uint8Array, pin: Uint8Array, current?: Uint8Array): Uint8Array {
  const digits = `0${checkPin(pin).length.toString(16)}${Array.from(pin).join('')}`
  const key = doubleKey(masterKey, 'ICC master key for AC')
  const block = xor(fromHex(digits.padEnd(16, 'F')), concat(new Uint8Array(4), key.subarray(4, 8)))
  return current ? xor(block, fromHex(Array.from(checkPin(current, 'current PIN')).join('').padEnd(16, '0'))) : block
}
