/** Risk rules that run before a payment is authorised, as validated data: what the acquirer refuses without asking the card's bank. */

import { z } from 'zod'
import { Fault } from '../../../src/errors.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import type { BookedOrder } from '../booked.ts'
import type { Names } from '../names.ts'

const minor = z.union([z.bigint(), z.int().min(0), z.string().regex(/^\d{1,12}$/)]).transform(value => BigInt(value))
const refusal = {
  /** ISO 8583 field 39. */
  code: z
    .string()
    .regex(/^(?!00)[0-9A-Z]{2}$/, 'two digits or capital letters, not 00')
    .optional(),
  reason: z.string().min(1).max(200).optional(),
}

const riskSchema = z.discriminatedUnion('check', [
  /** One payment of more than this. */
  z.strictObject({ check: z.literal('amount'), above: minor, ...refusal }),
  /** More than `count` payments, or more than `amount` together, in so many seconds; by card, terminal or merchant. */
  z
    .strictObject({
      check: z.literal('velocity'),
      per: z.enum(['card', 'terminal', 'merchant']),
      seconds: z.int().min(1),
      count: z.int().min(1).optional(),
      amount: minor.optional(),
      ...refusal,
    })
    .refine(({ count, amount }) => count !== undefined || amount !== undefined, 'count, amount or both'),
  /** Card numbers that begin with one of these. */
  z.strictObject({ check: z.literal('cards'), list: z.array(z.string().regex(/^\d{1,19}$/, '1 to 19 digits')).min(1), ...refusal }),
])

export type RiskRule = z.input<typeof riskSchema>

/** @throws Fault `bad-config` with details.path and details.rule */
export function parseRisk(rules: unknown): z.output<typeof riskSchema>[] {
  const result = z.array(riskSchema).safeParse(rules)
  if (result.success) return result.data
  const { path, message } = result.error.issues[0]
  const where = path.join('.') || '(rules)'
  throw new Fault('bad-config', `risk rules: ${where}: ${message}`, { path: where, rule: message })
}

export interface Refused {
  readonly code: string
  readonly reason: string
}

/** Rules in force. The book is their memory, so they hold across a restart. */
export function riskBook(rules: readonly RiskRule[], names: Names) {
  const checked = parseRisk(rules)
  return (message: AuthorisationMessage, pan: string | undefined, orders: readonly BookedOrder[], now: number): Refused | undefined => {
    for (const rule of checked) {
      const { code, reason } = rule
      switch (rule.check) {
        case 'amount':
          if (message.amount > rule.above) return { code: code ?? '61', reason: reason ?? `more than ${rule.above} minor units` }
          break
        case 'cards':
          if (pan && rule.list.some(prefix => pan.startsWith(prefix)))
            return { code: code ?? '62', reason: reason ?? 'the card is on the list' }
          break
        case 'velocity': {
          const before = earlier(rule.per, message, pan && names.card(pan), orders, now - rule.seconds * 1000)
          const sum = before.reduce((total, amount) => total + amount, message.amount)
          if ((rule.count !== undefined && before.length >= rule.count) || (rule.amount !== undefined && sum > rule.amount))
            return { code: code ?? '65', reason: reason ?? `too much in ${rule.seconds} seconds by this ${rule.per}` }
        }
      }
    }
    return undefined
  }
}

/** Amounts of approved payments since a moment, those taken back included: an attempt is an attempt. */
function earlier(
  per: 'card' | 'terminal' | 'merchant',
  { merchant }: AuthorisationMessage,
  card: string | undefined,
  orders: readonly BookedOrder[],
  since: number,
): bigint[] {
  return orders.flatMap(order =>
    order.operations
      .filter(({ type, state, at }) => type === 'payment' && (state === 'Approved' || state === 'Canceled') && +at > since)
      .filter(operation => {
        if (per === 'card') return card !== undefined && operation.card === card
        return order.merchant === merchant.id && (per === 'merchant' || operation.terminal === merchant.terminal)
      })
      .map(({ amount }) => amount),
  )
}
