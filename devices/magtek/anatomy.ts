/** V5 messages of a MagTek for people: commands, answers, notifications and swipes, bare or in the records of a tapdip recording; MMS where it looks like it. */

import { fromUint, hex, uint } from '../../src/bytes.ts'
import { fieldOf, fieldsOf, type MessageField, textOrBytes } from '../../src/decode/fields.ts'
import type { Anatomy, Said, Speaker } from '../../src/decode/frames.ts'
import { isFault } from '../../src/errors.ts'
import {
  decodeBatch,
  decodeDate,
  decodeDisplay,
  decodeEmvData,
  decodeSelection,
  decodeStart,
  decodeStatus,
  decodeSwipe,
  encodeRecord,
  swipeLengths,
  type V5Reply,
  type V5Request,
  v5Channels,
  v5Device,
  v5Events,
  v5Extended,
  v5HidHost,
  v5Progress,
  v5Results,
} from './codec.ts'
import { mmsAnatomy, nameOf, magtekRules as shared } from './mms/anatomy.ts'

const rules = {
  ...shared,
  words: { ...shared.words, event: (value: unknown) => nameOf(v5Events, value as number), progress: (value: unknown) => nameOf(v5Progress, value as number) },
} // biome-ignore format: one line

const four = (value: number) => hex(fromUint(value & 0xffff, 2))
/** The most that a command carries. */
const MAX_COMMAND = 59
const commands = new Set([0x00, 0x02, 0x09, 0x45, 0x48, 0x49, 0x4a])

function requestSays(request: V5Request): Pick<Said, 'type' | 'fields'> {
  const { type, ...content } = request
  if (request.type === 'raw') return { type: `raw ${hex(Uint8Array.of(request.command & 0xff))}`, fields: [fieldOf('data', request.data, rules)] }
  if (request.type !== 'extended') return { type, fields: fieldsOf(content, rules) }
  const { command, offset, total, data } = request
  const name = nameOf(v5Extended, command)
  return {
    type: `extended ${name ?? four(command)}`,
    fields: [
      ...(total === data.length ? [] : [{ name: 'part', value: `${offset} to ${offset + data.length} of ${total}` }]),
      ...(total === data.length && extended[command] ? read(data, extended[command]) : [fieldOf('data', data, rules)]),
    ],
  }
} // biome-ignore format: one line

/** Data of extended commands. */
const extended: Readonly<Record<number, (data: Uint8Array) => MessageField[]>> = {
  [v5Extended.start]: data => fieldsOf(decodeStart(data), rules),
  [v5Extended.setDate]: data => [{ name: 'at', value: decodeDate(data).toLocaleString('sv') }],
}

/** Notifications by their ids: 0300 status, 0302 a question, 0303 ARQC, 0304 batch. */
const notifications: Readonly<Record<number, readonly [name: string, read: (data: Uint8Array) => MessageField[]]>> = {
  768: ['status', data => fieldsOf(decodeStatus(data), rules)],
  769: ['display', data => [fieldOf('text', decodeDisplay(data), rules)]],
  770: ['selection', data => fieldsOf(decodeSelection(data), rules)],
  771: ['arqc', data => [fieldOf('data', decodeEmvData(data), rules)]],
  772: ['batch', batch],
}

function batch(data: Uint8Array): MessageField[] {
  const { signature, blob } = decodeBatch(data)
  return [fieldOf('signature', signature, rules), fieldOf('data', decodeEmvData(blob), rules)]
}

/** Those that were seen on a wire; the others are in manuals of other readers alone (docs/devices/magtek.md). */
const seenResults = new Set<number>([v5Results.ok, v5Results.extended, v5Results.buffering])

function replySays(reply: V5Reply, asked: V5Request | undefined): Pick<Said, 'type' | 'fields'> {
  switch (reply.type) {
    case 'answer': {
      const words = nameOf(v5Results, reply.result)
      return { type: 'answer', fields: [{ name: 'result', value: hex(Uint8Array.of(reply.result)), ...(words && { words: [words], ...(!seenResults.has(reply.result) && { wordsCertainty: ['derived'] as const }) }) }, ...(asked?.type === 'getProperty' ? [textOrBytes('data', reply.data)] : data(reply.data))] }
    }
    case 'extendedAnswer':
      return { type: 'extended answer', fields: [{ name: 'result', value: four(reply.result) }, ...data(reply.data)] }
    case 'swipe':
      return { type: 'swipe', fields: read(reply.report, bytes => fieldsOf(decodeSwipe(bytes), rules)) }
    case 'notification': {
      const [name, reads] = notifications[reply.id] ?? []
      return { type: `notification ${name ?? four(reply.id)}`, fields: reads ? read(reply.data, reads) : data(reply.data) }
    }
    case 'lost':
      return { type: 'lost', fields: [{ name: 'blocks', value: reply.blocks.join(', ') }] }
  }
} // biome-ignore format: one line

