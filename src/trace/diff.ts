/** Two runs beside each other: the first event where they part, and every value that differs, with the rules of the kernel that made it so. */

import { fromHex } from '../bytes.ts'
import * as door from '../door.ts'
import { flagWords } from '../tlv/bits.ts'
import { tagInfo } from '../tlv/tags.ts'
import { type Contents, ContentsReader } from './contents.ts'
import type { TraceEvent, TraceKernel } from './event.ts'
import type { TraceLog } from './read.ts'

/** What else of two runs may differ by nature. `ksn`: key serial numbers, which count up; `atc`: the card's counter, and what it goes into. */
export type DiffIgnorable = 'ksn' | 'atc'

/** How two traces are compared. */
export interface DiffOptions {
  /** Left out of the comparison beside times, unpredictable numbers and the date. */
  readonly ignore?: readonly DiffIgnorable[]
}

/** One side of a pair of events. */
export interface DiffPlace {
  /** Line in the trace, from 1. */
  readonly line: number
  /** Milliseconds since its start. */
  readonly at: number
  /** Names of the spans around it, outermost first. */
  readonly within: readonly string[]
  /** What happened: `apdu GENERATE AC`, `kernel Book 3, 10.4.3: expired`. */
  readonly what: string
}

/** A value that is not the same in both. */
export interface DiffValue {
  /** A tag in hex, `sw`, or the path in the event's content. */
  readonly name: string
  /** The tag's name in the dictionary. */
  readonly meaning?: string
  /** Left out where the left run has none. */
  readonly left?: string
  /** Left out where the right run has none. */
  readonly right?: string
  /** Bits of a flag field that the left run alone has. */
  readonly leftBits?: readonly string[]
  /** Bits of a flag field that the right run alone has. */
  readonly rightBits?: readonly string[]
}

/** A pair of events that differ; one side is left out where only one run has it. */
export interface DiffEvent {
  /** In the left run. */
  readonly left?: DiffPlace
  /** In the right run. */
  readonly right?: DiffPlace
  /** What differs in it; empty where one run alone has the event. */
  readonly values: readonly DiffValue[]
}

/** A rule of the kernel that one run alone applied, or that did something else there. */
export interface DiffRule {
  /** The run that applied it. */
  readonly side: 'left' | 'right'
  /** With its paragraph. */
  readonly rule: string
  /** What it did. */
  readonly effect: readonly string[]
}

/** A value that differs somewhere: where first, and why. */
export interface DiffTag extends DiffValue {
  /** The event in which it differs first. */
  readonly where: string
  /** Rules that set its bits, or looked at it and did something else in one of the runs. */
  readonly rules: readonly DiffRule[]
}

/** Something that was not compared, and differed. */
export interface DiffIgnored {
  /** A tag in hex, or the path in the event's content. */
  readonly name: string
  /** Why it is not compared. */
  readonly why: string
  /** In how many events. */
  readonly count: number
}

/** What two runs come to beside each other. */
export interface TraceDiff {
  /** Nothing but what is ignored differs. */
  readonly same: boolean
  /** Where they part. */
  readonly first?: DiffEvent
  /** How many pairs of events differ. */
  readonly events: number
  /** Each value that differs in events which both have, in the order in which they are met. */
  readonly values: readonly DiffTag[]
  /** What differs and was not compared. */
  readonly ignored: readonly DiffIgnored[]
}

const DATES = new Set(['9A', '9F21'])
const RANDOM = new Set(['9F37', 'DF8301', 'DF8302', '9F6A'])
const COUNTERS = new Set(['9F36', '9F13'])
/** What a cryptogram or a signature makes of them. */
const FOLLOWS = new Set(['9F26', '9F4B', '91', '9F4C', '9F60', '9F61'])

