/** The chip slot of a virtual ID TECH reader for the host's own commands: reset, APDUs, power off. */

import { slots, statuses } from '../../../devices/idtech/codec.ts'
import { isFault } from '../../../src/errors.ts'
import type { Firmware } from '../firmware.ts'
import type { IdtechCards } from './cards.ts'
import { type Answer, answerOfFault, ok, status } from './payload.ts'

/** Commands that go to the slot. */
export type SlotCommand = 'getAtr' | 'exchangeApdu' | 'powerOff'

export async function slotAnswer(firmware: Firmware, cards: IdtechCards, name: SlotCommand, [slot, ...apdu]: Uint8Array): Promise<Answer> {
  if (name === 'powerOff') {
    if (cards.raw) firmware.linger()
    cards.raw = undefined
    return ok()
  }
  if (slot !== slots.icc) return status(statuses.parameterNotSupported)
  try {
    if (name === 'getAtr') return ok(reset(firmware, cards))
    if (!cards.raw) return status(statuses.failed)
    return ok(await cards.raw.transmit(Uint8Array.from(apdu)))
  } catch (error) {
    if (!isFault(error)) throw error
    if (name === 'exchangeApdu' && isFault(error, 'card-mute')) return status(statuses.timeout)
    return answerOfFault(error)
  }
}

/** @returns the ATR. @throws Fault `card-removed`, `card-mute`, and where the reader may not pay */
function reset(firmware: Firmware, cards: IdtechCards): Uint8Array {
  const { body } = firmware
  firmware.checkReady()
  firmware.stop()
  if (!body.cardInSlot && body.screen.message !== 'reader.insertCard') body.show('reader.insertCard')
  cards.raw = body.powerOn('chip')
  body.show('reader.processing')
  return cards.raw.atr
}
