/** The bank of the bench as its API tells and takes it. */

import { z } from 'zod'
import { questions } from '../../acquirer/host-rule.ts'
import { hostRuleSchema } from '../../acquirer/rules.ts'
import { money } from '../../scenario/schema-world.ts'
import { id } from './reader.ts'

/** A code as a bank gives it. */
const code = z.string().regex(/^(?!00)[0-9A-Z]{2}$/, 'two digits or capital letters, not 00')
const delay = z.int().min(0).max(600_000)

export const rulesInput = z.strictObject({
  rules: z.array(hostRuleSchema).max(100).describe('In place of those of before, none of them spent'),
  magicAmounts: z.boolean().optional().describe('The last two digits of an amount say what it answers; not, when left out'),
})

export const modeInput = z.strictObject({
  answer: z.enum(['auto', 'hand']).describe('By its rules, or by hand'),
  on: z.array(z.enum(questions)).min(1).optional().describe('Questions that are held; authorisations when left out'),
  delay: delay.optional().describe('Milliseconds that it takes its time for; none when left out'),
})
export type ModeInput = z.output<typeof modeInput>

export const handAnswer = z
  .discriminatedUnion('do', [
    z.strictObject({ do: z.literal('approve') }),
    z.strictObject({
      do: z.literal('decline'),
      code: code.optional().describe('05 when left out'),
      reason: z.string().min(1).max(200).optional(),
    }),
    z.strictObject({ do: z.literal('refer'), reason: z.string().min(1).max(200).optional() }),
    z.strictObject({ do: z.literal('partial'), amount: money }),
    z.strictObject({ do: z.literal('drop') }).describe('It approves, and the line closes before the answer'),
    z.strictObject({ do: z.literal('silence') }).describe('It approves, and says nothing'),
    z.strictObject({ do: z.literal('garbage') }).describe('It approves, and what comes is no answer'),
    z.strictObject({ do: z.literal('late'), ms: delay.describe('It decides so much later') }),
    z.strictObject({ do: z.literal('wrongArpc') }).describe('It approves, with an ARPC that the card must not accept'),
    z.strictObject({ do: z.literal('script'), script: z.enum(['blockApplication', 'blockCard', 'unblockPin']) }),
  ])
  .describe('What is answered to a request that is held')
export type HandAnswer = z.output<typeof handAnswer>

export const balanceInput = z.strictObject({ card: id, balance: money })
export const goneInput = z.strictObject({ gone: z.boolean().describe('It cannot be reached') })

const optional = z.string().optional()

const request = {
  n: z.number(),
  on: z.string(),
  at: z.number(),
  key: z.string(),
  ...{ order: optional, amount: optional, currency: optional, pan: optional, interface: optional, cvm: optional },
  state: z.enum(['held', 'answered', 'dropped', 'refused']),
  code: optional,
  reason: optional,
  inquiries: z.number().optional().describe('Times that its result was asked for afterwards'),
}

export const bankRequest = z.object(request).meta({ id: 'BankRequest' })

const dataObject = z.object({ tag: z.string(), name: optional, value: z.string(), words: z.array(z.string()).optional() })

export const bankRequestInFull = z.object({ ...request, message: z.unknown(), tags: z.array(dataObject) }).meta({ id: 'BankRequestInFull' })

const transaction = z.object({
  ...{ number: z.string(), kind: z.string(), state: z.string(), amount: z.string() },
  ...{ code: optional, rrn: optional, pan: optional, reversed: optional },
})
const operation = z.object({
  ...{ type: z.string(), state: z.string(), amount: z.string(), at: z.string() },
  transactions: z.array(transaction),
})

export const bankOrder = z
  .object({
    ...{ number: z.string(), merchant: z.string(), state: z.string(), amount: z.string(), currency: z.string() },
    ...{ held: z.string(), charged: z.string(), cancelled: z.string() },
    operations: z.array(operation),
  })
  .meta({ id: 'BankOrder' })

export const bankState = z
  .object({
    url: z.string(),
    mode: z.object({ answer: z.enum(['auto', 'hand']), on: z.array(z.string()).optional(), delay: z.number().optional() }),
    gone: z.boolean(),
    rules: z.array(z.record(z.string(), z.unknown())),
    magicAmounts: z.boolean(),
    balances: z.array(
      z.object({ card: id, balance: z.string(), wrongPins: z.number().optional().describe('PINs in a row that were wrong') }),
    ),
    requests: z.array(bankRequest),
    orders: z.array(bankOrder),
  })
  .meta({ id: 'Bank' })

export const qrInput = z.strictObject({ payload: z.string().min(1).max(1000).describe('The text of the code') })
