/** `tapdip explain [file]`: what a kernel explained while it ran, for people; "why is this bit of the TVR set" has its rule and bytes here, also without a trace. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { hex } from '../../src/bytes.ts'
import { bytesOf, choice, onlyFor } from '../../src/command/flags.ts'
import { EXIT, language } from '../../src/command/line.ts'
import { certaintyLegend } from '../../src/decode/legend.ts'
import { tagName } from '../../src/emv/data.ts'
import { bitEffect, setBits } from '../../src/emv/explain/bit-rules.ts'
import { type Explanation, steps } from '../../src/emv/explain/explain.ts'
import { concerns, explanationJson, isAbout, parseExplanation, printExplanations } from '../../src/emv/explain/print.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { fileFault } from '../../src/file-fault.ts'
import { type Language, message } from '../../src/messages/messages.ts'
import { retoldSaid } from '../../src/messages/retold.ts'
import { bitName, retoldRule } from '../../src/messages/retold-rules.ts'
import { explanationsOf } from '../../src/reader/kernel-trace.ts'
import { usageFault } from '../../src/refusal.ts'
import { words } from '../../src/tlv/words.ts'
import { type DiffIgnorable, diffTraces } from '../../src/trace/diff.ts'
import { printTrace } from '../../src/trace/print.ts'
import { printDiff } from '../../src/trace/print-diff.ts'
import { isTrace, parseTraceLog, type TraceLog } from '../../src/trace/read.ts'

interface Options {
  readonly of?: string
  readonly bit?: string
  readonly step?: string
  readonly tvr?: string
  readonly tsi?: string
  readonly cvm?: string
  readonly diff?: string
  readonly ignore?: readonly DiffIgnorable[]
  readonly json?: boolean
  readonly lang?: string
}

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'why a payment went as it did, from a trace or from what `tapdip-sim serve --explain <file>` wrote: step, rule, inputs, effect',
    )
    .argument('[file]', 'a trace, or one explanation a line; standard input when left out or -', '-')
    .option('--of <text>', 'only what has this in its rule or effect: TVR, floorLimitExceeded, CVM, 10.7')
    .option('--bit <bit>', 'only what sets this bit or decides by it: TVR.2.7 (byte 2, bit 7), TVR.expired, TSI.1.8')
    .addOption(choice('--step <step>', 'only this step', steps))
    .option('--tvr <hex>', 'without a file: what each bit of this value means, and which rules can set it')
    .option('--tsi <hex>', 'the same of Transaction Status Information')
    .option('--cvm <hex>', 'CVM Results (9F34) in words')
    .option(
      '--diff <trace>',
      'where this run and that of <file> part, and what differs, with the rules that made it so; exit code 1 where they differ',
    )
    .addOption(choice('--ignore <what...>', 'with --diff: key serial numbers, or the card’s counter and what it goes into', ['ksn', 'atc']))
    .option('--json', 'one JSON array; of --diff an object')
    .action((file: string, options: Options) => {
      if (options.diff === undefined) onlyFor('--diff', { '--ignore': options.ignore })
      else return compare(file, options.diff, options)
      const given = (['tvr', 'tsi', 'cvm'] as const).flatMap(field =>
        options[field] === undefined ? [] : [explainValue(field, options[field])],
      )
      if (given.length > 0) {
        const { of, bit, step } = options
        for (const [field, value] of Object.entries({
          '--of': of,
          '--bit': bit,
          '--step': step,
          '<file>': file === '-' ? undefined : file,
        }))
          if (value !== undefined) throw usageFault('usage.conflict', { field, other: '--tvr, --tsi, --cvm' })
        const printed = given.map(one => printValue(one, language(options.lang))).join('')
        process.stdout.write(options.json ? `${JSON.stringify(given, null, 2)}\n` : printed)
        return
      }
      const about = filter(options)
      const text = read(file)
      const log = isTrace(text) ? traceIn('<file>', file, text) : undefined
      const rulesAlone = log?.events.length !== 0 && log?.events.every(({ kind }) => kind === 'kernel') // `--explain` has written it
      if (log && !rulesAlone && options.of === undefined && options.bit === undefined && options.step === undefined) {
        const rules = log.events.flatMap(event => (event.kind === 'kernel' ? [event.rule] : []))
        const printed = printTrace(log, language(options.lang)) + legend(rules, language(options.lang))
        process.stdout.write(options.json ? `${JSON.stringify(log.events, null, 2)}\n` : printed)
        return
      }
      const entries = log ? explanationsOf(log.events) : explanations(text, file)
      const chosen = entries.filter(about)
      if (chosen.length === 0 && !options.json)
        process.stderr.write(`${message('explain.none', language(options.lang), { count: entries.length })}\n`)
      const printed = printExplanations(chosen, language(options.lang)) + legend(chosen.map(({ rule }) => rule), language(options.lang)) // biome-ignore format: one line
      process.stdout.write(options.json ? `${JSON.stringify(chosen.map(explanationJson), null, 2)}\n` : printed)
    })
}

/** What the marks of rules mean, where some have one. */
function legend(rules: readonly string[], lang: Language): string {
  const certainty = (['derived', 'assumed'] as const).filter(one => rules.some(rule => rule.includes(` [${one}]`)))
  return certaintyLegend({ certainty }, lang)
    .map(line => `${line}\n`)
    .join('')
}

