/** A message of a family's codec as an event of a trace. */

import type { Told } from '../trace/event.ts'

/** Its `type`, or what stands for it, and the rest of it. */
export function messageTold(way: 'out' | 'in', message: unknown): Extract<Told, { kind: 'message' }> {
  const { type, ...content } = typeof message === 'object' && message !== null ? (message as { type?: unknown }) : {}
  return { kind: 'message', way, type: typeof type === 'string' ? type : 'message', content }
}
