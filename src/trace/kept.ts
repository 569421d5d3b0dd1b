/** What a hook told, kept until it is masked. */

import type { Told } from './event.ts'
import { MAX_DEPTH } from './masked.ts'

/** What was told, as it is now: who told it may go on with its bytes. */
export function kept(told: Told): Told {
  switch (told.kind) {
    case 'apdu': {
      const { command, answer } = told
      return { ...told, command: copyOf(command) as Uint8Array, ...(answer !== undefined && { answer: copyOf(answer) as Uint8Array }) }
    }
    case 'message':
    case 'reader':
    case 'app':
      return told.content === undefined ? told : { ...told, content: copyOf(told.content) }
    default:
      return told
  }
}

/** Plain objects, lists and bytes anew; all else, which has a way of its own into JSON, as it is. */
function copyOf(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return value
  if (value instanceof Uint8Array) return new Uint8Array(value) // a Buffer's own slice is no copy
  if (Array.isArray(value)) return value.map(one => copyOf(one, depth + 1))
  const shape = Object.getPrototypeOf(value)
  if (shape === Map.prototype) return new Map([...(value as Map<unknown, unknown>)].map(([key, one]) => [key, copyOf(one, depth + 1)]))
  if (shape !== Object.prototype) return value
  const copy: Record<string, unknown> = { ...value }
  for (const name in copy) {
    const one = copy[name]
    if (typeof one === 'object' && one !== null) copy[name] = copyOf(one, depth + 1)
  }
  return copy
}
