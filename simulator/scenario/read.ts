/** Reads scenario files, YAML or JSON: every refusal names file, line, path, what is allowed and what was probably meant. */

import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import { Fault } from '../../src/errors.ts'
import { usageFault } from '../../src/refusal.ts'
import { type Problem, problems } from './problems.ts'
import { fileSchema, type ScenarioInput, singleSchema } from './schema.ts'

/** A scenario as it was written, before its matrix. */
export interface Written {
  readonly scenario: ScenarioInput
  readonly file?: string
  /** Where it begins in the file, from 1. */
  readonly line?: number
  /** Where a path of the scenario stands in the file: there, in the defaults, or as far as it goes. */
  readonly at?: (path: readonly string[]) => { readonly line: number; readonly column: number }
}

/** No scenario file is longer. */
const LONGEST = 4 * 1024 * 1024

/** @throws Fault `bad-config` with details.file, line, path; `bad-argument` where there is no such file */
export function readScenarios(file: string): Written[] {
  let text: string
  try {
    if (statSync(file).size > LONGEST) throw new Fault('bad-config', `${file}: more than ${LONGEST} bytes`, { file })
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Fault) throw error
    const { code } = error as NodeJS.ErrnoException
    throw code === 'ENOENT'
      ? usageFault('usage.file.missing', { field: '[files]', value: file })
      : usageFault('usage.read', { field: '[files]', value: file, why: code ?? (error as Error).message })
  }
  return parseScenarios(text, file)
}

/** @param file its name, for refusals @throws Fault `bad-config` with details.file, line, path */
export function parseScenarios(text: string, file: string): Written[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: false, version: '1.2' })
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    throw refused(file, line, col, { path: [], kind: 'rule', value: '', rule: error.message })
  }
  // A tag such as 95 is a name, not a number.
  visit(document, {
    Pair(_, { key }) {
      if (isScalar(key) && typeof key.value !== 'string') key.value = key.source ?? String(key.value)
    },
  })
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 1000 })
  } catch (error) {
    throw refused(file, 1, 1, { path: [], kind: 'rule', value: '', rule: (error as Error).message })
  }
  const several = typeof value === 'object' && value !== null && 'scenarios' in value
  const [problem] = problems(several ? fileSchema : singleSchema, value)
  if (problem) {
    const { line, col } = lines.linePos(positionOf(document, problem))
    throw refused(file, line, col, problem, sourceAt(document, problem.path))
  }
  if (!several) {
    const { $schema: _, ...scenario } = value as ScenarioInput & { readonly $schema?: string }
    return [{ scenario, file, line: 1, at: path => placeIn(document, lines, [path]) }]
  }
  const { defaults, scenarios } = value as { readonly defaults?: object; readonly scenarios: readonly ScenarioInput[] }
  return scenarios.map((one, at) => ({
    scenario: merged(defaults ?? {}, one) as ScenarioInput,
    file,
    line: lines.linePos(nodeAt(document, ['scenarios', at])?.range?.[0] ?? 0).line,
    at: path =>
      placeIn(document, lines, [
        ['scenarios', String(at), ...path],
        ['defaults', ...path],
      ]),
  }))
}

/** Where the first of these paths stands that is there; else as much of the first as is. */
function placeIn(document: Document, lines: LineCounter, paths: readonly (readonly string[])[]): { line: number; column: number } {
  const [first] = paths
  const path = paths.find(one => document.hasIn(one)) ?? first
  const { line, col } = lines.linePos(positionOf(document, { path: [...path], kind: 'rule', value: '', rule: '' }))
  return { line, column: col }
}

/** Where the scenarios of a file that was read stand in it: the line of each, as its cases tell it, and its path. */
export function placesOf(text: string): { readonly line: number; readonly path: readonly string[] }[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' })
  const several = document.get('scenarios')
  if (!isSeq(several)) return [{ line: 1, path: [] }]
  return several.items.map((one, at) => ({
    line: lines.linePos(isNode(one) ? (one.range?.[0] ?? 0) : 0).line,
    path: ['scenarios', String(at)],
  }))
}

/** Objects are merged field by field, anything else is replaced. */
export function merged(under: unknown, over: unknown): unknown {
  if (!isPlain(under) || !isPlain(over)) return over === undefined ? under : over
  const both = { ...under }
  for (const [key, value] of Object.entries(over)) both[key] = Object.hasOwn(both, key) ? merged(both[key], value) : value
  return both
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nodeAt(document: Document, path: Problem['path']): Node | undefined {
  const found = path.length === 0 ? document.contents : document.getIn(path, true)
  return isNode(found) ? found : undefined
}

/** Where a problem stands: at the name of a field that is none, at the object where one is missing, else at the value. */
function positionOf(document: Document, { path, kind }: Problem): number {
  const [within, last] = [path.slice(0, -1), path.at(-1)]
  const parent = nodeAt(document, within)
  if (kind === 'unknownField' && isMap(parent)) {
    const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(last))
    if (pair && isNode(pair.key) && pair.key.range) return pair.key.range[0]
  }
  for (let length = path.length; length >= 0; length--) {
    const node = nodeAt(document, path.slice(0, length))
    if (node?.range && (isScalar(node) || isMap(node) || isSeq(node))) return node.range[0]
  }
  return 0
}

/** As it stands in the file: 0000008000 is not 8000. */
function sourceAt(document: Document, path: Problem['path']): string | undefined {
  const node = nodeAt(document, path)
  return isScalar(node) && typeof node.value === 'number' ? node.source : undefined
}

/** A refusal that can be told in both languages. */
function refused(
  file: string,
  line: number,
  column: number,
  { path, kind, value, rule, allowed = [], meant }: Problem,
  source?: string,
): Fault {
  const at = path.length === 0 ? '(file)' : path.join('.')
  const place = { field: `${basename(file)}:${line}:${column}`, file, line, column, path: at }
  const said = source === undefined ? rule : rule.replace(/"[^"]*"$/, `"${source}"`)
  const shown = source ?? value
  if (kind === 'missing') return usageFault('usage.scenario.missing', place, 'bad-config')
  if (kind === 'rule')
    return usageFault(shown === '' ? 'usage.scenario.text' : 'usage.scenario.rule', { ...place, value: shown, allowed: said }, 'bad-config')
  const list = allowed.length > 40 ? `${allowed.slice(0, 40).join(', ')}, …` : allowed.join(', ')
  if (kind === 'unknownField')
    return usageFault(meant === undefined ? 'usage.scenario.field' : 'usage.scenario.fieldMeant', { ...place, value, allowed: list || said, ...(meant && { meant }) }, 'bad-config') // biome-ignore format: one line
  return usageFault(meant === undefined ? 'usage.scenario.oneOf' : 'usage.scenario.meant', { ...place, value: shown, allowed: list, ...(meant && { meant }) }, 'bad-config') // biome-ignore format: one line
}
