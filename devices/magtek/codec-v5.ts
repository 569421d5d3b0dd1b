/** MagTek V5 (eDynamo, tDynamo, mDynamo, DynaMag, iDynamo): commands and their answers, notifications and swipes, over HID reports and over Bluetooth. */

import { concat, equal, fromUint, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder, Side } from '../../src/reader/side.ts'
import { BlockCollector, type Lost, NotificationCollector, notificationParts, toBlocks } from './codec-notify.ts'
import { encodeRecord, type PipeRecord, recordDecoder, scanner, through } from './codec-scan.ts'
import { swipeLengths } from './codec-swipe.ts'

/** Channels of a line to a V5 reader: answers; over HID its input reports by their ids; over Bluetooth the blocks of the card data characteristic. */
export const v5Channels = { answer: 0, swipe: 1, notification: 2, block: 3 } as const

/** The most that one command carries behind its two bytes of head. */
const MAX_COMMAND = 59
/** A feature report of 61 bytes, less what a command needs before its data: 8. */
export const MAX_PART = 51

/** Data of a plain command, by name; what is not in the table is `raw`. */
const commands = {
  getProperty: 0x00,
  reset: 0x02,
  getKsn: 0x09,
  getBattery: 0x45,
  setOutput: 0x48,
  extended: 0x49,
  more: 0x4a,
} as const

/** Properties of a reader, read with `getProperty`. */
export const v5Properties = { firmwareId: 0x00, serial: 0x03 } as const

/** What a host says. An extended command longer than one part goes as several, each answered before the next (`partsOf`). */
export type V5Request =
  | { readonly type: 'getProperty'; readonly property: number }
  | { readonly type: 'reset' | 'getKsn' | 'getBattery' | 'more' }
  /** Where swipes go: 0 USB, 1 Bluetooth. */
  | { readonly type: 'setOutput'; readonly output: number }
  | {
      readonly type: 'extended'
      readonly command: number
      readonly offset: number
      /** Bytes of the data in all parts. */
      readonly total: number
      readonly data: Uint8Array
    }
  | { readonly type: 'raw'; readonly command: number; readonly data: Uint8Array }

/** What a reader says. */
export type V5Reply =
  | { readonly type: 'answer'; readonly result: number; readonly data: Uint8Array }
  /** Result code 0A: an answer to an extended command, or a part of one. */
  | {
      readonly type: 'extendedAnswer'
      readonly offset: number
      readonly result: number
      readonly total: number
      readonly data: Uint8Array
    }
  | { readonly type: 'notification'; readonly id: number; readonly data: Uint8Array }
  | { readonly type: 'swipe'; readonly report: Uint8Array }
  /** Parts of a notification or a swipe did not come: the rest of it is dropped. */
  | Lost

/** Result codes of an answer: 00, 0A and 0B seen; the others as MagneSafe V5 manuals have them, never seen on the wire (docs/devices/magtek.md). */
export const v5Results = { ok: 0x00, badParameter: 0x02, invalidOperation: 0x07, noPower: 0x09, extended: 0x0a, buffering: 0x0b } as const

/** Extended commands (02-byte numbers). */
export const v5Extended = { start: 0x0300, selection: 0x0302, onlineResponse: 0x0303, cancel: 0x0304, setDate: 0x030c } as const

/** Result codes of extended commands: 0381–0396 of a start, 038B–038F of the others. */
export const v5Codes = {
  ok: 0x0000,
  noKeys: 0x0381,
  keysUsedUp: 0x0382,
  badSelectionStatus: 0x038b,
  badSelection: 0x038c,
  noTransaction: 0x038d,
  inProgress: 0x038f,
  noDate: 0x0396,
} as const

/** The parts of an extended command, in order. */
export function partsOf(command: number, data: Uint8Array): Extract<V5Request, { type: 'extended' }>[] {
  const parts: Extract<V5Request, { type: 'extended' }>[] = []
  for (let offset = 0; offset === 0 || offset < data.length; offset += MAX_PART)
    parts.push({ type: 'extended', command, offset, total: data.length, data: data.slice(offset, offset + MAX_PART) })
  return parts
}

const none = new Uint8Array(0)

function requestData(request: V5Request): readonly [command: number, data: Uint8Array] {
  switch (request.type) {
    case 'raw':
      return [request.command, request.data]
    case 'getProperty':
      return [commands.getProperty, fromUint(request.property, 1)]
    case 'setOutput':
      return [commands.setOutput, fromUint(request.output, 1)]
    case 'extended': {
      const { command, offset, total, data } = request
      return [commands.extended, concat(fromUint(offset, 2), fromUint(command, 2), fromUint(total, 2), data)]
    }
    default:
      return [commands[request.type], none]
  }
}

function encodeRequest(request: V5Request): Uint8Array {
  const [command, data] = requestData(request)
  if (data.length > MAX_COMMAND)
    throw new Fault('bad-argument', `${data.length} bytes exceed the ${MAX_COMMAND} of a V5 command`, { field: 'data' })
  return concat(fromUint(command, 1), fromUint(data.length, 1), data)
}

function decodeRequest(command: number, data: Uint8Array): V5Request {
  const raw: V5Request = { type: 'raw', command, data }
  const typed = typedRequest(command, data)
  // Typed only where nothing is lost.
  return typed && equal(requestData(typed)[1], data) ? typed : raw
}

