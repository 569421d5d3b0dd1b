/** Bonus points: the host pays part of an order with them, and gives new ones, by operations of its own (seed 001). */

import { type Book, bonusKey, type Found, least } from './book.ts'
import type { BookedOrder, Operation } from './booked.ts'
import type { Issuer } from './issuer/issuer.ts'

export interface BonusOptions {
  /** Cards of the programme: their numbers begin so; all when left out. */
  readonly pan?: string
  /** Percent of the money paid that comes back as points. */
  readonly award: number
  /** Percent of an order that points may pay; none when left out. */
  readonly spend?: number
}

const percent = (amount: bigint, of: number) => (amount * BigInt(Math.round(of * 100))) / 10_000n

/** After an approval. The account was charged in full: what points pay comes back. */
export function earnBonus(book: Book, issuer: Issuer, { order, operation, transaction }: Found, { spend = 0, award }: BonusOptions): void {
  const { account, at, hold, card } = operation
  const own = { at, ...(account && { account }), ...(card && { card }), ...(hold && { hold }) }
  const paid = least(issuer.points(account), percent(operation.amount, spend))
  if (paid > 0n) {
    operation.amount -= paid
    issuer.movePoints(account, -paid)
    issuer.move(account, paid)
    done(
      book,
      book.add(order, { type: 'bonusPayment', state: 'In Process', amount: paid, ...own }, [bonus(transaction.key, 'spent', paid)]),
    )
  }
  const earned = percent(operation.amount, award)
  if (earned <= 0n) return
  issuer.movePoints(account, earned)
  const { hold: _, ...plain } = own
  done(
    book,
    book.add(order, { type: 'bonusAward', state: 'In Process', amount: earned, ...plain }, [bonus(transaction.key, 'award', earned)]),
  )
}

/** After a cancellation of `cancelled` of `paid`: points that were given for it are taken back. `key`: of the cancellation. */
export function cancelAward(book: Book, issuer: Issuer, order: BookedOrder, key: string, at: Date, cancelled: bigint, paid: bigint): void {
  const sum = (type: Operation['type']) =>
    order.operations.filter(one => one.type === type && one.state === 'Approved').reduce((total, { amount }) => total + amount, 0n)
  const award = order.operations.find(({ type }) => type === 'bonusAward')
  const back = paid > 0n ? (sum('bonusAward') * cancelled) / paid - sum('bonusCancellation') : 0n
  if (!award || back <= 0n) return
  issuer.movePoints(award.account, -back)
  done(book, book.add(order, { type: 'bonusCancellation', state: 'In Process', amount: back, at }, [bonus(key, 'award', back)]))
}

/** When the payment with `key` is undone as a whole: points that paid for it come back, points that it brought go, less what went before. */
export function undoBonus(issuer: Issuer, order: BookedOrder, key: string, left: (payment: Operation) => bigint): void {
  const sum = (type: Operation['type']) =>
    order.operations.filter(one => one.type === type && one.state === 'Approved').reduce((total, { amount }) => total + amount, 0n)
  for (const operation of order.operations) {
    const [{ key: own }] = operation.transactions
    if (operation.state !== 'Approved') continue
    if (operation.type === 'bonusPayment' && own === bonusKey(key, 'spent')) issuer.movePoints(operation.account, left(operation))
    else if (operation.type === 'bonusAward' && own === bonusKey(key, 'award'))
      issuer.movePoints(operation.account, -(operation.amount - least(operation.amount, sum('bonusCancellation'))))
    else continue
    operation.state = 'Canceled'
  }
}

function bonus(key: string, what: 'spent' | 'award', amount: bigint) {
  return { key: bonusKey(key, what), kind: 'bonus' as const, amount }
}

function done(book: Book, found: Found): void {
  book.finish(found, { state: 'approved' })
}
