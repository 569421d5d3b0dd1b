/** Reads and writes the fields of an MPED payload: big-endian numbers, text with a length before it. */

import { concat, fromUint, uint } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'

/** A payload that is read from its beginning. Every method throws Fault `protocol` where the payload ends too early. */
export class Fields {
  readonly #data: Uint8Array
  readonly #what: string
  #at = 0

  constructor(data: Uint8Array, what: string) {
    this.#data = data
    this.#what = what
  }

  get done(): boolean {
    return this.#at === this.#data.length
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#data.length)
      throw new Fault('protocol', `${this.#what} ends at byte ${this.#data.length}, ${end} are needed`, { what: this.#what })
    const found = this.#data.slice(this.#at, end)
    this.#at = end
    return found
  }

  number(length: 1 | 2 | 4): number {
    return uint(this.bytes(length))
  }

  /** What is left. */
  rest(): Uint8Array {
    return this.bytes(this.#data.length - this.#at)
  }

  /** Bytes behind their length. */
  counted(length: 1 | 2 | 4): Uint8Array {
    return this.bytes(this.number(length))
  }
}

/** @throws Fault `bad-argument` when the bytes are longer than their length can say */
export function counted(data: Uint8Array, length: 1 | 2 | 4): Uint8Array {
  return concat(fromUint(data.length, length), data)
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Text of the wire; what is no UTF-8 becomes the replacement character. */
export function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
