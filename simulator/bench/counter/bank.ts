/** The bank of a session: an acquirer with the issuer behind it, whose rules, balances and mode are others from one request to the next, and which somebody may answer for by hand. */

import { currency, formatAmount, parseAmount } from '../../../src/currency.ts'
import { abortFault, Fault } from '../../../src/errors.ts'
import { maskPan } from '../../../src/mask.ts'
import type { AuthorisationMessage } from '../../../src/payment/acquirer.ts'
import { hostOrder } from '../../acquirer/book.ts'
import type { BookedOrder } from '../../acquirer/booked.ts'
import type { Attended } from '../../acquirer/desk/line.ts'
import { type AcquirerHost, deskFetch, type HostEvent, startAcquirer } from '../../acquirer/host.ts'
import { type HostRule, type Question, questions } from '../../acquirer/host-rule.ts'
import { type CheckedRule, parseRules } from '../../acquirer/rules.ts'
import { issuerView } from '../../cards/issuer-view.ts'
import { isGone, noSuch } from '../failure.ts'
import type { HandAnswer, ModeInput } from '../schema/bank.ts'
import type { CounterFile } from '../schema/session.ts'
import type { BankOrder, BankRequest, BankRequestInFull, BankState } from '../schema/types.ts'
import { bookText, restoreBook } from './bank-book.ts'
import type { BenchCard } from './card.ts'
import { type Place, Teller } from './place.ts'
import { inFull, moneyOf } from './request.ts'
import type { Shelf } from './shelf.ts'

/** How many requests are remembered, and how many of them, and of the orders, a state tells. */
const REMEMBERED = 50
const TOLD = 10
/** The currency of the accounts: of balances, as they are told. */
const unit = currency('RUB')

interface Held {
  readonly asked: Attended
  readonly decide: (rules: readonly CheckedRule[]) => void
}

type Noted = { -readonly [Key in keyof BankRequest]: BankRequest[Key] } & { readonly asked: Attended }

export class Bank {
  readonly host: AcquirerHost
  readonly #place: Place
  readonly #teller: Teller
  readonly #noted: Noted[] = []
  readonly #held = new Map<number, Held>()
  /** Cards whose balance is told. */
  readonly #used = new Set<string>()
  #shelf: Shelf | undefined
  #rules: readonly Record<string, unknown>[] = []
  #magicAmounts = false
  #mode: ModeInput = { answer: 'auto' }
  #gone = false
  #count = 0

  /** Use `openBank`. */
  constructor(place: Place, host: AcquirerHost) {
    this.#place = place
    this.host = host
    this.#teller = new Teller(
      () => this.state,
      state => place.tell('bank', 'bank', state),
    )
    host.desk.attended((asked, signal) => this.#attend(asked, signal))
  }

