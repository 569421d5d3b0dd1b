/** Miura packets for people: command, answer or event, with the data objects in it. */

import { concat, hex, lrc, text, uint } from '../../src/bytes.ts'
import { type FieldRules, fieldOf, type MessageField, objectsField, vendorTags } from '../../src/decode/fields.ts'
import type { Anatomy, FrameFound, Said, Speaker } from '../../src/decode/frames.ts'
import { findDeep } from '../../src/tlv/ber.ts'
import { type DeviceMessage, device, failureName, type HostMessage, host, MAX_APDU, PED, POSZLE, SUCCESS, tags } from './codec.ts'

const secret: readonly string[] = ['sredData', 'pinBlock', 'maskedTrack2', 'iccMaskedTrack2', 'track1', 'track2', 'track3']

const rules: FieldRules = { describe: { vendor: vendorTags(tags, secret, ['statusText', 'identifier', 'version', 'language']) } }

const HEAD = 3
const [CHAINED, UNSOLICITED] = [0x01, 0x40]

function find(bytes: Uint8Array, at: number): FrameFound {
  const [nad, pcb = 0, length] = bytes.subarray(at)
  if (nad !== PED && nad !== POSZLE) return undefined
  if ((pcb & ~(CHAINED | UNSOLICITED)) !== 0 || length < 2 || length > MAX_APDU) return undefined
  const total = HEAD + (length ?? 2) + 1
  if (bytes.length - at < total)
    return { wrong: `the packet ends after ${bytes.length - at} of ${length === undefined ? 'at least ' : ''}${total} bytes`, at: bytes.length } // biome-ignore format: one line
  const last = at + total - 1
  const check = lrc(bytes.subarray(at, last))
  if (check === bytes[last]) return { length: total }
  return { wrong: `the LRC is ${hex(bytes.subarray(last, last + 1))}, ${hex(Uint8Array.of(check))} is right`, at: last }
}

/** TLV where it begins like one, text where it is nothing else, bytes otherwise. */
function body(name: string, data: Uint8Array): MessageField[] {
  if (data.length === 0) return []
  if (templates.has(data[0])) return [objectsField(name, data, rules)]
  return [fieldOf(name, /^[\x20-\x7e\r\n]+$/.test(text(data)) ? text(data) : data, rules)]
}

const templates = new Set([0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xed, 0xef, 0x6f, 0x70, 0x77, 0xdf])

const byte = (value: number) => hex(Uint8Array.of(value))

function hostSays(message: HostMessage): Pick<Said, 'type' | 'fields'> {
  if (message.type === 'unknown') {
    const [cla, ins] = message.apdu
    return { type: `unknown ${byte(cla)}${byte(ins)}`, fields: [{ name: 'bytes', value: `${message.apdu.length}` }] }
  }
  const { command, p1, p2, data, le, content } = message
  return {
    type: command,
    fields: [
      { name: 'p1', value: byte(p1) },
      { name: 'p2', value: byte(p2) },
      ...body('data', data),
      ...(le === undefined ? [] : [{ name: 'le', value: byte(le) }]),
      ...(content ? [{ name: 'content', value: `${content.length} bytes` }] : []),
    ],
  }
}

function readerSays({ type, sw, body: data }: DeviceMessage): Pick<Said, 'type' | 'fields'> {
  const words = sw === SUCCESS ? 'done' : failureName(sw)
  return {
    type,
    fields: [{ name: 'status', value: sw.toString(16).toUpperCase().padStart(4, '0'), words: [words] }, ...body('data', data)],
  }
}

/** Bytes without framing that follow a STREAM BINARY (00D7). */
function streamed(apdu: Uint8Array): number {
  if (uint(apdu.subarray(0, 2)) !== 0x00d7) return 0
  try {
    const size = findDeep(apdu.subarray(5), tags.streamSize)
    return size && size.length <= 3 ? uint(size) : 0
  } catch {
    return 0 // no TLV: nothing of the kind was announced
  }
}

type Whose = { readonly from: Speaker; readonly guessed?: string }

function whose(unsolicited: boolean, said: HostMessage | undefined, heard: DeviceMessage | undefined): Whose {
  if (unsolicited) return { from: 'reader' }
  if (said?.type === 'command' && heard)
    return { from: 'host', guessed: 'it is a command of the table; as an answer it would end in a status too' }
  if (said?.type === 'command') return { from: 'host' }
  if (heard) return { from: 'reader', guessed: 'it ends in a status, and is no command of the table' }
  return { from: 'host', guessed: 'it ends in no status' }
}

/** Miura packets for people. */
export const anatomy: Anatomy = from => {
  /** Packets of messages that go on, by address and by who asked. */
  const chains = new Map<number, Uint8Array[]>()
  /** A STREAM BINARY, and how much of its content is to come. */
  let stream: { readonly packet: Uint8Array; readonly size: number } | undefined
  const say = (message: Uint8Array, unsolicited: boolean): Said => {
    const decoder = device.decoder()
    const said = decoder.push(message)[0] ?? decoder.idle()[0]
    const [heard] = host.decoder().push(message)
    const by = from ? { from } : whose(unsolicited, said, heard)
    const content = by.from === 'host' ? said && hostSays(said) : heard && readerSays(heard)
    return { ...by, ...(content ?? { type: 'unknown', fields: [{ name: 'bytes', value: `${message.length - HEAD - 1}` }] }) }
  }
  return {
    find: (bytes, at) => (stream ? { length: Math.min(stream.size, bytes.length - at) } : find(bytes, at)),
    say(frame) {
      if (stream) {
        const whole = concat(stream.packet, frame)
        stream = undefined
        return say(whole, false)
      }
      const unsolicited = (frame[1] & UNSOLICITED) !== 0
      const key = frame[0] | (frame[1] & UNSOLICITED)
      const chain = chains.get(key) ?? []
      chain.push(frame)
      if (frame[1] & CHAINED) {
        chains.set(key, chain)
        return undefined
      }
      chains.delete(key)
      const message = concat(...chain)
      const size = from === 'reader' || unsolicited || message.length > frame.length ? 0 : streamed(frame.subarray(HEAD, -1))
      stream = size > 0 ? { packet: frame, size } : undefined
      return stream ? undefined : say(message, unsolicited)
    },
  }
}
