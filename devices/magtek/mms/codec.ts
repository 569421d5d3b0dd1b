/** MMS, the messages of DynaFlex and DynaProx: requests, responses, notifications and files, AA 00 and TLV, whatever carries them. */

import { concat, fromUint, uint } from '../../../src/bytes.ts'
import { Fault } from '../../../src/errors.ts'
import type { Side } from '../../../src/reader/side.ts'
import { read, type Tlv, write } from '../../../src/tlv/ber.ts'
import { objects } from '../codec-data.ts'
import { through } from '../codec-scan.ts'
import { bleFrames, hidFrames, MAX_MESSAGE, type MmsFraming, slipFrames } from './codec-frames.ts'

const kinds = ['request', 'response', 'notification', 'file'] as const

export interface MmsMessage {
  readonly type: (typeof kinds)[number]
  readonly from: 'host' | 'device'
  /** What a response has in common with its request. */
  readonly reference: number
  /** Command of a request and its response; source and type of a notification. */
  readonly id: number
  /** 82 of a response: summary and detail. Of a notification: its four detail bytes, the first as `summary`. */
  readonly status?: { readonly summary: number; readonly detail: number }
  /** 84: the id again, and TLV; of a file what it says. */
  readonly payload?: Uint8Array
  /** The length of the payload takes three bytes (82 …), as readers write it, though it would fit fewer. */
  readonly wide?: boolean
  /** Other objects, 83 and 9E, as they came. */
  readonly more?: Uint8Array
}

/** Commands. */
export const mmsCommands = {
  start: 0x1001,
  continue: 0x1002,
  finalize: 0x1003,
  resume: 0x1004,
  cancel: 0x1008,
  close: 0x1009,
  transactionStatus: 0x1014,
  passThrough: 0x1100,
  reportSelection: 0x1802,
  display: 0x1803,
  reset: 0x1f01,
  subscribe: 0x1f02,
  getProperty: 0xd101,
  setProperty: 0xd111,
  loadFirmware: 0xd801,
  commitFirmware: 0xd901,
  echo: 0xdf01,
} as const

/** Notifications: source and type. */
export const mmsNotifications = {
  transaction: 0x0101,
  transactionDone: 0x0105,
  pin: 0x0205,
  updateDone: 0x0905,
  updateFailed: 0x0906,
  upToDate: 0x0907,
  device: 0x1001,
  uiInformation: 0x1801,
  uiRequest: 0x1803,
  uiDone: 0x1805,
} as const

/** Summaries of a response; from 80 on the request has failed. */
export const mmsSummaries = {
  done: 0x00,
  started: 0x01,
  doneWithWarnings: 0x40,
  startedWithWarnings: 0x41,
  notStarted: 0x80,
  failed: 0x81,
} as const

/** Details of a response, three bytes. */
export const mmsDetails = {
  ok: 0x000000,
  tampered: 0x000016,
  badMessage: 0x010102,
  offline: 0x010109,
  badParameter: 0x020102,
  imageFailure: 0x02010a,
  locked: 0x02011c,
  noTransaction: 0x020304,
  cannotCancel: 0x020305,
  inProgress: 0x020308,
  lowBattery: 0x020316,
} as const

const START = 0xaa
const VERSION = 0x00

/** @throws Fault `bad-argument` */
export function encodeMms({ type, from, reference, id, status, payload, wide, more }: MmsMessage): Uint8Array {
  const kind = (kinds.indexOf(type) + 1) | (from === 'device' ? 0x80 : 0)
  const head = concat(Uint8Array.of(START, VERSION), write(0x81, concat(fromUint(kind, 1), fromUint(reference, 1), fromUint(id, 2))))
  const told = status ? write(0x82, concat(fromUint(status.summary, 1), fromUint(status.detail, 3))) : new Uint8Array(0)
  const said = payload === undefined ? new Uint8Array(0) : wide ? writeWide(0x84, payload) : write(0x84, payload)
  return concat(head, told, more ?? new Uint8Array(0), said)
}

function writeWide(tag: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xffff) return write(tag, value)
  return concat(Uint8Array.of(tag, 0x82), fromUint(value.length, 2), value)
}

/** Undefined where it is none: no AA, no head of four bytes, an unknown kind, TLV that breaks off. */
export function decodeMms(bytes: Uint8Array): MmsMessage | undefined {
  if (bytes.length < 8 || bytes[0] !== START || bytes[1] > 0x02) return undefined
  const body = bytes.subarray(2)
  const found = wholeTlv(body)
  const head = found?.[0]
  if (!found || head?.tag !== 0x81 || head.value.length < 4) return undefined
  const type = kinds[(head.value[0] & 0x7f) - 1]
  if (!type) return undefined
  const status = found.find(({ tag }) => tag === 0x82)?.value
  const payload = found.find(({ tag }) => tag === 0x84)
  const rest = found.filter(({ tag }) => tag === 0x83 || tag === 0x9e).map(({ tag, value }) => write(tag, value))
  const lengthByte = payload && body[payload.offset + 1]
  return {
    type,
    from: (head.value[0] & 0x80) !== 0 ? 'device' : 'host',
    reference: head.value[1],
    id: uint(head.value.subarray(2, 4)),
    ...(status?.length === 4 && { status: { summary: status[0], detail: uint(status.subarray(1)) } }),
    ...(payload && { payload: payload.value.slice() }),
    ...(payload && lengthByte === 0x82 && payload.value.length < 0x100 && { wide: true }),
    ...(rest.length > 0 && { more: concat(...rest) }),
  }
}

function wholeTlv(bytes: Uint8Array): Tlv[] | undefined {
  try {
    return read(bytes, { most: MAX_MESSAGE })
  } catch {
    return undefined // a message that breaks off, or noise that began like one
  }
}

/** A request or a notification whose payload begins with its id, as all do but a file's. */
export function payloadOf(id: number, ...tlv: readonly Uint8Array[]): Uint8Array {
  return concat(fromUint(id, 2), ...tlv)
}

/** The objects of a payload, by tag. @throws Fault `protocol` where it is cut off, or begins with another id */
export function readPayload({ id, payload }: Pick<MmsMessage, 'id' | 'payload'>): Map<number, Uint8Array> {
  if (!payload || payload.length < 2 || uint(payload.subarray(0, 2)) !== id)
    throw new Fault('protocol', `the payload of ${id.toString(16).padStart(4, '0')} does not begin with it`)
  return new Map(objects(payload.subarray(2), MAX_MESSAGE).map(({ tag, value }) => [tag, value.slice()]))
}

/** Over which a host and a reader speak MMS. `slip`: a serial line, and everything that is a plain stream. */
export type MmsCarrier = 'hid' | 'ble' | 'slip'

const framings: Readonly<Record<MmsCarrier, (pdu?: number) => MmsFraming>> = { hid: hidFrames, ble: bleFrames, slip: slipFrames }

/** One side of a line: it has counters of its own, so that each line wants a new one. `pdu`: bytes of a Bluetooth PDU, where the connection has not room for 244. */
export function mmsSide(carrier: MmsCarrier, self: 'host' | 'device', pdu?: number): Side<MmsMessage, MmsMessage> {
  const framing = framings[carrier](pdu)
  return {
    encode: message => framing.encode(encodeMms(message), self),
    decoder: () =>
      through(framing.decoder(), bytes => {
        const message = decodeMms(bytes)
        return message && message.from !== self ? [message] : []
      }),
  }
}
