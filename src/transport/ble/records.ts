/** Records of a link whose device speaks over several pipes: channel (1) · length (2, big-endian) · bytes. */

import { concat } from '../../bytes.ts'
import { Fault } from '../../errors.ts'

/** @throws Fault `bad-argument` */
export function toRecord(channel: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length > 0xffff) throw new Fault('bad-argument', `a record of ${bytes.length} bytes, at most 65535`)
  return concat(Uint8Array.of(channel, bytes.length >> 8, bytes.length & 0xff), bytes)
}

/** Takes a stream, in any pieces, and gives the records that are whole. */
export function recordSplitter(): (chunk: Uint8Array) => { channel: number; bytes: Uint8Array }[] {
  let rest: Uint8Array = new Uint8Array()
  return chunk => {
    rest = concat(rest, chunk)
    const records = []
    let at = 0
    while (rest.length - at >= 3) {
      const end = at + 3 + (rest[at + 1] << 8) + rest[at + 2]
      if (end > rest.length) break
      records.push({ channel: rest[at], bytes: rest.slice(at + 3, end) })
      at = end
    }
    rest = rest.slice(at)
    return records
  }
}
