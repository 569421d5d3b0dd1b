/** What of a card's data may be shown. */

import { hex } from '../bytes.ts'
import { maskPan } from '../mask.ts'

/** Of a sensitive value what may be shown: a PAN's first six and last four digits, else only that it is there. */
export function mask(tag: number, value: Uint8Array): string {
  if (tag === 0x5a) return maskPan(hex(value))
  if (tag === 0x57 || tag === 0x9f6b) return maskPan(hex(value).split('D')[0]) + (hex(value).includes('D') ? '=***' : '')
  return value.length === 0 ? '' : '***'
}
