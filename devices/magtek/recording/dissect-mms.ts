/** A line that carries MMS for recordings: packets, PDUs or SLIP frames, the messages in them, and the objects of those. */

import { concat, uint } from '../../../src/bytes.ts'
import { cursorOver } from '../../../src/recording/cursor.ts'
import type { Dissector } from '../../../src/recording/dissector.ts'
import { sameEscapes } from '../../../src/recording/escapes.ts'
import type { FieldEdit } from '../../../src/recording/field.ts'
import { editTlv, put } from '../../../src/recording/tlv.ts'
import { read } from '../../../src/tlv/ber.ts'
import type { Direction } from '../../../src/transport/trace.ts'
import { decodeMms, MAX_MESSAGE, type MmsCarrier, mmsCommands, mmsNotifications } from '../codec.ts'
import { emvData, magtekTlv } from './dissect-data.ts'

interface Laid {
  readonly end: number
  readonly message: Uint8Array
  /** The bytes of the line with another message, of the same length, in the place of this one. */
  put(message: Uint8Array): Uint8Array
}

type Layout = (bytes: Uint8Array) => Laid | 'more' | undefined
type Span = readonly [from: number, to: number]

function spread(bytes: Uint8Array, end: number, spans: readonly Span[]): Laid {
  return {
    end,
    message: concat(...spans.map(([from, to]) => bytes.subarray(from, to))),
    put(message) {
      const out = bytes.slice(0, end)
      let at = 0
      for (const [from, to] of spans) {
        out.set(message.subarray(at, at + to - from), from)
        at += to - from
      }
      return out
    },
  }
}

const PACKET = 64

/** Packets: single, head, middle, tail. */
const hid: Layout = bytes => {
  const spans: Span[] = []
  for (let at = 0; ; at += PACKET) {
    if (bytes.length > at && bytes[at] > 0x04) return undefined
    if (bytes.length < at + PACKET) return 'more'
    const [kind, length] = bytes.subarray(at)
    const end = at + PACKET
    if (kind === 0x00) return at === 0 && length > 1 && length <= 62 ? spread(bytes, end, [[2, 2 + length]]) : undefined
    if ((kind === 0x01) !== (at === 0)) return undefined
    if (kind === 0x01) spans.push([5, end])
    else if (kind === 0x02) spans.push([at + 3, end])
    else if (kind === 0x03 && length <= 62) return spread(bytes, end, [...spans, [at + 2, at + 2 + length]])
    else return undefined
  }
}

/** Records of PDUs, the first with the length of the message. */
const ble: Layout = bytes => {
  const spans: Span[] = []
  let total = 0
  let have = 0
  for (let at = 0; ; ) {
    if (bytes.length > at && bytes[at] !== 0) return undefined
    if (bytes.length < at + 3) return 'more'
    const length = uint(bytes.subarray(at + 1, at + 3))
    const end = at + 3 + length
    if (length < 2 || length > 4096) return undefined
    if (bytes.length < end) return 'more'
    const first = bytes[at + 4] === 0
    if (first !== (at === 0) || (first && length < 7)) return undefined
    if (first) total = uint(bytes.subarray(at + 6, at + 10))
    const from = at + (first ? 10 : 5)
    spans.push([from, end])
    have += end - from
    at = end
    if (have >= total) return spread(bytes, end, spans)
  }
}

const END = 0xc0
const ESCAPE = 0xdb

/** Between two delimiters: direction, length, message, with escapes. */
const slip: Layout = bytes => {
  if (bytes.length === 0) return 'more'
  if (bytes[0] !== END) return undefined
  if (bytes[1] === END) return undefined // the end of one frame, the beginning of the next
  const to = bytes.indexOf(END, 1)
  if (to < 0) return bytes.length > 2 * MAX_MESSAGE ? undefined : 'more'
  const raw: number[] = []
  for (let at = 1; at < to; at++) {
    if (bytes[at] !== ESCAPE) raw.push(bytes[at])
    else raw.push(bytes[++at] === 0xdc ? END : ESCAPE)
  }
  const inside = Uint8Array.from(raw)
  if (inside.length < 6 || uint(inside.subarray(1, 5)) !== inside.length - 5) return undefined
  const message = inside.slice(5)
  return {
    end: to + 1,
    message,
    put(other) {
      const same = concat(inside.subarray(0, 5), sameEscapes(message, other, [END, ESCAPE]) ?? other)
      const escaped = [...same].flatMap(byte => (byte === END ? [ESCAPE, 0xdc] : byte === ESCAPE ? [ESCAPE, 0xdd] : [byte]))
      return Uint8Array.of(END, ...escaped, END)
    },
  }
}

