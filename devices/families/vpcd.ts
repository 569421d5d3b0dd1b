/** vpcd in the table of families. */

import { openVpcd } from '#drivers/vpcd'
import type { Family } from '../family.ts'
import { dissector } from '../vpcd/dissector.ts'

/** Card programs that speak the socket protocol of vpcd (vsmartcard). */
export const vpcdFamily: Family = {
  name: 'vpcd',
  readers: 'card programs that speak the socket protocol of vpcd (vsmartcard)',
  provenance: 'vendor-source',
  bluetoothNames: [],
  usb: [],
  dissector: () => dissector,
  open: openVpcd,
}
