/** How a MagTek reader wraps what it knows of a card: everything but the harmless enciphered under a DUKPT key for the acquirer, and a MAC over it all. */

import { aes128, cardType, encodeEmvData, magtekTags, type SealedSwipe, tripleDes } from '../../../devices/magtek/codec.ts'
import { concat, fromText, hex } from '../../../src/bytes.ts'
import * as des from '../../../src/crypto/des.ts'
import { dataKey, macKey } from '../../../src/crypto/dukpt.ts'
import { macAlgorithm1 } from '../../../src/crypto/mac.ts'
import type { CardInterface } from '../../../src/emv/outcome.ts'
import type { PinBlock } from '../../../src/emv/terminal.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { Firmware, SealedSwipe as SealedTracks } from '../firmware.ts'

type Tags = ReadonlyMap<number, Uint8Array>

/** Never leaves the reader: Transaction PIN Data (EMV 4.4 Book 3, Annex A). */
const secret = new Set([0x99])

/** What a batch shows the merchant in clear (F7, "Merchant Data"; which tags is set by the owner of a reader: assumed). */
const merchant = [0x82, 0x84, 0x8a, 0x95, 0x9a, 0x9b, 0x9c, 0x50, 0x5f2a, 0x5f34, 0x9f02, 0x9f12, 0x9f26, 0x9f27, 0x9f34, 0x9f36, 0x9f41]

const types: Readonly<Record<CardInterface, number>> = { chip: cardType.chip, tap: cardType.tap, swipe: cardType.stripe }

export interface Wrapped {
  readonly by: CardInterface
  readonly tags: Tags
  readonly pinBlock?: PinBlock | undefined
  /** Tracks, enciphered by the head already. */
  readonly stripe?: SealedTracks | undefined
  /** Track 2 as the merchant may see it. */
  readonly masked?: string | undefined
  /** Of a batch. */
  readonly status?: number
}

/** The EMV data of an ARQC, or of a batch where there is a status. @throws Fault `bad-key` when the keys are used up */
export function wrap(firmware: Firmware, serial: string, { by, tags, pinBlock, stripe, masked, status }: Wrapped): Uint8Array {
  const { ksn, key } = firmware.nextKey()
  const objects = [...tags].filter(([tag]) => !secret.has(tag)).map(([tag, value]) => write(tag, value))
  const inner = write(0xfc, [...objects, ...(stripe ? [tracksOf(stripe)] : []), ...(pinBlock ? [pinOf(pinBlock)] : [])])
  const padding = (8 - (inner.length % 8)) % 8
  const data = des.encryptCbc(dataKey(key), concat(inner, new Uint8Array(padding)))
  const clear =
    status === undefined
      ? ([
          ...pick(tags, [0x82]),
          [magtekTags.fallback, Uint8Array.of(0)],
          ...maskedOf(tags),
          ...(masked ? ([[magtekTags.maskedTrack2Stripe, fromText(masked)]] as const) : []),
          [magtekTags.cardType, Uint8Array.of(types[by])],
        ] as const)
      : pick(tags, merchant)
  return encodeEmvData(
    { serial: fromText(serial), ksn, sealed: { data, padding }, clear, ...(status !== undefined && { status }) },
    bytes => macAlgorithm1(macKey(key), bytes, 1),
  )
}

function pick(tags: Tags, wanted: readonly number[]): [number, Uint8Array][] {
  return wanted.flatMap((tag): [number, Uint8Array][] => {
    const value = tags.get(tag)
    return value ? [[tag, value]] : []
  })
}

function maskedOf(tags: Tags): [number, Uint8Array][] {
  const pan = hex(tags.get(0x5a) ?? new Uint8Array(0)).replace(/F+$/, '') || hex(tags.get(0x57) ?? new Uint8Array(0)).split('D')[0]
  return pan.length >= 12 ? [[magtekTags.maskedTrack2, fromText(maskedTrack2(pan))]] : []
}

/** The first six and last four digits of the PAN, zeros between and behind it. */
export function maskedTrack2(pan: string, expiry = '0000', serviceCode = '000'): string {
  return `;${pan.slice(0, 6)}${'0'.repeat(pan.length - 10)}${pan.slice(-4)}=${expiry}${serviceCode}000000?`
}

const ok = Uint8Array.of(0x00)

function tracksOf({ ksn, track1, track2, track3 }: SealedTracks): Uint8Array {
  const tracks = [
    [0xdfdf36, magtekTags.encTrack1, track1],
    [0xdfdf38, magtekTags.encTrack2, track2],
    [0xdfdf3a, magtekTags.encTrack3, track3],
  ] as const
  const objects = tracks.flatMap(([status, tag, track]) => (track ? [write(status, ok), write(tag, track)] : []))
  const keys = [write(magtekTags.stripeKsn, ksn), write(magtekTags.stripeEncryption, Uint8Array.of(tripleDes.data))]
  return write(0xf4, [...objects, ...keys])
}

function pinOf({ format, data, ksn }: PinBlock): Uint8Array {
  const { pinFormat, pinKsn, pinEncryption } = magtekTags
  return write(0xf5, [
    write(pinFormat, Uint8Array.of(format)),
    write(0x99, data),
    write(pinKsn, ksn),
    write(pinEncryption, Uint8Array.of(format === 4 ? aes128.pin : tripleDes.pin)),
  ])
}

/** A swipe as a V5 reader reports it. */
export function swipeReport(serial: string, swipe: Swipe, tracks: SwipedTracks, sealed: SealedTracks): SealedSwipe {
  const none = new Uint8Array(0)
  const service = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode
  const masked1 = `%B${swipe.pan.slice(0, 6)}${'0'.repeat(swipe.pan.length - 10)}${swipe.pan.slice(-4)}^${swipe.track1?.name ?? ''}^${swipe.expiry ?? '0000'}${service ?? '000'}?`
  const encrypted = [sealed.track1, sealed.track2, sealed.track3].map(track => track ?? none)
  return {
    type: 'sealed',
    decodeStatus: [tracks.track1 ? 0 : 1, tracks.track2 ? 0 : 1, tracks.track3 ? 0 : 1],
    encodeType: 0,
    tracks: [encrypted[0], encrypted[1], encrypted[2]],
    cardStatus: 0,
    magnePrintStatus: new Uint8Array(4),
    magnePrint: none,
    serial: fromText(serial),
    encryptionStatus: Uint8Array.of(0x06, 0x00),
    ksn: sealed.ksn,
    masked: [
      tracks.track1 ? fromText(masked1) : none,
      tracks.track2 ? fromText(maskedTrack2(swipe.pan, swipe.expiry, service)) : none,
      none,
    ],
    session: new Uint8Array(8),
    absoluteLengths: [tracks.track1?.length ?? 0, tracks.track2?.length ?? 0, tracks.track3?.length ?? 0],
    magnePrintAbsoluteLength: 0,
    more: { swipesLeft: Uint8Array.of(0x0f, 0x42, 0x40), magneSafeVersion: fromText('V05'), reportVersion: none },
  }
}
