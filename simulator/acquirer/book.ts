/** The acquirer's book: orders, their operations and transactions (seed 001), found by merchant and number and by idempotency key. */

import { randomInt } from 'node:crypto'
import type {
  AnswerSubject,
  AuthorisationMessage,
  HostAnswer,
  HostOperation,
  HostOrder,
  HostTransaction,
  OrderState,
} from '../../src/payment/acquirer.ts'
import type { BookedOrder, Operation, Transaction } from './booked.ts'
import { fiscalFacts, fiscalMark } from './fiscal.ts'
import { type Names, names } from './names.ts'

/** Money of an order, minor units. */
export interface Standing {
  /** By payments that stand. */
  readonly paid: bigint
  readonly held: bigint
  readonly charged: bigint
  readonly cancelled: bigint
}

/** Payments that stand: approved, and not undone as a whole. A refund by card is none. */
export function payments({ operations }: BookedOrder): Operation[] {
  return operations.filter(({ type, state, gives }) => (type === 'payment' || type === 'bonusPayment') && state === 'Approved' && !gives)
}

/** What became of one payment's money, minor units. */
export interface Share {
  held: bigint
  charged: bigint
  /** Let go or given back. */
  back: bigint
}

/**
 * Every payment of the order that was ever approved with what is left of it, by its operations in their order: a confirmation and a cancellation take from the oldest
 * payment first, a payment that was undone as a whole has nothing any more. Nothing in it goes below zero.
 */
export function ledger(order: BookedOrder): ReadonlyMap<Operation, Share> {
  const shares = new Map<Operation, Share>()
  const take = (from: 'held' | 'charged', to: 'charged' | 'back', amount: bigint) => {
    let due = amount
    for (const share of moneyFirst(shares)) {
      const part = least(due, share[from])
      share[from] -= part
      share[to] += part
      due -= part
    }
  }
  for (const operation of order.operations) {
    const { type, state, amount, hold, gives, fromHeld = 0n } = operation
    if ((type === 'payment' || type === 'bonusPayment') && (state === 'Approved' || wasUndone(operation))) {
      if (!gives) shares.set(operation, { held: hold ? amount : 0n, charged: hold ? 0n : amount, back: 0n })
      else if (state === 'Approved' && operation.linked) take('charged', 'back', amount)
    } else if (state !== 'Approved') continue
    else if (type === 'increment') raised(shares, operation, 'held', amount)
    else if (type === 'confirmation') {
      const { over = 0n } = operation
      take('held', 'charged', amount - over)
      raised(shares, operation, 'charged', over)
    } else if (type === 'cancellation' && operation.undoes) {
      for (const [payment, share] of shares) if (undoes(operation, payment)) Object.assign(share, { held: 0n, charged: 0n })
    } else if (type === 'cancellation') {
      take('held', 'back', fromHeld)
      take('charged', 'back', amount - fromHeld)
    }
  }
  return shares
}

function raised(shares: ReadonlyMap<Operation, Share>, { raises }: Operation, what: 'held' | 'charged', amount: bigint): void {
  for (const [{ transactions }, share] of shares) if (transactions[0].key === raises) share[what] += amount
}

/** Points come after all money. */
function moneyFirst(shares: ReadonlyMap<Operation, Share>): readonly Share[] {
  const of = (type: Operation['type']) => [...shares].filter(([payment]) => payment.type === type).map(([, share]) => share)
  return [...of('payment'), ...of('bonusPayment')]
}

/** Approved, and undone since. */
function wasUndone({ type, state, transactions: [first] }: Operation): boolean {
  return state === 'Canceled' && (type === 'bonusPayment' || first.answer.response?.type === 'approved')
}

/** The key of a reversal names the payment's. */
export function undoKey(key: string): string {
  return `${key}/reversal`.slice(-64)
}

function undoes({ transactions: [undoing] }: Operation, { transactions: [payment] }: Operation): boolean {
  return undoing.key === undoKey(payment.key) || (payment.kind === 'bonus' && payment.key === bonusKey(undone(undoing.key), 'spent'))
}

function undone(key: string): string {
  return key.replace(/\/reversal$/, '')
}

export function bonusKey(key: string, what: 'spent' | 'award'): string {
  return `${key}/${what}`.slice(-64)
}

