/** A reader that is wrong, or is not the one it seems: what it says of a payment is not what was asked for, or not what the card has said. For whoever wants to see that an app does not believe it. */

import { fromHex, hex } from '../../src/bytes.ts'
import type { AuthorisationRequest, Terminal, Transaction } from '../../src/emv/terminal.ts'
import { luhn } from '../../src/magstripe/check-digit.ts'

/**
 * `amount`: the card pays 1.00 (2.00 where that is asked for); `date`: it pays 40 days ago; `pan`: the host is told of another card than the one whose records were read;
 * `approval`: the host is not asked, and said to have approved.
 */
export const lies = ['amount', 'date', 'pan', 'approval'] as const
export type Lie = (typeof lies)[number]

const DAYS = 40 * 24 * 3_600_000

/** What the kernel is given in place of what was asked for. */
export function lyingTransaction(lie: Lie | undefined, transaction: Transaction, now: number): Transaction {
  if (lie === 'amount') return { ...transaction, amount: transaction.amount === 100n ? 200n : 100n }
  if (lie === 'date') return { ...transaction, at: new Date(+(transaction.at ?? now) - DAYS) }
  return transaction
}

/** The question to the host, which is another one, or is not asked. */
export function lyingAuthorise(lie: Lie | undefined, authorise: Terminal['authorise']): Terminal['authorise'] {
  if (lie === 'approval') return async () => ({ type: 'approved', code: '00' })
  if (lie !== 'pan') return authorise
  return (request, waiting) => authorise({ ...request, tags: ofAnotherCard(request.tags) }, waiting)
}

/** The data of a card of the same issuer, whose number is another one. */
export function ofAnotherCard(tags: AuthorisationRequest['tags']): AuthorisationRequest['tags'] {
  const changed = new Map(tags)
  for (const tag of [0x5a, 0x57]) {
    const value = tags.get(tag)
    if (value) changed.set(tag, fromHex(hex(value).replace(/^\d+/, other)))
  }
  return changed
}

/** The last digit but one is another, and the check digit right again. */
function other(pan: string): string {
  const body = pan.slice(0, -2) + String((Number(pan.at(-2)) + 1) % 10)
  return [...'0123456789'].map(digit => body + digit).find(luhn)!
}
