/** Card verification values: CVV/CVC of a stripe, and the dynamic CVC3 of contactless mag-stripe mode. */

import { concat, fromHex, hex, uint } from '../bytes.ts'
import { Fault } from '../errors.ts'
import { doubleKey, ofLength } from './cryptogram.ts'
import * as des from './des.ts'
import { macAlgorithm3 } from './mac.ts'

/**
 * CVV/CVC1 (service code as encoded), CVV2/CVC2 (service code 000) or iCVV (999), three digits.
 * @param key two single DES keys, 16 bytes. @param expiry four digits in the order the issuer signs (YYMM on the stripe). @throws Fault `bad-key`, `bad-argument`
 */
export function cvv(key: Uint8Array, pan: string, expiry: string, serviceCode: string): string {
  doubleKey(key, 'CVV key')
  if (!/^\d{8,19}$/.test(pan) || !/^\d{4}$/.test(expiry) || !/^\d{3}$/.test(serviceCode))
    throw new Fault('bad-argument', 'CVV needs a PAN of 8 to 19 digits, an expiry of 4 and a service code of 3')
  const data = fromHex((pan + expiry + serviceCode).padEnd(32, '0'))
  const left = key.subarray(0, 8)
  const first = des.encryptEcb(left, data.subarray(0, 8))
  const mixed = data.subarray(8).map((byte, i) => byte ^ first[i])
  const result = hex(des.encryptEcb(key, mixed))
  const letters = result.replace(/\d/g, '').replace(/[A-F]/g, letter => String(letter.charCodeAt(0) - 65))
  return (result.replace(/\D/g, '') + letters).slice(0, 3)
}

/** IVCVC3 of a track: the last two bytes of its MAC. @param track the track's data as the issuer signs it */
function ivCvc3(key: Uint8Array, track: Uint8Array): Uint8Array {
  return macAlgorithm3(doubleKey(key, 'CVC3 key'), track).slice(6)
}

/** CVC3 as five digits with leading zeros (EMV Contactless Book C-2). @param atc 2 bytes @param un 4 bytes, numeric. @throws Fault */
export function cvc3(key: Uint8Array, track: Uint8Array, atc: Uint8Array, un: Uint8Array): string {
  const block = concat(ivCvc3(key, track), ofLength(un, 4, 'unpredictable number'), ofLength(atc, 2, 'ATC'))
  return String(uint(des.encryptEcb(key, block).subarray(6))).padStart(5, '0')
}
