/** A card's number as far as its reader shows it, where slips and rules look for it: one tag for all families. */

import { toCn } from '../bytes.ts'

/** Of the private class, as QPOS has it (docs/devices/qpos.md): compressed numeric, F where a digit is hidden. */
export const MASKED_PAN = 0xc4

/** The value of `MASKED_PAN`: whatever is no digit in `masked` hides one. */
export function maskedCn(masked: string): Uint8Array {
  return toCn(masked.replace(/[^0-9]/g, 'F'))
}
