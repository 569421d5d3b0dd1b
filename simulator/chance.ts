/** Chance that comes the same way every time: a seed decides all of it. */

/** For doors and schemas: 1 to 2³² − 1. */
export const MOST_SEED = 0xffff_ffff

/** Says yes with the probability that it is asked with, 0 to 1 (Marsaglia's xorshift32; the first throws are those of a small seed, and left out). */
export function chance(seed: number): (probability: number) => boolean {
  let state = seed >>> 0 || 1
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
  for (let thrown = 0; thrown < 8; thrown++) next()
  return probability => next() < probability
}
