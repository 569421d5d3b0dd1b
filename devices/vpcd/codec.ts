/** The socket protocol of vpcd, the PC/SC driver for virtual cards (vsmartcard): both sides, as bytes. */

import { Fault } from '../../src/errors.ts'
import type { Decoder, Side } from '../../src/reader/side.ts'

/** A message is two bytes of length, big-endian, and that many bytes. One byte is a control, more are a command APDU (vpcd.c, `sendToVICC`). */
const HEAD = 2
const MAX_LENGTH = 0xffff

/** vpcd.h. Only `atr` is answered. */
const controls = { powerOff: 0x00, powerOn: 0x01, reset: 0x02, atr: 0x04 } as const

export type VpcdControl = keyof typeof controls

/** What the reader says. A control that vpcd does not have is kept by its number. */
export type VpcdRequest =
  | { readonly type: 'control'; readonly control: VpcdControl }
  | { readonly type: 'unknown'; readonly code: number | undefined }
  | { readonly type: 'apdu'; readonly apdu: Uint8Array }

/** What the card says: an ATR or a response APDU; which of them, only the question tells. Empty: the card gives up (vpcd ejects it). */
export interface VpcdAnswer {
  readonly type: 'answer'
  readonly data: Uint8Array
}

/** The reader's side: controls and commands out, answers in. */
export const host: Side<VpcdRequest, VpcdAnswer> = {
  encode: message => encodeFrame(requestBytes(message)),
  decoder: () => frames(data => ({ type: 'answer', data })),
}

/** The card's side. */
export const device: Side<VpcdAnswer, VpcdRequest> = {
  encode: ({ data }) => encodeFrame(data),
  decoder: () => frames(parseRequest),
}

function requestBytes(message: VpcdRequest): Uint8Array {
  if (message.type === 'control') return Uint8Array.of(controls[message.control])
  if (message.type === 'unknown') return message.code === undefined ? new Uint8Array(0) : Uint8Array.of(message.code)
  // A single byte would be a control; ISO/IEC 7816-4, 5.1 has no command shorter than its header.
  if (message.apdu.length < 4)
    throw new Fault('bad-argument', `command has ${message.apdu.length} bytes, its header takes 4`, { field: 'apdu' })
  return message.apdu
}

function parseRequest(data: Uint8Array): VpcdRequest {
  if (data.length > 1) return { type: 'apdu', apdu: data }
  const known = (Object.keys(controls) as VpcdControl[]).find(name => controls[name] === data[0])
  return known ? { type: 'control', control: known } : { type: 'unknown', code: data[0] }
}

function encodeFrame(data: Uint8Array): Uint8Array {
  if (data.length > MAX_LENGTH)
    throw new Fault('bad-argument', `message of ${data.length} bytes, two bytes of length hold ${MAX_LENGTH}`, { field: 'data' })
  const frame = new Uint8Array(HEAD + data.length)
  frame[0] = data.length >> 8
  frame[1] = data.length & 0xff
  frame.set(data, HEAD)
  return frame
}

/**
 * There is no start byte and no check: a length is believed, and at most 65535 bytes are kept. `idle` keeps the tail, unlike on a radio or a serial line: the
 * bytes come over TCP, which loses none, and to drop half a message would make its other half a length.
 */
function frames<T>(parse: (data: Uint8Array) => T): Decoder<T> {
  let head: number | undefined
  let body: Uint8Array | undefined
  let filled = 0
  return {
    push(chunk) {
      const messages: T[] = []
      for (let at = 0; at < chunk.length; ) {
        if (!body) {
          const byte = chunk[at++]
          if (head === undefined) {
            head = byte
            continue
          }
          body = new Uint8Array(head * 256 + byte)
          filled = 0
        }
        const part = chunk.subarray(at, at + body.length - filled)
        body.set(part, filled)
        filled += part.length
        at += part.length
        if (filled < body.length) break
        messages.push(parse(body))
        head = undefined
        body = undefined
      }
      return messages
    },
    idle: () => [],
  }
}
