/** Any reader of the PC/SC service as a Reader: its cards go through, the kernel runs on the host. */

import { Fault } from '../../src/errors.ts'
import { type PassthroughOptions, passthrough, type Slots } from '../../src/reader/passthrough.ts'
import type { CardSlot, Reader } from '../../src/reader/reader.ts'
import type { SlotLink } from '../../src/transport/link.ts'

/**
 * The slot belongs to the reader from here on. Which kind it is, contacts or a field, is known when there is a card: with rules for taps (`contactless`) the
 * reader pays by either, without them by chip only.
 */
export function openPcscReader(slot: SlotLink, options: PassthroughOptions = {}): Reader {
  const slots: Slots = {
    info: { family: 'pcsc', model: slot.name, capabilities: ['chip', 'tap', 'passthrough'], applicationSelection: 'host' },
    tellsRemoval: true,
    closed: slot.closed,
    close: () => slot.close(),
    status: async () => ({ card: slot.cardPresent ? 'present' : 'absent' }),
    async openCard({ interface: wanted, timeout, signal }): Promise<CardSlot> {
      const card = await slot.powerOn({ timeout, signal })
      const has = isContactless(card.atr) ? 'contactless' : 'contact'
      if (wanted !== undefined && wanted !== has) {
        await card.powerOff()
        throw new Fault('unsupported', `${slot.name} has a ${has} card, ${wanted} was asked for`, { feature: wanted })
      }
      return {
        interface: has,
        atr: card.atr,
        removed: card.removed,
        transmit: (apdu, how) => card.transmit(apdu, how),
        close: () => card.powerOff(),
      }
    },
  }
  return passthrough(slots, options)
}

/** PC/SC part 3, 3.1.3.2.3: the ATR made up for a contactless card is 3B 8n 80 01 and n historical bytes with their check byte. */
function isContactless(atr: Uint8Array): boolean {
  return atr[0] === 0x3b && atr[1] >> 4 === 0x8 && atr[2] === 0x80 && atr[3] === 0x01
}
