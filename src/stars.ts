/** Digits behind stars: what a masked number looks like. The checked functions are in mask.ts; what the door itself says is masked by these. */

/** A PAN as `400000******0002`; separators and pad nibbles (F) are dropped. Shorter than 11 digits: only stars. */
export function starPan(pan: string): string {
  const digits = pan.replace(/[^0-9]/g, '')
  return digits.length < 11 ? '*'.repeat(digits.length) : digits.slice(0, 6) + '*'.repeat(digits.length - 10) + digits.slice(-4)
}

/** Each number of 12 digits or more as a PAN, each track whole. */
export function starNumbers(words: string): string {
  return words.replace(/(\d{12,19})[=D]\d+/gi, (_, pan) => `${starPan(pan)}…`).replace(/\d(?:[ -]?\d){11,}/g, run => starPan(run))
}
