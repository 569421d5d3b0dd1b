/** The ID TECH codec (NEO 2, ViVOtech2): the table of commands, and the two mirror-image sides. */

import type { Side } from '../../src/reader/side.ts'
import type { HidShape } from '../../src/transport/shape.ts'
import { type CrcOrder, encodeFrame, type Frame, frameDecoder } from './codec-frame.ts'

export * from './codec-frame.ts'
export * from './codec-menu.ts'
export * from './codec-payload.ts'
export * from './codec-tlv.ts'

/** Reports of 64 bytes, zeros behind the frame: a whole one, or its first, middle and last parts, by id. */
export const idtechHid: HidShape = { size: 63, ids: { single: 1, first: 2, middle: 3, last: 4 }, out: 'output' }

/** Command and sub-command by name (NEO 2 Interface Developer's Guide 80139403-002). */
const commands = {
  ping: 0x1801,
  setUi: 0x0102,
  activate: 0x0240,
  getResult: 0x0340,
  cancel: 0x0501,
  setLed: 0x0a03,
  boot: 0x1401,
  getVersion: 0x2900,
  getProductInfo: 0x2901,
  getUid: 0x2917,
  getAtr: 0x2c12,
  exchangeApdu: 0x2c13,
  powerOff: 0x2c18,
  setBaud: 0x3003,
  contactStart: 0x6010,
  contactAuthenticate: 0x6011,
  contactApplyHost: 0x6012,
  lcd: 0x6101,
  pinPad: 0x6102,
  msr: 0x6103,
  battery: 0xf002,
} as const
export type CommandName = keyof typeof commands

const names = new Map(Object.entries(commands).map(([name, code]) => [code as number, name as CommandName]))

/** First byte of a command: the answer carries it. */
export function commandByte(name: CommandName): number {
  return commands[name] >> 8
}

/** What a host says. `swapped`: the CRC is in the other order than the command's own. */
export type HostMessage =
  | { readonly type: 'command'; readonly command: CommandName; readonly data: Uint8Array; readonly swapped?: true }
  | { readonly type: 'unknown'; readonly code: number; readonly data: Uint8Array; readonly swapped?: true }

/** What a reader says: an answer, or a command of its own (61-xx), which the host answers with the same command. */
export type DeviceMessage =
  | { readonly type: 'answer'; readonly command: number; readonly status: number; readonly data: Uint8Array }
  | { readonly type: 'request'; readonly code: number; readonly data: Uint8Array }

/** Pass-through commands that have their CRC low byte first all the same, as their own tables in the guide say (pp. 279, 300). */
const lowFirst: readonly number[] = [commands.getAtr, commands.exchangeApdu, commands.powerOff]

function orderOf(code: number): CrcOrder {
  return code >> 8 === 0x2c && !lowFirst.includes(code) ? 'msb' : 'lsb'
}

const other = { lsb: 'msb', msb: 'lsb' } as const

function hostFrame(message: HostMessage): Frame {
  const code = message.type === 'command' ? commands[message.command] : message.code
  const order = orderOf(code)
  return { command: code >> 8, second: code & 0xff, data: message.data, order: message.swapped ? other[order] : order }
}

function hostMessage({ command: first, second, data, order }: Frame): HostMessage {
  const code = (first << 8) | second
  const name = names.get(code)
  const swapped = order === orderOf(code) ? {} : { swapped: true as const }
  return name ? { type: 'command', command: name, data, ...swapped } : { type: 'unknown', code, data, ...swapped }
}

function deviceFrame(message: DeviceMessage): Frame {
  if (message.type === 'answer') return { command: message.command, second: message.status, data: message.data, order: 'msb' }
  return { command: message.code >> 8, second: message.code & 0xff, data: message.data, order: 'msb' }
}

/** 61-01 to 61-03 with data are requests: a refusal of a command, which has the same bytes in front, has none. Nothing for what is no reader's: its own echo. */
function deviceMessages({ command: first, second, data, order }: Frame): DeviceMessage[] {
  const code = (first << 8) | second
  if (first === 0x61 && second >= 1 && second <= 3 && data.length > 0) return [{ type: 'request', code, data }]
  return order === 'msb' ? [{ type: 'answer', command: first, status: second, data }] : []
}

/** The host's side: a driver holds it. */
export const host: Side<HostMessage, DeviceMessage> = {
  encode: message => encodeFrame(hostFrame(message)),
  decoder() {
    const frames = frameDecoder(() => 'msb')
    return { push: chunk => frames.push(chunk).flatMap(deviceMessages), idle: () => frames.idle().flatMap(deviceMessages) }
  },
}

/** The reader's side: a virtual reader holds it. */
export const device: Side<DeviceMessage, HostMessage> = {
  encode: message => encodeFrame(deviceFrame(message)),
  decoder() {
    const frames = frameDecoder((first, second) => orderOf((first << 8) | second))
    return { push: chunk => frames.push(chunk).map(hostMessage), idle: () => frames.idle().map(hostMessage) }
  },
}

/** A command with its data, none when left out. */
export function command(name: CommandName, data: Uint8Array = new Uint8Array(0)): Extract<HostMessage, { type: 'command' }> {
  return { type: 'command', command: name, data }
}

/** Codes of what a reader asks of its host. */
export const requests = { lcd: commands.lcd, pinPad: commands.pinPad, msr: commands.msr } as const
