/** An answer is believed where it agrees with what was asked and with itself; anything else is "answer malformed". Every client's answers pass here, in `pay` and in the till. */

import type { Currency } from '../../currency.ts'
import { Fault, isFault } from '../../errors.ts'
import type {
  Acquirer,
  AuthorisationMessage,
  HostAnswer,
  OrderAcquirer,
  OrderChange,
  PaymentType,
  RetailAcquirer,
  ReversalOptions,
  ReversalReason,
  Sale,
} from '../acquirer.ts'

/** Field 39 of an approval (ISO 8583:1987, Table A.7): 08 with identification, 10 for a part of the amount, 11 VIP, 16 with track 3 to be written anew. */
export const approvingCodes: readonly string[] = ['00', '08', '10', '11', '16']
/** A part of the amount was approved. */
export const PARTIAL = '10'

/** What an answer must agree with; what is not known is left out. */
export interface Asked {
  readonly key: string
  readonly order?: string
  readonly amount?: bigint
  readonly currency?: Pick<Currency, 'alpha'>
  /** A refund does not make its order a paid one. */
  readonly type?: PaymentType
}

/**
 * Gives the answer back.
 * @throws Fault `host-error` with details.contradiction, the field that does not agree
 */
export function agreed(answer: HostAnswer, asked: Asked): HostAnswer {
  const { state, response, about, approvedAmount, orderState } = answer
  if (about) {
    compare('key', about.key, asked.key)
    compare('order', about.order, asked.order)
    compare('amount', about.amount, asked.amount)
    compare('currency', about.currency, asked.currency?.alpha)
  }
  if (response) {
    const { code } = response
    if (response.type !== state) throw contradiction('code', `the state is ${state}, its response says ${response.type}`)
    if ((state === 'approved') !== approvingCodes.includes(code)) throw contradiction('code', `${state} with response code ${code}`)
  }
  const amount = asked.amount ?? about?.amount
  if ((response?.code === PARTIAL) !== (approvedAmount !== undefined))
    throw contradiction(
      'amount',
      approvedAmount === undefined ? 'response code 10 without the amount that was approved' : 'an approved part without response code 10',
    )
  if (approvedAmount !== undefined && (approvedAmount <= 0n || (amount !== undefined && approvedAmount >= amount)))
    throw contradiction('amount', `${approvedAmount} of ${amount ?? 'an unknown amount'} is no part of it`)
  if (state === 'approved' && (orderState === 'Declined' || orderState === 'Timeout') && asked.type !== 'refund')
    throw contradiction('orderState', `approved, and the order is ${orderState}`)
  return answer
}

function compare(field: keyof Asked, said: string | bigint | undefined, asked: string | bigint | undefined): void {
  if (said !== undefined && asked !== undefined && said !== asked)
    throw contradiction(field, `it is about ${field} ${String(said).slice(0, 64)}, asked was ${asked}`)
}

/** Fault `host-error` with details.contradiction. */
export function contradiction(field: string, what: string): Fault {
  return new Fault('host-error', `answer is malformed: ${what}`, { contradiction: field })
}

/** The host's answer contradicts itself or the question: what it did is not known, and whatever it was is taken back. */
export function isContradiction(error: unknown): boolean {
  return isFault(error, 'host-error') && error.details.contradiction !== undefined
}

/** The host has said one thing of a payment and then another, of which only one can be true. `reversed` may come after everything, and what is no final answer contradicts nothing. */
export function contradicts(before: HostAnswer | undefined, now: HostAnswer): boolean {
  if (!before?.response || !now.response) return false
  return before.state !== now.state || before.approvedAmount !== now.approvedAmount
}

/** An answer to a reversal: nothing was charged, so that there is nothing to undo. @throws Fault `host-error` where the host has said before that it charged */
export function nothingToUndo(approved: boolean | undefined): void {
  if (approved) throw contradiction('state', 'there is nothing to undo, of a payment that it has approved')
}

/**
 * Takes back what `key` did. A host that has approved it and knows of nothing to undo is asked how it stands, and a second word to the same effect is believed.
 * @throws Fault as `Acquirer.reverse`
 */
export async function takeBack(acquirer: Acquirer, key: string, why: ReversalReason, options: ReversalOptions): Promise<void> {
  try {
    await acquirer.reverse(key, why, options)
  } catch (error) {
    if (!options.approved || !isContradiction(error)) throw error
    const { state } = await acquirer.status(key, options)
    if (state !== 'declined' && state !== 'reversed') throw error
  }
}

/** Of a payment, its question. */
export function askedBy({
  key,
  order,
  amount,
  currency,
  type,
}: Pick<AuthorisationMessage, 'key' | 'order' | 'amount' | 'currency' | 'type'>): Asked {
  return { key, order: order.number, amount, currency, type }
}

export function askedByChange({ key, number, amount }: OrderChange): Asked {
  return { key, order: number, ...(amount !== undefined && { amount }) }
}

export function askedBySale({ key, order, amount }: Sale): Asked {
  return { key, order: order.number, amount, currency: order.currency }
}

/** The same acquirer, whose answers to payments and questions are `agreed`. */
export function agreeing(acquirer: Acquirer): Acquirer {
  return {
    authorise: async (message, options) => agreed(await acquirer.authorise(message, options), askedBy(message)),
    advise: async (message, options) => agreed(await acquirer.advise(message, options), askedBy(message)),
    status: async (key, options) => agreed(await acquirer.status(key, options), { key }),
    reverse: (key, why, options) => acquirer.reverse(key, why, options),
  }
}

/** As `agreeing`, with changes of orders and payments without a card. */
export function agreeingTill(acquirer: OrderAcquirer & Partial<RetailAcquirer>): OrderAcquirer & Partial<RetailAcquirer> {
  const { registerCash, requestQr, increment } = acquirer
  const retail: Partial<RetailAcquirer> = {
    ...(registerCash && {
      registerCash: async (sale, options) => agreed(await registerCash.call(acquirer, sale, options), askedBySale(sale)),
    }),
    ...(requestQr && {
      async requestQr(sale, options) {
        const code = await requestQr.call(acquirer, sale, options)
        agreed(code.answer, askedBySale(sale))
        return code
      },
    }),
  }
  return {
    ...agreeing(acquirer),
    ...retail,
    ...(increment && {
      increment: async (change, options) => agreed(await increment.call(acquirer, change, options), askedByChange(change)),
    }),
    confirm: async (change, options) => agreed(await acquirer.confirm(change, options), askedByChange(change)),
    cancel: async (change, options) => agreed(await acquirer.cancel(change, options), askedByChange(change)),
    async order(merchant, number, options) {
      const order = await acquirer.order(merchant, number, options)
      if (order && order.number !== number) throw contradiction('order', `it is about order ${order.number}, asked was ${number}`)
      return order
    },
  }
}
