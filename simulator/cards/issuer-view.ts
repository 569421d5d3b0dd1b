/** What the issuer of a virtual card knows about it: enough to check its cryptograms and PIN, and, with `src/crypto`, to answer and script it. */

import type { CryptogramVersionName } from '../../src/crypto/cryptogram-version.ts'
import { type IssuerKeys, testIssuerKeys } from '../keys.ts'
import { schemes } from './cryptogram.ts'
import type { CardProfile } from './profile/card-profile.ts'
import { parseProfile } from './profile/profile.ts'
import { type CryptogramName, tapBrandOf } from './profile/words.ts'
import { type ProfileName, profiles } from './profiles/index.ts'
import { settingsOf, tapCryptogram } from './tap/brand.ts'

/** How a side of a card makes its cryptograms. */
export interface CryptogramView {
  /** The row of `cryptogramVersions` that the card follows. */
  readonly version: CryptogramVersionName
  /** The part of 9F10 that the cryptogram covers. */
  issuerData(issuerApplicationData: Uint8Array): Uint8Array
}

/** One account: an application of a card. */
export interface IssuerAccount extends CryptogramView {
  readonly aid: Uint8Array
  readonly pan: string
  readonly psn: number | undefined
  /** YYMMDD. */
  readonly expires: string
  readonly serviceCode: string
  readonly pin: string | undefined
  /** Issuer master keys; the card's own are derived from them. */
  readonly masterKeys: IssuerKeys
  /** ISO 4217 numeric. */
  readonly currency: number
  /** By tap, where that is another than by chip. */
  readonly tap: CryptogramView | undefined
  /** By tap the card gives track data with this code, and no cryptogram. */
  readonly stripeCode: 'cvc3' | 'dcvv' | undefined
}

function viewOf(name: CryptogramName): CryptogramView {
  const { from = 0, length } = schemes[name].input.find(({ tag }) => tag === 0x9f10) ?? {}
  return { version: name, issuerData: data => data.subarray(from, length === undefined ? undefined : from + length) }
}

/** The accounts behind a profile, one an application. @throws Fault `bad-config` */
export function issuerView(profile: CardProfile): readonly IssuerAccount[] {
  const plan = parseProfile(profile)
  return plan.applications.map(one => {
    const byTap = tapCryptogram(one)
    return {
      aid: one.aid,
      pan: one.pan ?? plan.pan,
      psn: one.psn ?? plan.psn,
      expires: plan.expires,
      serviceCode: plan.serviceCode,
      pin: plan.pin?.digits,
      masterKeys: testIssuerKeys,
      ...viewOf(one.cryptogram),
      currency: plan.currency,
      tap: byTap && viewOf(byTap),
      stripeCode: settingsOf(one)?.magstripe ? (tapBrandOf(one) === 'visa' ? 'dcvv' : 'cvc3') : undefined,
    }
  })
}

let ready: readonly IssuerAccount[] | undefined

/** The accounts of every profile that comes with the simulator: read once, since each acquirer that starts wants them. */
export function allAccounts(): readonly IssuerAccount[] {
  ready ??= (Object.keys(profiles) as ProfileName[]).flatMap(name => issuerView(profiles[name]))
  return ready
}
