/** A page has no file to keep a journal in. */

import type { Journal } from '../../payment/journal/journal.ts'
import { onlyNode } from './only-node.ts'

/** @throws Fault `unsupported` */
export async function openBook(): Promise<Journal> {
  throw onlyNode('journal', 'the package libsql')
}
