/** `--trace`: all that the driver and the payment see, in a file, masked; `--record`: the line alone, as the family lets it stand there. */

import { atTheEnd, type LineFile, lineFile } from '../../src/line-file.ts'
import type { TraceSubject } from '../../src/trace/event.ts'
import { openTrace, type TraceWriter } from '../../src/trace/writer.ts'
import { traced } from '../../src/transport/trace.ts'
import type { OpenOptions } from '../index.ts'

export const TRACE = 'all that happens, and what passes the line to the reader, as lines of JSON, without card data: for `tapdip explain`'
export const OVERWRITE = 'the file of --trace may be there already'

/** One trace for all connections of a command. @throws Fault `bad-argument` */
export function traceTo(file: string, overwrite: boolean | undefined, header?: TraceSubject): TraceWriter {
  const write = fileFor('--trace', file, overwrite)
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

/** Each connection begins with a head of its own; each line is on the disk when it has passed. @throws Fault `bad-argument` */
export function recordTo(
  file: string,
  overwrite: boolean | undefined,
  { configuration = null }: Pick<TraceSubject, 'configuration'>,
): NonNullable<OpenOptions['trace']> {
  const write = fileFor('--record', file, overwrite, true)
  return (link, { redaction, name }, dialect) =>
    traced(link, { write, redaction, reader: { family: name, dialect, configuration, seed: null } })
}

function fileFor(option: string, file: string, overwrite: boolean | undefined, each = false): LineFile {
  return lineFile(file, {
    ...{ option, overwrite: overwrite === true, each },
    onFailure: what => process.stderr.write(`tapdip: ${what}\n`),
  })
}
