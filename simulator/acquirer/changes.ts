/** Confirmations and cancellations of orders: how much may be, from which payment, and whether a cancellation is a reversal or a refund (seed 001). */

import { isFault } from '../../src/errors.ts'
import type { ChangeKind, HostAnswer, ItemPart, OrderChange } from '../../src/payment/acquirer.ts'
import { type Allowed, overOf } from '../../src/payment/estimates.ts'
import { priceParts } from '../../src/payment/order.ts'
import { cancelAward } from './bonus.ts'
import { type Book, least, ledger, payments, standing } from './book.ts'
import type { BookedOrder, Operation } from './booked.ts'
import type { Issuer } from './issuer/issuer.ts'
import type { CheckedRule } from './rules.ts'

export type { ChangeKind } from '../../src/payment/acquirer.ts'

export interface Workplace {
  readonly book: Book
  readonly issuer: Issuer
  readonly now: Date
  /** Whether the financial transaction of a payment has gone to the processing centre: then it is refunded, not reversed. */
  isSettled(payment: Operation): boolean
  /** What the merchant's category may do with this payment. */
  allowed(payment: Operation): Allowed
}

class Refused extends Error {
  readonly code: string
  constructor(code: string, reason: string) {
    super(reason)
    this.code = code
  }
}

/** Carries the change out, or declines it; either is in the book. */
export function change(
  place: Workplace,
  kind: ChangeKind,
  order: BookedOrder,
  asked: OrderChange,
  rules: readonly CheckedRule[],
): HostAnswer {
  const { book, now } = place
  try {
    for (const one of rules) if (one.do === 'decline') throw new Refused(one.code, one.reason)
    if (payments(order).length === 0) throw new Refused('12', 'nothing is paid')
    if (kind === 'increment') return increment(place, order, asked)
    return kind === 'confirmation' ? confirm(place, order, asked) : cancel(place, order, asked)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { code, message: reason } = error
    const amount = asked.amount ?? 0n
    const transaction = {
      key: asked.key,
      kind: ({ increment: 'authorisation', confirmation: 'capture', cancellation: 'refund' } as const)[kind],
      amount,
    } as const
    const found = book.add(order, { type: kind, state: 'In Process', amount, at: now }, [transaction], book.names.message(asked))
    return book.finish(found, { state: 'declined', reason, response: { type: 'declined', code } })
  }
}

/** More is held on the same account; an account that has not as much says 51. */
function increment({ book, issuer, now, allowed }: Workplace, order: BookedOrder, asked: OrderChange): HostAnswer {
  const { key, amount = 0n } = asked
  const { held, charged } = standing(order)
  const payment = payments(order).find(({ hold, type }) => hold && type === 'payment')
  if (!payment || held === 0n || charged > 0n) throw new Refused('12', 'nothing is held that can be raised')
  if (amount <= 0n) throw new Refused('13', 'nothing is to be held')
  if (!allowed(payment).increments) throw new Refused('57', 'this merchant raises no payments of this payment system')
  if (issuer.balanceOf(payment.account) < amount) throw new Refused('51', 'not enough money on the account')
  issuer.move(payment.account, -amount)
  const operation = { type: 'increment', state: 'In Process', amount, at: now, raises: payment.transactions[0].key } as const
  const found = book.add(order, operation, [{ key, kind: 'authorisation', amount }], book.names.message(asked))
  return book.finish(found, approved(book, now))
}

