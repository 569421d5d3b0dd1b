/** A tap as a QPOS answers doTrade to it (24 16 20, readers.md 1.1.7), and what is left where it cannot be, or came to nothing. */

import { encodeTradeAnswer } from '../../../devices/qpos/codec.ts'
import { hex } from '../../../src/bytes.ts'
import type { CardInterface } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, Transaction } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import type { CardWait } from '../body/body.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import { swipeOf, type Ways } from '../take-card.ts'
import { withCvm } from '../told.ts'
import { cardDataOf, type Ending, endingOf } from './payload.ts'

type Tags = ReadonlyMap<number, Uint8Array>

/** How the payment goes on after a tap: it has ended, a card was found elsewhere, or others are to be presented. */
export type TapStep =
  | { readonly type: 'ended'; readonly ending: Ending; readonly tags: Tags }
  | { readonly type: 'found'; readonly found: CardWait }
  | { readonly type: 'ways'; readonly ways: Ways }

const empty = new Uint8Array(0)

/** A tap up to its answer to the host, or how the payment goes on instead: over another interface, or with another card. */
export async function tapStep(
  firmware: Firmware,
  transaction: Transaction | undefined,
  host: HostSide,
  waiting: { readonly interfaces: readonly CardInterface[]; readonly timeout: number; readonly signal: AbortSignal },
): Promise<TapStep> {
  const { interfaces } = waiting
  if (!transaction || !firmware.takesTaps) {
    firmware.showEnd({ result: 'cancelled', reason: 'tryAnotherInterface', cvm: 'none' })
    return { type: 'ended', ending: { type: 'tryAnotherInterface', data: empty }, tags: new Map() }
  }
  const tapped = await firmware.tap(transaction, host, waiting)
  if (tapped.type === 'other') return { type: 'found', found: tapped.found }
  if (tapped.type === 'onlineRequest') {
    firmware.showHandedOver()
    return {
      type: 'ended',
      ending: await answer(firmware, 'tapOnline', tapped.request, host, waiting.signal),
      tags: withCvm(tapped.request),
    }
  }
  const { outcome } = tapped
  if (outcome.reason === 'tryAnotherInterface' && interfaces.includes('chip')) return { type: 'ways', ways: { interfaces: ['chip'] } }
  if (outcome.reason === 'noApplication' || outcome.reason === 'cardError') {
    firmware.body.sound('error')
    return { type: 'ways', ways: { interfaces, message: 'reader.tryAnotherCard' } } // Book A, message 1C
  }
  firmware.showEnd(outcome)
  const ending =
    outcome.result === 'approved'
      ? await answer(firmware, 'tapOffline', outcome, host, waiting.signal)
      : outcome.reason === 'offlineDeclined'
        ? completed({ type: 'tapDeclined', reserved: 0, data: empty })
        : endingOf(outcome)
  return { type: 'ended', ending, tags: withCvm(outcome) }
}

/** Track 2 leaves enciphered under a key of its own: the PIN block has used up another. */
async function answer(
  firmware: Firmware,
  type: 'tapOnline' | 'tapOffline',
  { tags, pinBlock }: Pick<AuthorisationRequest, 'tags' | 'pinBlock'>,
  host: HostSide,
  signal: AbortSignal,
): Promise<Ending> {
  const digits = (tag: number) => hex(tags.get(tag) ?? empty).replace(/F+$/, '')
  const track2 = digits(0x57).replace('D', '=')
  const read = swipeOf({ track2 })
  const tracks = read ? { track2 } : {}
  const sealed = await firmware.seal(tracks, undefined, host, { signal })
  if (sealed.type !== 'sealed') throw new Fault('internal', 'no PIN was asked for')
  const card = cardDataOf(read ?? { pan: digits(0x5a) }, tracks, sealed)
  return completed({ type, reserved: 0, card: { ...card, ...(pinBlock && { pinBlock: pinBlock.data, pinKsn: pinBlock.ksn }) } })
}

function completed(what: Parameters<typeof encodeTradeAnswer>[0]): Ending {
  return { type: 'completed', data: encodeTradeAnswer(what) }
}