function ignoredFor(name: string, given: ReadonlySet<DiffIgnorable>, moved: boolean): string | undefined {
  const tag = name.replace(/#\d+$/, '')
  const last = tag.slice(tag.lastIndexOf('.') + 1)
  if (DATES.has(tag) || /^(at|time|date|start|delay|took|ms)$/i.test(last) || /(Time|Date|At)$/.test(last)) return 'time and date'
  if (RANDOM.has(tag) || /^(random|unpredictable\w*|entropy)$/i.test(last)) return 'unpredictable'
  if (given.has('atc') && COUNTERS.has(tag)) return 'the card’s counter, ignored as asked'
  if (given.has('ksn') && (/ksn/i.test(last) || ['C0', 'C1', 'C3', 'DFEE12', 'DFDF54', 'DFDF56', 'DFDF41', 'DFDF50', 'DFAE03', 'DFAE05'].includes(tag)))
    return 'a key serial number, ignored as asked'
  return moved && FOLLOWS.has(tag) ? 'made of what is ignored: counter, date or unpredictable number' : undefined
} // biome-ignore format: a list

/** What tells an event from its neighbours. */
function keyOf(event: TraceEvent, spans: ReadonlyMap<number, string>): string {
  switch (event.kind) {
    case 'span':
      return `span ${event.level} ${event.level === 'payment' ? '' : event.name}`
    case 'spanEnd':
      return `end of ${spans.get(event.id) ?? 'a span'}`
    case 'apdu':
      return `apdu ${event.name}`
    case 'message':
      return `message ${event.way === 'out' ? 'to' : 'from'} the reader: ${event.type}`
    case 'kernel':
      return `kernel ${event.rule}`
    case 'screen':
      return `screen ${event.message ?? event.lines.join(' / ')}`
    case 'app':
    case 'host':
      return `${event.kind} ${event.what} ${event.name}`
    case 'journal':
      return `journal ${event.stage}`
    case 'result':
      return 'result'
    case 'light':
      return `light ${event.light}`
    case 'sound':
      return `sound ${event.sound}`
    case 'key':
      return `key ${event.key}`
    case 'card':
    case 'reader':
      return `${event.kind} ${event.event}`
    case 'link':
      return 'link'
  }
}

interface Item {
  readonly key: string
  readonly event: TraceEvent
  readonly place: DiffPlace
}

/** The events that are compared: all but the pieces of the line, which lie as they come. */
function itemsOf({ events, lines }: Pick<TraceLog, 'events' | 'lines'>): Item[] {
  const names = new Map<number, string>()
  const parents = new Map<number, number | undefined>()
  return events.flatMap((event, at) => {
    if (event.kind === 'link') return []
    if (event.kind === 'span') {
      names.set(event.id, `${event.level}${event.level === 'payment' ? '' : ` ${event.name}`}`)
      parents.set(event.id, event.parent)
    }
    const within: string[] = []
    for (let id = event.span; id !== undefined && within.length < 16; id = parents.get(id)) within.unshift(names.get(id) ?? String(id))
    const key = keyOf(event, names)
    return [{ key, event, place: { line: lines[at] ?? at + 2, at: event.at, within, what: key } }]
  })
}

/** How far the runs are searched for where they go on together. */
const WINDOW = 128

type Pair = readonly [left: Item | undefined, right: Item | undefined]

/** Event beside event; where they part, the nearest place from which both go on alike. */
function align(left: readonly Item[], right: readonly Item[]): Pair[] {
  const pairs: Pair[] = []
  let [i, j] = [0, 0]
  const alike = (a: number, b: number) =>
    left[a]?.key === right[b]?.key && (left[a + 1]?.key === right[b + 1]?.key || left[a + 1] === undefined || right[b + 1] === undefined)
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i].key === right[j].key) {
      pairs.push([left[i++], right[j++]])
      continue
    }
    let skip: readonly [number, number] = [left.length - i, right.length - j]
    search: for (let both = 1; both <= WINDOW; both++)
      for (let own = 0; own <= both; own++)
        if (i + own < left.length && j + both - own < right.length && alike(i + own, j + both - own)) {
          skip = [own, both - own]
          break search
        }
    for (let n = 0; n < skip[0]; n++) pairs.push([left[i++], undefined])
    for (let n = 0; n < skip[1]; n++) pairs.push([undefined, right[j++]])
  }
  return pairs
}

/** The names of one or both, in order. */
const namesOf = (left: Contents, right: Contents) => [...new Set([...left.keys(), ...right.keys()])]

