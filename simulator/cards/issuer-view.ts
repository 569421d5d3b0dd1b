/** What the issuer of a virtual card knows about it: enough to check its cryptograms and PIN, and, with `src/crypto`, to answer and script it. */

import type { CryptogramVersionName } from '../../src/crypto/cryptogram-version.ts'
import { type IssuerKeys, testIssuerKeys } from '../keys.ts'
import { schemes } from './cryptogram.ts'
import { type CardProfile, parseProfile } from './profile.ts'
import { type ProfileName, profiles } from './profiles/index.ts'

/** One account: an application of a card. */
export interface IssuerAccount {
  readonly aid: Uint8Array
  readonly pan: string
  readonly psn: number | undefined
  /** YYMMDD. */
  readonly expires: string
  readonly serviceCode: string
  readonly pin: string | undefined
  /** Issuer master keys; the card's own are derived from them. */
  readonly masterKeys: IssuerKeys
  /** The row of `cryptogramVersions` that the card follows. */
  readonly version: CryptogramVersionName
  /** ISO 4217 numeric. */
  readonly currency: number
  /** The part of 9F10 that the cryptogram covers. */
  issuerData(issuerApplicationData: Uint8Array): Uint8Array
}

/** The accounts behind a profile, one an application. @throws Fault `bad-config` */
export function issuerView(profile: CardProfile): readonly IssuerAccount[] {
  const plan = parseProfile(profile)
  return plan.applications.map(one => {
    const piece = schemes[one.cryptogram].input.find(({ tag }) => tag === 0x9f10)
    const from = piece?.from ?? 0
    return {
      aid: one.aid,
      pan: one.pan ?? plan.pan,
      psn: one.psn ?? plan.psn,
      expires: plan.expires,
      serviceCode: plan.serviceCode,
      pin: plan.pin?.digits,
      masterKeys: testIssuerKeys,
      version: one.cryptogram,
      currency: plan.currency,
      issuerData: data => data.subarray(from, piece?.length === undefined ? undefined : from + piece.length),
    }
  })
}

/** The accounts of every profile that comes with the simulator. */
export function allAccounts(): readonly IssuerAccount[] {
  return (Object.keys(profiles) as ProfileName[]).flatMap(name => issuerView(profiles[name]))
}
