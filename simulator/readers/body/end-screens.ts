/** What a reader shows after a payment: how it ended, "PLEASE REMOVE CARD", and idle again. Nobody waits for it. */

import { sleep } from '../../../src/clock.ts'
import type { Outcome } from '../../../src/emv/outcome.ts'
import { asFault, throwIfAborted } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Body } from './body.ts'

export type Ended = Pick<Outcome, 'result' | 'reason' | 'cvm'>

const reasons: Partial<Record<NonNullable<Outcome['reason']>, MessageId>> = {
  cardError: 'reader.cardError',
  cardMute: 'reader.cardError',
  cardBlocked: 'reader.notAccepted',
  applicationBlocked: 'reader.notAccepted',
  noApplication: 'reader.notAccepted',
  notAccepted: 'reader.notAccepted',
  tryAnotherInterface: 'reader.insertCard',
}

/** Resolves when `signal` fires. */
export function fired(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export class EndScreens {
  readonly #body: Body
  readonly #hold: number
  readonly #idle: () => void
  #running: AbortController | undefined
  /** Approved without a PIN, and the card is still in: "successful" is due when it is out, whatever the host writes until then. */
  #owed = false

  /** @param hold milliseconds for a result to be read */
  constructor(body: Body, hold: number, idle: () => void) {
    this.#body = body
    this.#hold = hold
    this.#idle = idle
  }

  show(ended: Ended): void {
    this.#owed = false
    this.#start(signal => this.#ending(ended, signal))
  }

  /** The card has been read, and the reader has no more part in it. */
  showHandedOver(): void {
    this.#owed = false
    this.#body.show('reader.processing')
    this.#start(signal => this.#rest(signal))
  }

  /** What the host has put there stays for its time; then the card is asked for, and the reader is idle. */
  linger(): void {
    this.#start(signal => this.#rest(signal))
  }

  /** The next payment cuts the last one's end short. No timer is left. */
  stop(): void {
    this.#running?.abort()
    this.#running = undefined
  }

  #start(run: (signal: AbortSignal) => Promise<void>): void {
    this.stop()
    const running = new AbortController()
    this.#running = running
    const { signal } = running
    run(signal).catch(error => {
      if (!signal.aborted) throw asFault(error)
    })
  }

  /** The guide's order: with a PIN "approved" and then the card; without, the card and then "successful". */
  async #ending({ result, reason, cvm }: Ended, signal: AbortSignal): Promise<void> {
    const body = this.#body
    const approved = result === 'approved'
    const pin = cvm === 'onlinePin' || cvm === 'offlinePin'
    body.shine(approved ? 'ok' : 'error')
    body.sound(approved ? 'ok' : 'error')
    if (approved && !pin && body.cardInSlot) {
      this.#owed = true
      await this.#cardOut(signal)
      this.#showOwed()
    } else {
      const no = (reason && reasons[reason]) ?? (result === 'declined' ? 'reader.declined' : 'reader.cancelled')
      body.show(approved ? (pin ? 'reader.approved' : 'reader.successful') : no)
    }
    await this.#rest(signal)
  }

  async #rest(signal: AbortSignal): Promise<void> {
    await sleep(this.#hold, this.#body.clock, signal)
    await this.#cardOut(signal)
    if (this.#showOwed()) await sleep(this.#hold, this.#body.clock, signal)
    this.#body.shine('off')
    this.#idle()
  }

  #showOwed(): boolean {
    const owed = this.#owed
    this.#owed = false
    if (owed) this.#body.show('reader.successful')
    return owed
  }

  async #cardOut(signal: AbortSignal): Promise<void> {
    if (!this.#body.cardInSlot) return
    const gone = this.#body.cardGone('chip')
    this.#body.show('reader.removeCard')
    this.#body.sound('ok')
    await fired(AbortSignal.any([gone, signal]))
    throwIfAborted(signal)
  }
}
