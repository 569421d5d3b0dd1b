/** What a Miura has told of the card and of its keys: as it is now, and what is waited for. */

import { abortFault } from '../../src/errors.ts'
import { type CardEvent, keyCodes } from './codec.ts'

type Waiter = (heard: CardEvent | 'cancel') => void

export class Watch {
  /** A card is in the slot; undefined before the reader has said so. */
  present: boolean | undefined
  /** The card in the slot has paid: the next payment wants it presented anew. */
  spent = false
  /** The last swipe that nobody has used. */
  swiped: CardEvent | undefined
  #last: CardEvent | undefined
  readonly #waiters = new Set<Waiter>()

  /** Whether the slot has changed: `inserted`, `removed`, or nothing to tell. */
  hear(event: CardEvent): 'inserted' | 'removed' | undefined {
    const { present, swiped } = event
    const before = this.present
    this.present = present
    if (!present) this.spent = false
    if (swiped) this.swiped = event
    this.#last = event
    for (const waiter of [...this.#waiters]) waiter(event)
    if (before === present || (before === undefined && !present)) return undefined
    return present ? 'inserted' : 'removed'
  }

  press(key: number): void {
    if (key === keyCodes.cancel) for (const waiter of [...this.#waiters]) waiter('cancel')
  }

  /** A swipe of before is none of the next payment. */
  forget(): void {
    this.swiped = undefined
    if (this.#last?.swiped) this.#last = { ...this.#last, swiped: false }
  }

  /** The first event, that of now included, that is `wanted`; CANCEL does not count. @throws Fault `aborted` or the signal's own */
  async next(wanted: (event: CardEvent) => boolean, signal: AbortSignal): Promise<CardEvent> {
    for (;;) {
      const heard = await this.nextOrCancel(wanted, signal)
      if (heard !== 'cancel') return heard
    }
  }

  /** The same, or CANCEL. @throws Fault `aborted` or the signal's own */
  nextOrCancel(wanted: (event: CardEvent) => boolean, signal: AbortSignal): Promise<CardEvent | 'cancel'> {
    if (this.#last && wanted(this.#last)) return Promise.resolve(this.#last)
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiters.delete(hear)
        signal.removeEventListener('abort', abort)
      }
      const hear: Waiter = heard => {
        if (heard !== 'cancel' && !wanted(heard)) return
        done()
        resolve(heard)
      }
      const abort = () => {
        done()
        reject(abortFault(signal))
      }
      if (signal.aborted) return abort()
      this.#waiters.add(hear)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}
