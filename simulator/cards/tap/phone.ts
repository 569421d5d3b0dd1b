/** A phone with a virtual card in it: it has no chip to insert and no stripe, and knows whether its holder has unlocked it. */

import type { Clock } from '../../../src/clock.ts'
import type { VirtualCard } from '../icc.ts'
import type { TapSession } from './session.ts'

/** What a person holds to a reader instead of the card: `body.tap(phone)`. */
export class VirtualPhone {
  /** The card in it. */
  readonly card: VirtualCard
  #locked: boolean
  #asking = false

  /** @param locked the holder has not verified themselves on it yet */
  constructor(card: VirtualCard, { locked = false }: { readonly locked?: boolean } = {}) {
    this.card = card
    this.#locked = locked
  }

  /** That of the card in it. */
  get pin(): string | undefined {
    return this.card.pin
  }

  /** The holder has not verified themselves on it. */
  get locked(): boolean {
    return this.#locked
  }

  /** Its screen asks the holder to verify themselves: a reader has wanted it, and the phone was locked. */
  get asksHolder(): boolean {
    return this.#asking
  }

  /** The holder verifies themselves: by face, finger or code. */
  unlock(): void {
    this.#locked = false
    this.#asking = false
  }

  /** The holder must verify themselves again. */
  lock(): void {
    this.#locked = true
  }

  /** Holds the phone into the field. The counters are those of the card. @throws Fault `card-mute` where the card cannot be tapped */
  contactless(options: { readonly clock?: Clock; readonly tornAt?: number } = {}): TapSession {
    const onHolderWanted = () => {
      this.#asking = true
    }
    return this.card.contactless({ ...options, device: this.#locked ? 'lockedPhone' : 'phone', onHolderWanted })
  }
}
