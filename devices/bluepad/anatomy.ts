/** Frames of a BluePad (MPED) for people: which message, whose, and what it says, the XML in it opened. */

import { crc16, hex, text } from '../../src/bytes.ts'
import { type FieldRules, fieldsOf, type MessageField } from '../../src/decode/fields.ts'
import type { Anatomy, FrameFound, Said, Speaker } from '../../src/decode/frames.ts'
import { assembler, device, elements, financialStatus, host, line, payloadLength, statusName } from './codec.ts'

const rules: FieldRules = {
  // What goes to the gateway, and comes from it, is enciphered or may hold anything.
  secret: new Set(['data', 'mac', 'random', 'payload', 'bytes']),
  plain: new Set(['serial', 'SerialNumber', 'BluetoothName', 'at']),
  words: {
    status: value => statusName(value as number),
    financial: value => financialStatus(value as number),
  },
}

const [DLE, STX, ETX, ETB] = [0x10, 0x02, 0x03, 0x17]
const controls: Readonly<Record<number, string>> = { 6: 'ack', 21: 'nak', 4: 'end', 5: 'poll' }
/** The vendor's receive buffer. */
const LONGEST = 8192

function find(bytes: Uint8Array, start: number): FrameFound {
  if (bytes[start] !== DLE) return undefined
  const next = bytes[start + 1]
  if (next in controls) return { length: 2 }
  if (next !== STX) return undefined
  for (let at = start + 2; at < bytes.length; at++) {
    if (at - start > LONGEST) return { wrong: `the frame does not end within ${LONGEST} bytes`, at: at - 1 }
    if (bytes[at] !== DLE) continue
    const second = bytes[++at]
    if (second === DLE) continue
    if (second === undefined) break
    if (second !== ETX && second !== ETB)
      return { wrong: `10 is followed by ${hex(Uint8Array.of(second))}: in a frame by 10, 03 or 17 alone`, at }
    const given = bytes.subarray(at + 1, at + 3)
    if (given.length < 2) break
    const crc = crc16(bytes.subarray(start + 2, at + 1), 0)
    const right = Uint8Array.of(crc >> 8, crc & 0xff)
    if (hex(given) === hex(right)) return { length: at + 3 - start }
    return { wrong: `the CRC is ${hex(given)}, ${hex(right)} is right`, at: at + 1 }
  }
  return { wrong: 'the frame does not end: no 10 03 and CRC', at: bytes.length }
}

function says(payload: Uint8Array, from: Speaker | undefined): Said {
  const asHost = device.read(payload)
  const asReader = host.read(payload)
  const by = from ?? (asHost.type !== 'raw' || asReader.type === 'raw' ? 'host' : 'reader')
  const { type, ...content } = by === 'host' ? asHost : asReader
  const unknown = type === 'raw' && from === undefined
  return {
    from: by,
    ...(unknown && { guessed: 'its command is none of either side’s' }),
    type: type === 'raw' ? `raw ${printable(text(payload.subarray(0, 4)))}` : type,
    fields: contentFields(content),
  }
}

const printable = (words: string) => words.replace(/[^\x20-\x7e]/g, '.')

/** The answer's own fields beside its status; XML as its elements. */
function contentFields(content: object): MessageField[] {
  const { answer, xml, ...rest } = content as { answer?: object; xml?: string }
  const more = answer instanceof Uint8Array ? { bytes: answer } : (answer ?? {})
  const { xml: inner = xml, ...own } = more as { xml?: string }
  return [
    ...fieldsOf({ ...rest, ...own }, rules),
    ...(inner ? [{ name: 'xml', fields: fieldsOf(Object.fromEntries(elements(inner)), rules) }] : []),
  ]
}

/** MPED frames for people. */
export const anatomy: Anatomy = from => {
  const assemble = assembler(payloadLength)
  let last: Speaker | undefined
  return {
    find,
    say(frame) {
      const control = controls[frame[1]]
      if (control) {
        const by = from ?? (last === 'host' ? 'reader' : 'host')
        return { from: by, ...(!from && { guessed: 'either side says it: the one that was spoken to last' }), type: control, fields: [] }
      }
      const [item] = line.decoder().push(frame)
      const payload = item?.type === 'frame' ? assemble(item.data, item.last) : undefined
      if (!payload) return undefined
      const said = says(payload, from)
      last = said.from
      return said
    },
  }
}