const data = (bytes: Uint8Array) => (bytes.length > 0 ? [fieldOf('data', bytes, rules)] : [])

function read(bytes: Uint8Array, reads: (data: Uint8Array) => MessageField[]): MessageField[] {
  try {
    return reads(bytes)
  } catch (error) {
    if (!isFault(error)) throw error
    // Where its secrets are is not known.
    return [{ name: 'data', value: `${bytes.length} bytes`, masked: true, words: [error.message] }]
  }
}

/** How the bytes at a place lie: a command; an answer, a part of a notification, a swipe; or one of these in a record of a recording. */
interface Lie {
  readonly from: Speaker
  readonly channel?: number
  readonly record?: true
  readonly length: number
  readonly guessed?: string
}

const swipes: readonly number[] = Object.values(swipeLengths)

/** Whether what stands there can begin a record, or a command. */
const begins = (byte: number | undefined) => byte === undefined || byte <= v5Channels.block || commands.has(byte)

function lieOfReader(rest: Uint8Array, sure: boolean): Lie | undefined {
  if (swipes.includes(rest.length)) return { from: 'reader', channel: v5Channels.swipe, length: rest.length, guessed: 'it is as long as a swipe' }
  const [channel] = rest
  const size = rest.length < 4 ? 0 : uint(rest.subarray(1, 3))
  if (channel <= v5Channels.block && size > 0 && rest.length >= 3 + size && (sure || begins(rest[3 + size])))
    return { from: 'reader', record: true, length: 3 + size, guessed: 'it is a record of a recording: channel and length' }
  if (rest.length < 8) return undefined
  const [length, offset, id, total] = [0, 2, 4, 6].map(place => uint(rest.subarray(place, place + 2)))
  if (length === 0 || !(id in notifications) || offset + length > total || rest.length < 8 + length) return undefined
  return { from: 'reader', channel: v5Channels.notification, length: 8 + length, guessed: 'it has the lengths of a notification' }
} // biome-ignore format: one line

function lieAt(bytes: Uint8Array, at: number, from: Speaker | undefined): Lie | undefined {
  const rest = bytes.subarray(at)
  const ofReader = from === 'host' ? undefined : lieOfReader(rest, from === 'reader')
  if (ofReader) return ofReader
  if (rest.length < 2 || rest.length < 2 + rest[1]) return undefined
  const command = rest[1] <= MAX_COMMAND && commands.has(rest[0]) && !(rest[0] === 0 && rest[1] !== 1)
  const by = from ?? (command ? 'host' : 'reader')
  const guessed = command ? 'its first byte is one of a command; as an answer it would be a result' : 'its first byte is no command’s'
  return { from: by, ...(by === 'reader' && { channel: v5Channels.answer }), length: 2 + rest[1], guessed }
}

/** V5 for people. */
const v5Anatomy: Anatomy = from => {
  const replies = v5HidHost.decoder()
  let lie: Lie | undefined
  let lost = false
  let asked: V5Request | undefined
  return {
    find(bytes, at) {
      if (lost) return undefined // nothing marks a beginning
      lie = lieAt(bytes, at, from)
      if (lie) return { length: lie.length }
      lost = true
      const left = bytes.length - at
      return { wrong: `the message ends after ${left} of ${left < 2 ? 'at least 2' : 2 + bytes[at + 1]} bytes`, at: bytes.length }
    },
    say(frame) {
      const { from: by, channel, record, guessed } = lie!
      const head = { from: by, ...(guessed && !from && { guessed }) }
      if (by === 'host') {
        asked = v5Device('hid').decoder().push(frame)[0]
        return { ...head, ...(asked ? requestSays(asked) : { type: 'padding', fields: [] }) }
      }
      const [reply] = replies.push(record ? frame : encodeRecord({ channel: channel!, bytes: frame }))
      return reply && { ...head, ...replySays(reply, asked) }
    },
  }
}

/** By dialect. */
export const anatomies: Readonly<Record<'v5' | 'mms', Anatomy>> = { v5: v5Anatomy, mms: mmsAnatomy }

/** Whether some bytes look like MMS: AA 00 81 04 near their beginning, however they are carried. */
export function looksLikeMms(bytes: Uint8Array): boolean {
  return [0, 2, 5, 6, 7].some(at => bytes[at] === 0xaa && bytes[at + 1] === 0 && bytes[at + 2] === 0x81 && bytes[at + 3] === 0x04)
}
