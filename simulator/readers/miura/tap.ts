/** START CONTACTLESS of a virtual Miura: waits for a card at the antenna, and tells which other way the customer took. */

import { decodeStart, failures } from '../../../devices/miura/codec.ts'
import type { AuthorisationRequest, AuthorisationResponse } from '../../../src/emv/terminal.ts'
import type { SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { CardWait } from '../body/body.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import { withCvm } from '../told.ts'
import { type Answer, endingOf, failed, resultOf, transactionOf } from './payload.ts'

/** What a tap works with. */
export interface Contactless {
  readonly firmware: Firmware
  readonly host: HostSide
  readonly signal: AbortSignal
  /** The host hears of a stripe; false where it was misread. */
  swiped(tracks: SwipedTracks): Promise<boolean>
  /** The host is asked for its word. */
  ask(request: AuthorisationRequest): Promise<AuthorisationResponse>
}

/** Milliseconds that START CONTACTLESS waits. */
const CARD_TIMEOUT = 60_000
/** Interfaces that START CONTACTLESS notices. */
const everything = ['tap', 'chip', 'swipe'] as const

/** @throws Fault what the firmware throws, the signal's own */
export async function contactless(given: Contactless, data: Uint8Array): Promise<Answer> {
  const { firmware, host, signal } = given
  const transaction = transactionOf(decodeStart(data))
  firmware.checkReady(transaction)
  if (!firmware.canTap(transaction)) return failed(failures.CONTACTLESS_INSERT_OR_SWIPE)
  const deadline = firmware.clock.now() + CARD_TIMEOUT
  let message: MessageId | undefined
  for (let found: CardWait | undefined; ; ) {
    const timeout = deadline - firmware.clock.now()
    const wait = { signal, timeout, amount: transaction, ...(message && { message }) }
    const now: CardWait = found ?? (await firmware.waitForCard(everything, wait))
    found = undefined
    switch (now.interface) {
      case 'none':
        firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        return failed(now.why === 'timeout' ? failures.CONTACTLESS_TIMEOUT : failures.USER_CANCELLED)
      case 'chip':
        return failed(failures.CONTACTLESS_ABORT_BY_CARD_INSERT)
      case 'swipe':
        if (await given.swiped(now.tracks)) return failed(failures.CONTACTLESS_ABORT_BY_SWIPE)
        message = 'reader.tryAgain'
        break
      case 'tap': {
        const tapped = await firmware.tap(transaction, host, { signal, interfaces: everything, timeout })
        if (tapped.type === 'other') {
          found = tapped.found
          break
        }
        if (tapped.type === 'onlineRequest') return online(given, tapped.request)
        const { outcome } = tapped
        if (outcome.reason === 'noApplication' || outcome.reason === 'cardError') {
          firmware.body.sound('error')
          message = 'reader.tryAnotherCard' // EMV Contactless Book A, message 1C
          break
        }
        if (outcome.reason !== 'tryAnotherInterface') firmware.showEnd(outcome)
        return endingOf({ ...outcome, tags: withCvm(outcome) })
      }
    }
  }
}

/** The card has gone: the host's word is the result. */
async function online({ firmware, ask }: Contactless, request: AuthorisationRequest): Promise<Answer> {
  const tags = withCvm(request)
  const response = await ask({ ...request, tags })
  const result = response.type === 'approved' ? 'approved' : 'declined'
  firmware.showEnd({ result, cvm: request.cvm })
  return resultOf(result, { tags })
}
