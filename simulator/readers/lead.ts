/** A payment that the reader leads, from the card to its end: for families whose host only starts it and is asked for the issuer's word. */

import { fromText, fromUint } from '../../src/bytes.ts'
import type { CardInterface, Outcome } from '../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Transaction } from '../../src/emv/terminal.ts'
import type { Swipe } from '../../src/magstripe.ts'
import type { Firmware, HostSide, SealedSwipe } from './firmware.ts'
import { takeCard } from './take-card.ts'

/** Milliseconds for a card. */
const CARD_WAIT = 60_000

export interface LeadOptions {
  readonly interfaces: readonly CardInterface[]
  readonly host: HostSide
  readonly signal: AbortSignal
  readonly onInserted?: () => void
  readonly onChipSwiped?: () => void
}

/** Its end is on the display when this resolves. @throws Fault `aborted` or the signal's own; `unsupported`, `bad-key` */
export async function leadPayment(firmware: Firmware, transaction: Transaction, options: LeadOptions): Promise<Outcome> {
  const { host, signal, onInserted, onChipSwiped, interfaces } = options
  const shown = (outcome: Outcome): Outcome => {
    firmware.showEnd(outcome)
    return outcome
  }
  const ended = (how: Pick<Outcome, 'result' | 'reason' | 'fallback'>) =>
    shown({ ...how, interface: 'chip', cvm: 'none', online: false, tags: new Map() })
  /** No card is there any more that could contradict the issuer. */
  const handedOver = async (request: AuthorisationRequest) => {
    firmware.body.show('reader.authorising')
    return shown(byHost(request, await host.authorise(request, { signal })))
  }
  const taken = await takeCard(firmware, transaction, {
    ...{ interfaces, timeout: CARD_WAIT, signal, host },
    ...(onChipSwiped && { onChipSwiped }),
  })
  switch (taken.type) {
    case 'none':
      return ended({ result: 'cancelled', reason: taken.why === 'timeout' ? 'cardTimeout' : 'cardholderCancelled' })
    case 'mute':
      return ended({ result: 'declined', reason: 'cardMute', fallback: true })
    case 'chip':
      onInserted?.()
      return firmware.pay(taken.card, transaction, host, { signal })
    case 'tap':
      return taken.ended.type === 'outcome' ? shown(taken.ended.outcome) : handedOver(taken.ended.request)
    case 'swipe': {
      const { swipe, tracks } = taken
      const pinWanted = (swipe.serviceCode?.pin ?? 'none') !== 'none'
      const sealed = await firmware.seal(tracks, pinWanted ? swipe.pan : undefined, host, { signal })
      if (sealed.type !== 'sealed')
        return ended({ result: 'cancelled', reason: sealed.type === 'timeout' ? 'pinTimeout' : 'cardholderCancelled' })
      const { pinBlock: data, ksn } = sealed
      return handedOver({
        ...{ transaction, interface: 'swipe', cvm: data ? 'onlinePin' : 'signature', tags: swipeTags(swipe, sealed) },
        ...(data && { pinBlock: { format: 0, data, ksn } }),
      })
    }
  }
}

/** What a swipe gives the host: enciphered tracks and their key serial number in the project's own tags (docs/devices/qpos.md), the rest masked or harmless. */
function swipeTags(swipe: Swipe, { ksn, track1, track2, track3 }: SealedSwipe): ReadonlyMap<number, Uint8Array> {
  const code = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode
  const name = swipe.track1?.name
  const entries: readonly (readonly [number, Uint8Array | undefined])[] = [
    [0xdfd101, track1],
    [0xdfd102, track2],
    [0xdfd103, track3],
    [0xc0, ksn],
    [0x5f20, name ? fromText(name) : undefined],
    [0x5f30, code ? fromUint(Number.parseInt(code, 16), 2) : undefined],
    [0x9f39, Uint8Array.of(swipe.serviceCode?.chip ? 0x80 : 0x90)], // POS entry mode, ISO 8583:1987 field 22: fallback, stripe
  ]
  return new Map(entries.flatMap(([tag, value]) => (value ? [[tag, value] as const] : [])))
}

function byHost({ transaction: _, ...request }: AuthorisationRequest, response: AuthorisationResponse): Outcome {
  const reasons = { approved: undefined, declined: 'hostDeclined', referral: 'referral', unableToGoOnline: 'unableToGoOnline' } as const
  const reason = reasons[response.type]
  return { ...request, result: reason ? 'declined' : 'approved', ...(reason && { reason }), online: true, response }
}
