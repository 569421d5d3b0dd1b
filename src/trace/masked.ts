/** What a hook tells as lines of JSON, with what is secret replaced: by the list of masking.ts, by what a secret looks like, and by the card numbers that were met before. */

import { fromHex, hex } from '../bytes.ts'
import { starNumbers, starPan } from '../stars.ts'
import { tagHex } from '../tlv/ber.ts'
import type { Told } from './event.ts'
import { type Findings, maskAnswer, maskCommand, maskedObject, maskObject, maskObjects, type Origin, zeroedPan } from './masked-bytes.ts'
import { type MaskingRule, openKeypad, plainNumbers, ruleOfField } from './masking.ts'

/** Bytes of a message that are written out; longer ones that are no data objects are told by their number. */
const MOST_BYTES = 1024
const MAX_DEPTH = 12
/** A key that is a tag, as card data have it in JSON: `57`, `9F6B`, `DF8129`. */
const tagName = /^(?:[4-9A-F][0-9A-F]|[5-9BDF]F[0-7][0-9A-F]|[9BDF]F[89A-F][0-9A-F][0-7][0-9A-F])$/i
const hexText = /^(?:[0-9A-F]{2}){6,}$/i

/** JSON without the braces around it: the fields of an object, to which others are added in front. */
type Fields = string

/** Masks the events of one trace, in their order. JSON is made at once, field by field: what is only written needs no object of it first. */
export class Masker {
  readonly #pans = new Set<string>()
  /** Each of them in the forms in which it could stand in a line, and what stands there instead. */
  #forms: (readonly [string, string])[] = []
  /** The message on the display. */
  #screen: string | undefined

  /** The event as it may be written, and by which rules it was masked. */
  mask(told: Told): { readonly fields: Fields; readonly rules: ReadonlySet<MaskingRule> } {
    const found: Findings = { rules: new Set(), pans: this.#pans }
    const fields = this.#fields(told, found)
    const clean = this.#withoutPans(fields)
    if (clean !== fields) found.rules.add('pan')
    return { fields: clean, rules: found.rules }
  }

  /** A name or a sentence. */
  words(words: string): string {
    return this.#withoutPans(maskText(words, { rules: new Set(), pans: this.#pans }))
  }

  /** A line in which no card number stands that was met before: as digits, and as the bytes of their text. */
  #withoutPans(line: string): string {
    if (this.#forms.length < this.#pans.size * 2)
      this.#forms = [...this.#pans].flatMap(pan => {
        const shown = zeroedPan(pan)
        return [[pan, shown] as const, [pan.replace(/./g, '3$&'), shown.replace(/./g, '3$&')] as const]
      })
    let clean = line
    for (const [form, shown] of this.#forms) if (clean.includes(form)) clean = clean.replaceAll(form, shown)
    return clean
  }

