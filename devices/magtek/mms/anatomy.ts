/** MMS messages for people: bare, in packets of HID, in PDUs of Bluetooth, or in SLIP; what is asked, answered or told, and the data objects in it. */

import { hex, uint } from '../../../src/bytes.ts'
import { type FieldRules, fieldOf, fieldsOf, type MessageField, objectsField, textOrBytes, vendorTags } from '../../../src/decode/fields.ts'
import type { Anatomy, FrameFound, Said } from '../../../src/decode/frames.ts'
import { isFault } from '../../../src/errors.ts'
import { readTolerant } from '../../../src/tlv/ber.ts'
import {
  decodeEmvData,
  decodeGetProperty,
  decodeMms,
  decodeMmsStart,
  decodeShow,
  decodeUi,
  emvDataOf,
  type MmsMessage,
  magtekTags,
  mmsCommands,
  mmsDetails,
  mmsNotifications,
  mmsProperties,
  mmsSide,
  mmsSummaries,
  propertyOf,
  transactionStatus,
} from '../codec.ts'

const secret: readonly string[] = ['maskedTrack2Stripe', 'maskedTrack2', 'encTrack1', 'encTrack2', 'encTrack3', 'sealed']

export const magtekRules: FieldRules = {
  secret: new Set(['content', 'magnePrint', 'tracks', 'masked', 'session']),
  plain: new Set(['serial', 'ksn', 'encryptionStatus', 'magnePrintStatus', 'more']),
  words: { transactionStatus: value => nameOf(transactionStatus, value as number) },
  describe: {
    ff: 'tag',
    vendor: vendorTags({ ...magtekTags, pinBlock: 0x99 }, [...secret, 'pinBlock']),
  },
}

export const nameOf = <T>(table: Readonly<Record<string, T>>, value: T) => Object.keys(table).find(name => table[name] === value)

const PACKET = 64
const END = 0xc0
/** Objects of a message: head, status, other, payload, and what more a reader has. */
const own = new Set([0x81, 0x82, 0x83, 0x84, 0x9e])

/** A message that nothing carries goes as far as its objects do. */
function bare(bytes: Uint8Array, at: number): FrameFound {
  if (bytes[at] !== 0xaa || bytes[at + 1] > 2 || bytes[at + 2] !== 0x81) return undefined
  const { objects, fault } = readTolerant(bytes.subarray(at + 2), { ff: 'tag' })
  const foreign = objects.findIndex(({ tag }) => !own.has(tag))
  const taken = foreign < 0 ? objects : objects.slice(0, foreign)
  const last = taken.at(-1)
  if (!last || (fault && foreign < 0)) {
    const offset = Number(fault?.details.offset ?? 0)
    return { wrong: String(fault?.details.rule ?? 'there is no object'), at: at + 2 + offset }
  }
  const length = last.value.byteOffset - bytes.byteOffset + last.value.length - at
  return decodeMms(bytes.subarray(at, at + length)) ? { length } : { wrong: 'the head (81) is not of four bytes, or of no known kind', at: at + 2 }
} // biome-ignore format: one line

type Carrier = 'none' | 'hid' | 'slip' | 'pdu'

function carried(bytes: Uint8Array, at: number, begun: boolean): { readonly by: Carrier; readonly found: FrameFound } {
  const starts = (offset: number) => bytes[at + offset] === 0xaa && bytes[at + offset + 2] === 0x81
  const packet = (): FrameFound =>
    bytes.length - at >= PACKET ? { length: PACKET } : { wrong: `the packet ends after ${bytes.length - at} of ${PACKET} bytes`, at: bytes.length } // biome-ignore format: one line
  if (bytes[at] === 0x00 && starts(2)) return { by: 'hid', found: packet() }
  if (bytes[at] === 0x01 && starts(5)) return { by: 'hid', found: packet() }
  if (begun && (bytes[at] === 0x02 || bytes[at] === 0x03)) return { by: 'hid', found: packet() }
  if (bytes[at] === END && bytes.subarray(at + 1, at + 16).includes(0xaa)) {
    const end = bytes.indexOf(END, at + 1)
    return { by: 'slip', found: end < 0 ? { wrong: 'the frame has no end (C0)', at: bytes.length } : { length: end + 1 - at } }
  }
  if (bytes[at + 1] === 0 && bytes[at + 2] === 0 && starts(7)) {
    const length = 7 + uint(bytes.subarray(at + 3, at + 7))
    const left = bytes.length - at
    return { by: 'pdu', found: left >= length ? { length } : { wrong: `the PDU ends after ${left} of ${length} bytes, or goes on in PDUs whose ends are not marked`, at: bytes.length } } // biome-ignore format: one line
  }
  return { by: 'none', found: bare(bytes, at) }
}

