/** What is wrong with a value that a schema does not take: where, what was written, what is allowed, and the nearest name; the union's branch that was meant is found first. */

import type { z } from 'zod'
import { nearest } from '../../src/nearest.ts'

/** One thing that is wrong. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly kind: 'unknownField' | 'missing' | 'notOneOf' | 'rule'
  /** As it was written. */
  readonly value: string
  /** In the words of the schema; what else may stand there. */
  readonly rule: string
  readonly allowed?: readonly string[]
  readonly meant?: string | undefined
}

type Path = readonly (string | number)[]

/** What of a schema's definition is read here. */
interface Def {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly discriminator?: string
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly keyType?: z.ZodType
  readonly valueType?: z.ZodType
  readonly entries?: Readonly<Record<string, string | number>>
  readonly values?: readonly unknown[]
}

const defOf = (schema: z.ZodType): Def => (schema as unknown as { _zod: { def: Def } })._zod.def
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Without what only fills in or transforms. */
function bare(schema: z.ZodType): z.ZodType {
  const { innerType, in: before } = defOf(schema)
  const inner = innerType ?? before
  return inner ? bare(inner) : schema
}

/** Everything that `schema` has against `value`, in the order of its fields. Empty where it takes it. */
export function problems(schema: z.ZodType, value: unknown, path: Path = []): Problem[] {
  if (schema.safeParse(value).success) return []
  const inner = bare(schema)
  const found = inside(inner, value, path)
  return found.length > 0 ? found : [broken(schema, value, path)]
}

function inside(schema: z.ZodType, value: unknown, path: Path): Problem[] {
  const def = defOf(schema)
  if (def.type === 'union') return ofUnion(def, value, path)
  if (def.type === 'object' && isObject(value)) return ofObject(def.shape ?? {}, value, path)
  if (def.type === 'array' && Array.isArray(value)) return value.flatMap((one, at) => problems(def.element!, one, [...path, at]))
  if (def.type === 'record' && isObject(value))
    return Object.entries(value).flatMap(([key, one]) => {
      const [name] = def.keyType ? problems(def.keyType, key, [...path, key]) : []
      return name ? [{ ...name, kind: 'unknownField' as const }] : problems(def.valueType!, one, [...path, key])
    })
  return []
}

function ofObject(shape: Readonly<Record<string, z.ZodType>>, value: Readonly<Record<string, unknown>>, path: Path): Problem[] {
  const allowed = Object.keys(shape)
  const unknown = Object.keys(value).filter(key => !Object.hasOwn(shape, key))
  const own = Object.entries(shape).flatMap(([key, inner]): Problem[] => {
    if (Object.hasOwn(value, key)) return problems(inner, value[key], [...path, key])
    return inner.safeParse(undefined).success ? [] : [{ path: [...path, key], kind: 'missing', value: '', rule: 'it must be there' }]
  })
  return [...unknown.map(key => unknownField(key, allowed, path)), ...own]
}

function unknownField(key: string, allowed: readonly string[], path: Path): Problem {
  return { path: [...path, key], kind: 'unknownField', value: key, rule: 'no such field', allowed, meant: nearest(key, allowed) }
}

