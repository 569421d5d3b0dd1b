/** One swipe out of its tracks, and what a terminal makes of it by its service code and expiry. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { isExpired } from '../expiry.ts'
import { bad } from './bad-swipe.ts'
import { readServiceCode, type ServiceCode, serviceCodeOf } from './service-code.ts'
import {
  type Masked,
  masked,
  parseTrack1,
  parseTrack2,
  parseTrack3,
  type Remark,
  type Track1,
  type Track2,
  type Track3,
  type TrackOptions,
} from './track.ts'

/** Tracks as a reader gives them; those that it did not read are left out. */
export interface SwipedTracks {
  /** Format B, with its sentinels unless `TrackOptions` say otherwise. */
  readonly track1?: string
  /** The same. */
  readonly track2?: string
  /** The same. */
  readonly track3?: string
}

/** A swipe that was read. Printed it shows its number masked. */
export interface Swipe extends Masked {
  /** The whole number: not for logs. */
  readonly pan: string
  /** YYMM; undefined where the issuer left it out. */
  readonly expiry: string | undefined
  /** Undefined where the issuer left it out. */
  readonly serviceCode: ServiceCode | undefined
  /** Undefined where it was not read, or is not good. */
  readonly track1: Track1 | undefined
  /** The same. */
  readonly track2: Track2 | undefined
  /** The same. */
  readonly track3: Track3 | undefined
  /** What of its tracks is odd, and of which track. */
  readonly remarks: readonly {
    /** Its number. */
    readonly track: 1 | 2 | 3
    /** What is odd, or the rule that it breaks. */
    readonly remark: Remark | (string & {})
  }[]
}

/**
 * One swipe out of its tracks: track 1 or 2 must be good, and those that are must name the same card. A track that is not is left out, with the rule that it breaks
 * among the remarks; where expiries differ, track 2's is taken.
 * @throws Fault `bad-swipe` where neither is good, naming both rules, or where they name different cards
 */
export function readSwipe(tracks: SwipedTracks, options: TrackOptions = {}): Swipe {
  door.need('tracks', tracks, door.object)
  door.need('options', options, door.object)
  const faults: Fault[] = []
  const attempt = <T>(text: string | undefined, parse: (text: string, options: TrackOptions) => T): T | undefined => {
    if (!text) return undefined
    try {
      return parse(text, options)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'bad-swipe') throw error
      faults.push(error)
      return undefined
    }
  }
  const track1 = attempt(tracks.track1, parseTrack1)
  const track2 = attempt(tracks.track2, parseTrack2)
  const track3 = attempt(tracks.track3, parseTrack3)
  const best = track2 ?? track1
  if (!best) throw worst(faults)
  for (const other of [track1, track3])
    if (other && other.pan !== best.pan) throw bad(other === track1 ? 1 : 3, 'names another card than track 2')
  const code = track2?.serviceCode ?? track1?.serviceCode
  const otherExpiry = track1?.expiry && track2?.expiry && track1.expiry !== track2.expiry
  return masked(2, {
    pan: best.pan,
    expiry: track2?.expiry ?? track1?.expiry,
    serviceCode: code === undefined ? undefined : serviceCodeOf(code),
    track1,
    track2,
    track3,
    remarks: [
      ...faults.map(({ details }) => ({ track: details.track as 1 | 2 | 3, remark: String(details.rule) })),
      ...([track1, track2, track3] as const).flatMap((one, at) =>
        (one?.remarks ?? []).map(remark => ({ track: (at + 1) as 1 | 2 | 3, remark })),
      ),
      ...(otherExpiry ? [{ track: 1 as const, remark: 'names another expiry than track 2' }] : []),
    ],
  })
}

/** No track of a card was good: each says why. */
function worst(faults: readonly Fault[]): Fault {
  const [first, ...more] = faults.filter(({ details }) => details.track !== 3)
  if (!first) return faults[0] ?? bad(2, 'was not read')
  if (more.length === 0) return first
  return new Fault('bad-swipe', [first, ...more].map(({ message }) => message).join('; '), first.details)
}

/** POS entry mode (9F39; ISO 8583:1987 field 22, first two digits). */
export type SwipeEntryMode = 0x90 | 0x80

/**
 * The entry mode of a stripe that a reader has taken, by its service code: one that reads chips too takes the stripe of a chip card (2xx, 6xx) only in place of
 * its chip, and that is fallback.
 */
export function entryModeOf(serviceCode: string | undefined, chipReader = true): SwipeEntryMode {
  door.need('serviceCode', serviceCode, door.maybe(door.anyText))
  return chipReader && /^[26]/.test(serviceCode ?? '') ? 0x80 : 0x90
}

/**
 * What a terminal does with a swipe. A card whose service code tells of a chip goes to the chip, unless the chip has failed before
 * (`fallback`); then the swipe is marked as fallback, 80 instead of 90.
 */
export type SwipeVerdict =
  | {
      /** It is paid with. */
      readonly use: 'swipe'
      /** As 9F39 has it. */
      readonly entryMode: SwipeEntryMode
      /** The issuer must be asked. */
      readonly online: boolean
      /** Whether a PIN is to be asked for. */
      readonly pin: ServiceCode['pin']
    }
  | {
      /** The card goes to the slot. */
      readonly use: 'chip'
    }
  | {
      /** It is not paid with. */
      readonly use: 'no'
      /** The card is past its month, or not for this. */
      readonly why: 'expired' | 'service'
    }

/** What a swipe is judged by. */
export interface SwipeContext {
  /** The terminal’s date. */
  readonly at: Date
  /** A purchase when left out. */
  readonly type?: 'purchase' | 'cash' | 'cashback' | 'refund'
  /** The terminal reads chips: without that a chip card's stripe is all there is. */
  readonly chipReader: boolean
  /** The chip of this very card has failed as often as the configuration asks. */
  readonly fallback?: boolean
}

/** Service code and expiry decide on a swipe; an absent service code is taken as 101. */
export function judgeSwipe(swipe: Pick<Swipe, 'serviceCode' | 'expiry'>, context: SwipeContext): SwipeVerdict {
  door.need('swipe', swipe, door.object)
  door.need('context', context, door.shape({ at: door.date }))
  const { at, type, chipReader, fallback } = context
  const code = swipe.serviceCode ?? readServiceCode('101')
  if (code.chip && chipReader && !fallback) return { use: 'chip' }
  if (swipe.expiry !== undefined && isExpired(swipe.expiry, at)) return { use: 'no', why: 'expired' }
  const cash = type === 'cash' || type === 'cashback'
  const allowed = code.services === 'all' || (cash ? code.services === 'cash' : code.services === 'goodsAndServices')
  if (!allowed) return { use: 'no', why: 'service' }
  return {
    use: 'swipe',
    entryMode: code.chip && fallback ? 0x80 : 0x90,
    online: code.authorisation === 'online' || code.chip,
    pin: code.pin,
  }
}
