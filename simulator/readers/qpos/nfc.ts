/** The field of a virtual QPOS as a host uses it through 17 00, 17 10 and 17 20: the card's answers go out as they are. */

import { encodeNfcActivated, encodeNfcResponse } from '../../../devices/qpos/codec.ts'
import type { Card } from '../../../src/emv/card.ts'
import { isFault } from '../../../src/errors.ts'
import { antenna } from '../body/antenna.ts'
import type { Firmware } from '../firmware.ts'
import type { Ending } from './payload.ts'

/** No data key takes part in the clear mode: the field is filled with zeros. */
const NO_KSN = new Uint8Array(10)

export class QposField {
  readonly #firmware: Firmware
  #card: Card | undefined
  #on = false

  constructor(firmware: Firmware) {
    this.#firmware = firmware
  }

  /** Waits for one card; CANCEL ends it, and so does the host's time. @throws Fault `aborted`, and those that a reader is not ready for */
  async on(seconds: number, signal: AbortSignal): Promise<Ending> {
    const { body, clock } = this.#firmware
    this.off()
    this.#firmware.checkReady()
    const deadline = clock.now() + seconds * 1000
    let why: 'cancelled' | 'timeout' | undefined
    const field = antenna(body, {
      deadline,
      wait: inner => this.#firmware.waitForCard(['tap'], { signal: inner, timeout: deadline - clock.now() }),
      onOther: found => {
        if (found.interface === 'none') why = found.why
      },
    })
    try {
      const onCollision = () => body.show('reader.presentOneCard')
      this.#card = await field.activate({ signal, onCollision })
      this.#on = true
      body.show('reader.processing')
      return { type: 'completed', data: encodeNfcActivated({ ksn: NO_KSN, atr: this.#card.atr }) }
    } catch (error) {
      if (!why && !isFault(error, 'timeout')) throw error
      this.#firmware.showEnd({ result: 'cancelled', cvm: 'none' })
      return { type: why === 'cancelled' ? 'userCancel' : 'timeout', data: new Uint8Array() }
    }
  }

  /** @throws Fault `aborted` */
  async exchange(apdu: Uint8Array, signal: AbortSignal): Promise<Ending> {
    const answered = (response?: Uint8Array): Ending => ({ type: 'completed', data: encodeNfcResponse(response) })
    if (!this.#card) return answered()
    try {
      return answered(await this.#card.transmit(apdu, { signal }))
    } catch (error) {
      if (!isFault(error, 'card-removed', 'card-mute')) throw error
      this.#card = undefined
      return answered()
    }
  }

  /** A card that stays begins anew when the field is back. */
  off(): 'completed' {
    const { body } = this.#firmware
    if (this.#on) {
      body.reuseField()
      body.show('reader.idle')
    }
    this.#on = false
    this.#card = undefined
    return 'completed'
  }
}
