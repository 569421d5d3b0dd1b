/** The Miura MPI codec: the table of commands, answers and events, and the two mirror-image sides made of them. */

import { concat, fromUint, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Side } from '../../src/reader/side.ts'
import { findDeep } from '../../src/tlv/ber.ts'
import { type Address, type Block, blockDecoder, encodeBlock, type Framed, MAX_APDU } from './codec-packet.ts'
import { tags } from './codec-tags.ts'

export * from './codec-event.ts'
export * from './codec-packet.ts'
export * from './codec-reader.ts'
export * from './codec-tags.ts'
export * from './codec-transaction.ts'

/** CLA and INS by name (CommandType.java). */
const commands = {
  reset: 0xd000,
  getConfiguration: 0xd001,
  getDeviceInfo: 0xd002,
  selectFile: 0x00a4,
  readBinary: 0x00b0,
  updateBinary: 0x00d6,
  streamBinary: 0x00d7,
  systemClock: 0xd010,
  setupUsbSerial: 0xd05c,
  sendUsbSerial: 0xd05d,
  cardStatus: 0xd060,
  keyboardStatus: 0xd061,
  batteryStatus: 0xd062,
  printerStatus: 0xd063,
  peripheralStatus: 0xd0a0,
  bluetoothControl: 0xd0bc,
  cashDrawer: 0xd0d0,
  barcodeStatus: 0xd0d1,
  systemLog: 0xd0e1,
  abort: 0xd0ff,
  displayText: 0xd201,
  getNumericData: 0xd204,
  getDynamicTip: 0xd205,
  securePan: 0xd25a,
  printText: 0xd2a1,
  printImage: 0xd2a2,
  spoolPrint: 0xd2a3,
  printEscPos: 0xd2a4,
  startTransaction: 0xded1,
  continueTransaction: 0xded2,
  startContactless: 0xdec1,
  onlinePin: 0xded6,
  emvHashes: 0xde01,
  contactlessHashes: 0xdec2,
  sequenceCounter: 0xde02,
  p2peStatus: 0xeee0,
  p2peInitialise: 0xeee1,
  p2peImport: 0xeee2,
} as const
export type CommandName = keyof typeof commands

const names = new Map(Object.entries(commands).map(([name, code]) => [code as number, name as CommandName]))

export interface Command {
  readonly type: 'command'
  readonly nad: Address
  readonly command: CommandName
  readonly p1: number
  readonly p2: number
  /** At most 249 bytes: a command is one packet. */
  readonly data: Uint8Array
  /** 0–255; left out of the packet when left out here. */
  readonly le?: number
  /** What follows a `streamBinary` without framing: as many bytes as its DFA302 says. */
  readonly content?: Uint8Array
}

/** What a host says: a command of the table, or an APDU that is none of it, as it is. */
export type HostMessage = Command | { readonly type: 'unknown'; readonly nad: Address; readonly apdu: Uint8Array }

/** What a reader says: an answer to the oldest command without one, or something nobody asked for. `sw` is 9000 for success. */
export interface DeviceMessage {
  readonly type: 'answer' | 'event'
  readonly nad: Address
  readonly sw: number
  readonly body: Uint8Array
}

const LC_LIMIT = MAX_APDU - 5

function encodeHost(message: HostMessage): Uint8Array {
  const { nad } = message
  if (message.type === 'unknown') return encodeBlock({ nad, unsolicited: false, apdu: message.apdu })
  const { command, p1, p2, data, le, content } = message
  if (!Object.hasOwn(commands, command)) throw new Fault('bad-argument', `command '${command}' is not in the table`, { field: 'command' })
  if (data.length > LC_LIMIT)
    throw new Fault('bad-argument', `data of ${data.length} bytes: a command is one packet and takes ${LC_LIMIT}`, { field: 'data' })
  const apdu = concat(
    fromUint(commands[command], 2),
    fromUint(p1, 1),
    fromUint(p2, 1),
    data.length > 0 ? concat(Uint8Array.of(data.length), data) : data,
    le === undefined ? new Uint8Array(0) : fromUint(le, 1),
  )
  if (apdu.length > MAX_APDU)
    throw new Fault('bad-argument', `an APDU of ${apdu.length} bytes: a packet takes ${MAX_APDU}`, { field: 'le' })
  const packet = encodeBlock({ nad, unsolicited: false, apdu })
  return content ? concat(packet, content) : packet
}

