/** Any reader of the PC/SC service as a Reader: its cards go through, the kernel runs on the host. */

import { systemClock, within } from '../../src/clock.ts'
import { type PassthroughOptions, passthrough, type Slots } from '../../src/reader/passthrough.ts'
import type { CardSlot, Reader } from '../../src/reader/reader.ts'
import type { SlotLink } from '../../src/transport/link.ts'

/**
 * The slot belongs to the reader from here on. Which kind it is, contacts or a field, is known when there is a card: with rules for taps (`contactless`) the
 * reader pays by either, without them by chip only. A card of the other kind is waited out: the app hears `reader.removeCard`.
 */
export function openPcscReader(slot: SlotLink, options: PassthroughOptions = {}): Reader {
  const { clock = systemClock } = options
  const slots: Slots = {
    info: { family: 'pcsc', model: slot.name, capabilities: ['chip', 'tap', 'passthrough'], applicationSelection: 'host' },
    tellsRemoval: true,
    closed: slot.closed,
    close: () => slot.close(),
    status: async () => ({ card: slot.cardPresent ? 'present' : 'absent' }),
    async openCard({ interface: wanted, timeout, signal, onOtherCard }): Promise<CardSlot> {
      const deadline = timeout === undefined ? undefined : clock.now() + timeout
      const left = () => (deadline === undefined ? undefined : Math.max(0, deadline - clock.now()))
      for (;;) {
        const card = await slot.powerOn({ timeout: left(), signal })
        const has = isContactless(card.atr) ? 'contactless' : 'contact'
        if (wanted === undefined || wanted === has)
          return {
            interface: has,
            atr: card.atr,
            removed: card.removed,
            transmit: (apdu, how) => card.transmit(apdu, how),
            close: () => card.powerOff(),
          }
        // The service shows one slot at a time: a chip that was left in it is no tap, and has to make room for one.
        await card.powerOff()
        onOtherCard?.('present')
        const what = `a ${wanted} card in ${slot.name}, where a ${has} one is`
        await within({ timeout: left(), signal, clock, what }, inner => gone(card.removed, inner))
        onOtherCard?.('removed')
      }
    },
  }
  return passthrough(slots, options)
}

/** Resolves when the card has gone, or nobody waits for that any more. */
function gone(removed: AbortSignal, waiting: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const heard = () => {
      for (const signal of [removed, waiting]) signal.removeEventListener('abort', heard)
      resolve()
    }
    if (removed.aborted) resolve()
    else for (const signal of [removed, waiting]) signal.addEventListener('abort', heard)
  })
}

/** PC/SC part 3, 3.1.3.2.3: the ATR made up for a contactless card is 3B 8n 80 01 and n historical bytes with their check byte. */
function isContactless(atr: Uint8Array): boolean {
  return atr[0] === 0x3b && atr[1] >> 4 === 0x8 && atr[2] === 0x80 && atr[3] === 0x01
}
