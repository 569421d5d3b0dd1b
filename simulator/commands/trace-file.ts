/** `--trace` of a virtual reader, or of a card that pays without one: all that happens, in a file, masked. */

import { families, lineRedaction } from '../../devices/families.ts'
import { lineFile } from '../../src/line-file.ts'
import type { Tracer } from '../../src/trace/event.ts'
import { openTrace, type TraceSubject, type TraceWriter } from '../../src/trace/writer.ts'
import type { Link } from '../../src/transport/link.ts'
import { tracedLink } from '../../src/transport/trace.ts'

/** @throws Fault `bad-argument` */
export function traceTo(file: string, overwrite: boolean | undefined, header: TraceSubject): TraceWriter {
  const write = lineFile(file, {
    ...{ option: '--trace', overwrite: overwrite === true },
    onFailure: what => process.stderr.write(`tapdip-sim: ${what}\n`),
  })
  return openTrace({ write, header })
}

/** The line as a host's driver would record it, from its other end. */
export function toldLine(link: Link, name: string, dialect: string | undefined, tracer: Tracer): Link {
  const family = families.find(one => one.name === name)
  const { uri, service } = link
  return tracedLink(link, { tracer, redaction: family && lineRedaction(family, { uri, service, dialect }), side: 'device' })
}
