/** An MPED line of a BluePad for recordings: frames with their escapes, the payloads that they carry in parts, and the XML and TLV in those. */

import { concat, crc16, fromHex, fromText, hex, text } from '../../src/bytes.ts'
import { type Cursor, cursorOver } from '../../src/recording/cursor.ts'
import type { Dissector } from '../../src/recording/dissector.ts'
import { sameEscapes } from '../../src/recording/escapes.ts'
import type { FieldEdit } from '../../src/recording/field.ts'
import { byTag, editTlv, type Vendor } from '../../src/recording/tlv.ts'
import { APP_HOST, answerElements, device, host, line } from './codec.ts'

const DLE = 0x10
const STX = 0x02
const ETX = 0x03
const ETB = 0x17
const SEED = 0
const LONGEST = 8192

/** A frame, or a sequence that stands alone. */
interface Item {
  readonly at: number
  readonly end: number
  /** What a frame carries, without escapes. */
  readonly data?: Uint8Array
  readonly last?: boolean
}

/** What is at `at`; `more` while it may become something, undefined for noise. */
function itemAt(bytes: Uint8Array, at: number): Item | 'more' | undefined {
  if (at >= bytes.length) return 'more'
  if (bytes[at] !== DLE) return undefined
  if (at + 1 >= bytes.length) return 'more'
  if (bytes[at + 1] !== STX) return [0x06, 0x15, 0x04, 0x05].includes(bytes[at + 1]) ? { at, end: at + 2 } : undefined
  const data: number[] = []
  for (let from = at + 2; from < bytes.length; from++) {
    if (from - at > LONGEST) return undefined
    if (bytes[from] !== DLE) {
      data.push(bytes[from])
      continue
    }
    const next = bytes[++from]
    if (next === undefined) return 'more'
    if (next === DLE) data.push(DLE)
    else if (next !== ETX && next !== ETB) return undefined
    else return from + 3 > bytes.length ? 'more' : { at, end: from + 3, data: Uint8Array.from(data), last: next === ETX }
  }
  return 'more'
}

/** A message: its frames, with sequences that came between them; or one sequence. */
function itemsOf(bytes: Uint8Array): readonly Item[] | 'more' | undefined {
  const items: Item[] = []
  for (let at = 0; ; ) {
    const item = itemAt(bytes, at)
    if (item === 'more') return 'more'
    if (!item) return items.length > 0 ? items : undefined
    items.push(item)
    if (items.length === 1 && !item.data) return items
    if (item.last) return items
    at = item.end
  }
}

const payloadIn = (items: readonly Item[]) => concat(...items.map(({ data }) => data ?? new Uint8Array(0)))

/** Of our extension; C0, C1 and C4 of a stripe: key serial numbers, and the card's number as far as it is shown. */
const own: Vendor = byTag({
  plain: [0xdfd110, 0xdfd111, 0xdfd112, 0xdfd115],
  secret: [0xdfd113],
  free: [0xdfd114, 0xdfd116, 0xc0, 0xc1, 0x89],
  pan: [0xc4],
})

/** Elements that say something of a person or a card, whatever the vendor calls the rest. */
const hidden = /(holder|cardtoken|cardnumber|trackdata|track\d|pan)$/i
const shown = /^masked/i

/** XML: the data objects of ours by their tags, names hidden, numbers as long as a card's too. */
function xmlOf(place: Uint8Array, edit: FieldEdit): Uint8Array {
  const data = new RegExp(`(<${answerElements.data}>)((?:[0-9A-F]{2})*)(?=<)`)
  const [before, start, content, ...after] = text(place).split(data)
  if (content === undefined) return wordsOf(before, edit)
  const tlv = editTlv(fromHex(content), edit, { vendor: own })
  const told = fromText(start + (tlv ? hex(tlv) : '0'.repeat(content.length)))
  return concat(wordsOf(before, edit), told, wordsOf(after.join(''), edit))
}

function wordsOf(words: string, edit: FieldEdit): Uint8Array {
  const shownOnly = words.replace(/<([\w.-]+)>([^<>]*)</g, (whole, name: string, content: string) =>
    hidden.test(name) && !shown.test(name) ? `<${name}>${text(edit('name', fromText(content)))}<` : whole,
  )
  return edit('words', fromText(shownOnly))
}

function xml(cursor: Cursor, edit: FieldEdit, length: number): void {
  const place = cursor.skip(length)
  place.set(xmlOf(place.slice(), edit))
}

/** HTTP for a host: of ours by its data objects, any other is between reader and gateway. */
function http(cursor: Cursor, length: number): void {
  const body = text(cursor.bytes.subarray(cursor.at, cursor.at + length))
  const at = body.indexOf('\r\n\r\n') + 4
  const head = body.slice(0, at)
  if (at < 4 || !(head.includes(`Host: ${APP_HOST}`) || head === 'HTTP/1.1 200 OK\r\n\r\n')) return void cursor.take(length, 'secret')
  cursor.skip(at)
  cursor.tlv(length - at, { vendor: own })
}

type Walk = (cursor: Cursor, edit: FieldEdit) => void

