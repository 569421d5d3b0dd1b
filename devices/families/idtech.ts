/** ID TECH in the table of families. */

import { openIdtech } from '#drivers/idtech'
import type { Family } from '../family.ts'
import { idtechHid } from '../idtech/codec.ts'
import { dissector } from '../idtech/dissector.ts'

/** ID TECH VP3300 and other NEO 2 readers (ViVOtech2). */
export const idtechFamily: Family = {
  // Its Bluetooth services are not public: over Bluetooth it is found by name, and opened by who knows them.
  name: 'idtech',
  readers: 'ID TECH VP3300 and other NEO 2 readers (ViVOtech2)',
  provenance: 'specification',
  bluetoothNames: ['IDTECH'],
  hid: idtechHid,
  usb: [{ vendor: 0x0acd, product: 0x3530 }],
  baud: 115200,
  dissector: () => dissector,
  open: openIdtech,
}
