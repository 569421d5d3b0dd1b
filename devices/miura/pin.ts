/** A PIN entry as a Miura tells of it: how many digits there are, whether it was right, and how many tries are left. */

import type { ReaderEvent } from '../../src/reader/reader.ts'
import { PIN_OK, type StatusEvent } from './codec.ts'

type PinEvent = Extract<ReaderEvent, { type: 'pin' }>['event']

export class PinTeller {
  readonly #emit: (event: ReaderEvent) => void
  #typing = false

  constructor(emit: (event: ReaderEvent) => void) {
    this.#emit = emit
  }

  hear({ pinDigits, pinStatus, pinTries }: StatusEvent): void {
    const tell = (event: PinEvent, digits?: number) => this.#emit({ type: 'pin', event, ...(digits !== undefined && { digits }) })
    if (pinTries !== undefined && pinStatus !== PIN_OK) {
      this.#typing = false
      tell('wrong')
      if (pinTries === 1) tell('lastTry')
    }
    if (pinDigits !== undefined) {
      if (!this.#typing) tell('started')
      this.#typing = true
      if (pinDigits > 0) tell('digit', pinDigits)
    }
    if (pinStatus === PIN_OK) {
      this.#typing = false
      tell('ok')
    }
  }

  /** The transaction is over. */
  end(): void {
    this.#typing = false
  }
}
