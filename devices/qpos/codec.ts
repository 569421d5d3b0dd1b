/** The QPOS codec: two tables of messages, host's and reader's, and the two mirror-image sides made of them. */

import { concat, equal, fromText, text } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Side } from '../../src/reader/side.ts'
import type { BleShape } from '../../src/transport/shape.ts'
import {
  type Alignment,
  alignments,
  type DukptGroup,
  decodeDukptGroup,
  decodeMasterKey,
  decodeWorkKeys,
  encodeDukptGroup,
  encodeMasterKey,
  encodeWorkKeys,
  type ListOperation,
  listOperations,
  type MasterKey,
  type WorkKeys,
} from './codec-config.ts'
import type { EmvStart } from './codec-emv.ts'
import { decodeEmvStart, encodeEmvStart } from './codec-emv.ts'
import { Fields } from './codec-fields.ts'
import type { Frame } from './codec-frame.ts'
import { encodeFrame, frameDecoder } from './codec-frame.ts'
import type { TradeRequest } from './codec-trade.ts'
import { decodeTradeRequest, encodeTradeRequest } from './codec-trade.ts'

export * from './codec-config.ts'
export * from './codec-emv.ts'
export * from './codec-frame.ts'
export * from './codec-info.ts'
export * from './codec-nfc.ts'
export * from './codec-trade.ts'

/** Microchip's transparent UART, the radio module's own service (webBluetooth.js): 16 bytes at a time, each awaited. */
export const bleShape: BleShape = {
  service: '49535343-fe7d-4ae5-8fa9-9fafd205e455',
  write: '49535343-8841-43f4-a8d4-ecbe34729bb3',
  notify: '49535343-1e4d-4bd9-ba61-23c647249616',
  chunk: 16,
  shared: true,
  acknowledged: 'all',
}

/** CmdIDs a host sends (CmdId.js). */
const hostIds = { reset: 0x20, process: 0x21, query: 0x22, cancel: 0x28, partData: 0x36 } as const

/** CmdIDs a reader answers with (CmdId.js; 56 from Web-js-Demo). */
const deviceIds = {
  old: 0x00,
  reset: 0x20,
  waiting: 0x23,
  completed: 0x24,
  timeout: 0x25,
  destruct: 0x26,
  crcError: 0x27,
  userCancel: 0x28,
  macError: 0x29,
  iccInitError: 0x30,
  iccPowerOnError: 0x31,
  iccTradeError: 0x32,
  emvTerminated: 0x33,
  emvDenied: 0x34,
  notAvailable: 0x35,
  partData: 0x36,
  emvAppConfigError: 0x37,
  emvCapkConfigError: 0x38,
  writeDataError: 0x39,
  noWorkKey: 0x40,
  pinEntry: 0x41,
  magToIcc: 0x42,
  cardNo: 0x43,
  cardBlockedOrNoApplications: 0x44,
  selectAppFailed: 0x45,
  capkFailed: 0x46,
  fallback: 0x47,
  nfcTerminated: 0x48,
  emvKernelPc: 0x49,
  cardRemoved: 0x51,
  msrDataReady: 0x52,
  tryAnotherInterface: 0x56,
  completedEncrypted: 0x88,
  checkHaveCard: 0x89,
} as const
export type DeviceMessageType = keyof typeof deviceIds

/** The typed fields of a command, by its name. */
interface CommandFields {
  getQposId: unknown
  getQposInfo: unknown
  doTrade: { readonly request: TradeRequest }
  startEmv: { readonly start: EmvStart }
  selectEmvApp: { readonly index: number }
  /** TLV with 8A, 91, 71/72: see `encodeOnlineResult`. */
  onlineResult: { readonly tlv: Uint8Array }
  /** `tags` as one byte string; no tags asks for all there is (the batch data of a tap: card type 1). */
  getIccTag: { readonly cardType: number; readonly tagCount: number; readonly tags: Uint8Array }
  /** In clear. Answer: `decodeNfcActivated`. */
  nfcPowerOn: unknown
  /** The command as the card is to get it. Answer: `decodeNfcResponse`. */
  nfcApdu: { readonly apdu: Uint8Array }
  nfcPowerOff: unknown
  /** The list of applications, or of CA keys: `encodeRecord` for those that take one. */
  appConfig: ListChange
  capkConfig: ListChange
  /** Enciphered under the master key that is there. */
  setMasterKey: { readonly key: MasterKey }
  updateWorkKeys: { readonly keys: WorkKeys }
  updateIpek: { readonly keys: DukptGroup }
  /** Latin-1. */
  displayText: { readonly text: string; readonly align: Alignment }
}

