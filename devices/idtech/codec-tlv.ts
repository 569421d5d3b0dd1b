/** TLV as ID TECH writes it: BER, but for a length byte that also says whether the value is masked or enciphered. */

import { concat, fromUint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { write } from '../../src/tlv/ber.ts'

export type Tags = ReadonlyMap<number, Uint8Array>

/** What a reader tells. One tag may be there twice: masked to be shown, and enciphered. */
export interface Told {
  /** In clear, the first of each. */
  readonly tags: Tags
  /** Digits, with a C for each that is hidden. */
  readonly masked: Tags
  /** Data objects as they came, tag and length with them: each value is a data object of its own under the key of DFEE12. */
  readonly enciphered: Uint8Array
}

/** Bits of a length byte in the long form: 57 A1 11 …, 57 C1 20 …. */
const MASKED = 0x20
const ENCIPHERED = 0x40
const LENGTH_SIZE = 0x1f

/** @throws Fault `protocol` when they are no data objects */
export function readTold(bytes: Uint8Array, what: string): Told {
  const [tags, masked] = [new Map<number, Uint8Array>(), new Map<number, Uint8Array>()]
  const enciphered: Uint8Array[] = []
  let at = 0
  const next = () => {
    if (at >= bytes.length) throw new Fault('protocol', `${what}: a data object is cut off`)
    return bytes[at++]
  }
  while (at < bytes.length) {
    const begin = at
    let tag = next()
    if (tag === 0) continue // padding
    if ((tag & 0x1f) === 0x1f)
      for (let byte = 0x80; byte & 0x80; ) {
        byte = next()
        tag = tag * 256 + byte
        if (tag > 0xffffffff) throw new Fault('protocol', `${what}: a tag of more than 4 bytes`)
      }
    const first = next()
    let length = first
    if (first & 0x80) {
      const size = first & LENGTH_SIZE
      if (size === 0 || size > 2) throw new Fault('protocol', `${what}: a length of ${size} bytes`)
      length = next()
      if (size === 2) length = length * 256 + next()
    }
    const value = bytes.slice(at, at + length)
    if (value.length < length) throw new Fault('protocol', `${what}: a data object is cut off`)
    at += length
    if (first & 0x80 && first & ENCIPHERED) enciphered.push(bytes.slice(begin, at))
    else {
      const kept = first & 0x80 && first & MASKED ? masked : tags
      if (!kept.has(tag)) kept.set(tag, value)
    }
  }
  return { tags, masked, enciphered: concat(...enciphered) }
}

/** What a reader tells, as it is written: in clear unless it says otherwise. */
export type Telling<T extends Told> = Omit<T, 'masked' | 'enciphered'> & Partial<Pick<Told, 'masked' | 'enciphered'>>

export function writeTold({ tags, masked = new Map(), enciphered = new Uint8Array(0) }: Telling<Told>): Uint8Array {
  return concat(
    ...Array.from(tags, ([tag, value]) => write(tag, value)),
    ...Array.from(masked, ([tag, value]) => writeFlagged(tag, value, MASKED)),
    enciphered,
  )
}

/** A data object whose value is enciphered. */
export function writeEnciphered(tag: number, value: Uint8Array): Uint8Array {
  return writeFlagged(tag, value, ENCIPHERED)
}

function writeFlagged(tag: number, value: Uint8Array, flag: number): Uint8Array {
  const size = value.length > 0xff ? 2 : 1
  const name = fromUint(tag, tag > 0xffffff ? 4 : tag > 0xffff ? 3 : tag > 0xff ? 2 : 1)
  return concat(name, Uint8Array.of(0x80 | flag | size), fromUint(value.length, size), value)
}
