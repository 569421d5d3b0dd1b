/** What a reader says unasked: status changes with PIN entry, the card, keys, and what else there is. */

import { fromText, text } from '../../src/bytes.ts'
import { type Tags, tags, tagsOf, template } from './codec-tags.ts'

/** C3 (DeviceStatus.java). */
export const statusCodes = {
  poweredOn: 0x01,
  pinEntry: 0x02,
  applicationSelection: 0x03,
  poweringOff: 0x0a,
  rebooting: 0x0b,
  restarting: 0x0c,
  seePhone: 0xc0,
  successBeep: 0xcb,
  errorBeep: 0xce,
} as const
export type StatusName = keyof typeof statusCodes

/** E6: what the reader is at. */
export interface StatusEvent {
  readonly type: 'status'
  /** C3; a number that has no name is kept. */
  readonly status: StatusName | number
  /** C4, for people. */
  readonly text: string
  /** Digits typed so far (DFA101). */
  readonly pinDigits?: number
  /** DFA102; 02 is "PIN OK". */
  readonly pinStatus?: number
  /** C5: tries that are left. */
  readonly pinTries?: number
}

/** The PIN was right, or is in its block: the one value of DFA102 that is known, from the published event. */
export const PIN_OK = 0x02

/** 48, two bytes, with what CARD STATUS was asked to report. */
export interface CardEvent {
  readonly type: 'card'
  /** In the slot. */
  readonly present: boolean
  /** It has answered to reset. */
  readonly emv: boolean
  /** A stripe was drawn through, and these tracks of it were read. */
  readonly swiped: boolean
  readonly tracks: { readonly track1: boolean; readonly track2: boolean; readonly track3: boolean }
  /** ATR (63), SRED data and KSN, masked track 2, tracks in clear: all but 48. */
  readonly data: Tags
}

export type ReaderEventMessage =
  | StatusEvent
  | CardEvent
  /** DFA205: 1B is CANCEL, 0D ENTER, 08 CLEAR; digits never. */
  | { readonly type: 'key'; readonly key: number }
  | { readonly type: 'other'; readonly data: Tags }

export const keyCodes = { cancel: 0x1b } as const

const bit = (value: boolean, at: number) => (value ? 1 << at : 0)

export function encodeEvent(event: ReaderEventMessage): Uint8Array {
  switch (event.type) {
    case 'status': {
      const { status, text: words, pinDigits, pinStatus, pinTries } = event
      const byte = (tag: number, value: number | undefined): [number, Uint8Array][] =>
        value === undefined ? [] : [[tag, Uint8Array.of(value)]]
      return template(tags.statusChanged, [
        [tags.statusCode, Uint8Array.of(typeof status === 'number' ? status : statusCodes[status])],
        [tags.statusText, fromText(words)],
        ...byte(tags.pinDigits, pinDigits),
        ...byte(tags.pinStatus, pinStatus),
        ...byte(tags.pinRetryCounter, pinTries),
      ])
    }
    case 'card': {
      const { present, emv, swiped, tracks, data } = event
      const first = bit(present, 0) | bit(emv, 1)
      const second = bit(swiped, 0) | bit(tracks.track1, 1) | bit(tracks.track2, 2) | bit(tracks.track3, 3)
      return template(tags.responseData, [[tags.cardStatus, Uint8Array.of(first, second)], ...data])
    }
    case 'key':
      return template(tags.responseData, [[tags.key, Uint8Array.of(event.key)]])
    case 'other':
      return template(tags.responseData, event.data)
  }
}

/** In the order of the vendor's own dispatcher: status, key, card. @throws Fault `protocol` when it is no TLV */
export function decodeEvent(body: Uint8Array): ReaderEventMessage {
  const found = tagsOf(body, 'event')
  const code = found.get(tags.statusCode)?.[0]
  const words = found.get(tags.statusText)
  if (code !== undefined && words) {
    const name = (Object.keys(statusCodes) as StatusName[]).find(one => statusCodes[one] === code)
    const byte = (...of: readonly number[]) => of.map(tag => found.get(tag)?.[0]).find(value => value !== undefined)
    const [pinDigits, pinStatus, pinTries] = [
      byte(tags.pinDigits, tags.pinDigitsOld),
      byte(tags.pinStatus, tags.pinStatusOld),
      byte(tags.pinRetryCounter),
    ]
    return {
      type: 'status',
      status: name ?? code,
      text: text(words),
      ...(pinDigits !== undefined && { pinDigits }),
      ...(pinStatus !== undefined && { pinStatus }),
      ...(pinTries !== undefined && { pinTries }),
    }
  }
  const key = found.get(tags.key)?.[0]
  if (key !== undefined) return { type: 'key', key }
  const card = found.get(tags.cardStatus)
  const data = new Map(found)
  data.delete(tags.responseData)
  if (card?.length !== 2) return { type: 'other', data }
  data.delete(tags.cardStatus)
  const [slot, stripe] = card
  return {
    type: 'card',
    present: (slot & 1) !== 0,
    emv: (slot & 2) !== 0,
    swiped: (stripe & 1) !== 0,
    tracks: { track1: (stripe & 2) !== 0, track2: (stripe & 4) !== 0, track3: (stripe & 8) !== 0 },
    data,
  }
}
