/** The journal of a machine with Node: SQLite, loaded when one is opened. */

import type { Clock } from '../../clock.ts'
import type { Journal, JournalOptions } from '../../payment/journal/journal.ts'

export async function openBook(path: string, options: JournalOptions & { readonly clock: Clock }): Promise<Journal> {
  return (await import('../../payment/journal/book.ts')).open(path, options)
}