interface ListChange {
  readonly operation: ListOperation
  readonly record: Uint8Array
}
export type CommandName = keyof CommandFields

interface CommandRow<F> {
  readonly code: number
  readonly sub: number
  readonly write: (fields: F) => Uint8Array
  /** Throws a Fault where the data is not of this layout. */
  readonly read: (data: Uint8Array) => F
}

const empty = new Uint8Array(0)
const noData = { write: () => empty, read: () => ({}) }

const commands: { readonly [C in CommandName]: CommandRow<CommandFields[C]> } = {
  getQposId: { code: 0x10, sub: 0x00, ...noData },
  getQposInfo: { code: 0x11, sub: 0x30, ...noData },
  doTrade: {
    code: 0x16,
    sub: 0x20,
    write: ({ request }) => encodeTradeRequest(request),
    read: data => ({ request: decodeTradeRequest(data) }),
  },
  startEmv: { code: 0x16, sub: 0x30, write: ({ start }) => encodeEmvStart(start), read: data => ({ start: decodeEmvStart(data) }) },
  selectEmvApp: {
    code: 0x16,
    sub: 0x31,
    write: ({ index }) => Uint8Array.of(index),
    read: data => ({ index: new Fields(data, 'selectEmvApp').byte('index') }),
  },
  onlineResult: { code: 0x16, sub: 0x40, write: ({ tlv }) => tlv, read: data => ({ tlv: data }) },
  getIccTag: {
    code: 0x16,
    sub: 0x51,
    write: ({ cardType, tagCount, tags }) => Uint8Array.of(0, cardType, cardType, tagCount, ...(tags.length > 0 ? tags : [0])),
    read: data => {
      const [, cardType, , tagCount, ...tags] = data
      return { cardType, tagCount, tags: Uint8Array.from(tags.length === 1 && tags[0] === 0 ? [] : tags) }
    },
  },
  nfcPowerOn: { code: 0x17, sub: 0x00, write: () => Uint8Array.of(0), read: () => ({}) },
  nfcApdu: { code: 0x17, sub: 0x10, write: ({ apdu }) => apdu, read: data => ({ apdu: data }) },
  nfcPowerOff: { code: 0x17, sub: 0x20, ...noData },
  appConfig: { code: 0x17, sub: 0xa0, write: writeListChange, read: readListChange },
  capkConfig: { code: 0x17, sub: 0xa1, write: writeListChange, read: readListChange },
  setMasterKey: { code: 0x10, sub: 0xe2, write: ({ key }) => encodeMasterKey(key), read: data => ({ key: decodeMasterKey(data) }) },
  updateWorkKeys: { code: 0x10, sub: 0xf0, write: ({ keys }) => encodeWorkKeys(keys), read: data => ({ keys: decodeWorkKeys(data) }) },
  updateIpek: { code: 0x10, sub: 0xf2, write: ({ keys }) => encodeDukptGroup(keys), read: data => ({ keys: decodeDukptGroup(data) }) },
  displayText: {
    code: 0x41,
    sub: 0x10,
    write: ({ text: words, align }) => concat(Uint8Array.of(alignments[align]), fromText(words), Uint8Array.of(0)),
    read: data => {
      const align = (Object.keys(alignments) as Alignment[]).find(name => alignments[name] === data[0])
      if (!align) throw new Fault('protocol', `alignment ${data[0]} is not known`, { field: 'align' })
      return { align, text: text(data.subarray(1, -1)) }
    },
  },
}

function writeListChange({ operation, record }: ListChange): Uint8Array {
  return concat(Uint8Array.of(listOperations[operation]), record)
}

function readListChange(data: Uint8Array): ListChange {
  const operation = (Object.keys(listOperations) as ListOperation[]).find(name => listOperations[name] === data[0])
  if (!operation) throw new Fault('protocol', `operation ${data[0]} is not known`, { field: 'operation' })
  return { operation, record: data.subarray(1) }
}

/** The code and sub-code of a command: an answer carries those of what it answers. */
export function commandCode(command: CommandName): { readonly code: number; readonly sub: number } {
  const { code, sub } = commands[command]
  return { code, sub }
}

type Command = {
  readonly [C in CommandName]: { readonly type: 'command'; readonly command: C; readonly delay: number } & CommandFields[C]
}[CommandName]

