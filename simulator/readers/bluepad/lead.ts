/** A payment that the reader leads, from the card to its end: for families whose host only starts it and is asked for the issuer's word. */

import { fromText, fromUint, toCn } from '../../../src/bytes.ts'
import type { CardInterface, Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Fallback, Transaction } from '../../../src/emv/terminal.ts'
import { asksForPin } from '../../../src/magstripe/service-code.ts'
import { entryModeOf, type Swipe } from '../../../src/magstripe/swipe.ts'
import { maskPan } from '../../../src/mask.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { confirmed, type Firmware, type HostSide, type SealedSwipe } from '../firmware.ts'
import { takeCard } from '../take-card.ts'

/** Milliseconds for a card. */
const CARD_WAIT = 60_000

export interface LeadOptions {
  readonly interfaces: readonly CardInterface[]
  /** When a chip cannot be read; twice more, and then the stripe, when left out. */
  readonly fallback?: Fallback | undefined
  /** What is asked for then, before it is: the card again, so often after this, or what stands in for its chip. */
  readonly onChipFailed?: (ask: 'chip' | 'swipe' | 'tap', left: number) => void
  readonly host: HostSide
  readonly signal: AbortSignal
  readonly onInserted?: () => void
  readonly onChipSwiped?: () => void
}

/** Its end is on the display when this resolves. @throws Fault `aborted` or the signal's own; `unsupported`, `bad-key` */
export async function leadPayment(firmware: Firmware, transaction: Transaction, options: LeadOptions): Promise<Outcome> {
  const { interfaces, fallback = { tries: 2, to: ['swipe'] }, onChipFailed } = options
  const rest = fallback.to.filter(one => interfaces.includes(one))
  let left = fallback.tries
  let failed = false
  let ways = interfaces
  let message: MessageId | undefined
  for (;;) {
    const outcome = await onePayment(firmware, transaction, { ...options, interfaces: ways }, message)
    const chipFailed = outcome.fallback && outcome.result === 'declined' && !outcome.online
    if (!chipFailed) return failed ? { ...outcome, fallback: true } : outcome
    failed = true
    if (left > 0) {
      message = 'reader.tryAgain'
      left--
      onChipFailed?.('chip', left)
      continue
    }
    const instead = rest.shift()
    if (!instead) return outcome
    ways = [instead]
    message = undefined
    onChipFailed?.(instead, 0)
  }
}

async function onePayment(
  firmware: Firmware,
  transaction: Transaction,
  options: LeadOptions,
  message: MessageId | undefined,
): Promise<Outcome> {
  const { host, signal, onInserted, onChipSwiped, interfaces } = options
  const shown = (outcome: Outcome): Outcome => {
    firmware.showEnd(outcome)
    return outcome
  }
  const ended = (how: Pick<Outcome, 'result' | 'reason' | 'fallback' | 'interface'>) =>
    shown({ ...how, cvm: 'none', online: false, tags: new Map() })
  /** No card is there any more that could contradict the issuer. */
  const handedOver = async (request: AuthorisationRequest) => {
    firmware.body.show('reader.authorising')
    return shown(byHost(request, await host.authorise(request, { signal })))
  }
  const taken = await takeCard(firmware, transaction, {
    ...{ interfaces, timeout: CARD_WAIT, signal, host, message },
    ...(onChipSwiped && { onChipSwiped }),
  })
  switch (taken.type) {
    case 'none':
      return ended({ result: 'cancelled', reason: taken.why === 'timeout' ? 'cardTimeout' : 'cardholderCancelled' })
    case 'mute':
      return ended({ result: 'declined', reason: 'cardMute', fallback: true, interface: 'chip' })
    case 'chip':
      onInserted?.()
      return firmware.pay(taken.card, transaction, host, { signal })
    case 'tap':
      if (taken.ended.type !== 'outcome') return handedOver(taken.ended.request)
      return shown(await confirmed(taken.ended.outcome, transaction, host, signal))
    case 'swipe': {
      const { swipe, tracks } = taken
      const sealed = await firmware.seal(tracks, asksForPin(swipe.serviceCode) ? swipe.pan : undefined, host, { signal })
      if (sealed.type !== 'sealed')
        return ended({ result: 'cancelled', reason: sealed.type === 'timeout' ? 'pinTimeout' : 'cardholderCancelled', interface: 'swipe' })
      const { pinBlock } = sealed
      return handedOver({
        ...{ transaction, interface: 'swipe', cvm: pinBlock ? 'onlinePin' : 'signature', tags: swipeTags(swipe, sealed) },
        ...(pinBlock && { pinBlock }),
      })
    }
  }
}

/** What a swipe gives the host: enciphered tracks and their key serial number in the project's own tags (docs/devices/qpos.md), the rest masked or harmless. */
function swipeTags(swipe: Swipe, { ksn, track1, track2, track3 }: SealedSwipe): ReadonlyMap<number, Uint8Array> {
  const code = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode
  const name = swipe.track1?.name
  const masked = maskPan(swipe.pan).replaceAll('*', 'F') // as the receipt's tag has it (docs/devices/qpos.md, C4)
  const entries: readonly (readonly [number, Uint8Array | undefined])[] = [
    [0xdfd101, track1],
    [0xdfd102, track2],
    [0xdfd103, track3],
    [0xc0, ksn],
    [0x5f20, name ? fromText(name) : undefined],
    [0x5f30, code ? fromUint(Number.parseInt(code, 16), 2) : undefined],
    [0x9f39, Uint8Array.of(entryModeOf(code))],
    [0xc4, toCn(masked)],
  ]
  return new Map(entries.flatMap(([tag, value]) => (value ? [[tag, value] as const] : [])))
}

function byHost({ transaction: _, ...request }: AuthorisationRequest, response: AuthorisationResponse): Outcome {
  const reasons = { approved: undefined, declined: 'hostDeclined', referral: 'referral', unableToGoOnline: 'unableToGoOnline' } as const
  const reason = reasons[response.type]
  return { ...request, result: reason ? 'declined' : 'approved', ...(reason && { reason }), online: true, response }
}
