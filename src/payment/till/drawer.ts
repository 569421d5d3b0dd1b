/** The cash drawer as the till's book has it: what cash sales brought in, what went out as change of mind, as cashback and as withdrawals. */

import * as door from '../../door.ts'
import type { OrderRecord } from '../journal/journal.ts'
import { moneyOf } from '../journal/money.ts'
import * as rules from '../rules.ts'

/** Minor units of one currency. */
export interface Drawer {
  /** ISO 4217, three letters. */
  readonly currency: string
  /** Cash sales, less the change that was given. */
  readonly sales: bigint
  /** Given back of cash sales. */
  readonly refunds: bigint
  /** Handed out with card payments that stand. */
  readonly cashback: bigint
  /** Handed out for card payments of type cash that stand. */
  readonly withdrawals: bigint
  /** What is in the drawer more than before, or less. */
  readonly balance: bigint
}

/** By currency. Cash of a payment that was given back as a whole came back with it. */
export function drawerOf(orders: readonly OrderRecord[]): readonly Drawer[] {
  door.need('orders', orders, door.listOf(rules.recordRule))
  const drawers = new Map<string, Omit<Drawer, 'currency' | 'balance'>>()
  for (const order of orders) {
    const { alpha } = order.currency
    const cash = moneyOf({ ...order, entries: order.entries.filter(({ method }) => method === 'cash') })
    const card = order.entries.filter(({ kind, result, method }) => kind === 'payment' && result === 'approved' && method !== 'cash')
    const { paid, back } = moneyOf({ ...order, entries: order.entries.filter(({ method }) => method !== 'cash') })
    const stands = paid - back > 0n
    const sum = (type: string, of: (amount: bigint) => bigint) =>
      stands ? card.reduce((total, one) => total + (one.type === type ? of(one.amount) : 0n), 0n) : 0n
    const before = drawers.get(alpha) ?? { sales: 0n, refunds: 0n, cashback: 0n, withdrawals: 0n }
    drawers.set(alpha, {
      sales: before.sales + cash.paid,
      refunds: before.refunds + cash.back,
      cashback: before.cashback + sum('cashback', () => order.parts?.cashback ?? 0n),
      withdrawals: before.withdrawals + sum('cash', amount => amount),
    })
  }
  return [...drawers].map(([currency, one]) => ({ currency, ...one, balance: one.sales - one.refunds - one.cashback - one.withdrawals }))
}
