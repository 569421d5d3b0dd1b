/** Tags of our own, in the private class, for what readers give and no EMV tag holds; as QPOS has them (docs/devices/qpos.md), so that an acquirer and a slip read all families alike. */

import { toCn } from '../bytes.ts'

/** A card's number as far as its reader shows it: compressed numeric, F where a digit is hidden. */
export const MASKED_PAN = 0xc4

/** Tracks as the reader's head enciphered them. */
export const encTracks = { encTrack1: 0xdfd101, encTrack2: 0xdfd102, encTrack3: 0xdfd103 } as const

/** The value of `MASKED_PAN`: whatever is no digit in `masked` hides one. */
export function maskedCn(masked: string): Uint8Array {
  return toCn(masked.replace(/[^0-9]/g, 'F'))
}
