/** Explanations for machines, one JSON object each, and for people: which rule, on which bytes, did what. */

import { fromHex, hex } from '../../bytes.ts'
import * as door from '../../door.ts'
import { Fault } from '../../errors.ts'
import type { Language } from '../../messages/messages.ts'
import { retoldRule, stepName } from '../../messages/retold-rules.ts'
import { tagInfo } from '../../tlv/tags.ts'
import { tagName } from '../data.ts'
import type { Explanation, Step } from './explain.ts'

/** An Explanation as JSON has it; tags and values in upper-case hex. */
export interface ExplanationJson {
  /** As in `Explanation`. */
  readonly step: string
  /** As in `Explanation`. */
  readonly rule: string
  /** Hex values by hex tag. */
  readonly inputs: Readonly<Record<string, string>>
  /** As in `Explanation`. */
  readonly effect: readonly string[]
}

/** An Explanation for `JSON.stringify`; `parseExplanation` reads it back. @throws Fault `bad-argument` */
export function explanationJson(entry: Explanation): ExplanationJson {
  door.need('entry', entry, door.shape({ step: door.anyText, rule: door.anyText, effect: door.listOf(door.anyText) }))
  const { step, rule, inputs, effect } = entry
  return { step, rule, inputs: Object.fromEntries([...inputs].map(([tag, value]) => [tagName(tag), hex(value)])), effect }
}

/** The Explanation that a line of JSON holds. @throws Fault `bad-argument` naming the field */
export function parseExplanation(line: string): Explanation {
  door.need('line', line, door.anyText)
  let value: Partial<Record<keyof ExplanationJson, unknown>> | null
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new Fault('bad-argument', `no JSON: ${(cause as Error).message}`, { field: 'explanation' }, { cause })
  }
  const { step, rule, inputs, effect } = value ?? {}
  const refuse = (field: keyof ExplanationJson, form: string) =>
    new Fault('bad-argument', `an explanation's ${field} is ${form}`, { field })
  if (typeof step !== 'string') throw refuse('step', 'text')
  if (typeof rule !== 'string') throw refuse('rule', 'text')
  if (!Array.isArray(effect) || !effect.every(one => typeof one === 'string')) throw refuse('effect', 'a list of texts')
  if (typeof inputs !== 'object' || inputs === null) throw refuse('inputs', 'an object from tags to values in hex')
  const pairs = Object.entries(inputs).map(([tag, bytes]) => {
    if (!/^([0-9A-Fa-f]{2}){1,3}$/.test(tag) || typeof bytes !== 'string') throw refuse('inputs', 'an object from tags to values in hex')
    return [Number.parseInt(tag, 16), fromHex(bytes)] as const
  })
  return { step: step as Step, rule, inputs: new Map(pairs), effect }
}

/** Whether rule or effect has this text, in upper or lower case: `TVR`, `floorLimit`, `10.7`. */
export function isAbout(entry: Explanation, text: string): boolean {
  door.need('entry', entry, door.shape({ rule: door.anyText, effect: door.listOf(door.anyText) }))
  door.need('text', text, door.anyText)
  const { rule, effect } = entry
  return [rule, ...effect].some(one => one.toLowerCase().includes(text.toLowerCase()))
}

/** Whether an entry sets this bit (`TVR expired`) or decides by it (`denial by expired`). */
export function concerns(entry: Explanation, bit: string): boolean {
  door.need('entry', entry, door.shape({ effect: door.listOf(door.anyText) }))
  door.need('bit', bit, door.anyText)
  const { effect } = entry
  return effect.some(one => one === bit || one.endsWith(` by ${bit.slice(4)}`))
}

/** For people: each step once, under it the rules with their inputs by tag and name, and what they did. Tags have the names of the Books in either language. */
export function printExplanations(entries: readonly Explanation[], language: Language = 'en'): string {
  door.need('entries', entries, door.listOf(door.object))
  const lines: string[] = []
  let last: string | undefined
  for (const { step, rule, inputs, effect } of entries) {
    if (step !== last) lines.push(stepName(step, language))
    last = step
    lines.push(`  ${retoldRule(rule, language)}`)
    for (const [tag, value] of inputs) lines.push(`    ${tagName(tag).padEnd(6)} ${hex(value)}  ${tagInfo(tag)?.name ?? ''}`.trimEnd())
    for (const one of effect) lines.push(`    → ${retoldRule(one, language)}`)
  }
  return lines.map(line => `${line}\n`).join('')
}
