/** The wait of a virtual reader for a card: its invitation and its light, CANCEL on the keypad, and the card of before that is still in the slot. */

import { type Clock, type Limit, within } from '../../src/clock.ts'
import { formatAmount } from '../../src/currency.ts'
import type { CardInterface } from '../../src/emv/outcome.ts'
import type { Transaction, Waiting } from '../../src/emv/terminal.ts'
import { isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import { invitation } from '../../src/reader/invitation.ts'
import type { Body, CardWait, Presented } from './body/body.ts'
import { fired } from './body/end-screens.ts'

/** How a card is asked for. */
export interface CardAsked extends Waiting {
  /** Shown with the invitation. */
  readonly amount?: Pick<Transaction, 'amount' | 'currency'>
  /** Instead of the usual invitation. */
  readonly message?: MessageId
  /** Milliseconds. */
  readonly timeout: number
  /** The invitation of the wait before stands: nothing is shown anew. */
  readonly standing?: boolean
  /** Another wait may follow at once: the light stays when nobody came. */
  readonly goesOn?: boolean
}

/** Whose body, by whose clock. */
export interface Waiter {
  readonly body: Body
  readonly clock: Clock
}

/** Until a card comes, CANCEL is pressed or the time is over. @param quiet nobody is invited: the person knows already. @throws Fault `aborted` or the signal's own */
export function askForCard(
  waiter: Waiter,
  interfaces: readonly CardInterface[],
  asked: CardAsked,
  quiet: () => boolean,
): Promise<CardWait> {
  const { body, clock } = waiter
  const message = asked.message ?? invitation(interfaces)
  const amount = asked.amount ? [`${formatAmount(asked.amount.amount, asked.amount.currency)} ${asked.amount.currency.alpha}`] : []
  const deadline = clock.now() + asked.timeout
  const card = async (signal: AbortSignal) => {
    const standing = asked.standing && body.screen.message !== 'reader.removeCard'
    const old = await oldCardOut(waiter, { signal, timeout: asked.timeout }, asked.standing)
    const next = body.nextCard(interfaces, { signal, timeout: deadline - clock.now() })
    body.shine('waiting')
    if (!(standing && !old) && (asked.message || !quiet())) body.show(message, ...amount)
    return next
  }
  return unlessCancelled(body, asked.signal, card, asked.goesOn)
}

/** A card, unless CANCEL is pressed or the time is over before; then the light stays where the wait `goesOn`. @throws Fault `aborted` or the signal's own */
export async function unlessCancelled(
  body: Body,
  outer: AbortSignal,
  card: (signal: AbortSignal) => Promise<Presented>,
  goesOn = false,
): Promise<CardWait> {
  const stop = new AbortController()
  const signal = AbortSignal.any([outer, stop.signal])
  const keypad = body.keypad()
  const cancelled = async (): Promise<CardWait> => {
    while ((await keypad.next({ signal })) !== 'cancel') body.sound('error')
    return { interface: 'none', why: 'cancelled' }
  }
  const waits: Promise<CardWait>[] = [card(signal), cancelled()]
  for (const one of waits) one.catch(() => {}) // the one that comes second is aborted
  let light = false
  try {
    return await Promise.race(waits)
  } catch (error) {
    light = goesOn && isFault(error, 'timeout')
    if (isFault(error, 'timeout')) return { interface: 'none', why: 'timeout' }
    throw error
  } finally {
    stop.abort()
    keypad.close()
    if (!light) body.shine('off')
  }
}

/** Nobody pays twice for having left the card in the slot. Whether there was one. @throws Fault `timeout`, `aborted` or the signal's own */
async function oldCardOut({ body, clock }: Waiter, limit: Limit, asked = false): Promise<boolean> {
  if (!body.cardUsed) return false
  const gone = body.cardGone('chip')
  if (!asked || body.screen.message !== 'reader.removeCard') {
    body.show('reader.removeCard')
    body.sound('error')
  }
  await within({ clock, what: 'the removal of a card', ...limit }, () => fired(gone))
  return true
}
