/** What somebody on the line may do to what a reader says: any field of any message, and the data objects in it by name. */

import { equal, fromHex } from '../../src/bytes.ts'
import type { Recording, Said } from './playback.ts'

export interface Move {
  readonly do: 'tag' | 'rename' | 'byte' | 'field' | 'drop' | 'repeat' | 'invent' | 'swap'
  /** Of three numbers that say where and what, each is taken modulo what there is. */
  readonly at: number
  readonly where: number
  readonly value: number
}
export const doings: readonly Move['do'][] = ['tag', 'rename', 'byte', 'field', 'drop', 'repeat', 'invent', 'swap']

const of = (...hex: string[]) => hex.map(fromHex)
/** Data objects that decide, as they lie in a message (tag and length), and what to put there; random bytes where nothing is listed. */
const objects: readonly { readonly head: Uint8Array; readonly values: readonly Uint8Array[] }[] = (
  [
    ['9F2701', of('40', '00', '80', 'C0', '08', '48')],
    ['9F0206', of('000000000100', '000000250000', '000002500000', '000000000000')],
    ['9F0306', of('000000000000', '000000010000')],
    ['8104', of('00000064', '0003D090')],
    ['5F2A02', of('0643', '0840', '0978')],
    ['9C01', of('00', '20', '01', '09')],
    ['9A03', of('261121', '261120', '250101')],
    ['9F2103', of('120000', '120001', '235959')],
    ['9F2608', []],
    ['9F3602', of('0001', '0002')],
    ['9F3704', []],
    ['9F1A02', of('0643', '0840')],
    ['9505', []],
    ['9F1007', []],
    ['DFEE2502', of('0000', '0002', '0001', '0003', '0004', '0010')],
    ['DFDF1A01', of('00', '01', '02')],
    ['5A08', []],
    ['8407', []],
  ] as const
).map(([head, values]) => ({ head: fromHex(head), values }))

/** The recording with `moves` made, one after the other; what was recorded stays as it was. */
export function moved(recording: Recording, moves: readonly Move[]): Recording {
  let groups = recording.map(group => [...group])
  for (const move of moves) groups = once(groups, move)
  return groups
}

function once(groups: Said[][], { do: what, at, where, value }: Move): Said[][] {
  const places = groups.flatMap((group, index) => group.map((_, place) => ({ index, place })))
  if (places.length === 0) return groups
  const { index, place } = places[at % places.length]
  const said = groups[index][place]
  const put = (...instead: Said[]) => groups.map((group, own) => (own === index ? group.toSpliced(place, 1, ...instead) : group))
  switch (what) {
    case 'drop':
      return put()
    case 'repeat':
      return put(said, said)
    case 'invent': {
      const other = places[where % places.length]
      return put(said, groups[other.index][other.place])
    }
    case 'swap': {
      const other = places[where % places.length]
      const theirs = groups[other.index][other.place]
      return groups.map((group, own) =>
        group.map((one, slot) => (own === index && slot === place ? theirs : own === other.index && slot === other.place ? said : one)),
      )
    }
    case 'field':
      return put(withField(said, where, value))
    default:
      return put(withBytes(said, what, where, value))
  }
}

/** A word or a number of the message. */
function withField(said: Said, where: number, value: number): Said {
  const changed = structuredClone(said) as Record<string, unknown>
  const found: { holder: Record<string, unknown>; name: string }[] = []
  const visit = (holder: Record<string, unknown>) => {
    for (const [name, one] of Object.entries(holder)) {
      if (typeof one === 'number' || typeof one === 'boolean' || typeof one === 'string') found.push({ holder, name })
      else if (one && typeof one === 'object' && !(one instanceof Uint8Array) && !(one instanceof Map))
        visit(one as Record<string, unknown>)
    }
  }
  visit(changed)
  if (found.length === 0) return said
  const { holder, name } = found[where % found.length]
  const one = holder[name]
  holder[name] = typeof one === 'number' ? value % 256 : typeof one === 'boolean' ? !one : words[value % words.length]
  return changed
}
/** Names of messages that several families have. */
const words = ['completed', 'answer', 'event', 'approved', 'declined', 'request', 'notification', 'saleAnswer', 'timeout', 'raw']

function withBytes(said: Said, what: 'tag' | 'rename' | 'byte', where: number, value: number): Said {
  const changed = structuredClone(said)
  const all: Uint8Array[] = []
  const visit = (one: unknown) => {
    if (one instanceof Uint8Array) one.length > 0 && all.push(one)
    else if (one instanceof Map) for (const value of one.values()) visit(value)
    else if (one && typeof one === 'object') Object.values(one).forEach(visit)
  }
  visit(changed)
  if (all.length === 0) return said
  if (what === 'byte') {
    const bytes = all[where % all.length]
    bytes[value % bytes.length] = (value >> 8) & 0xff
    return changed
  }
  const hits = all.flatMap(bytes => objects.flatMap(object => finds(bytes, object.head).map(begin => ({ bytes, object, begin }))))
  if (hits.length === 0) return said
  const { bytes, object, begin } = hits[where % hits.length]
  const { head, values } = object
  if (what === 'rename') bytes[begin + head.length - 2] ^= 0x40 & (head.length > 2 ? 0xff : 0x03) || 0x02
  else if (values.length > 0) bytes.set(values[value % values.length], begin + head.length)
  else bytes[begin + head.length + (value % head[head.length - 1])] ^= 1 + ((value >> 4) % 255)
  return changed
}

function finds(bytes: Uint8Array, head: Uint8Array, length = head[head.length - 1]): number[] {
  const found: number[] = []
  const size = head.length + length
  for (let at = 0; at + size <= bytes.length; at++) if (equal(bytes.subarray(at, at + head.length), head)) found.push(at)
  return found
}

/** Wherever the data object `head` (tag and length) lies, `value` instead of what it had. `last`: only where it was said last. */
export function put(recording: Recording, head: string, value: string, last = false): Recording {
  const [begin, instead] = [fromHex(head), fromHex(value)]
  const groups = structuredClone(recording) as Said[][]
  const hits: (() => void)[] = []
  const visit = (one: unknown) => {
    if (one instanceof Uint8Array) {
      for (const at of finds(one, begin, instead.length)) hits.push(() => one.set(instead, at + begin.length))
    } else if (one instanceof Map) {
      // A codec that has taken the data objects apart.
      const tag = Number.parseInt(head.slice(0, -2), 16)
      if (one.has(tag)) hits.push(() => one.set(tag, instead))
      for (const value of one.values()) visit(value)
    } else if (one && typeof one === 'object') Object.values(one).forEach(visit)
  }
  visit(groups)
  if (hits.length === 0) throw new Error(`the recording has no ${head}`)
  for (const hit of last ? hits.slice(-1) : hits) hit()
  return groups
}
