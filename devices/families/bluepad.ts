/** BluePad in the table of families. */

import { openBluepad } from '#drivers/bluepad'
import { bleShape } from '../bluepad/codec.ts'
import { dissector } from '../bluepad/dissector.ts'
import type { Family } from '../family.ts'

/** Datecs BluePad-50, BluePad-55, BluePad-500 (Handpoint HiLite, HiPro). */
export const bluepadFamily: Family = {
  name: 'bluepad',
  readers: 'Datecs BluePad-50, BluePad-55, BluePad-500 (Handpoint HiLite, HiPro)',
  provenance: 'vendor-tests',
  bluetoothNames: ['PP'],
  ble: bleShape,
  usb: [],
  dialects: ['mped', 'emv2'],
  baud: 115200,
  dissector: () => dissector,
  open: openBluepad,
}
