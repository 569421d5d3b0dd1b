/** Visa and UnionPay by tap: qVSDC and qUICS, with card transaction qualifiers and fast DDA (EMV Contactless Books C-3 and C-7). */

import { concat, fromHex } from '../../../src/bytes.ts'
import { signedDynamicData } from '../certificates.ts'
import { type Answer, ok } from '../command.ts'
import { children, encode } from '../objects.ts'
import { firstMethod, settingsOf, type TapBrand, type Tapped, tapCryptogram } from './brand.ts'
import { msdOptions } from './magstripe.ts'
import { beginQuick, finishQuick, wishes } from './quick.ts'

/** Card Transaction Qualifiers (9F6C) byte 1: go online where offline data authentication fails. Byte 2: issuer update. */
const ONLINE_IF_ODA_FAILS = 0x20
const ISSUER_UPDATE = 0x40

/** The card transaction qualifiers, and with a TC fast DDA. @param more data objects of the brand */
function qualified(tapped: Tapped, data: Uint8Array, more: ReadonlyMap<number, Uint8Array>): Answer {
  const run = beginQuick(tapped, data)
  if ('sw' in run) return run
  const { image } = tapped.application
  const qualifiers = qualifiersOf(tapped, run.told.get(0x9f66)!)
  const made = finishQuick(tapped, run, (qualifiers[0] & 0x80) !== 0)
  const objects = new Map([[0x82, image.aip], [0x94, image.afl], [0x9f36, made.atc], [0x9f26, made.cryptogram], [0x9f27, made.cid], [0x9f10, made.iad], [0x9f6c, qualifiers], ...more]) // biome-ignore format: a list
  if (made.type === 'TC' && image.iccKey) {
    const version = settingsOf(image.plan)?.fdda === '00' ? 0x00 : 0x01
    const related = concat(Uint8Array.of(version), tapped.session.random(4), qualifiers, Uint8Array.of(0x00))
    const whole = concat(made.challenge, run.told.get(0x9f02)!, run.told.get(0x5f2a)!, related)
    const signature = signedDynamicData(image.iccKey, made.dynamicNumber, version === 0x00 ? made.challenge : whole)
    objects.set(0x9f69, related).set(0x9f4b, signature)
  }
  return ok(encode(0x77, children(objects)))
}

/** A phone says that it verified its holder; plastic asks for what its list has first, where the reader needs verification and can do it. */
function qualifiersOf({ application: { image }, device }: Tapped, ttq: Uint8Array): Uint8Array {
  const update = settingsOf(image.plan)?.issuerUpdate ? ISSUER_UPDATE : 0
  if (device === 'phone') return Uint8Array.of(ONLINE_IF_ODA_FAILS, 0x80 | update)
  const method = ttq[1] & 0x40 ? firstMethod(image.plan, wishes, ({ reader }) => (ttq[0] & reader) !== 0) : undefined
  return Uint8Array.of(ONLINE_IF_ODA_FAILS | (method?.card ?? 0), update)
}

const pdol = fromHex('9F66049F02069F03069F1A0295055F2A029A039C019F3704')
/** Form Factor Indicator (9F6E), values assumed. */
const formFactors = { card: fromHex('20700000'), phone: fromHex('238C0000') }

export const visaTap: TapBrand = {
  plan: common => ({
    ...common,
    cryptogram: tapCryptogram(common) ?? common.cryptogram,
    // Byte 2 b8: mag-stripe mode.
    aip: settingsOf(common)?.magstripe ? Uint8Array.of(0x00, 0x80) : Uint8Array.of(0x20, 0x00),
    pdol,
    oda: { ...common.oda, method: 'dda' },
  }),
  quick(tapped, data) {
    const { application, device } = tapped
    if (settingsOf(application.image.plan)?.magstripe) return msdOptions(tapped, data)
    const formFactor = settingsOf(application.image.plan)?.deviceData ?? formFactors[device === 'card' ? 'card' : 'phone']
    return qualified(tapped, data, new Map([[0x9f6e, formFactor]]))
  },
}

/** As Visa's, but for its Form Factor Indicator; readers look at version 0030 (9F08) and later for fast DDA version 01. */
export const unionPayTap: TapBrand = {
  kernel: Uint8Array.of(0x07),
  plan: common => ({ ...common, aip: Uint8Array.of(0x20, 0x00), pdol, oda: { ...common.oda, method: 'dda' } }),
  quick: (tapped, data) => qualified(tapped, data, new Map()),
}
