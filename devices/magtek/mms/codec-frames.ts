/** What carries MMS messages: packets of 64 bytes over HID, PDUs over Bluetooth, SLIP over a serial line. */

import { concat, fromUint, Gathered, uint } from '../../../src/bytes.ts'
import { Fault } from '../../../src/errors.ts'
import type { Decoder } from '../../../src/reader/side.ts'
import { encodeRecord, type Found, recordDecoder, scanner, through } from '../codec-scan.ts'

export interface MmsFraming {
  encode(message: Uint8Array, self: 'host' | 'device'): Uint8Array
  /** Whole messages. */
  decoder(): Decoder<Uint8Array>
}

/** What begins a message, and tells a packet from noise. */
const START = 0xaa
/** No message is longer: a firmware image has less than a megabyte (D100005000, D801). */
export const MAX_MESSAGE = 4 << 20

const PACKET = 64
const packets = { single: 0x00, head: 0x01, middle: 0x02, tail: 0x03, cancel: 0x04 } as const

function packet(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(PACKET)
  bytes.set(concat(...parts))
  return bytes
}

/** Reports of 64 bytes, zero padded: a single one up to 62 bytes, else head (59), middles (61), tail (62 at most). */
export function hidFrames(): MmsFraming {
  return {
    encode(message) {
      if (message.length > MAX_MESSAGE) throw tooLong(message)
      if (message.length <= PACKET - 2) return packet(Uint8Array.of(packets.single, message.length), message)
      const out = [packet(Uint8Array.of(packets.head), fromUint(message.length, 4), message.subarray(0, 59))]
      let at = 59
      for (let number = 1; message.length - at > PACKET - 2; number++, at += 61)
        out.push(packet(Uint8Array.of(packets.middle), fromUint(((number - 1) % 0xffff) + 1, 2), message.subarray(at, at + 61)))
      out.push(packet(Uint8Array.of(packets.tail, message.length - at), message.subarray(at)))
      return concat(...out)
    },
    decoder: hidDecoder,
  }
}

function gathered(first: Uint8Array): Gathered {
  const parts = new Gathered()
  parts.add(first)
  return parts
}

function hidDecoder(): Decoder<Uint8Array> {
  let begun: { readonly total: number; readonly parts: Gathered; next: number } | undefined
  /** The message that ends with this packet, an empty one where it goes on, undefined where this is no packet that may stand here. */
  const take = (bytes: Uint8Array): Uint8Array | undefined => {
    switch (bytes[0]) {
      case packets.single: {
        const length = bytes[1]
        if (length < 2 || length > PACKET - 2 || bytes[2] !== START || bytes.subarray(2 + length).some(byte => byte !== 0)) return undefined
        begun = undefined
        return bytes.slice(2, 2 + length)
      }
      case packets.head: {
        const total = uint(bytes.subarray(1, 5))
        if (total <= PACKET - 2 || total > MAX_MESSAGE || bytes[5] !== START) return undefined
        begun = { total, parts: gathered(bytes.subarray(5)), next: 1 }
        return empty
      }
      case packets.middle: {
        if (!begun || uint(bytes.subarray(1, 3)) !== begun.next || begun.total - begun.parts.length <= 61) return undefined
        begun.parts.add(bytes.subarray(3))
        begun.next = (begun.next % 0xffff) + 1
        return empty
      }
      case packets.tail: {
        const length = bytes[1]
        if (!begun || length > PACKET - 2 || begun.total - begun.parts.length !== length) return undefined
        begun.parts.add(bytes.subarray(2, 2 + length))
        const message = begun.parts.bytes()
        begun = undefined
        return message
      }
      case packets.cancel:
        if (bytes.subarray(3).some(byte => byte !== 0)) return undefined
        begun = undefined
        return empty
      default:
        return undefined
    }
  }
  return scanner((bytes): Found<Uint8Array> => {
    if (bytes[0] > packets.cancel) return 'none'
    if (bytes.length < PACKET) return 'more'
    const message = take(bytes.subarray(0, PACKET))
    if (message === undefined) return 'none'
    return message.length > 0 ? { size: PACKET, value: message } : { size: PACKET }
  })
}

const empty = new Uint8Array(0)

/** The most that a value of either characteristic holds. */
const PDU = 244
/** Both characteristics are one channel: one each way. */
export const MMS_CHANNEL = 0

