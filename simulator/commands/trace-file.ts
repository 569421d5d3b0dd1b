/** `--trace` of a virtual reader, or of a card that pays without one: all that happens, in a file, masked. */

import { atTheEnd, lineFile } from '../../src/line-file.ts'
import type { TraceSubject } from '../../src/trace/event.ts'
import { openTrace, type TraceWriter } from '../../src/trace/writer.ts'

/** @throws Fault `bad-argument` */
export function traceTo(file: string, overwrite: boolean | undefined, header: TraceSubject): TraceWriter {
  const write = lineFile(file, {
    ...{ option: '--trace', overwrite: overwrite === true },
    onFailure: what => process.stderr.write(`tapdip-sim: ${what}\n`),
  })
  const trace = openTrace({ write, header })
  const rest = atTheEnd(() => {
    trace.flush()
    write.flush()
  })
  return {
    ...trace,
    close() {
      trace.close()
      write.flush()
      rest()
    },
  }
}
