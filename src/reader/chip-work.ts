/** How long a reader may work with a chip in silence, and whether its line can be trusted meanwhile. */

import type { Clock } from '../clock.ts'

/** Milliseconds in which any chip has done its part: a slow one takes half a second for each of some twenty-five commands, and no reader tells of each. Assumed. */
const CHIP = 15_000
/** Milliseconds for which a line that has lost something is trusted less. */
const BAD_FOR = 600_000

/**
 * Silence while a chip works is work on a good line. On one that has lost something a short while ago it is, more likely, another loss: then a reader is waited for no longer
 * than `quick`, or twice the longest that it was seen to work while its line was good.
 */
export class ChipWork {
  readonly #clock: Clock
  readonly #quick: number
  #lost = Number.NEGATIVE_INFINITY
  #longest = 0

  /** @param quick milliseconds in which an ordinary chip is through */
  constructor(clock: Clock, quick: number) {
    this.#clock = clock
    this.#quick = quick
  }

  /** Something was lost on the way. */
  lost(): void {
    this.#lost = this.#clock.elapsed()
  }

  /** The reader was heard after so many milliseconds of silent work; on a bad line that says nothing of the chip. */
  took(ms: number): void {
    if (this.isBad) return
    this.#longest = Math.max(this.#longest, ms)
  }

  /** The line has lost something a short while ago. */
  get isBad(): boolean {
    return this.#clock.elapsed() - this.#lost < BAD_FOR
  }

  /** Milliseconds of silence that are too long. */
  get patience(): number {
    return this.isBad ? Math.min(CHIP, Math.max(this.#quick, 2 * this.#longest)) : CHIP
  }
}
