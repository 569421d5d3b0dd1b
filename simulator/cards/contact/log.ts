/** The transaction log of a card: what each GENERATE AC that ended a transaction left behind (EMV 4.4 Book 3, Annex D). */

import { concat, fromHex, fromUint } from '../../../src/bytes.ts'
import { dolEntries } from '../dol.ts'
import type { ApplicationMemory } from '../memory.ts'
import type { Run } from './run.ts'

/** Log Format (9F4F): date, amount, currency, country, type, ATC, Cryptogram Information Data. */
export const logFormat = fromHex('9A03 9F0206 5F2A02 9F1A02 9C01 9F3602 9F2701')

/** Writes a transaction that ended; values that the terminal did not tell are zeros. */
export function writeLog(application: ApplicationMemory, run: Run, cid: number): void {
  const { log } = application.image.plan
  if (!log) return
  const own = new Map([
    [0x9f36, fromUint(application.atc, 2)],
    [0x9f27, Uint8Array.of(cid)],
  ])
  const entry = dolEntries(logFormat)!.map(({ tag, length }) => own.get(tag) ?? run.told.get(tag) ?? new Uint8Array(length))
  application.log = [concat(...entry), ...application.log].slice(0, log.records)
}
