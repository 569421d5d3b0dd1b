/** The messages of a recording, in the order in which the last byte of each passed. */

import { concat } from '../bytes.ts'
import type { Trace } from '../transport/replay.ts'
import type { Direction } from '../transport/trace.ts'
import { type Dissector, meaning } from './dissector.ts'

/** One message that passed the line. */
export interface Unit {
  readonly direction: Direction
  readonly bytes: Uint8Array
  readonly name: string
  /** What it has in common with every message that means the same. */
  readonly meaning: string | undefined
  /** All parts of the message that it is one of, itself among them. */
  readonly parts?: readonly Uint8Array[]
  /** Milliseconds since the start, and the line of the recording. */
  readonly at: number
  readonly line: number
}

/** Follows one direction; gives the messages that these bytes have completed. Noise, and what only looks after the line, is left out. */
export function follow(dissector: Dissector, direction: Direction): (bytes: Uint8Array) => Pick<Unit, 'bytes' | 'name' | 'meaning'>[] {
  let rest: Uint8Array = new Uint8Array()
  return bytes => {
    const found: Pick<Unit, 'bytes' | 'name' | 'meaning'>[] = []
    let all = concat(rest, bytes)
    for (;;) {
      const length = all.length === 0 ? 0 : dissector.length(all, direction)
      if (length <= 0 || length > all.length) break
      const unit = all.slice(0, length)
      all = all.slice(length)
      const name = dissector.name(unit, direction)
      if (name !== undefined && !dissector.signals?.includes(name))
        found.push({ bytes: unit, name, meaning: meaning(dissector, unit, direction) })
    }
    rest = all
    return found
  }
}

/** Those of a recording. */
export function unitsOf(trace: Trace, dissector: Dissector): Unit[] {
  const follows = { out: follow(dissector, 'out'), in: follow(dissector, 'in') }
  const begun: Record<Direction, Uint8Array[]> = { out: [], in: [] }
  return trace.chunks.flatMap(({ direction, bytes, at, line }) =>
    follows[direction](bytes ?? new Uint8Array()).map(unit => {
      const parts = begun[direction]
      parts.push(unit.bytes)
      const more = dissector.part?.(unit.bytes, direction) === true
      if (!more) begun[direction] = []
      return { ...unit, direction, at, line, ...((more || parts.length > 1) && { parts }) }
    }),
  )
}
