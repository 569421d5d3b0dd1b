/** A virtual card at the end of a socket, as vpcd and our own driver of that name expect it: the connection is the slot it sits in. */

import { device, type VpcdAnswer, type VpcdControl, type VpcdRequest } from '../../devices/vpcd/codec.ts'
import type { Clock } from '../../src/clock.ts'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import { Conversation } from '../../src/reader/conversation.ts'
import type { Link } from '../../src/transport/link.ts'
import type { VirtualCard } from '../cards/icc.ts'

/** What is put into the slot: a virtual card, or one that was recorded. */
export interface SlotCard {
  /** Its name, and whether its chip works. */
  readonly plan: {
    /** For people. */
    readonly name: string
    /** `works`, where it answers. */
    readonly chip: string
  }
  /** Answer to reset. */
  readonly atr: Uint8Array
  /** Powers it. */
  contact(options?: {
    /** Times what it takes its time for. */
    clock?: Clock
  }): Powered
}

/** A card under power. */
export interface Powered {
  /** A command and its answer. */
  transmit(apdu: Uint8Array): Promise<Uint8Array>
  /** Takes the power away. */
  remove(): void
}

/** How the card sits in a slot. */
export interface VpcdCardOptions {
  /** The system's when left out. */
  readonly clock?: Clock
  /** Sees what a reader cannot: why a command stays without an answer. */
  readonly onFault?: (fault: Fault) => void
}

/** The end of the socket with the card in it. */
export class VpcdCard<C extends SlotCard = VirtualCard> {
  /** Its memory lasts from slot to slot. */
  readonly card: C
  readonly #options: VpcdCardOptions
  /** The connections it sits in: one, unless two readers were given the same card. */
  readonly #inserted = new Set<() => Promise<void>>()

  /** It sits in no slot before `serve`. */
  constructor(card: C, options: VpcdCardOptions = {}) {
    this.card = card
    this.#options = options
  }

  /**
   * Inserts the card: resolves when it was pulled, by `pull`, by its profile or by the reader that hung up. A mute card, and one without power, answer nothing:
   * vpcd has no word for it, and waits.
   */
  async serve(link: Link): Promise<void> {
    const { clock } = this.#options
    const line = new Conversation(link, device, clock ? { clock } : {})
    const eject = () => line.close()
    this.#inserted.add(eject)
    let power: Powered | undefined
    const switchTo = (control: Exclude<VpcdControl, 'atr'>) => {
      power?.remove() // the session of the chip ends with its power
      power = control === 'powerOff' || this.card.plan.chip !== 'works' ? undefined : this.card.contact(clock ? { clock } : {})
    }
    void line.closed.then(() => power?.remove())
    try {
      for await (const request of line.incoming) {
        if (request.type === 'unknown') this.#tell(new Fault('protocol', `control ${request.code} is none of vpcd's`))
        else if (request.type === 'apdu') await this.#answer(line, power, request.apdu)
        else if (request.control === 'atr') await this.#reset(line)
        else switchTo(request.control)
      }
    } catch (error) {
      if (!isFault(error, 'link-closed', 'card-removed')) throw error
    } finally {
      this.#inserted.delete(eject)
      await line.close()
    }
  }

  /** Takes the card out of every slot, whatever is under way. */
  async pull(): Promise<void> {
    await Promise.all([...this.#inserted].map(eject => eject()))
  }

  /** The answer to reset; none of a dead chip. */
  async #reset(line: Conversation<VpcdAnswer, VpcdRequest>): Promise<void> {
    if (this.card.plan.chip === 'works') await line.tell({ type: 'answer', data: this.card.atr })
    else this.#tell(new Fault('card-mute', `the card ${this.card.plan.name} gives no answer to reset`))
  }

  /** @throws Fault `card-removed` when its profile pulls the card now */
  async #answer(line: Conversation<VpcdAnswer, VpcdRequest>, power: Powered | undefined, apdu: Uint8Array) {
    if (!power) return this.#tell(new Fault('card-mute', 'a command came to a card without power: power on (01) comes first'))
    try {
      await line.tell({ type: 'answer', data: await power.transmit(apdu) })
    } catch (error) {
      if (!isFault(error, 'card-mute')) throw error
      this.#tell(asFault(error))
    }
  }

  #tell(fault: Fault): void {
    this.#options.onFault?.(fault)
  }
}
