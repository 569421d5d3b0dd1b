/** Opens a journal: what keeps it is loaded when it is asked for. */

import { openBook } from '#platform/journal'
import { systemClock } from '../../clock.ts'
import * as door from '../../door.ts'
import * as rules from '../rules.ts'
import type { Journal, JournalOptions } from './journal.ts'

/**
 * Opens or makes the journal at `path`, a file that only its owner may read. Rows are looked at (`inspect`): one that nobody can read is told with its table and number, and
 * the others are not lost (`onRepair`).
 * @throws Fault `journal` (details.reason `damaged` with table, row, column, why; `corrupt`, `locked`, …), `bad-argument` where `path` is an address, `missing-library`,
 * `bad-key`
 * @example
 * ```ts
 * import { openJournal } from 'tapdip'
 *
 * const journal = await openJournal('payments.db', {
 *   onRepair: rows => console.warn(`${rows.length} rows could not be read`),
 * })
 * for (const { number, state, amount } of journal.orders({ states: ['In Process'] })) console.log(number, state, amount)
 * await journal.close()
 * ```
 */
export async function openJournal(path: string, options: JournalOptions = {}): Promise<Journal> {
  door.need('path', path, door.anyText)
  door.need('options', options, rules.journalRule)
  return openBook(path, { clock: systemClock, ...options })
}
