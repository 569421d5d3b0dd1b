/** MagTek in the table of families. */

import { openMagtek } from '#drivers/magtek'
import type { Family } from '../family.ts'
import { magtekBle, magtekHid } from '../magtek/codec.ts'
import { dissector } from '../magtek/dissector.ts'

/** MagTek eDynamo, tDynamo, mDynamo, iDynamo 6, DynaMag (V5); DynaFlex, DynaFlex II, DynaProx (MMS). */
export const magtekFamily: Family = {
  name: 'magtek',
  readers: 'MagTek eDynamo, tDynamo, mDynamo, iDynamo 6, DynaMag (V5); DynaFlex, DynaFlex II, DynaProx (MMS)',
  provenance: 'vendor-source',
  bluetoothNames: [],
  ble: [magtekBle.tDynamo, magtekBle.eDynamo, magtekBle.dynaFlex],
  usb: [
    ...[0x01, 0x03].map(product => ({ vendor: 0x0801, product, hid: product === 1 ? magtekHid.dynaMagPlain : magtekHid.dynaMag })),
    ...[0x02, 0x11].map(product => ({ vendor: 0x0801, product, hid: magtekHid.dynaMagPlainLong })),
    ...[0x19, 0x1a, 0x1c, 0x1e, 0x1f].map(product => ({ vendor: 0x0801, product, hid: magtekHid.v5 })),
    ...[0x2020, 0x2023, 0x2024].map(product => ({ vendor: 0x0801, product, hid: magtekHid.mms })),
  ],
  dialects: ['v5', 'mms'],
  baud: 115200,
  dissector,
  open: openMagtek,
}
