/** American Express by tap: Expresspay in EMV mode with CDA, mobile CVM on a phone (EMV Contactless Book C-4). */

import { fromHex } from '../../../src/bytes.ts'
import type { TapBrand } from './brand.ts'

/** Card Interface and Payment Capabilities (9F70): keyed, stripe, contact and contactless EMV; a phone is contactless only, and mobile. */
const capabilities = { card: fromHex('F000'), phone: fromHex('1800') }
/** Mobile CVM Results (9F71): performed with success, or not performed; the terminal required it. */
const mobileResults = { phone: fromHex('010302'), lockedPhone: fromHex('3F0300') }
/** CVM code 01: mobile CVM, which a contact list calls plaintext PIN. */
const mobileCvm = { method: 0x01, when: 'supported', otherwise: 'next' } as const

export const amexTap: TapBrand = {
  plan(common, device) {
    // AIP: cardholder verification, terminal risk management, CDA; EMV and mag-stripe mode; mobile, host card emulation.
    const aip = Uint8Array.of(0x19, device === 'phone' ? 0xe0 : 0x80)
    const rules = common.cvm?.rules ?? []
    return {
      ...common,
      aip,
      pdol: fromHex('9F35019F6E04'),
      oda: { ...common.oda, method: 'cda' },
      cvm: device === 'phone' ? { x: 0, y: 0, ...common.cvm, rules: [mobileCvm, ...rules] } : common.cvm,
      data: { '9F70': capabilities[device], ...common.data },
    }
  },
  // Where 9F71 comes from is assumed: it changes from tap to tap, as the answer to GET PROCESSING OPTIONS does.
  initiated: ({ device }) => new Map(device === 'card' ? [] : [[0x9f71, mobileResults[device]]]),
}
