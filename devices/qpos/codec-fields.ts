/** Reading and writing the fields of QPOS payloads: single bytes and values with a length byte (LV). */

import { concat } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'

/** Walks through a payload. Every read names its field; a read beyond the end throws Fault `protocol` with it. */
export class Fields {
  readonly #bytes: Uint8Array
  readonly #what: string
  #at = 0

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** The next `length` bytes. */
  take(length: number, field: string): Uint8Array {
    if (length > this.left)
      throw new Fault('protocol', `${this.#what}: ${field} takes ${length} bytes, ${this.left} are left`, { field, offset: this.#at })
    const value = this.#bytes.slice(this.#at, this.#at + length)
    this.#at += length
    return value
  }

  byte(field: string): number {
    return this.take(1, field)[0]
  }

  /** A value after its length byte. */
  lv(field: string): Uint8Array {
    return this.take(this.byte(field), field)
  }

  /** The same, where the list may have ended before: undefined then, and where the length is 0. */
  optional(field: string): Uint8Array | undefined {
    const value = this.left > 0 ? this.lv(field) : undefined
    return value?.length ? value : undefined
  }

  rest(): Uint8Array {
    return this.take(this.left, 'rest')
  }
}

/** A value after its length byte. @throws Fault `bad-argument` when it has more than 255 bytes */
export function lv(value: Uint8Array, field: string): Uint8Array {
  if (value.length > 255) throw new Fault('bad-argument', `${field} has ${value.length} bytes, one length byte takes 255`, { field })
  return concat(Uint8Array.of(value.length), value)
}

/** LV fields of which the last ones may be left out: written up to the last that is there, with length 0 for a gap. */
export function optionalLvs(fields: readonly (readonly [field: string, value: Uint8Array | undefined])[]): Uint8Array {
  const last = fields.findLastIndex(([, value]) => value !== undefined)
  return concat(...fields.slice(0, last + 1).map(([field, value]) => lv(value ?? new Uint8Array(0), field)))
}

/** Without the fields that are undefined. */
export function known<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T
}
