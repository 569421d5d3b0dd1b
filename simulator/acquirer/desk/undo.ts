/** Reversals: what a payment did is undone as a whole, whether its answer was heard or not. */

import type { HostAnswer } from '../../../src/payment/acquirer.ts'
import { undoBonus } from '../bonus.ts'
import { type Found, ledger, undoKey } from '../book.ts'
import type { Operation } from '../booked.ts'
import type { Turn } from './line.ts'
import type { Records } from './records.ts'
import { Refusal } from './reply.ts'

/** @param why the terminal's reason, for book and observer. @throws Refusal 409 for a key that belongs to no payment */
export async function reverse(records: Records, key: string, why: string, { wait }: Turn): Promise<HostAnswer> {
  await wait()
  const charged = undo(records, key, why)
  records.hear({ type: 'reversal', key, why, charged })
  const answer = records.book.find(key)?.transaction.answer
  return records.named(key, { ...answer, state: answer?.state === 'declined' ? 'declined' : 'reversed' })
}

/** Marks what `key` did as undone and gives its money back. True when there was money. */
function undo(records: Records, key: string, why: string): boolean {
  const { book } = records
  book.void(key)
  const found = book.find(key)
  if (found && found.operation.type !== 'payment') throw new Refusal(409, `key ${key} belongs to no payment`)
  if (!found || found.transaction.reversed) {
    records.keep({ voided: key })
    return false
  }
  const { order, operation, transaction } = found
  const { state } = transaction.answer
  const at = records.now
  transaction.reversed = { why, at }
  if (state === 'approved') giveBack(records, found, at)
  else if (state === 'inProcess') operation.state = 'Canceled'
  book.stand(order)
  if (state === 'approved' || state === 'inProcess')
    transaction.answer = { ...transaction.answer, state: 'reversed', orderState: order.state }
  records.keep({ order, voided: key }, operation.account)
  return state === 'approved'
}

/** What is left of the payment: what was cancelled before has gone back already. */
function giveBack({ book, issuer }: Records, { order, operation, transaction: { key } }: Found, at: Date): void {
  const shares = ledger(order)
  const leftOf = (payment: Operation) => {
    const { held = 0n, charged = 0n } = shares.get(payment) ?? {}
    return held + charged
  }
  const left = operation.gives ? operation.amount : leftOf(operation)
  issuer.move(operation.account, operation.gives ? -left : left)
  undoBonus(issuer, order, key, leftOf)
  operation.state = 'Canceled'
  const undoing = { type: 'cancellation', state: 'In Process', amount: left, at, undoes: true } as const
  book.finish(book.add(order, undoing, [{ key: undoKey(key), kind: 'reversal', amount: left }]), { state: 'approved' })
}
