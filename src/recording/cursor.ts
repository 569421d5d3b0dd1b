/** Walks through the fields of a message that is no TLV, and puts each back as it is to be. */

import { uint } from '../bytes.ts'
import type { FieldEdit, RecordedKind } from './field.ts'
import { editTlv, put, type TlvOptions } from './tlv.ts'

/** Throws RangeError where the message ends before its field does: `cursorOver` makes "not understood" of it. */
export class Cursor {
  readonly bytes: Uint8Array
  readonly #edit: FieldEdit
  #at = 0

  constructor(bytes: Uint8Array, edit: FieldEdit) {
    this.bytes = bytes
    this.#edit = edit
  }

  get left(): number {
    return this.bytes.length - this.#at
  }

  get at(): number {
    return this.#at
  }

  /** The next `length` bytes, as they were. */
  take(length: number, kind: RecordedKind, tag?: number): Uint8Array {
    const place = this.skip(length)
    const was = place.slice()
    put(place, this.#edit(kind, was, tag))
    return was
  }

  /** Lengths and checks: what follows from the rest, and is said to nobody. */
  skip(length: number): Uint8Array {
    if (length > this.left) throw new RangeError('the message ends before its field')
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }

  /** Of a part that was skipped: what it comes to. */
  tell(kind: RecordedKind, bytes: Uint8Array): void {
    this.#edit(kind, bytes)
  }

  number(length: number): number {
    return uint(this.skip(length))
  }

  /** A value behind its length. */
  counted(size: number, kind: RecordedKind, tag?: number): Uint8Array {
    return this.take(this.number(size), kind, tag)
  }

  rest(kind: RecordedKind): Uint8Array {
    return this.take(this.left, kind)
  }

  /** `length` bytes of TLV; hidden where they are none. */
  tlv(length: number, options?: TlvOptions): void {
    const place = this.skip(length)
    const edited = editTlv(place, this.#edit, options)
    put(place, edited ?? this.#edit('secret', place.slice()))
  }
}

/** What `walk` makes of a copy of the bytes; undefined where they end too early, or are not walked to their end. */
export function cursorOver(bytes: Uint8Array, edit: FieldEdit, walk: (cursor: Cursor) => void): Uint8Array | undefined {
  const cursor = new Cursor(bytes.slice(), edit)
  try {
    walk(cursor)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return undefined
  }
  if (cursor.left > 0) cursor.rest('secret')
  return cursor.bytes
}
