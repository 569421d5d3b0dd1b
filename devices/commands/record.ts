/** `--trace`: a recording of the line to the reader, in a file, with what the family lets stand in it. */

import { appendFileSync, writeFileSync } from 'node:fs'
import { Fault } from '../../src/errors.ts'
import { traced } from '../../src/transport/trace.ts'
import type { OpenOptions } from '../index.ts'

/** Line by line, so that nothing is lost when the program is stopped; each connection begins with a head of its own. @throws Fault `bad-argument` */
export function recordTo(file: string): NonNullable<OpenOptions['trace']> {
  try {
    writeFileSync(file, '')
  } catch (cause) {
    throw new Fault('bad-argument', `--trace: ${(cause as Error).message}`, { field: 'trace' }, { cause })
  }
  return (link, { redaction }) => traced(link, { write: line => appendFileSync(file, `${line}\n`), redaction })
}