export function standing(order: BookedOrder): Standing {
  const sum = (amounts: Iterable<bigint>) => [...amounts].reduce((total, amount) => total + amount, 0n)
  const shares = [...ledger(order).values()]
  const cancellations = order.operations.filter(
    ({ type, state, undoes, linked }) => state === 'Approved' && ((type === 'cancellation' && !undoes) || linked === true),
  )
  return {
    paid: sum([...payments(order).map(({ amount }) => amount), ...raises(order)]),
    held: sum(shares.map(({ held }) => held)),
    charged: sum(shares.map(({ charged }) => charged)),
    cancelled: sum(cancellations.map(({ amount }) => amount)),
  }
}

/** What payments that stand were raised by. */
function raises(order: BookedOrder): readonly bigint[] {
  const live = new Set(payments(order).map(({ transactions }) => transactions[0].key))
  return order.operations
    .filter(({ state, raises }) => state === 'Approved' && raises !== undefined && live.has(raises))
    .map(({ type, amount, over = 0n }) => (type === 'increment' ? amount : over))
}

function stateOf(order: BookedOrder): OrderState {
  const live = payments(order)
  if (live.length === 0) {
    const last = order.operations.filter(({ type, gives }) => type === 'payment' && !gives).at(-1)?.state ?? 'In Process'
    return last === 'Approved' ? 'In Process' : last
  }
  const { paid, held, charged } = standing(order)
  const shares = ledger(order)
  const back = live.reduce((total, payment) => total + shares.get(payment)!.back, 0n)
  if (back > 0n) return held + charged > 0n ? 'PartialCanceled' : 'Canceled'
  if (held > 0n) return charged > 0n ? 'PartialDelayed' : 'Delayed'
  return paid < order.amount ? 'PartialApproved' : 'Approved'
}

/** Where a key leads to. */
export interface Found {
  readonly order: BookedOrder
  readonly operation: Operation
  readonly transaction: Transaction
}

export class Book {
  readonly #orders = new Map<string, BookedOrder>()
  readonly #byKey = new Map<string, Found>()
  readonly #prints = new Map<string, string>()
  /** Keys that were reversed before their payment arrived: it must not be charged when it does. */
  readonly #voided = new Set<string>()
  #count: number
  /** Fiscal documents so far. */
  #documents = 0

  readonly names: Names
  readonly #draw: (below: number) => number

  constructor(known: Names = names(), count?: number, draw: (below: number) => number = randomInt) {
    this.names = known
    this.#draw = draw
    this.#count = count ?? 1 + draw(900_000)
  }

  /** How many numbers were given out. */
  get count(): number {
    return this.#count
  }