function valueApart(name: string, left: string | undefined, right: string | undefined): DiffValue {
  const tag = /^(?:[0-9A-F]{2}){1,3}(#\d+)?$/.test(name) ? Number.parseInt(name.replace(/#.*/, ''), 16) : undefined
  const meaning = tag === undefined ? undefined : tagInfo(tag)?.name
  const bits = (value: string | undefined) =>
    (tag !== undefined && value !== undefined && /^(?:[0-9A-Fa-f]{2})*$/.test(value) && flagWords(tag, fromHex(value))) || undefined
  const [ofLeft, ofRight] = [bits(left), bits(right)]
  return {
    name,
    ...(meaning !== undefined && { meaning }),
    ...(left !== undefined && { left }),
    ...(right !== undefined && { right }),
    ...(ofLeft && ofRight && { leftBits: ofLeft.filter(one => !ofRight.includes(one)), rightBits: ofRight.filter(one => !ofLeft.includes(one)) }),
  }
} // biome-ignore format: one line

/** By what effects of a rule name a flag field. */
const fields: Readonly<Record<string, RegExp>> = { '95': /^TVR /, '9B': /^TSI /, '9F34': /^CVM/ }

/** The kernel's rules that only one run applied, or that did something else there. */
function rulesApart(pairs: readonly Pair[]): readonly (DiffRule & Pick<TraceKernel, 'inputs'>)[] {
  const one = (side: 'left' | 'right', event: TraceKernel) => ({ side, rule: event.rule, effect: event.effect, inputs: event.inputs })
  return pairs.flatMap(([left, right]) => {
    const [a, b] = [left?.event, right?.event]
    if (a?.kind === 'kernel' && b?.kind === 'kernel') return a.effect.join() === b.effect.join() ? [] : [one('left', a), one('right', b)]
    return [...(a?.kind === 'kernel' ? [one('left', a)] : []), ...(b?.kind === 'kernel' ? [one('right', b)] : [])]
  })
}

/** Whether a rule says why a value differs: it sets a bit of the field, or it looks at the tag. */
function concerns(name: string, { effect, inputs }: { readonly effect: readonly string[]; readonly inputs: Readonly<Record<string, string>> }): boolean {
  const tag = name.replace(/#.*/, '')
  return (fields[tag] && effect.some(one => fields[tag].test(one))) || Object.keys(inputs).some(one => one.toUpperCase() === tag)
} // biome-ignore format: one line

/**
 * Two runs beside each other. Events are paired by kind, span and name; pieces of the line are not compared, nor are times, dates and unpredictable numbers, which are told in
 * `ignored` where they differ, with what cryptograms make of them.
 */
export function diffTraces(left: TraceLog, right: TraceLog, options: DiffOptions = {}): TraceDiff {
  const log = door.shape({ events: door.listOf(door.object), lines: door.listOf(door.whole(1, Number.MAX_SAFE_INTEGER)) })
  door.need('left', left, log)
  door.need('right', right, log)
  door.need('options', options, door.shape({ ignore: door.maybe(door.listOf(door.oneOf(['ksn', 'atc']))) }))
  const given = new Set(options.ignore ?? [])
  const pairs = align(itemsOf(left), itemsOf(right))
  const apart = rulesApart(pairs)
  const readers = [new ContentsReader(), new ContentsReader()] as const
  const ignored = new Map<string, { why: string; count: number }>()
  const values = new Map<string, DiffTag>()
  let [first, events, moved] = [undefined as DiffEvent | undefined, 0, false]
  for (const [a, b] of pairs) {
    const [ofLeft, ofRight] = [a ? readers[0].of(a.event) : new Map(), b ? readers[1].of(b.event) : new Map()]
    const differ: DiffValue[] = []
    for (const name of a && b ? namesOf(ofLeft, ofRight) : []) {
      if (ofLeft.get(name) === ofRight.get(name)) continue
      const why = ignoredFor(name, given, moved)
      if (why !== undefined) {
        ignored.set(name, { why, count: (ignored.get(name)?.count ?? 0) + 1 })
        // Times of the trace itself go into no cryptogram.
        moved ||= /^[0-9A-F]+(#\d+)?$/.test(name)
        continue
      }
      differ.push(valueApart(name, ofLeft.get(name), ofRight.get(name)))
    }
    if (a && b && differ.length === 0) continue
    events++
    first ??= { ...(a && { left: a.place }), ...(b && { right: b.place }), values: differ }
    for (const one of differ) {
      if (values.has(one.name) || one.name.startsWith('effect ')) continue // an effect stands beside its rule
      const rules = apart.filter(rule => concerns(one.name, rule)).map(({ side, rule, effect }) => ({ side, rule, effect }))
      values.set(one.name, { ...one, where: a!.place.what, rules })
    }
  }
  return {
    same: events === 0,
    ...(first && { first }),
    events,
    values: [...values.values()],
    ignored: [...ignored].map(([name, { why, count }]) => ({ name, why, count })),
  }
}
