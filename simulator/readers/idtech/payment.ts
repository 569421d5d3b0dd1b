/** The commands of a virtual ID TECH reader that take as long as people do: 02-40 for every interface, 60-10 and 60-11 for the chip. */

import { decodeActivate, decodeContactStart, errorCodes, resultCodes, statuses, tags } from '../../../devices/idtech/codec.ts'
import { fromUint } from '../../../src/bytes.ts'
import { abortFault, Fault } from '../../../src/errors.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import { withCvm } from '../told.ts'
import type { IdtechCards } from './cards.ts'
import { type Answer, activated, contact, contactEnding, failure, noCard, status, swiped, tapEnding, transactionOf } from './payload.ts'

/** What they work with. */
export interface Work {
  readonly firmware: Firmware
  readonly cards: IdtechCards
  readonly host: HostSide
  readonly signal: AbortSignal
}

const everything = ['tap', 'chip', 'swipe'] as const

/** Activate Transaction (02-40). @throws Fault what the firmware throws, the signal's own */
export async function activate({ firmware, cards, host, signal }: Work, data: Uint8Array): Promise<Answer> {
  const { timeout, interfaces = everything, ...start } = decodeActivate(data)
  const transaction = transactionOf(start)
  firmware.checkReady(transaction)
  const taken = await cards.take(start, { interfaces, timeout, signal })
  switch (taken.type) {
    case 'none':
      return noCard(taken.why)
    case 'mute':
      firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
      return failure('contact', errorCodes.cardDidNotRespond)
    case 'chip':
      cards.found(taken.card, transaction, start)
      return activated(statuses.ok, 'contact', new Map([[tags.resultCode, fromUint(resultCodes.authenticate, 2)]]))
    case 'swipe': {
      const sealed = await firmware.seal(taken.tracks, undefined, host, { signal })
      if (sealed.type !== 'sealed') throw new Fault('internal', 'no PIN was asked for')
      firmware.showHandedOver()
      return swiped(taken.swipe, sealed)
    }
    case 'tap': {
      const { ended } = taken
      if (ended.type === 'onlineRequest') {
        firmware.showHandedOver()
        return activated(statuses.requestOnline, 'contactless', withCvm(ended.request))
      }
      firmware.showEnd(ended.outcome)
      return tapEnding(ended.outcome, withCvm(ended.outcome))
    }
  }
}

/** Start Transaction of the chip (60-10). @throws Fault what the firmware throws, the signal's own */
export async function contactStart({ firmware, cards, signal }: Work, data: Uint8Array): Promise<Answer> {
  const { cardTimeout, fallback: _, nextTimeout: __, ...start } = decodeContactStart(data)
  const transaction = transactionOf(start)
  firmware.checkReady(transaction)
  const taken = await cards.take(start, { interfaces: ['chip'], timeout: cardTimeout, signal })
  if (taken.type === 'chip') {
    cards.found(taken.card, transaction, start)
    return contact(resultCodes.authenticate)
  }
  if (taken.type === 'mute') {
    firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
    return contact(resultCodes.fallback)
  }
  return taken.type === 'none' && taken.why === 'timeout' ? status(statuses.timeout) : contact(resultCodes.cancelled)
}

/** Authenticate Transaction (60-11): the kernel, with the chip that was found. @throws Fault what the firmware throws */
export async function authenticate({ firmware, cards, host, signal }: Work): Promise<Answer> {
  const { card, transaction } = cards.chip!
  const outcome = await firmware.pay(card, transaction, host, { signal })
  cards.done()
  // The kernel calls every abort a cancellation: here it is known whose it was.
  if (signal.aborted && (outcome.result === 'cancelled' || outcome.result === 'unknown')) throw abortFault(signal)
  return contactEnding(outcome)
}
