/** doTrade of a virtual QPOS: waits for a card, sends it where it can pay, and ends with the chip that is found, the tracks, or a tap. */

import { cardModes, encodeTradeAnswer, type TradeRequest } from '../../../devices/qpos/codec.ts'
import type { Card } from '../../../src/emv/card.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import { asksForPin } from '../../../src/magstripe/service-code.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { CardWait } from '../body/body.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import { swipeOf, type Ways, waysOf } from '../take-card.ts'
import { cardDataOf, type Ending, endingOfFault, transactionOfTrade } from './payload.ts'
import { tapStep } from './tap.ts'

/** What a doTrade works with. */
export interface Trade {
  readonly firmware: Firmware
  readonly request: TradeRequest
  /** Seconds of the host's frame. */
  readonly delay: number
  readonly host: HostSide
  readonly signal: AbortSignal
  /** A card with a chip was swiped, and is asked for at the slot. */
  readonly onChipSwiped: () => void
}

/** How it ended: with the chip that waits, reset, for the host to start EMV; or with the data of a tap. */
export interface Traded {
  readonly ending: Ending
  readonly card?: Card
  readonly tags?: ReadonlyMap<number, Uint8Array>
}

const empty = new Uint8Array(0)
/** tradeMode: the card is checked, no PIN is asked. */
const NO_PIN = 1

/** @throws Fault `unsupported` for a card mode that is none; what the firmware throws; the signal's own */
export async function trade(given: Trade): Promise<Traded> {
  const { firmware, request, host, signal } = given
  firmware.checkReady()
  const mode = cardModes[request.cardMode]
  if (!mode) throw new Fault('unsupported', `card mode ${request.cardMode} is not known`, { feature: 'cardMode' })
  const transaction = transactionOfTrade(request)
  firmware.checkReady(transaction)
  const amount = request.displayAmount ? transaction : undefined
  const deadline = firmware.clock.now() + given.delay * 1000
  let ways = waysOf(firmware, mode.interfaces, transaction)
  for (let found: CardWait | undefined; ; ) {
    const timeout = deadline - firmware.clock.now()
    const { interfaces, message } = ways
    const wait = { signal, timeout, ...(amount && { amount }), ...(message && { message }) }
    const now: CardWait = found ?? (await firmware.waitForCard(interfaces, wait))
    found = undefined
    switch (now.interface) {
      case 'none':
        return { ending: nobody(firmware, now.why) }
      case 'chip':
        return chipFound(firmware)
      case 'tap': {
        const step = await tapStep(firmware, transaction, host, { interfaces, timeout, signal })
        if (step.type === 'ended') return step
        if (step.type === 'found') found = step.found
        else ways = step.ways
        break
      }
      case 'swipe': {
        const swipe = swipeOf(now.tracks)
        const next = elsewhere(swipe, ways)
        if (!next) return { ending: await swiped(given, swipe!, now.tracks) }
        if (swipe) given.onChipSwiped()
        ways = next
        firmware.body.sound('error')
      }
    }
  }
}

/** After a stripe that was misread, or that belongs to a chip; undefined where the stripe can pay. */
function elsewhere(swipe: Swipe | undefined, { interfaces }: Ways): Ways | undefined {
  if (!swipe) return { interfaces, message: 'reader.tryAgain' }
  if (!swipe.serviceCode?.chip || !interfaces.includes('chip')) return undefined
  return { interfaces: interfaces.filter(one => one !== 'swipe'), message: 'reader.insertCard' }
}

function nobody(firmware: Firmware, why: 'cancelled' | 'timeout'): Ending {
  firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  return { type: why === 'timeout' ? 'timeout' : 'userCancel', data: empty }
}

/** The chip waits, reset, for the host to start EMV. */
function chipFound(firmware: Firmware): Traded {
  let card: Card
  try {
    card = firmware.body.powerOn('chip')
  } catch (error) {
    firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
    return { ending: endingOfFault(asFault(error)) }
  }
  firmware.body.show('reader.processing')
  return { card, ending: { type: 'completed', data: encodeTradeAnswer({ type: 'chip', reserved: 0, data: empty }) } }
}

/** Tracks and PIN leave enciphered under one key. */
async function swiped({ firmware, request, host, signal }: Trade, swipe: Swipe, tracks: SwipedTracks): Promise<Ending> {
  const pinWanted = asksForPin(swipe.serviceCode) && request.tradeMode !== NO_PIN
  const sealed = await firmware.seal(tracks, pinWanted ? swipe.pan : undefined, host, { signal })
  if (sealed.type !== 'sealed') return nobody(firmware, sealed.type)
  firmware.showHandedOver()
  return { type: 'completed', data: encodeTradeAnswer({ type: 'swipe', reserved: 0, card: cardDataOf(swipe, tracks, sealed) }) }
}
