/** What is told of a counter after its trace was opened, put into the header: by who writes the trace, and by who reads it. */

import type { TraceHeader, TraceSubject } from './event.ts'

/** What of `subject` the header does not have; only that is looked at. */
export function lacking(header: TraceHeader, subject: TraceSubject): Partial<TraceSubject> {
  const found: Record<string, unknown> = {}
  for (const name of ['reader', 'card', 'uri', 'configuration', 'seed'] as const)
    if ((header[name] ?? null) === null && name in subject && (subject[name] ?? null) !== null) found[name] = subject[name]
  return found
}
