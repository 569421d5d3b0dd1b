/** Moves virtual time on while somebody waits for something, one at a time, and not while a person has the word. */

import { sleep, systemClock, type VirtualClock } from '../../../src/clock.ts'

/** Milliseconds of real time that a person, or a file, is waited for before it is looked again. */
const PATIENCE = 5

export class Mover {
  readonly #clock: VirtualClock
  /** Somebody is asked who answers in their own time: nothing moves meanwhile. */
  readonly #held: () => boolean
  #last: Promise<void> = Promise.resolve()

  constructor(clock: VirtualClock, held: () => boolean) {
    this.#clock = clock
    this.#held = held
  }

  /** One move after the other: two at once would set the clock back. */
  advance(ms: number): Promise<void> {
    this.#last = this.#last.then(() => this.#clock.advance(ms))
    return this.#last
  }

  /** Moves time until `work` settles; it settles as `work` does. */
  async until<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const mark = () => {
      settled = true
    }
    work.then(mark, mark)
    // What needs no time gets none.
    for (let turn = 0; turn < 10 && !settled; turn++) await new Promise<void>(resolve => setImmediate(resolve))
    while (!settled) {
      const { untilNext } = this.#clock
      if (this.#held() || untilNext === undefined) await sleep(PATIENCE, systemClock)
      else await this.advance(untilNext)
    }
    return work
  }
}
