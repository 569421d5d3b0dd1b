/** `--trace`: all that the driver and the payment see, in a file, masked. */

import { lineFile } from '../../src/line-file.ts'
import { openTrace, type TraceWriter } from '../../src/trace/writer.ts'

/** One trace for all connections of a command. @throws Fault `bad-argument` */
export function traceTo(file: string, overwrite: boolean | undefined): TraceWriter {
  const write = lineFile(file, {
    ...{ option: '--trace', overwrite: overwrite === true },
    onFailure: what => process.stderr.write(`tapdip: ${what}\n`),
  })
  return openTrace({ write })
}
