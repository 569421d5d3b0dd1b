/** Explanations read wholly in Russian: every sentence that a kernel can put into a rule or an effect, found in its source, and every one that is said when the cards pay. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseAst } from 'rolldown/parseAst'
import { describe, expect, it } from 'vitest'
import { TSI, TVR } from '../../../src/emv/data.ts'
import { setBits, tsiRules, tvrRules } from '../../../src/emv/explain/bit-rules.ts'
import { steps } from '../../../src/emv/explain/explain.ts'
import { messageTexts } from '../../../src/messages/messages.ts'
import { bitName, hasRussian, retoldRule, stepName } from '../../../src/messages/retold-rules.ts'
import { ruleMessages } from '../../../src/messages/rules/rules.ts'

const root = resolve(import.meta.dirname, '../../..')

/** Tables of settings, and what is said of them to whoever writes one. */
const settings =
  /^(explain\/|config|profiles|regions|schemes|ca-|terminal|card|verification-limit|contactless\/(config|profiles|profile-file|routing|kernels-of|combination|dynamic-limits))/

/** Sentences in the kernels that are in no rule and no effect: what a wait is for, what is wrong with a configuration or an argument. */
const apart: readonly RegExp[] = [
  /^Mir, as \{head\}/, // put before rules of other Books
  /^(the choice of an application|the authorisation request|the voice referral|PIN entry|a card command|data exchange \(DEK\))$/, // what a wait is for
  /checksum|^RID has|^CA key|is not built$|there is no such kernel|^combination |^no list is shown|go online itself|ends before the host|^transaction\.|^Mastercard \{|minor units \(n 12\)|^part of the amount$|^only a transaction|configuration's limits/,
  /^(kernel identifier|AID has|TTQ has|the rule is n 12|data storage is for|what is read is told|the leave to go on|mir protocol 2|EXCHANGE RELAY)/,
  /^(ADF|DF) Name|^ together with|^, IAC missing$/, // a name, and ends of sentences that are told whole
  /is \{limit\}|^\{hex\(rid\)\}|^\{pan\}D/,
]

/** Strings of the kernels' source that are sentences; what is filled in stands in braces. */
function sentencesIn(file: string): string[] {
  const code = readFileSync(join(root, 'src/emv', file), 'utf8')
  const found: string[] = []
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const one of node) visit(one)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    const { type, value, quasis, expressions, ...rest } = node as Record<string, unknown> & { expressions?: { start: number; end: number }[]; quasis?: { value: { cooked: string } }[] }
    if (/^(Import|Export.*From|TS(?!As|NonNull|Satisfies))/.test(String(type))) return
    const text = type === 'Literal' && typeof value === 'string' ? value
      : type === 'TemplateLiteral' ? quasis!.map((one, at) => one.value.cooked + (expressions![at] ? `{${code.slice(expressions![at].start, expressions![at].end).replace(/\s+/g, ' ')}}` : '')).join('')
      : undefined
    if (text !== undefined && /[a-z]{2,} |[a-z]{3,}.* /i.test(text.replace(/\{[^}]*\}/g, 'X'))) found.push(text)
    for (const child of [value, expressions, ...Object.values(rest)]) visit(child)
  } // biome-ignore format: one line each
  visit(parseAst(code, { lang: 'ts' }, file).body)
  return found
}

const files = readdirSync(join(root, 'src/emv'), { recursive: true, encoding: 'utf8' }).filter(
  name => name.endsWith('.ts') && !settings.test(name),
)
const sentences = [...new Set(files.flatMap(sentencesIn))].filter(one => !apart.some(pattern => pattern.test(one)))

/** As it can be said: with a value in each place; a rule behind which another is told is a paragraph, and what may be left out is. */
const said = (template: string) =>
  template
    .replace(/^\{rule\}(?=:| step)/, 'Book 2, 6.5.1')
    .replace(/\{which\}/, 'denial')
    .replace(/\{split\}|\{(?:code|iac) \?[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/, '')
    .replace(/\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '7')

describe('every sentence of the kernels', () => {
  it('is found', () => {
    expect(sentences.length).toBeGreaterThan(200)
    expect(sentences).toContain('Book 3, 10.3: SDA is selected')
  })

  it('has a Russian text', () => {
    const without = sentences.filter(one => {
      const text = said(one)
      // The place of a paragraph alone, that a rule is told behind.
      return !hasRussian(text) && !hasRussian(`Book 3, 1: ${text}`) && !/^Book [0-9A-C](-\d)?(, [\w ./]+)?$/.test(text)
    })
    expect(without).toEqual([])
  })

  it('and nothing of English is left in it but names', () => {
    const english = /\b(the|is|are|of|has|not|was|for|answers|missing)\b/
    expect(sentences.map(one => retoldRule(said(one), 'ru')).filter(one => english.test(one))).toEqual([])
  })
})

describe('bits and steps', () => {
  it('have names, by the step that sets them', () => {
    for (const step of steps) expect(stepName(step, 'ru')).toMatch(/^[а-я]/)
    for (const bit of [...Object.keys(TVR)]) expect(retoldRule(`TVR ${bit}`, 'ru')).toMatch(new RegExp(`^TVR ${bit}: .*[а-яА-Я]`))
    for (const bit of [...Object.keys(TSI)]) expect(retoldRule(`TSI ${bit}`, 'ru')).toMatch(/: .*[а-яА-Я]/)
    const all = [...setBits('TVR', new Uint8Array(5).fill(0xff)), ...setBits('TSI', new Uint8Array(2).fill(0xff))]
    for (const { meaning } of all) if (meaning) expect(bitName(meaning, 'ru'), meaning).toMatch(/[а-яА-Я]/)
  })

  it('are explained without a trace too', () => {
    for (const { when } of [...Object.values(tvrRules), ...Object.values(tsiRules)].flat()) expect(hasRussian(when), when).toBe(true)
  })
})

describe('the table', () => {
  it('has as many places in both languages', () => {
    for (const [id, [english, russian]] of Object.entries(ruleMessages))
      expect(russian.split('{}').length, id).toBe(english.split('{}').length)
  })

  it('is part of the one table of messages', () => {
    for (const id of Object.keys(ruleMessages)) expect(messageTexts).toHaveProperty([id])
  })

  it('says it as a person would', () => {
    expect(retoldRule('Book 3, 10.6.1: the amount is not below the floor limit', 'ru')).toBe(
      'Book 3, 10.6.1: сумма не ниже лимита офлайн-авторизации',
    )
    expect(retoldRule('Book C-2, S910: Book 2, 5.3/6.3 step 9: issuer certificate has expired', 'ru')).toBe(
      'Book C-2, S910: Book 2, 5.3/6.3, шаг 9: сертификат эмитента истёк',
    )
    expect(retoldRule('denial by expired', 'ru')).toBe('отказ из-за expired (Срок действия приложения истёк)')
    expect(retoldRule('ARQC asked, TC given', 'ru')).toBe('запрошена ARQC, получена TC')
    expect(
      retoldRule('Book 3, 10.6.1: the amount is not below the floor limit together with the transaction of this card in the log', 'ru'),
    ).toContain('из журнала')
    expect(retoldRule('no bit in common, IAC missing', 'ru')).toBe('общих битов нет, IAC отсутствует')
    expect(retoldRule('ARQC asked, 8A Y1', 'ru')).toBe('запрошена ARQC, 8A Y1')
    expect(retoldRule('declined: offlineDeclined', 'ru')).toContain('отклонено: отклонено картой')
    expect(retoldRule('Book 3, 10.6.1: anything', 'en')).toBe('Book 3, 10.6.1: anything')
  })
})
