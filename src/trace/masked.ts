/** What a hook tells as JSON, with what is secret replaced: by the list of masking.ts, by what a secret looks like, and by the card numbers that were met before. */

import { fromHex, hex } from '../bytes.ts'
import { starNumbers, starPan } from '../stars.ts'
import { tagHex } from '../tlv/ber.ts'
import type { Json, Told, TraceContent } from './event.ts'
import { type Findings, maskAnswer, maskCommand, maskObject, maskObjects, type Origin, zeroedPan } from './masked-bytes.ts'
import { type MaskingRule, openKeypad, plainNumbers, ruleOfField } from './masking.ts'

/** Bytes of a message that are written out; longer ones that are no data objects are told by their number. */
const MOST_BYTES = 1024
const MAX_DEPTH = 12
/** A key that is a tag, as card data have it in JSON: `57`, `9F6B`, `DF8129`. */
const tagName = /^(?:[4-9A-F][0-9A-F]|[5-9BDF]F[0-7][0-9A-F]|[9BDF]F[89A-F][0-9A-F][0-7][0-9A-F])$/i
const hexText = /^(?:[0-9A-F]{2}){6,}$/i

/** Masks the events of one trace, in their order. */
export class Masker {
  readonly #pans = new Set<string>()
  /** Each of them in the forms in which it could stand in a line, and what stands there instead. */
  #forms: (readonly [string, string])[] = []
  /** The message on the display. */
  #screen: string | undefined

  /** The event as it may be written, also as JSON, and by which rules it was masked. */
  mask(told: Told): { readonly content: TraceContent; readonly json: string; readonly rules: readonly MaskingRule[] } {
    const found: Findings = { rules: new Set(), pans: this.#pans }
    const content = this.#content(told, found)
    const json = JSON.stringify(content)
    const clean = this.#withoutPans(json)
    if (clean === json) return { content, json, rules: [...found.rules] }
    found.rules.add('pan')
    return { content: JSON.parse(clean) as TraceContent, json: clean, rules: [...found.rules] }
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

  #content(told: Told, found: Findings): TraceContent {
    switch (told.kind) {
      case 'apdu': {
        const { command, answer, ...rest } = told
        return {
          ...rest,
          command: masked(command, bytes => maskCommand(bytes, found)),
          ...(answer !== undefined && { answer: masked(answer, bytes => maskAnswer(bytes, found)) }),
        }
      }
      case 'kernel': {
        const { inputs, rule, effect, ...rest } = told
        const pairs = inputs instanceof Map ? [...inputs].map(([tag, value]) => [tagHex(tag), value] as const) : Object.entries(inputs)
        const own = pairs.map(([tag, value]) => [tag, masked(value, bytes => maskObject(Number.parseInt(tag, 16), bytes, found, 'card'))])
        return { ...rest, rule, inputs: Object.fromEntries(own), effect: effect.map(one => maskText(one, found)) }
      }
      case 'screen': {
        this.#screen = told.message
        return { ...told, lines: told.lines.map(line => maskText(line, found)) }
      }
      case 'key': {
        if (!/\d/.test(told.key) || (this.#screen !== undefined && openKeypad.has(this.#screen))) return told
        found.rules.add('pin')
        return { ...told, key: '*' }
      }
      case 'message':
      case 'reader':
      case 'app':
      case 'host':
      case 'journal':
      case 'result': {
        const { content, ...rest } = told
        const own = content === undefined ? undefined : jsonOf(content, '', found, told.kind === 'message' ? 'reader' : 'card')
        return (own === undefined ? rest : { ...rest, content: own }) as TraceContent
      }
      default:
        return told
    }
  }
}

function masked(value: Uint8Array | string, mask: (bytes: Uint8Array) => void): string {
  const bytes = typeof value === 'string' ? fromHex(value) : value.slice()
  mask(bytes)
  return hex(bytes)
}

/** Whatever it is, as JSON. What JSON does not know becomes text: minor units, moments; functions are left out. */
function jsonOf(value: unknown, name: string, found: Findings, origin: Origin, depth = 0): Json | undefined {
  switch (typeof value) {
    case 'string':
      return maskField(name, value, found, origin)
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'bigint':
      return String(value)
    case 'object':
      break
    default:
      return undefined
  }
  if (value === null) return null
  if (value instanceof Uint8Array) return maskBytes(name, value.slice(), found, origin)
  if (value instanceof Date) return Number.isNaN(+value) ? 'no date' : value.toISOString()
  if (depth === MAX_DEPTH) return '…'
  if (Array.isArray(value)) return value.map(one => jsonOf(one, name, found, origin, depth + 1) ?? null)
  if (value instanceof Map) return objectOf([...value], name, found, origin, depth)
  if (value instanceof Set) return [...value].map(one => jsonOf(one, name, found, origin, depth + 1) ?? null)
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

function objectOf(pairs: readonly (readonly [unknown, unknown])[], name: string, found: Findings, origin: Origin, depth: number): Json {
  const own: Record<string, Json> = {}
  const rule = ruleOfField(name, true)
  const secret = rule === 'track' || rule === 'pin'
  for (const [key, value] of pairs) {
    const field = typeof key === 'number' ? tagHex(key) : String(key)
    // { track: { 1: …, 2: … } }, { pinBlock: { data, ksn } }
    const plain = !secret || plainNumbers.test(field) || (typeof value === 'object' && !(value instanceof Uint8Array))
    const json = jsonOf(value, plain ? field : name, found, origin, depth + 1)
    if (json !== undefined) own[maskText(field, found)] = json
  }
  return own
}

function maskBytes(name: string, bytes: Uint8Array, found: Findings, origin: Origin): Json {
  if (bytes.length === 0) return ''
  const rule = ruleOfField(name, true)
  if (rule && !(rule === 'pan' && bytes.every(byte => byte === 0))) {
    found.rules.add(rule)
    return hex(bytes.fill(0))
  }
  if (tagName.test(name)) maskObject(Number.parseInt(name, 16), bytes, found, origin)
  else maskObjects(bytes, found, origin)
  return bytes.length > MOST_BYTES ? `${bytes.length} bytes` : hex(bytes)
}

function maskField(name: string, text: string, found: Findings, origin: Origin): string {
  const rule = ruleOfField(name, false)
  if (rule === 'pan' && text.includes('*')) return maskText(text, found) // it was masked before
  if (rule && text !== '') {
    found.rules.add(rule)
    if (rule !== 'pan') return '*'.repeat(Math.min(text.length, 12))
    if (/^\d{12,19}$/.test(text)) found.pans.add(text)
    return starPan(text)
  }
  if (hexText.test(text) && (tagName.test(name) || /[A-F]/i.test(text) || !plainNumbers.test(name)))
    return String(maskBytes(name, fromHex(text), found, origin))
  return plainNumbers.test(name) ? text : maskText(text, found)
}

/** An application by its identifier is no card number, whatever its digits: an international RID begins with A (ISO/IEC 7816-5, 8.1.4). */
const aid = /\b(A0000[0-9A-F]{5,27})\b/

/** Words that may repeat what somebody was asked. */
function maskText(words: string, found: Findings): string {
  if (!/\d(?:[ -]?\d){11,}/.test(words)) return words
  const clean = words
    .split(aid)
    .map((part, at) => (at % 2 === 1 ? part : starNumbers(part.replace(/%?B(\d{12,19})\^[^?]*\??/g, '$1=0'))))
    .join('')
  if (clean !== words) found.rules.add('pan')
  return clean
}
