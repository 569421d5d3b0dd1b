/** A Miura line for recordings: packets, the messages in them, and the data objects of those. */

import { concat, fromUint, lrc, uint } from '../../src/bytes.ts'
import { cursorOver } from '../../src/recording/cursor.ts'
import type { Dissector } from '../../src/recording/dissector.ts'
import type { FieldEdit } from '../../src/recording/field.ts'
import type { Vendor } from '../../src/recording/tlv.ts'
import type { Direction } from '../../src/transport/trace.ts'
import { device, type HostMessage, host, MAX_APDU, MAX_MESSAGE, tags } from './codec.ts'

const CHAINED = 0x01
const UNSOLICITED = 0x40
const HEAD = 3

const vendor: Vendor = {
  ...Object.fromEntries(
    Object.values(tags)
      .map(tag => [tag, 'plain'] as const)
      .filter(([tag]) => tag < 0xe0 || tag > 0xef),
  ),
  ...{ [tags.track1]: 'secret', [tags.track2]: 'secret', [tags.track3]: 'secret' },
  ...{ [tags.sredData]: 'secret', [tags.pinBlock]: 'secret', [tags.sredKsn]: 'free', [tags.pinKsn]: 'free' },
  ...{ [tags.maskedTrack2]: 'trackText', [tags.iccMaskedTrack2]: 'trackText', [tags.maskedPan]: 'pan' },
  ...{
    [tags.battery]: 'free',
    [tags.charging]: 'free',
    [tags.statusText]: 'words',
    [tags.numericData]: 'secret',
    [tags.barcode]: 'secret',
  },
}

/** Commands whose data are TLV, or words, that may be told; the data of all others are hidden. */
const words: readonly string[] = ['displayText', 'printText', 'printEscPos']
const bare: readonly string[] = ['selectFile', 'readBinary', 'systemClock']

/** Length of the packet at `at`; 0 while more bytes are needed, undefined where there is none. */
function packetAt(bytes: Uint8Array, at: number): number | undefined {
  const [nad, pcb = 0, length = 2] = bytes.subarray(at, at + HEAD)
  if (nad !== 1 && nad !== 2) return nad === undefined ? 0 : undefined
  if ((pcb & ~(CHAINED | UNSOLICITED)) !== 0 || length < 2 || length > MAX_APDU) return undefined
  const total = HEAD + length + 1
  if (bytes.length - at < total) return 0
  return lrc(bytes.subarray(at, at + total)) === 0 ? total : undefined
}

interface Packet {
  readonly at: number
  readonly length: number
}

/** The packets of the message at the front, a chain where it has several. */
function packetsOf(bytes: Uint8Array): readonly Packet[] | 'more' | 'none' {
  const found: Packet[] = []
  for (let at = 0; at < MAX_MESSAGE; ) {
    const length = packetAt(bytes, at)
    if (length === 0) return 'more'
    if (length === undefined) return found.length > 0 ? found : 'none'
    found.push({ at, length })
    if ((bytes[at + 1] & CHAINED) === 0) return found
    at += length
  }
  return 'none'
}

function apduOf(bytes: Uint8Array, packets: readonly Packet[]): Uint8Array {
  return concat(...packets.map(({ at, length }) => bytes.subarray(at + HEAD, at + length - 1)))
}

/** Bytes without framing that follow a STREAM BINARY. */
function streamed(packets: Uint8Array, direction: Direction): number {
  if (direction === 'in') return 0
  const decoder = device.decoder()
  const [message] = [...decoder.push(packets), ...decoder.idle()] as HostMessage[]
  if (message?.type !== 'command' || message.command !== 'streamBinary') return 0
  return sizeIn(message.data)
}

/** DFA302 of a STREAM BINARY. */
function sizeIn(data: Uint8Array): number {
  let size = 0
  cursorOver(
    data,
    (_, bytes, tag) => {
      if (tag === tags.streamSize) size = uint(bytes)
      return bytes
    },
    cursor => cursor.tlv(cursor.left, { vendor }),
  )
  return size
}

function editApdu(apdu: Uint8Array, direction: Direction, name: string | undefined, edit: FieldEdit): Uint8Array | undefined {
  return cursorOver(apdu, edit, cursor => {
    if (direction === 'in') {
      if (cursor.left > 3) cursor.tlv(cursor.left - 2, { vendor })
      else if (cursor.left > 2) cursor.take(cursor.left - 2, 'plain')
      cursor.take(2, 'plain')
      return
    }
    cursor.take(4, 'plain')
    if (cursor.left < 2) return void (cursor.left > 0 && cursor.rest('plain'))
    const length = cursor.number(1)
    if (name !== undefined && words.includes(name)) cursor.take(length, 'words')
    else if (name !== undefined && bare.includes(name)) cursor.take(length, name === 'systemClock' ? 'free' : 'plain')
    else cursor.tlv(length, { vendor })
    if (cursor.left > 0) cursor.rest('plain')
  })
}

function nameOf(unit: Uint8Array, direction: Direction): string | undefined {
  if (direction === 'in') return host.decoder().push(unit)[0]?.type
  const decoder = device.decoder()
  const [message] = [...decoder.push(unit), ...decoder.idle()]
  return message?.type === 'command' ? message.command : message?.type
}

/** Packets keep their places and get a right LRC; a chain is one message. */
export const dissector: Dissector = {
  queries: ['batteryStatus', 'getDeviceInfo', 'getConfiguration', 'peripheralStatus', 'p2peStatus', 'displayText', 'systemClock'],
  length(bytes, direction) {
    const packets = packetsOf(bytes)
    if (packets === 'more') return 0
    if (packets === 'none') return 1
    const { at, length } = packets[packets.length - 1]
    const total = at + length
    const whole = total + streamed(bytes.subarray(0, total), direction)
    return bytes.length < whole ? 0 : whole
  },
  name: nameOf,
  edit(unit, direction, edit) {
    const packets = packetsOf(unit)
    if (typeof packets === 'string') return undefined
    edit('plain', Uint8Array.of(unit[0], unit[1] & UNSOLICITED))
    const edited = editApdu(apduOf(unit, packets), direction, nameOf(unit, direction), edit)
    if (!edited) return undefined
    let from = 0
    const out = packets.map(({ at, length }) => {
      const size = length - HEAD - 1
      const packet = concat(unit.subarray(at, at + HEAD), edited.subarray(from, from + size))
      from += size
      return concat(packet, fromUint(lrc(packet), 1))
    })
    const framed = concat(...out)
    return framed.length === unit.length ? framed : concat(framed, edit('secret', unit.slice(framed.length)))
  },
}
