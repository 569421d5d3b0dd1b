/** Data objects of a virtual card, encoded by the npm package `tlv` and not by `src/tlv`: a mistake that our codec makes both ways would show. */

import { TLV } from 'tlv'

/** A data object, to be a child of a template or the whole. Named here, so that no declaration of the package asks an app for types of `tlv`, which has none. */
export interface DataObject {
  encode(): Uint8Array
}

export type Value = Uint8Array | readonly DataObject[]

export function object(tag: number, value: Value): DataObject {
  return new TLV(tag, value instanceof Uint8Array ? Buffer.from(value) : (value as readonly TLV[]))
}

/** One object in bytes. */
export function encode(tag: number, value: Value): Uint8Array {
  return new Uint8Array(object(tag, value).encode())
}

/** Objects by tag as children of a template, in the order of the map; empty values are left out. */
export function children(values: ReadonlyMap<number, Uint8Array>): DataObject[] {
  return [...values].filter(([, value]) => value.length > 0).map(([tag, value]) => object(tag, value))
}
