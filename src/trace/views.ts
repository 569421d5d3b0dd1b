/** Views of the trace: what those look at who need one kind of what it tells. None of them keeps anything that the trace does not have. */

import { type MessageId, message } from '../messages/messages.ts'
import type { TraceEvent, TraceHeader } from './event.ts'

/** Whether a line of a trace is one of what kernels say, as `--explain` writes it: its header, or a rule. */
export function isOfKernel(line: string): boolean {
  const { kind, tapdip } = JSON.parse(line) as Partial<TraceHeader & TraceEvent>
  return kind === 'kernel' || tapdip === 'trace'
}

/** What a display shows, from a moment on. */
export interface ShownScreen {
  /** Milliseconds since the trace began. */
  readonly at: number
  /** Undefined for text that the host sent. */
  readonly message: MessageId | undefined
  /** From the top. */
  readonly lines: readonly string[]
}

/** What a virtual reader has shown, in its order. */
export function screensOf(events: readonly TraceEvent[]): ShownScreen[] {
  return events.flatMap(event =>
    event.kind === 'screen' ? [{ at: event.at, message: event.message as MessageId | undefined, lines: event.lines }] : [],
  )
}

/** The same of a reader that is there, whose driver tells what it shows: by its messages, in English. */
export function toldScreens(events: readonly TraceEvent[]): ShownScreen[] {
  return events.flatMap(event => {
    if (event.kind !== 'reader' || event.event !== 'display' || event.from !== 'driver') return []
    const { message: id } = event.content as unknown as { readonly message: MessageId }
    return [{ at: event.at, message: id, lines: [message(id)] }]
  })
}
