/** What a virtual Miura tells of between transactions, where its host wants to know: swipes, and the CANCEL key. */

import { cardReports } from '../../../devices/miura/codec.ts'
import { asFault, type Fault } from '../../../src/errors.ts'
import type { SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { Body } from '../body/body.ts'

export interface IdleOptions {
  readonly body: Body
  readonly onSwipe: (tracks: SwipedTracks, signal: AbortSignal) => Promise<unknown>
  readonly onCancel: () => void
  readonly onFault?: ((fault: Fault) => void) | undefined
}

export class MiuraIdle {
  /** P1 of the last CARD STATUS. */
  reports = 0
  /** Keys are told of. */
  keys = false
  readonly #options: IdleOptions
  #running: { readonly stop: AbortController; readonly over: Promise<unknown> } | undefined

  constructor(options: IdleOptions) {
    this.#options = options
  }

  /** From now until `rest`. */
  watch(): void {
    if (this.#running) return
    const stop = new AbortController()
    const quietly = (work: Promise<void>) =>
      work.catch(error => {
        if (!stop.signal.aborted) this.#options.onFault?.(asFault(error))
      })
    this.#running = { stop, over: Promise.all([quietly(this.#swipes(stop.signal)), quietly(this.#cancels(stop.signal))]) }
  }

  async rest(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    running?.stop.abort()
    await running?.over
  }

  async #swipes(signal: AbortSignal): Promise<void> {
    const { body, onSwipe } = this.#options
    while (this.reports & (cardReports.track1 | cardReports.track2 | cardReports.track3)) {
      const found = await body.nextCard(['swipe'], { signal })
      if (found.interface === 'swipe') await onSwipe(found.tracks, signal)
    }
  }

  async #cancels(signal: AbortSignal): Promise<void> {
    if (!this.keys) return
    const keypad = this.#options.body.keypad()
    try {
      for (;;) if ((await keypad.next({ signal })) === 'cancel') this.#options.onCancel()
    } finally {
      keypad.close()
    }
  }
}
