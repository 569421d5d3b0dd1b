/** What a reader tells of itself, and its files: software, battery, SELECT FILE, STREAM BINARY, READ BINARY. */

import { concat, fromText, fromUint, text, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { MAX_DEPTH, write } from '../../src/tlv/ber.ts'
import { must, objectsOf, tags, tagsOf, template } from './codec-tags.ts'

/** P1 of RESET (ResetDeviceType.java). */
export const resets = { soft: 0x00, hard: 0x01, clearFiles: 0x02, reinitialise: 0x03 } as const

/** One piece of software or one file of configuration: DF0D and DF7F. */
export interface Versioned {
  readonly name: string
  /** Left out where the reader has none. */
  readonly version?: string
}

/** The answer to RESET: 9F1E, then an EF for the application and one for the system. */
export interface SoftwareInfo {
  readonly serial: string
  readonly software: readonly Versioned[]
}

function versioned({ name, version }: Versioned): [number, Uint8Array][] {
  const id: [number, Uint8Array] = [tags.identifier, fromText(name)]
  return version === undefined ? [id] : [id, [tags.version, fromText(version)]]
}

export function encodeSoftwareInfo({ serial, software }: SoftwareInfo): Uint8Array {
  return write(tags.responseData, [
    write(0x9f1e, fromText(serial)),
    ...software.map(one => template(tags.softwareInformation, versioned(one))),
  ])
}

/** The second DF0D of a template without DF7F is the version: RPI 1-1 sends it so (MpiClient.java). @throws Fault `protocol` */
export function decodeSoftwareInfo(body: Uint8Array): SoftwareInfo {
  const what = 'software information'
  const objects = objectsOf(must(tagsOf(body, what), tags.responseData, what), what)
  const serial = objects.find(({ tag }) => tag === 0x9f1e)?.value
  if (!serial) throw new Fault('protocol', `${what}: no 9F1E`, { field: '9F1E' })
  const software = objects
    .filter(({ tag }) => tag === tags.softwareInformation)
    .map(({ value }) => {
      const own = objectsOf(value, what)
      const [name, second] = own.filter(({ tag }) => tag === tags.identifier)
      const version = own.find(({ tag }) => tag === tags.version) ?? second
      return { name: text(name?.value ?? new Uint8Array(0)), ...(version && { version: text(version.value) }) }
    })
  return { serial: text(serial), software }
}

/** GET CONFIGURATION: an ED for each file, as the answer to RESET has an EF. */
export function encodeConfiguration(files: readonly Versioned[]): Uint8Array {
  return write(
    tags.responseData,
    files.map(one => template(tags.configurationInformation, versioned(one))),
  )
}

/** Names and versions in their order, whatever templates they are in (MpiClient.java, getConfiguration). @throws Fault `protocol` */
export function decodeConfiguration(body: Uint8Array): Versioned[] {
  const files: { name: string; version?: string }[] = []
  const collect = (bytes: Uint8Array, depth: number) => {
    if (depth > MAX_DEPTH) throw new Fault('protocol', `configuration: templates nest deeper than ${MAX_DEPTH}`)
    for (const { tag, value } of objectsOf(bytes, 'configuration')) {
      if (tag === tags.identifier) files.push({ name: text(value) })
      else if (tag === tags.version && files.length > 0) files[files.length - 1].version = text(value)
      else if (tag === tags.responseData || tag === tags.configurationInformation || tag === tags.softwareInformation)
        collect(value, depth + 1)
    }
  }
  collect(body, 0)
  return files
}

/** DFA209 (ChargingStatus.java). */
export const chargingCodes = { battery: 0x00, charging: 0x01, charged: 0x02, fault: 0xf0, timer: 0xf1, unhandled: 0xf2 } as const
export interface BatteryInfo {
  /** One of `chargingCodes`, or another. */
  readonly charging: number
  readonly percent: number
}

export function encodeBattery({ charging, percent }: BatteryInfo): Uint8Array {
  return template(tags.responseData, [
    [tags.charging, Uint8Array.of(charging)],
    [tags.battery, Uint8Array.of(percent)],
  ])
}

/** @throws Fault `protocol` */
export function decodeBattery(body: Uint8Array): BatteryInfo {
  const found = tagsOf(body, 'battery')
  return { charging: must(found, tags.charging, 'battery')[0], percent: must(found, tags.battery, 'battery')[0] }
}

/** DFAE01 of P2PE STATUS (P2PEStatus.java, MpiClient.java): bit 0 initialised, bit 1 an online PIN key, bit 2 a key for card data (SRED). */
export interface P2peStatus {
  readonly initialised: boolean
  readonly pinKey: boolean
  readonly dataKey: boolean
}

export function encodeP2peStatus({ initialised, pinKey, dataKey }: P2peStatus): Uint8Array {
  const bits = (initialised ? 1 : 0) | (pinKey ? 2 : 0) | (dataKey ? 4 : 0)
  return template(tags.responseData, [[tags.p2peStatus, Uint8Array.of(bits)]])
}

/** @throws Fault `protocol` */
export function decodeP2peStatus(body: Uint8Array): P2peStatus {
  const [bits] = must(tagsOf(body, 'P2PE status'), tags.p2peStatus, 'P2PE status')
  return { initialised: (bits & 1) !== 0, pinKey: (bits & 2) !== 0, dataKey: (bits & 4) !== 0 }
}

/** P1 of SELECT FILE (SelectFileMode.java). The answer is the size of the file, 80. */
export const selectModes = { append: 0x00, truncate: 0x01, appendWithMd5: 0x80 } as const

export function encodeFileSize(size: number): Uint8Array {
  return template(tags.responseData, [[tags.fileSize, fromUint(size, 4)]])
}

/** @throws Fault `protocol` */
export function decodeFileSize(body: Uint8Array): number {
  const size = must(tagsOf(body, 'file'), tags.fileSize, 'file')
  if (size.length > 6) throw new Fault('protocol', `file: a size of ${size.length} bytes`)
  return uint(size)
}

/** Where a block of a file goes (E0 with DFA301–DFA303); its bytes follow the packet. */
export interface StreamBlock {
  readonly offset: number
  readonly size: number
  /** DFA303: 100 in the vendor's own code; of seconds, it seems. */
  readonly timeout: number
}

/** @throws Fault `bad-argument` beyond 24 bits */
export function encodeStreamBlock({ offset, size, timeout }: StreamBlock): Uint8Array {
  return template(tags.commandData, [
    [tags.streamOffset, fromUint(offset, 3)],
    [tags.streamSize, fromUint(size, 3)],
    [tags.streamTimeout, fromUint(timeout, 1)],
  ])
}

/** @throws Fault `protocol` */
export function decodeStreamBlock(data: Uint8Array): StreamBlock {
  const what = 'stream'
  const found = tagsOf(data, what)
  const number = (tag: number) => {
    const value = must(found, tag, what)
    if (value.length > 3) throw new Fault('protocol', `${what}: ${value.length} bytes for a number`)
    return uint(value)
  }
  return { offset: number(tags.streamOffset), size: number(tags.streamSize), timeout: number(tags.streamTimeout) }
}

/** P1, P2 and data of READ BINARY: 15 bits of offset in P1 and P2, or 23 with the last byte in the data. @throws Fault `bad-argument` beyond */
export function readBinaryAt(offset: number): { readonly p1: number; readonly p2: number; readonly data: Uint8Array } {
  if (offset <= 0x7fff) return { p1: offset >> 8, p2: offset & 0xff, data: new Uint8Array(0) }
  if (offset > 0x7fffff) throw new Fault('bad-argument', `offset ${offset} does not fit 23 bits`, { field: 'offset' })
  return { p1: 0x80 | (offset >> 16), p2: (offset >> 8) & 0xff, data: Uint8Array.of(offset & 0xff) }
}

export function readBinaryOffset({ p1, p2, data }: { readonly p1: number; readonly p2: number; readonly data: Uint8Array }): number {
  return p1 < 0x80 ? uint(Uint8Array.of(p1, p2)) : uint(concat(Uint8Array.of(p1 & 0x7f, p2), data.subarray(0, 1)))
}

/** P1 of CARD STATUS: what is reported, and that it is reported without being asked again. */
export const cardReports = { unsolicited: 0x01, atr: 0x02, track1: 0x04, track2: 0x08, track3: 0x10 } as const
/** P1 of DISPLAY TEXT: four rows, or the one large. P2. */
export const displayFlags = { large: 0x01, backlight: 0x01, utf8: 0x80 } as const
