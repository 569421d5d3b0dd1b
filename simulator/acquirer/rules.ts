/** Rules of an unhappy host as validated data: which payments are declined, delayed or lost, and why. */

import { z } from 'zod'
import { TVR, type TvrBit } from '../../src/emv/data.ts'
import { Fault } from '../../src/errors.ts'
import { chance, MOST_SEED } from '../chance.ts'
import type { Same } from '../same.ts'
import { type HostRule, type Question, questions } from './host-rule.ts'

export type { HostRule } from './host-rule.ts'

const minor = z.union([z.bigint(), z.int().min(0), z.string().regex(/^\d{1,12}$/)]).transform(value => BigInt(value))

const condition = z
  .strictObject({
    amount: z.strictObject({ is: minor.optional(), above: minor.optional(), below: minor.optional() }).optional(),
    pan: z
      .string()
      .regex(/^\d{1,19}$/, '1 to 19 digits')
      .optional(),
    interface: z.enum(['chip', 'tap', 'swipe']).optional(),
    cvm: z.enum(['none', 'onlinePin', 'offlinePin', 'signature', 'device']).optional(),
    order: z.string().min(1).optional(),
  })
  .default({})

const common = {
  on: z.union([z.enum(questions), z.array(z.enum(questions)).min(1)]).default('authorisation'),
  when: condition,
  times: z.int().min(1).optional(),
  probability: z.number().gt(0).max(1).optional(),
  seed: z.int().min(1).max(MOST_SEED).optional(),
}
const sentence = z
  .string('a sentence of 1 to 200 characters')
  .min(1, 'a sentence of 1 to 200 characters')
  .max(200, 'a sentence of 1 to 200 characters')
const responseCode = 'two digits or capital letters'

/** A rule of an unhappy host, for whoever has one in a schema of their own. */
export const hostRuleSchema = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('decline'),
    code: z.string(`${responseCode}, not 00`).regex(/^(?!00)[0-9A-Z]{2}$/, `${responseCode}, not 00`),
    reason: sentence,
    script: z.enum(['blockApplication', 'blockCard']).optional(),
    ...common,
  }),
  z.strictObject({ do: z.literal('partial'), amount: minor, ...common }),
  z.strictObject({
    do: z.literal('tvr'),
    bit: z.enum(Object.keys(TVR) as [TvrBit, ...TvrBit[]]),
    code: z.string(responseCode).regex(/^[0-9A-Z]{2}$/, responseCode),
    reason: sentence.optional(),
    ...common,
  }),
  z.strictObject({ do: z.literal('refer'), reason: sentence, ...common }),
  z.strictObject({ do: z.literal('unblockPin'), template: z.union([z.literal(71), z.literal(72)]).optional(), ...common }),
  z.strictObject({ do: z.literal('wrongArpc'), ...common }),
  z.strictObject({ do: z.literal('believe'), ...common }),
  z.strictObject({ do: z.literal('delay'), ms: z.int().min(0).max(600_000), ...common }),
  z.strictObject({ do: z.literal('dropRequest'), ...common }),
  z.strictObject({ do: z.literal('dropAnswer'), ...common }),
  z.strictObject({ do: z.literal('garbage'), ...common }),
  z.strictObject({ do: z.literal('closeSocket'), ...common }),
  z.strictObject({ do: z.literal('silence'), ...common }),
  z.strictObject({ do: z.literal('duplicate'), ...common }),
  z.strictObject({ do: z.literal('contradict'), ...common }),
])

/** A rule that was checked, with everything filled in. */
export type CheckedRule = z.output<typeof hostRuleSchema>

type OfDo<R extends { do: string }, Do> = R extends unknown
  ? Do extends R['do']
    ? { [Key in keyof R as Exclude<Key, 'do'>]: R[Key] }
    : never
  : never
type ByDo<R extends { do: string }> = { [Do in R['do']]: OfDo<R, Do> }

/** The schema takes what `HostRule` names, neither more nor less: a difference does not compile. */
export const rulesAreNamed: Same<ByDo<HostRule>, ByDo<z.input<typeof hostRuleSchema>>> = true

/** @throws Fault `bad-config` with details.path and details.rule */
export function parseRules(rules: unknown): CheckedRule[] {
  const result = z.array(hostRuleSchema).safeParse(rules)
  if (result.success) return result.data
  const { path } = result.error.issues[0]
  const message = wordsOf(result.error.issues[0])
  const where = path.join('.') || '(rules)'
  throw new Fault('bad-config', `host rules: ${where}: ${message}`, { path: where, rule: message })
}

/** Ours where there are some, and for what is missing; the library's else. */
function wordsOf({ code, path, message }: z.core.$ZodIssue): string {
  if (code === 'invalid_union' && path.at(-1) === 'do')
    return `what the rule does: ${hostRuleSchema.options.map(one => one.shape.do.value).join(', ')}`
  if (code === 'invalid_type' && message.endsWith('received undefined')) return 'it is missing'
  return message
}

/** What a rule looks at. */
export interface RuleFacts {
  readonly on: Question
  readonly amount?: bigint
  readonly pan?: string | undefined
  readonly interface?: string
  readonly cvm?: string
  readonly order?: string | undefined
}

/** Rules in force, counting those that are spent. */
export function ruleBook(rules: readonly HostRule[]): (facts: RuleFacts) => readonly CheckedRule[] {
  const book = parseRules(rules).map(rule => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY, falls: chance(rule.seed ?? 1) }))
  return facts =>
    book
      .filter(entry => entry.left > 0 && [entry.rule.on].flat().includes(facts.on) && matches(entry.rule.when, facts))
      .filter(({ rule, falls }) => rule.probability === undefined || falls(rule.probability))
      .map(entry => {
        entry.left--
        return entry.rule
      })
}

function matches({ amount, pan, interface: through, cvm, order }: CheckedRule['when'], facts: RuleFacts): boolean {
  return (
    (amount?.is === undefined || facts.amount === amount.is) &&
    (amount?.above === undefined || (facts.amount ?? 0n) > amount.above) &&
    (amount?.below === undefined || (facts.amount ?? 0n) < amount.below) &&
    (pan === undefined || facts.pan?.startsWith(pan) === true) &&
    (through === undefined || facts.interface === through) &&
    (cvm === undefined || facts.cvm === cvm) &&
    (order === undefined || facts.order === order)
  )
}
