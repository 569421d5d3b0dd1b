/** `tapdip-sim provoke` at work: a recipe is found, run and told. Loaded when it is asked for. */

import { relative } from 'node:path'
import { onlyFor } from '../../../src/command/flags.ts'
import { EXIT, language } from '../../../src/command/line.ts'
import { Fault, type FaultCode } from '../../../src/errors.ts'
import { faultMessage, type Language, type MessageId, message } from '../../../src/messages/messages.ts'
import { oneOf, usageFault } from '../../../src/refusal.ts'
import { virtualFamilies } from '../../readers/index.ts'
import type { Case } from '../../scenario/matrix.ts'
import { type ProvokeCode, provokeCodes, type Recipe, recipeOf } from '../../scenario/provoke.ts'
import { failureLines } from '../../scenario/reporters/text.ts'
import type { ScenarioResult, StepResult } from '../../scenario/result.ts'
import { runCase } from '../../scenario/run.ts'
import type { ProvokeFlags } from './flags.ts'
import { serveProvoked, type Wanted } from './serve.ts'

/** What the flags ask for; the exit code. @throws Fault `bad-argument`, `unsupported` */
export async function provokeCommand(code: string | undefined, flags: ProvokeFlags): Promise<number> {
  if (!flags.serve) onlyFor('--serve', { '--listen': flags.listen, '--port': flags.port })
  if (flags.list) return list(code, flags)
  return flags.serve ? serveProvoked(wanted(code, flags), flags) : provoke(code, flags)
}

function list(code: string | undefined, { family, dialect, explain, serve, json, lang }: ProvokeFlags): number {
  onlyFor('tapdip-sim provoke <code>', { '--family': family, '--dialect': dialect, '--explain': explain, '--serve': serve })
  const recipes = (code === undefined ? provokeCodes : [codeOf(code)]).map(one => recipeOf(one))
  const text = json
    ? JSON.stringify({ codes: recipes.map(recipeJson) }, null, 2)
    : recipes.flatMap(one => recipeLines(one, language(lang))).join('\n')
  process.stdout.write(`${text}\n`)
  return EXIT.ok
}

function recipeJson({ kind, code, file, can, cannot, elsewhere }: Recipe): object {
  return {
    ...{ kind, code },
    ...(file !== undefined && { scenario: relative('.', file), readers: can.map(readerOf) }),
    ...(cannot.length > 0 && { cannot: Object.fromEntries(cannot.map(one => [readerOf(one), one.plan.skip])) }),
    ...(elsewhere && { elsewhere }),
  }
}

function recipeLines({ code, can, cannot, elsewhere }: Recipe, lang: Language): string[] {
  if (elsewhere) return [`${code.padEnd(34)} ${message('provoke.none', lang)}: ${elsewhere.why} (${elsewhere.test})`]
  return [
    `${code.padEnd(34)} ${can.map(readerOf).join(', ')}`,
    ...cannot.map(one => `${''.padEnd(34)} ${message('provoke.cannot', lang, { reader: readerOf(one) })}: ${one.plan.skip}`),
  ]
}

const readerOf = ({ matrix }: Case): string => matrix.reader

/** @throws Fault `bad-argument` for a code that is none; `unsupported` for one that no scenario, or not this reader, ends in */
async function provoke(code: string | undefined, flags: ProvokeFlags): Promise<number> {
  const { explain = false, json, lang } = flags
  const { meant, one } = wanted(code, flags)
  const result = await runCase(one)
  const ended = result.status === 'passed'
  const text = json
    ? JSON.stringify(resultJson(meant, result, explain), null, 2)
    : resultLines(meant, result, explain, language(lang)).join('\n')
  process.stdout.write(`${text}\n`)
  return ended ? EXIT.ok : EXIT.fault
}

/** The code, and the case that ends in it. @throws Fault `bad-argument`, `unsupported` */
function wanted(code: string | undefined, { family, dialect }: ProvokeFlags): Wanted {
  if (code === undefined) throw usageFault('usage.missing', { field: '<code>' })
  const meant = codeOf(code)
  return { meant, one: caseOf(recipeOf(meant), family, dialect) }
}

/** A bit of the TVR is found by its bare name too. */
function codeOf(code: string): ProvokeCode {
  const bit = provokeCodes.find(one => one.code === `TVR.${code}`)
  const name = bit?.code ?? oneOf('<code>', code, provokeCodes.map(one => one.code)) // biome-ignore format: one line
  return provokeCodes.find(one => one.code === name)!
}

