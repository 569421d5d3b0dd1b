/** Messages of vpcd for people: controls, commands to a card and its answers. */

import { emvRemarks, parseAtr } from '../../src/apdu/atr.ts'
import { hex } from '../../src/bytes.ts'
import { describeExchange } from '../../src/decode/exchange.ts'
import { fieldOf, type MessageField, objectsField } from '../../src/decode/fields.ts'
import type { Anatomy, Said, Speaker } from '../../src/decode/frames.ts'
import { isFault } from '../../src/errors.ts'
import { device } from './codec.ts'

const HEAD = 2

/** What the card was asked last. */
type Asked = { readonly type: 'atr' } | { readonly type: 'apdu'; readonly apdu: Uint8Array } | undefined

/** A card answers what it was asked, and is else asked: the protocol has no other mark. */
function whose(data: Uint8Array, asked: Asked): { from: Speaker; guessed?: string } {
  if (data.length === 0) return { from: 'reader', guessed: 'an empty message is a card that gives up' }
  if (data.length === 1) return { from: 'host', guessed: 'one byte is a control' }
  if (asked) return { from: 'reader', guessed: 'the card was asked before' }
  if (data[0] === 0x3b || data[0] === 0x3f) return { from: 'reader', guessed: 'it begins like an ATR' }
  return isCommand(data) ? { from: 'host', guessed: 'it has the form of a command' } : { from: 'reader', guessed: 'it has not the form of a command' }
} // biome-ignore format: one line

function isCommand(data: Uint8Array): boolean {
  try {
    return describeExchange(data).name.length > 0
  } catch (error) {
    if (isFault(error)) return false
    throw error
  }
}

function command(apdu: Uint8Array): Pick<Said, 'type' | 'fields'> {
  try {
    const { name, command: bytes, data } = describeExchange(apdu)
    return { type: name, fields: [{ name: 'command', value: bytes }, ...(data ? [{ name: 'data', tlv: data }] : [])] }
  } catch (error) {
    if (!isFault(error)) throw error
    return { type: 'command', fields: [{ name: 'bytes', value: `${apdu.length}`, words: [error.message] }] }
  }
}

function answer(data: Uint8Array, asked: Asked): Pick<Said, 'type' | 'fields'> {
  if (asked?.type === 'atr' || (!asked && (data[0] === 0x3b || data[0] === 0x3f))) return { type: 'atr', fields: atr(data) }
  if (data.length === 0) return { type: 'nothing', fields: [] }
  if (data.length < 2 || !asked) return { type: 'answer', fields: answerOf(data) }
  const { answer: objects, status } = described(asked.apdu, data)
  return {
    type: 'answer',
    fields: [...(objects ? [{ name: 'data', tlv: objects }] : []), ...(status ? [{ name: 'status', value: status.sw, words: [status.words] }] : answerOf(data))],
  }
} // biome-ignore format: one line

function described(apdu: Uint8Array, data: Uint8Array): ReturnType<typeof describeExchange> | { answer?: undefined; status?: undefined } {
  try {
    return describeExchange(apdu, data)
  } catch (error) {
    if (isFault(error)) return {}
    throw error
  }
}

function answerOf(data: Uint8Array): MessageField[] {
  if (data.length < 2) return [fieldOf('data', data, {})]
  return [...(data.length > 2 ? [objectsField('data', data.subarray(0, -2), {})] : []), { name: 'status', value: hex(data.subarray(-2)) }]
}

function atr(data: Uint8Array): MessageField[] {
  try {
    const remarks = emvRemarks(parseAtr(data))
    return [{ name: 'atr', value: hex(data), ...(remarks.length > 0 && { words: remarks }) }]
  } catch (error) {
    if (!isFault(error)) throw error
    return [{ name: 'atr', value: hex(data), words: [error.message] }]
  }
}

/** Messages of vpcd for people. */
export const anatomy: Anatomy = from => {
  let asked: Asked
  let lost = false
  return {
    find(bytes, at) {
      if (lost) return undefined // nothing marks a beginning
      const left = bytes.length - at
      const length = HEAD + (left < HEAD ? 0 : bytes[at] * 256 + bytes[at + 1])
      lost = left < length
      return left >= length ? { length } : { wrong: `the message ends after ${left} of ${length} bytes`, at: bytes.length }
    },
    say(frame) {
      const data = frame.subarray(HEAD)
      const by = from ? { from } : whose(data, asked)
      if (by.from === 'reader') {
        const said = { ...by, ...answer(data, asked) }
        asked = undefined
        return said
      }
      const [message] = device.decoder().push(frame)
      if (message?.type === 'apdu') {
        asked = { type: 'apdu', apdu: data }
        return { ...by, ...command(data) }
      }
      asked = message?.type === 'control' && message.control === 'atr' ? { type: 'atr' } : undefined
      const type = message?.type === 'control' ? message.control : `unknown control ${hex(data)}`
      return { ...by, type, fields: [] }
    },
  }
}
