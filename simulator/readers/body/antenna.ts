/** The antenna of a virtual reader as Entry Point's field: one card at a time, collisions told, a card at another interface instead. */

import { sleep, within } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { Field } from '../../../src/emv/contactless/entry.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import type { Body, CardWait } from './body.ts'

export interface AntennaOptions {
  /** On the body's clock: until then a card is waited for. */
  readonly deadline: number
  /** Waits for a card over every interface of the payment, or for CANCEL. */
  readonly wait: (signal: AbortSignal) => Promise<CardWait>
  /** A card came over another interface, or none comes any more: the tap is over. */
  readonly onOther: (other: CardWait) => void
}

/** The card that the firmware has already noticed is activated first; later ones are waited for. */
export function antenna(body: Body, { deadline, wait, onOther }: AntennaOptions): Field {
  let resting = 0
  return {
    async activate({ signal, onCollision }): Promise<Card> {
      // A card that stays while the field is off begins anew when it is back.
      if (resting > 0) {
        await sleep(resting, body.clock, signal)
        resting = 0
        body.reuseField()
      }
      for (let collided = false; ; ) {
        if (body.cardsInField > 1 && !collided) onCollision('several')
        if (body.cardsInField === 0 && collided) onCollision('none')
        collided = body.cardsInField > 1
        if (body.cardsInField === 1 && body.freshTap) {
          const card = answering(body)
          if (card) return card
        }
        if (collided) await changed(body, { signal, timeout: deadline - body.clock.now() })
        else {
          const found = await wait(signal)
          if (found.interface === 'tap') continue
          onOther(found)
          throw found.interface === 'none' && found.why === 'timeout'
            ? new Fault('timeout', 'nobody presented the card again')
            : new Fault('aborted', `the payment goes on without a tap: ${found.interface}`)
        }
      }
    },
    async off({ hold = 0 } = {}) {
      resting = hold
    },
  }
}

/** Undefined for a card that has nothing to say by tap: it is as if it were not there. */
function answering(body: Body): Card | undefined {
  try {
    return body.powerOn('tap')
  } catch (error) {
    if (isFault(error, 'card-mute')) return undefined
    throw error
  }
}

/** Something happened to a card. @throws Fault `aborted`, `timeout` */
async function changed(body: Body, limit: { readonly signal: AbortSignal; readonly timeout: number }): Promise<void> {
  let stop = () => {}
  try {
    await within(
      { ...limit, clock: body.clock, what: 'one card only' },
      () =>
        new Promise<void>(resolve => {
          stop = body.on(event => event.type === 'card' && resolve())
        }),
    )
  } finally {
    stop()
  }
}
