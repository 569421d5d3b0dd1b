/** The raw slots of a reader: opened one at a time, and what becomes of the card in them told. */

import { emvRemarks, parseAtr } from '../apdu/atr.ts'
import type { Limit } from '../clock.ts'
import { isFault, throwIfAborted } from '../errors.ts'
import type { KernelTrace } from './kernel-trace.ts'
import type { CardSlot, OpenCardOptions, ReaderInfo, ReaderStatus } from './reader.ts'
import type { ReaderWork } from './work.ts'

/** What a driver of such a reader gives. One thing is asked of it at a time. */
export interface Slots {
  /** `capabilities` name the interfaces of its slots (`chip`, `tap`) and `passthrough`. */
  readonly info: ReaderInfo
  /** `removed` of a contactless slot fires when the card leaves, without a command: the end of a tap can be waited for. */
  readonly tellsRemoval?: boolean
  /** As `Reader.openCard`. A cardholder who presses the reader's own CANCEL ends it, and a command, with `aborted` and details.by `cardholder`. */
  openCard(options: OpenCardOptions): Promise<CardSlot>
  /** As `Reader.status`: whether a card is there, and the battery, as far as the reader tells. @throws Fault `timeout` from a slot that cannot tell */
  status(options: Pick<Limit, 'signal'>): Promise<ReaderStatus>
  /** Resolves when the reader is gone, by itself or by `close`. */
  readonly closed: Promise<unknown>
  /** Ends the link, and `closed` with it. Idempotent. */
  close(): Promise<void>
}

/** Milliseconds to wait for a card. */
export const CARD_TIMEOUT = 60_000

/** The slots as one payment or one app after the other uses them. */
export class OpenSlots {
  readonly #slots: Slots
  readonly #work: ReaderWork
  readonly #trace: KernelTrace | undefined
  /** The card that is open. */
  card: CardSlot | undefined
  /** CANCEL was pressed at the reader since `begin`. */
  cancelled = false
  /** A card went because its reader did, since `begin`. */
  lost = false

  constructor(slots: Slots, work: ReaderWork, trace?: KernelTrace) {
    this.#slots = slots
    this.#trace = trace
    this.#work = work
  }

  get tellsRemoval(): boolean {
    return this.#slots.tellsRemoval === true
  }

  /** Forgets how what came before has ended. */
  begin(): void {
    this.cancelled = false
    this.lost = false
  }

  status(signal: AbortSignal): Promise<ReaderStatus> {
    return this.#slots.status({ signal })
  }

  /** A slot whose close ends what is told of it, and calls `release` once. @throws Fault as `Reader.openCard` */
  async open({ signal, ...options }: OpenCardOptions, release = () => {}): Promise<CardSlot> {
    const { closing, events } = this.#work
    const stop = signal ? AbortSignal.any([signal, closing]) : closing
    const heard = (error: unknown): never => {
      if (isFault(error, 'aborted') && error.details.by === 'cardholder') this.cancelled = true
      throw error
    }
    throwIfAborted(stop) // before there was a slot to hear of it
    const slot = await this.#slots.openCard({ timeout: CARD_TIMEOUT, ...options, signal: stop }).catch(heard)
    events.send({ type: 'card', event: slot.interface === 'contact' ? 'inserted' : 'tapped' })
    const remarks = slot.interface === 'contact' && slot.atr.length > 0 ? remarksOn(slot.atr) : []
    if (remarks.length > 0) events.send({ type: 'atr', remarks })
    const gone = () => {
      const { reason } = slot.removed
      if (isFault(reason) && isFault(reason.cause, 'link-closed')) this.lost = true
      events.send({ type: 'card', event: 'removed' })
    }
    if (slot.removed.aborted) gone()
    else slot.removed.addEventListener('abort', gone, { once: true })
    let closed: Promise<void> | undefined
    const close = async () => {
      slot.removed.removeEventListener('abort', gone)
      await slot.close()
      this.card = undefined
      release()
    }
    const send: CardSlot['transmit'] = (apdu, how) => slot.transmit(apdu, how).catch(heard)
    const trace = this.#trace
    this.card = {
      ...{ interface: slot.interface, atr: slot.atr, removed: slot.removed },
      transmit: trace ? (apdu, how) => trace.command(slot.interface, apdu, () => send(apdu, how)) : send,
      close: () => {
        closed ??= close()
        return closed
      },
    }
    return this.card
  }
}

/** What EMV has against an answer to reset; that it is none at all, where it cannot be read. */
function remarksOn(atr: Uint8Array): string[] {
  try {
    return emvRemarks(parseAtr(atr))
  } catch (error) {
    if (isFault(error, 'apdu')) return [error.message]
    throw error
  }
}