/** Length of the data in a command APDU; undefined where its length fits no case of ISO/IEC 7816-3, 12.1 with one-byte lengths. */
function dataLength(apdu: Uint8Array): number | undefined {
  if (apdu.length === 4 || apdu.length === 5) return 0
  const lc = apdu[4]
  return apdu.length > 5 && lc > 0 && (apdu.length === 5 + lc || apdu.length === 6 + lc) ? lc : undefined
}

function decodeHost({ nad, apdu, content }: Framed): HostMessage {
  const command = names.get(uint(apdu.subarray(0, 2)))
  if (!command) return { type: 'unknown', nad, apdu }
  const length = dataLength(apdu)!
  const data = length > 0 ? apdu.slice(5, 5 + length) : new Uint8Array(0)
  const le = apdu.length - 4 - (length > 0 ? 1 + length : 0) === 1 ? apdu[apdu.length - 1] : undefined
  const [, , p1, p2] = apdu
  return { type: 'command', nad, command, p1, p2, data, ...(le !== undefined && { le }), ...(content && { content }) }
}

/** Bytes that follow a STREAM BINARY command outside of any packet (MpiProtocolSession.java, sendBinaryStream). */
function streamed({ apdu }: Block): number {
  if (uint(apdu.subarray(0, 2)) !== commands.streamBinary) return 0
  try {
    const size = findDeep(apdu.subarray(5), tags.streamSize)
    return size && size.length <= 3 ? uint(size) : 0
  } catch {
    return 0 // no TLV: the command is refused, and nothing of the kind was announced
  }
}

/** SW1 of ISO/IEC 7816-4, 5.1.3, and 9F of Miura. */
function isStatus(sw1: number): boolean {
  return sw1 === 0x90 || sw1 === 0x9f || (sw1 & 0xf0) === 0x60
}

function encodeDevice({ type, nad, sw, body }: DeviceMessage): Uint8Array {
  return encodeBlock({ nad, unsolicited: type === 'event', apdu: concat(body, fromUint(sw, 2)) })
}

function decodeDevice({ nad, unsolicited, apdu }: Framed): DeviceMessage {
  return { type: unsolicited ? 'event' : 'answer', nad, sw: uint(apdu.subarray(-2)), body: apdu.slice(0, -2) }
}

/** The host's side: a driver holds it. */
export const host: Side<HostMessage, DeviceMessage> = {
  encode: encodeHost,
  decoder() {
    const blocks = blockDecoder({ plausible: apdu => isStatus(apdu[apdu.length - 2]) })
    return { push: chunk => blocks.push(chunk).map(decodeDevice), idle: () => blocks.idle().map(decodeDevice) }
  },
}

/** The reader's side: a virtual reader holds it. */
export const device: Side<DeviceMessage, HostMessage> = {
  encode: encodeDevice,
  decoder() {
    const blocks = blockDecoder({ plausible: apdu => dataLength(apdu) !== undefined, trailing: streamed })
    return { push: chunk => blocks.push(chunk).map(decodeHost), idle: () => blocks.idle().map(decodeHost) }
  },
}

/** A command to the PED, with no data and no parameters unless given. */
export function command(name: CommandName, more: Partial<Omit<Command, 'type' | 'command'>> = {}): Command {
  return { type: 'command', nad: 0x01, command: name, p1: 0, p2: 0, data: new Uint8Array(0), ...more }
}
