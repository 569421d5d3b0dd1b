/** Data objects by tag that can be read by who asks for one, and print masked: what a developer logs by habit holds no card. */

import { hex } from '../bytes.ts'
import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import { tagBytes, tagHex } from './ber.ts'
import { mask } from './masked.ts'
import { isSensitive } from './tags.ts'

/**
 * A Map of its own, by tag (`0x9f02`). `console.log`, `util.inspect` and `JSON.stringify` of it, or of anything around it, show tag and value in hex; of PAN, tracks, names and
 * certificates what may be shown (`400000******0002`, `***`), of the vendors' own objects (private class: enciphered tracks, PIN blocks) the number of bytes. `get` gives bytes.
 */
export function cardData(objects: Iterable<readonly [number, Uint8Array]> = []): Map<number, Uint8Array> {
  if (typeof (objects as { entries?: unknown })?.entries !== 'function' || ArrayBuffer.isView(objects))
    throw new Fault('bad-argument', `objects is ${door.show(objects)}; it takes pairs of tag and bytes`, { field: 'objects' })
  return Object.defineProperties(new Map(objects), faces)
}

type Inspect = (value: unknown, options: object) => string

const faces: PropertyDescriptorMap & ThisType<ReadonlyMap<number, Uint8Array>> = {
  toJSON: {
    value() {
      return shown(this)
    },
  },
  // What Node asks for (util.inspect.custom), without asking Node.
  [Symbol.for('nodejs.util.inspect.custom')]: {
    value(depth: number, options: object, inspect: Inspect) {
      return depth < 0 ? '[card data]' : `card data ${inspect(shown(this), options)}`
    },
  },
}

function shown(objects: ReadonlyMap<number, Uint8Array>): Record<string, string> {
  return Object.fromEntries([...objects].map(([tag, value]) => [tagHex(tag), masked(tag, value)]))
}

function masked(tag: number, value: Uint8Array): string {
  if (isSensitive(tag)) return mask(tag, value)
  return tagBytes(tag)[0] >= 0xc0 ? `${value.length} bytes` : hex(value)
}
