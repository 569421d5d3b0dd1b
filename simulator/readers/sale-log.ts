/** The log of a reader's approved payments, which split sales are found by (EMV 4.4 Book 3, 10.6.1). */

import { hex } from '../../src/bytes.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { LoggedTransaction, TransactionLog } from '../../src/emv/steps/context.ts'
import type { Transaction } from '../../src/emv/terminal.ts'

/** Payments that are remembered. */
const SIZE = 100

export class SaleLog implements TransactionLog {
  readonly #log: LoggedTransaction[] = []

  latest(pan: string, psn: number | undefined): LoggedTransaction | undefined {
    return this.#log.findLast(one => one.pan === pan && one.psn === psn)
  }

  remember({ result, tags }: Outcome, { amount }: Transaction): void {
    const pan = tags.get(0x5a)
    if (result !== 'approved' || !pan) return
    const psn = tags.get(0x5f34)
    this.#log.push({ pan: hex(pan).replace(/F+$/, ''), amount, ...(psn ? { psn: Number(hex(psn)) } : {}) })
    if (this.#log.length > SIZE) this.#log.shift()
  }
}
