/** APDUs: commands as bytes, responses as data and status word, and the 61xx/6Cxx procedure of T=0 (EMV 4.4 Book 1, 9.3.1). */

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
  /** Expected length, 0 for "all there is"; left out where no data is expected. */
  readonly le?: number
}

/** The bytes of a short command (cases 1–4). @throws Fault `apdu` */
export function encodeCommand({ cla, ins, p1, p2, data, le }: Command): Uint8Array {
  if (data && data.length > 255)
    throw new Fault('apdu', `command data has ${data.length} bytes, a short APDU takes 255`, { length: data.length })
  const body = data && data.length > 0 ? [data.length, ...data] : []
  return Uint8Array.of(cla, ins, p1, p2, ...body, ...(le === undefined ? [] : [le & 0xff]))
}

/** @throws Fault `apdu` when there is no status word */
export function decodeResponse(bytes: Uint8Array): Response {
  if (bytes.length < 2) throw new Fault('apdu', `response has ${bytes.length} bytes, a status word takes 2`, { length: bytes.length })
  return { data: bytes.subarray(0, -2), sw: bytes[bytes.length - 2] * 256 + bytes[bytes.length - 1] }
}
