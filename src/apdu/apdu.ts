/** APDUs: short commands and responses as bytes, both ways (ISO/IEC 7816-4, 5.1; EMV 4.4 Book 1, 9.4). */

import { Fault } from '../errors.ts'

export interface Response {
  readonly data: Uint8Array
  /** SW1 SW2 as a number, 0x9000. */
  readonly sw: number
}

export interface Command {
  readonly cla: number
  readonly ins: number
  readonly p1: number
  readonly p2: number
  readonly data?: Uint8Array
  /** Expected length 1–256, 0 (which is 256) for "all there is"; left out where no data is expected. */
  readonly le?: number
}

/** The bytes of a short command (cases 1–4). @throws Fault `apdu` */
export function encodeCommand({ cla, ins, p1, p2, data, le }: Command): Uint8Array {
  checkByte('CLA', cla)
  checkByte('INS', ins)
  checkByte('P1', p1)
  checkByte('P2', p2)
  if (data && data.length > 255)
    throw new Fault('apdu', `command data has ${data.length} bytes, a short APDU takes 255`, { length: data.length })
  if (le !== undefined && !(Number.isInteger(le) && le >= 0 && le <= 256))
    throw new Fault('apdu', `Le ${le} is not 0 to 256`, { field: 'Le', value: le })
  const lc = data?.length ?? 0
  const bytes = new Uint8Array(4 + (lc > 0 ? 1 + lc : 0) + (le === undefined ? 0 : 1))
  bytes[0] = cla
  bytes[1] = ins
  bytes[2] = p1
  bytes[3] = p2
  if (data && lc > 0) {
    bytes[4] = lc
    bytes.set(data, 5)
  }
  if (le !== undefined) bytes[bytes.length - 1] = le & 0xff
  return bytes
}

function checkByte(field: string, value: number): void {
  if ((value & 0xff) !== value) throw new Fault('apdu', `${field} ${value} is no byte`, { field, value })
}

/** The command in the bytes of a short APDU; `data` is a view. The card's side of `encodeCommand`. @throws Fault `apdu` */
export function decodeCommand(bytes: Uint8Array): Command {
  if (bytes.length < 4) throw new Fault('apdu', `command has ${bytes.length} bytes, its header takes 4`, { length: bytes.length })
  const header = { cla: bytes[0], ins: bytes[1], p1: bytes[2], p2: bytes[3] }
  if (bytes.length === 4) return header
  if (bytes.length === 5) return { ...header, le: bytes[4] }
  const lc = bytes[4]
  if (lc === 0) throw new Fault('unsupported', 'extended-length command: EMV uses short ones only', { feature: 'extended APDU' })
  const data = bytes.subarray(5, 5 + lc)
  if (bytes.length === 5 + lc) return { ...header, data }
  if (bytes.length === 6 + lc) return { ...header, data, le: bytes[5 + lc] }
  throw new Fault('apdu', `Lc is ${lc}, ${bytes.length - 5} bytes follow: neither case 3 nor case 4`, { lc, length: bytes.length })
}

/** @throws Fault `apdu` when there is no status word */
export function decodeResponse(bytes: Uint8Array): Response {
  if (bytes.length < 2) throw new Fault('apdu', `response has ${bytes.length} bytes, a status word takes 2`, { length: bytes.length })
  return { data: bytes.subarray(0, -2), sw: bytes[bytes.length - 2] * 256 + bytes[bytes.length - 1] }
}

/** The card's side of `decodeResponse`. @throws Fault `apdu` when the status is no word or the data exceed a short response */
export function encodeResponse(sw: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  if (!(Number.isInteger(sw) && sw >= 0 && sw <= 0xffff)) throw new Fault('apdu', `status word ${sw} is no two bytes`, { sw })
  if (data.length > 256) throw new Fault('apdu', `response data has ${data.length} bytes, a short response 256`, { length: data.length })
  const bytes = new Uint8Array(data.length + 2)
  bytes.set(data)
  bytes[data.length] = sw >> 8
  bytes[data.length + 1] = sw & 0xff
  return bytes
}
