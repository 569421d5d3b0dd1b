/** What of the Host Controller Interface a virtual controller speaks: opcodes, error codes, events (Bluetooth Core 5.4, Vol 4, Part E; Vol 1, Part F). */

import { concat } from '../../src/bytes.ts'
import { h4 } from '../../src/transport/ble/h4.ts'

/** Opcodes: group << 10 | command. */
export const op = {
  disconnect: 0x0406,
  readRemoteVersion: 0x041d,
  setEventMask: 0x0c01,
  reset: 0x0c03,
  readLeHostSupport: 0x0c6c,
  readLocalVersion: 0x1001,
  readLocalCommands: 0x1002,
  readLocalFeatures: 0x1003,
  readLocalExtendedFeatures: 0x1004,
  readBufferSize: 0x1005,
  readAddress: 0x1009,
  readRssi: 0x1405,
  leReadBufferSize: 0x2002,
  leReadLocalFeatures: 0x2003,
  leSetRandomAddress: 0x2005,
  leSetAdvertisingParameters: 0x2006,
  leReadAdvertisingPower: 0x2007,
  leSetAdvertisingData: 0x2008,
  leSetScanResponse: 0x2009,
  leSetAdvertisingEnable: 0x200a,
  leSetScanParameters: 0x200b,
  leSetScanEnable: 0x200c,
  leCreateConnection: 0x200d,
  leCancelConnection: 0x200e,
  leReadAcceptListSize: 0x200f,
  leUpdateConnection: 0x2013,
  leReadRemoteFeatures: 0x2016,
  leRandom: 0x2018,
  leStartEncryption: 0x2019,
  leLongTermKeyReply: 0x201a,
  leLongTermKeyNegativeReply: 0x201b,
  leReadSupportedStates: 0x201c,
  leSetDataLength: 0x2022,
  leReadDefaultDataLength: 0x2023,
  leReadResolvingListSize: 0x202a,
  leReadMaximumDataLength: 0x202f,
} as const

/** Commands that change nothing here; a kernel sends them when it starts an adapter. */
export const accepted: ReadonlySet<number> = new Set([
  ...[op.setEventMask, 0x0c05, 0x0c13, 0x0c16, 0x0c45, 0x0c52, 0x0c56, 0x0c63, 0x0c6d, 0x0c7a],
  ...[0x2001, 0x2010, 0x2011, 0x2012, 0x2024, 0x2027, 0x2028, 0x2029, 0x202d, 0x202e, 0x2031],
])

/** Error codes (Vol 1, Part F). */
export const status = {
  ok: 0x00,
  unknownCommand: 0x01,
  unknownConnection: 0x02,
  authenticationFailure: 0x05,
  connectionTimeout: 0x08,
  commandDisallowed: 0x0c,
  remoteUserTerminated: 0x13,
  localHostTerminated: 0x16,
  connectionFailed: 0x3e,
} as const

/** `ADV_IND` and `ADV_SCAN_IND` are answered to an active scan. */
export const advertising = { connectable: 0x00, directed: 0x01, scannable: 0x02, plain: 0x03, scanResponse: 0x04 } as const

export const u16 = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >> 8) & 0xff)
export const readU16 = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8)

type Part = number | Uint8Array
const bytesOf = (parts: readonly Part[]) => concat(...parts.map(part => (typeof part === 'number' ? Uint8Array.of(part & 0xff) : part)))

export const event = {
  disconnected: (handle: number, reason: number) => packet(0x05, [status.ok, u16(handle), reason]),
  encryption: (handle: number, result: number) => packet(0x08, [result, u16(handle), result === status.ok ? 1 : 0]),
  remoteVersion: (handle: number) => packet(0x0c, [status.ok, u16(handle), 0x09, u16(0xffff), u16(0)]),
  complete: (opcode: number, returned: readonly Part[]) => packet(0x0e, [1, u16(opcode), ...returned]),
  status: (opcode: number, code: number) => packet(0x0f, [code, 1, u16(opcode)]),
  completedPackets: (handle: number, count: number) => packet(0x13, [1, u16(handle), u16(count)]),
  le: (subevent: number, parts: readonly Part[]) => packet(0x3e, [subevent, ...parts]),
} as const

function packet(code: number, parts: readonly Part[]): Uint8Array {
  const body = bytesOf(parts)
  return concat(Uint8Array.of(h4.event, code, body.length), body)
}
