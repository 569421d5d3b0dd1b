/** Slot 0 of a dual PC/SC reader: whatever is presented to a virtual body, by contacts or in the field. */

import type { Body } from '../../simulator/readers/body/body.ts'
import { virtualNfc } from '../../simulator/readers/body/nfc.ts'
import { concat, fromHex, lrc } from '../../src/bytes.ts'
import { within } from '../../src/clock.ts'
import type { Card } from '../../src/emv/card.ts'
import { Fault } from '../../src/errors.ts'
import type { PoweredCard, SlotLink } from '../../src/transport/link.ts'

/** PC/SC part 3, 3.1.3.2.3: what a reader makes of a contactless card without historical bytes. */
const contactlessAtr = concat(fromHex('3B808001'), Uint8Array.of(lrc(fromHex('808001'))))

export function slotOf(where: Body): SlotLink & { /** The reader is unplugged. */ drop(): void } {
  const nfc = virtualNfc(where)
  /** As the service tells it: the slot is over, and the card in it has gone with its reader. */
  const over = new AbortController()
  const gone = new AbortController()
  const powered = (card: Card, atr: Uint8Array, removed: AbortSignal): PoweredCard => ({
    ...{ atr, removed: AbortSignal.any([removed, gone.signal]) },
    transmit: (apdu, options) => (gone.signal.aborted ? Promise.reject(gone.signal.reason) : card.transmit(apdu, options)),
    powerOff: () => nfc.off(),
  })
  let close = (_: undefined) => {}
  return {
    ...{ uri: 'pcsc:Test', name: 'Test 00 00' },
    get cardPresent() {
      return where.cardInSlot || where.cardsInField > 0
    },
    closed: new Promise(resolve => {
      close = resolve
    }),
    close: async () => close(undefined),
    drop() {
      const cause = new Fault('link-closed', 'the reader was unplugged')
      over.abort(cause)
      gone.abort(new Fault('card-removed', 'the reader has gone', {}, { cause }))
      close(undefined)
    },
    powerOn: ({ timeout, signal }) =>
      within({ timeout, signal: signal ? AbortSignal.any([signal, over.signal]) : over.signal, clock: where.clock }, async inner => {
        const { interface: by } = await where.nextCard(['chip', 'tap'], { signal: inner })
        if (by === 'tap') {
          const card = await nfc.activate({ signal: inner, onCollision: () => {} })
          return powered(card, contactlessAtr, card.removed)
        }
        return powered(where.powerOn('chip'), fromHex('3B00'), where.cardGone('chip'))
      }),
  }
}
