/** What the acquirer does with a question: its book, the rules of the day, risk, the issuer's verdict, and what an observer may see of it. */

import { hex, uint } from '../../src/bytes.ts'
import { type Clock, sleep, systemClock } from '../../src/clock.ts'
import { maskPan } from '../../src/mask.ts'
import type {
  AnswerSubject,
  AuthorisationMessage,
  CashSale,
  HostAnswer,
  HostOrder,
  OrderChange,
  Sale,
  SbpCode,
} from '../../src/payment/acquirer.ts'
import { type Allowed, allowedOf, type Estimates } from '../../src/payment/estimates.ts'
import { approvingCodes } from '../../src/payment/host/agreement.ts'
import { schemeName } from '../../src/payment/receipt/scheme.ts'
import { type BonusOptions, cancelAward, earnBonus, undoBonus } from './bonus.ts'
import {
  type Book,
  type BookedOrder,
  type Found,
  hostOrder,
  ledger,
  type Operation,
  payments,
  standing,
  subjectOf,
  undoKey,
} from './book.ts'
import { type ChangeKind, change } from './changes.ts'
import type { HostEvent } from './events.ts'
import { Issuer, type IssuerOptions, type Verdict } from './issuer/issuer.ts'
import { type RiskRule, riskBook } from './issuer/risk.ts'
import { type CheckedRule, type HostRule, type RuleFacts, ruleBook } from './rules.ts'
import { sbpPayload, sbpReference } from './sbp.ts'
import type { Changed, Store } from './store.ts'

export interface MerchantAccount {
  /** Up to 15 characters. */
  readonly id: string
  /** 2: what is paid is held until it is confirmed. 1 when left out. */
  readonly stages?: 1 | 2
  /** What it sells, where amounts are estimated: how far its payments may be raised. */
  readonly estimates?: Estimates
  /** Its terminals; any when left out. */
  readonly terminals?: readonly string[]
}

export interface DeskOptions extends IssuerOptions {
  readonly rules?: readonly HostRule[]
  readonly risk?: readonly RiskRule[]
  /** Who may be paid here; everybody, in one stage, when left out. */
  readonly merchants?: readonly MerchantAccount[]
  readonly bonus?: BonusOptions
  /** Milliseconds that a payment may be in process before its order is closed; 15 minutes when left out. */
  readonly orderTime?: number
  readonly clock?: Clock
  /** Hears what the host sees, with PANs masked and PINs left out. */
  readonly onEvent?: (event: HostEvent) => void
}

/** What a rule does to the line instead of answering, or with the answer. `twice`: the answer goes out twice where the protocol has room for it. */
export type Line = 'drop' | 'garbage' | 'closeSocket' | 'silence' | 'twice'

/** An answer, none where the line is dropped before there is one. */
export interface Reply<T> {
  readonly answer?: T
  readonly line?: Line
}

/** A message that is well-formed, and still not taken. */
export class Refusal extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const ORDER_TIME = 15 * 60_000

type Sold = Pick<AuthorisationMessage, 'merchant' | 'order' | 'amount'> & Partial<Pick<AuthorisationMessage, 'type'>>

interface Refused {
  readonly code: string
  readonly reason: string
}

export class Desk {
  readonly book: Book
  readonly issuer: Issuer
  readonly #store: Store
  readonly #rules: ReturnType<typeof ruleBook>
  readonly #risk: ReturnType<typeof riskBook>
  readonly #merchants: readonly MerchantAccount[] | undefined
  readonly #bonus: BonusOptions | undefined
  readonly #orderTime: number
  readonly #clock: Clock
  readonly #hear: (event: HostEvent) => void
  readonly #stopping = new AbortController()
  readonly #turns = new Map<string, Promise<void>>()
  /** Payments until this moment have been settled by hand. */
  #settled = 0

  constructor(options: DeskOptions, store: Store) {
    const { rules = [], risk = [], merchants, bonus, orderTime = ORDER_TIME, clock = systemClock, onEvent = () => {}, ...issuer } = options
    this.#store = store
    this.book = store.book
    this.issuer = new Issuer(issuer, this.book.names)
    this.issuer.restore(store.accounts)
    this.issuer.restoreSerials(store.serials)
    this.#rules = ruleBook(rules)
    this.#risk = riskBook(risk, this.book.names)
    this.#merchants = merchants
    this.#bonus = bonus
    this.#orderTime = orderTime
    this.#clock = clock
    this.#hear = onEvent
    // Nobody is left to decide what was in process when the host went down.
    for (const order of this.book.orders) this.#expire(order, 'authorisation')
  }