/** Of the branches the one that was meant: by its discriminator, by its kind, by the fields that it shares. */
function ofUnion({ options = [], discriminator }: Def, value: unknown, path: Path): Problem[] {
  const branches = options.map(bare).flatMap(one => (defOf(one).type === 'union' ? (defOf(one).options ?? []).map(bare) : [one]))
  const objects = branches.filter(one => defOf(one).type === 'object')
  if (isObject(value)) {
    if (objects.length === 0) {
      const record = branches.find(one => defOf(one).type === 'record')
      return record ? problems(record, value, path) : []
    }
    if (discriminator !== undefined) {
      const named = (one: z.ZodType) => defOf(defOf(one).shape?.[discriminator] ?? one).values ?? []
      const literals = objects.flatMap(one => defOf(bare(defOf(one).shape![discriminator])).values ?? named(one)).map(String)
      const found = objects.find(one => (defOf(bare(defOf(one).shape![discriminator])).values ?? []).includes(value[discriminator]))
      return found ? problems(found, value, path) : [notOneOf(value[discriminator], literals, [...path, discriminator])]
    }
    const shared = (one: z.ZodType) => Object.keys(value).filter(key => Object.hasOwn(defOf(one).shape ?? {}, key)).length
    const [best] = [...objects].sort((one, other) => shared(other) - shared(one))
    if (shared(best) > 0) return problems(best, value, path)
    const keys = [...new Set(objects.flatMap(one => Object.keys(defOf(one).shape ?? {})))]
    const [first] = Object.keys(value)
    return first === undefined
      ? [{ path, kind: 'rule', value: '{}', rule: `one of the fields ${keys.join(', ')}` }]
      : [unknownField(first, keys, path)]
  }
  if (Array.isArray(value)) {
    const list = branches.find(one => defOf(one).type === 'array')
    return list ? problems(list, value, path) : []
  }
  const words = branches.flatMap(one => wordsOf(one))
  // Words and something else: true or false, a number, a list are told as well.
  const others = [...new Set(branches.filter(one => wordsOf(one).length === 0).map(kindOf))].filter(one => one !== 'something else')
  if (typeof value === 'string' && words.length > 0 && !others.includes('a text')) return [notOneOf(value, [...others, ...words], path)]
  const leaf = branches.find(one => defOf(one).type === typeof value)
  return leaf ? problems(leaf, value, path) : []
}

/** The values that a schema lists. */
function wordsOf(schema: z.ZodType): string[] {
  const { type, entries, values } = defOf(schema)
  if (type === 'enum') return Object.values(entries ?? {}).map(String)
  return type === 'literal' ? (values ?? []).map(String) : []
}

function notOneOf(value: unknown, allowed: readonly string[], path: Path): Problem {
  const told = written(value)
  return { path, kind: 'notOneOf', value: told, rule: 'one of a list', allowed, meant: nearest(told, allowed) }
}

function broken(schema: z.ZodType, value: unknown, path: Path): Problem {
  const inner = bare(schema)
  const words = wordsOf(inner)
  if (words.length > 0) return notOneOf(value, words, path)
  const [issue] = schema.safeParse(value).error?.issues ?? []
  const { params } = issue as { params?: { allowed?: readonly string[]; value?: string } }
  const at = [...path, ...(issue?.path ?? []).map(one => (typeof one === 'number' ? one : String(one)))]
  if (params?.allowed)
    return {
      path: at,
      kind: 'notOneOf',
      value: written(value),
      rule: issue.message,
      allowed: params.allowed,
      meant: nearest(params.value ?? '', params.allowed),
    }
  const { type, options = [] } = defOf(inner)
  const kinds = type === 'union' ? [...new Set(options.map(one => kindOf(bare(one))))].join(', or ') : kindOf(inner)
  const wrongKind = issue?.code === 'invalid_type' || issue?.code === 'invalid_union'
  const quotes = typeof value === 'number' && /text/.test(kinds) ? `; put it in quotes: "${value}"` : ''
  return { path: at, kind: 'rule', value: written(value), rule: wrongKind ? `${kinds}${quotes}` : sentenceOf(issue) }
}

/** What an issue says; the sentences that zod makes itself are no words of ours. */
function sentenceOf(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'too_small':
      return issue.origin === 'array' ? `at least ${issue.minimum} of them` : issue.origin === 'string' ? `at least ${issue.minimum} characters` : `${issue.minimum} or more` // biome-ignore format: a row
    case 'too_big':
      return issue.origin === 'array' ? `at most ${issue.maximum} of them` : issue.origin === 'string' ? `at most ${issue.maximum} characters` : `${issue.maximum} or less` // biome-ignore format: a row
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    default:
      return issue?.message ?? 'it is not taken'
  }
}

function kindOf(schema: z.ZodType): string {
  const { type } = defOf(schema)
  switch (type) {
    case 'object':
    case 'record':
      return 'an object'
    case 'array':
      return 'a list'
    case 'string':
      return 'a text'
    case 'number':
    case 'int':
      return 'a number'
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'null'
    case 'enum':
    case 'literal':
      return wordsOf(schema).slice(0, 8).join(', ')
    default:
      return 'something else'
  }
}

/** As a person wrote it, cut where it is long. */
function written(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