/** A frame in full, for what the tables do not know or the layouts do not fit. */
interface Raw {
  readonly type: 'raw'
  readonly id: number
  readonly code: number
  readonly sub: number
  readonly data: Uint8Array
}

/** What a host says. `delay` is the reader's time in seconds; 90 for query and partData, 5 for cancel, 15 for reset when left out. */
export type HostMessage =
  | Command
  | { readonly type: 'query' | 'partData' | 'cancel' | 'reset'; readonly delay?: number }
  | (Raw & { readonly delay: number })

/** What a reader says: the outcome by name, the command it answers, result 0 for success, and data (`decode…` by command). */
export type DeviceMessage =
  | {
      readonly type: DeviceMessageType
      readonly code: number
      readonly sub: number
      readonly result: number
      readonly data: Uint8Array
    }
  | (Raw & { readonly result: number })

/** Delays of the requests without a command, as the vendor's demos send them. */
const controlDelays = { query: 0x5a, partData: 0x5a, cancel: 0x05, reset: 0x0f } as const
type Control = keyof typeof controlDelays

function isControl(message: HostMessage): message is Extract<HostMessage, { type: Control }> {
  return message.type in controlDelays
}

function hostFrame(message: HostMessage): Frame {
  if (message.type === 'raw') return { ...message, parameter: message.delay }
  if (isControl(message)) {
    const { type, delay = controlDelays[type] } = message
    return { id: hostIds[type], code: 0, sub: 0, parameter: delay, data: empty }
  }
  const row: Pick<CommandRow<never>, 'code' | 'sub' | 'write'> | undefined = commands[message.command]
  if (!row) throw new Fault('bad-argument', `command '${message.command}' is not in the table`, { field: 'command' })
  return { id: hostIds.process, code: row.code, sub: row.sub, parameter: message.delay, data: row.write(message as never) }
}

function hostMessage(frame: Frame): HostMessage {
  const { id, code, sub, parameter: delay, data } = frame
  const raw: HostMessage = { type: 'raw', id, code, sub, delay, data }
  const typed = id === hostIds.process ? readCommand(frame) : readControl(frame)
  // Typed only where nothing is lost: what would not be written the same way stays raw.
  return typed && equal(encodeQuietly(typed), encodeFrame(frame)) ? typed : raw
}

function readControl({ id, parameter }: Frame): HostMessage | undefined {
  const type = (Object.keys(controlDelays) as Control[]).find(name => hostIds[name] === id)
  return type && { type, delay: parameter }
}

function readCommand({ code, sub, parameter, data }: Frame): HostMessage | undefined {
  const command = (Object.keys(commands) as CommandName[]).find(name => commands[name].code === code && commands[name].sub === sub)
  if (!command) return undefined
  try {
    return { type: 'command', command, delay: parameter, ...(commands[command].read(data) as object) } as Command
  } catch {
    return undefined // not of the layout: the caller keeps it raw
  }
}

function encodeQuietly(message: HostMessage): Uint8Array {
  try {
    return encodeFrame(hostFrame(message))
  } catch {
    return empty // a field was read that may not be written
  }
}

const deviceTypes = new Map(Object.entries(deviceIds).map(([type, id]) => [id as number, type as DeviceMessageType]))

function deviceFrame(message: DeviceMessage): Frame {
  const { code, sub, result, data } = message
  return { id: message.type === 'raw' ? message.id : deviceIds[message.type], code, sub, parameter: result, data }
}

function deviceMessage({ id, code, sub, parameter: result, data }: Frame): DeviceMessage {
  const type = deviceTypes.get(id)
  return type ? { type, code, sub, result, data } : { type: 'raw', id, code, sub, result, data }
}

function side<Out, In>(toFrame: (message: Out) => Frame, fromFrame: (frame: Frame) => In): Side<Out, In> {
  return {
    encode: message => encodeFrame(toFrame(message)),
    decoder() {
      const frames = frameDecoder()
      return { push: chunk => frames.push(chunk).map(fromFrame), idle: () => frames.idle().map(fromFrame) }
    },
  }
}

/** The host's side: a driver holds it. */
export const host: Side<HostMessage, DeviceMessage> = side(hostFrame, deviceMessage)
/** The reader's side: a virtual reader holds it. */
export const device: Side<DeviceMessage, HostMessage> = side(deviceFrame, hostMessage)

/** Whether an uplink 41 asks for the offline PIN: data[0] is neither absent nor 0 (QPOSAnalyResult.js). */
export function isOfflinePin(data: Uint8Array): boolean {
  return data.length > 0 && data[0] !== 0
}
