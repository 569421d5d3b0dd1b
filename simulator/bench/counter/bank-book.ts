/** The bank's book as text for the file of a counter: orders, accounts and what was seen, with cards by their ids, since the bank's own names of them end with it. */

import { Fault } from '../../../src/errors.ts'
import type { BookedOrder } from '../../acquirer/booked.ts'
import type { Desk } from '../../acquirer/desk/desk.ts'
import type { AccountState } from '../../acquirer/issuer/accounts.ts'
import { readBook, writeBook } from '../../acquirer/store.ts'
import type { BenchCard } from './card.ts'

interface Kept {
  readonly orders: readonly BookedOrder[]
  readonly accounts: readonly AccountState[]
}

/** Only accounts that were used. */
export function bookText(desk: Desk, cards: readonly BenchCard[]): string {
  const { book, issuer } = desk
  const accounts = issuer.states.filter(({ seen, pinFailures, points }) => seen.length > 0 || pinFailures > 0 || points > 0n)
  let text = writeBook({ orders: book.orders, accounts } satisfies Kept)
  for (const [name, id] of namesOf(desk, cards)) text = text.replaceAll(name, id)
  return text
}

/** @throws Fault `bad-config` */
export function restoreBook(desk: Desk, text: string, cards: readonly BenchCard[]): void {
  const { book, issuer } = desk
  let own = text
  for (const [name, id] of namesOf(desk, cards)) own = own.replaceAll(id, name)
  let kept: Kept
  try {
    kept = readBook(own) as Kept
    for (const order of kept.orders) book.restore(order, {})
  } catch (error) {
    throw new Fault('bad-config', 'bank.book is no book of a bank', { path: 'bank.book' }, { cause: error })
  }
  issuer.restore(kept.accounts)
}

/** What the book calls each card, and a word that no number of an order can be. */
function namesOf({ book }: Desk, cards: readonly BenchCard[]): readonly (readonly [string, string])[] {
  const pans = new Map<string, string>()
  for (const { id, plan } of cards)
    for (const [at, pan] of [plan.pan, ...plan.applications.flatMap(one => one.pan ?? [])].entries())
      if (!pans.has(pan)) pans.set(pan, `<card ${id}/${at}>`)
  return [...pans].map(([pan, id]) => [book.names.card(pan), id])
}
