/** Keys as everybody may hear of them. */

import type { Key } from '../../readers/body/senses.ts'

/** A digit may be of a PIN: a star. */
export function keyboardKeys(keys: readonly Key[]): string[] {
  return keys.map(key => (/^\d$/.test(key) ? '*' : key))
}
