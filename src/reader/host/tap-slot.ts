/** A raw contactless slot as Entry Point's field: each activation opens the slot, each switching off closes it. */

import { type Clock, sleep, within } from '../../clock.ts'
import type { Card } from '../../emv/card.ts'
import type { Field } from '../../emv/contactless/entry.ts'
import { Fault, isFault } from '../../errors.ts'
import type { CardSlot, OpenCardOptions } from '../reader.ts'

export interface SlotFieldOptions {
  readonly clock: Clock
  /** Milliseconds for a card to be presented, as often as it takes. */
  readonly cardTimeout: number
  /** Asked at each activation: a card in the slot with contacts is taken instead of a tap. */
  readonly chip: () => boolean
  open(options: OpenCardOptions): Promise<CardSlot>
  /** A chip is in the only slot and keeps taps out, or has been taken away. */
  onOtherCard(card: 'present' | 'removed'): void
  /** At the end, a card that is still in the field is waited for so long (EMV Contactless Book D, removal); undefined where the slot cannot tell. */
  readonly removal: { readonly timeout: number; readonly signal: AbortSignal; readonly onWait: () => void } | undefined
}

export interface SlotField extends Field {
  /** The contact card that came instead of a tap: it is open, and the caller's. */
  readonly chip: CardSlot | undefined
  /** Why there is none: it was inserted and does not answer. */
  readonly muteChip: Fault | undefined
  /** The time for a card begins anew: the host has answered, and the card is wanted once more. */
  restart(): void
}

/** Milliseconds between two attempts to wake a card that did not answer. */
const POLL = 100
/** Milliseconds of field off, at least, before a card that stayed in it is read again: a phone that asks to be looked at would be asked at once, and again. */
const REST = 500

/** `off` with a hold is one between two presentations; without one it is the end, and the card is let go. */
export function slotField({ clock, cardTimeout, chip, open, onOtherCard, removal }: SlotFieldOptions): SlotField {
  let slot: CardSlot | undefined
  let contact: CardSlot | undefined
  let muteChip: Fault | undefined
  let offUntil = 0
  let deadline: number | undefined
  const close = async () => {
    if (slot && !slot.removed.aborted) offUntil = Math.max(offUntil, clock.now() + REST)
    await slot?.close()
    slot = undefined
  }
  return {
    get chip() {
      return contact
    },
    get muteChip() {
      return muteChip
    },
    restart() {
      deadline = undefined
    },
    async activate({ signal, onCollision }): Promise<Card> {
      await close()
      if (offUntil > clock.now()) await sleep(offUntil - clock.now(), clock, signal)
      deadline ??= clock.now() + cardTimeout
      for (;;) {
        const timeout = deadline - clock.now()
        if (timeout <= 0) throw new Fault('timeout', `no card was presented in ${cardTimeout} ms`, { ms: cardTimeout })
        const wanted = chip() ? {} : { interface: 'contactless' as const }
        const found = await open({ ...wanted, signal, timeout, onCollision, onOtherCard }).catch(error => {
          // A card that does not wake up by tap, or went at once, was not presented yet; a mute chip is one.
          if (isFault(error, 'card-mute', 'card-removed') && !chip()) return undefined
          if (isFault(error, 'card-mute')) muteChip = error
          throw error
        })
        if (found?.interface === 'contact') {
          contact = found
          throw new Fault('aborted', 'a card was inserted instead of a tap')
        }
        if (found) {
          slot = found
          return found
        }
        await sleep(POLL, clock, signal)
      }
    },
    async off({ hold } = {}) {
      offUntil = clock.now() + (hold ?? 0)
      if (hold === undefined && slot && removal) await leaving(slot.removed, removal, clock)
      await close()
    },
  }
}

/** The card is asked to leave; one that stays is let be when the time is over. */
async function leaving(removed: AbortSignal, { timeout, signal, onWait }: NonNullable<SlotFieldOptions['removal']>, clock: Clock) {
  if (removed.aborted || signal.aborted) return
  onWait()
  let heard = () => {}
  const gone = () =>
    new Promise<void>(resolve => {
      heard = resolve
      removed.addEventListener('abort', heard, { once: true })
    })
  try {
    await within({ timeout, signal, clock, what: 'the removal of the card' }, gone)
  } catch (error) {
    if (!isFault(error, 'timeout', 'aborted')) throw error
  } finally {
    removed.removeEventListener('abort', heard)
  }
}
