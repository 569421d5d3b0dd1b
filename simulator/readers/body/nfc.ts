/** A virtual body's antenna as an NFC channel, such as a phone or a PC/SC reader gives an app: the kernel is the host's. */

import * as door from '../../../src/door.ts'
import type { Card } from '../../../src/emv/card.ts'
import { antenna } from './antenna.ts'
import type { Body } from './body.ts'
import { bodyRule } from './body.ts'

/** Longer than anybody waits; whoever activates sets the limit. */
const NO_LIMIT = 2_000_000_000

/** What `openSoftPos` takes as `channel`; the card of each activation tells of its removal. */
export interface VirtualNfc {
  /** What it is called. */
  readonly model: string
  /** The card of each activation tells of its removal. */
  readonly tellsRemoval: true
  /** Waits for one card in the field; `onCollision` hears of several, and when they are gone. @throws Fault `aborted`, or the signal's own */
  activate(options: {
    /** Ends the wait. */
    readonly signal: AbortSignal
    /** Several cards are in the field, or none is left. */
    onCollision(cards: 'several' | 'none'): void
  }): Promise<
    Card & {
      /** Aborted when the card has left the field. */
      removed: AbortSignal
    }
  >
  /** The field goes off: a card that stays begins anew. */
  off(): Promise<void>
}

/** A card that stays while the field is off begins anew when it is back. */
export function virtualNfc(body: Body): VirtualNfc {
  door.need('body', body, bodyRule)
  const deadline = body.clock.now() + NO_LIMIT
  const field = antenna(body, { deadline, wait: signal => body.nextCard(['tap'], { signal }), onOther: () => {} })
  return {
    model: 'virtual NFC',
    tellsRemoval: true,
    async activate(options) {
      const card = await field.activate(options)
      return { ...card, removed: body.cardGone('tap') }
    },
    async off() {
      body.reuseField()
    },
  }
}
