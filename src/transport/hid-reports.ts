/** How the bytes of a Link lie in HID reports (ids, padding, records), for both ends of the cable. */

import { concat } from '../bytes.ts'
import type { HidShape } from './shape.ts'

export interface Report {
  /** 0 where the device numbers none. */
  readonly id: number
  readonly data: Uint8Array
}

/** Where a device numbers one report it numbers them all (Device Class Definition for HID 1.11, 5.6). */
export function numbersReports({ ids, inputs = [] }: HidShape): boolean {
  return (ids !== undefined && ids.single !== 0) || inputs.some(({ id }) => id !== 0)
}

/** The largest piece that one send() of the host takes: only reports that say first, middle and last carry more than one. */
export function hostMtu({ size, ids, out }: HidShape): number {
  return ids && out === 'output' ? Number.POSITIVE_INFINITY : size
}

/** One send() as the reports that carry it, each padded to `size`. */
export function reportsOf(bytes: Uint8Array, { size, ids = unnumbered }: HidShape): Report[] {
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, i) => {
    const id = count === 1 ? ids.single : i === 0 ? ids.first : i === count - 1 ? ids.last : ids.middle
    return { id, data: padded(bytes.subarray(i * size, (i + 1) * size), size) }
  })
}

const unnumbered = { single: 0, first: 0, middle: 0, last: 0 }

/** `bytes` with zeros after them. */
export function padded(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length >= size) return bytes
  const report = new Uint8Array(size)
  report.set(bytes)
  return report
}

/** What an input report, with its id where there are ids, is to the host's codec. */
export function heard(report: Uint8Array, shape: HidShape): Uint8Array {
  const withId = numbersReports(shape)
  const data = withId ? report.subarray(1) : report
  return shape.tagged ? record(withId ? report[0] : 1, data) : data
}

/** channel (1) · length (2, big-endian) · bytes: see `Channel`. */
export function record(channel: number, bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(channel, bytes.length >> 8, bytes.length & 0xff), bytes)
}

/** Takes records out of a stream whose chunk boundaries mean nothing. */
export function recordReader(): (chunk: Uint8Array) => { readonly channel: number; readonly bytes: Uint8Array }[] {
  let rest: Uint8Array = new Uint8Array()
  return chunk => {
    rest = concat(rest, chunk)
    const records = []
    while (rest.length >= 3) {
      const end = 3 + ((rest[1] << 8) | rest[2])
      if (rest.length < end) break
      records.push({ channel: rest[0], bytes: rest.slice(3, end) })
      rest = rest.subarray(end)
    }
    return records
  }
}

/** Sizes of the input reports by id. */
export function inputSizes({ size, ids = unnumbered, inputs }: HidShape): ReadonlyMap<number, number> {
  if (inputs) return new Map(inputs.map(one => [one.id, one.size]))
  return new Map([ids.single, ids.first, ids.middle, ids.last].map(id => [id, size]))
}

/**
 * Puts input reports together again that come as the packets of their pipe, as by libusb, whose interface knows no reports. A report ends with its last byte, or
 * with a short packet (USB 2.0, 5.7.3): one that is shorter than the first, or as long as no pipe's packets are (8, 16, 32, 64 … bytes).
 */
export function packetReader(shape: HidShape): (packet: Uint8Array) => Uint8Array | undefined {
  const sizes = inputSizes(shape)
  const withId = numbersReports(shape)
  let packets: Uint8Array[] = []
  let missing = 0
  return packet => {
    if (packets.length === 0) missing = withId ? 1 + (sizes.get(packet[0]) ?? 0) : (sizes.get(0) ?? 0)
    const { length } = packet
    const short = length < (packets[0]?.length ?? 8) || (length & (length - 1)) !== 0
    packets.push(packet)
    missing -= length
    if (missing > 0 && !short) return undefined
    const report = concat(...packets)
    packets = []
    return report
  }
}
