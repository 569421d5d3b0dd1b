/** The issuer's check of a contactless stripe: its dynamic code, CVC3 or dCVV, read out of the track as an ordinary stripe host gets it. */

import { concat, fromHex, fromUint, hex } from '../../../src/bytes.ts'
import { iccMasterKey } from '../../../src/crypto/cryptogram.ts'
import { cvc3, cvv } from '../../../src/crypto/cvv.ts'
import { isFault } from '../../../src/errors.ts'
import { parseTrack2Equivalent, type Track2 } from '../../../src/magstripe/track.ts'
import type { IssuerAccount } from '../../cards/issuer-view.ts'

/** The ATC that a right code was made with; undefined where the track or its code is wrong. */
export interface StripeCode {
  readonly atc: number
  /** The reader says in the track that the holder's device has verified them. */
  readonly device: boolean
}

/** @param track Track 2 Equivalent Data (57) */
export function checkStripeCode(account: IssuerAccount, track: Uint8Array | undefined): StripeCode | undefined {
  const track2 = track && parsed(track)
  if (!track2 || track2.pan !== account.pan || track2.expiry !== account.expires.slice(0, 4) || track2.serviceCode !== account.serviceCode)
    return undefined
  const key = iccMasterKey(account.masterKeys.cvc, account.pan, account.psn)
  switch (account.stripeCode) {
    case 'cvc3':
      return checkCvc3(key, track2)
    case 'dcvv':
      return checkDynamicCvv(key, track2)
    case undefined:
      return undefined
  }
}

function parsed(track: Uint8Array): Track2 | undefined {
  try {
    return parseTrack2Equivalent(track)
  } catch (error) {
    if (isFault(error, 'bad-swipe')) return undefined
    throw error
  }
}

/** The last four digits of the counter are in the track; it has 16 bits. */
const counters = (lastFour: string) => Array.from({ length: 7 }, (_, i) => Number(lastFour) + i * 10_000).filter(atc => atc <= 0xffff)

/** Discretionary data of these cards: CVC3 (3), ATC (4), unpredictable number (2), and how many digits it has, 5 more where the device verified its holder. */
function checkCvc3(key: Uint8Array, { pan, expiry, serviceCode, discretionary }: Track2): StripeCode | undefined {
  const [, code, counter, number, count] = /^(\d{3})(\d{4})(\d{2})([27])$/.exec(discretionary) ?? []
  if (!code) return undefined
  const digits = `${pan}D${expiry}${serviceCode}${'0'.repeat(discretionary.length)}`
  const issued = fromHex(digits.length % 2 ? `${digits}F` : digits)
  const un = concat(new Uint8Array(3), fromHex(number))
  const atc = counters(counter).find(atc => cvc3(key, issued, fromUint(atc, 2), un).endsWith(code))
  return atc === undefined ? undefined : { atc, device: count === '7' }
}

/** PVKI and PVV (5), dCVV (3), ATC (4), contactless indicator 1. */
function checkDynamicCvv(key: Uint8Array, { pan, expiry, serviceCode, discretionary }: Track2): StripeCode | undefined {
  const [, code, counter] = /^\d{5}(\d{3})(\d{4})1$/.exec(discretionary) ?? []
  if (!code || cvv(key, counter + pan.slice(4), expiry!, serviceCode!) !== code) return undefined
  return { atc: Number(counter), device: false }
}

/** What a repeated code is known by. */
export const onceOf = ({ atc }: StripeCode) => `stripe ${hex(fromUint(atc, 2))}`
