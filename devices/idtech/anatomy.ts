/** Frames of an ID TECH (ViVOtech2) for people: command or answer, its status, and what its data say. */

import { concat, crc16, fromText, fromUint, hex, uint } from '../../src/bytes.ts'
import { type FieldRules, fieldOf, fieldsOf, type MessageField, objectsField, textOrBytes, vendorTags } from '../../src/decode/fields.ts'
import type { Anatomy, FrameFound, Said, Speaker } from '../../src/decode/frames.ts'
import { isFault } from '../../src/errors.ts'
import {
  commandByte,
  type DeviceMessage,
  decodeActivate,
  decodeActivated,
  decodeBattery,
  decodeContactResult,
  decodeContactStart,
  decodeHostAnswer,
  decodeLcd,
  device,
  type HostMessage,
  host,
  MAX_DATA,
  resultCodes,
  statusName,
  tags,
} from './codec.ts'

const rules: FieldRules = {
  secret: new Set(['enciphered']),
  words: { code: value => Object.entries(resultCodes).find(([, one]) => one === value)?.[0] },
  describe: {
    ff: 'tag',
    vendor: vendorTags({ ...tags, pinBlock: 0x99, interfaces: 0xdfef37, chipWays: 0xdfef1f }, ['msrData', 'maskedTrack2', 'pinBlock']),
  },
}

const HEADER = concat(fromText('ViVOtech2'), Uint8Array.of(0))
const HEAD = HEADER.length + 4
const CRC = 2

function find(bytes: Uint8Array, at: number): FrameFound {
  if (bytes[at] !== HEADER[0]) return undefined
  for (let i = 1; i < HEADER.length; i++) {
    if (at + i >= bytes.length) return { wrong: 'the frame ends inside its header', at: bytes.length }
    // One letter alone is no beginning.
    if (bytes[at + i] !== HEADER[i]) return i < 4 ? undefined : { wrong: 'the header is not "ViVOtech2" and 00', at: at + i }
  }
  const left = bytes.length - at
  if (left < HEAD) return { wrong: `the frame ends after ${left} of at least ${HEAD + CRC} bytes`, at: bytes.length }
  const length = uint(bytes.subarray(at + HEAD - 2, at + HEAD))
  if (length > MAX_DATA) return { wrong: `a length of ${length} bytes, ${MAX_DATA} are the most`, at: at + HEAD - 2 }
  const total = HEAD + length + CRC
  if (left < total) return { wrong: `the frame ends after ${left} of ${total} bytes`, at: bytes.length }
  const right = fromUint(crc16(bytes.subarray(at, at + total - CRC), 0xffff), CRC)
  const given = bytes.slice(at + total - CRC, at + total)
  if ([hex(right), hex(right.slice().reverse())].includes(hex(given))) return { length: total }
  return { wrong: `the CRC is ${hex(given)}, ${hex(right)} is right, or its bytes the other way round`, at: at + total - CRC }
}

/** A reader writes the high byte of the CRC first, a host most often the low one (NEO 2 Interface Developer's Guide). */
function speakerOf(frame: Uint8Array): { readonly from: Speaker; readonly guessed?: string } {
  const crc = crc16(frame.subarray(0, -CRC), 0xffff)
  const high = uint(frame.subarray(-CRC)) === crc
  const low = uint(frame.slice(-CRC).reverse()) === crc
  if (high && low) return { from: 'host', guessed: 'both bytes of its CRC are the same' }
  return low ? { from: 'host' } : { from: 'reader', guessed: 'the high byte of its CRC comes first, as in what readers say and a few commands' } // biome-ignore format: one line
}

const byte = (value: number) => hex(Uint8Array.of(value))

const commands: Readonly<Partial<Record<string, (data: Uint8Array) => MessageField[]>>> = {
  activate: data => fieldsOf(decodeActivate(data), rules),
  contactStart: data => fieldsOf(decodeContactStart(data), rules),
  contactApplyHost: data => fieldsOf(decodeHostAnswer(data), rules),
}

function hostSays(message: HostMessage): Pick<Said, 'type' | 'fields'> {
  const type = message.type === 'command' ? message.command : `unknown ${message.code.toString(16).toUpperCase().padStart(4, '0')}`
  return { type, fields: [...(message.swapped ? [{ name: 'crc', value: 'in the other order than the command’s own' }] : []), ...read(commands[type], message.data)] }
} // biome-ignore format: one line

/** Answers carry the first byte of their command. */
const answers: readonly (readonly [first: number, name: string, read: (data: Uint8Array) => MessageField[]])[] = [
  [commandByte('activate'), 'activate', data => fieldsOf(decodeActivated(data), rules)],
  [commandByte('getResult'), 'getResult', data => fieldsOf(decodeActivated(data), rules)],
  [commandByte('contactStart'), 'contact', data => fieldsOf(decodeContactResult(data), rules)],
  [commandByte('battery'), 'battery', data => [{ name: 'percent', value: `${decodeBattery(data)}` }]],
  [commandByte('getVersion'), 'information', data => [textOrBytes('text', data)]],
  [commandByte('exchangeApdu'), 'pass-through', data => [objectsField('data', data, rules)]],
]

function readerSays(message: DeviceMessage): Pick<Said, 'type' | 'fields'> {
  if (message.type === 'request') {
    const type = message.code === 0x6101 ? 'request lcd' : `request ${message.code.toString(16).toUpperCase().padStart(4, '0')}`
    return { type, fields: read(message.code === 0x6101 ? data => fieldsOf(decodeLcd(data), rules) : undefined, message.data) }
  }
  const [, name, reads] = answers.find(([first]) => first === message.command) ?? []
  const status = statusName(message.status)
  return {
    type: 'answer',
    fields: [
      { name: 'answers', value: name ? `${byte(message.command)} ${name}` : byte(message.command) },
      { name: 'status', value: byte(message.status), words: [status] },
      ...read(reads, message.data),
    ],
  }
}

function read(reads: ((data: Uint8Array) => MessageField[]) | undefined, data: Uint8Array): MessageField[] {
  if (data.length === 0) return []
  if (!reads) return [fieldOf('data', data, rules)]
  try {
    return reads(data)
  } catch (error) {
    if (!isFault(error)) throw error
    // Where its secrets are is not known.
    return [{ name: 'data', value: `${data.length} bytes`, masked: true, words: [error.message] }]
  }
}

/** ViVOtech2 frames for people. */
export const anatomy: Anatomy = from => ({
  find,
  say(frame) {
    const by = from ? { from } : speakerOf(frame)
    const [said] = device.decoder().push(frame)
    const [heard] = host.decoder().push(frame)
    const content = by.from === 'host' ? said && hostSays(said) : heard && readerSays(heard)
    return { ...by, ...(content ?? { type: 'unknown', fields: [] }) }
  },
})
