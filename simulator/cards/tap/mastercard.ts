/** Mastercard and Mir by tap: EMV mode with CDA; a locked phone that the reader counts on declines and says why (EMV Contactless Book C-2). */

import { equal, fromHex } from '../../../src/bytes.ts'
import { layoutOf } from '../records.ts'
import { settingsOf, type TapBrand } from './brand.ts'
import { computeChecksum, mastercardStripe } from './magstripe.ts'

/** 9F6E: country, unique identifier, device type: "00" card, "01" phone. */
const deviceData = { card: fromHex('06430000303000'), phone: fromHex('06430000303100') }
/** CVM Results (9F34) with which a reader says that the device has verified its holder (Book C-2). */
const DEVICE_VERIFIED = fromHex('010002')
/** POS Cardholder Interaction Information (DF4B): verification on the device is required (byte 2 b1). */
const SEE_PHONE = new Map([[0xdf4b, fromHex('000100')]])

const beforeAc: TapBrand['beforeAc'] = ({ device }, told) => {
  const results = told.get(0x9f34)
  return device === 'lockedPhone' && results && equal(results, DEVICE_VERIFIED) ? { decline: true, more: SEE_PHONE } : undefined
}

/** AIP: DDA, cardholder verification, terminal risk management, CDA; on-device verification on a phone. */
const firstByte = (device: 'card' | 'phone') => 0x39 | (device === 'phone' ? 0x02 : 0x00)

export const mastercardTap: TapBrand = {
  plan(common, device, card) {
    const settings = settingsOf(common)
    if (settings?.magstripe) return mastercardStripe(common, device, card)
    // AIP byte 2: EMV mode, relay resistance.
    const aip = Uint8Array.of(firstByte(device), 0x80 | (settings?.relayResistance ? 0x01 : 0))
    // DRDOL (9F51): the unpredictable number finds the torn transaction again.
    const data = { '9F6E': settings?.deviceData ?? deviceData[device], '9F51': fromHex('9F3704'), ...common.data }
    const plan = { ...common, aip, oda: { ...common.oda, method: 'cda' as const }, data }
    if (settings?.layout) return { ...plan, layout: settings.layout }
    // Record 1 of SFI 1 is that of magstripe mode: a reader that has both modes leaves it out in EMV mode (Book C-2, S3.32).
    return { ...plan, layout: layoutOf(plan).map(record => (record.sfi === 1 ? { ...record, sfi: 7 } : record)) }
  },
  beforeAc,
  recovery: 'recoverAc',
  checksum: computeChecksum,
}

/** On-device verification by the AIP, and what a locked phone does, are assumed: no specification of Mir's is public. */
export const mirTap: TapBrand = {
  kernel: fromHex('810643'),
  hiddenWhenLocked: true,
  plan: (common, device) => ({ ...common, aip: Uint8Array.of(firstByte(device), 0), oda: { ...common.oda, method: 'cda' } }),
  beforeAc,
}
