/** How a family's line is taken apart for recordings: messages, and in each the fields by what they are: secret, of one session only, or to be compared. */

import { hex } from '../bytes.ts'
import * as door from '../door.ts'
import { byFrame, type Direction, type Redaction } from '../transport/trace.ts'
import type { FieldEdit } from './field.ts'
import { harmless } from './harmless.ts'

/** Takes the bytes of one family's line apart. */
export interface Dissector {
  /** How many bytes the message, or the noise, at the front has: 0 while more are needed to tell. */
  length(bytes: Uint8Array, direction: Direction): number
  /** What the message is called; undefined where it is none. */
  name(unit: Uint8Array, direction: Direction): string | undefined
  /** The message with each of its fields as `edit` gives it back, in the order of the line, of its own length and with right check sums; undefined where it is not understood. */
  edit(unit: Uint8Array, direction: Direction, edit: FieldEdit): Uint8Array | undefined
  /** Whether it is only a part, and the rest follows in the next: `edit` gets all parts of a message at once. */
  part?(unit: Uint8Array, direction: Direction): boolean
  /** Messages that only ask how the reader is: they may be sent at any time, or not at all. */
  readonly queries: readonly string[]
  /** Messages that only look after the line (ACK, NAK): they are no part of what is said. */
  readonly signals?: readonly string[]
  /** Where each piece of a message has an answer of the line's own: how many bytes the piece at the front has (0: not all of it is there), and that answer, where it has one. */
  readonly acknowledge?: (bytes: Uint8Array) => {
    /** Bytes; 0 while more are needed. */
    readonly length: number
    /** Left out where it has none. */
    readonly answer?: Uint8Array
  }
}

/** What may be written of a line: each message as it is, with harmless values of the same length for what is secret; zeros for what is not understood. */
export function redactionOf(dissector: Dissector): Redaction {
  door.need('dissector', dissector, dissectorRule)
  return direction =>
    byFrame(
      bytes => wholeLength(dissector, bytes, direction),
      unit => dissector.edit(unit, direction, harmless) ?? new Uint8Array(unit.length),
    )(direction)
}

/** As `Dissector` says. */
export const dissectorRule = door.having('a Dissector', 'length', 'name', 'edit')

/** Length of the message at the front with all its parts. */
function wholeLength(dissector: Dissector, bytes: Uint8Array, direction: Direction): number {
  for (let at = 0; ; ) {
    const rest = bytes.subarray(at)
    const length = dissector.length(rest, direction)
    if (length === 0) return 0
    at += length
    if (at > bytes.length || !dissector.part?.(rest.subarray(0, length), direction)) return at
  }
}

/** What two messages have to have in common to be the same: all that is `plain`. Undefined where the message is not understood. */
export function meaning(dissector: Dissector, unit: Uint8Array, direction: Direction): string | undefined {
  const parts: string[] = []
  const seen = dissector.edit(unit, direction, (kind, bytes, tag) => {
    if (kind === 'plain') parts.push(`${tag === undefined ? '' : tag.toString(16)}:${hex(bytes)}`)
    return bytes
  })
  return seen && `${dissector.name(unit, direction)} ${parts.join(' ')}`
}
