/** An ID TECH line for recordings: frames, the layouts of commands, and data objects whose lengths say what is enciphered. */

import { concat, crc16, equal, fromText, fromUint, uint } from '../../src/bytes.ts'
import { editCommand, editResponse } from '../../src/recording/apdu.ts'
import { type Cursor, cursorOver } from '../../src/recording/cursor.ts'
import type { Dissector } from '../../src/recording/dissector.ts'
import type { FieldEdit, RecordedKind } from '../../src/recording/field.ts'
import { byTag, kindOf, type Vendor } from '../../src/recording/tlv.ts'
import type { Direction } from '../../src/transport/trace.ts'
import { commandByte, device, type Frame, frameDecoder, MAX_DATA, tags } from './codec.ts'

const HEADER = concat(fromText('ViVOtech2'), Uint8Array.of(0))
const HEAD = HEADER.length + 4
const CRC = 2
const SEED = 0xffff

const vendor: Vendor = byTag({
  free: [tags.ksn, tags.pinKsn],
  secret: [tags.msrData],
  pan: [tags.maskedPan],
  track: [tags.maskedTrack2],
  plain: [tags.resultCode, tags.attribution, tags.errorCode, tags.group, 0xdfef37, 0xdfef1f],
})

const ENCIPHERED = 0x40
const LENGTH_SIZE = 0x1f

/** Data objects up to the end; those that are flagged as enciphered are hidden, whatever their tag. */
function told(cursor: Cursor): void {
  while (cursor.left > 0) {
    let tag = cursor.number(1)
    if (tag === 0) continue
    if ((tag & 0x1f) === 0x1f)
      for (let byte = 0x80; byte & 0x80; ) {
        byte = cursor.number(1)
        tag = tag * 256 + byte
        if (tag > 0xffffffff) throw new RangeError('a tag of more than 4 bytes')
      }
    const first = cursor.number(1)
    const size = first & 0x80 ? first & LENGTH_SIZE : 0
    const length = size > 0 ? cursor.number(Math.min(size, 3)) : first
    if (tag === 0x71 || tag === 0x72) script(cursor, length)
    else cursor.take(length, first & 0x80 && first & ENCIPHERED ? 'secret' : kind(tag), tag)
  }
}

const kind = (tag: number): RecordedKind => kindOf(tag, vendor)

function script(cursor: Cursor, length: number): void {
  cursor.tlv(length)
}

const plain = (cursor: Cursor) => void (cursor.left > 0 && cursor.rest('plain'))

/** What a command of the host's holds; hidden where it is not here. */
const commands: Readonly<Record<string, (cursor: Cursor) => void>> = {
  ping: plain,
  setUi: plain,
  activate(cursor) {
    cursor.take(1, 'plain')
    told(cursor)
  },
  getResult: plain,
  cancel: plain,
  setLed: plain,
  getVersion: plain,
  getProductInfo: plain,
  getUid: plain,
  getAtr: plain,
  exchangeApdu(cursor) {
    cursor.take(1, 'plain')
    editCommand(cursor)
  },
  powerOff: plain,
  setBaud: plain,
  contactStart(cursor) {
    cursor.take(5, 'plain')
    told(cursor)
  },
  contactAuthenticate: plain,
  contactApplyHost(cursor) {
    cursor.take(1, 'plain')
    told(cursor)
  },
  lcd: plain,
  battery: plain,
}

function answerOf(command: number, second: number): ((cursor: Cursor) => void) | undefined {
  if (command === commandByte('lcd')) return second === 1 ? cursor => cursor.rest('words') : undefined
  if (command === commandByte('activate') || command === commandByte('getResult'))
    return cursor => {
      if (cursor.left > 0) cursor.take(1, 'plain')
      told(cursor)
    }
  if (command === commandByte('contactStart')) return told
  if (command === commandByte('getAtr')) return editResponse
  const open = (['ping', 'setUi', 'cancel', 'setLed', 'getVersion', 'setBaud', 'battery'] as const).map(commandByte)
  return open.includes(command) ? plain : undefined
}

function lengthOf(bytes: Uint8Array): number {
  const begun = Math.min(bytes.length, HEADER.length)
  if (bytes.length === 0) return 0
  if (!equal(bytes.subarray(0, begun), HEADER.subarray(0, begun))) {
    const next = bytes.indexOf(HEADER[0], 1)
    return next < 0 ? bytes.length : next
  }
  if (bytes.length < HEAD) return 0
  const length = uint(bytes.subarray(HEAD - 2, HEAD))
  if (length > MAX_DATA) return 1
  const total = HEAD + length + CRC
  return bytes.length < total ? 0 : total
}

function frameOf(unit: Uint8Array): Frame | undefined {
  return unit[0] === HEADER[0] ? frameDecoder(() => 'msb').push(unit)[0] : undefined
}

function walkOf(unit: Uint8Array, { command, second }: Frame, direction: Direction): ((cursor: Cursor) => void) | undefined {
  if (direction === 'in') return answerOf(command, second)
  const [message] = device.decoder().push(unit)
  return message?.type === 'command' ? commands[message.command] : undefined
}

function editFrame(unit: Uint8Array, frame: Frame, direction: Direction, edit: FieldEdit): Uint8Array | undefined {
  const data = cursorOver(frame.data, edit, cursor => {
    const walk = walkOf(unit, frame, direction)
    if (walk) walk(cursor)
    else if (cursor.left > 0) cursor.rest('secret')
  })
  if (!data) return undefined
  const body = concat(unit.subarray(0, HEAD), data)
  const crc = fromUint(crc16(body, SEED), CRC)
  return concat(body, frame.order === 'lsb' ? crc.reverse() : crc)
}

/** Frames keep their length and get a right CRC, in the order that theirs had; zeros between them are padding. */
export const dissector: Dissector = {
  queries: ['ping', 'setUi', 'setLed', 'getVersion', 'getProductInfo', 'getUid', 'battery'],
  length: lengthOf,
  name(unit, direction) {
    const frame = frameOf(unit)
    if (!frame) return undefined
    if (direction === 'in') return `answer to ${frame.command.toString(16)}`
    const [message] = device.decoder().push(unit)
    return message?.type === 'command' ? message.command : message?.type
  },
  edit(unit, direction, edit) {
    const frame = frameOf(unit)
    if (!frame) return undefined
    edit('plain', unit.slice(HEADER.length, HEADER.length + 2))
    return editFrame(unit, frame, direction, edit)
  },
}
