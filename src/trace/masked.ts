/** What a hook tells as lines of JSON, with what is secret replaced: by the list of masking.ts, by what a secret looks like, and by the card numbers that were met before. */

import { fromHex, hex, text } from '../bytes.ts'
import { starNumbers, starPan } from '../stars.ts'
import { tagHex } from '../tlv/ber.ts'
import type { Told, TraceSpan, TraceSpanEnd } from './event.ts'
import {
  type Findings,
  learnName,
  maskAnswer,
  maskCommand,
  maskedObject,
  maskObject,
  maskObjects,
  type Origin,
  zeroedPan,
} from './masked-bytes.ts'
import { type MaskingRule, openKeypad, plainNumbers, ruleOfField } from './masking.ts'

/** Bytes of a message that are written out; longer ones that are no data objects are told by their number. */
const MOST_BYTES = 1024
/** Objects in each other; what lies deeper is not told. */
export const MAX_DEPTH = 12
/** A key that is a tag, as card data have it in JSON: `57`, `9F6B`, `DF8129`. */
const tagName = /^(?:[4-9A-F][0-9A-F]|[5-9BDF]F[0-7][0-9A-F]|[9BDF]F[89A-F][0-9A-F][0-7][0-9A-F])$/i
const hexText = /^(?:[0-9A-F]{2}){6,}$/i

/** JSON without the braces around it: the fields of an object, to which others are added in front. */
type Fields = string

/** What is found in an event. */
interface Look extends Findings {
  /** Words in which no cardholder's name stands that was met before. */
  withoutNames(text: string): string
}

/** No card number, in no form, is shorter. */
const SHORTEST = 12

/** Masks the events of one trace, in their order. JSON is made at once, piece by piece: what is only written needs no object of it first. */
export class Masker implements Look {
  readonly pans = new Set<string>()
  readonly names = new Set<string>()
  /** By which the last event was masked. */
  readonly rules = new Set<MaskingRule>()
  /** Each of the numbers in the forms in which it could stand in a line, and what stands there instead. */
  #forms: (readonly [string, string])[] = []
  /** The message on the display. */
  #screen: string | undefined

  /** The event as it may be written; `rules` are its own until the next. The bytes of a command to a card, and of its answer, are masked where they stand. */
  mask(told: Told | TraceSpan | TraceSpanEnd): Fields {
    if (this.rules.size > 0) this.rules.clear()
    const fields = this.#fields(told)
    return this.pans.size === 0 || ofWords.has(told.kind) ? fields : this.#withoutPans(fields)
  }

  #fields(told: Told | TraceSpan | TraceSpanEnd): Fields {
    switch (told.kind) {
      case 'apdu': {
        const { command, answer } = told
        const asked = fieldsOf(told, this, 'command', 'answer') + ',"command":' + masked(command, this, maskCommand)
        return answer === undefined ? asked : `${asked},"answer":${masked(answer, this, maskAnswer)}`
      }
      case 'kernel': {
        const { inputs, effect } = told
        let own = ''
        if (inputs instanceof Map) for (const [tag, value] of inputs) own += `${own && ','}${inputOf(tag, value, this)}`
        else
          for (const [tag, value] of Object.entries(inputs))
            own += `${own && ','}${quoted(tag)}:${bytesOf(maskedObject(Number.parseInt(tag, 16), fromHex(value), this))}`
        return `${fieldsOf(told, this, 'inputs', 'effect')},"inputs":{${own}},"effect":${listOfWords(effect, said, this)}`
      }
      case 'screen': {
        this.#screen = told.message
        return `${fieldsOf(told, this, 'lines')},"lines":${listOfWords(told.lines, sentence, this)}`
      }
      case 'key': {
        if (!/\d/.test(told.key) || (this.#screen !== undefined && openKeypad.has(this.#screen))) return fieldsOf(told, this)
        this.rules.add('pin')
        return fieldsOf({ ...told, key: '*' }, this)
      }
      case 'message':
      case 'reader':
      case 'app':
      case 'host':
      case 'journal':
      case 'result': {
        const { content } = told
        const own = content === undefined ? undefined : jsonOf(content, unnamed, this, told.kind === 'message' ? 'reader' : 'card')
        const fields = fieldsOf(told, this, 'content')
        return own === undefined ? fields : `${fields},"content":${own}`
      }
      case 'span': // the number of an order is anybody's, the names of steps and commands are ours
        return told.level === 'payment' ? `${fieldsOf(told, this, 'name')},"name":${sentence(told.name, this)}` : fieldsOf(told, this)
      default:
        return fieldsOf(told, this)
    }
  }

  withoutNames(text: string): string {
    let clean = text
    for (const name of this.names) {
      if (clean.includes(name)) clean = clean.replaceAll(name, '*'.repeat(name.length))
      if (clean.length < name.length * 2) continue
      // Its bytes in a text, as XML has data objects: 4D41… is MA….
      const digits = hex(new TextEncoder().encode(name))
      if (clean.toUpperCase().includes(digits)) clean = clean.replace(new RegExp(digits, 'gi'), '0'.repeat(digits.length))
    }
    if (clean !== text) this.rules.add('name')
    return clean
  }

  /** An event in which no card number stands that was met before: as digits, and as the bytes of their text. What JSON has around them is neither. */
  #withoutPans(text: Fields): Fields {
    if (this.#forms.length < this.pans.size * 2)
      this.#forms = [...this.pans].flatMap(pan => {
        const shown = zeroedPan(pan)
        return [[pan, shown] as const, [pan.replace(/./g, '3$&'), shown.replace(/./g, '3$&')] as const]
      })
    let clean = text
    for (const [form, shown] of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, shown)
    if (clean !== text) this.rules.add('pan')
    return clean
  }
}

