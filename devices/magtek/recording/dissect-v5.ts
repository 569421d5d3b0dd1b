/** A line to a MagTek V5 reader for recordings: records of reports or of characteristics, and what of several of them is one message. */

import { concat, uint } from '../../../src/bytes.ts'
import { type Cursor, cursorOver } from '../../../src/recording/cursor.ts'
import type { Dissector } from '../../../src/recording/dissector.ts'
import type { FieldEdit } from '../../../src/recording/field.ts'
import { type V5Reply, v5BleHost, v5Channels, v5Device, v5Extended, v5HidHost } from '../codec.ts'
import { emvData, magtekTlv, swipeReport } from './dissect-data.ts'

/** Channel and length of a record; no report and no characteristic is longer. */
const HEAD = 3
const MAX_RECORD = 4096
/** Length of this part · offset · id · length in all. */
const PART_HEAD = 8
const END = 0xff

type Over = 'hid' | 'ble'
type Span = readonly [from: number, to: number]

/** The record at `at`: its content, 'more', or undefined for noise. */
function recordAt(bytes: Uint8Array, at: number, channels: readonly number[]): Span | 'more' | undefined {
  if (at >= bytes.length) return 'more'
  if (!channels.includes(bytes[at])) return undefined
  if (bytes.length - at < HEAD) return 'more'
  const length = uint(bytes.subarray(at + 1, at + HEAD))
  if (length === 0 || length > MAX_RECORD) return undefined
  return bytes.length - at < HEAD + length ? 'more' : [at + HEAD, at + HEAD + length]
}

const channelsOf: Readonly<Record<Over, readonly number[]>> = {
  hid: [v5Channels.answer, v5Channels.swipe, v5Channels.notification],
  ble: [v5Channels.answer, v5Channels.block],
}

interface Spanned {
  readonly end: number
  /** Where the message lies, in pieces. */
  readonly spans: readonly Span[]
  readonly channel: number
}

/** The message at the front: parts of a notification, or blocks, are one. */
function messageAt(bytes: Uint8Array, over: Over): Spanned | 'more' | undefined {
  const spans: Span[] = []
  const [channel] = bytes
  for (let at = 0; ; ) {
    const record = recordAt(bytes, at, channelsOf[over])
    if (record === 'more') return 'more'
    if (!record || bytes[at] !== channel) return spans.length > 0 ? { end: at, spans, channel } : undefined
    const [from, to] = record
    at = to
    if (channel === v5Channels.notification) {
      if (to - from < PART_HEAD) return { end: at, spans: [record], channel }
      const [length, offset, , total] = [0, 2, 4, 6].map(place => uint(bytes.subarray(from + place, from + place + 2)))
      spans.push([from + PART_HEAD, Math.min(to, from + PART_HEAD + length)])
      if (offset + length >= total) return { end: at, spans, channel }
    } else if (channel === v5Channels.block) {
      if (bytes[from] === END) return { end: at, spans, channel }
      spans.push([from + 1, to])
    } else return { end: at, spans: [record], channel }
  }
}

/** A notification by its id. */
function notification(cursor: Cursor, id: number): void {
  if (id === 0x0300) cursor.rest('plain')
  else if (id === 0x0301 || id === 0x0302) cursor.rest('words')
  else if (id === 0x0303) emvData(cursor, cursor.left)
  else if (id === 0x0304) {
    cursor.take(1, 'plain')
    emvData(cursor, cursor.left)
  } else cursor.rest('secret')
}

/** What the blocks hold: format, length, and a report or a notification with the head of its only part. Run-length coded ones are hidden: what is hidden has other runs. */
function blocks(cursor: Cursor): void {
  const [format] = cursor.take(1, 'plain')
  if (format !== 0x00 && format !== 0x02) return void cursor.rest('secret')
  cursor.skip(2)
  if (format === 0x00) swipeReport(cursor)
  else notification(cursor, uint(cursor.skip(PART_HEAD).subarray(4, 6)))
}

