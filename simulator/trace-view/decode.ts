/** Bytes of a trace as data objects. Nothing here throws, whatever a trace holds. */

import { fromHex, hex } from '../../src/bytes.ts'
import { findDeep, tagHex, write } from '../../src/tlv/ber.ts'
import { parseDol } from '../../src/tlv/dol.ts'
import { type Described, type Description, describe } from '../../src/tlv/print.ts'
import type { TraceEvent } from '../../src/trace/event.ts'

const HEX = /^(?:[0-9A-F]{2})+$/i

/** Bytes of hex; undefined for what is none. */
export function bytesOf(digits: string): Uint8Array | undefined {
  return HEX.test(digits) ? fromHex(digits) : undefined
}

/** `digits` as data objects. */
export function treeOf(digits: string, answerTo?: number): Description {
  const bytes = bytesOf(digits)
  return bytes ? describe(bytes, answerTo === undefined ? {} : { answerTo }) : { objects: [] }
}

/** The same where all of it is known, nothing is wrong and nothing guessed; undefined for what may be something else. */
export function surely(digits: string, answerTo?: number): Description | undefined {
  if (digits.length < 4 || !HEX.test(digits)) return undefined
  const tree = treeOf(digits, answerTo)
  const sure = (one: Described): boolean => one.name !== undefined && !one.wrong && (one.children ?? []).every(sure)
  return !tree.stopped && tree.objects.length > 0 && tree.objects.every(sure) ? tree : undefined
}

const TAG = /^(?:[0-9A-F]{2}){1,3}$/i

/** Data objects by their tags in hex; those whose tag or value is none are left out. All together, since one tells how another reads. */
export function objectsOfTags(tags: Iterable<readonly [tag: string, value: string]>): readonly Described[] {
  return treeOf([...tags].map(one => written(...one) ?? '').join('')).objects
}

export function objectOfTag(tag: string, value: string): Described | undefined {
  return objectsOfTags([[tag, value]])[0]
}

function written(tag: string, value: string): string | undefined {
  const bytes = value === '' ? new Uint8Array(0) : bytesOf(value)
  if (!TAG.test(tag) || !bytes) return undefined
  try {
    return hex(write(Number.parseInt(tag, 16), bytes))
  } catch {
    return undefined // no tag of BER-TLV
  }
}

/** A command in its parts, as hex; `rest` is what follows a header that says otherwise. */
export interface CommandParts {
  readonly header: Readonly<Record<'CLA' | 'INS' | 'P1' | 'P2', string>>
  readonly data: string
  readonly le?: string
}

export function commandParts(digits: string): CommandParts | undefined {
  if (digits.length < 8 || digits.length % 2 !== 0) return undefined
  const [CLA, INS, P1, P2] = [0, 2, 4, 6].map(at => digits.slice(at, at + 2))
  const header = { CLA, INS, P1, P2 }
  const length = Number.parseInt(digits.slice(8, 10), 16)
  if (digits.length <= 10) return { header, data: '', ...(digits.length === 10 && { le: digits.slice(8) }) }
  const end = 10 + 2 * (Number.isNaN(length) ? 0 : length)
  return { header, data: digits.slice(10, end), ...(digits.length > end && { le: digits.slice(end) }) }
}

/** INS of the command that an answer belongs to: with T=0 GET RESPONSE fetches that of the one before. */
export function answeredIns(events: readonly TraceEvent[], at: number): number | undefined {
  for (let place = at; place >= 0; place--) {
    const event = events[place]
    if (event.kind === 'apdu' && !/^..C0/i.test(event.command)) return Number.parseInt(event.command.slice(2, 4), 16)
  }
  return undefined
}

/** Lists by the command whose data they order: PDOL, CDOL1 and CDOL2, DDOL. */
function listsOf({ INS, P1 }: CommandParts['header'], generated: number): readonly number[] {
  if (INS === 'A8') return [0x9f38]
  if (INS === 'AE' && P1 !== undefined) return generated > 0 ? [0x8d] : [0x8c]
  return INS === '88' ? [0x9f49] : []
}

/** What the data of a command are, by the list that the card gave before: its objects one after the other. Undefined where none fits. */
export function listed(events: readonly TraceEvent[], at: number, { header, data }: CommandParts): readonly Described[] | undefined {
  const before = events.slice(0, at).filter(one => one.kind === 'apdu')
  const opened = before.findLastIndex(({ command }) => /^..A8/i.test(command))
  const generated = before.slice(opened + 1).filter(({ command }) => /^..AE/i.test(command)).length
  for (const tag of listsOf(header, generated)) {
    const list = before.map(({ answer }) => answer && found(answer.slice(0, -4), tag)).findLast(Boolean)
    const values = header.INS === 'A8' && /^83/.test(data) ? data.slice(Number.parseInt(data.slice(2, 4), 16) < 0x80 ? 4 : 6) : data
    if (list) return byList(list as Uint8Array, values)
  }
  return undefined
}

function found(digits: string, tag: number): Uint8Array | undefined {
  const bytes = bytesOf(digits)
  try {
    return bytes && findDeep(bytes, tag)
  } catch {
    return undefined // no TLV
  }
}

function byList(list: Uint8Array, values: string): readonly Described[] | undefined {
  try {
    const entries = parseDol(list)
    if (entries.reduce((sum, { length }) => sum + 2 * length, 0) !== values.length) return undefined
    let at = 0
    return objectsOfTags(entries.map(({ tag, length }) => [tagHex(tag), values.slice(at, (at += 2 * length))]))
  } catch {
    return undefined // no list
  }
}
