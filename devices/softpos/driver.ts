/** SoftPOS: a Reader out of any NFC channel that passes commands through, a phone's own or a PC/SC reader's field. */

import { systemClock, within } from '../../src/clock.ts'
import * as door from '../../src/door.ts'
import type { TerminalConfig } from '../../src/emv/config.ts'
import type { ContactlessConfig } from '../../src/emv/contactless/config.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { type PassthroughOptions, passthrough, type Slots } from '../../src/reader/passthrough.ts'
import type { CardSlot, OpenCardOptions, Reader, ReaderInfo, ReaderStatus } from '../../src/reader/reader.ts'

/** A card in the field as the platform gives it (ISO/IEC 14443-4 active): Android's IsoDep, CoreNFC's ISO 7816 tag, a PC/SC connection. */
export interface NfcCard {
  /** Historical bytes, ATS, or the ATR that a PC/SC reader makes of them: for information only. */
  readonly atr?: Uint8Array
  /**
   * Sends a command and gives data and status word. Whatever it throws means that the card has gone (Android's TagLostException), but for Faults, which
   * mean what they say.
   */
  transmit(apdu: Uint8Array, options: Pick<ActivateOptions, 'signal'>): Promise<Uint8Array>
  /** Fires when the card has left the field, where the platform tells (`tellsRemoval`). */
  readonly removed?: AbortSignal
}

/** How a card is waited for. */
export interface ActivateOptions {
  /** Ends the waiting, and a command. */
  readonly signal: AbortSignal
  /** More than one card is in the field, or they were all taken away. */
  onCollision(cards: 'several' | 'none'): void
}

/** The field of a phone or a reader. One thing is asked of it at a time. */
export interface NfcChannel {
  /** Shown as the model of the reader: `Pixel 8`, `ACS ACR1252`. */
  readonly model?: string
  /** Cards have a `removed` that fires while the field is on. */
  readonly tellsRemoval?: boolean
  /**
   * Switches the field on, if it is off, and polls until exactly one card is there and active. A card that was there before is activated anew.
   * `onCollision`: more than one is there (`several`), or they were all taken away (`none`); it polls on.
   */
  activate(options: ActivateOptions): Promise<NfcCard>
  /** Switches the field off; the card in it has no power any more. Idempotent. */
  off(): Promise<void>
  /** Resolves when the hardware is gone by itself; never where it cannot. */
  readonly closed?: Promise<unknown>
  /** Frees the hardware. */
  close?(): Promise<void>
}

/** The field, and the rules of its kernels. */
export interface SoftPosOptions extends PassthroughOptions {
  /** The field; the reader's own from then on. */
  readonly channel: NfcChannel
  /** What the terminal is. */
  readonly config: TerminalConfig
  /** The rules for taps. */
  readonly contactless: ContactlessConfig
  /** As the solution's provider names this device. */
  readonly serial?: string | undefined
}

/** Milliseconds for one response: an ISO/IEC 14443-4 frame waiting time extension is the platform's business, this is the last resort. */
const RESPONSE_TIME = 5_000

/**
 * The Reader of `channel`, which it owns from here on: Entry Point and the kernels run on this device. A PIN is taken only where the app's Terminal has
 * `enterPin`, a PIN entry of its own that is certified for this (PCI CPoC, MPoC); without it no card is told of online PIN.
 */
export async function openSoftPos(softPos: SoftPosOptions): Promise<Reader> {
  door.need('options', softPos, door.shape({ channel: door.object }))
  const { channel, serial, ...options } = softPos
  const info: ReaderInfo = {
    family: 'softpos',
    ...(channel.model !== undefined && { model: channel.model }),
    ...(serial !== undefined && { serial }),
    capabilities: ['tap', 'passthrough'],
    applicationSelection: 'host',
    slots: ['contactless'],
  }
  return passthrough(new NfcSlots(channel, info, options), options)
}

class NfcSlots implements Slots {
  readonly info: ReaderInfo
  readonly tellsRemoval: boolean
  readonly closed: Promise<unknown>
  readonly #channel: NfcChannel
  readonly #clock: NonNullable<PassthroughOptions['clock']>
  readonly #gone = new AbortController()
  #end = () => {}

