/** JCB by tap: J/Speedy in EMV mode with CDA; the card chooses the verification (EMV Contactless Book C-5). */

import { fromHex } from '../../../src/bytes.ts'
import { SW } from '../command.ts'
import { firstMethod, settingsOf, type TapBrand } from './brand.ts'

/** Cardholder Verification Status (9F50), and the bit of the Terminal Interchange Profile (9F53 byte 1) that says that the reader can do it. */
const methods = { onlinePin: { status: 0x20, reader: 0x20 }, signature: { status: 0x10, reader: 0x40 } }
const CVM_REQUIRED = 0x80
const ON_DEVICE = 0x30
/** Issuer Update Parameter (9F60). */
const updates = { presentAndHold: 1, secondTap: 2 }

export const jcbTap: TapBrand = {
  recovery: 'echo',
  plan: common => ({
    ...common,
    // AIP: cardholder verification, terminal risk management, CDA; EMV mode.
    aip: fromHex('1980'),
    pdol: fromHex('9F52019F5303'),
    oda: { ...common.oda, method: 'cda' },
  }),
  /** A locked phone whose holder is to be verified answers 6986: see the phone. */
  beforeAc({ session, application, device }) {
    const { plan } = application.image
    const reader = session.run?.told.get(0x9f53)?.[0] ?? 0
    const required = (reader & CVM_REQUIRED) !== 0
    if (required && device === 'lockedPhone') return { refuse: SW.notAllowed }
    const wanted = device === 'phone' ? ON_DEVICE : (firstMethod(plan, methods, ({ reader: bit }) => (reader & bit) !== 0)?.status ?? 0)
    const update = settingsOf(plan)?.issuerUpdate
    return {
      more: new Map([
        [0x9f50, Uint8Array.of(required ? wanted : 0)],
        ...(update ? [[0x9f60, Uint8Array.of(updates[update])] as const] : []),
      ]),
    }
  },
}
