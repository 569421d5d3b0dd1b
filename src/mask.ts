/** What may be shown of secret data: of a PAN the first six and last four digits, of tracks, PINs and keys nothing. */
import * as door from './door.ts'
import { starNumbers, starPan } from './stars.ts'

/** A PAN as `400000******0002`; separators and pad nibbles (F) are dropped. Shorter than 11 digits: only stars. */
export function maskPan(pan: string): string {
  door.need('pan', pan, door.anyText)
  return starPan(pan)
}

/** Words of somebody else's, a host's refusal for example, that may repeat what they were asked: each number as long as a PAN (12 digits or more) is masked, each track whole. */
export function maskNumbers(words: string): string {
  door.need('words', words, door.anyText)
  return starNumbers(words)
}
