/** Command APDUs as a card takes them apart, and its answers. Apart from `src/apdu` on purpose. */

import { concat, fromUint } from '../../src/bytes.ts'

export interface CardCommand {
  readonly cla: number
  readonly ins: number
  readonly p1: number
  readonly p2: number
  /** CLA to Lc, as a script MAC covers it. */
  readonly header: Uint8Array
  readonly data: Uint8Array
  /** Bytes wanted, 256 for Le 00; undefined where none are. */
  readonly le: number | undefined
}

/** What a command comes to: response data and status word. */
export interface Answer {
  readonly sw: number
  readonly data?: Uint8Array
}

/** A short command, or undefined where the bytes are none: too short, or a length that Lc does not say. */
export function parseCommand(bytes: Uint8Array): CardCommand | undefined {
  if (bytes.length < 4) return undefined
  const [cla, ins, p1, p2, p3] = bytes
  const none = new Uint8Array()
  const head = { cla, ins, p1, p2, header: concat(bytes.slice(0, 4), Uint8Array.of(bytes.length > 5 ? p3 : 0)) }
  if (bytes.length === 4) return { ...head, data: none, le: undefined }
  if (bytes.length === 5) return { ...head, data: none, le: p3 || 256 }
  const data = bytes.slice(5, 5 + p3)
  if (p3 === 0 || data.length < p3 || bytes.length > 6 + p3) return undefined
  return { ...head, data, le: bytes.length === 6 + p3 ? bytes[5 + p3] || 256 : undefined }
}

export const ok = (data?: Uint8Array): Answer => (data ? { sw: 0x9000, data } : { sw: 0x9000 })
export const refuse = (sw: number): Answer => ({ sw })

/** Status words that a card answers (EMV 4.4 Book 1, 12 and Book 3, 6; ISO/IEC 7816-4). */
export const SW = {
  selectedFileInvalidated: 0x6283,
  authenticationFailed: 0x6300,
  wrongLength: 0x6700,
  noMac: 0x6987,
  wrongMac: 0x6988,
  pinBlocked: 0x6983,
  pinNotUsable: 0x6984,
  conditions: 0x6985,
  notAllowed: 0x6986,
  wrongData: 0x6a80,
  notSupported: 0x6a81,
  fileNotFound: 0x6a82,
  recordNotFound: 0x6a83,
  wrongParameters: 0x6a86,
  dataNotFound: 0x6a88,
  wrongIns: 0x6d00,
  wrongCla: 0x6e00,
} as const

export function responseBytes({ sw, data }: Answer): Uint8Array {
  return concat(data ?? new Uint8Array(), fromUint(sw, 2))
}
