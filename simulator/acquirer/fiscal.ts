/** The acquirer's cash register: which operations make a fiscal document, and its marks. A simulated register: its numbers are of test equipment. */

import { createHash } from 'node:crypto'
import type { FiscalMark, HostOperation, Order } from '../../src/payment/acquirer.ts'
import { fiscalAmount } from '../../src/payment/amount-parts.ts'

/** An order as the book has it. */
interface BookedOrder extends Pick<Order, 'amount' | 'parts'> {
  readonly operations: readonly Booked[]
}

/** What the register looks at of an operation of the book. Minor units. */
interface Booked extends Pick<HostOperation, 'type' | 'state' | 'at' | 'amount' | 'items'> {
  readonly hold?: boolean
  readonly gives?: boolean
  readonly linked?: boolean
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
 * confirmation of a two-stage one). Bonus points are no money, cash that is handed out is no settlement, and a tip is the waiter's: no document has them, and none
 * gives back more than there was sold.
 */
export function fiscalFacts(order: BookedOrder, operation: Booked): Document | undefined {
  const { operations } = order
  const { type, at, amount, items, hold, gives, linked, fromHeld = 0n, undoes } = operation
  const parts = items ? { items } : {}
  const sum = (some: readonly Booked[], of: (one: Booked) => bigint) => some.reduce((total, one) => total + of(one), 0n)
  // A refund that stands by itself gives nothing of this order back.
  const own = operations.filter(one => !(one.gives && !one.linked && one.state === 'Approved'))
  const made = (kind: Document['kind']) => sum(own, ({ fiscal }) => (fiscal?.kind === kind ? fiscal.amount : 0n))
  const sale = (paid: bigint): Document | undefined => {
    const before = own.filter(one => one !== operation && one.state === 'Approved' && charges(one))
    const left = order.amount - fiscalAmount(order) - sum(before, ({ amount, fiscal }) => amount - (fiscal?.amount ?? 0n))
    const sold = paid - (left > 0n ? least(left, paid) : 0n)
    return sold > 0n ? { kind: 'sale', at, amount: sold, ...parts } : undefined
  }
  const refund = (back: bigint, more: object = {}): Document | undefined => {
    const most = least(back, made('sale') - made('refund'))
    return most > 0n ? { kind: 'refund', at, amount: most, ...(most === back && more) } : undefined
  }
  if (type === 'payment' && !hold && !gives) return sale(amount)
  if (type === 'payment' && gives) return linked ? refund(amount) : amount > 0n ? { kind: 'refund', at, amount } : undefined
  if (type === 'confirmation') return sale(amount)
  if (type !== 'cancellation') return undefined
  if (undoes) {
    const undone = operations.findLast(one => one.type === 'payment' && one.state === 'Canceled')
    if (!undone?.fiscal) return undefined
    return undone.fiscal.kind === 'sale' ? refund(amount) : { kind: 'sale', at, amount: least(amount, undone.fiscal.amount) }
  }
  return amount > fromHeld ? refund(amount - fromHeld, fromHeld === 0n ? parts : {}) : undefined
}

function charges({ type, hold, gives }: Booked): boolean {
  return type === 'confirmation' || (type === 'payment' && !hold && !gives)
}

/** `number`: of the document (FD). A shift has a hundred receipts. */
export function fiscalMark(document: Document, number: number): FiscalMark {
  const facts = `${register.drive} ${number} ${document.kind} ${document.amount}`
  const sign = (createHash('sha256').update(facts).digest().readUInt32BE() % 10_000_000_000).toString().padStart(10, '0')
  return { ...document, ...register, document: number, sign, shift: Math.ceil(number / 100), receipt: ((number - 1) % 100) + 1 }
}

function least(one: bigint, other: bigint): bigint {
  return other < one ? other : one
}
