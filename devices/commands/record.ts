/** `--trace`: a recording of the line to the reader, in a file, with what the family lets stand in it. */

import { lineFile } from '../../src/line-file.ts'
import { traced } from '../../src/transport/trace.ts'
import type { OpenOptions } from '../index.ts'

/** Each connection begins with a head of its own. @throws Fault `bad-argument` */
export function recordTo(file: string, overwrite: boolean | undefined): NonNullable<OpenOptions['trace']> {
  const write = lineFile(file, {
    ...{ option: '--trace', overwrite: overwrite === true },
    onFailure: what => process.stderr.write(`tapdip: ${what}\n`),
  })
  return (link, { redaction }) => traced(link, { write, redaction })
}
