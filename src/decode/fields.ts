/** What a message of a codec says, field by field, for people: numbers and texts as they are, data objects opened, secrets masked. */

import { concat, hex, text } from '../bytes.ts'
import { starNumbers } from '../stars.ts'
import { tagBytes, tagHex, write } from '../tlv/ber.ts'
import { type Certainty, markOf } from '../tlv/certainty.ts'
import { type DescribeOptions, type Description, describeEither, printTree } from '../tlv/print.ts'
import type { TagInfo } from '../tlv/tags.ts'

/** A field for people. */
export interface MessageField {
  /** As the codec names it. */
  readonly name: string
  /** Text, a number, or hex of bytes; of a secret what may be shown. */
  readonly value?: string
  /** The value may not be shown whole. */
  readonly masked?: true
  /** What it says. */
  readonly words?: readonly string[]
  /** How well each of `words` is known, in their order; left out where all were seen. */
  readonly wordsCertainty?: readonly Certainty[]
  /** Its own fields. */
  readonly fields?: readonly MessageField[]
  /** The data objects in it. */
  readonly tlv?: Description
}

/** How the fields of a family are read. */
export interface FieldRules {
  /** Names of fields of which only the size may be shown: enciphered tracks, PIN blocks, keys. */
  readonly secret?: ReadonlySet<string>
  /** Names of fields whose bytes hold no card number for certain: serial numbers of readers and keys, times, random numbers. */
  readonly plain?: ReadonlySet<string>
  /** Names of fields that hold data objects. */
  readonly tlv?: ReadonlySet<string>
  /** What a value says, by name of its field. */
  readonly words?: Readonly<Record<string, (value: unknown) => string | readonly string[] | undefined>>
  /** Tags of the family's own, and how FF is read. */
  readonly describe?: DescribeOptions
}

/** Deeper than any message of a codec. */
const MAX_DEPTH = 8

/** The fields of `content`, in its order; those that are empty are left out. */
export function fieldsOf(content: object, rules: FieldRules, depth = 0): MessageField[] {
  return Object.entries(content).flatMap(([name, value]) => (isEmpty(value) ? [] : [fieldOf(name, value, rules, depth)]))
}

function isEmpty(value: unknown): boolean {
  if (value instanceof Map) return value.size === 0
  return value === undefined || value === '' || (value instanceof Uint8Array && value.length === 0)
}

/** One field. */
export function fieldOf(name: string, value: unknown, rules: FieldRules, depth = 0): MessageField {
  const said = rules.words?.[name]?.(value)
  const words = said === undefined ? [] : typeof said === 'string' ? [said] : said
  const head = { name, ...(words.length > 0 && { words }) }
  if (rules.secret?.has(name)) return { name, value: sizeOf(value), masked: true }
  if (value instanceof Uint8Array) return { ...head, ...bytesField(name, value, rules) }
  if (value instanceof Map) return { ...head, ...objectsOf(value, rules) }
  if (value instanceof Date) return { ...head, value: Number.isNaN(+value) ? 'no date' : value.toISOString() }
  if (typeof value === 'object' && value !== null && depth < MAX_DEPTH) {
    if (!Array.isArray(value)) return { ...head, fields: fieldsOf(value, rules, depth + 1) }
    if (value.every(one => typeof one !== 'object')) return { ...head, ...textField(value.join(', ')) }
    return { ...head, fields: value.map((one, at) => fieldOf(`${at + 1}`, one, rules, depth + 1)) }
  }
  return { ...head, ...(rules.plain?.has(name) ? { value: printable(String(value)) } : textField(String(value))) }
}

/** Text where all of it is, else bytes: for what holds no card number for certain. */
export function textOrBytes(name: string, bytes: Uint8Array): MessageField {
  const words = text(bytes).replace(/\0+$/, '')
  return { name, value: /^[\x20-\x7e]+$/.test(words) ? words : hex(bytes) }
}

/** Data objects in bytes. */
export function objectsField(name: string, bytes: Uint8Array, rules: FieldRules): MessageField {
  return { name, tlv: describeEither(bytes, rules.describe) }
}

function textField(words: string): Pick<MessageField, 'value' | 'masked'> {
  const shown = starNumbers(printable(words))
  return { value: shown, ...(shown !== printable(words) && { masked: true as const }) }
}

/** What a reader or a host says may command no terminal. */
const printable = (words: string) => words.replace(/[^\x20-\x7e\xa0-\u1fff\u2030-\uffff]/g, one => (one === '\n' ? ' ⏎ ' : '.'))

function bytesField(name: string, value: Uint8Array, rules: FieldRules): Pick<MessageField, 'value' | 'masked' | 'tlv'> {
  if (value.length > 0 && rules.tlv?.has(name)) return { tlv: describeEither(value, rules.describe) }
  const digits = hex(value)
  if (rules.plain?.has(name)) return { value: digits }
  const shown = starNumbers(digits)
  return { value: shown, ...(shown !== digits && { masked: true as const }) }
}

/** Tags of four bytes, as two vendors have them, are none of BER as EMV has it: they are fields of their own. */
function objectsOf(tags: ReadonlyMap<number, Uint8Array>, rules: FieldRules): Pick<MessageField, 'tlv' | 'fields'> {
  const known = [...tags].filter(([tag]) => isTag(tag))
  const others = [...tags].filter(([tag]) => !isTag(tag))
  return {
    tlv: describeEither(concat(...known.map(([tag, value]) => write(tag, value))), { ...rules.describe, ff: 'tag' }),
    ...(others.length > 0 && { fields: others.map(([tag, value]) => ({ name: tagHex(tag), ...bytesField('', value, rules) })) }),
  }
}

function isTag(tag: number): boolean {
  try {
    return tagBytes(tag).length > 0
  } catch {
    return false
  }
}

function sizeOf(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} bytes` : typeof value === 'string' ? `${value.length} characters` : 'not shown'
}

/** A vendor's own tags, from a codec's table of them: `pinRetryCounter` is told as `Pin retry counter`; of `secret` ones only that they are there; `text` ones are text. */
export function vendorTags(
  tags: Readonly<Record<string, number>>,
  secret: readonly string[],
  text: readonly string[] = [],
): ReadonlyMap<number, TagInfo> {
  const info = (name: string, tag: number): TagInfo => ({
    ...{ tag, name: spelt(name), source: 'reader', format: text.includes(name) ? 'ans' : 'b', min: 0, max: 0xffff, templates: [] },
    sensitive: secret.includes(name),
  })
  return new Map(Object.entries(tags).map(([name, tag]) => [tag, info(name, tag)]))
}

const spelt = (name: string) => name[0].toUpperCase() + name.slice(1).replace(/(?<=[a-z])[A-Z]/g, one => ` ${one.toLowerCase()}`)

/** As lines: `name: value`, what it says after `=`, its own fields and data objects below. */
export function printFields(fields: readonly MessageField[], indent = '  '): string[] {
  return fields.flatMap(({ name, value, words = [], wordsCertainty = [], fields: own = [], tlv }) => [
    `${indent}${name}${value === undefined ? '' : `: ${value}`}`,
    ...words.map((word, at) => `${indent}  = ${word}${markOf(wordsCertainty[at])}`),
    ...printFields(own, `${indent}  `),
    ...(tlv && (tlv.objects.length > 0 || tlv.stopped) ? [printTree(tlv, `${indent}  `)] : []),
  ])
}
