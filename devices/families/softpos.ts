/** SoftPOS in the table of families. */

import type { Family } from '../family.ts'
import { noLink } from '../softpos/no-link.ts'

/** A phone’s own NFC, or a PC/SC reader’s field: opened with openSoftPos. */
export const softposFamily: Family = {
  name: 'softpos',
  readers: 'a phone’s own NFC, or a PC/SC reader’s field: opened with openSoftPos',
  provenance: 'specification',
  bluetoothNames: [],
  usb: [],
  open: noLink,
}
