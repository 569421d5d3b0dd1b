/** Torn transactions: what a card that left during GENERATE AC was asked, so that its next tap can give the answer (EMV Contactless Book C-2, S9–S12). */

import { concat, equal, uint } from '../../../bytes.ts'
import { write } from '../../../tlv/ber.ts'
import { buildDol } from '../../../tlv/dol.ts'
import type { Kernel } from '../../steps/context.ts'
import type { Cryptogram } from '../decide.ts'
import type { ContactlessCvm } from '../outcome.ts'
import { isWriting } from './storage.ts'

/** What GENERATE AC was asked; kept for RECOVER AC. */
export interface Asked {
  readonly request: Cryptogram
  /** With a signature (CDA). */
  readonly combined: boolean
  readonly pdolData: Uint8Array
  readonly cdolData: Uint8Array
  readonly cvm: ContactlessCvm
}

export interface Torn extends Asked {
  readonly pan: Uint8Array
  readonly psn: Uint8Array | undefined
  readonly at: number
  /** The slot of data storage was to be written; its DS Summary 1 (9F7D) before. */
  readonly writing: boolean
  readonly summary1: Uint8Array | undefined
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

  /** How many torn transactions it keeps at present. */
  get size(): number {
    return this.#records.length
  }

  /** Keeps a transaction whose card has a DRDOL (9F51); the oldest makes room. Undefined where nothing is kept. */
  keep(kernel: Kernel, asked: Asked): { readonly dropped: Torn | undefined } | undefined {
    const { card, terminal } = kernel.data
    const most = uint(terminal.get(0xdf811d) ?? new Uint8Array())
    if (most === 0 || (card.get(0x9f51)?.length ?? 0) === 0) return undefined
    const record: Torn = {
      ...asked,
      pan: card.get(0x5a)!,
      psn: card.get(0x5f34),
      at: kernel.clock.now(),
      writing: isWriting(kernel),
      summary1: card.get(0x9f7d),
      terminal: new Map(terminal),
    }
    const all = [...this.#fresh(kernel).filter(one => !sameCard(one, kernel)), record]
    this.#records = all.slice(-most)
    return { dropped: all.length > most ? all[0] : undefined }
  }

  /**
   * RECOVER AC, where this card was torn from this very payment: its answer, and what it answers. Otherwise GENERATE AC goes on as usual; `lost` is then
   * the torn transaction of this card that nobody can recover any more.
   * @throws Fault `card-removed`, `card-mute`; the record stays then
   */
  async recover(
    kernel: Kernel,
  ): Promise<{ readonly answer?: Asked & { readonly response: Uint8Array }; readonly lost?: Torn } | undefined> {
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
      if (answer.sw !== 0x9000) return { lost: record }
      for (const [tag, value] of record.terminal) kernel.data.terminal.set(tag, value)
      kernel.note({ rule: 'Book C-2, S10: RECOVER AC', inputs: [0x9f51] }, () => 'torn transaction recovered')
      if (record.summary1) kernel.data.card.set(0x9f7d, record.summary1)
      return { answer: { ...record, response: answer.data } }
    }
    this.#forget(record)
    return { lost: record }
  }

  #forget(record: Torn): void {
    this.#records = this.#records.filter(one => one !== record)
  }

  #fresh(kernel: Kernel): Torn[] {
    const lifetime = uint(kernel.data.terminal.get(0xdf811c) ?? new Uint8Array()) * 1000
    return this.#records.filter(({ at }) => kernel.clock.now() - at <= lifetime)
  }
}

/** Torn Record (FF8101): a torn transaction's objects for whoever has to make good what a card may have stored. It holds a PAN. */
export const TORN_RECORD = 0xff8101

/** The value of FF8101 (Book C-2, table 4.11): what the terminal had, the card's PAN, and the data that PDOL and CDOL1 asked for. */
export function tornRecord({ pan, psn, summary1, pdolData, cdolData, terminal }: Torn): Uint8Array {
  const objects: (readonly [number, Uint8Array | undefined])[] = [
    ...[0x9f02, 0x9f03].map(tag => [tag, terminal.get(tag)] as const),
    [0x5a, pan],
    [0x5f34, psn],
    [0xdf8104, terminal.get(0xdf8104)],
    [0xdf8107, cdolData],
    [0x9f34, terminal.get(0x9f34)],
    [0x9f7d, summary1],
    [0xdf8128, terminal.get(0xdf8128)],
    [0x9f1e, terminal.get(0x9f1e)],
    [0xdf8111, pdolData],
    ...[0x9f33, 0x9f1a, 0x9f35, 0x95, 0x9f53, 0x5f2a, 0x9a, 0x9f21, 0x9c, 0x9f37, 0xdf8302, 0xdf8306, 0xdf8307].map(
      tag => [tag, terminal.get(tag)] as const,
    ),
  ]
  return concat(...objects.flatMap(([tag, value]) => (value && value.length > 0 ? [write(tag, value)] : [])))
}

function sameCard({ pan, psn }: Torn, { data }: Kernel): boolean {
  const own = data.card.get(0x5f34)
  return equal(pan, data.card.get(0x5a)!) && (psn && own ? equal(psn, own) : psn === own)
}
