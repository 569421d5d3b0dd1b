/** What a V5 reader says in parts: notifications over several input reports, and everything but answers over the blocks of a Bluetooth characteristic. */

import { concat, fromUint, uint } from '../../src/bytes.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { decodeRle, encodeRle } from './codec-rle.ts'

/** Something of several parts of which not all came. */
export interface Lost {
  readonly type: 'lost'
  /** The blocks that are missing, where they are numbered. */
  readonly blocks: readonly number[]
}

interface Notification {
  readonly type: 'notification'
  readonly id: number
  readonly data: Uint8Array
}

/** No message of a reader is longer: a total beyond it is none. */
export const MAX_TOTAL = 0x4000

/** Length of this part (2) · offset (2) · id (2) · length in all (2), before its data. */
const HEAD = 8

/** The input reports of a notification, `part` bytes of data in each at most. */
export function notificationParts(id: number, data: Uint8Array, part: number): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let offset = 0; offset === 0 || offset < data.length; offset += part) {
    const piece = data.slice(offset, offset + part)
    parts.push(concat(fromUint(piece.length, 2), fromUint(offset, 2), fromUint(id, 2), fromUint(data.length, 2), piece))
  }
  return parts
}

/** Puts notifications together. A part that does not follow the one before drops what is there. */
export class NotificationCollector {
  #id = 0
  #total = 0
  #have: Uint8Array[] | undefined
  #length = 0
  /** A loss was told, and its other parts are still coming. */
  #told = false

  /** A report, padding included. */
  take(report: Uint8Array): (Notification | Lost)[] {
    if (report.length < HEAD) return []
    const number = (at: number) => uint(report.subarray(at, at + 2))
    const [length, offset, id, total] = [number(0), number(2), number(4), number(6)]
    if (report.length < HEAD + length || offset + length > total || total > MAX_TOTAL) return this.#drop()
    const said: (Notification | Lost)[] = []
    if (offset === 0) {
      said.push(...this.#drop())
      this.#told = false
      this.#id = id
      this.#total = total
      this.#have = []
      this.#length = 0
    } else if (!this.#have || this.#id !== id || this.#total !== total || this.#length !== offset) {
      return this.#drop(true)
    }
    if (length > 0) this.#have!.push(report.slice(HEAD, HEAD + length))
    this.#length += length
    if (this.#length === total) {
      said.push({ type: 'notification', id, data: concat(...this.#have!) })
      this.#have = undefined
      this.#told = false
    }
    return said
  }

  /** `always`: of something whose beginning did not come either. */
  #drop(always = false): Lost[] {
    const told = this.#told || !(always || this.#have)
    this.#have = undefined
    this.#told = true
    return told ? [] : [{ type: 'lost', blocks: [] }]
  }
}

/** First byte of what the blocks hold: card data or a notification, run-length coded or not. */
const formats = { card: 0x00, notification: 0x02 } as const
const RLE = 0x01
/** Instead of a number: the last block, with how many came before it. */
const END = 0xff

/** Blocks: number · payload, then `FF` · count. The payload is format (1) · length (2) · content, in which all but the format may be run-length coded. */
export function toBlocks(
  format: keyof typeof formats,
  content: Uint8Array,
  { part, rle }: { readonly part: number; readonly rle: boolean },
): Uint8Array[] {
  const plain = concat(fromUint(content.length, 2), content)
  const payload = concat(Uint8Array.of(formats[format] | (rle ? RLE : 0)), rle ? encodeRle(plain) : plain)
  const count = Math.ceil(payload.length / part)
  if (count > END) throw new Fault('bad-argument', `${count} blocks exceed ${END}`, { field: 'content' })
  const blocks = Array.from({ length: count }, (_, n) => concat(Uint8Array.of(n), payload.subarray(n * part, (n + 1) * part)))
  return [...blocks, Uint8Array.of(END, count)]
}

/** Puts blocks together, in whatever order they come; complete when the end has told how many there are, and all of them are there. */
export class BlockCollector {
  #blocks = new Map<number, Uint8Array>()
  readonly #notifications = new NotificationCollector()

  take(block: Uint8Array): (Notification | Lost | { readonly type: 'swipe'; readonly report: Uint8Array })[] {
    const [number] = block
    if (number !== END) {
      // The first block of the next message, before the end of this one.
      const said = this.#blocks.has(number) ? this.#lost(0) : []
      this.#blocks.set(number, block.subarray(1))
      return said
    }
    const count = block.length > 1 ? block[1] : 0
    const missing = Array.from({ length: count }, (_, n) => n).filter(n => !this.#blocks.has(n))
    if (missing.length > 0 || count === 0 || this.#blocks.size !== count) return this.#lost(count)
    const payload = concat(...Array.from({ length: count }, (_, n) => this.#blocks.get(n)!))
    this.#blocks = new Map()
    return this.#read(payload)
  }

  #lost(count: number): Lost[] {
    const blocks = Array.from({ length: count }, (_, n) => n).filter(n => !this.#blocks.has(n))
    this.#blocks = new Map()
    return [{ type: 'lost', blocks }]
  }

  #read(payload: Uint8Array): (Notification | Lost | { readonly type: 'swipe'; readonly report: Uint8Array })[] {
    let plain = payload.subarray(1)
    try {
      if ((payload[0] & RLE) !== 0) plain = decodeRle(plain)
    } catch (error) {
      if (!isFault(error, 'protocol')) throw error
      return [{ type: 'lost', blocks: [] }]
    }
    const length = plain.length < 2 ? -1 : uint(plain.subarray(0, 2))
    if (length !== plain.length - 2) return [{ type: 'lost', blocks: [] }]
    const content = plain.slice(2)
    const format = payload[0] & ~RLE
    if (format === formats.card) return [{ type: 'swipe', report: content }]
    return format === formats.notification ? this.#notifications.take(content) : []
  }
}
