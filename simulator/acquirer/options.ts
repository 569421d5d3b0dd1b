/** Merchants and bonus programme of the acquirer, as they come from a command line, checked. */

import { z } from 'zod'
import { Fault } from '../../src/errors.ts'
import { categories } from '../../src/payment/estimates.ts'
import type { BonusOptions } from './bonus.ts'
import type { MerchantAccount } from './desk/merchants.ts'

const estimate = z.strictObject({
  scheme: z.string().min(1).max(32),
  categories: z.array(z.enum(categories)).min(1).optional(),
  increments: z.boolean().optional(),
  over: z.number().min(0).max(100).optional(),
  source: z.string().max(200),
  confidence: z.enum(['processor', 'assumed']),
})

const merchants = z.array(
  z.strictObject({
    id: z.string().min(1).max(15),
    stages: z.union([z.literal(1), z.literal(2)]).optional(),
    refundsTo: z.enum(['paidCard', 'anyCard']).optional(),
    estimates: z
      .strictObject({ category: z.enum(categories), rules: z.array(estimate).optional(), assumed: z.boolean().optional() })
      .optional(),
    terminals: z.array(z.string().min(1).max(8)).optional(),
  }),
)

const percent = z.number().min(0).max(100)
const bonus = z.strictObject({
  pan: z
    .string()
    .regex(/^\d{1,19}$/, '1 to 19 digits')
    .optional(),
  award: percent,
  spend: percent.optional(),
})

/** @throws Fault `bad-config` with details.path and details.rule */
export function parseMerchants(json: unknown): readonly MerchantAccount[] {
  return check(merchants, json, 'merchants') as readonly MerchantAccount[]
}

/** @throws Fault `bad-config` with details.path and details.rule */
export function parseBonus(json: unknown): BonusOptions {
  return check(bonus, json, 'bonus') as BonusOptions
}

function check(schema: z.ZodType, json: unknown, what: string): unknown {
  const result = schema.safeParse(json)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]
  const where = path.join('.') || `(${what})`
  throw new Fault('bad-config', `${what}: ${where}: ${message}`, { path: where, rule: message })
}
