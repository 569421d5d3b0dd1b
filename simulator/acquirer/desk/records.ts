/** The desk's memory: book and accounts, on disk after each step; what was answered before, and orders that nobody has ended in time. */

import type { Clock } from '../../../src/clock.ts'
import type { AnswerSubject, HostAnswer } from '../../../src/payment/acquirer.ts'
import { type Book, subjectOf } from '../book.ts'
import type { BookedOrder } from '../booked.ts'
import type { HostEvent } from '../events.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { RuleFacts } from '../rules.ts'
import type { Changed, Store } from '../store.ts'
import { Refusal } from './reply.ts'

export interface RecordsOptions {
  readonly store: Store
  readonly issuer: Issuer
  readonly clock: Clock
  /** Milliseconds that a payment may be in process before its order is closed. */
  readonly orderTime: number
  readonly hear: (event: HostEvent) => void
}

export class Records {
  readonly book: Book
  readonly issuer: Issuer
  readonly orderTime: number
  readonly hear: (event: HostEvent) => void
  readonly #store: Store
  readonly #clock: Clock

  constructor({ store, issuer, clock, orderTime, hear }: RecordsOptions) {
    this.book = store.book
    this.issuer = issuer
    this.orderTime = orderTime
    this.hear = hear
    this.#store = store
    this.#clock = clock
    issuer.restore(store.accounts)
    issuer.restoreSerials(store.serials)
    // Nobody is left to decide what was in process when the host went down.
    for (const order of this.book.orders) this.expire(order, 'authorisation')
  }

  get now(): Date {
    return new Date(this.#clock.now())
  }

  close(): void {
    this.#store.close()
  }

  /** The answer with what it is about. */
  named(key: string, answer: HostAnswer, asked?: Pick<AnswerSubject, 'order'>): HostAnswer {
    const found = this.book.find(key)
    return { ...answer, about: found ? subjectOf(found) : { key, ...asked } }
  }

  /** The answer to a key that was seen before. @throws Refusal 409 when the same key comes with another message */
  repeated(key: string, message: object): HostAnswer | undefined {
    const known = this.book.find(key)
    const print = this.book.print(key)
    if (known && print !== undefined && print !== this.book.names.message(message))
      throw new Refusal(409, `key ${key} belongs to another payment`)
    if (known) this.expire(known.order)
    const answer = known?.transaction.answer ?? (this.book.isVoided(key) ? { state: 'reversed' as const } : undefined)
    if (answer) this.hear({ type: 'repeat', key, state: answer.state })
    return answer
  }

  /** Closes what was in process for too long; `kind`: what nobody can decide any more is closed at once. */
  expire(order: BookedOrder, kind?: 'authorisation'): void {
    const before = this.#clock.now() - this.orderTime
    const late = order.operations.filter(
      ({ state, at, transactions }) => state === 'In Process' && (+at < before || transactions.some(one => one.kind === kind)),
    )
    if (late.length === 0) return
    for (const operation of late) {
      // A code that has expired closes itself, not its order: the customer may pay another way.
      operation.state = operation.transactions[0].kind === 'sbp' ? 'Declined' : 'Timeout'
      this.book.stand(order)
      for (const one of operation.transactions)
        one.answer = {
          ...one.answer,
          state: 'declined',
          reason: 'the payment was not completed in time',
          orderState: order.state,
          response: { type: 'declined', code: '68' },
        }
    }
    this.keep({ order })
  }

  /** What a rule may know of the payment with this key. */
  factsOf(key: string): Pick<RuleFacts, 'order' | 'amount'> {
    const found = this.book.find(key)
    return found ? { order: found.order.number, amount: found.transaction.amount } : {}
  }

  /** On disk when this returns, with these accounts as they stand. */
  keep(changed: Changed, ...accounts: readonly (string | undefined)[]): void {
    const states = [...new Set(accounts)].map(id => this.issuer.state(id)).filter(state => state !== undefined)
    this.#store.save({ ...changed, accounts: states, serials: this.issuer.changedSerials() })
  }
}
