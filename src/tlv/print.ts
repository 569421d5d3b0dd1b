/** BER-TLV for people: a tree with names and decoded values, tolerant of what is wrong, masking what is secret. */

import { hex } from '../bytes.ts'
import { isFault } from '../errors.ts'
import { maskNumbers } from '../mask.ts'
import { isConstructed, MAX_DEPTH, readTolerant, tagHex } from './ber.ts'
import { type Certainty, known, markOf, type Sentence, type Unsure, weaker } from './certainty.ts'
import { parseDol } from './dol.ts'
import { openFormat1 } from './format1.ts'
import { guess, type Hints, kernelOfAid, kernelOfDictionary, likelyKernel } from './guess.ts'
import type { KernelDictionary } from './kernels.ts'
import { mask } from './masked.ts'
import { type Dictionary, general, isSensitive, type TagInfo } from './tags.ts'
import { type Surroundings, sentences } from './words.ts'

/** One data object as JSON can carry it. */
export interface Described {
  /** In upper-case hex. */
  readonly tag: string
  /** As the dictionary has it; left out for a tag that it does not know. */
  readonly name?: string
  /** Where the tag begins in the bytes that were described; of a value in template 80, which has no tags, where the value does. */
  readonly offset: number
  /** Bytes of the value. */
  readonly length: number
  /** Hex of a primitive value; of a sensitive one what may be shown (`400000******0002`). */
  readonly value?: string
  /** The value is not shown whole. */
  readonly masked?: true
  /** What it says: a date, an amount, the names of set bits, the entries of a list. */
  readonly words?: readonly string[]
  /** How well each of `words` is known, in their order; left out where all were seen in a published specification, or in programs that agree. */
  readonly wordsCertainty?: readonly Certainty[]
  /** How well the name is known; left out where it was seen so. */
  readonly certainty?: Unsure
  /** What a template holds. */
  readonly children?: readonly Described[]
  /** It could be read otherwise too: as what it was taken, and why. A tag of kernels where none was named; a template 80 whose command is not known. */
  readonly guessed?: string
  /** What is wrong with it, in a sentence. */
  readonly wrong?: readonly string[]
}

/** What can be said of bytes. */
export interface Description {
  /** Those of the first level, in order. */
  readonly objects: readonly Described[]
  /** Where reading had to stop, and why; left out where all could be read. `rest` counts the bytes from the offset on. */
  readonly stopped?: Stopped
}

/** Where reading had to stop, and why. */
export interface Stopped {
  /** The rule that was broken. */
  readonly rule: string
  /** Where, in the bytes that were described. */
  readonly offset: number
  /** Bytes from there on. */
  readonly rest: number
}

/** How bytes are described. */
export interface DescribeOptions {
  /** The words of one kernel (`kernelDictionaries`); the general ones when left out, and for a tag of kernels the likeliest of theirs, which is told. */
  readonly words?: Dictionary
  /** A vendor's own tags, laid over the others. */
  readonly vendor?: Dictionary
  /** INS of the command that the bytes answer (0xA8 for GET PROCESSING OPTIONS), which tells what a template 80 holds; told from it and said when left out. */
  readonly answerTo?: number
  /** See `read`. */
  readonly ff?: 'padding' | 'tag'
}

/** Everything that can be said of `bytes`. Never throws: what is wrong is part of the description. */
export function describe(bytes: Uint8Array, options: DescribeOptions = {}): Description {
  const around: Around = { unknown: [] }
  collect(bytes, options, around, 0)
  around.likely = options.words ? undefined : likelyKernel(around)
  return level(bytes, 0, 0, options, around)
}

/** What all of the data tell about one of them. */
interface Around extends Hints {
  currency?: Uint8Array
  aid?: Uint8Array
  likely?: KernelDictionary
  readonly unknown: (readonly [tag: number, value: Uint8Array])[]
}

/**
 * `describe` with `FF` read the likelier way: as `options.ff` says, and where that ends in nonsense the other way too; the reading with less that is wrong is taken. What is
 * nonsense both ways may be cut anywhere, so that no tag tells what is secret: digits as long as a card number are masked in all of it.
 */
