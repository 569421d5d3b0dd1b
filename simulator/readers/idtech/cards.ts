/** The card of a payment between its commands: waited for, found, paid with, and given back where nothing comes of it. */

import type { Start } from '../../../devices/idtech/codec.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { CardInterface } from '../../../src/emv/outcome.ts'
import type { Transaction } from '../../../src/emv/terminal.ts'
import type { Firmware } from '../firmware.ts'
import { type Taken, takeCard, type Ways } from '../take-card.ts'
import { transactionOf } from './payload.ts'

/** The chip of a transaction that was started. */
interface Chip {
  readonly card: Card
  readonly transaction: Transaction
  readonly asked: string
}

/** A wait for a card that has ended with nobody, while its invitation still stands: the same command goes on with it. */
interface Standing {
  readonly asked: string
  readonly ways: Ways
  /** Nobody goes on. */
  over(): void
}

/** Milliseconds after a wait for which the invitation stands: assumed. */
const STANDS = 1500

export class IdtechCards {
  /** Of the raw slot. */
  raw: Card | undefined
  readonly #firmware: Firmware
  #chip: Chip | undefined
  /** What was asked for when a chip was found that its host then wanted nothing of: for the same again, it is there already. Assumed. */
  #untouched: string | undefined
  #standing: Standing | undefined

  constructor(firmware: Firmware) {
    this.#firmware = firmware
  }

  /** The chip that waits for the host to authenticate it. */
  get chip(): Chip | undefined {
    return this.#chip
  }

  /** It waits now. */
  found(card: Card, transaction: Transaction, start: Start): void {
    this.#chip = { card, transaction, asked: askedFor(start) }
    this.#firmware.body.show('reader.processing')
  }

  /** Its payment is over. */
  done(): void {
    this.#chip = undefined
  }

  /**
   * Waits for a card as long as the host wants. One that comes back at once for the same payment goes on where it was: display, light and whoever stands there hear
   * nothing of it. @param wait `timeout` in seconds
   */
  async take(
    start: Start,
    wait: { readonly timeout: number; readonly interfaces: readonly CardInterface[]; readonly signal: AbortSignal },
  ): Promise<Taken> {
    const { timeout, interfaces, signal } = wait
    const transaction = transactionOf(start)
    const asked = askedFor(start)
    if (this.#untouched === asked) this.#firmware.body.reuseCard()
    this.#untouched = undefined
    const { asked: stands, ways } = this.#standing ?? {}
    const before = stands === asked && ways?.interfaces.every(one => interfaces.includes(one)) ? ways : undefined
    this.endStanding(before !== undefined)
    const options = { interfaces, timeout: timeout * 1000, signal, host: {}, goesOn: true, ...(before && { standing: before }) }
    const taken = await takeCard(this.#firmware, transaction, options)
    if (taken.type !== 'none') return taken
    if (taken.why !== 'timeout') {
      this.#nobody()
      return taken
    }
    const over = this.#firmware.clock.timer(STANDS, () => {
      this.#standing = undefined
      this.#nobody()
    })
    this.#standing = { asked, ways: taken.ways, over }
    return taken
  }

  #nobody(): void {
    this.#firmware.body.shine('off')
    this.#firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }

  /** `goesOn`: it is taken up again, and nothing of its end is seen. */
  endStanding(goesOn = false): void {
    if (!this.#standing) return
    this.#standing.over()
    this.#standing = undefined
    if (!goesOn) this.#nobody()
  }

  /** A card that waits for a payment which does not come. */
  giveBack(): void {
    this.endStanding()
    if (!this.#chip && !this.raw) return
    this.#untouched = this.#chip?.asked
    this.#chip = undefined
    this.raw = undefined
    this.#firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }
}

/** A payment, for whether it is the one of before. */
function askedFor(start: Start): string {
  return Object.values(start).join()
}