/** What these tell is chosen from lists and counted: `said` has looked at all of it. */
const ofWords: ReadonlySet<string> = new Set(['spanEnd', 'light', 'sound', 'card', 'key'])

/** Letters, digits and signs that stand in JSON as they are. */
const safe = /^[ !#-[\]-~\u00a0-\ud7ff]*$/

/** Text as JSON. As `JSON.stringify`, which is called where something in it needs more than quotes. */
function quoted(text: string): string {
  return safe.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** Words of ours that are told over and over, as JSON: rules, names, effects. None with as many digits as a card number has. */
const vocabulary = new Map<string, string>()
const MOST_WORDS = 1000
const LONGEST_WORD = 200
const digitRun = /\d(?:[ -]?\d){11,}/

/** A word of ours, as JSON. */
function said(word: string, look: Look): string {
  const known = vocabulary.get(word)
  if (known !== undefined) return known
  if (word.length >= SHORTEST && digitRun.test(word)) return sentence(word, look)
  const json = quoted(word)
  if (vocabulary.size < MOST_WORDS && word.length < LONGEST_WORD) vocabulary.set(word, json)
  return json
}

/** What may repeat what somebody was asked, as JSON. */
function sentence(words: string, look: Look): string {
  const nameless = look.withoutNames(words)
  return quoted(nameless.length < SHORTEST ? nameless : maskText(nameless, look))
}

function listOfWords(words: readonly string[], each: (word: string, look: Look) => string, look: Look): string {
  let own = ''
  for (const one of words) own += `${own && ','}${each(one, look)}`
  return `[${own}]`
}

/** The fields of an event that are words and numbers, but for those that have a way of their own. Bytes of a line, which its own redaction has seen, are no words. */
function fieldsOf(told: object, look: Look, own?: string, other?: string): Fields {
  let fields = ''
  for (const name of Object.keys(told)) {
    if (name === own || name === other) continue
    const value = (told as Record<string, unknown>)[name]
    if (value === undefined) continue
    const json = typeof value === 'string' ? (name === 'bytes' ? quoted(value) : said(value, look)) : (JSON.stringify(value) ?? 'null')
    fields += `${fields && ','}"${name}":${json}`
  }
  return fields
}

/** Bytes that were masked, as JSON has them. */
const bytesOf = (bytes: Uint8Array) => `"${hex(bytes)}"`

function masked(value: Uint8Array | string, look: Look, mask: (bytes: Uint8Array, found: Findings) => void): string {
  const bytes = typeof value === 'string' ? fromHex(value) : value
  mask(bytes, look)
  return bytesOf(bytes)
}

/** By tag, `"9F26":`. */
const heads = new Map<number, string>()

function inputOf(tag: number, value: Uint8Array, look: Look): string {
  let head = heads.get(tag)
  if (head === undefined) {
    head = `"${tagHex(tag)}":`
    if (heads.size < MOST_FIELDS) heads.set(tag, head)
  }
  return head + bytesOf(maskedObject(tag, value, look))
}

/** What is known of a field by its name. */
interface Field {
  /** The rule for text, and for bytes. */
  readonly text: MaskingRule | undefined
  readonly bytes: MaskingRule | undefined
  /** Of `plainNumbers`. */
  readonly plain: boolean
  readonly tag: number | undefined
  /** The name as JSON, where it is one that code has. */
  readonly head: string | undefined
}

/** Names that code has, in letters, and tags: nothing that somebody was told, such as a number. */
const codeName = /^(?:[A-Za-z]{1,32}|[0-9A-F]{2,6})$/
const fields = new Map<string, Field>()
const MOST_FIELDS = 2000

function fieldOf(name: string): Field {
  const known = fields.get(name)
  if (known) return known
  const ours = codeName.test(name)
  const field: Field = {
    ...{ text: ruleOfField(name, false), bytes: ruleOfField(name, true), plain: plainNumbers.test(name) },
    ...{ tag: tagName.test(name) ? Number.parseInt(name, 16) : undefined, head: ours ? `"${name}":` : undefined },
  }
  if (fields.size < MOST_FIELDS && ours) fields.set(name, field)
  return field
}

const unnamed = fieldOf('')

/** Whatever it is, as JSON. What JSON does not know becomes text: minor units, moments; functions are left out. */
function jsonOf(value: unknown, field: Field, look: Look, origin: Origin, depth = 0): string | undefined {
  switch (typeof value) {
    case 'string':
      return textOf(value, field, look, origin)
    case 'number':
      return Number.isFinite(value) ? String(value) : `"${value}"`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return `"${value}"`
    case 'object':
      break
    default:
      return undefined
  }
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return maskBytes(field, new Uint8Array(value), look, origin)
  if (Array.isArray(value)) return depth === MAX_DEPTH ? '"…"' : listOf(value, field, look, origin, depth)
  if (value instanceof Date) return Number.isNaN(+value) ? '"no date"' : `"${value.toISOString()}"`
  if (depth === MAX_DEPTH) return '"…"'
  if (value instanceof Map) return mapOf(value, field, look, origin, depth)
  if (value instanceof Set) return listOf([...value], field, look, origin, depth)
  if (value instanceof Error) {
    const { code, details } = value as Error & { code?: unknown; details?: unknown }
    const told = { ...(code !== undefined && { code }), message: value.message, ...(details !== undefined && { details }) }
    return jsonOf(told, field, look, origin, depth)
  }
  if (value instanceof AbortSignal) return undefined
  return objectOf(value, field, look, origin, depth)
}

function listOf(values: readonly unknown[], field: Field, look: Look, origin: Origin, depth: number): string {
  let own = ''
  for (const value of values) own += `${own && ','}${jsonOf(value, field, look, origin, depth + 1) ?? 'null'}`
  return `[${own}]`
}

function objectOf(value: object, around: Field, look: Look, origin: Origin, depth: number): string {
  let own = ''
  for (const name of Object.keys(value)) {
    const json = memberOf(name, (value as Record<string, unknown>)[name], around, look, origin, depth)
    if (json !== undefined) own += own === '' ? json : `,${json}`
  }
  return `{${own}}`
}

/** Data objects by tag, or whatever else. */
function mapOf(value: ReadonlyMap<unknown, unknown>, around: Field, look: Look, origin: Origin, depth: number): string {
  let own = ''
  for (const [key, one] of value) {
    const json = memberOf(typeof key === 'number' ? tagHex(key) : String(key), one, around, look, origin, depth)
    if (json !== undefined) own += own === '' ? json : `,${json}`
  }
  return `{${own}}`
}

function memberOf(name: string, value: unknown, around: Field, look: Look, origin: Origin, depth: number): string | undefined {
  if (value === undefined) return undefined
  const field = fieldOf(name)
  const secret = around.bytes === 'track' || around.bytes === 'pin'
  // { track: { 1: …, 2: … } }, { pinBlock: { data, ksn } }
  const plain = !secret || field.plain || (typeof value === 'object' && !(value instanceof Uint8Array))
  const json = jsonOf(value, plain ? field : around, look, origin, depth + 1)
  return json === undefined ? undefined : (field.head ?? `${quoted(maskText(name, look))}:`) + json
}

function maskBytes({ bytes: rule, tag }: Field, bytes: Uint8Array, look: Look, origin: Origin): string {
  if (bytes.length === 0) return '""'
  if (rule && !(rule === 'pan' && bytes.every(byte => byte === 0))) {
    look.rules.add(rule)
    if (rule === 'name') learnName(text(bytes), look)
    return bytesOf(bytes.fill(0))
  }
  if (tag === undefined) maskObjects(bytes, look, origin)
  else maskObject(tag, bytes, look, origin)
  return bytes.length > MOST_BYTES ? `"${bytes.length} bytes"` : bytesOf(bytes)
}

function textOf(words: string, field: Field, look: Look, origin: Origin): string {
  const { text: rule, plain, tag } = field
  if (rule === 'pan' && words.includes('*')) return sentence(words, look) // it was masked before
  if (rule && words !== '') {
    look.rules.add(rule)
    if (rule === 'name') learnName(words, look)
    if (rule !== 'pan') return `"${'*'.repeat(Math.min(words.length, 12))}"`
    if (/^\d{12,19}$/.test(words)) look.pans.add(words)
    return quoted(starPan(words))
  }
  if (words.length < SHORTEST) return quoted(look.withoutNames(words)) // no number of a card, and no bytes that hold one
  if (words.length % 2 === 0 && (tag !== undefined || !plain || /[A-F]/i.test(words)) && hexText.test(words))
    return maskBytes(field, fromHex(words), look, origin)
  return plain ? quoted(look.withoutNames(words)) : sentence(words, look)
}

/** An application by its identifier is no card number, whatever its digits: an international RID begins with A (ISO/IEC 7816-5, 8.1.4). */
const aid = /\b(A0000[0-9A-F]{5,27})\b/

/** Words that may repeat what somebody was asked. */
function maskText(words: string, found: Findings): string {
  if (words.length < SHORTEST || !digitRun.test(words)) return words
  const clean = words
    .split(aid)
    .map((part, at) => (at % 2 === 1 ? part : starNumbers(part.replace(/%?B(\d{12,19})\^[^?]*\??/g, '$1=0'))))
    .join('')
  if (clean !== words) found.rules.add('pan')
  return clean
}