  constructor(channel: NfcChannel, info: ReaderInfo, { clock = systemClock }: PassthroughOptions) {
    this.info = info
    this.tellsRemoval = channel.tellsRemoval ?? false
    this.#channel = channel
    this.#clock = clock
    const ended = new Promise<void>(resolve => {
      this.#end = resolve
    })
    this.closed = channel.closed ? Promise.race([ended, channel.closed]) : ended
    void this.closed.then(() => this.#gone.abort(new Fault('link-closed', 'the NFC hardware is gone')))
  }

  async openCard({ interface: wanted, signal, timeout, onCollision }: OpenCardOptions): Promise<CardSlot> {
    if (wanted === 'contact') throw new Fault('unsupported', 'SoftPOS has a field and no slot with contacts', { feature: 'contact' })
    const stop = signal ? AbortSignal.any([signal, this.#gone.signal]) : this.#gone.signal
    try {
      const what = 'the request to present a card'
      const card = await within({ timeout, signal: stop, clock: this.#clock, what }, inner =>
        this.#channel.activate({ signal: inner, onCollision: cards => onCollision?.(cards) }),
      )
      return new NfcSlot(card, this.#channel, this.#clock, this.#gone.signal)
    } catch (error) {
      await this.#channel.off()
      throw this.#gone.signal.aborted ? this.#gone.signal.reason : error
    }
  }

  async status(): Promise<ReaderStatus> {
    return {}
  }

  async close(): Promise<void> {
    await this.#channel.off()
    await this.#channel.close?.()
    this.#end()
  }
}

class NfcSlot implements CardSlot {
  readonly interface = 'contactless'
  readonly atr: Uint8Array
  readonly removed: AbortSignal
  readonly #card: NfcCard
  readonly #channel: NfcChannel
  readonly #clock: NonNullable<PassthroughOptions['clock']>
  readonly #hardware: AbortSignal
  readonly #closed = new AbortController()
  readonly #removal = new AbortController()
  #busy = false

  constructor(card: NfcCard, channel: NfcChannel, clock: NonNullable<PassthroughOptions['clock']>, hardware: AbortSignal) {
    this.#card = card
    this.#channel = channel
    this.#clock = clock
    this.#hardware = hardware
    this.atr = card.atr ?? new Uint8Array()
    this.removed = this.#removal.signal
    if (card.removed?.aborted) this.#left()
    else card.removed?.addEventListener('abort', this.#left, { once: true })
  }

  readonly #left = () => this.#removal.abort(new Fault('card-removed', 'the card has left the field'))

  async transmit(apdu: Uint8Array, { signal }: { signal?: AbortSignal } = {}): Promise<Uint8Array> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason
    if (this.removed.aborted) throw this.removed.reason
    if (this.#busy) throw new Fault('busy', 'the card is working on the command before')
    this.#busy = true
    const ends = [this.#closed.signal, this.removed, this.#hardware, ...(signal ? [signal] : [])]
    try {
      const limit = { timeout: RESPONSE_TIME, signal: AbortSignal.any(ends), clock: this.#clock, what: 'a command' }
      const answer = await within(limit, inner => this.#card.transmit(apdu, { signal: inner }))
      if (answer.length < 2) throw new Fault('card-mute', `the card answered with ${answer.length} bytes`)
      return answer
    } catch (error) {
      throw this.#reason(error, signal)
    } finally {
      this.#busy = false
    }
  }

  /** What the end of a command means: the platform's own errors are all "the card has gone". */
  #reason(error: unknown, signal: AbortSignal | undefined): unknown {
    if (this.#hardware.aborted) {
      this.#left()
      return new Fault('card-removed', 'the NFC hardware is gone, and the card with it', {}, { cause: error })
    }
    if (this.removed.aborted) return this.removed.reason
    if (signal?.aborted || this.#closed.signal.aborted) return error
    if (isFault(error, 'timeout'))
      return new Fault('card-mute', `the card did not answer in ${RESPONSE_TIME} ms`, { ms: RESPONSE_TIME }, { cause: error })
    if (error instanceof Fault && error.code !== 'card-removed') return error
    this.#left()
    return error instanceof Fault ? error : new Fault('card-removed', 'the card has left the field', {}, { cause: error })
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#closed.abort(new Fault('aborted', 'the slot was closed'))
    this.#card.removed?.removeEventListener('abort', this.#left)
    await this.#channel.off()
  }
}