  get orders(): readonly BookedOrder[] {
    return [...this.#orders.values()]
  }

  /** Without a merchant: the only one that has an order of this number. */
  order(number: string, merchant?: string): BookedOrder | undefined {
    if (merchant !== undefined) return this.#orders.get(JSON.stringify([merchant, number]))
    const same = this.orders.filter(order => order.number === number)
    return same.length === 1 ? same[0] : undefined
  }

  find(key: string): Found | undefined {
    return this.#byKey.get(key)
  }

  /** What came with `key`, as a fingerprint. */
  print(key: string): string | undefined {
    return this.#prints.get(key)
  }

  isVoided(key: string): boolean {
    return this.#voided.has(key)
  }

  void(key: string): void {
    this.#voided.add(key)
  }

  /** Puts an order into the book as it was kept elsewhere. */
  restore(order: BookedOrder, prints: Readonly<Record<string, string>>): void {
    this.#orders.set(JSON.stringify([order.merchant, order.number]), order)
    for (const { fiscal } of order.operations) this.#documents = Math.max(this.#documents, fiscal?.document ?? 0)
    for (const operation of order.operations)
      for (const transaction of operation.transactions) this.#byKey.set(transaction.key, { order, operation, transaction })
    for (const [key, print] of Object.entries(prints)) this.#prints.set(key, print)
  }

  /** Opens the order when it is new, a payment operation in it, and the transaction of `message`. */
  begin(
    message: Pick<AuthorisationMessage, 'order' | 'merchant' | 'amount' | 'currency' | 'key'>,
    kind: 'authorisation' | 'advice' | 'cash' | 'sbp',
    facts: Pick<Operation, 'at' | 'card' | 'hold' | 'gives' | 'linked' | 'scheme'> & { pan?: string },
  ): Found {
    const { order: asked, merchant, amount, currency, key } = message
    let order = this.order(asked.number, merchant.id)
    if (!order) {
      const billNumber = this.#number()
      order = {
        merchant: merchant.id,
        number: asked.number,
        billNumber,
        amount: asked.amount,
        currency,
        operations: [],
        state: 'In Process',
      }
      this.#orders.set(JSON.stringify([merchant.id, asked.number]), order)
    }
    // Who could not pay may pay less, or leave no tip.
    if (!facts.gives && order.operations.every(({ state, gives }) => gives || state === 'Declined')) {
      const { items, parts } = asked
      delete order.items
      delete order.parts
      Object.assign(order, { amount: asked.amount, ...(items && { items }), ...(parts && { parts }) })
    }
    const { pan, ...rest } = facts
    this.#prints.set(key, this.names.message(message))
    return this.add(order, { type: 'payment', state: 'In Process', amount, terminal: merchant.terminal, ...rest }, [
      { key, kind, amount, ...(pan && { pan }) },
    ])
  }

  /** Adds an operation with its transactions; gives the first. */
  add(
    order: BookedOrder,
    operation: Omit<Operation, 'transactions'>,
    transactions: readonly Pick<Transaction, 'key' | 'kind' | 'amount' | 'pan'>[],
    print?: string,
  ): Found {
    const added: Operation = {
      ...operation,
      transactions: transactions.map(one => {
        const number = this.#number()
        return { ...one, number, answer: { state: 'inProcess', billNumber: order.billNumber, transaction: number } }
      }),
    }
    order.operations.push(added)
    const [first] = added.transactions
    const found = { order, operation: added, transaction: first }
    this.#byKey.set(first.key, found)
    if (print) this.#prints.set(first.key, print)
    this.stand(order)
    return found
  }

  /** The host has decided. */
  finish({ order, operation, transaction }: Found, answer: Omit<HostAnswer, 'billNumber' | 'transaction' | 'orderState'>): HostAnswer {
    operation.state = answer.state === 'approved' ? 'Approved' : 'Declined'
    // What was decided while the host took its time with this one came before it.
    order.operations.push(...order.operations.splice(order.operations.indexOf(operation), 1))
    const document = answer.state === 'approved' ? fiscalFacts(order, operation) : undefined
    if (document) operation.fiscal = fiscalMark(document, ++this.#documents)
    this.stand(order)
    for (const one of operation.transactions)
      one.answer = { ...answer, billNumber: order.billNumber, transaction: one.number, orderState: order.state }
    return transaction.answer
  }

  /** Brings the order's state up to its operations. */
  stand(order: BookedOrder): void {
    order.state = stateOf(order)
  }

  /** 16 digits, unique in this book. */
  #number(): string {
    this.#count += 1
    return `56354592${String(this.#count).padStart(8, '0')}`
  }

  /** Retrieval reference number, 12 digits: last digit of the year, day of the year, hour, count (ISO 8583, field 37 by custom). */
  rrn(at: Date): string {
    const day = Math.floor((Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) - Date.UTC(at.getFullYear(), 0, 0)) / 86_400_000)
    const count = (this.#count += 1) % 1_000_000
    return `${at.getFullYear() % 10}${String(day).padStart(3, '0')}${String(at.getHours()).padStart(2, '0')}${String(count).padStart(6, '0')}`
  }

  /** Authorisation code, 6 characters. */
  authorisationCode(): string {
    return `X${String(this.#draw(100_000)).padStart(5, '0')}`
  }
}

/** What the answer to `key` is about. Of a payment: the amount that was asked for; of a change: what it came to. */
export function subjectOf({ order, operation, transaction }: Found): AnswerSubject {
  const amount = operation.type === 'payment' ? transaction.amount : operation.amount
  return { key: transaction.key, order: order.number, amount, currency: order.currency.alpha }
}

/** The smaller of two amounts. */
export function least(one: bigint, other: bigint): bigint {
  return other < one ? other : one
}

/** An order as the interface shows it. */
export function hostOrder(order: BookedOrder): HostOrder {
  const { number, billNumber, state, amount, parts, currency, operations } = order
  const { held, charged, cancelled } = standing(order)
  const shown = operations.map(({ type, state, amount, at, items, transactions }): HostOperation => {
    const list = transactions.map(({ number, key, kind, amount, pan, answer, reversed }): HostTransaction => {
      const { code, rrn } = answer.response ?? {}
      return {
        number,
        key,
        kind,
        amount,
        state: answer.state,
        ...(code && { code }),
        ...(rrn && { rrn }),
        ...(pan && { pan }),
        ...(reversed && { reversed: reversed.why }),
      }
    })
    return { type, state, amount, at, ...(items && { items }), transactions: list }
  })
  const fiscal = operations.flatMap(one => (one.fiscal ? [one.fiscal] : []))
  return { number, billNumber, state, amount, ...(parts && { parts }), currency, held, charged, cancelled, operations: shown, fiscal }
}
