/** Data object lists: which tags a card wants, in which lengths, and the bytes they become (EMV 4.4 Book 3, 5.4). */

import { Fault } from '../errors.ts'
import { isConstructed } from './ber.ts'
import { type Dictionary, general } from './tags.ts'

/** One data object that a card asks for. */
export interface DolEntry {
  /** The tag as a number, 0x9F02 for `9F 02`. */
  readonly tag: number
  /** Bytes the card wants. */
  readonly length: number
}

/** The most bytes that a list has: the value of an object in a record of a card (EMV 4.4 Book 3, 7). */
const MAX_DOL = 255

/** The most bytes that a list may ask for: what a command can carry. */
const MAX_DOL_DATA = 255

/**
 * The entries of a DOL (PDOL 9F38, CDOL 8C/8D, DDOL 9F49, TDOL 97, UDOL 9F69). A length is one byte.
 * @throws Fault `dol` with details.offset where an entry is cut short or its tag is none
 */
export function parseDol(bytes: Uint8Array): DolEntry[] {
  if (bytes.length > MAX_DOL)
    throw new Fault('dol', `the list has ${bytes.length} bytes, the rule is at most ${MAX_DOL}`, { length: bytes.length, limit: MAX_DOL })
  const entries: DolEntry[] = []
  for (let at = 0; at < bytes.length; ) {
    const offset = at
    let tag = bytes[at++]
    if (tag === 0x00 || tag === 0xff) throw malformed(`${tag === 0 ? '00' : 'FF'} is no tag`, offset)
    if ((tag & 0x1f) === 0x1f) {
      for (let more = true; more; ) {
        if (at >= bytes.length) throw malformed('tag is truncated', offset)
        if (at - offset === 3) throw malformed('tag is longer than 3 bytes', offset)
        more = bytes[at] >= 0x80
        tag = tag * 256 + bytes[at++]
      }
    }
    if (at >= bytes.length) throw malformed('length is missing', offset)
    entries.push({ tag, length: bytes[at++] })
  }
  return entries
}

/** Bytes that the data of a list take. */
export function dolLength(entries: readonly DolEntry[]): number {
  return entries.reduce((sum, { length }) => sum + length, 0)
}

/**
 * The concatenated values a DOL asks for, each brought to the length asked for (Book 3, 5.4):
 *
 * | Value | Longer than asked | Shorter than asked |
 * |---|---|---|
 * | n | leftmost bytes cut | zeros on the left |
 * | cn | rightmost bytes cut | FF on the right |
 * | others | rightmost bytes cut | 00 on the right |
 *
 * A tag that `lookup` does not know, or that is of a template, becomes zeros. The format comes from `words`; an unknown tag counts as binary.
 * @throws Fault `dol` when the list is malformed or asks for more than a command carries
 */
export function buildDol(
  dol: Uint8Array | readonly DolEntry[],
  lookup: (tag: number) => Uint8Array | undefined,
  words: Dictionary = general,
): Uint8Array {
  const entries = dol instanceof Uint8Array ? parseDol(dol) : dol
  const total = dolLength(entries)
  if (total > MAX_DOL_DATA) throw new Fault('dol', `list asks for ${total} bytes, a command carries ${MAX_DOL_DATA}`, { length: total })
  const data = new Uint8Array(total)
  let at = 0
  for (const { tag, length } of entries) {
    const value = isConstructed(tag) ? undefined : lookup(tag)
    if (value) fill(data.subarray(at, at + length), value, words.get(tag)?.format)
    at += length
  }
  return data
}

function fill(field: Uint8Array, value: Uint8Array, format: string | undefined): void {
  const missing = field.length - value.length
  if (format === 'n') {
    if (missing >= 0) field.set(value, missing)
    else field.set(value.subarray(-missing))
  } else {
    field.set(value.subarray(0, field.length))
    if (missing > 0 && format === 'cn') field.fill(0xff, value.length)
  }
}

function malformed(rule: string, offset: number): Fault {
  return new Fault('dol', `${rule} at offset ${offset} of the data object list`, { rule, offset })
}
