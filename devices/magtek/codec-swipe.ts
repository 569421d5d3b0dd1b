/** The MagneSafe V5 swipe report (input report 1, or card data over Bluetooth): tracks enciphered or in clear, and what a reader tells of itself with them. */

import { Fault } from '../../src/errors.ts'
import { blob, struct, u8 } from '../../src/tlv/layout.ts'

const head = [u8('status1'), u8('status2'), u8('status3'), u8('length1'), u8('length2'), u8('length3'), u8('encodeType')] as const

/** Readers that encipher; 856 bytes, as Magensa/magensa-bluetooth and MagTek's API_v5Parse.js index them. */
const sealed = struct([
  ...head,
  blob(112, 'track1'),
  blob(112, 'track2'),
  blob(112, 'track3'),
  u8('cardStatus'),
  blob(4, 'magnePrintStatus'),
  u8('magnePrintLength'),
  blob(128, 'magnePrint'),
  blob(16, 'serial'),
  blob(2, 'encryptionStatus'),
  blob(10, 'ksn'),
  u8('maskedLength1'),
  u8('maskedLength2'),
  u8('maskedLength3'),
  blob(112, 'masked1'),
  blob(112, 'masked2'),
  blob(112, 'masked3'),
  blob(8, 'session'),
  u8('absoluteLength1'),
  u8('absoluteLength2'),
  u8('absoluteLength3'),
  u8('magnePrintAbsoluteLength'),
])
/** Newer firmware puts 31 bytes more behind it: swipes that are left, MagneSafe version, report version. */
const tail = struct([blob(3, 'swipesLeft'), blob(8, 'magneSafeVersion'), blob(20, 'reportVersion')])
/** Readers that do not encipher: 337 bytes. */
const open = struct([...head, blob(110, 'track1'), blob(110, 'track2'), blob(110, 'track3')])

type Tracks<T> = readonly [T, T, T]

interface AnyReport {
  /** 0 decoded, 1 error, for each track. */
  readonly decodeStatus: Tracks<number>
  /** 00 ISO/ABA, 01 AAMVA, 03 blank, 04 other …: as it came. */
  readonly encodeType: number
}

export interface SealedSwipe extends AnyReport {
  readonly type: 'sealed'
  /** Enciphered under a DUKPT key; empty where a track was not read. */
  readonly tracks: Tracks<Uint8Array>
  readonly cardStatus: number
  readonly magnePrintStatus: Uint8Array
  readonly magnePrint: Uint8Array
  /** As text, zero padded on the wire. */
  readonly serial: Uint8Array
  readonly encryptionStatus: Uint8Array
  readonly ksn: Uint8Array
  /** First and last digits of the PAN, the expiry, the rest zeros or blanks. */
  readonly masked: Tracks<Uint8Array>
  readonly session: Uint8Array
  /** Before anything was cut off. */
  readonly absoluteLengths: Tracks<number>
  readonly magnePrintAbsoluteLength: number
  /** The 31 bytes of newer firmware, where they are there. */
  readonly more?: { readonly swipesLeft: Uint8Array; readonly magneSafeVersion: Uint8Array; readonly reportVersion: Uint8Array }
}

export interface OpenSwipe extends AnyReport {
  readonly type: 'open'
  /** In clear: they go no further than the decoder's caller. */
  readonly tracks: Tracks<Uint8Array>
}

export type SwipeReport = SealedSwipe | OpenSwipe

export const swipeLengths = { open: open.span, sealed: sealed.span, sealedAndMore: sealed.span + tail.span } as const

