/** Data objects of a virtual card, encoded by the npm package `tlv` and not by `src/tlv`: a mistake that our codec makes both ways would show. */

import { TLV } from 'tlv'

/** A data object, to be a child of a template or the whole. Named here, so that no declaration of the package asks an app for types of `tlv`, which has none. */
export interface DataObject {
  readonly byteLength: number
  encode(): Uint8Array
}

export type Value = Uint8Array | readonly DataObject[]

export function object(tag: number, value: Value): DataObject {
  return new TLV(tag, value instanceof Uint8Array ? Buffer.from(value) : (value as readonly TLV[]))
}

/** One object in bytes. */
export function encode(tag: number, value: Value): Uint8Array {
  return bytesOf(object(tag, value))
}

/** The room is ours: the one that the package makes where it has none asks Node each time whether to warn of it. */
export function bytesOf(one: DataObject): Uint8Array {
  const bytes = new Uint8Array(one.byteLength)
  ;(one as TLV).encode(Buffer.from(bytes.buffer))
  return bytes
}

/** Objects by tag as children of a template, in the order of the map; empty values are left out. */
export function children(values: ReadonlyMap<number, Uint8Array>): DataObject[] {
  return [...values].filter(([, value]) => value.length > 0).map(([tag, value]) => object(tag, value))
}