function editReply(bytes: Uint8Array, over: Over, edit: FieldEdit): Uint8Array | undefined {
  const found = messageAt(bytes, over)
  if (!found || found === 'more') return undefined
  const { spans, channel } = found
  const content = concat(...spans.map(([from, to]) => bytes.subarray(from, to)))
  const id = channel === v5Channels.notification ? uint(bytes.subarray(HEAD + 4, HEAD + 6)) : 0
  const edited = cursorOver(content, edit, cursor => {
    if (cursor.left === 0) return
    if (channel === v5Channels.answer && !isSwipe(content)) cursor.rest('plain')
    else if (channel === v5Channels.notification) notification(cursor, id)
    else if (channel === v5Channels.block) blocks(cursor)
    else swipeReport(cursor)
  })
  if (!edited) return undefined
  const out = bytes.slice()
  let at = 0
  for (const [from, to] of spans) {
    out.set(edited.subarray(at, at + to - from), from)
    at += to - from
  }
  return out
}

const isSwipe = (bytes: Uint8Array) => bytes.length > 256

/** Command, length, data. */
function editRequest(command: Uint8Array, edit: FieldEdit): Uint8Array | undefined {
  return cursorOver(command, edit, cursor => {
    const [code] = cursor.take(1, 'plain')
    cursor.skip(1)
    if (cursor.left === 0) return
    if (code !== 0x49) return void cursor.rest(code <= 0x48 ? 'plain' : 'secret')
    const offset = cursor.number(2)
    const extended = uint(cursor.take(2, 'plain'))
    const total = cursor.number(2)
    cursor.tell('plain', Uint8Array.of(offset > 0 ? 1 : 0))
    if (cursor.left === 0) return
    if (extended === v5Extended.start && cursor.left === 19) {
      cursor.take(3, 'plain')
      cursor.take(6, 'free')
      cursor.take(1, 'plain')
      cursor.take(6, 'free')
      cursor.rest('plain')
    } else if (extended === v5Extended.setDate) cursor.rest('free')
    else if (extended === v5Extended.onlineResponse && offset === 0 && total === cursor.left && total > 6) {
      const length = cursor.number(2)
      cursor.tlv(Math.min(length, cursor.left), magtekTlv)
      if (cursor.left > 0) cursor.rest('free')
    } else cursor.rest(extended === v5Extended.onlineResponse ? 'secret' : 'plain')
  })
}

const nameOf = (reply: V5Reply | undefined) =>
  reply?.type === 'notification' ? `notification ${reply.id.toString(16).padStart(4, '0')}` : reply?.type

/** Over HID a command is a report of its own, without a record around it. */
export function v5Dissector(over: Over): Dissector {
  const around = over === 'ble' ? HEAD : 0
  return {
    queries: ['getProperty', 'getBattery', 'getKsn'],
    length(bytes, direction) {
      if (direction === 'in') {
        const found = messageAt(bytes, over)
        return found === 'more' ? 0 : (found?.end ?? 1)
      }
      if (over === 'ble') {
        const record = recordAt(bytes, 0, [v5Channels.answer])
        return record === 'more' ? 0 : (record?.[1] ?? 1)
      }
      if (bytes.length < 2) return 0
      const [command, length] = bytes
      if ((command === 0 && length === 0) || length > 59) return 1
      return bytes.length < 2 + length ? 0 : 2 + length
    },
    name(unit, direction) {
      if (direction === 'in') return nameOf((over === 'ble' ? v5BleHost : v5HidHost).decoder().push(unit)[0])
      const [message] = v5Device(over).decoder().push(unit)
      return message?.type === 'extended' ? `extended ${message.command.toString(16).padStart(4, '0')}` : message?.type
    },
    edit(unit, direction, edit) {
      if (direction === 'in') return editReply(unit, over, edit)
      if (unit.length < around + 2) return undefined
      const command = editRequest(unit.slice(around), edit)
      return command && concat(unit.subarray(0, around), command)
    },
  }
}