  /** Lets go of answers that are being delayed. */
  stop(): void {
    this.#stopping.abort()
    this.#store.close()
  }

  refused(status: number, why: string): void {
    this.#hear({ type: 'refused', status, why })
  }

  /** Sends the financial transactions to the processing centre, as midnight does: what was charged until now is refunded from here on, not reversed. */
  settle(): void {
    this.#settled = this.#clock.now()
  }

  /** @param given a retrieval reference number that the terminal has made. @throws Refusal 409 when the key belongs to another payment */
  async authorise(message: AuthorisationMessage, given: { readonly rrn?: string } = {}): Promise<Reply<HostAnswer>> {
    const pan = this.issuer.panOf(message)
    const { key, amount, interface: through, order } = message
    const cvm = this.issuer.cvmOf(message)
    return this.#line(key, { on: 'authorisation', amount, pan, interface: through, cvm, order: order.number }, async (rules, wait) => {
      const repeated = this.#repeated(key, message)
      if (repeated) return this.#named(key, repeated)
      const refused = this.#refuse(message, pan)
      const found = this.#begin(message, pan, 'authorisation')
      this.#keep({ order: found.order, keys: [key] })
      await wait()
      this.#expire(found.order)
      // Overtaken by a reversal or by time while the host was busy.
      if (found.operation.state !== 'In Process') return this.#named(key, found.transaction.answer)
      return this.#named(key, this.#decide(found, message, pan, rules, refused ?? refuseRefund(found), given.rrn))
    })
  }

  /** The answer with what it is about. */
  #named(key: string, answer: HostAnswer, asked?: Pick<AnswerSubject, 'order'>): HostAnswer {
    const found = this.book.find(key)
    return { ...answer, about: found ? subjectOf(found) : { key, ...asked } }
  }

  /** What is decided without the card's bank. */
  #refuse(message: AuthorisationMessage, pan: string | undefined): Refused | undefined {
    return this.#refuseSale(message) ?? this.#risk(message, pan, this.book.orders, this.#clock.now())
  }

  /** What is decided by merchant and order alone. */
  #refuseSale({ merchant, order: asked, amount, type }: Sold): Refused | undefined {
    const account = this.#merchants?.find(({ id }) => id === merchant.id)
    if (this.#merchants && !account) return { code: '03', reason: 'no such merchant' }
    if (account?.terminals && !account.terminals.includes(merchant.terminal))
      return { code: '58', reason: 'the merchant has no such terminal' }
    const order = this.book.order(asked.number, merchant.id)
    if (order) this.#expire(order)
    return order && type !== 'refund' && type !== 'check' ? alreadyHad(order, amount) : undefined
  }

  /** The order whose payments a refund gives back; undefined where it stands by itself. */
  #paidBy({ type, merchant, order: { number } }: AuthorisationMessage): BookedOrder | undefined {
    const order = type === 'refund' ? this.book.order(number, merchant.id) : undefined
    return order && payments(order).length > 0 ? order : undefined
  }

  #begin(message: AuthorisationMessage, pan: string | undefined, kind: 'authorisation' | 'advice'): Found {
    const check = message.type === 'check'
    const hold = !check && (message.hold ?? this.#merchants?.find(({ id }) => id === message.merchant.id)?.stages === 2)
    const at = kind === 'advice' ? message.at : new Date(this.#clock.now())
    const aid = message.tags.get(0x84) ?? message.tags.get(0x9f06) ?? message.tags.get(0x4f)
    const scheme = schemeName({ ...(aid && { aid: hex(aid) }), pan, interface: message.interface })
    return this.book.begin(message, kind, {
      at,
      ...(scheme && { scheme }),
      ...(hold && { hold }),
      ...((message.type === 'refund' || check) && { gives: true, ...(this.#paidBy(message) && { linked: true }) }),
      ...(pan && { pan: maskPan(pan), card: this.book.names.card(pan) }),
    })
  }

  #decide(
    found: Found,
    message: AuthorisationMessage,
    pan: string | undefined,
    rules: readonly CheckedRule[],
    refused: Refused | undefined,
    rrn = this.book.rrn(message.at),
  ): HostAnswer {
    const verdict = refused ? { ...refused, arqc: 'none' as const, pin: 'none' as const } : this.issuer.authorise(message, pan, rules)
    const { code, reason } = verdict
    this.#tell('authorisation', message, pan, verdict)
    const state = approvingCodes.includes(code) ? 'approved' : code === '01' ? 'referral' : 'declined'
    const account = 'account' in verdict ? verdict.account : undefined
    if (account) Object.assign(found.operation, { account })
    const part = 'approvedAmount' in verdict ? verdict.approvedAmount : undefined
    if (part !== undefined) found.operation.amount = part
    const answer = this.book.finish(found, {
      state,
      ...(part !== undefined && { approvedAmount: part }),
      ...(state !== 'approved' && { reason }),
      response: {
        type: state,
        code,
        rrn,
        ...(state === 'approved' && { authorisationCode: this.book.authorisationCode() }),
        ...('issuerAuthenticationData' in verdict && { issuerAuthenticationData: verdict.issuerAuthenticationData }),
        ...('scripts' in verdict && { scripts: verdict.scripts }),
      },
    })
    if (state === 'approved') this.#reward(found, message, pan)
    if (state === 'approved' && found.operation.linked) {
      const { paid, cancelled } = standing(found.order)
      cancelAward(this.book, this.issuer, found.order, message.key, found.operation.at, cancelled, paid)
    }
    this.#keep({ order: found.order }, account)
    return answer
  }

  #reward(found: Found, { type }: AuthorisationMessage, pan: string | undefined): void {
    const bonus = this.#bonus
    if (bonus && type !== 'refund' && type !== 'check' && pan?.startsWith(bonus.pan ?? '')) earnBonus(this.book, this.issuer, found, bonus)
  }

  /** A cash sale that has taken place. @throws Refusal 409 when the key belongs to another payment */
  async registerCash(sale: CashSale): Promise<Reply<HostAnswer>> {
    const { key, amount, order, merchant, at } = sale
    return this.#line(key, { on: 'cash', amount, order: order.number }, async (rules, wait) => {
      await wait()
      const booked = { ...sale, currency: order.currency }
      const repeated = this.#repeated(key, booked)
      if (repeated) return this.#named(key, repeated)
      const refused = rules.find(one => one.do === 'decline') ?? this.#refuseSale(sale)
      const found = this.book.begin(booked, 'cash', { at })
      const { code, reason } = refused ?? { code: '00', reason: 'registered' }
      const answer = this.book.finish(found, {
        state: refused ? 'declined' : 'approved',
        reason,
        response: { type: refused ? 'declined' : 'approved', code, rrn: this.book.rrn(at) },
      })
      this.#keep({ order: found.order, keys: [key] })
      const facts = { key, order: order.number, merchant: merchant.id, amount, currency: order.currency.alpha, at }
      this.#hear({ type: 'cash', ...facts, code, reason, ...(found.operation.fiscal && { document: found.operation.fiscal.document }) })
      return this.#named(key, answer)
    })
  }

  /** Opens an SBP payment. @throws Refusal 409 when the key belongs to another payment */
  async requestQr(sale: Sale): Promise<Reply<SbpCode>> {
    const { key, amount, order } = sale
    return this.#line(key, { on: 'qr', amount, order: order.number }, async (rules, wait) => {
      await wait()
      const asked = { ...sale, currency: order.currency }
      const codeOf = (answer: HostAnswer): SbpCode => ({
        payload: answer.state !== 'inProcess' ? '' : sbpPayload(asked, answer.transaction ?? '', answer.billNumber ?? ''),
        expires: new Date(+(this.book.find(key)?.operation.at ?? this.#clock.now()) + this.#orderTime),
        answer: this.#named(key, answer),
      })
      const repeated = this.#repeated(key, asked)
      if (repeated) return codeOf(repeated.state === 'approved' ? { ...repeated, state: 'inProcess' } : repeated)
      const refused = rules.find(one => one.do === 'decline') ?? this.#refuseSale(sale)
      const found = this.book.begin(asked, 'sbp', { at: new Date(this.#clock.now()) })
      if (refused) {
        const { code, reason } = refused
        this.book.finish(found, { state: 'declined', reason, response: { type: 'declined', code } })
      }
      this.#keep({ order: found.order, keys: [key] })
      const facts = { key, order: order.number, amount, currency: order.currency.alpha }
      this.#hear({ type: 'qr', ...facts, code: refused?.code ?? '', reason: refused?.reason ?? 'waiting for the customer' })
      return codeOf(found.transaction.answer)
    })
  }

  /** The customer's bank pays a code. @throws Refusal 404 for a code that is none of this host's, 409 where it cannot be paid (any more) */
  payQr(payload: string): HostAnswer {
    const number = sbpReference(payload)
    const order = this.book.orders.find(one => one.operations.some(({ transactions }) => transactions.some(t => t.number === number)))
    if (!order) throw new Refusal(404, 'no such QR code')
    this.#expire(order)
    const operation = order.operations.find(({ transactions }) => transactions.some(one => one.number === number))!
    const [transaction] = operation.transactions
    if (operation.state !== 'In Process') throw new Refusal(409, `the code cannot be paid: ${operation.state}`)
    const at = new Date(this.#clock.now())
    const answer = this.book.finish(
      { order, operation, transaction },
      {
        state: 'approved',
        response: { type: 'approved', code: '00', rrn: this.book.rrn(at) },
      },
    )
    this.#keep({ order })
    this.#hear({ type: 'qrPaid', key: transaction.key, order: order.number, amount: operation.amount, currency: order.currency.alpha })
    return this.#named(transaction.key, answer)
  }

  /** @throws Refusal 409 when the key belongs to another payment */
  async advise(message: AuthorisationMessage, given: { readonly rrn?: string } = {}): Promise<Reply<HostAnswer>> {
    const { key, amount, order, interface: through } = message
    const cvm = this.issuer.cvmOf(message)
    const pan = this.issuer.panOf(message)
    return this.#line(key, { on: 'advice', amount, pan, interface: through, cvm, order: order.number }, async (rules, wait) => {
      await wait()
      const repeated = this.#repeated(key, message)
      if (repeated) return this.#named(key, repeated)
      const found = this.#begin(message, pan, 'advice')
      const refused = refuseRefund(found)
      if (refused) {
        const { code, reason } = refused
        const declined = this.book.finish(found, { state: 'declined', reason, response: { type: 'declined', code } })
        this.#keep({ order: found.order, keys: [key] })
        return this.#named(key, declined)
      }
      const referred = this.book.find(key.replace(/-voice$/, ''))?.transaction.answer.state === 'referral'
      const verdict = this.issuer.advise(message, pan, { referred, rules })
      const { account, code, reason } = verdict
      if (account) Object.assign(found.operation, { account })
      this.#tell('advice', message, pan, verdict)
      const state = code === '00' ? 'approved' : 'declined'
      const response = { type: state, code, rrn: given.rrn ?? this.book.rrn(message.at) } as const
      const answer = this.book.finish(found, { state, reason, response })
      if (state === 'approved') this.#reward(found, message, pan)
      this.#keep({ order: found.order, keys: [key] }, account)
      return this.#named(key, answer)
    })
  }

  /** @throws Refusal 404 for an order that is none, 409 when the key belongs to another change */
  async change(kind: ChangeKind, asked: OrderChange): Promise<Reply<HostAnswer>> {
    const { key, number, merchant, amount } = asked
    return this.#line(key, { on: kind, order: number, ...(amount !== undefined && { amount }) }, (rules, wait) =>
      this.#inTurn([merchant.id, number], async () => {
        await wait()
        const repeated = this.#repeated(key, asked)
        if (repeated) return this.#named(key, repeated)
        const order = this.book.order(number, merchant.id)
        if (!order)
          return this.#named(
            key,
            { state: 'declined', reason: 'no such order', response: { type: 'declined', code: '25' } },
            { order: number },
          )
        this.#expire(order)
        const isSettled = ({ at }: Operation) => +at <= this.#settled || !sameDay(at, new Date(this.#clock.now()))
        const place = {
          book: this.book,
          issuer: this.issuer,
          now: new Date(this.#clock.now()),
          isSettled,
          allowed: this.#allowed(merchant.id),
        }
        const answer = change(place, kind, order, asked, rules)
        this.#keep({ order, keys: [key] }, ...payments(order).map(({ account }) => account))
        const { operation } = this.book.find(key)!
        const how = operation.transactions.map(one => one.kind).join(' + ')
        const facts = { key, order: number, amount: operation.amount, currency: order.currency.alpha, how, state: order.state }
        this.#hear({ type: kind, ...facts, code: answer.response?.code ?? '', reason: answer.reason ?? 'approved' })
        return this.#named(key, answer)
      }),
    )
  }

  /** Without a rule of this host's a payment may be raised, and is charged for no more than is held. */
  #allowed(merchant: string) {
    const estimates = this.#merchants?.find(({ id }) => id === merchant)?.estimates
    return ({ scheme }: Operation): Allowed => (estimates ? allowedOf(scheme, estimates) : { increments: true, over: 0 })
  }

  /** Changes of one order go one after the other, in the order in which they came. */
  #inTurn<T>(order: readonly string[], work: () => Promise<T>): Promise<T> {
    const name = JSON.stringify(order)
    const before = this.#turns.get(name) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine.then(
      () => {},
      () => {},
    )
    this.#turns.set(name, settled)
    void settled.then(() => {
      if (this.#turns.get(name) === settled) this.#turns.delete(name)
    })
    return mine
  }

  /** The answer to a key that was seen before. @throws Refusal 409 when the same key comes with another message */
  #repeated(key: string, message: object): HostAnswer | undefined {
    const known = this.book.find(key)
    const print = this.book.print(key)
    if (known && print !== undefined && print !== this.book.names.message(message))
      throw new Refusal(409, `key ${key} belongs to another payment`)
    if (known) this.#expire(known.order)
    const answer = known?.transaction.answer ?? (this.book.isVoided(key) ? { state: 'reversed' as const } : undefined)
    if (answer) this.#hear({ type: 'repeat', key, state: answer.state })
    return answer
  }

  async status(key: string): Promise<Reply<HostAnswer>> {
    return this.#line(key, { on: 'status', ...this.#orderOf(key) }, async (_, wait) => {
      await wait()
      const found = this.book.find(key)
      if (found) this.#expire(found.order)
      const answer = found
        ? { ...found.transaction.answer, orderState: found.order.state }
        : { state: this.book.isVoided(key) ? ('reversed' as const) : ('unknown' as const) }
      this.#hear({ type: 'status', key, state: answer.state })
      return this.#named(key, answer)
    })
  }

  /** @throws Refusal 404 */
  async order(number: string, merchant: string | undefined): Promise<Reply<HostOrder>> {
    return this.#line(number, { on: 'order', order: number }, async (_, wait) => {
      await wait()
      const order = this.book.order(number, merchant)
      if (order) this.#expire(order)
      this.#hear({ type: 'order', order: number, state: order?.state ?? 'unknown' })
      if (!order) throw new Refusal(404, 'no such order')
      return hostOrder(order)
    })
  }

  async reverse(key: string, why: string): Promise<Reply<HostAnswer>> {
    return this.#line(key, { on: 'reversal', ...this.#orderOf(key) }, async (_, wait) => {
      await wait()
      const charged = this.#undo(key, why)
      this.#hear({ type: 'reversal', key, why, charged })
      const answer = this.book.find(key)?.transaction.answer
      return this.#named(key, { ...answer, state: answer?.state === 'declined' ? 'declined' : 'reversed' })
    })
  }

  /** Marks what `key` did as undone and gives its money back. True when there was money. */
  #undo(key: string, why: string): boolean {
    this.book.void(key)
    const found = this.book.find(key)
    if (found && found.operation.type !== 'payment') throw new Refusal(409, `key ${key} belongs to no payment`)
    if (!found || found.transaction.reversed) {
      this.#keep({ voided: key })
      return false
    }
    const { order, operation, transaction } = found
    const { state } = transaction.answer
    const at = new Date(this.#clock.now())
    transaction.reversed = { why, at }
    if (state === 'approved') {
      // What was cancelled before has gone back already.
      const shares = ledger(order)
      const leftOf = (payment: Operation) => {
        const { held = 0n, charged = 0n } = shares.get(payment) ?? {}
        return held + charged
      }
      const left = operation.gives ? operation.amount : leftOf(operation)
      this.issuer.move(operation.account, operation.gives ? -left : left)
      undoBonus(this.issuer, order, key, leftOf)
      operation.state = 'Canceled'
      const undoing = { type: 'cancellation', state: 'In Process', amount: left, at, undoes: true } as const
      this.book.finish(this.book.add(order, undoing, [{ key: undoKey(key), kind: 'reversal', amount: left }]), {
        state: 'approved',
      })
    } else if (state === 'inProcess') operation.state = 'Canceled'
    this.book.stand(order)
    if (state === 'approved' || state === 'inProcess')
      transaction.answer = { ...transaction.answer, state: 'reversed', orderState: order.state }
    this.#keep({ order, voided: key }, operation.account)
    return state === 'approved'
  }

  /** Closes what was in process for too long; `kind`: what nobody can decide any more is closed at once. */
  #expire(order: BookedOrder, kind?: 'authorisation'): void {
    const before = this.#clock.now() - this.#orderTime
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
    this.#keep({ order })
  }

  #orderOf(key: string): Pick<RuleFacts, 'order' | 'amount'> {
    const found = this.book.find(key)
    return found ? { order: found.order.number, amount: found.transaction.amount } : {}
  }

  #keep(changed: Changed, ...accounts: readonly (string | undefined)[]): void {
    const states = [...new Set(accounts)].map(id => this.issuer.state(id)).filter(state => state !== undefined)
    this.#store.save({ ...changed, accounts: states, serials: this.issuer.changedSerials() })
  }

  /** `work` as the rules of the day let the line bring it about. `wait`: where the host takes its time. */
  async #line<T>(
    key: string,
    facts: RuleFacts,
    work: (rules: readonly CheckedRule[], wait: () => Promise<void>) => Promise<T>,
  ): Promise<Reply<T>> {
    const known = facts.on === 'authorisation' && (this.book.find(key) !== undefined || this.book.isVoided(key)) // a repetition is no new payment for a rule
    const rules = known ? [] : this.#rules(facts)
    const has = (what: CheckedRule['do']) => rules.some(one => one.do === what)
    if (has('dropRequest')) return this.#drop(key, 'request')
    const wait = async () => {
      for (const one of rules) if (one.do === 'delay') await sleep(one.ms, this.#clock, this.#stopping.signal)
    }
    const copies = has('duplicate') ? [work(rules, wait), work(rules, wait)] : [work(rules, wait)]
    const [answer] = await Promise.all(copies)
    if (has('dropAnswer')) return this.#drop(key, 'answer')
    const line = (['silence', 'closeSocket', 'garbage'] as const).find(has) ?? (has('duplicate') ? 'twice' : undefined)
    return { answer, ...(line && { line }) }
  }

  #drop(key: string, what: 'request' | 'answer'): { readonly line: 'drop' } {
    this.#hear({ type: 'dropped', key, what })
    return { line: 'drop' }
  }

  #tell(
    type: 'authorisation' | 'advice',
    message: AuthorisationMessage,
    pan: string | undefined,
    { arqc, pin, stripeCode, code, reason }: Pick<Verdict, 'arqc' | 'pin' | 'stripeCode' | 'code' | 'reason'>,
  ): void {
    const { key, order, amount, currency, interface: through, tags } = message
    const facts = {
      key,
      order: order.number,
      amount,
      currency: currency.alpha,
      pan: pan ? maskPan(pan) : 'none',
      ...{ interface: through ?? 'unknown', cvm: this.issuer.cvmOf(message) ?? 'unknown' },
    }
    const counter = tags.get(0x9f36)
    const atc = counter?.length === 2 && { atc: uint(counter) }
    this.#hear({ type, ...facts, arqc, pin, ...(stripeCode && { stripeCode }), ...atc, code, reason })
  }
}

/** A refund by card of an order gives back at most what is charged for it at that moment. */
function refuseRefund({ order, operation: { linked, amount } }: Found): Refused | undefined {
  const { charged } = standing(order)
  return linked && amount > charged ? { code: '13', reason: `${charged} minor units are charged` } : undefined
}

/** A second attempt at an order, in the cases of the mPOS guide (seed 002). */
function alreadyHad(order: BookedOrder, amount: bigint): Refused | undefined {
  switch (order.state) {
    case 'In Process':
      return order.operations.some(({ state, gives }) => state === 'In Process' && !gives)
        ? { code: '09', reason: 'the order is still being processed' }
        : undefined
    case 'Timeout':
      return { code: '12', reason: 'the order was closed' }
    case 'PartialApproved':
      if (amount <= order.amount - standing(order).paid) return undefined
      return { code: '94', reason: 'the order is already paid' }
    case 'Canceled':
      return payments(order).length > 0 ? { code: '12', reason: 'the order was cancelled' } : undefined
    case 'Declined':
      return undefined
    default:
      return { code: '94', reason: 'the order is already paid' }
  }
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString()
}
