/** Which key serial numbers of DUKPT have been used: a reader's counter only moves forward (ANSI X9.24-1:2009), so that one which comes again is a recording. */

import { concat, fromUint, hex, uint } from '../../src/bytes.ts'

/** Field 39 of what was enciphered under a key that has been used; one of those for private use in ISO 8583:1987. */
export const KEY_USED = '89'

/** What is kept of one reader. */
export interface KeySerialState {
  /** Hex of its key serial number, the counter zero. */
  readonly id: string
  /** Its counters, and the payment that each was for. */
  readonly used: readonly (readonly [counter: number, payment: string])[]
}

/** Of a reader: what came before is told by the counter alone. */
const KEPT = 256
/** 10 bytes of triple DES end with a counter of 21 bits, 12 of AES with one of 32. */
const COUNTER = 0x1f_ffff

export class KeySerials {
  readonly #readers = new Map<string, Map<number, string>>()
  readonly #changed = new Set<string>()

  /** What is wrong with a message of `payment`, as a sentence. An advice may come after what was paid later, so that only an authorisation must have the highest counter. */
  wrong(serials: readonly Uint8Array[], payment: string, on: 'authorisation' | 'advice'): string | undefined {
    for (const { id, counter } of serials.map(read)) {
      const used = this.#readers.get(id)
      if (!used) continue
      const before = used.get(counter)
      if (before === payment) continue
      const counters = [...used.keys()]
      if (before !== undefined || (used.size >= KEPT && counter < Math.min(...counters)))
        return `the reader's key ${counter} was used for another payment`
      // Other keys of the same payment may be later ones.
      const highest = Math.max(...counters.filter(one => used.get(one) !== payment))
      if (on === 'authorisation' && counter < highest) return `the reader's key ${counter} comes after its key ${highest}`
    }
    return undefined
  }

  /** Marks those under which something came out: any other would be anybody's word, and could lock a reader out. */
  take(serials: readonly Uint8Array[], payment: string): void {
    for (const { id, counter } of serials.map(read)) {
      const used = this.#readers.get(id) ?? new Map<number, string>()
      if (used.has(counter)) continue
      used.set(counter, payment)
      if (used.size > KEPT) used.delete(Math.min(...used.keys()))
      this.#readers.set(id, used)
      this.#changed.add(id)
    }
  }

  /** What has changed since this was asked last. */
  changed(): KeySerialState[] {
    const states = [...this.#changed].map(id => ({ id, used: [...this.#readers.get(id)!] }))
    this.#changed.clear()
    return states
  }

  restore(states: readonly KeySerialState[]): void {
    for (const { id, used } of states) this.#readers.set(id, new Map(used))
  }
}

function read(serial: Uint8Array): { readonly id: string; readonly counter: number } {
  if (serial.length === 12) return { id: hex(serial.subarray(0, 8)), counter: uint(serial.subarray(8)) }
  const low = uint(serial.subarray(-3))
  return { id: hex(concat(serial.subarray(0, -3), fromUint(low - (low & COUNTER), 3))), counter: low & COUNTER }
}
