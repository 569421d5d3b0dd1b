/** The words of a card profile and the codes they stand for. */

import { hex } from '../../../src/bytes.ts'

/** SFI of the transaction log, the first of those that belong to schemes. */
export const logFile = 11

/** Cardholder verification methods by name, with their codes (EMV 4.4 Book 3, Annex C3). */
export const cvmMethods = {
  fail: 0x00,
  offlinePin: 0x01,
  onlinePin: 0x02,
  offlinePinAndSignature: 0x03,
  encipheredPin: 0x04,
  encipheredPinAndSignature: 0x05,
  signature: 0x1e,
  noCvm: 0x1f,
} as const

/** Conditions by name, with their codes (Book 3, Annex C3). */
export const cvmConditions = {
  always: 0x00,
  unattendedCash: 0x01,
  notCash: 0x02,
  supported: 0x03,
  manualCash: 0x04,
  cashback: 0x05,
  belowX: 0x06,
  aboveX: 0x07,
  belowY: 0x08,
  aboveY: 0x09,
} as const

/** Application Usage Control (9F07) by name: byte and bit (Book 3, Annex C2). */
export const usage = {
  domesticCash: [1, 8],
  internationalCash: [1, 7],
  domesticGoods: [1, 6],
  internationalGoods: [1, 5],
  domesticServices: [1, 4],
  internationalServices: [1, 3],
  atm: [1, 2],
  otherThanAtm: [1, 1],
  domesticCashback: [2, 8],
  internationalCashback: [2, 7],
} as const

/** Defects that a profile may ask of its certificates and signatures, so that each failure path of a terminal can be walked. */
export const odaDefects = [
  'wrongIssuerCertificate', // 90 does not recover to a certificate
  'wrongIccCertificate', // 9F46 likewise
  'wrongStaticSignature', // 93 likewise
  'wrongDynamicSignature', // the card signs another unpredictable number
  'otherStaticData', // a signed record was changed after signing
  'expiredIssuerCertificate',
  'expiredIccCertificate',
  'unknownCaKey', // 8F names a key that no terminal has
  'missingCertificate', // no 90
  'otherTagList', // 9F4A names more than the AIP
] as const

/** How an application makes cryptograms and its Issuer Application Data (9F10): see `cryptogram.ts`. */
export const cryptogramNames = [
  'visa10',
  'visa17',
  'visa18',
  'mastercard20',
  'ccd',
  'amex1',
  'jcb4',
  'dpas',
  'dpasTap',
  'unionpay1',
] as const

/** Issuer script commands, Book 3, 6.5. */
export const scriptCommands = [
  'applicationBlock',
  'applicationUnblock',
  'cardBlock',
  'pinChangeUnblock',
  'putData',
  'updateRecord',
] as const

export const tapBrandNames = ['mir', 'visa', 'mastercard', 'amex', 'jcb', 'discover', 'unionpay'] as const
/** A payment system whose applications can be tapped. */
export type Brand = (typeof tapBrandNames)[number]

const brands: Readonly<Record<string, Brand>> = {
  A000000658: 'mir',
  A000000003: 'visa',
  A000000004: 'mastercard',
  A000000025: 'amex',
  A000000065: 'jcb',
  A000000152: 'discover',
  A000000333: 'unionpay',
}

/** By RID, the brands whose applications the simulator can tap; undefined for others. */
export function brandOf(aid: Uint8Array): Brand | undefined {
  return brands[hex(aid.subarray(0, 5))]
}

/** As which brand's card an application answers by tap: by its RID, else as its profile says; undefined where it is not tapped. */
export function tapBrandOf({
  aid,
  contactless,
}: {
  readonly aid: Uint8Array
  readonly contactless?: false | { readonly as?: Brand | undefined } | undefined
}): Brand | undefined {
  return brandOf(aid) ?? (contactless === false ? undefined : contactless?.as)
}

/** How a card computes its cryptograms. */
export type CryptogramName = (typeof cryptogramNames)[number]
/** A command of an issuer's script that a card knows. */
export type ScriptCommand = (typeof scriptCommands)[number]
