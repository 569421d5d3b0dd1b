/** A reader whose news a trace hears: who it is when it is opened, and what it tells from then on. */

import type { Reader } from '../src/reader/reader.ts'
import type { Tracer } from '../src/trace/event.ts'

/** Who the reader is, and what it tells, for a trace. */
export function toldReader(reader: Reader, tracer: Tracer | undefined): Reader {
  if (!tracer) return reader
  tracer.tell('driver', { kind: 'reader', event: 'opened', content: reader.info })
  void (async () => {
    for await (const event of reader.events) {
      const { type, ...content } = event
      tracer.tell('driver', { kind: 'reader', event: type, content })
    }
  })().catch(() => {}) // a reader that is lost says so to who works with it
  return reader
}
