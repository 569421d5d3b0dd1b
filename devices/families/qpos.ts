/** QPOS in the table of families. */

import { openQpos } from '#drivers/qpos'
import type { Family } from '../family.ts'
import { bleShape } from '../qpos/codec.ts'
import { dissector } from '../qpos/dissector.ts'

/** DSPREAD QPOS mini, Cute, Plus, CR100. */
export const qposFamily: Family = {
  name: 'qpos',
  readers: 'DSPREAD QPOS mini, Cute, Plus, CR100',
  provenance: 'vendor-source',
  bluetoothNames: ['MPOS', 'QPOS', 'VEL', 'MIPS', 'watu', 'POINT'],
  ble: bleShape,
  usb: [{ vendor: 0x03aa }],
  baud: 9600,
  dissector: () => dissector,
  open: openQpos,
}