function confirm({ book, issuer, now, allowed }: Workplace, order: BookedOrder, asked: OrderChange): HostAnswer {
  const { held } = standing(order)
  if (held === 0n) throw new Refused('12', 'nothing is held')
  const payment = payments(order).find(({ hold, type }) => hold && type === 'payment')
  const most = payment && asked.amount !== undefined ? held + overOf(held, allowed(payment)) : held
  const { amount, items } = sizeOf('confirmation', order, asked, most)
  const over = amount - least(amount, held)
  // Within its payment system's rule the bank pays it, whatever is on the account.
  if (over > 0n) issuer.move(payment!.account, -over)
  const more = { ...(items && { items }), ...(over > 0n && { over, raises: payment!.transactions[0].key }) }
  const operation = { type: 'confirmation', state: 'In Process', amount, at: now, ...more } as const
  const rest = asked.final ? held - (amount - over) : 0n
  const found = book.add(order, operation, [{ key: asked.key, kind: 'capture', amount }], book.names.message(asked))
  if (rest === 0n) return book.finish(found, approved(book, now))
  book.finish(found, approved(book, now))
  const before = ledger(order)
  const free = { type: 'cancellation', state: 'In Process', amount: rest, at: now, fromHeld: rest } as const
  book.finish(book.add(order, free, [{ key: `${asked.key}/rest`.slice(-64), kind: 'reversal', amount: rest }]), approved(book, now))
  for (const [one, { back }] of ledger(order)) {
    const part = back - (before.get(one)?.back ?? 0n)
    if (one.type === 'payment') issuer.move(one.account, part)
    else issuer.movePoints(one.account, part)
  }
  found.transaction.answer = { ...found.transaction.answer, orderState: order.state }
  return found.transaction.answer
}

function cancel({ book, issuer, now, isSettled }: Workplace, order: BookedOrder, asked: OrderChange): HostAnswer {
  const { held, charged, cancelled, paid } = standing(order)
  const most = asked.of === 'held' ? held : asked.of === 'charged' ? charged : held + charged
  const { amount, items } = sizeOf('cancellation', order, asked, most)
  const fromHeld = asked.of === 'charged' ? 0n : least(amount, held)
  const fromCharged = amount - fromHeld
  // What was charged and has gone to the processing centre cannot be taken out of it any more: money goes back by a transaction of its own.
  const kind = payments(order).some(isSettled) ? ('refund' as const) : ('reversal' as const)
  const transactions = [
    ...(fromHeld > 0n ? [{ kind: 'reversal' as const, amount: fromHeld }] : []),
    ...(fromCharged > 0n ? [{ kind, amount: fromCharged }] : []),
  ].map((one, index) => ({ ...one, key: index === 0 ? asked.key : `${asked.key}/${index}`.slice(-64) }))
  const operation = { type: 'cancellation', state: 'In Process', amount, at: now, fromHeld, ...(items && { items }) } as const
  const before = ledger(order)
  const found = book.add(order, operation, transactions, book.names.message(asked))
  const answer = book.finish(found, approved(book, now))
  for (const [payment, { back }] of ledger(order)) {
    const part = back - (before.get(payment)?.back ?? 0n)
    if (payment.type === 'payment') issuer.move(payment.account, part)
    else issuer.movePoints(payment.account, part)
  }
  cancelAward(book, issuer, order, asked.key, now, cancelled + amount, paid)
  return answer
}

function sizeOf(kind: ChangeKind, order: BookedOrder, asked: OrderChange, most: bigint): { amount: bigint; items?: readonly ItemPart[] } {
  const { amount: plain, items: named } = asked
  if (plain !== undefined && named) throw new Refused('13', 'an amount or items, not both')
  const { amount, items } = named ? priced(kind, order, named) : { amount: plain ?? most, items: undefined }
  if (amount <= 0n) throw new Refused('13', 'nothing is left')
  if (amount > most) throw new Refused('13', `${most} minor units are left`)
  return { amount, ...(items && { items }) }
}

function priced(kind: ChangeKind, order: BookedOrder, named: readonly ItemPart[]): { amount: bigint; items: readonly ItemPart[] } {
  if (!order.items) throw new Refused('12', 'the order has no items')
  const taken = new Map<string, bigint>()
  for (const { type, state, items = [] } of order.operations)
    if (type === kind && state === 'Approved') for (const { id, quantity = 0n } of items) taken.set(id, (taken.get(id) ?? 0n) + quantity)
  try {
    const { amount, parts } = priceParts(order.items, named, taken)
    return { amount, items: parts }
  } catch (error) {
    throw isFault(error, 'bad-argument') ? new Refused('13', error.message) : error
  }
}

function approved(book: Book, now: Date) {
  const response = { type: 'approved', code: '00', rrn: book.rrn(now), authorisationCode: book.authorisationCode() } as const
  return { state: 'approved', response } as const
}
