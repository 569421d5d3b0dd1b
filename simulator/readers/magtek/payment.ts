/** One payment in a virtual MagTek reader, whatever it speaks: card, kernel and host, told to a teller that puts it into the words of V5 or MMS. */

import { transactionStatus } from '../../../devices/magtek/codec.ts'
import { fromText } from '../../../src/bytes.ts'
import type { CardInterface, Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationRequest, AuthorisationResponse, Candidate, Transaction } from '../../../src/emv/terminal.ts'
import { asksForPin } from '../../../src/magstripe/service-code.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { Firmware, HostSide, SealedSwipe } from '../firmware.ts'
import { takeCard } from '../take-card.ts'
import { withCvm } from '../told.ts'

/** What a payment tells, and asks of, its host. */
export interface Teller {
  /** A card was noticed, or has gone. */
  card(event: 'inserted' | 'removed' | 'tapped' | 'swiped'): void
  step(step: 'waitingForCard' | 'choosing' | 'pin' | 'online' | 'reading'): void
  /** Left out where the reader has a display and shows the list itself. */
  select?(candidates: readonly Candidate[], signal: AbortSignal): Promise<number | undefined>
  /** The cryptogram for the host, and its answer. */
  online(by: CardInterface, request: Pick<AuthorisationRequest, 'tags' | 'pinBlock'>, signal: AbortSignal): Promise<AuthorisationResponse>
  /** A stripe; its answer where the reader waits for one. */
  stripe(swipe: Swipe, tracks: SwipedTracks, sealed: SealedSwipe, signal: AbortSignal): Promise<AuthorisationResponse | undefined>
}

/** How it ended. `stripe`: the host has the tracks, and the reader no more part in it. */
export type PaymentEnd =
  | { readonly type: 'none'; readonly why: 'cancelled' | 'timeout' }
  | { readonly type: 'stripe' }
  | { readonly type: 'outcome'; readonly by: CardInterface; readonly outcome: Outcome }

export interface PaymentStart {
  readonly transaction: Transaction
  readonly interfaces: readonly CardInterface[]
  /** Seconds for each thing; 0 for no limit. */
  readonly timeout: number
  /** The reader has a PIN pad. */
  readonly pinPad: boolean
}

const NO_LIMIT = 24 * 3600

/** @throws Fault what the firmware throws, the signal's own */
export async function runPayment(firmware: Firmware, start: PaymentStart, teller: Teller, signal: AbortSignal): Promise<PaymentEnd> {
  const { interfaces, timeout } = start
  const stop = firmware.body.on(event => {
    if (event.type !== 'card') return
    if (event.event === 'inserted' && interfaces.includes('chip')) teller.card('inserted')
    else if (event.event === 'removed') teller.card('removed')
    else if (event.event === 'tapped' && interfaces.includes('tap')) teller.card('tapped')
  })
  try {
    if (firmware.body.cardInSlot && !firmware.body.cardUsed && interfaces.includes('chip')) teller.card('inserted')
    teller.step('waitingForCard')
    return await pay(firmware, start, teller, signal, (timeout || NO_LIMIT) * 1000)
  } finally {
    stop()
  }
}

async function pay(
  firmware: Firmware,
  { transaction, interfaces, pinPad }: PaymentStart,
  teller: Teller,
  signal: AbortSignal,
  timeout: number,
): Promise<PaymentEnd> {
  const host = hostSide('chip', teller)
  const taken = await takeCard(firmware, transaction, { interfaces, timeout, signal, host })
  switch (taken.type) {
    case 'none':
      firmware.showEnd({ result: 'cancelled', cvm: 'none' })
      return { type: 'none', why: taken.why }
    case 'mute': {
      const outcome = { ...nothing, result: 'declined', reason: 'cardMute', fallback: true } as const
      firmware.showEnd(outcome)
      return { type: 'outcome', by: 'chip', outcome }
    }
    case 'chip': {
      teller.step('reading')
      return { type: 'outcome', by: 'chip', outcome: await firmware.pay(taken.card, transaction, host, { signal }) }
    }
    case 'tap': {
      const { ended } = taken
      if (ended.type === 'outcome') {
        firmware.showEnd(ended.outcome)
        return { type: 'outcome', by: 'tap', outcome: { ...ended.outcome, tags: withCvm(ended.outcome) } }
      }
      return { type: 'outcome', by: 'tap', outcome: await tapped(firmware, ended.request, teller, signal) }
    }
    case 'swipe': {
      const { swipe, tracks } = taken
      teller.card('swiped')
      const sealed = await firmware.seal(tracks, asksForPin(swipe.serviceCode, pinPad) ? swipe.pan : undefined, host, { signal })
      if (sealed.type !== 'sealed') {
        firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        return { type: 'none', why: sealed.type }
      }
      firmware.showHandedOver()
      const response = await teller.stripe(swipe, tracks, sealed, signal)
      if (!response) return { type: 'stripe' }
      const outcome = byHost(response, { ...nothing, interface: 'swipe', cvm: sealed.pinBlock ? 'onlinePin' : 'signature' })
      firmware.showEnd(outcome)
      return { type: 'outcome', by: 'swipe', outcome }
    }
  }
}

const nothing = { result: 'declined', interface: 'chip', cvm: 'none', online: false, tags: new Map() } as const satisfies Outcome

/** The card has gone: the host's word ends it. */
async function tapped(firmware: Firmware, asked: AuthorisationRequest, teller: Teller, signal: AbortSignal): Promise<Outcome> {
  firmware.showHandedOver()
  const request = { ...asked, tags: withCvm(asked) }
  const response = await teller.online('tap', request, signal)
  const outcome = byHost(response, { ...nothing, interface: 'tap', cvm: request.cvm, tags: request.tags })
  firmware.showEnd(outcome)
  return outcome
}

function byHost(response: AuthorisationResponse, known: Outcome): Outcome {
  const tags = new Map(known.tags)
  if (response.type !== 'unableToGoOnline') tags.set(0x8a, fromText(response.code))
  const rest = { ...known, online: true, tags, response }
  if (response.type === 'approved') return { ...rest, result: 'approved' }
  return { ...rest, result: 'declined', reason: response.type === 'declined' ? 'hostDeclined' : response.type }
}

function hostSide(by: CardInterface, teller: Teller): HostSide {
  const { select } = teller
  return {
    ...(select && {
      selectApplication: async (candidates, { signal }) => {
        teller.step('choosing')
        return select.call(teller, candidates, signal)
      },
    }),
    authorise: async (request, { signal }) => {
      teller.step('online')
      return teller.online(by, request, signal)
    },
    onPin: progress => {
      if (progress.type === 'started') teller.step('pin')
    },
  }
}

/** DFDF1A of an ending. */
export function statusOf({ result }: Outcome): number {
  if (result === 'approved') return transactionStatus.accepted
  return result === 'declined' ? transactionStatus.declined : transactionStatus.error
}