const layouts: Readonly<Record<MmsCarrier, Layout>> = { hid, ble, slip }

/** Ids whose objects hold no secret, whichever way they go. */
const open: readonly number[] = [
  ...(['continue', 'finalize', 'cancel', 'close', 'transactionStatus', 'reportSelection', 'reset', 'subscribe'] as const).map(
    name => mmsCommands[name],
  ),
  ...[mmsCommands.getProperty, mmsCommands.commitFirmware],
  ...(['pin', 'updateDone', 'updateFailed', 'upToDate', 'device', 'uiInformation', 'uiDone'] as const).map(name => mmsNotifications[name]),
]

/** One object of a payload. */
function object(id: number, tag: number, value: Uint8Array, edit: FieldEdit): Uint8Array {
  const tlv = () => editTlv(value, edit, magtekTlv) ?? edit('secret', value)
  if (id === mmsNotifications.transaction || id === mmsNotifications.transactionDone)
    return tag === 0x84
      ? (cursorOver(value, edit, cursor => emvData(cursor, cursor.left)) ?? edit('secret', value))
      : edit('plain', value, tag)
  if (id === mmsCommands.start) return tag === 0x86 ? tlv() : edit('plain', value, tag)
  if (id === mmsCommands.resume) return tag === 0x84 ? tlv() : edit('plain', value, tag)
  if (id === mmsCommands.display) return edit(tag === 0x83 ? 'words' : 'plain', value, tag)
  if (id === mmsCommands.loadFirmware) return edit(tag === 0x87 ? 'secret' : 'plain', value, tag)
  return edit(open.includes(id) ? 'plain' : 'secret', value, tag)
}

function editMessage(message: Uint8Array, edit: FieldEdit): Uint8Array | undefined {
  const decoded = decodeMms(message)
  if (!decoded) return undefined
  const { id, type } = decoded
  const out = message.slice()
  for (const { tag, value } of read(out.subarray(2), { most: MAX_MESSAGE })) {
    if (tag === 0x81) {
      edit('plain', Uint8Array.of(value[0], value[2], value[3]))
      value.set(edit('reference', value.slice(1, 2)), 1)
    } else if (tag !== 0x84) put(value, edit('plain', value.slice(), tag))
    else if (type === 'file') put(value, edit('secret', value.slice()))
    else payload(value, id, edit)
  }
  return out
}

function payload(value: Uint8Array, id: number, edit: FieldEdit): void {
  const inside = value.subarray(2)
  if (value.length < 2 || uint(value.subarray(0, 2)) !== id) {
    put(value, edit('secret', value.slice()))
    return
  }
  try {
    for (const { tag, value: own } of read(inside, { ff: 'tag', most: MAX_MESSAGE })) put(own, object(id, tag, own.slice(), edit))
  } catch {
    put(inside, edit('secret', inside.slice()))
  }
}

const named = (rows: Readonly<Record<string, number>>, id: number) =>
  Object.keys(rows).find(name => rows[name] === id) ?? id.toString(16).padStart(4, '0')

export function mmsDissector(carrier: MmsCarrier): Dissector {
  const layout = layouts[carrier]
  return {
    queries: ['request getProperty', 'request transactionStatus', 'request echo'],
    length(bytes) {
      const found = layout(bytes)
      return found === 'more' ? 0 : (found?.end ?? 1)
    },
    name(unit) {
      const found = layout(unit)
      const message = found && found !== 'more' ? decodeMms(found.message) : undefined
      return message && `${message.type} ${named(message.type === 'notification' ? mmsNotifications : mmsCommands, message.id)}`
    },
    edit(unit, _direction: Direction, edit) {
      const found = layout(unit)
      if (!found || found === 'more') return undefined
      const message = editMessage(found.message, edit)
      return message && found.put(message)
    },
  }
}
