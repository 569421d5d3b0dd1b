/** Who may be paid at the desk, and what merchant and order alone forbid. */

import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { type Allowed, allowedOf, type Estimates } from '../../../src/payment/estimates.ts'
import { type Found, payments, standing } from '../book.ts'
import type { BookedOrder, Operation } from '../booked.ts'
import type { Records } from './records.ts'
import type { Refused } from './reply.ts'

/** A merchant of the acquirer's, and what it may do. */
export interface MerchantAccount {
  /** Up to 15 characters. */
  readonly id: string
  /** 2: what is paid is held until it is confirmed. 1 when left out. */
  readonly stages?: 1 | 2
  /** What it sells, where amounts are estimated: how far its payments may be raised. */
  readonly estimates?: Estimates
  /** Where money of an order goes back by card: `paidCard` when left out, to a card that has paid it; `anyCard`, as hosts have it that go by the order alone. */
  readonly refundsTo?: 'paidCard' | 'anyCard'
  /** Its terminals; any when left out. */
  readonly terminals?: readonly string[]
}

type Sold = Pick<AuthorisationMessage, 'merchant' | 'order' | 'amount'> & Partial<Pick<AuthorisationMessage, 'type'>>

export class Merchants {
  readonly #accounts: readonly MerchantAccount[] | undefined
  readonly #records: Records

  /** Without `accounts` everybody may be paid, in one stage. */
  constructor(accounts: readonly MerchantAccount[] | undefined, records: Records) {
    this.#accounts = accounts
    this.#records = records
  }

  of(id: string): MerchantAccount | undefined {
    return this.#accounts?.find(one => one.id === id)
  }

  /** What is decided by merchant and order alone. */
  refuse({ merchant, order: asked, amount, type }: Sold): Refused | undefined {
    const account = this.of(merchant.id)
    if (this.#accounts && !account) return { code: '03', reason: 'no such merchant' }
    if (account?.terminals && !account.terminals.includes(merchant.terminal))
      return { code: '58', reason: 'the merchant has no such terminal' }
    const order = this.#records.book.order(asked.number, merchant.id)
    if (order) this.#records.expire(order)
    return order && type !== 'refund' && type !== 'check' ? alreadyHad(order, amount) : undefined
  }

  /** A refund by card of an order gives back at most what is charged for it at that moment, to a card that has paid it. */
  refuseRefund({ order, operation: { linked, amount, card } }: Found, merchant: string): Refused | undefined {
    if (!linked) return undefined
    const { charged } = standing(order)
    if (amount > charged) return { code: '13', reason: `${charged} minor units are charged` }
    const cards = payments(order).map(payment => payment.card)
    const other = card !== undefined && cards.every(one => one !== undefined && one !== card)
    return other && this.of(merchant)?.refundsTo !== 'anyCard' ? { code: '12', reason: 'the order was paid with another card' } : undefined
  }

  /** Without a rule of this host's a payment may be raised, and is charged for no more than is held. */
  allowed(id: string): (payment: Operation) => Allowed {
    const estimates = this.of(id)?.estimates
    return ({ scheme }) => (estimates ? allowedOf(scheme, estimates) : { increments: true, over: 0 })
  }
}

/** A second attempt at an order, in the cases of the mPOS guide (seed 002). */
function alreadyHad(order: BookedOrder, amount: bigint): Refused | undefined {
  switch (order.state) {
    case 'In Process':
      return order.operations.some(({ state, gives }) => state === 'In Process' && !gives)
        ? { code: '09', reason: 'the order is still being processed' }
        : undefined
    case 'Timeout':
      return { code: '12', reason: 'the order was closed' }
    case 'PartialApproved':
      if (amount <= order.amount - standing(order).paid) return undefined
      return { code: '94', reason: 'the order is already paid' }
    case 'Canceled':
      return payments(order).length > 0 ? { code: '12', reason: 'the order was cancelled' } : undefined
    case 'Declined':
      return undefined
    default:
      return { code: '94', reason: 'the order is already paid' }
  }
}