export function describeEither(bytes: Uint8Array, options: DescribeOptions = {}): Description {
  const asked = describe(bytes, options)
  const other =
    faults(asked) > 0 && bytes.includes(0xff) ? describe(bytes, { ...options, ff: options.ff === 'tag' ? 'padding' : 'tag' }) : asked
  const best = faults(other) < faults(asked) ? other : asked
  const nonsense = faults(best) >= WRONG
  return { ...best, objects: best.objects.map(one => hushed(one, nonsense)) }
}

/** What is wrong with a reading: its end first, then lengths that no dictionary allows, then tags that are not known. */
const [STOPPED, WRONG, UNKNOWN] = [10_000, 100, 1]

function faults({ objects, stopped }: Description): number {
  const each = objects.map(
    one => (one.wrong ?? []).length * WRONG + (one.name && !one.guessed ? 0 : UNKNOWN) + faults({ objects: one.children ?? [] }),
  )
  return each.reduce((sum, one) => sum + one, stopped ? STOPPED : 0)
}

/** A universal tag is none of EMV's, and may hold whatever was cut before it. */
const universal = /^[0-3]/

function hushed({ words: said, wordsCertainty, children, ...one }: Described, nonsense: boolean): Described {
  // Values without tags are put together again: a number that was cut into them would pass for two.
  if (nonsense && one.tag === '80' && children)
    return { ...one, value: maskNumbers(children.map(child => child.value ?? '').join('')), masked: true }
  const vague =
    universal.test(one.tag) || (nonsense && (!one.name || one.guessed !== undefined || one.wrong !== undefined || one.length >= 8))
  const value = one.value === undefined || one.masked || !vague ? one.value : maskNumbers(one.value)
  const changed = value !== one.value
  return {
    ...one,
    ...(value !== undefined && { value }),
    ...(changed
      ? { masked: true as const }
      : said && !(nonsense && one.wrong) && { words: said, ...(wordsCertainty && { wordsCertainty }) }),
    ...(children && { children: children.map(child => hushed(child, nonsense)) }),
  }
}

function level(bytes: Uint8Array, base: number, depth: number, options: DescribeOptions, around: Around): Description {
  const read = readTolerant(bytes, { base, ff: options.ff })
  const objects = read.objects.map(({ tag, value, offset }) =>
    object(tag, value, offset, base + value.byteOffset - bytes.byteOffset, depth, options, around),
  )
  if (!read.fault) return { objects }
  const last = read.objects.at(-1)
  const from = last ? last.value.byteOffset - bytes.byteOffset + last.value.length : 0
  const { rule, offset } = read.fault.details
  return { objects, stopped: { rule: String(rule), offset: Number(offset), rest: bytes.length - from } }
}

function object(
  tag: number,
  value: Uint8Array,
  offset: number,
  valueOffset: number,
  depth: number,
  options: DescribeOptions,
  around: Around,
): Described {
  const own = options.vendor?.get(tag)
  const taken = options.words || own ? undefined : guess(tag, value, around, around.likely)
  const info = own ?? (options.words ?? general).get(tag) ?? taken?.info
  const head = {
    tag: tagHex(tag),
    ...(info && { name: info.name }),
    offset,
    length: value.length,
    ...(info?.certainty && { certainty: info.certainty }),
    ...(taken && { guessed: taken.why }),
  }
  const wrong: string[] = []
  if (info && value.length > 0 && (value.length < info.min || value.length > info.max))
    wrong.push(`${value.length} bytes, the dictionary allows ${info.min === info.max ? info.min : `${info.min} to ${info.max}`}`)
  if (isConstructed(tag)) {
    if (depth >= MAX_DEPTH) return { ...head, wrong: [`templates nest deeper than ${MAX_DEPTH}`] }
    const { objects, stopped } = level(value, valueOffset, depth + 1, options, around)
    if (stopped) wrong.push(stopWords(stopped))
    return { ...head, children: objects, ...(wrong.length > 0 && { wrong }) }
  }
  const opened = tag === 0x80 ? openFormat1(value, options.answerTo) : undefined
  if (opened) {
    const children = opened.parts.map(([part, from, to]) =>
      object(part, value.subarray(from, to), valueOffset + from, valueOffset + from, depth + 1, options, around),
    )
    return { ...head, children, ...(opened.guessed && { guessed: opened.guessed }), ...(wrong.length > 0 && { wrong }) }
  }
  if (info?.sensitive || isSensitive(tag)) return { ...head, value: mask(tag, value), masked: true, ...(wrong.length > 0 && { wrong }) }
  let said: readonly Sentence[] = []
  try {
    said =
      dols.has(tag) && !(tag === 0x9f69 && info?.name !== 'UDOL')
        ? known('seen', dolWords(value, options.words ?? general))
        : sentences(tag, value, info?.format, surroundings(info, around, options))
  } catch (error) {
    if (!isFault(error)) throw error
    wrong.push(error.message)
  }
  return { ...head, value: hex(value), ...told(said, info?.certainty), ...(wrong.length > 0 && { wrong }) }
}

