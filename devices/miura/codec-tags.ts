/** Miura's own tags, by name (Description.java), and what is read of a template. */

import { Fault, isFault } from '../../src/errors.ts'
import { isConstructed, MAX_DEPTH, read, write } from '../../src/tlv/ber.ts'
import { MAX_MESSAGE } from './codec-packet.ts'

export const tags = {
  /** Templates. */
  commandData: 0xe0,
  responseData: 0xe1,
  decisionRequired: 0xe2,
  approved: 0xe3,
  onlineRequired: 0xe4,
  declined: 0xe5,
  statusChanged: 0xe6,
  configurationInformation: 0xed,
  softwareInformation: 0xef,
  cardStatus: 0x48,
  answerToReset: 0x63,
  fileSize: 0x80,
  decision: 0xc0,
  statusCode: 0xc3,
  statusText: 0xc4,
  pinRetryCounter: 0xc5,
  track1: 0x5f21,
  track2: 0x5f22,
  track3: 0x5f23,
  identifier: 0xdf0d,
  version: 0xdf7f,
  pinDigits: 0xdfa101,
  pinStatus: 0xdfa102,
  pinDigitsOld: 0xdfa201,
  pinStatusOld: 0xdfa202,
  riskManagement: 0xdfa203,
  applicationSelection: 0xdfa204,
  key: 0xdfa205,
  numericData: 0xdfa208,
  charging: 0xdfa209,
  battery: 0xdfa20a,
  language: 0xdfa20c,
  streamOffset: 0xdfa301,
  streamSize: 0xdfa302,
  streamTimeout: 0xdfa303,
  md5: 0xdfa304,
  printer: 0xdfa401,
  barcode: 0xdfab01,
  usbSerial: 0xdfab02,
  p2peStatus: 0xdfae01,
  sredData: 0xdfae02,
  sredKsn: 0xdfae03,
  pinBlock: 0xdfae04,
  pinKsn: 0xdfae05,
  maskedTrack2: 0xdfae22,
  iccMaskedTrack2: 0xdfae57,
  maskedPan: 0xdfae5a,
} as const

export type Tags = ReadonlyMap<number, Uint8Array>

/** A data object; `inner` of a template. */
export interface DataObject {
  readonly tag: number
  readonly value: Uint8Array
}

/** The data objects of one level. @throws Fault `protocol` when they are none */
export function objectsOf(bytes: Uint8Array, what: string): DataObject[] {
  if (bytes.length > MAX_MESSAGE)
    throw new Fault('protocol', `${what}: ${bytes.length} bytes, a message has at most ${MAX_MESSAGE}`, {
      length: bytes.length,
      limit: MAX_MESSAGE,
    })
  try {
    return read(bytes).map(({ tag, value }) => ({ tag, value: value.slice() }))
  } catch (error) {
    if (!isFault(error, 'tlv')) throw error
    throw new Fault('protocol', `${what}: ${error.message}`, error.details, { cause: error })
  }
}

/** The data objects by tag, those of inner templates too; the first of each. @throws Fault `protocol`, where templates nest deeper than MAX_DEPTH too */
export function tagsOf(bytes: Uint8Array, what: string, depth = 0): Map<number, Uint8Array> {
  if (depth > MAX_DEPTH) throw new Fault('protocol', `${what}: templates nest deeper than ${MAX_DEPTH}`)
  const found = new Map<number, Uint8Array>()
  for (const { tag, value } of objectsOf(bytes, what)) {
    if (!found.has(tag)) found.set(tag, value)
    if (isConstructed(tag) && templates.has(tag))
      for (const [inner, own] of tagsOf(value, what, depth + 1)) if (!found.has(inner)) found.set(inner, own)
  }
  return found
}

/** Templates of Miura's, which hold TLV for certain: other constructed objects are the card's. */
const templates: ReadonlySet<number> = new Set([
  ...[tags.commandData, tags.responseData, tags.decisionRequired, tags.approved, tags.onlineRequired, tags.declined],
  ...[tags.statusChanged, tags.configurationInformation, tags.softwareInformation],
])

/** A template with these data objects, in their order. */
export function template(tag: number, objects: Iterable<readonly [tag: number, value: Uint8Array]>): Uint8Array {
  return write(
    tag,
    Array.from(objects, ([inner, value]) => write(inner, value)),
  )
}

/** @throws Fault `protocol` where it is missing, or longer than `length` bytes */
export function must(found: Tags, tag: number, what: string): Uint8Array {
  const value = found.get(tag)
  if (!value) throw new Fault('protocol', `${what}: no ${tag.toString(16).toUpperCase()}`, { field: tag.toString(16).toUpperCase() })
  return value
}