  #fields(told: Told, found: Findings): Fields {
    switch (told.kind) {
      case 'apdu': {
        const { command, answer, ...rest } = told
        const asked = masked(command, bytes => maskCommand(bytes, found))
        if (answer === undefined) return `${fieldsOf(rest)},"command":"${asked}"`
        return `${fieldsOf(rest)},"command":"${asked}","answer":"${masked(answer, bytes => maskAnswer(bytes, found))}"`
      }
      case 'kernel': {
        const { inputs, effect, ...rest } = told
        let own = ''
        const put = (tag: string, value: Uint8Array | string) => {
          const bytes = typeof value === 'string' ? fromHex(value) : value
          own += `${own && ','}${JSON.stringify(tag)}:"${hex(maskedObject(Number.parseInt(tag, 16), bytes, found))}"`
        }
        if (inputs instanceof Map) for (const [tag, value] of inputs) put(tagHex(tag), value)
        else for (const [tag, value] of Object.entries(inputs)) put(tag, value)
        return `${fieldsOf(rest)},"inputs":{${own}},"effect":${JSON.stringify(effect.map(one => maskText(one, found)))}`
      }
      case 'screen':
        this.#screen = told.message
        return fieldsOf({ ...told, lines: told.lines.map(line => maskText(line, found)) })
      case 'key': {
        if (!/\d/.test(told.key) || (this.#screen !== undefined && openKeypad.has(this.#screen))) return fieldsOf(told)
        found.rules.add('pin')
        return fieldsOf({ ...told, key: '*' })
      }
      case 'message':
      case 'reader':
      case 'app':
      case 'host':
      case 'journal':
      case 'result': {
        const { content, ...rest } = told
        const own = content === undefined ? undefined : jsonOf(content, '', found, told.kind === 'message' ? 'reader' : 'card')
        return own === undefined ? fieldsOf(rest) : `${fieldsOf(rest)},"content":${own}`
      }
      default:
        return fieldsOf(told)
    }
  }
}

function fieldsOf(content: object): Fields {
  return JSON.stringify(content).slice(1, -1)
}

function masked(value: Uint8Array | string, mask: (bytes: Uint8Array) => void): string {
  const bytes = typeof value === 'string' ? fromHex(value) : value.slice()
  mask(bytes)
  return hex(bytes)
}

/** What is known of a field by its name. */
interface Field {
  readonly name: string
  /** The rule for text, and for bytes. */
  readonly text: MaskingRule | undefined
  readonly bytes: MaskingRule | undefined
  /** Of `plainNumbers`. */
  readonly plain: boolean
  readonly tag: number | undefined
}

/** Names that code has, in letters, and tags: nothing that somebody was told, such as a number. */
const codeName = /^(?:[A-Za-z]{1,32}|[0-9A-F]{2,6})$/
const fields = new Map<string, Field>()
const MOST_FIELDS = 2000

function fieldOf(name: string): Field {
  const known = fields.get(name)
  if (known) return known
  const field: Field = {
    ...{ name, text: ruleOfField(name, false), bytes: ruleOfField(name, true), plain: plainNumbers.test(name) },
    tag: tagName.test(name) ? Number.parseInt(name, 16) : undefined,
  }
  if (fields.size < MOST_FIELDS && codeName.test(name)) fields.set(name, field)
  return field
}

/** Whatever it is, as JSON. What JSON does not know becomes text: minor units, moments; functions are left out. */
function jsonOf(value: unknown, name: string, found: Findings, origin: Origin, depth = 0): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(maskField(fieldOf(name), value, found, origin))
    case 'number':
      return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`
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
  if (value instanceof Uint8Array) return `"${maskBytes(fieldOf(name), value.slice(), found, origin)}"`
  if (value instanceof Date) return Number.isNaN(+value) ? '"no date"' : `"${value.toISOString()}"`
  if (depth === MAX_DEPTH) return '"…"'
  if (Array.isArray(value)) return listOf(value, name, found, origin, depth)
  if (value instanceof Map) return objectOf([...value], name, found, origin, depth)
  if (value instanceof Set) return listOf([...value], name, found, origin, depth)
  if (value instanceof Error) {
    const { code, details } = value as Error & { code?: unknown; details?: unknown }
    return jsonOf(
      { ...(code !== undefined && { code }), message: value.message, ...(details !== undefined && { details }) },
      name,
      found,
      origin,
      depth,
    )
  }
  if (value instanceof AbortSignal) return undefined
  return objectOf(Object.entries(value), name, found, origin, depth)
}

function listOf(values: readonly unknown[], name: string, found: Findings, origin: Origin, depth: number): string {
  let own = ''
  for (const value of values) own += `${own && ','}${jsonOf(value, name, found, origin, depth + 1) ?? 'null'}`
  return `[${own}]`
}

function objectOf(pairs: readonly (readonly [unknown, unknown])[], name: string, found: Findings, origin: Origin, depth: number): string {
  const { bytes: rule } = fieldOf(name)
  const secret = rule === 'track' || rule === 'pin'
  let own = ''
  for (const [key, value] of pairs) {
    const field = typeof key === 'number' ? tagHex(key) : String(key)
    // { track: { 1: …, 2: … } }, { pinBlock: { data, ksn } }
    const plain = !secret || fieldOf(field).plain || (typeof value === 'object' && !(value instanceof Uint8Array))
    const json = jsonOf(value, plain ? field : name, found, origin, depth + 1)
    if (json !== undefined) own += `${own && ','}${JSON.stringify(maskText(field, found))}:${json}`
  }
  return `{${own}}`
}

function maskBytes({ bytes: rule, tag }: Field, bytes: Uint8Array, found: Findings, origin: Origin): string {
  if (bytes.length === 0) return ''
  if (rule && !(rule === 'pan' && bytes.every(byte => byte === 0))) {
    found.rules.add(rule)
    return hex(bytes.fill(0))
  }
  if (tag === undefined) maskObjects(bytes, found, origin)
  else maskObject(tag, bytes, found, origin)
  return bytes.length > MOST_BYTES ? `${bytes.length} bytes` : hex(bytes)
}

function maskField(field: Field, text: string, found: Findings, origin: Origin): string {
  const { text: rule, plain, tag } = field
  if (rule === 'pan' && text.includes('*')) return maskText(text, found) // it was masked before
  if (rule && text !== '') {
    found.rules.add(rule)
    if (rule !== 'pan') return '*'.repeat(Math.min(text.length, 12))
    if (/^\d{12,19}$/.test(text)) found.pans.add(text)
    return starPan(text)
  }
  if (text.length < 12) return text // no number of a card, and no bytes that hold one
  if (text.length % 2 === 0 && (tag !== undefined || !plain || /[A-F]/i.test(text)) && hexText.test(text))
    return maskBytes(field, fromHex(text), found, origin)
  return plain ? text : maskText(text, found)
}

/** An application by its identifier is no card number, whatever its digits: an international RID begins with A (ISO/IEC 7816-5, 8.1.4). */
const aid = /\b(A0000[0-9A-F]{5,27})\b/

/** Words that may repeat what somebody was asked. */
function maskText(words: string, found: Findings): string {
  if (words.length < 12 || !/\d(?:[ -]?\d){11,}/.test(words)) return words
  const clean = words
    .split(aid)
    .map((part, at) => (at % 2 === 1 ? part : starNumbers(part.replace(/%?B(\d{12,19})\^[^?]*\??/g, '$1=0'))))
    .join('')
  if (clean !== words) found.rules.add('pan')
  return clean
}
