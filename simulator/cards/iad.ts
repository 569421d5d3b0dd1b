/** Issuer Application Data (9F10) with the Card Verification Results in it, as each scheme lays them out. */

import { concat, fromUint, toBcd } from '../../src/bytes.ts'
import type { CryptogramScheme } from './cryptogram.ts'

export type AcType = 'AAC' | 'TC' | 'ARQC'

/** What the card has to say about this transaction and what came before. */
export interface CardFacts {
  readonly first: AcType
  /** Undefined in the first GENERATE AC. */
  readonly second: AcType | undefined
  readonly pinPerformed: boolean
  readonly pinFailed: boolean
  readonly pinEnciphered: boolean
  readonly pinTriesLeft: number
  readonly pinBlocked: boolean
  readonly ddaDone: boolean
  readonly cdaDone: boolean
  readonly unableToGoOnline: boolean
  readonly issuerAuthentication: 'right' | 'wrong' | 'notDone'
  readonly lastOnlineNotCompleted: boolean
  readonly lastIssuerAuthenticationFailed: boolean
  readonly newCard: boolean
  readonly domestic: boolean
  readonly overConsecutive: readonly [first: boolean, last: boolean]
  readonly overCumulative: readonly [first: boolean, last: boolean]
  readonly goOnlineNext: boolean
  readonly scriptsDone: number
  readonly scriptFailed: boolean
  readonly cumulativeOffline: number
  readonly consecutiveOffline: number
  /** By tap: what the holder's device did to verify them. */
  readonly device?: 'verified' | 'failed'
}

const acCode: Readonly<Record<AcType, number>> = { AAC: 0, TC: 1, ARQC: 2 }

/** Bits of one byte, b8 first. */
function byte(...bits: readonly (boolean | undefined)[]): number {
  return bits.reduce((value, bit) => value * 2 + (bit ? 1 : 0), 0)
}

/** Both cryptogram types in b8–b5; `10` in b8–b7 says that no second was asked for. */
function acBits({ first, second }: CardFacts): number {
  return ((second ? acCode[second] : 2) << 6) | (acCode[first] << 4)
}

export function issuerApplicationData(scheme: CryptogramScheme, keyIndex: number, dynamicNumber: Uint8Array, facts: CardFacts): Uint8Array {
  switch (scheme.name) {
    case 'visa10':
    case 'visa17':
    case 'visa18':
    case 'amex1':
    case 'jcb4':
      return concat(Uint8Array.of(6, keyIndex, scheme.version, 3), visaResults(facts))
    case 'unionpay1':
      // PBOC: as Visa's, and the algorithm of the cryptogram behind it, 01 for DES.
      return concat(Uint8Array.of(7, keyIndex, scheme.version, 3), visaResults(facts), Uint8Array.of(0x01))
    case 'dpas':
    case 'dpasTap':
      return concat(Uint8Array.of(keyIndex, scheme.version), discoverResults(facts))
    case 'mastercard20': {
      // ASSUMED counters: sum of offline amounts (n 12), offline transactions in a row, FF. Issuers here do not read them.
      const counters = concat(toBcd(facts.cumulativeOffline, 6), Uint8Array.of(facts.consecutiveOffline, 0xff))
      return concat(Uint8Array.of(keyIndex, scheme.version), mchipResults(facts), dynamicNumber.subarray(0, 2), counters)
    }
    case 'ccd':
      // Book 3, Annex C (CCD, format A): length, CCI, key index, CVR (5), counters (8), length, issuer discretionary (15).
      return concat(
        Uint8Array.of(0x0f, scheme.version, keyIndex),
        commonResults(facts),
        concat(fromUint(facts.consecutiveOffline, 2), fromUint(facts.cumulativeOffline, 6)),
        Uint8Array.of(0x0f),
        new Uint8Array(15),
      )
  }
}

/** Three bytes, as VIS 1.x has them. */
function visaResults(facts: CardFacts): Uint8Array {
  const afterOnline = facts.second !== undefined && !facts.unableToGoOnline
  return Uint8Array.of(
    acBits(facts) |
      byte(facts.issuerAuthentication === 'wrong', facts.pinPerformed, facts.pinFailed && facts.pinPerformed, facts.unableToGoOnline),
    byte(
      facts.lastOnlineNotCompleted,
      facts.pinBlocked,
      facts.overConsecutive[0] || facts.overCumulative[0],
      facts.newCard,
      facts.lastIssuerAuthenticationFailed,
      afterOnline && facts.issuerAuthentication === 'notDone',
      false,
      false,
    ),
    (Math.min(facts.scriptsDone, 15) << 4) | byte(facts.scriptFailed, false, facts.ddaDone, false),
  )
}

/** Six bytes, as M/Chip 4 has them. */
function mchipResults(facts: CardFacts): Uint8Array {
  return Uint8Array.of(
    acBits(facts) | byte(false, facts.pinPerformed, facts.pinPerformed && facts.pinEnciphered, facts.pinPerformed && !facts.pinFailed),
    byte(
      facts.ddaDone,
      facts.cdaDone && !facts.second,
      facts.cdaDone && facts.second !== undefined,
      facts.issuerAuthentication !== 'notDone',
    ) << 4,
    (Math.min(facts.scriptsDone, 15) << 4) | facts.pinTriesLeft,
    byte(
      facts.unableToGoOnline,
      !facts.pinPerformed,
      facts.pinPerformed && facts.pinFailed,
      facts.pinBlocked,
      !facts.domestic,
      facts.domestic,
      false,
    ),
    byte(
      facts.overConsecutive[0],
      facts.overConsecutive[1],
      facts.overCumulative[0],
      facts.overCumulative[1],
      facts.goOnlineNext,
      facts.issuerAuthentication === 'wrong',
      facts.scriptsDone > 0,
      facts.scriptFailed,
    ),
    byte(facts.lastOnlineNotCompleted, false, false, false, false, false, false, false),
  )
}

/** Five bytes of the Common Core Definitions (Book 3, Annex C). */
function commonResults(facts: CardFacts): Uint8Array {
  return Uint8Array.of(
    acBits(facts) |
      byte(
        facts.cdaDone,
        facts.ddaDone,
        facts.second !== undefined && facts.issuerAuthentication === 'notDone',
        facts.issuerAuthentication === 'wrong' || facts.lastIssuerAuthenticationFailed,
      ),
    (facts.pinTriesLeft << 4) |
      byte(facts.pinPerformed, facts.pinPerformed && facts.pinFailed, facts.pinBlocked, facts.lastOnlineNotCompleted),
    byte(facts.overConsecutive[0], facts.overConsecutive[1], facts.overCumulative[0], facts.overCumulative[1]) << 4,
    (Math.min(facts.scriptsDone, 15) << 4) | byte(facts.scriptFailed, false, facts.goOnlineNext, facts.unableToGoOnline),
    0,
  )
}

/** Eight bytes, as kernel C-6 reads them: the holder's device in byte 2, b2 performed and b1 failed. The rest is assumed. */
function discoverResults(facts: CardFacts): Uint8Array {
  const performed = facts.device !== undefined
  const own = [acBits(facts), byte(performed, facts.device === 'failed'), ...visaResults(facts).subarray(1)]
  return Uint8Array.from({ length: 8 }, (_, i) => own[i] ?? 0)
}
