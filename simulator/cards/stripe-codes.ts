/** Dynamic codes in the track data of contactless stripes, as a card makes them: CVC3 (Mastercard) and dCVV (Visa). */

import { concat, fromHex, fromUint, hex, xor } from '../../src/bytes.ts'
import { encryptEcb, pad, retailMac } from './des.ts'

/** The layout of the discretionary data of both tracks: code, ATC, unpredictable number, number of its digits (EMV Contactless Book C-2, S13.17). */
export const cvc3Layout = { code: 3, atc: 4, un: 2 } as const

/** CVC3 of one track, 2 bytes. @param track its static data. @param un 9F6A, 4 bytes */
export function cvc3(key: Uint8Array, track: Uint8Array, un: Uint8Array, atc: number): Uint8Array {
  const iv = retailMac(key, pad(track, 'bit')).subarray(6)
  return encryptEcb(key, concat(iv, un, fromUint(atc, 2))).slice(6)
}

/**
 * dCVV, three digits: a CVV over a PAN that begins with the last four digits of the ATC. Derived: no vector seen.
 * @param expiry YYMM
 */
export function dynamicCvv(key: Uint8Array, pan: string, expiry: string, serviceCode: string, atc: number): string {
  const [first, second] = [0, 16].map(at =>
    fromHex((lastFour(atc) + pan.slice(4) + expiry + serviceCode).padEnd(32, '0').slice(at, at + 16)),
  )
  const mixed = xor(encryptEcb(key.subarray(0, 8), first), second)
  const digits = hex(encryptEcb(key, mixed))
  const letters = digits.replace(/\d/g, '').replace(/[A-F]/g, letter => String(letter.charCodeAt(0) - 65))
  return (digits.replace(/\D/g, '') + letters).slice(0, 3)
}

export const lastFour = (atc: number) => String(atc).padStart(4, '0').slice(-4)