  /** For apps of the bench: the same line without a socket, on the session's clock. */
  get fetch(): typeof fetch {
    return deskFetch(this.host.desk, () => this.#gone)
  }

  /** Cards that are known by their ids from here on. */
  knows(shelf: Shelf): void {
    this.#shelf = shelf
  }

  /** A card that is no ready profile's has accounts too. */
  issue(card: BenchCard): void {
    if (!card.isReady) this.host.desk.issuer.issue(issuerView(card.profile))
  }

  // — what comes —

  #attend(asked: Attended, signal: AbortSignal): Promise<readonly CheckedRule[]> | undefined {
    const { on, pan } = asked.facts
    if (on === 'status') this.#inquired(asked)
    if (on === 'status' || on === 'order') return undefined
    const note = this.#note(asked)
    const card = this.#shelf?.cards.find(one => one.plan.pan === pan)
    if (card) this.#used.add(card.id)
    const { answer, on: which = ['authorisation'], delay = 0 } = this.#mode
    if (answer === 'auto')
      return on === 'authorisation' && delay > 0 ? Promise.resolve(parseRules([{ do: 'delay', ms: delay }])) : undefined
    if (!which.includes(on)) return undefined
    note.state = 'held'
    this.tell()
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#held.delete(note.n)
        reject(abortFault(signal))
      }
      signal.addEventListener('abort', stop, { once: true })
      const decide = (rules: readonly CheckedRule[]) => {
        signal.removeEventListener('abort', stop)
        this.#held.delete(note.n)
        note.state = 'answered'
        this.tell()
        resolve(rules)
      }
      this.#held.set(note.n, { asked, decide })
    })
  }

  /** Somebody who was not told asks: it stands at the request itself. */
  #inquired({ key, facts }: Attended): void {
    const note = this.#noted.find(one => one.on === 'authorisation' && (one.key === key || one.order === facts.order))
    if (!note) return
    note.inquiries = (note.inquiries ?? 0) + 1
    this.tell()
  }

  #note(asked: Attended): Noted {
    const { key, facts, message } = asked
    const { amount, pan, interface: by, cvm, order } = facts
    const { currency: unit } = message as Partial<AuthorisationMessage>
    const note: Noted = {
      ...{ n: ++this.#count, on: facts.on, at: this.#place.at(), key, state: 'answered', asked },
      ...(order !== undefined && { order }),
      ...(amount !== undefined && unit && { amount: formatAmount(amount, unit), currency: unit.alpha }),
      ...(pan !== undefined && { pan: maskPan(pan) }),
      ...(by !== undefined && { interface: by }),
      ...(cvm !== undefined && { cvm }),
    }
    this.#noted.unshift(note)
    this.#noted.length = Math.min(this.#noted.length, REMEMBERED)
    this.tell()
    return note
  }

  /** What the host has decided, as its observer hears it. */
  hear(event: HostEvent): void {
    const { type, ...content } = event
    this.#place.tracer().tell('host', { kind: 'host', what: 'decision', name: type, content })
    if ('key' in event) {
      const note = this.#noted.find(one => one.key === event.key && (one.on === type || type === 'dropped' || type === 'qrPaid'))
      if (note && type === 'dropped') note.state = 'dropped'
      if (note && 'code' in event) Object.assign(note, { code: event.code, reason: event.reason })
    }
    this.tell()
  }

  // — what somebody does —

  /** @throws Fault `bad-config` */
  setRules(rules: readonly unknown[], magicAmounts = false): void {
    const own = rules.map(rule => JSON.parse(JSON.stringify(rule, digits)) as Record<string, unknown>)
    parseRules(own)
    this.#rules = own
    this.#magicAmounts = magicAmounts
    this.#obey()
  }

  #obey(): void {
    const gone = [{ do: 'dropRequest', on: [...questions] } satisfies HostRule]
    this.host.desk.obey(this.#gone ? gone : (this.#rules as unknown as HostRule[]), this.#magicAmounts && !this.#gone)
    this.tell()
  }

  /** It cannot be reached, or again. */
  setGone(gone: boolean): void {
    this.#gone = gone
    this.#obey()
  }

  /** What was held is decided by the rules, where nobody answers by hand any more. */
  setMode(mode: ModeInput): void {
    this.#mode = mode
    if (mode.answer === 'auto') for (const { decide } of [...this.#held.values()]) decide([])
    this.tell()
  }

  /** @throws Fault `not-found` for a request that was never there, `busy` for one that is not held */
  answer(n: number, said: HandAnswer): void {
    const held = this.#held.get(n)
    if (!held) throw this.#noted.some(one => one.n === n) ? isGone('request', String(n), 'it is not held') : noSuch('request', String(n))
    held.decide(rulesOf(said, held.asked))
  }

  setBalance(card: BenchCard, balance: string): void {
    for (const pan of pansOf(card)) this.host.desk.issuer.fill(pan, parseAmount(balance, unit))
    this.#used.add(card.id)
    this.tell()
  }

  /** A card that is as new: wrong PINs of the one before are none of its own. */
  forgive(card: BenchCard): void {
    for (const pan of pansOf(card)) this.host.desk.issuer.forgive(pan)
    this.tell()
  }

  settle(): void {
    this.host.settle()
    this.tell()
  }

  /** The customer pays the code. @throws Refusal 404, 409 */
  payQr(payload: string): void {
    this.host.payQr(payload)
  }

  tell(): void {
    this.#teller.soon()
  }

  // — what can be seen —

  /** Somebody is to answer by hand. */
  get holds(): boolean {
    return this.#held.size > 0
  }

  /** @throws Fault `not-found` */
  request(n: number): BankRequestInFull {
    const note = this.#noted.find(one => one.n === n)
    if (!note) throw noSuch('request', String(n))
    return inFull(withoutAsked(note), note.asked)
  }

  get requests(): readonly BankRequest[] {
    return this.#noted.map(withoutAsked)
  }

  get orders(): readonly BankOrder[] {
    return [...this.host.orders].reverse().map(orderOf)
  }

  get state(): BankState {
    const cards = this.#shelf?.cards ?? []
    return {
      url: this.host.url,
      mode: { ...this.#mode },
      gone: this.#gone,
      rules: [...this.#rules],
      magicAmounts: this.#magicAmounts,
      balances: cards
        .filter(({ id }) => this.#used.has(id))
        .map(card => {
          const wrongPins = Math.max(...pansOf(card).map(pan => this.host.desk.issuer.pinFailures(pan)))
          const balance = formatAmount(this.host.balance(card.plan.pan) ?? 0n, unit)
          return { card: card.id, balance, ...(wrongPins > 0 && { wrongPins }) }
        }),
      requests: this.#noted.slice(0, TOLD).map(withoutAsked),
      orders: this.host.orders.slice(-TOLD).reverse().map(orderOf),
    }
  }

  /** As the file of a counter keeps it. */
  get file(): NonNullable<CounterFile['bank']> {
    return {
      ...{ rules: this.#rules as never, magicAmounts: this.#magicAmounts, gone: this.#gone, mode: this.#mode },
      balances: this.state.balances.map(({ card, balance }) => ({ card, balance })),
      book: bookText(this.host.desk, this.#shelf?.cards ?? []),
    }
  }

  /** @throws Fault `bad-config` */
  restore(file: NonNullable<CounterFile['bank']>): void {
    const { rules = [], magicAmounts, gone, mode, balances = [], book } = file
    if (book !== undefined) restoreBook(this.host.desk, book, this.#shelf?.cards ?? [])
    this.setRules(rules, magicAmounts)
    if (gone) this.setGone(true)
    if (mode) this.setMode(mode)
    for (const { card, balance } of balances) this.setBalance(this.#shelf!.card(card), balance)
  }

  async close(): Promise<void> {
    this.#teller.stop()
    await this.host.close()
  }
}

/** @throws Fault `link-failed` where no port can be had */
export async function openBank(place: Place): Promise<Bank> {
  const random = place.random(0x62616e6b)
  let bank: Bank | undefined
  const host = await startAcquirer({ clock: place.clock, random, onEvent: event => bank?.hear(event) })
  bank = new Bank(place, host)
  return bank
}

/** Of the card and of its applications, where they have their own. */
function pansOf({ plan }: BenchCard): readonly string[] {
  return [...new Set([plan.pan, ...plan.applications.flatMap(({ pan }) => pan ?? [])])]
}

function withoutAsked({ asked: _, ...request }: Noted): BankRequest {
  return request
}

/** As scenario files have amounts. */
function digits(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** What somebody says, as rules for one request. */
function rulesOf(said: HandAnswer, { facts, message }: Attended): CheckedRule[] {
  const on = facts.on as Question
  switch (said.do) {
    case 'approve':
      return []
    case 'decline':
      return parseRules([{ do: 'decline', on, code: said.code ?? '05', reason: said.reason ?? 'declined by hand' }])
    case 'refer':
      return parseRules([{ do: 'refer', on, reason: said.reason ?? 'call the bank' }])
    case 'partial':
      return parseRules([{ do: 'partial', on, amount: parseAmount(said.amount, moneyOf(message)) }])
    case 'drop':
      return parseRules([{ do: 'dropAnswer', on }])
    case 'late':
      return parseRules([{ do: 'delay', on, ms: said.ms }])
    case 'silence':
    case 'garbage':
    case 'wrongArpc':
      return parseRules([{ do: said.do, on }])
    case 'script':
      if (said.script === 'unblockPin') return parseRules([{ do: 'unblockPin', on }])
      return parseRules([
        { do: 'decline', on, code: said.script === 'blockCard' ? '43' : '57', reason: 'blocked by its bank', script: said.script },
      ])
    default:
      throw new Fault('internal', 'an answer that is none')
  }
}

function orderOf(order: BookedOrder): BankOrder {
  const { number, state, currency: unit, operations, ...money } = hostOrder(order)
  const text = (amount: bigint) => formatAmount(amount, unit)
  return {
    ...{ number, merchant: order.merchant, state, currency: unit.alpha },
    ...{ amount: text(money.amount), held: text(money.held), charged: text(money.charged), cancelled: text(money.cancelled) },
    operations: operations.map(one => ({
      ...{ type: one.type, state: one.state, amount: text(one.amount), at: one.at.toISOString() },
      transactions: one.transactions.map(({ number, kind, state, amount, code, rrn, pan, reversed }) => ({
        ...{ number, kind, state, amount: text(amount) },
        ...(code !== undefined && { code }),
        ...(rrn !== undefined && { rrn }),
        ...(pan !== undefined && { pan }),
        ...(reversed !== undefined && { reversed }),
      })),
    })),
  }
}
