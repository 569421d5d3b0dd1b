/** The MPED codec of BluePad readers: the line that both sides share, two tables of messages, and the mirror-image sides made of them. */

import { concat, fromText, fromUint, hex, text } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Side } from '../../src/reader/side.ts'
import type { BleShape } from '../../src/transport/shape.ts'
import { Fields } from './codec-fields.ts'
import { assembler, framesOf, line } from './codec-frame.ts'
import {
  type DeviceAnswers,
  type DeviceRequests,
  deviceAnswers,
  deviceRequests,
  HEAD,
  type HostAnswers,
  type HostRequests,
  hostAnswers,
  hostRequests,
  isAnswer,
  payloadLength,
  STATUS,
} from './codec-messages.ts'

export * from './codec-emv2.ts'
export * from './codec-frame.ts'
export * from './codec-host.ts'
export type { DeviceAnswers, DeviceRequests, Finance, FinanceAnswer, HostAnswers, HostRequests, InitAnswer } from './codec-messages.ts'
export { payloadLength } from './codec-messages.ts'
export * from './codec-session.ts'
export * from './codec-status.ts'
export * from './codec-xml.ts'

/** Datecs' own service (BluetoothLeConnector of com.datecs.pinpaddemo): 19 bytes at a time, every 20th awaited; the device's name wakes the pinpad. */
export const bleShape: BleShape = {
  service: 'd839fc3c-84dd-4c36-9126-187b07255125',
  write: 'b378db85-4ec3-4daa-828e-1b99607bd6a0',
  notify: '1f6b14c9-97fa-4f1e-aaa6-7e152fdd04f4',
  chunk: 19,
  shared: false,
  acknowledged: 20,
  opening: [{ characteristic: 'f953144b-e33a-4079-b202-e3d7c1f3dbb0', value: 'device-name' }],
}

type Messages<T> = { readonly [K in keyof T]: { readonly type: K } & T[K] }[keyof T]

/** A payload in full, for what the tables do not know or the layouts do not fit. */
export interface Raw {
  readonly type: 'raw'
  readonly payload: Uint8Array
}

/** What a host says: its requests, and its answers to those of the reader. */
export type HostMessage = Messages<HostRequests> | Messages<HostAnswers> | Raw
/** What a reader says: its answers, its events, and what it wants of the host. */
export type DeviceMessage = Messages<DeviceAnswers> | Messages<DeviceRequests> | Raw

/** A side whose messages are acknowledged frame by frame: a session needs the frames of one message, and what a payload means. */
export interface MpedSide<Out, In> extends Side<Out, In> {
  /** `max`: the largest frame that the peer takes; 200 when left out. @throws Fault `bad-argument` */
  frames(message: Out, max?: number): Uint8Array[]
  read(payload: Uint8Array): In
}

/** Any of the tables: what fits which row is known where the message is made. */
type Table = Readonly<Record<string, { readonly id: string; write(fields: never): Uint8Array; read(data: Fields): unknown }>>

function payloadOf(table: Table, message: { readonly type: string; readonly status?: number }): Uint8Array {
  if (message.type === 'raw') return (message as Raw).payload
  const row = Object.hasOwn(table, message.type) ? table[message.type] : undefined
  if (!row) throw new Fault('bad-argument', `message '${message.type}' is not in the table`, { field: 'type' })
  const data = row.write(message as never)
  const status = isAnswer(row.id) ? hex(fromUint(message.status ?? 0, 2)) : ''
  return concat(fromText(row.id + status + hex(fromUint(data.length, 3))), data)
}

function messageOf(table: Table, payload: Uint8Array): { readonly type: string } {
  const raw: Raw = { type: 'raw', payload }
  const id = text(payload.subarray(0, 4))
  const type = Object.keys(table).find(name => table[name].id === id)
  const own = HEAD + (isAnswer(id) ? STATUS : 0)
  if (type === undefined || payloadLength(payload) !== payload.length) return raw
  const status = text(payload.subarray(4, 8))
  if (isAnswer(id) && !/^[0-9A-Fa-f]{4}$/.test(status)) return raw
  try {
    const fields = table[type].read(new Fields(payload.subarray(own), id))
    return { type, ...(isAnswer(id) && { status: Number.parseInt(status, 16) }), ...(fields as object) }
  } catch {
    return raw // not of the layout
  }
}

function side<Out extends { readonly type: string }, In>(said: Table, heard: Table): MpedSide<Out, In> {
  const frames = (message: Out, max?: number) => framesOf(payloadOf(said, message), max)
  const read = (payload: Uint8Array) => messageOf(heard, payload) as In
  return {
    frames,
    read,
    encode: message => concat(...frames(message)),
    decoder() {
      const items = line.decoder()
      const assemble = assembler(payloadLength)
      const messages = (found: ReturnType<typeof items.push>) =>
        found.flatMap(item => {
          const payload = item.type === 'frame' ? assemble(item.data, item.last) : undefined
          return payload ? [read(payload)] : []
        })
      return { push: chunk => messages(items.push(chunk)), idle: () => messages(items.idle()) }
    },
  }
}

const hostTable: Table = { ...hostRequests, ...hostAnswers }
const deviceTable: Table = { ...deviceAnswers, ...deviceRequests }

/** The host's side: a driver holds it. */
export const host: MpedSide<HostMessage, DeviceMessage> = side(hostTable, deviceTable)
/** The reader's side: a virtual reader holds it. */
export const device: MpedSide<DeviceMessage, HostMessage> = side(deviceTable, hostTable)
