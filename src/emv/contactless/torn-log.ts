/** Torn transactions: what a card that left during GENERATE AC was asked, so that its next tap can give the answer (EMV Contactless Book C-2, S9–S12). */

import { equal, uint } from '../../bytes.ts'
import { buildDol } from '../../tlv/dol.ts'
import type { Kernel } from '../context.ts'
import type { Cryptogram } from './decide.ts'
import type { ContactlessCvm } from './outcome.ts'

/** What GENERATE AC was asked; kept for RECOVER AC. */
export interface Asked {
  readonly request: Cryptogram
  /** With a signature (CDA). */
  readonly combined: boolean
  readonly pdolData: Uint8Array
  readonly cdolData: Uint8Array
  readonly cvm: ContactlessCvm
}

interface Torn extends Asked {
  readonly pan: Uint8Array
  readonly psn: Uint8Array | undefined
  readonly at: number
  /** Terminal data as they were, which the cryptogram is over. */
  readonly terminal: ReadonlyMap<number, Uint8Array>
}

/**
 * Lives in a reader, across transactions; how many it keeps and how long is the configuration's (DF811D, DF811C). With it lives the count of mag-stripe
 * taps that failed one after the other.
 */
export class TornLog {
  /** Failed MS Cntr: how often 300 ms are doubled before a reader reports the next failure (S13), 0 to 5. */
  failedStripes = 0
  #records: Torn[] = []

  get size(): number {
    return this.#records.length
  }

  /** Keeps a transaction whose card has a DRDOL (9F51); the oldest makes room. */
  keep(kernel: Kernel, asked: Asked): void {
    const { card, terminal } = kernel.data
    const most = uint(terminal.get(0xdf811d) ?? new Uint8Array())
    if (most === 0 || (card.get(0x9f51)?.length ?? 0) === 0) return
    const record = { ...asked, pan: card.get(0x5a)!, psn: card.get(0x5f34), at: kernel.clock.now(), terminal: new Map(terminal) }
    this.#records = [...this.#fresh(kernel).filter(one => !sameCard(one, kernel)), record].slice(-most)
  }

  /**
   * RECOVER AC, where this card was torn from this very payment: its answer, and what it answers. Undefined: GENERATE AC goes on as usual.
   * @throws Fault `card-removed`, `card-mute`; the record stays then
   */
  async recover(kernel: Kernel): Promise<(Asked & { readonly response: Uint8Array }) | undefined> {
    this.#records = this.#fresh(kernel)
    const record = this.#records.find(one => sameCard(one, kernel))
    if (!record) return undefined
    const drdol = kernel.data.card.get(0x9f51) ?? new Uint8Array()
    // Another amount is another payment: a cryptogram over the old one must not stand for it.
    const same = [0x9f02, 0x9f03, 0x5f2a, 0x9c].every(tag => equal(record.terminal.get(tag)!, kernel.data.terminal.get(tag)!))
    if (same && drdol.length > 0) {
      const data = buildDol(drdol, tag => record.terminal.get(tag) ?? kernel.data.card.get(tag), kernel.words)
      const answer = await kernel.exchange({ cla: 0x80, ins: 0xd0, p1: 0x00, p2: 0x00, data, le: 0 })
      this.#forget(record)
      if (answer.sw !== 0x9000) return undefined
      for (const [tag, value] of record.terminal) kernel.data.terminal.set(tag, value)
      kernel.note({ rule: 'Book C-2, S10: RECOVER AC', inputs: [0x9f51] }, () => 'torn transaction recovered')
      return { ...record, response: answer.data }
    }
    this.#forget(record)
    return undefined
  }

  #forget(record: Torn): void {
    this.#records = this.#records.filter(one => one !== record)
  }

  #fresh(kernel: Kernel): Torn[] {
    const lifetime = uint(kernel.data.terminal.get(0xdf811c) ?? new Uint8Array()) * 1000
    return this.#records.filter(({ at }) => kernel.clock.now() - at <= lifetime)
  }
}

function sameCard({ pan, psn }: Torn, { data }: Kernel): boolean {
  const own = data.card.get(0x5f34)
  return equal(pan, data.card.get(0x5a)!) && (psn && own ? equal(psn, own) : psn === own)
}