/** None is surer than the name of its object. */
function told(said: readonly Sentence[], name: Certainty = 'seen'): Pick<Described, 'words' | 'wordsCertainty'> {
  if (said.length === 0) return {}
  const certainties = said.map(({ certainty }) => weaker(name, certainty))
  return { words: said.map(({ text }) => text), ...(certainties.some(one => one !== 'seen') && { wordsCertainty: certainties }) }
}

const dols = new Set([0x8c, 0x8d, 0x97, 0x9f38, 0x9f49, 0x9f4f, 0x9f51, 0x9f69])

function dolWords(value: Uint8Array, dictionary: Dictionary): string[] {
  return parseDol(value).map(({ tag, length }) => `${tagHex(tag)} ${dictionary.get(tag)?.name ?? 'unknown'}: ${length}`)
}

function surroundings(info: TagInfo | undefined, { currency, aid }: Around, { words }: DescribeOptions): Surroundings {
  const scheme = aid ? kernelOfAid(aid) : words && kernelOfDictionary(words)
  return { ...(currency && { currency }), ...(info && { name: info.name }), ...(scheme && { scheme }) }
}

/** Amounts are printed in the currency that the same data name, wherever it stands; an AID, and what no general dictionary has, tells the kernel. */
function collect(bytes: Uint8Array, options: DescribeOptions, around: Around, depth: number): void {
  for (const { tag, value } of readTolerant(bytes, { ff: options.ff }).objects) {
    if (tag === 0x5f2a && value.length === 2) around.currency = value
    else if (aids.has(tag) && value.length >= 5) around.aid ??= value
    else if (!general.has(tag) && !options.vendor?.has(tag)) around.unknown.push([tag, value])
    if (isConstructed(tag) && depth < MAX_DEPTH) collect(value, options, around, depth + 1)
  }
}

const aids = new Set([0x4f, 0x84, 0x9f06])

function stopWords({ rule, offset, rest }: Stopped): string {
  return `${rule} at offset ${offset}; ${rest} byte${rest === 1 ? '' : 's'} not read`
}

/** A description as lines: two blanks for each level, `=` before what a value says, `?` before what was guessed, `!` before what is wrong; `[derived]` and `[assumed]` behind what was not seen. */
export function printTree({ objects, stopped }: Description, indent = ''): string {
  const lines = objects.flatMap(one => {
    const inner = `${indent}  `
    const head = `${indent}${one.tag} ${one.name ?? 'unknown tag'}${markOf(one.certainty)} (${one.length})${one.value ? `: ${one.value}` : ''}`
    return [
      head,
      ...(one.guessed ? [`${inner}? ${one.guessed}`] : []),
      ...(one.words ?? []).map((word, at) => `${inner}= ${word}${markOf(one.wordsCertainty?.[at])}`),
      ...(one.children && one.children.length > 0 ? [printTree({ objects: one.children }, inner)] : []),
      ...(one.wrong ?? []).map(word => `${inner}! ${word}`),
    ]
  })
  if (stopped) lines.push(`${indent}! ${stopWords(stopped)}`)
  return lines.join('\n')
}
