/** What a public function takes, checked at its door: JavaScript passes anything, and a payment is no place to find out. */

import type { Currency } from './currency-table.ts'
import { Fault } from './errors.ts'
import { starNumbers } from './stars.ts'

/** One argument, or a field of one. */
export interface Rule {
  /** Ends the sentence "it takes …". */
  readonly takes: string
  /** Of a value that does not hold the rule, where and which rule: its own path below the argument's. Undefined when all is well. */
  broken(value: unknown, path: string): Broken | undefined
}

export interface Broken {
  readonly path: string
  readonly value: unknown
  readonly takes: string
}

/** @throws Fault `bad-argument` with details.field, value and rule */
export function need(path: string, value: unknown, rule: Rule): void {
  const broken = rule.broken(value, path)
  if (!broken) return
  const shown = show(broken.value)
  throw new Fault('bad-argument', `${broken.path} is ${shown}; it takes ${broken.takes}`, {
    ...{ field: broken.path, value: shown, rule: broken.takes },
  })
}

/** As a person recognises it; numbers as long as a card's are masked, and what is long is cut. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `the text ${JSON.stringify(starNumbers(value.length > 60 ? `${value.slice(0, 60)}…` : value))}`
    case 'bigint':
      return `${starNumbers(String(value))}n`
    case 'number':
      return `the number ${starNumbers(String(value))}`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'object':
      if (value === null) return 'null'
      if (Array.isArray(value)) return `a list of ${value.length}`
      if (value instanceof Uint8Array) return `${value.length} bytes`
      if (value instanceof Date) return Number.isNaN(+value) ? 'a date that is none' : value.toISOString()
      return 'an object'
    default:
      return String(value)
  }
}

function simple(takes: string, holds: (value: unknown) => boolean): Rule {
  return { takes, broken: (value, path) => (holds(value) ? undefined : { path, value, takes }) }
}

export const amount = (from: bigint, to: bigint): Rule =>
  simple(
    `minor units from ${from} to ${to}, as a bigint (${from > 0n ? from : 100}n)`,
    value => typeof value === 'bigint' && value >= from && value <= to,
  )

export const anyAmount: Rule = simple('minor units, as a bigint (100n)', value => typeof value === 'bigint')

export const unsigned: Rule = simple(
  'a whole number of 0 or more',
  value => (typeof value === 'bigint' && value >= 0n) || (Number.isSafeInteger(value) && (value as number) >= 0),
)

export const whole = (from: number, to: number): Rule =>
  simple(
    `a whole number from ${from} to ${to}`,
    value => Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to,
  )

/** Milliseconds; infinity is no time. */
export const milliseconds: Rule = simple(
  'milliseconds, 0 or more',
  value => typeof value === 'number' && value >= 0 && Number.isFinite(value),
)

export const finite = (from: number, to: number): Rule =>
  simple(`a number from ${from} to ${to}`, value => typeof value === 'number' && value >= from && value <= to)

/** Counted as a wire counts them: UTF-16 units. */
export const text = (least: number, most: number): Rule =>
  simple(`a text of ${least} to ${most} characters`, value => typeof value === 'string' && value.length >= least && value.length <= most)

export const anyText: Rule = simple('a text', value => typeof value === 'string')
export const flag: Rule = simple('true or false', value => typeof value === 'boolean')
export const callable: Rule = simple('a function', value => typeof value === 'function')
export const date: Rule = simple('a Date', value => value instanceof Date && !Number.isNaN(+value))
export const anyBytes: Rule = simple('bytes (Uint8Array)', value => value instanceof Uint8Array)

export const oneOf = (values: readonly (string | number)[]): Rule =>
  simple(`one of ${values.join(', ')}`, value => values.includes(value as string))

/** Something with these methods, whatever made it. */
export const having = (what: string, ...methods: readonly string[]): Rule =>
  simple(
    what,
    value =>
      typeof value === 'object' && value !== null && methods.every(name => typeof (value as Record<string, unknown>)[name] === 'function'),
  )

export const signal: Rule = having('an AbortSignal', 'addEventListener', 'removeEventListener')
export const clock: Rule = having('a Clock', 'now', 'elapsed', 'timer')

export const tracer: Rule = having('a Tracer', 'tell', 'span')

/** A byte pipe. */
export const linkRule: Rule = having('a Link', 'send', 'close')

export const currencyOf: Rule = simple("a currency, as currency('RUB') gives it", value => {
  const { alpha, numeric, exponent } = (value ?? {}) as Partial<Currency>
  return typeof alpha === 'string' && Number.isSafeInteger(numeric) && Number.isSafeInteger(exponent)
})

export const object: Rule = simple('an object', isObject)

/** May be left out, or undefined. */
export const maybe = (rule: Rule): Rule => ({
  takes: `${rule.takes}, or nothing`,
  broken: (value, path) => (value === undefined ? undefined : rule.broken(value, path)),
})

export const either = (takes: string, ...rules: readonly Rule[]): Rule =>
  simple(takes, value => rules.some(rule => !rule.broken(value, '')))

export const listOf = (rule: Rule, least = 0): Rule => ({
  takes: 'a list',
  broken(value, path) {
    if (!Array.isArray(value)) return { path, value, takes: 'a list' }
    if (value.length < least) return { path, value, takes: `a list of at least ${least}` }
    for (let index = 0; index < value.length; index++) {
      const broken = rule.broken(value[index], '')
      if (broken) return { ...broken, path: below(`${path}.${index}`, broken.path) }
    }
    return undefined
  },
})

/** An object whose fields hold their rules; others are not looked at. */
export const shape = (fields: Readonly<Record<string, Rule>>): Rule => {
  const rules = Object.entries(fields)
  const needed = rules.filter(([name, rule]) => rule.broken(undefined, name) !== undefined)
  const namedFirst = (needed.length > 0 ? needed : rules).slice(0, 3).map(([name]) => name)
  return {
    takes: 'an object',
    broken(value, path) {
      if (!isObject(value)) return { path, value, takes: `an object with ${namedFirst.join(', ')}` }
      for (let at = 0; at < rules.length; at++) {
        const [name, rule] = rules[at]
        const broken = rule.broken((value as Record<string, unknown>)[name], name)
        if (broken) return { ...broken, path: below(path, broken.path) }
      }
      return undefined
    },
  }
}

/** The whole path is put together only for what is broken: a door stands in the way of every payment. */
function below(path: string, name: string): string {
  return path === '' ? name : name === '' ? path : `${path}.${name}`
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
