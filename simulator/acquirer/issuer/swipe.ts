/** The acquirer's opener of swipes: tracks that a reader's head has enciphered under a DUKPT data key become the stripe again. */

import { text } from '../../../src/bytes.ts'
import { decryptCbc } from '../../../src/crypto/des.ts'
import { dataKey, initialKey, transactionKey } from '../../../src/crypto/dukpt.ts'
import { isFault } from '../../../src/errors.ts'
import { parseTrack1, parseTrack2, type Track1, type Track2, type TrackOptions } from '../../../src/magstripe/track.ts'
import { readTolerant } from '../../../src/tlv/ber.ts'

/** Where drivers put what a swipe gives: enciphered tracks 1 and 2 in the project's own tags, their key serial number in the vendor's C0 (docs/devices/qpos.md). */
const tagsOf = { track1: 0xdfd101, track2: 0xdfd102, ksn: 0xc0 } as const
/** Tracks in one object of the vendor's own, by their tags, each enciphered by itself: the packing is ours (docs/devices/miura.md, idtech.md). */
const containers = [
  { data: 0xdfae02, ksn: 0xdfae03 },
  { data: 0xdfee23, ksn: 0xdfee12 },
] as const
const inside = { track1: 0x5f21, track2: 0x5f22 } as const

/** Track 2, else track 1; undefined where nothing comes out: another key, or a stripe that was misread. */
export function openSwipe(given: ReadonlyMap<number, Uint8Array>, bdk: Uint8Array): Track1 | Track2 | undefined {
  const container = containers.find(({ data }) => given.has(data))
  const tags = container ? unpacked(given, container) : given
  const ksn = tags.get(tagsOf.ksn)
  if (ksn?.length !== 10) return undefined
  const key = dataKey(transactionKey(initialKey(bdk, ksn), ksn))
  const open = <T>(tag: number, parse: (track: string, options: TrackOptions) => T): T | undefined => {
    const enciphered = tags.get(tag)
    if (!enciphered?.length || enciphered.length % 8 !== 0) return undefined
    try {
      const track = text(decryptCbc(key, enciphered)).replace(/\0+$/, '')
      return parse(track, { sentinels: /^[%;]/.test(track) })
    } catch (error) {
      if (isFault(error, 'bad-swipe')) return undefined
      throw error
    }
  }
  return open(tagsOf.track2, parseTrack2) ?? open(tagsOf.track1, parseTrack1)
}

/** The key serial number of its tracks. */
export function swipeSerial(given: ReadonlyMap<number, Uint8Array>): Uint8Array | undefined {
  const container = containers.find(({ data }) => given.has(data))
  return given.get(container?.ksn ?? tagsOf.ksn)
}

function unpacked(tags: ReadonlyMap<number, Uint8Array>, { data, ksn: at }: (typeof containers)[number]): ReadonlyMap<number, Uint8Array> {
  const { objects } = readTolerant(tags.get(data)!)
  const find = (wanted: number, as: number) => objects.filter(({ tag }) => tag === wanted).map(({ value }) => [as, value] as const)
  const ksn = tags.get(at)
  return new Map([
    ...find(inside.track1, tagsOf.track1),
    ...find(inside.track2, tagsOf.track2),
    ...(ksn ? [[tagsOf.ksn, ksn] as const] : []),
  ])
}
