/** Discover and Diners by tap: D-PAS, with the cryptogram and the card's processing requirements in the answer to GET PROCESSING OPTIONS (Book C-6). */

import { concat, fromHex } from '../../../src/bytes.ts'
import { sha1, signedDynamicData } from '../certificates.ts'
import { ok } from '../command.ts'
import { children, encode } from '../objects.ts'
import { firstMethod, settingsOf, type TapBrand, tapCryptogram } from './brand.ts'
import { beginQuick, finishQuick, wishes } from './quick.ts'

const pdol = fromHex('9F66049F02069F03069F1A025F2A029A039C019F3704')
/** Card Processing Requirement (9F71) byte 1, by method; byte 2: online if CDA fails, online if expired, issuer update. */
const DEVICE_VERIFIED = 0x10
const ONLINE_IF_CDA_FAILS = 0x40
const ONLINE_IF_EXPIRED = 0x08
const ISSUER_UPDATE = 0x10

export const discoverTap: TapBrand = {
  plan: common => ({
    ...common,
    cryptogram: tapCryptogram(common) ?? common.cryptogram,
    // AIP: cardholder verification, terminal risk management, CDA.
    aip: fromHex('1900'),
    pdol,
    oda: { ...common.oda, method: 'cda' },
  }),
  quick(tapped, data) {
    const run = beginQuick(tapped, data)
    if ('sw' in run) return run
    const { application, device } = tapped
    const { image } = application
    const ttq = run.told.get(0x9f66)!
    const required = (ttq[1] & 0x40) !== 0
    const method = required && device === 'card' ? firstMethod(image.plan, wishes, ({ reader }) => (ttq[0] & reader) !== 0) : undefined
    const update = settingsOf(image.plan)?.issuerUpdate ? ISSUER_UPDATE : 0
    const requirement = Uint8Array.of(
      (method?.card ?? 0) | (device === 'phone' ? DEVICE_VERIFIED : 0),
      ONLINE_IF_CDA_FAILS | ONLINE_IF_EXPIRED | update,
    )
    const made = finishQuick(tapped, run, method?.pin === true, { ...(device === 'phone' && { device: 'verified' as const }) })
    const clear = new Map([[0x82, image.aip], [0x94, image.afl], [0x9f36, made.atc], [0x9f27, made.cid], [0x9f10, made.iad], [0x9f71, requirement]]) // biome-ignore format: a list
    if (made.type !== 'TC') return ok(encode(0x77, children(clear.set(0x9f26, made.cryptogram))))
    // CDA over the PDOL's data and the answer; the cryptogram is inside the signature only.
    const hash = sha1(...run.dolData, ...[...clear].map(([tag, value]) => encode(tag, value)))
    const dynamic = concat(made.dynamicNumber, made.cid, made.cryptogram, hash)
    return ok(encode(0x77, children(clear.set(0x9f4b, signedDynamicData(image.iccKey!, dynamic, made.challenge)))))
  },
}
