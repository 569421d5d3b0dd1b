/** The chip slot of an ID TECH reader for raw commands: 2C-12, 2C-13, 2C-18. */

import { concat } from '../../src/bytes.ts'
import { type Clock, sleep } from '../../src/clock.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { CardSlot } from '../../src/reader/reader.ts'
import { slots, statuses } from './codec.ts'
import { type IdtechLine, refused } from './session.ts'

/** Milliseconds between two looks for a card, and in which a card has to answer a command. */
const PAUSE = 300
const RESPONSE_TIME = 10_000
const ICC = Uint8Array.of(slots.icc)

export interface SlotOptions {
  readonly line: IdtechLine
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Milliseconds to wait for a card. */
  readonly timeout: number
  /** The slot was closed, and the card is without power. */
  onClose(): void
}

/** Asks for the answer to reset until there is one. @throws Fault `timeout` (nobody came), `aborted`, `unsupported`, `reader-error`, `link-closed` */
export async function openSlot({ line, clock, signal, timeout, onClose }: SlotOptions): Promise<CardSlot> {
  const deadline = clock.now() + timeout
  for (;;) {
    const answer = await line.passThrough('getAtr', ICC, { signal })
    if (answer.status === statuses.ok && answer.data.length > 0) return new IdtechSlot(line, answer.data, onClose)
    if (answer.status !== statuses.ok && answer.status !== statuses.failed && answer.status !== statuses.timeout)
      throw refused(answer.status, 'getAtr')
    if (clock.now() + PAUSE > deadline) throw new Fault('timeout', `no card was inserted in ${timeout} ms`, { ms: timeout })
    await sleep(PAUSE, clock, signal)
  }
}

class IdtechSlot implements CardSlot {
  readonly interface = 'contact'
  readonly atr: Uint8Array
  readonly removed: AbortSignal
  readonly #line: IdtechLine
  readonly #removal = new AbortController()
  readonly #closed = new AbortController()
  readonly #onClose: () => void
  #working: Promise<unknown> | undefined

  constructor(line: IdtechLine, atr: Uint8Array, onClose: () => void) {
    this.#line = line
    this.atr = atr
    this.#onClose = onClose
    this.removed = this.#removal.signal
  }

  async transmit(apdu: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason
    if (this.removed.aborted) throw this.removed.reason
    if (this.#working) throw new Fault('busy', 'the card is working on the command before')
    const work = this.#exchange(apdu, signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal)
    this.#working = work.catch(() => {})
    try {
      return await work
    } finally {
      this.#working = undefined
    }
  }

  async #exchange(apdu: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    try {
      const { status, data } = await this.#line.passThrough('exchangeApdu', concat(ICC, apdu), { signal, timeout: RESPONSE_TIME })
      if (status === statuses.ok && data.length >= 2) return data
      if (status === statuses.timeout) throw new Fault('card-mute', 'the card did not answer')
      throw this.#gone(`the reader answered with status ${status}`)
    } catch (error) {
      if (isFault(error, 'link-closed')) throw this.#gone('the reader is gone, and the card with it', error)
      if (isFault(error, 'timeout')) throw new Fault('card-mute', 'the reader gave no answer of the card', {}, { cause: error })
      throw error
    }
  }

  #gone(why: string, cause?: unknown): Fault {
    const fault = new Fault('card-removed', `the card was removed: ${why}`, {}, { cause })
    this.#removal.abort(fault)
    return fault
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new Fault('aborted', 'the slot was closed'))
    await this.#working
    await this.#line.passThrough('powerOff', new Uint8Array(0)).catch(() => {}) // a lost reader has no slot
    this.#onClose()
  }
}
