/** How a reader with every interface comes to a card: waits, sends a chip card from the stripe to its slot, a tap that failed elsewhere, until one can pay. */

import type { Card } from '../../src/emv/card.ts'
import type { TapEnd } from '../../src/emv/contactless/tap.ts'
import type { CardInterface } from '../../src/emv/outcome.ts'
import type { Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { readSwipe, type Swipe, type SwipedTracks } from '../../src/magstripe/swipe.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import type { CardWait } from './body/body.ts'
import type { Firmware, HostSide } from './firmware.ts'

/** Interfaces that are left for a payment, and what the display says of them; the usual invitation when left out. */
export interface Ways {
  readonly interfaces: readonly CardInterface[]
  readonly message?: MessageId
}

/** Without a tap, where none can be: no rules in this currency, or none of them allows the amount. @throws Fault `unsupported` when nothing is left */
export function waysOf(firmware: Firmware, interfaces: readonly CardInterface[], transaction: Transaction | undefined): Ways {
  if (!interfaces.includes('tap')) return { interfaces }
  if (transaction && firmware.canTap(transaction)) return { interfaces }
  const rest = interfaces.filter(one => one !== 'tap')
  if (rest.length === 0) throw new Fault('unsupported', 'this payment cannot be tapped', { feature: 'tap' })
  // Without an antenna that takes payments, a card held to the reader is still noticed, and sent elsewhere.
  if (!firmware.takesTaps || !transaction) return { interfaces }
  return { interfaces: rest, message: rest.includes('swipe') ? 'reader.insertOrSwipe' : 'reader.insertCard' }
}

/** Undefined for a bad swipe. */
export function swipeOf(tracks: SwipedTracks): Swipe | undefined {
  try {
    return readSwipe(tracks, { sentinels: false })
  } catch (error) {
    if (isFault(error, 'bad-swipe')) return undefined
    throw error
  }
}

/** What the wait for a card has come to. A tap has been read to its end: the question for the host, or how it ended without. */
export type Taken =
  | { readonly type: 'none'; readonly why: 'cancelled' | 'timeout'; readonly ways: Ways }
  | { readonly type: 'chip'; readonly card: Card }
  /** A card is in the slot and does not answer. */
  | { readonly type: 'mute' }
  | { readonly type: 'tap'; readonly ended: TapEnd }
  | { readonly type: 'swipe'; readonly swipe: Swipe; readonly tracks: SwipedTracks }

export interface TakeOptions {
  readonly interfaces: readonly CardInterface[]
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly host: Pick<HostSide, 'onPin'>
  /** Instead of the usual invitation. */
  readonly message?: MessageId | undefined
  /** The wait goes on where one before it has ended: what was shown then still is, and nobody is asked anew. */
  readonly standing?: Ways | undefined
  /** Another wait may follow this one at once: what is shown, and the light, stay when nobody came. */
  readonly goesOn?: boolean
  /** A card with a chip was swiped, and is asked for at the slot. */
  readonly onChipSwiped?: () => void
}

/** @throws Fault `aborted` or the signal's own; `unsupported` when no interface is left for this payment */
export async function takeCard(firmware: Firmware, transaction: Transaction, options: TakeOptions): Promise<Taken> {
  const { signal, host, onChipSwiped, goesOn = false } = options
  const deadline = firmware.clock.now() + options.timeout
  const first = { ...waysOf(firmware, options.interfaces, transaction), ...(options.message && { message: options.message }) }
  let ways: Ways = options.standing ?? first
  let standing = options.standing !== undefined
  for (let found: CardWait | undefined; ; ) {
    const timeout = deadline - firmware.clock.now()
    const { interfaces, message } = ways
    const wait = { amount: transaction, signal, timeout, standing, goesOn, ...(message && { message }) }
    const now: CardWait = found ?? (await firmware.waitForCard(interfaces, wait))
    found = undefined
    standing = false
    switch (now.interface) {
      case 'none':
        return { type: 'none', why: now.why, ways }
      case 'chip':
        try {
          return { type: 'chip', card: firmware.body.powerOn('chip') }
        } catch (error) {
          if (!isFault(error, 'card-mute')) throw error
          return { type: 'mute' }
        }
      case 'tap': {
        if (!firmware.takesTaps) {
          ways = { interfaces: interfaces.filter(one => one !== 'tap'), message: 'reader.insertOrSwipe' }
          firmware.body.sound('error')
          break
        }
        const ended = await firmware.tap(transaction, host, { interfaces, timeout, signal })
        if (ended.type === 'other') {
          found = ended.found
          break
        }
        const reason = ended.type === 'outcome' ? ended.outcome.reason : undefined
        if (reason === 'tryAnotherInterface' && interfaces.includes('chip')) ways = { interfaces: ['chip'] }
        else if (reason === 'noApplication' || reason === 'cardError') {
          firmware.body.sound('error')
          ways = { interfaces, message: 'reader.tryAnotherCard' } // EMV Contactless Book A, message 1C
        } else return { type: 'tap', ended }
        break
      }
      case 'swipe': {
        const swipe = swipeOf(now.tracks)
        if (!swipe) ways = { interfaces, message: 'reader.tryAgain' }
        else if (swipe.serviceCode?.chip && interfaces.includes('chip')) {
          // The slot is asked for; whoever taps instead is heard all the same.
          ways = { interfaces: interfaces.filter(one => one !== 'swipe'), message: 'reader.insertCard' }
          onChipSwiped?.()
        } else return { type: 'swipe', swipe, tracks: now.tracks }
        firmware.body.sound('error')
      }
    }
  }
}
