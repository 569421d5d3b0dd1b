/** The acquirer's cash register: which operations make a fiscal document, and its marks. A simulated register: its numbers are of test equipment. */

import { createHash } from 'node:crypto'
import type { FiscalMark, HostOperation } from '../../src/payment/acquirer.ts'

/** What the register looks at of an operation of the book. Minor units. */
interface Booked extends Pick<HostOperation, 'type' | 'state' | 'at' | 'amount' | 'items'> {
  readonly hold?: boolean
  readonly gives?: boolean
  readonly fromHeld?: bigint
  readonly undoes?: unknown
  readonly fiscal?: FiscalMark
}

type Document = Pick<FiscalMark, 'kind' | 'at' | 'amount' | 'items'>

/** Test equipment: serial numbers of the Russian tax service's test environment begin with 9999 (fiscal drive). */
const register = {
  register: '00106700000000',
  registration: '0000000001000000',
  drive: '9999078900000001',
  operator: 'TEST OFD',
  internet: true,
} as const

/**
 * A sale when money is charged, a refund when charged money goes back; what is only held makes none (seed 000: at the payment of a one-stage order, at the
 * confirmation of a two-stage one). Bonus points are no money.
 */
export function fiscalFacts({ operations }: { readonly operations: readonly Booked[] }, operation: Booked): Document | undefined {
  const { type, at, amount, items, hold, gives, fromHeld = 0n, undoes } = operation
  const parts = items ? { items } : {}
  if (type === 'payment' && !hold) return { kind: gives ? 'refund' : 'sale', at, amount }
  if (type === 'confirmation') return { kind: 'sale', at, amount, ...parts }
  if (type !== 'cancellation') return undefined
  if (undoes) {
    const undone = operations.findLast(one => one.type === 'payment' && one.state === 'Canceled')
    return undone?.fiscal ? { kind: undone.fiscal.kind === 'sale' ? 'refund' : 'sale', at, amount } : undefined
  }
  return amount > fromHeld ? { kind: 'refund', at, amount: amount - fromHeld, ...(fromHeld === 0n && parts) } : undefined
}

/** `number`: of the document (FD). A shift has a hundred receipts. */
export function fiscalMark(document: Document, number: number): FiscalMark {
  const facts = `${register.drive} ${number} ${document.kind} ${document.amount}`
  const sign = (createHash('sha256').update(facts).digest().readUInt32BE() % 10_000_000_000).toString().padStart(10, '0')
  return { ...document, ...register, document: number, sign, shift: Math.ceil(number / 100), receipt: ((number - 1) % 100) + 1 }
}