function typedRequest(command: number, data: Uint8Array): V5Request | undefined {
  switch (command) {
    case commands.getProperty:
      return { type: 'getProperty', property: data[0] }
    case commands.setOutput:
      return data.length === 1 ? { type: 'setOutput', output: data[0] } : undefined
    case commands.extended:
      if (data.length < 6) return undefined
      return {
        type: 'extended',
        offset: uint(data.subarray(0, 2)),
        command: uint(data.subarray(2, 4)),
        total: uint(data.subarray(4, 6)),
        data: data.slice(6),
      }
    default: {
      const type = (['reset', 'getKsn', 'getBattery', 'more'] as const).find(name => commands[name] === command)
      return type && { type }
    }
  }
}

/** Commands one after another; a `00` that has no property is the padding of a report. */
function requests(): Decoder<V5Request> {
  return scanner(bytes => {
    if (bytes.length < 2) return 'more'
    const [command, length] = bytes
    if ((command === commands.getProperty && length === 0) || length > MAX_COMMAND) return 'none'
    const size = 2 + length
    return bytes.length < size ? 'more' : { size, value: decodeRequest(command, bytes.slice(2, size)) }
  })
}

function answerBytes(reply: Extract<V5Reply, { type: 'answer' | 'extendedAnswer' }>): Uint8Array {
  if (reply.type === 'answer') return concat(Uint8Array.of(reply.result, reply.data.length), reply.data)
  const { offset, result, total, data } = reply
  const rest = concat(fromUint(offset, 2), fromUint(result, 2), fromUint(total, 2), data)
  return concat(Uint8Array.of(v5Results.extended, rest.length), rest)
}

/** [result][length][data], and whatever the report was filled with. */
function answerOf(bytes: Uint8Array): V5Reply[] {
  if (bytes.length < 2 || bytes.length < 2 + bytes[1]) return []
  const data = bytes.slice(2, 2 + bytes[1])
  if (bytes[0] !== v5Results.extended || data.length < 6) return [{ type: 'answer', result: bytes[0], data }]
  const number = (at: number) => uint(data.subarray(at, at + 2))
  return [{ type: 'extendedAnswer', offset: number(0), result: number(2), total: number(4), data: data.slice(6) }]
}

function isSwipe(report: Uint8Array): boolean {
  return (Object.values(swipeLengths) as number[]).includes(report.length)
}

/** What the host hears over HID: answers are fetched as feature reports, input report 1 is a swipe, 2 a part of a notification. A DynaMag may number no reports: by its length a swipe is no answer. */
function hidReplies(): Decoder<V5Reply> {
  const { answer, swipe, notification } = v5Channels
  const notifications = new NotificationCollector()
  return through(recordDecoder([answer, swipe, notification]), ({ channel, bytes }): readonly V5Reply[] => {
    if (channel === notification) return notifications.take(bytes)
    if (isSwipe(bytes)) return [{ type: 'swipe', report: bytes }]
    return channel === answer ? answerOf(bytes) : []
  })
}

/** What the host hears over Bluetooth: answers are read when they are said to be ready, all else comes in blocks. */
function bleReplies(): Decoder<V5Reply> {
  const blocks = new BlockCollector()
  return through(recordDecoder([v5Channels.answer, v5Channels.block]), ({ channel, bytes }): readonly V5Reply[] =>
    channel === v5Channels.answer ? answerOf(bytes) : blocks.take(bytes),
  )
}

/** How a virtual reader sends what is long. */
export interface V5Sending {
  /** Bytes of a notification in one input report, or of payload in one block. */
  readonly part?: number
  /** Over Bluetooth: run-length coding. */
  readonly rle?: boolean
}

const HID_PART = 54
const BLE_PART = 19

function encodeReply(reply: V5Reply, ble: boolean, { part = ble ? BLE_PART : HID_PART, rle = false }: V5Sending): Uint8Array {
  const record = (channel: number) => (bytes: Uint8Array) => encodeRecord({ channel, bytes } satisfies PipeRecord)
  switch (reply.type) {
    case 'answer':
    case 'extendedAnswer':
      return record(v5Channels.answer)(answerBytes(reply))
    case 'swipe':
      return ble
        ? concat(...toBlocks('card', reply.report, { part, rle }).map(record(v5Channels.block)))
        : record(v5Channels.swipe)(reply.report)
    case 'notification': {
      const { id, data } = reply
      if (!ble) return concat(...notificationParts(id, data, part).map(record(v5Channels.notification)))
      const [whole] = notificationParts(id, data, Number.POSITIVE_INFINITY)
      return concat(...toBlocks('notification', whole, { part, rle }).map(record(v5Channels.block)))
    }
    case 'lost':
      throw new Fault('bad-argument', 'what was lost is not said', { field: 'type' })
  }
}

/** The host's side over HID: a driver holds it. One message is one feature report; what comes are records. */
export const v5HidHost: Side<V5Request, V5Reply> = { encode: encodeRequest, decoder: hidReplies }
/** The host's side over Bluetooth: records both ways. */
export const v5BleHost: Side<V5Request, V5Reply> = {
  encode: request => encodeRecord({ channel: v5Channels.answer, bytes: encodeRequest(request) }),
  decoder: bleReplies,
}

/** The reader's side: a virtual reader holds it. */
export function v5Device(over: 'hid' | 'ble', sending: V5Sending = {}): Side<V5Reply, V5Request> {
  if (over === 'hid') return { encode: reply => encodeReply(reply, false, sending), decoder: requests }
  return {
    encode: reply => encodeReply(reply, true, sending),
    decoder: () => {
      const writes = recordDecoder([v5Channels.answer])
      return through(writes, ({ bytes }) => requests().push(bytes)) // one write is one command, whole
    },
  }
}
