/** GET DATA for what a card tells outside its records: counters, a balance, envelopes (EMV 4.4 Book 3, 6.5.7). */

import { isFault } from '../../errors.ts'
import { readFirst } from '../../tlv/ber.ts'
import type { Kernel } from './context.ts'

/** The value of `tag`, kept in the card's data too, or undefined where the card does not give it (in `length` bytes, where that is known). */
export async function getData(kernel: Kernel, tag: number, length?: number): Promise<Uint8Array | undefined> {
  const { sw, data } = await kernel.exchange({ cla: 0x80, ins: 0xca, p1: tag >> 8, p2: tag & 0xff, le: 0 })
  if (sw !== 0x9000) return undefined
  try {
    const object = readFirst(data)
    if (object.tag !== tag || (length !== undefined && object.value.length !== length)) return undefined
    const value = object.value.slice()
    kernel.data.card.set(tag, value)
    return value
  } catch (error) {
    if (isFault(error, 'tlv')) return undefined
    throw error
  }
}
