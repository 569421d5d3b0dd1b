/** What the acquirer does with a question: its book, the rules of the day, risk, the issuer's verdict, and what an observer may see of it. */

import { type Clock, systemClock } from '../../../src/clock.ts'
import type { AuthorisationMessage, CashSale, HostAnswer, HostOrder, OrderChange, Sale, SbpCode } from '../../../src/payment/acquirer.ts'
import type { BonusOptions } from '../bonus.ts'
import { type Book, hostOrder, payments } from '../book.ts'
import type { Operation } from '../booked.ts'
import { type ChangeKind, change } from '../changes.ts'
import type { HostEvent } from '../events.ts'
import { Issuer, type IssuerOptions } from '../issuer/issuer.ts'
import { type RiskRule, riskBook } from '../issuer/risk.ts'
import { type RulesOf, withMagic } from '../magic.ts'
import { type HostRule, ruleBook } from '../rules.ts'
import type { Store } from '../store.ts'
import { advise, authorise, type CardAsked, type CardDesk } from './cards.ts'
import { type Attend, DeskLine, type Turn } from './line.ts'
import { type MerchantAccount, Merchants } from './merchants.ts'
import { Records } from './records.ts'
import { Refusal, type Reply } from './reply.ts'
import { payQr, registerCash, requestQr } from './sales.ts'
import { reverse } from './undo.ts'

/** The acquirer's business, whatever its line. */
export interface DeskOptions extends IssuerOptions {
  /** How the host misbehaves; not at all when left out. */
  readonly rules?: readonly HostRule[]
  /** The last two digits of a payment's minor units say what the host answers, where no rule does: 1.05 is declined with 05. Not when left out. */
  readonly magicAmounts?: boolean
  /** What the host refuses before it asks the card's bank; nothing when left out. */
  readonly risk?: readonly RiskRule[]
  /** Who may be paid here; everybody, in one stage, when left out. */
  readonly merchants?: readonly MerchantAccount[]
  /** Points that pay, and that payments bring; none when left out. */
  readonly bonus?: BonusOptions
  /** Milliseconds that a payment may be in process before its order is closed; 15 minutes when left out. */
  readonly orderTime?: number
  /** Unpredictable bytes, which its numbers and codes are made of; the system's when left out. */
  readonly random?: (length: number) => Uint8Array
  /** What its times are read from; the system's when left out. */
  readonly clock?: Clock
  /** Hears what the host sees, with PANs masked and PINs left out. */
  readonly onEvent?: (event: HostEvent) => void
}

const ORDER_TIME = 15 * 60_000

export class Desk {
  readonly book: Book
  readonly issuer: Issuer
  readonly #cards: CardDesk
  readonly #records: Records
  readonly #merchants: Merchants
  readonly #line: DeskLine
  readonly #clock: Clock
  /** Payments until this moment have been settled by hand. */
  #settled = 0

  constructor(options: DeskOptions, store: Store) {
    const {
      rules = [],
      magicAmounts = false,
      risk = [],
      merchants,
      bonus,
      orderTime = ORDER_TIME,
      clock = systemClock,
      onEvent = () => {},
      random: _,
      ...issuer
    } = options
    this.book = store.book
    this.issuer = new Issuer(issuer, this.book.names)
    this.#clock = clock
    const records = new Records({ store, issuer: this.issuer, clock, orderTime, hear: onEvent })
    this.#records = records
    this.#merchants = new Merchants(merchants, records)
    this.#line = new DeskLine(records, this.#rulesOf(rules, magicAmounts), clock)
    this.#cards = { records, merchants: this.#merchants, risk: riskBook(risk, this.book.names), bonus }
  }

  #rulesOf(rules: readonly HostRule[], magicAmounts: boolean): RulesOf {
    const book = ruleBook(rules)
    return magicAmounts ? withMagic(book, () => this.#clock.now()) : book
  }

  /** Other rules from the next question on, none of them spent. @throws Fault `bad-config` */
  obey(rules: readonly HostRule[], magicAmounts = false): void {
    this.#line.rules = this.#rulesOf(rules, magicAmounts)
  }

  /** Somebody hears of each new question, and may answer it by hand; nobody, when left out. */
  attended(attend?: Attend): void {
    this.#line.attend = attend
  }

  /** Lets go of answers that are being delayed. */
  stop(): void {
    this.#line.stop()
    this.#records.close()
  }

  /** An observer hears what was not taken. @param status as of HTTP */
  refused(status: number, why: string): void {
    this.#records.hear({ type: 'refused', status, why })
  }

  /** Sends the financial transactions to the processing centre, as midnight does: what was charged until now is refunded from here on, not reversed. */
  settle(): void {
    this.#settled = this.#clock.now()
  }

  /** @param given a retrieval reference number that the terminal has made. @throws Refusal 409 when the key belongs to another payment */
  async authorise(message: AuthorisationMessage, given: { readonly rrn?: string } = {}): Promise<Reply<HostAnswer>> {
    return this.#ofCard('authorisation', message, given.rrn, (asked, turn) => authorise(this.#cards, asked, turn))
  }