/** @throws Fault `bad-argument` */
function explanations(text: string, file: string): Explanation[] {
  return text.split('\n').flatMap((line, at) => {
    if (line.trim() === '') return []
    try {
      return [parseExplanation(line)]
    } catch (error) {
      throw Object.assign(usageFault('usage.explanation', { field: '<file>', value: file, at: at + 1 }), { cause: error })
    }
  })
}

/** @throws Fault `bad-argument` naming file and line */
function traceIn(field: string, file: string, text: string): TraceLog {
  try {
    return parseTraceLog(text)
  } catch (error) {
    if (!isFault(error)) throw error
    throw new Fault(error.code, `${field} ${file}: ${error.message}`, { ...error.details, field }, { cause: error })
  }
}

function compare(file: string, other: string, { ignore = [], json, lang, ...others }: Options): void {
  const { of, bit, step, tvr, tsi, cvm } = others
  for (const [field, value] of Object.entries({ '--of': of, '--bit': bit, '--step': step, '--tvr': tvr, '--tsi': tsi, '--cvm': cvm }))
    if (value !== undefined) throw usageFault('usage.conflict', { field, other: '--diff' })
  const [left, right] = [read(file), read(other, '--diff')]
  const diff = diffTraces(traceIn('<file>', file, left), traceIn('--diff', other, right), { ignore })
  process.stdout.write(`${json ? JSON.stringify(diff, null, 2) : printDiff(diff, language(lang))}\n`)
  if (!diff.same) process.exitCode = EXIT.fault
}

/** @throws Fault `bad-argument` for a bit that no rule sets, or a step that is none */
function filter({ of = '', bit, step }: Options): (entry: Explanation) => boolean {
  const effect = bit === undefined ? undefined : bitEffect(bit)
  if (bit !== undefined && effect === undefined)
    throw usageFault('usage.oneOf', { field: '--bit', value: bit, allowed: 'TVR.2.7, TSI.1.8, TVR.floorLimitExceeded, …' })
  return entry => isAbout(entry, of) && (effect === undefined || concerns(entry, effect)) && (step === undefined || entry.step === step)
}

const lengths = { tvr: 5, tsi: 2, cvm: 3 } as const

interface ExplainedValue {
  readonly field: string
  readonly value: string
  readonly bits?: readonly {
    place: string
    name?: string
    meaning: string
    rules: readonly { rule: string; inputs: readonly string[] }[]
  }[]
  readonly words?: readonly string[]
}

/** @throws Fault `bad-argument`, `bad-hex` */
function explainValue(field: keyof typeof lengths, digits: string): ExplainedValue {
  const value = bytesOf(`--${field}`, digits, [lengths[field]])
  const head = { field: field.toUpperCase(), value: hex(value) }
  if (field === 'cvm') return { ...head, words: words(0x9f34, value, undefined, {}) }
  const bits = setBits(field === 'tvr' ? 'TVR' : 'TSI', value).map(({ byte, bit, name, meaning, rules }) => ({
    place: `${byte}.${bit}`,
    ...(name && { name }),
    meaning: meaning ?? 'reserved',
    rules: rules.map(one => ({ rule: `${one.paragraph}: ${one.when}`, inputs: one.inputs.map(tagName) })),
  }))
  return { ...head, bits }
}

function printValue({ field, value, bits = [], words = [] }: ExplainedValue, lang: Language): string {
  const lines = [`${field} ${value}`, ...words.map(word => `  ${retoldSaid(word, lang)}`)]
  for (const { place, name, meaning, rules } of bits) {
    lines.push(`  ${field}.${place} ${bitName(meaning, lang)}${name ? ` (${name})` : ''}`)
    for (const { rule, inputs } of rules)
      lines.push(
        `    ${retoldRule(rule, lang)}${inputs.length > 0 ? `; ${message('explain.looksAt', lang, { tags: inputs.join(', ') })}` : ''}`,
      )
  }
  return lines.map(line => `${line}\n`).join('')
}

function read(file: string, field = '<file>'): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw fileFault(field, file, cause, 'read')
  }
}
