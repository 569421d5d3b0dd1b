/** The acquirer's book in memory: orders, their operations and transactions, found by order number and by idempotency key. */

import { randomInt } from 'node:crypto'
import type { AuthorisationMessage, HostAnswer } from '../../src/payment/acquirer.ts'

/** States of an order in the words of the payment system that the mPOS app talks to (seed 001). */
export type OrderState = 'In Process' | 'Approved' | 'Declined' | 'Canceled'

/** One message to the processing centre, and what came of it. */
export interface Transaction {
  readonly number: string
  readonly key: string
  readonly kind: 'authorisation' | 'advice'
  readonly message: AuthorisationMessage
  readonly pan: string | undefined
  answer: HostAnswer
  /** Why and when it was reversed. */
  reversed?: { readonly why: string; readonly at: Date }
}

/** What the merchant or the customer wanted: a payment, or its cancellation. */
export interface Operation {
  readonly type: 'payment' | 'cancellation'
  state: 'In Process' | 'Approved' | 'Declined'
  readonly transactions: Transaction[]
}

export interface BookedOrder {
  readonly number: string
  /** The host's own unique number of it. */
  readonly billNumber: string
  readonly operations: Operation[]
  state: OrderState
}

export class Book {
  readonly #orders = new Map<string, BookedOrder>()
  readonly #byKey = new Map<string, { order: BookedOrder; operation: Operation; transaction: Transaction }>()
  /** Keys that were reversed before their payment arrived: it must not be charged when it does. */
  readonly #voided = new Set<string>()
  #count = randomInt(1, 900_000)

  get orders(): readonly BookedOrder[] {
    return [...this.#orders.values()]
  }

  order(number: string): BookedOrder | undefined {
    return this.#orders.get(number)
  }

  find(key: string) {
    return this.#byKey.get(key)
  }

  isVoided(key: string): boolean {
    return this.#voided.has(key)
  }

  /** Opens the order when it is new, a payment operation in it, and the transaction of `message`. */
  begin(message: AuthorisationMessage, pan: string | undefined, kind: Transaction['kind']): Transaction {
    let order = this.#orders.get(message.order.number)
    if (!order) {
      order = { number: message.order.number, billNumber: this.#number(), operations: [], state: 'In Process' }
      this.#orders.set(order.number, order)
    }
    const number = this.#number()
    const answer: HostAnswer = { state: 'inProcess', billNumber: order.billNumber, transaction: number }
    const transaction: Transaction = { number, key: message.key, kind, message, pan, answer }
    const operation: Operation = { type: 'payment', state: 'In Process', transactions: [transaction] }
    order.operations.push(operation)
    if (order.state !== 'Approved') order.state = 'In Process'
    this.#byKey.set(message.key, { order, operation, transaction })
    return transaction
  }

  /** The host has decided. */
  finish(key: string, answer: Omit<HostAnswer, 'billNumber' | 'transaction'>): HostAnswer {
    const { order, operation, transaction } = this.#byKey.get(key)!
    transaction.answer = { ...answer, billNumber: order.billNumber, transaction: transaction.number }
    operation.state = answer.state === 'approved' ? 'Approved' : 'Declined'
    if (answer.state === 'approved') order.state = 'Approved'
    else if (order.state === 'In Process') order.state = 'Declined'
    return transaction.answer
  }

  /** Marks what `key` did as undone. Gives the transaction whose money is to be given back, if there is one. */
  reverse(key: string, why: string, at: Date): Transaction | undefined {
    this.#voided.add(key)
    const found = this.#byKey.get(key)
    if (!found || found.transaction.reversed) return undefined
    const { order, operation, transaction } = found
    const { state } = transaction.answer
    transaction.reversed = { why, at }
    if (state !== 'approved' && state !== 'inProcess') return undefined
    transaction.answer = { ...transaction.answer, state: 'reversed' }
    order.state = 'Canceled'
    if (state === 'inProcess') operation.state = 'Declined'
    else order.operations.push({ type: 'cancellation', state: 'Approved', transactions: [transaction] })
    return state === 'approved' ? transaction : undefined
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
    return `X${String(randomInt(0, 100_000)).padStart(5, '0')}`
  }
}