const four = (value: number) => value.toString(16).toUpperCase().padStart(4, '0')

function said(message: MmsMessage): Said {
  const { type, from, reference, id, status } = message
  const name = type === 'notification' ? nameOf(mmsNotifications, id) : type === 'file' ? undefined : nameOf(mmsCommands, id)
  return {
    from: from === 'host' ? 'host' : 'reader',
    type: `${type} ${name ?? four(id)}`,
    fields: [
      { name: 'reference', value: hex(Uint8Array.of(reference)) },
      ...(status ? [statusField(type, status)] : []),
      ...payloadFields(message),
    ],
  }
}

function statusField(type: MmsMessage['type'], { summary, detail }: NonNullable<MmsMessage['status']>): MessageField {
  const value = `${hex(Uint8Array.of(summary))} ${detail.toString(16).toUpperCase().padStart(6, '0')}`
  if (type === 'notification') return { name: 'details', value }
  const words = [nameOf(mmsSummaries, summary), nameOf(mmsDetails, detail)].filter(one => one !== undefined)
  return { name: 'status', value, ...(words.length > 0 && { words }) }
}

/** Payloads of which more is known than their objects. */
function known({ type, id }: MmsMessage, payload: Uint8Array): MessageField[] | undefined {
  if (type === 'request' && id === mmsCommands.start) return fieldsOf(decodeMmsStart(payload), magtekRules)
  if (id === mmsCommands.display && type === 'request') return fieldsOf(decodeShow(payload), magtekRules)
  if (id === mmsCommands.display && type === 'notification') return fieldsOf(decodeUi(payload), magtekRules)
  if (type === 'notification' && id === mmsNotifications.transaction) return [fieldOf('data', decodeEmvData(emvDataOf(payload, id)), magtekRules)]
  if (id === mmsCommands.getProperty) {
    const { path } = decodeGetProperty(payload)
    const name = nameOf(paths, path.join('.'))
    const value = type === 'response' ? propertyOf(payload, path) : undefined
    return [{ name: 'property', value: path.join('.'), ...(name && { words: [name] }) }, ...(value ? [textOrBytes('value', value)] : [])]
  }
  return undefined
} // biome-ignore format: one line

const paths: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(mmsProperties).map(([name, path]) => [name, path.join('.')]),
)

function payloadFields(message: MmsMessage): MessageField[] {
  const { type, id, payload } = message
  if (!payload?.length) return []
  if (type === 'file') return [{ name: 'payload', value: `${payload.length} bytes`, masked: true }]
  try {
    const fields = known(message, payload)
    if (fields) return fields
  } catch (error) {
    if (!isFault(error)) throw error // of another layout: its objects as they are
  }
  return payload.length > 2 && uint(payload.subarray(0, 2)) === id
    ? [objectsField('payload', payload.subarray(2), payloadRules)]
    : [fieldOf('payload', payload, magtekRules)]
}

/** Objects of a command are numbered from 81 on: they are none of EMV's. */
const numbers = Array.from({ length: 15 }, (_, at) => [`parameter${at + 1}`, 0x81 + at] as const)
const payloadRules: FieldRules = {
  ...magtekRules,
  describe: { ...magtekRules.describe, vendor: new Map([...vendorTags(Object.fromEntries(numbers), []), ...magtekRules.describe!.vendor!]) },
} // biome-ignore format: one line

/** MMS for people. */
export const mmsAnatomy: Anatomy = () => {
  const decoders = (['host', 'device'] as const).map(self => ({
    hid: mmsSide('hid', self).decoder(),
    slip: mmsSide('slip', self).decoder(),
  }))
  let begun = false
  let carrier: Carrier = 'none'
  return {
    find(bytes, at) {
      const { by, found } = carried(bytes, at, begun)
      carrier = by
      return found
    },
    say(frame) {
      if (carrier === 'none' || carrier === 'pdu') {
        const message = decodeMms(carrier === 'pdu' ? frame.subarray(7) : frame)
        return message ? said(message) : { from: 'reader', type: 'unknown', fields: [] }
      }
      const way = carrier
      const [message] = decoders.flatMap(each => each[way].push(frame))
      begun = !message && way === 'hid'
      return message && said(message)
    },
  }
}
