/** From a scenario to its cases: one for each combination of the values of its matrix, with what variants change in some of them. */

import { Fault } from '../../src/errors.ts'
import { usageFault } from '../../src/refusal.ts'
import { problems } from './problems.ts'
import { merged, type Written } from './read.ts'
import { type ScenarioInput, type ScenarioPlan, scenarioSchema } from './schema.ts'

/** One case, checked. */
export interface Case {
  /** With the values of its axes. */
  readonly name: string
  readonly plan: ScenarioPlan
  readonly file?: string
  readonly line?: number
  readonly matrix: Readonly<Record<string, string>>
}

/** No matrix has more cases: it is one that grew by mistake. */
const MOST = 20_000

type Fields = Record<string, unknown>

/** The cases of a scenario, in the order of its axes. @throws Fault `bad-config` where a variant names no case, or a case breaks a rule */
export function casesOf({ scenario, file, line, at: placeAt }: Written): Case[] {
  const {
    matrix = {},
    variants = [],
    ...base
  } = scenario as ScenarioInput & { matrix?: Readonly<Record<string, readonly unknown[] | Fields>> }
  const place = { ...(file !== undefined && { file }), ...(line !== undefined && { line }) }
  const refuse = (path: string, rule: string, written: readonly string[] = path.split('.')) => {
    const stands = placeAt?.(written)
    const field = file === undefined ? scenario.name : stands ? `${file}:${stands.line}:${stands.column}` : `${file}:${line}`
    return usageFault('usage.scenario.text', { ...{ field, path }, ...(file !== undefined && { file }), ...stands, allowed: `${scenario.name}: ${path}: ${rule}` }, 'bad-config') // biome-ignore format: one line
  }
  const axes = Object.entries(matrix).map(([name, values]) => [name, valuesOf(name, values)] as const)
  const count = axes.reduce((product, [, values]) => product * values.length, 1)
  if (count > MOST) throw refuse('matrix', `${count} cases; at most ${MOST}`)
  const used = new Set<number>()
  const cases = combinations(axes).map((chosen): Case => {
    let raw: unknown = base
    for (const { patch } of chosen) raw = merged(raw, patch)
    const values = Object.fromEntries(chosen.map(({ axis, name }) => [axis, name]))
    const merges: boolean[] = []
    for (const [at, variant] of variants.entries()) {
      const { where, ...patch } = variant as { where: Readonly<Record<string, unknown>> } & Fields
      const meets = Object.entries(where).every(([axis, wanted]) => [wanted].flat().some(one => String(one) === values[axis]))
      if (!meets) continue
      used.add(at)
      merges[at] = true
      raw = merged(raw, patch)
    }
    /** What has set a field last: a variant, a value of an axis, or the scenario itself. */
    const writtenAt = (path: readonly string[]): readonly string[] => {
      const variant = variants.findLastIndex((one, at) => merges[at] && has(one, path))
      if (variant >= 0) return ['variants', String(variant), ...path]
      const value = chosen.findLast(one => has(one.patch, path))
      if (!value) return path
      const own = value.at === undefined ? path : path.slice(value.axis.split('.').length)
      return ['matrix', value.axis, value.at ?? value.name, ...own]
    }
    const name = chosen.length === 0 ? scenario.name : `${scenario.name} [${chosen.map(one => one.name).join(', ')}]`
    const [problem] = problems(scenarioSchema, raw)
    if (problem) throw refuse(problem.path.join('.'), `${chosen.length === 0 ? '' : `in ${name}: `}'${problem.value}', it takes ${problem.allowed?.join(', ') ?? problem.rule}`, writtenAt(problem.path.map(String))) // biome-ignore format: one line
    return { name, plan: scenarioSchema.parse(raw), ...place, matrix: values }
  })
  const idle = variants.findIndex((_, at) => !used.has(at))
  if (idle >= 0) throw refuse(`variants.${idle}.where`, 'no case of the matrix is meant')
  return cases
}

interface Value {
  readonly axis: string
  readonly name: string
  readonly patch: unknown
  /** Its place in a list of values; left out where it has a name of its own. */
  readonly at?: string
}

/** Whether an object has something at a path. */
function has(value: unknown, path: readonly string[]): boolean {
  return (
    path.length === 0 || (typeof value === 'object' && value !== null && path[0] in value && has((value as Fields)[path[0]], path.slice(1)))
  )
}

/** A list is of values for the field that the axis is named after; an object has a patch for each name. */
function valuesOf(axis: string, values: readonly unknown[] | Fields): Value[] {
  if (!Array.isArray(values)) return Object.entries(values).map(([name, patch]) => ({ axis, name, patch }))
  const path = axis.split('.')
  return values.map((value, at) => ({
    ...{ axis, at: String(at) },
    name: String(value),
    patch: path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value),
  }))
}

function combinations(axes: readonly (readonly [string, readonly Value[]])[]): Value[][] {
  return axes.reduce<Value[][]>((so, [, values]) => so.flatMap(chosen => values.map(value => [...chosen, value])), [[]])
}

/** A number that is the same for the same words, wherever it is made: FNV-1a, 32 bits. */
export function seedOf(...words: readonly (string | number)[]): number {
  let hash = 0x811c9dc5
  for (const char of words.join('\0')) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193) >>> 0
  return hash
}

/** Names that two cases have in common cannot be told apart in a report. @throws Fault `bad-config` */
export function distinct(cases: readonly Case[]): void {
  const seen = new Map<string, Case>()
  for (const one of cases) {
    const other = seen.get(one.name)
    if (other) throw new Fault('bad-config', `two cases have the name '${one.name}': ${place(other)} and ${place(one)}`, { path: 'name' })
    seen.set(one.name, one)
  }
}

function place({ file = '(TypeScript)', line = 0 }: Case): string {
  return `${file}:${line}`
}