const plain: Walk = cursor => void (cursor.left > 0 && cursor.rest('plain'))
const secret: Walk = cursor => void (cursor.left > 0 && cursor.rest('secret'))
const xmlOnly: Walk = (cursor, edit) => xml(cursor, edit, cursor.left)
const xmlCounted: Walk = (cursor, edit) => void (cursor.left > 0 && xml(cursor, edit, cursor.number(4)))

const finance: Walk = (cursor, edit) => {
  cursor.take(2, 'plain')
  cursor.take(4, 'free')
  cursor.take(1, 'plain')
  if (cursor.left > 0) cursor.counted(1, 'free')
  xmlCounted(cursor, edit)
}

const financed: Walk = (cursor, edit) => {
  if (cursor.left === 0) return
  cursor.take(5, 'plain')
  cursor.counted(1, 'plain')
  cursor.counted(2, 'name')
  cursor.counted(2, 'name')
  xmlCounted(cursor, edit)
}

/** By the command of a payload; those of P, S and D are hidden, L told. */
const layouts: Readonly<Record<string, Walk>> = {
  I000(cursor, edit) {
    cursor.take(1, 'free')
    cursor.take(3, 'date')
    cursor.take(3, 'time')
    xmlCounted(cursor, edit)
  },
  I001(cursor, edit) {
    if (cursor.left === 0) return
    cursor.take(26, 'plain')
    xmlCounted(cursor, edit)
  },
  I010: plain,
  I011: xmlCounted,
  C000: xmlOnly,
  C001: xmlOnly,
  ...Object.fromEntries(['F000', 'F010', 'F020', 'F030', 'F070'].map(id => [id, finance])),
  ...Object.fromEntries(['F001', 'F011', 'F021', 'F031', 'F041', 'F051', 'F061', 'F071'].map(id => [id, financed])),
  F040: plain,
  F050: plain,
  F060: plain,
  F080: secret,
  F081: secret,
  R001: xmlCounted,
  R010(cursor, edit) {
    cursor.counted(2, 'name')
    xmlCounted(cursor, edit)
  },
  R011: plain,
  H000: plain,
  H001: plain,
  H010(cursor) {
    cursor.take(2, 'plain')
    http(cursor, cursor.number(2))
  },
  H011: plain,
  H020: plain,
  H021: cursor => void (cursor.left > 0 && http(cursor, cursor.number(4))),
  H030: plain,
  H031: plain,
  H040(cursor) {
    cursor.take(6, 'plain')
    const [first, second, size] = [cursor.number(1), cursor.number(1), cursor.number(2)]
    cursor.take(first + second, 'plain')
    http(cursor, size)
  },
  H041: plain,
  L000: plain,
  L001: plain,
  L010: plain,
  L011: plain,
  L020: plain,
}

function editPayload(payload: Uint8Array, edit: FieldEdit): Uint8Array | undefined {
  return cursorOver(payload, edit, cursor => {
    const id = text(cursor.take(4, 'plain'))
    if (id.endsWith('1')) cursor.take(4, 'plain')
    cursor.skip(6)
    const walk = layouts[id] ?? secret
    walk(cursor, edit)
  })
}

function frame(data: Uint8Array, last: boolean): Uint8Array {
  const bytes = new Uint8Array(data.length * 2 + 6)
  bytes[0] = DLE
  bytes[1] = STX
  let at = 2
  for (let from = 0; from < data.length; from++) {
    if (data[from] === DLE) bytes[at++] = DLE
    bytes[at++] = data[from]
  }
  bytes[at++] = DLE
  bytes[at++] = last ? ETX : ETB
  const crc = crc16(bytes.subarray(2, at), SEED)
  bytes[at++] = crc >> 8
  bytes[at++] = crc & 0xff
  return bytes.slice(0, at)
}

/** Frames keep their length, escapes and all, and get a right CRC. */
export const dissector: Dissector = {
  queries: ['idle'],
  signals: ['ack', 'nak', 'end', 'poll'],
  length(bytes) {
    const items = itemsOf(bytes)
    if (items === 'more') return 0
    return items ? items[items.length - 1].end : 1
  },
  name(unit, direction) {
    const items = itemsOf(unit)
    if (!items || items === 'more') return undefined
    if (!items[0].data) return line.decoder().push(unit)[0]?.type
    return (direction === 'in' ? host : device).read(payloadIn(items)).type
  },
  edit(unit, _direction, edit) {
    const items = itemsOf(unit)
    if (!items || items === 'more') return undefined
    if (!items[0].data) return unit
    const payload = payloadIn(items)
    const edited = editPayload(payload, edit)
    if (!edited) return undefined
    let from = 0
    const out = items.map(({ at, end, data, last }) => {
      if (!data) return unit.subarray(at, end)
      const part = edited.subarray(from, from + data.length)
      from += data.length
      return frame(sameEscapes(data, part, [DLE]) ?? part, last === true)
    })
    return concat(...out)
  },
  acknowledge(bytes) {
    const item = itemAt(bytes, 0)
    if (item === 'more') return { length: 0 }
    if (!item) return { length: 1 }
    return { length: item.end, ...(item.data && { answer: Uint8Array.of(DLE, 0x06) }) }
  },
}
