/** Bytes that look unpredictable and are the same for the same seed: a scenario that failed fails again in the same way. Never for real keys. */

/** Streams of one seed: what the app draws moves nothing that the reader, the cards, its kernel and the host draw. */
export const streams = { app: 0, reader: 0x72656164, card: 0x63617264, kernel: 0x6b65726e, host: 0x686f7374 } as const

/** A seed for who was given none: told in the trace, so that what went wrong can be had again. */
export function drawnSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]
}

/** As many bytes as asked, from mulberry32 (32 bits of state). */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  const next = seededNumbers(seed)
  return length => Uint8Array.from({ length }, () => next(256))
}

/** A number from 0 to below the one that is given. */
export function seededNumbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** An idempotency key of seeded bytes, in the form of a UUID. */
export function seededKey(random: (length: number) => Uint8Array): string {
  const digits = Buffer.from(random(16)).toString('hex')
  return [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(13, 16)}`, `8${digits.slice(17, 20)}`, digits.slice(20)].join('-')
}