  /** @throws Refusal 409 when the key belongs to another payment */
  async advise(message: AuthorisationMessage, given: { readonly rrn?: string } = {}): Promise<Reply<HostAnswer>> {
    return this.#ofCard('advice', message, given.rrn, (asked, turn) => advise(this.#cards, asked, turn))
  }

  #ofCard(
    on: 'authorisation' | 'advice',
    message: AuthorisationMessage,
    rrn: string | undefined,
    work: (asked: CardAsked, turn: Turn) => Promise<HostAnswer>,
  ): Promise<Reply<HostAnswer>> {
    const pan = this.issuer.panOf(message)
    const { key, amount, interface: through, order } = message
    const cvm = this.issuer.cvmOf(message)
    const facts = { on, amount, pan, interface: through, cvm, order: order.number }
    return this.#line.answer(key, facts, message, turn => work({ message, pan, rrn }, turn))
  }

  /** A cash sale that has taken place. @throws Refusal 409 when the key belongs to another payment */
  async registerCash(sale: CashSale): Promise<Reply<HostAnswer>> {
    const { key, amount, order } = sale
    return this.#line.answer(key, { on: 'cash', amount, order: order.number }, sale, turn => registerCash(this.#cards, sale, turn))
  }

  /** Opens an SBP payment. @throws Refusal 409 when the key belongs to another payment */
  async requestQr(sale: Sale): Promise<Reply<SbpCode>> {
    const { key, amount, order } = sale
    return this.#line.answer(key, { on: 'qr', amount, order: order.number }, sale, turn => requestQr(this.#cards, sale, turn))
  }

  /** The customer's bank pays a code. @throws Refusal 404 for a code that is none of this host's, 409 where it cannot be paid (any more) */
  payQr(payload: string): HostAnswer {
    return payQr(this.#records, payload)
  }

  /** @throws Refusal 404 for an order that is none, 409 when the key belongs to another change */
  async change(kind: ChangeKind, asked: OrderChange): Promise<Reply<HostAnswer>> {
    const { key, number, merchant, amount } = asked
    return this.#line.answer(key, { on: kind, order: number, ...(amount !== undefined && { amount }) }, asked, turn =>
      this.#line.inTurn([merchant.id, number], () => this.#changed(kind, asked, turn)),
    )
  }

  async #changed(kind: ChangeKind, asked: OrderChange, { rules, wait }: Turn): Promise<HostAnswer> {
    const { key, number, merchant } = asked
    const [records, { book, issuer }] = [this.#records, this]
    await wait()
    const repeated = records.repeated(key, asked)
    if (repeated) return records.named(key, repeated)
    const order = book.order(number, merchant.id)
    if (!order) {
      const declined = { state: 'declined', reason: 'no such order', response: { type: 'declined', code: '25' } } as const
      return records.named(key, declined, { order: number })
    }
    records.expire(order)
    const { now } = records
    const isSettled = ({ at }: Operation) => +at <= this.#settled || !sameDay(at, now)
    const place = { book, issuer, now, isSettled, allowed: this.#merchants.allowed(merchant.id) }
    const answer = change(place, kind, order, asked, rules)
    records.keep({ order, keys: [key] }, ...payments(order).map(({ account }) => account))
    const { operation } = book.find(key)!
    const how = operation.transactions.map(one => one.kind).join(' + ')
    const facts = { key, order: number, amount: operation.amount, currency: order.currency.alpha, how, state: order.state }
    records.hear({ type: kind, ...facts, code: answer.response?.code ?? '', reason: answer.reason ?? 'approved' })
    return records.named(key, answer)
  }

  /** What became of the payment with this key. */
  async status(key: string): Promise<Reply<HostAnswer>> {
    const records = this.#records
    return this.#line.answer(key, { on: 'status', ...records.factsOf(key) }, { key }, async ({ wait }) => {
      await wait()
      const found = this.book.find(key)
      if (found) records.expire(found.order)
      const answer = found
        ? { ...found.transaction.answer, orderState: found.order.state }
        : { state: this.book.isVoided(key) ? ('reversed' as const) : ('unknown' as const) }
      records.hear({ type: 'status', key, state: answer.state })
      return records.named(key, answer)
    })
  }

  /** @throws Refusal 404 */
  async order(number: string, merchant: string | undefined): Promise<Reply<HostOrder>> {
    return this.#line.answer(number, { on: 'order', order: number }, { order: number }, async ({ wait }) => {
      await wait()
      const order = this.book.order(number, merchant)
      if (order) this.#records.expire(order)
      this.#records.hear({ type: 'order', order: number, state: order?.state ?? 'unknown' })
      if (!order) throw new Refusal(404, 'no such order')
      return hostOrder(order)
    })
  }

  /** Undoes a payment, whether its answer was heard or not. @throws Refusal 409 for a key that belongs to no payment */
  async reverse(key: string, why: string): Promise<Reply<HostAnswer>> {
    return this.#line.answer(key, { on: 'reversal', ...this.#records.factsOf(key) }, { key, why }, turn =>
      reverse(this.#records, key, why, turn),
    )
  }
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString()
}