/** PDUs of `size` bytes at most: [message counter][PDU counter][PCB 00, length (4)][data], then [message counter][PDU counter][data]; each PDU is a record. */
export function bleFrames(size = PDU): MmsFraming {
  let counter = 0
  return {
    encode(message) {
      if (message.length > MAX_MESSAGE) throw tooLong(message)
      const out: Uint8Array[] = []
      const first = size - 7
      const pdu = (...parts: readonly Uint8Array[]) => out.push(encodeRecord({ channel: MMS_CHANNEL, bytes: concat(...parts) }))
      pdu(Uint8Array.of(counter, 0, 0), fromUint(message.length, 4), message.subarray(0, first))
      for (let at = first, number = 1; at < message.length; at += size - 2, number = (number % 0xff) + 1)
        pdu(Uint8Array.of(counter, number), message.subarray(at, at + size - 2))
      counter = (counter + 1) % 0x100
      return concat(...out)
    },
    decoder: bleDecoder,
  }
}

/** Drops a message of which a PDU is missing, as the vendor advises; the next begins with PDU counter 0. */
function bleDecoder(): Decoder<Uint8Array> {
  let begun: { readonly counter: number; readonly total: number; readonly parts: Gathered; next: number } | undefined
  return through(recordDecoder([MMS_CHANNEL]), ({ bytes }) => {
    if (bytes.length < 2) return []
    const [counter, number] = bytes
    if (number === 0) {
      begun = undefined
      const total = bytes.length < 7 ? 0 : uint(bytes.subarray(3, 7))
      if (total === 0 || total > MAX_MESSAGE || bytes.length - 7 > total) return []
      begun = { counter, total, parts: gathered(bytes.subarray(7)), next: 1 }
    } else {
      if (
        !begun ||
        begun.counter !== counter ||
        begun.next !== number ||
        bytes.length === 2 ||
        begun.parts.length + bytes.length - 2 > begun.total
      ) {
        begun = undefined
        return []
      }
      begun.parts.add(bytes.subarray(2))
      begun.next = (number % 0xff) + 1
    }
    if (begun.parts.length < begun.total) return []
    const message = begun.parts.bytes()
    begun = undefined
    return [message]
  })
}

const END = 0xc0
const ESCAPE = 0xdb
const ESCAPED_END = 0xdc
const ESCAPED_ESCAPE = 0xdd
/** Message info: which way it goes. */
const directions = { host: 0x00, device: 0x02 } as const

/** C0 · message info, length (4), message, with C0 as DB DC and DB as DB DD · C0. */
export function slipFrames(): MmsFraming {
  return {
    encode(message, self) {
      if (message.length > MAX_MESSAGE) throw tooLong(message)
      const out: number[] = [END]
      for (const byte of concat(Uint8Array.of(directions[self]), fromUint(message.length, 4), message)) {
        if (byte === END) out.push(ESCAPE, ESCAPED_END)
        else if (byte === ESCAPE) out.push(ESCAPE, ESCAPED_ESCAPE)
        else out.push(byte)
      }
      out.push(END)
      return Uint8Array.from(out)
    },
    decoder: slipDecoder,
  }
}

/** A frame lies between two delimiters; one of the wrong length, or with a wrong escape, is dropped, and its end may be the next one's beginning. */
function slipDecoder(): Decoder<Uint8Array> {
  let inside: number[] | undefined
  let escaped = false
  const push = (chunk: Uint8Array): Uint8Array[] => {
    const out: Uint8Array[] = []
    for (const byte of chunk) {
      if (byte === END) {
        const bytes = Uint8Array.from(inside ?? [])
        const whole = !escaped && bytes.length > 5 && uint(bytes.subarray(1, 5)) === bytes.length - 5
        if (whole) out.push(bytes.slice(5))
        inside = []
        escaped = false
      } else if (inside) {
        if (escaped) {
          if (byte === ESCAPED_END) inside.push(END)
          else if (byte === ESCAPED_ESCAPE) inside.push(ESCAPE)
          else inside = undefined
          escaped = false
        } else if (byte === ESCAPE) escaped = true
        else inside.push(byte)
        if (inside && inside.length > MAX_MESSAGE + 5) inside = undefined
      }
    }
    return out
  }
  return {
    push,
    idle() {
      inside = undefined
      escaped = false
      return []
    },
  }
}

function tooLong(message: Uint8Array): Fault {
  return new Fault('bad-argument', `a message of ${message.length} bytes exceeds ${MAX_MESSAGE}`, { field: 'message' })
}