/** @throws Fault `protocol` where the length is none of a swipe report, or a field exceeds its place */
export function decodeSwipe(report: Uint8Array): SwipeReport {
  if (report.length === open.span) {
    const one = open.decode(report)
    return {
      type: 'open',
      decodeStatus: [one.status1, one.status2, one.status3],
      encodeType: one.encodeType,
      tracks: [cut(one.track1, one.length1), cut(one.track2, one.length2), cut(one.track3, one.length3)],
    }
  }
  if (report.length !== sealed.span && report.length !== sealed.span + tail.span)
    throw new Fault('protocol', `a swipe report has ${Object.values(swipeLengths).join(', ')} bytes, not ${report.length}`)
  const one = sealed.decode(report)
  const more = report.length > sealed.span ? tail.decode(report, sealed.span) : undefined
  return {
    type: 'sealed',
    decodeStatus: [one.status1, one.status2, one.status3],
    encodeType: one.encodeType,
    tracks: [cut(one.track1, one.length1), cut(one.track2, one.length2), cut(one.track3, one.length3)],
    cardStatus: one.cardStatus,
    magnePrintStatus: plain(one.magnePrintStatus),
    magnePrint: cut(one.magnePrint, one.magnePrintLength),
    serial: plain(one.serial),
    encryptionStatus: plain(one.encryptionStatus),
    ksn: plain(one.ksn),
    masked: [cut(one.masked1, one.maskedLength1), cut(one.masked2, one.maskedLength2), cut(one.masked3, one.maskedLength3)],
    session: plain(one.session),
    absoluteLengths: [one.absoluteLength1, one.absoluteLength2, one.absoluteLength3],
    magnePrintAbsoluteLength: one.magnePrintAbsoluteLength,
    ...(more && {
      more: {
        swipesLeft: plain(more.swipesLeft),
        magneSafeVersion: plain(more.magneSafeVersion),
        reportVersion: plain(more.reportVersion),
      },
    }),
  }
}

/** @throws Fault `bad-argument` where a value is longer than its place */
export function encodeSwipe(swipe: SwipeReport): Uint8Array {
  const { decodeStatus, encodeType, tracks } = swipe
  const room = swipe.type === 'open' ? 110 : 112
  const first = {
    ...{ status1: decodeStatus[0], status2: decodeStatus[1], status3: decodeStatus[2] },
    ...{ length1: tracks[0].length, length2: tracks[1].length, length3: tracks[2].length },
    encodeType,
    ...{ track1: fill(tracks[0], room), track2: fill(tracks[1], room), track3: fill(tracks[2], room) },
  }
  if (swipe.type === 'open') {
    const bytes = new Uint8Array(open.span)
    open.encode(first, bytes)
    return bytes
  }
  const { masked, absoluteLengths, more } = swipe
  const bytes = new Uint8Array(sealed.span + (more ? tail.span : 0))
  sealed.encode(
    {
      ...first,
      cardStatus: swipe.cardStatus,
      magnePrintStatus: fill(swipe.magnePrintStatus, 4),
      magnePrintLength: swipe.magnePrint.length,
      magnePrint: fill(swipe.magnePrint, 128),
      serial: fill(swipe.serial, 16),
      encryptionStatus: fill(swipe.encryptionStatus, 2),
      ksn: fill(swipe.ksn, 10),
      ...{ maskedLength1: masked[0].length, maskedLength2: masked[1].length, maskedLength3: masked[2].length },
      ...{ masked1: fill(masked[0], 112), masked2: fill(masked[1], 112), masked3: fill(masked[2], 112) },
      session: fill(swipe.session, 8),
      ...{ absoluteLength1: absoluteLengths[0], absoluteLength2: absoluteLengths[1], absoluteLength3: absoluteLengths[2] },
      magnePrintAbsoluteLength: swipe.magnePrintAbsoluteLength,
    },
    bytes,
  )
  if (more) {
    const { swipesLeft, magneSafeVersion, reportVersion } = more
    const last = { swipesLeft: fill(swipesLeft, 3), magneSafeVersion: fill(magneSafeVersion, 8), reportVersion: fill(reportVersion, 20) }
    tail.encode(last, bytes, sealed.span)
  }
  return bytes
}

function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

function cut(bytes: Uint8Array, length: number): Uint8Array {
  if (length > bytes.length)
    throw new Fault('protocol', `swipe report: a length of ${length} exceeds the ${bytes.length} bytes of its field`)
  return plain(bytes.subarray(0, length))
}

function fill(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length > length) throw new Fault('bad-argument', `swipe report: ${bytes.length} bytes exceed the ${length} of their field`)
  const all = new Uint8Array(length)
  all.set(bytes)
  return all
}
