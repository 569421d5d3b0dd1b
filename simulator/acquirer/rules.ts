/** Rules of an unhappy host as validated data: which payments are declined, delayed or lost, and why. */

import { z } from 'zod'
import { TVR, type TvrBit } from '../../src/emv/data.ts'
import { Fault } from '../../src/errors.ts'

const minor = z.union([z.bigint(), z.int().min(0), z.string().regex(/^\d{1,12}$/)]).transform(value => BigInt(value))

const condition = z
  .strictObject({
    /** Minor units. */
    amount: z.strictObject({ is: minor.optional(), above: minor.optional(), below: minor.optional() }).optional(),
    /** The PAN begins with these digits. */
    pan: z
      .string()
      .regex(/^\d{1,19}$/, '1 to 19 digits')
      .optional(),
    interface: z.enum(['chip', 'tap', 'swipe']).optional(),
    cvm: z.enum(['none', 'onlinePin', 'offlinePin', 'signature', 'device']).optional(),
    order: z.string().min(1).optional(),
  })
  .default({})

/** What an acquirer is asked. */
export const questions = [
  'authorisation',
  'advice',
  'reversal',
  'status',
  'increment',
  'confirmation',
  'cancellation',
  'order',
  'cash',
  'qr',
] as const
export type Question = (typeof questions)[number]

const common = {
  /** Which questions it meets; authorisations when left out. A decline is for authorisations, confirmations and cancellations. */
  on: z.union([z.enum(questions), z.array(z.enum(questions)).min(1)]).default('authorisation'),
  when: condition,
  /** How many payments it meets before it is spent; every one when left out. */
  times: z.int().min(1).optional(),
}
const sentence = z.string().min(1).max(200)

const ruleSchema = z.discriminatedUnion('do', [
  /** `reason` is the host's sentence for the merchant; `script` an issuer script that goes with it. */
  z.strictObject({
    do: z.literal('decline'),
    code: z.string().regex(/^(?!00)[0-9A-Z]{2}$/, 'two digits or capital letters, not 00'),
    reason: sentence,
    script: z.enum(['blockApplication', 'blockCard']).optional(),
    ...common,
  }),
  /** The issuer approves so many minor units of a larger amount (response code 10), whether the app takes a part or not. */
  z.strictObject({ do: z.literal('partial'), amount: minor, ...common }),
  /** What the issuer answers where the terminal's TVR has this bit, in place of its own table (`tvrCodes`): 00 passes it over. */
  z.strictObject({
    do: z.literal('tvr'),
    bit: z.enum(Object.keys(TVR) as [TvrBit, ...TvrBit[]]),
    code: z.string().regex(/^[0-9A-Z]{2}$/, 'two digits or capital letters'),
    reason: sentence.optional(),
    ...common,
  }),
  /** The issuer wants a voice call (response code 01). */
  z.strictObject({ do: z.literal('refer'), reason: sentence, ...common }),
  /** Resets the card's PIN try counter by script. */
  z.strictObject({ do: z.literal('unblockPin'), ...common }),
  /** Answers with an ARPC that the card must not accept. */
  z.strictObject({ do: z.literal('wrongArpc'), ...common }),
  /** The issuer does not compare what the card signed with what is asked for, nor an advice with its certificate. */
  z.strictObject({ do: z.literal('believe'), ...common }),
  /** Milliseconds before the host decides; the payment is in process meanwhile. */
  z.strictObject({ do: z.literal('delay'), ms: z.int().min(0).max(600_000), ...common }),
  /** The connection closes before the host has taken the payment: nothing is charged. */
  z.strictObject({ do: z.literal('dropRequest'), ...common }),
  /** The connection closes after the host has decided: it may be charged. */
  z.strictObject({ do: z.literal('dropAnswer'), ...common }),
  /** Something that is no answer of this protocol, after the host has decided. */
  z.strictObject({ do: z.literal('garbage'), ...common }),
  /** The connection breaks in the middle of the answer. */
  z.strictObject({ do: z.literal('closeSocket'), ...common }),
  /** The host has decided and says nothing; the connection stays open. */
  z.strictObject({ do: z.literal('silence'), ...common }),
  /** The network brings the request twice. */
  z.strictObject({ do: z.literal('duplicate'), ...common }),
])

export type HostRule = z.input<typeof ruleSchema>
export type CheckedRule = z.output<typeof ruleSchema>

/** @throws Fault `bad-config` with details.path and details.rule */
export function parseRules(rules: unknown): CheckedRule[] {
  const result = z.array(ruleSchema).safeParse(rules)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]
  const where = path.join('.') || '(rules)'
  throw new Fault('bad-config', `host rules: ${where}: ${message}`, { path: where, rule: message })
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
  const book = parseRules(rules).map(rule => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }))
  return facts =>
    book
      .filter(entry => entry.left > 0 && [entry.rule.on].flat().includes(facts.on) && matches(entry.rule.when, facts))
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
