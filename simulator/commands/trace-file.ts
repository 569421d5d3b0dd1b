/** `--trace` and `--explain` of a virtual reader, or of a card that pays without one: one trace, masked; the whole of it in one file, what its kernels say in another. */

import { atTheEnd, lineFile } from '../../src/line-file.ts'
import type { TraceSubject } from '../../src/trace/event.ts'
import { isOfKernel } from '../../src/trace/views.ts'
import { openTrace, type TraceWriter } from '../../src/trace/writer.ts'

/** The files of a trace. */
export interface TraceFlags {
  readonly trace?: string
  readonly explain?: string
  readonly overwrite?: boolean
}

/** Undefined where nobody wants one. `rules`: takes what `--explain` would write. @throws Fault `bad-argument` */
export function traceTo(
  { trace, explain, overwrite }: TraceFlags,
  header: TraceSubject,
  rules?: (line: string) => unknown,
): TraceWriter | undefined {
  if (trace === undefined && explain === undefined && !rules) return undefined
  const fileFor = (option: string, file: string | undefined) =>
    file === undefined
      ? undefined
      : lineFile(file, {
          ...{ option, overwrite: overwrite === true },
          onFailure: what => process.stderr.write(`tapdip-sim: ${what}\n`),
        })
  const [whole, kernel] = [fileFor('--trace', trace), fileFor('--explain', explain)]
  const views = [kernel, rules].filter(view => view !== undefined)
  const writer = openTrace({
    header,
    write(line) {
      whole?.(line)
      if (views.length > 0 && isOfKernel(line)) for (const view of views) view(line)
    },
  })
  const flush = () => {
    writer.flush()
    whole?.flush()
    kernel?.flush()
  }
  const rest = atTheEnd(flush)
  return {
    ...writer,
    close() {
      writer.close()
      flush()
      rest()
    },
  }
}
