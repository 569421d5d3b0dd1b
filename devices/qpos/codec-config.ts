/** QPOS configuration: the TLV records of applications (17 A0) and CA keys (17 A1), and the payloads that load keys (10 E2, 10 F0, 10 F2). */

import { concat, hex } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { read, tagHex, write } from '../../src/tlv/ber.ts'
import { Fields } from './codec-fields.ts'

/** What is done with a list of applications or keys (readers.md 1.1.5). */
export const listOperations = { clear: 1, add: 2, remove: 3, list: 4, update: 5, get: 6 } as const
export type ListOperation = keyof typeof listOperations

/** Vendor's tags of an application record, beside EMV's own (emv_profile_tlv_qpos_mini.xml). Amounts are n 12, percentages n 2. */
export const appTags = {
  selection: 0xdf01,
  tacDefault: 0xdf11,
  tacOnline: 0xdf12,
  tacDenial: 0xdf13,
  ddol: 0xdf14,
  threshold: 0xdf15,
  maximumPercentage: 0xdf16,
  targetPercentage: 0xdf17,
  tapFloorLimit: 0xdf19,
  tapLimit: 0xdf20,
  cvmLimit: 0xdf21,
  statusCheck: 0xdf75,
  tdol: 0xdf76,
  tapCvmLimit: 0xdf78,
  tapCapabilities: 0xdf79,
  tapAdditionalCapabilities: 0xdf7a,
  /** Data objects of the contactless kernel. */
  kernelSpace: 0x7f10,
} as const

/** Vendor's tags of a CA key record; RID is 9F06, the index 9F22. */
export const capkTags = { modulus: 0xdf02, checksum: 0xdf03, exponent: 0xdf04, expires: 0xdf05, hash: 0xdf06, algorithm: 0xdf07 } as const

/** The most that one record may have on platforms before 4.0, in bytes (readers.md 1.1.5: 670 and 288 on older ones, 384 on newer). */
export const MAX_RECORD = 384

export type ConfigRecord = ReadonlyMap<number, Uint8Array>

/** @throws Fault `bad-config` where the record is larger than a reader takes */
export function encodeRecord(record: ConfigRecord): Uint8Array {
  const bytes = concat(...[...record].map(([tag, value]) => write(tag, value)))
  if (bytes.length > MAX_RECORD) {
    const path = hex(record.get(0x9f06) ?? new Uint8Array(0))
    throw new Fault('bad-config', `${path}: the record has ${bytes.length} bytes, a QPOS takes ${MAX_RECORD}`, {
      path,
      rule: `${MAX_RECORD} bytes`,
    })
  }
  return bytes
}

/** @throws Fault `protocol` where it is no TLV, or has a tag twice */
export function decodeRecord(bytes: Uint8Array): ConfigRecord {
  const record = new Map<number, Uint8Array>()
  try {
    for (const { tag, value } of read(bytes, { ff: 'tag' })) {
      if (record.has(tag)) throw new Fault('tlv', `${tagHex(tag)} is there twice`)
      record.set(tag, value)
    }
  } catch (cause) {
    throw new Fault('protocol', 'a configuration record is no list of different data objects', { field: 'record' }, { cause })
  }
  return record
}

/** A key under another, and its check value: 8 bytes, the encryption of zeros under the clear key. */
export interface LoadedKey {
  readonly key: Uint8Array
  readonly kcv: Uint8Array
}

/** The DUKPT keys of one group: for tracks, EMV data and PIN. */
export interface DukptGroup {
  /** 0–9. */
  readonly group: number
  readonly keys: readonly [track: DukptKey, emv: DukptKey, pin: DukptKey]
}
export interface DukptKey extends LoadedKey {
  /** Initial key serial number, 10 bytes. `key` is the IPEK, 16 bytes. */
  readonly ksn: Uint8Array
}

export interface MasterKey extends LoadedKey {
  /** 0–4. */
  readonly index: number
}

/** Working keys under a master key: PIN, track, MAC. */
export interface WorkKeys {
  readonly index: number
  readonly pin: LoadedKey
  readonly track: LoadedKey
  readonly mac: LoadedKey
}

const KSN = 10
const KEY = 16
const KCV = 8

function sized(field: string, value: Uint8Array, length: number): Uint8Array {
  if (value.length !== length) throw new Fault('bad-argument', `${field} has ${value.length} bytes, the rule is ${length}`, { field })
  return value
}

const keyBytes = (field: string, { key, kcv }: LoadedKey) => concat(sized(field, key, KEY), sized(`${field} kcv`, kcv, KCV))
const indexByte = (field: string, value: number, most: number) => {
  if (!Number.isInteger(value) || value < 0 || value > most)
    throw new Fault('bad-argument', `${field} ${value} is not 0 to ${most}`, { field })
  return Uint8Array.of(value)
}

/** @throws Fault `bad-argument` */
export function encodeDukptGroup({ group, keys }: DukptGroup): Uint8Array {
  const parts = keys.map((one, at) => concat(sized(`ksn ${at}`, one.ksn, KSN), keyBytes(`key ${at}`, one)))
  return concat(Uint8Array.of(0, 0), indexByte('group', group, 9), ...parts)
}

/** @throws Fault `protocol` */
export function decodeDukptGroup(data: Uint8Array): DukptGroup {
  const fields = new Fields(data, 'DUKPT keys')
  fields.take(2, 'reserved')
  const group = fields.byte('group')
  const one = (name: string) => ({ ksn: fields.take(KSN, `${name} KSN`), ...keyOf(fields, name) })
  return { group, keys: [one('track'), one('emv'), one('pin')] }
}

/** @throws Fault `bad-argument` */
export function encodeMasterKey({ index, ...key }: MasterKey): Uint8Array {
  return concat(keyBytes('master key', key), indexByte('index', index, 4))
}

/** @throws Fault `protocol` */
export function decodeMasterKey(data: Uint8Array): MasterKey {
  const fields = new Fields(data, 'master key')
  return { ...keyOf(fields, 'key'), index: fields.byte('index') }
}

/** @throws Fault `bad-argument` */
export function encodeWorkKeys({ index, pin, track, mac }: WorkKeys): Uint8Array {
  const each = [
    ['pin key', pin],
    ['track key', track],
    ['mac key', mac],
  ] as const
  return concat(...each.map(([field, key]) => concat(Uint8Array.of(KEY + KCV), keyBytes(field, key))), indexByte('index', index, 4))
}

/** @throws Fault `protocol` */
export function decodeWorkKeys(data: Uint8Array): WorkKeys {
  const fields = new Fields(data, 'work keys')
  const one = (name: string) => keyOf(new Fields(fields.lv(name), name), name)
  const [pin, track, mac] = [one('pin key'), one('track key'), one('mac key')]
  return { pin, track, mac, index: fields.byte('index') }
}

function keyOf(fields: Fields, name: string): LoadedKey {
  return { key: fields.take(KEY, name), kcv: fields.take(KCV, `${name} check value`) }
}

/** Where a text stands on the display (41 10). */
export const alignments = { left: 0x00, right: 0x20, centre: 0x40, none: 0x80 } as const
export type Alignment = keyof typeof alignments