function caseOf({ code, can, cannot, elsewhere }: Recipe, family: string | undefined, dialect: string | undefined): Case {
  if (family === undefined) onlyFor('--family', { '--dialect': dialect })
  else if (dialect !== undefined) oneOf('--dialect', dialect, virtualFamilies[family].dialects ?? [])
  if (elsewhere)
    throw new Fault('unsupported', `no scenario ends in ${code}: ${elsewhere.why}; ${elsewhere.test} has it`, { feature: code })
  const reader = dialect === undefined ? family : `${family} ${dialect}`
  const isMeant = (one: Case) => reader === undefined || readerOf(one) === reader || readerOf(one).startsWith(`${reader} `)
  const found = can.find(isMeant)
  if (found) return found
  const why = cannot.find(isMeant)?.plan.skip ?? 'nothing is known of it'
  throw new Fault('unsupported', `${reader} does not end in ${code}: ${why}`, { feature: code })
}

type Told = Readonly<Record<string, unknown>>
const lastOf = ({ steps }: ScenarioResult): StepResult | undefined => steps.at(-1)
const fields = ['result', 'reason', 'responseCode', 'tvr', 'tsi'] as const

/** What of a slip tells how it ended. */
function receiptEnd({ receipt }: ScenarioResult): Told {
  const slip = (receipt ?? {}) as Told
  return Object.fromEntries(fields.filter(name => typeof slip[name] === 'string').map(name => [name, slip[name]]))
}

/** Rules that set the bit; of another ending, the last ones that were applied. */
function rulesOf({ kind, code }: ProvokeCode, { trace }: ScenarioResult): { readonly rule: string; readonly effect: readonly string[] }[] {
  const applied = (trace?.events ?? []).flatMap(event => (event.kind === 'kernel' ? [{ rule: event.rule, effect: event.effect }] : []))
  if (kind !== 'tvr') return applied.slice(-5)
  return applied.filter(({ effect }) => effect.includes(code.replace('.', ' ')))
}

function resultJson(meant: ProvokeCode, result: ScenarioResult, explain: boolean): object {
  const { name, file, reader, card, seed, status, screens } = result
  const last = lastOf(result)
  return {
    ...{ code: meant.code, ended: status === 'passed', scenario: name, file, reader, card, seed, exit: last?.exit },
    ...(last?.result !== undefined && { result: last.result }),
    ...(last?.fault && { fault: last.fault }),
    ...{ screens, receipt: receiptEnd(result) },
    ...(explain && { rules: rulesOf(meant, result) }),
  }
}

function resultLines(meant: ProvokeCode, result: ScenarioResult, explain: boolean, lang: Language): string[] {
  if (result.status !== 'passed') return failureLines(result, lang)
  const { name, file, reader, card, seed, screens } = result
  const last = lastOf(result)
  const slip = Object.entries(receiptEnd(result)).map(([field, value]) => `${field} ${value}`)
  return [
    `${name}  ${file ?? ''}`.trim(),
    `  ${message('test.at', lang, { reader, card, seed })}`,
    ...screens.map(({ at, lines }) => `  ${(at / 1000).toFixed(3).padStart(9)} | ${lines.join(' | ')} |`),
    `${message('provoke.result', lang)}: ${words(meant, result, lang)}`,
    ...(slip.length > 0 ? [`${message('provoke.receipt', lang)}: ${slip.join(', ')}`] : []),
    ...(explain
      ? rulesOf(meant, result).map(({ rule, effect }) => `${message('provoke.rule', lang)}: ${rule} → ${effect.join(', ')}`)
      : []),
    message('provoke.exit', lang, { code: last?.exit ?? EXIT.fault }),
  ]
}

/** As an app would tell it. */
function words({ kind, code }: ProvokeCode, result: ScenarioResult, lang: Language): string {
  const last = lastOf(result)
  if (last?.fault)
    return faultMessage(new Fault(last.fault.code as FaultCode, last.fault.message, last.fault.details as Fault['details']), lang)
  const { result: ended = 'approved', reason } = (result.result ?? last?.result ?? {}) as Told
  const why = kind === 'reason' ? code : typeof reason === 'string' ? reason : undefined
  return [ended, ...(why === undefined ? [] : [`${message(`reason.${why}` as MessageId, lang)} (${why})`])].join(': ')
}
