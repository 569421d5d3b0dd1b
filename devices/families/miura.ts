/** Miura in the table of families. */

import { openMiura } from '#drivers/miura'
import type { Family } from '../family.ts'
import { dissector } from '../miura/dissector.ts'

/** Miura M010, Shuttle (MPI). */
export const miuraFamily: Family = {
  // Bluetooth classic (SPP), USB serial, or TCP on port 6543: a serial port or a socket to us.
  name: 'miura',
  readers: 'Miura M010, Shuttle (MPI)',
  provenance: 'vendor-source',
  bluetoothNames: ['Miura'],
  usb: [],
  baud: 115200,
  dissector: () => dissector,
  open: openMiura,
}
