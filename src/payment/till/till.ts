/** The till: orders paid, confirmed, cancelled and refunded over one journal and one acquirer, and nothing forgotten between two starts. */

import { type Clock, sleep, systemClock } from '../../clock.ts'
import * as door from '../../door.ts'
import { asFault, Fault, isFault, throwIfAborted } from '../../errors.ts'
import type { ChangeKind, HostAnswer, Merchant, Order, OrderAcquirer, OrderChange, RetailAcquirer } from '../acquirer.ts'
import { allowedOf, type Estimates, needIncrements, overOf } from '../estimates.ts'
import { agreeingTill, isContradiction } from '../host/agreement.ts'
import type { Entry, Journal, OrderRecord } from '../journal/journal.ts'
import { dueOf, moneyOf, restOf, standingPayments } from '../journal/money.ts'
import type { Notice } from '../journal/notice.ts'
import { type PaymentResult, type PayOptions, pay } from '../pay/payment.ts'
import type { Receipt } from '../receipt/receipt.ts'
import * as rules from '../rules.ts'
import { type ByCash, letGo, type SaleResult, takeCash } from './cash.ts'
import { compare } from './compare.ts'
import { type Drawer, drawerOf } from './drawer.ts'
import { type Became, bringToEnd, changeReceipt } from './due.ts'
import { checkPart, type Part, refusalOf, refuseIncrement } from './part.ts'
import { type ByCardRefund, type Refunded, type RefundRules, refundCard } from './refund.ts'
import { type BySbp, type SbpAcquirer, takeSbp } from './sbp.ts'

export type { Part } from './part.ts'
export type { ByCardRefund, Refunded, RefundRules } from './refund.ts'

export interface TillOptions {
  readonly journal: Journal
  /** What it has of `RetailAcquirer` can be paid for so. */
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  readonly merchant: Merchant
  readonly clock?: Clock
  /** Hears each change; a notice counts as told when this returns, and is told again after a crash before that. */
  readonly onNotice?: (notice: Notice) => void
  /** Hears of faults in the background: the journal cannot be written, or was sealed with another key. What is due is tried again. */
  readonly onFault?: (fault: Fault) => void
  /** What may be given back to a card where nothing was paid here; nothing when left out. */
  readonly refunds?: RefundRules
  /** What this merchant sells, where amounts are estimated first: what may be raised and charged over what is held. Nothing when left out. */
  readonly estimates?: Estimates
  /** Makes the idempotency keys of cash sales, confirmations and cancellations; random UUIDs when left out. */
  readonly newKey?: () => string
  /** Milliseconds for one attempt at what is due; 20 s when left out. */
  readonly attemptTime?: number
  /** Whether recovery, the last three days and all retries run by themselves from the start; true when left out. */
  readonly background?: boolean
}

/** With a card: through a reader, be it a card reader or this phone (SoftPOS), and what `pay` takes with it. */
export interface ByCard extends Omit<PayOptions, 'acquirer' | 'merchant' | 'clock' | 'journal'> {
  readonly method?: 'reader' | 'softpos'
}

export type ByCardCheck = Omit<ByCard, 'amount' | 'type' | 'hold' | 'partial' | 'otherAmount' | 'tip' | 'surcharge'>

/** How an order is paid. */
export type How = ByCard | ByCash | BySbp

/** `already-paid`, `in-process`: nothing was asked of anybody, the order stands as it stood. */
export type Paid =
  | { readonly result: PaymentResult['result']; readonly payment: PaymentResult; readonly order: OrderRecord }
  /** Without a card. */
  | { readonly result: PaymentResult['result']; readonly sale: SaleResult; readonly order: OrderRecord }
  | Standing

/** An order that is not paid now: it is paid, or being paid. */
export interface Standing {
  readonly result: 'already-paid' | 'in-process'
  readonly order: OrderRecord
}

export interface Changed {
  /** `unknown`: the host has not answered yet; it is asked again until it has. */
  readonly result: 'approved' | 'declined' | 'unknown'
  readonly answer?: HostAnswer
  readonly order: OrderRecord
}

export interface Recovered {
  /** As it was. */
  readonly entry: Entry
  /** `pending`: the host could not be reached, or has no final word; `busy`: it is in the hands of a living process, this one included. */
  readonly became: Became | 'busy'
  /** Why it is pending. */
  readonly fault?: Fault
}

export interface Till extends AsyncDisposable {
  readonly journal: Journal
  /** @throws Fault `journal` before the card is asked for, `unsupported` where the host cannot, and what `pay` throws */
  payOrder(order: Order, how: How): Promise<Paid>
  /** The answer that a payment of this order would get without anybody being asked; undefined when it may be paid. */
  standing(number: string): Standing | undefined
  /** Brings every open entry that is in nobody's hands to its end, or one attempt nearer. */
  recover(signal?: AbortSignal): Promise<readonly Recovered[]>
  /** Compares orders of the last `days` that were paid offline or in process with the host's. Gives those that changed. */
  reconcile(days?: number, signal?: AbortSignal): Promise<readonly OrderRecord[]>
  orders(filter?: Parameters<Journal['orders']>[0]): readonly OrderRecord[]
  /**
   * As the host has it now; as the journal has it when the host cannot be reached.
   * @throws Fault `not-found`; `host-error` with details.field where the host's order cannot be this one: nothing is changed, and a notice says so
   */
  status(number: string, signal?: AbortSignal): Promise<OrderRecord>
  /**
   * Holds `amount` minor units more on the card that the order's payment holds, as far as `TillOptions.estimates` has a rule for its payment system.
   * @throws Fault `not-found`, `unsupported`, `bad-argument`, `journal`
   */
  increment(number: string, amount: bigint, signal?: AbortSignal): Promise<Changed>
  /** Charges what a two-stage payment holds; more, as far as `TillOptions.estimates` has a rule; with `final` what is left is let go. @throws Fault `not-found`, `bad-argument`, `journal` */
  confirm(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Undoes the order in full or in part, a payment that hangs included. @throws Fault `not-found`, `bad-argument`, `journal` */
  cancel(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Gives back of what was charged. @throws Fault `not-found`, `bad-argument`, `journal` */
  refund(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /**
   * Gives back to a card that is presented: of a paid order as much as is left, else as far as `TillOptions.refunds` allows. Never a payment of the order.
   * @throws Fault as `refundCard`
   */
  refundByCard(order: Order | string, how: ByCardRefund): Promise<Refunded>
  /** Asks a card's bank whether the card is good: an amount of 0, which sells and books nothing. @throws as `pay` */
  checkCard(check: Pick<Order, 'number' | 'currency'>, how: ByCardCheck): Promise<PaymentResult>
  /** What the cash drawer has more or less by these orders; by all of the journal's when left out. */
  drawer(filter?: Parameters<Journal['orders']>[0]): readonly Drawer[]
  /** The slip of the order's last payment or refund by card, again. @throws Fault `not-found` */
  receipt(number: string): Receipt
  /** Ends the background work; what is due stays in the journal. */
  close(): Promise<void>
}

/** Milliseconds between two attempts at what is due. */
const pauses = [2000, 5000, 10_000, 20_000, 40_000, 60_000, 120_000, 300_000, 600_000]
const LONGEST = pauses.at(-1)!
/** How often what other processes left is looked for, while there is any. */
const ROUND = 30_000
const DAYS = 3
const DAY = 86_400_000

/** Opens a till. Unless told otherwise it recovers and reconciles at once, in the background. The journal stays the caller's to close. */
export function openTill(options: TillOptions): Till {
  door.need('options', options, rules.tillRule)
  const { journal, merchant, clock = systemClock, onNotice, onFault, newKey, attemptTime = 20_000, background = true } = options
  const acquirer = agreeingTill(options.acquirer)
  const desk = { journal, acquirer, clock, attemptTime }
  const comparing = { journal, acquirer, now: () => new Date(clock.now()), told: new Set<string>() }
  const makeKey = newKey ?? (() => crypto.randomUUID())
  const closing = new AbortController()
  let wake = () => {}
  let loop: Promise<void> | undefined

  function known(number: string): OrderRecord {
    door.need('number', number, door.text(1, 32))
    const order = journal.order(merchant, number)
    if (!order) throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
    return order
  }

  /** Each notice at least once: it counts as told when the listener has returned. */
  function tell(): void {
    if (!onNotice) return
    for (const { id, notice } of journal.notices()) {
      try {
        onNotice(notice)
      } catch (error) {
        queueMicrotask(() => {
          throw error // the app's bug; the notice was handed over
        })
      }
      journal.told(id)
    }
  }

  function complain(error: unknown): void {
    try {
      onFault?.(asFault(error))
    } catch (bug) {
      queueMicrotask(() => {
        throw bug // the app's; the background goes on
      })
    }
  }

  /** One attempt at an entry, if it is free. `quiet`: whoever asked is told the result itself. */
  async function attempt(entry: Entry, signal: AbortSignal | undefined, quiet = false): Promise<Recovered> {
    if (!journal.claim(entry.key)) return { entry, became: 'busy' }
    const later = (fault?: Fault): Recovered => {
      const nextTry = new Date(clock.now() + pauses[Math.min(entry.tries, pauses.length - 1)])
      journal.release(entry.key, nextTry)
      // Who paid in cash without a network knows; SBP waits for its customer.
      const expected = entry.due === 'registration' || (entry.method === 'sbp' && !fault)
      if (entry.tries === 0 && !expected)
        journal.notify({ type: 'waiting', order: entry.order, key: entry.key, at: new Date(clock.now()), due: entry.due ?? 'status' })
      return { entry, became: 'pending', ...(fault && { fault }) }
    }
    try {
      const fresh = journal.entry(entry.key) ?? entry // what another process did in the meantime
      const became = await bringToEnd({ ...desk, quiet }, fresh, known(entry.order), signal)
      return became === 'pending' ? later() : { entry, became }
    } catch (error) {
      const fault = asFault(error)
      if (isFault(fault, 'aborted')) {
        journal.release(entry.key)
        throw fault
      }
      if (!isFault(fault, 'host-unreachable', 'host-no-answer', 'host-error', 'timeout', 'bad-key')) {
        letGo(journal, entry.key)
        throw fault
      }
      return later(fault)
    }
  }

  async function attemptAll(entries: readonly Entry[], signal: AbortSignal | undefined): Promise<Recovered[]> {
    const recovered: Recovered[] = []
    for (const entry of entries) {
      throwIfAborted(signal)
      recovered.push(await attempt(entry, signal))
    }
    tell()
    return recovered
  }

  const recover = (signal?: AbortSignal) => attemptAll(journal.open(merchant), signal)

  async function reconcile(days = DAYS, signal?: AbortSignal): Promise<readonly OrderRecord[]> {
    door.need('days', days, door.finite(0, 36_500))
    const since = new Date(clock.now() - days * DAY)
    const open = journal.orders({ since, merchant }).filter(({ state, offline }) => offline || state === 'In Process')
    for (const { entries } of open)
      await attemptAll(
        entries.filter(one => one.open),
        signal,
      )
    const changed: OrderRecord[] = []
    for (const before of open) {
      throwIfAborted(signal)
      const { number } = before
      if (known(number).entries.every(one => !one.open)) await refresh(number, signal, true).catch(passOver)
      const now = known(number)
      if (now.state !== before.state || now.offline !== before.offline) changed.push(now)
    }
    tell()
    return changed
  }

  /** Takes over the host's state of the order; nothing where the host is away. @throws Fault `host-error` where its order cannot be this one: the state is kept */
  async function refresh(number: string, signal: AbortSignal | undefined, notify: boolean): Promise<void> {
    try {
      await compare(comparing, known(number), { signal, notify })
    } catch (error) {
      if (isContradiction(error) || !isFault(error, 'host-unreachable', 'host-no-answer', 'host-error')) throw error
    }
  }

  function standing(record: OrderRecord | undefined): Standing | undefined {
    if (!record) return undefined
    // Of an order of 0 only cards were checked.
    if (dueOf(record) === 0n && record.amount > 0n) return { result: 'already-paid', order: record }
    return record.entries.some(one => one.open) ? { result: 'in-process', order: record } : undefined
  }

  async function sellForCash(order: Order, how: ByCash): Promise<Paid> {
    if (!acquirer.registerCash) throw new Fault('unsupported', 'this host takes no cash sales', { feature: 'cash' })
    const { key, sale } = await takeCash({ journal, merchant, clock, newKey: makeKey }, order, how)
    await attempt(journal.entry(key)!, undefined, true).catch(complain)
    const { open, reason } = journal.entry(key)!
    const registration = open ? 'pending' : reason === 'notRegistered' ? 'refused' : 'done'
    return { result: 'approved', sale: { ...sale, registration }, order: known(order.number) }
  }

  async function sellBySbp(order: Order, how: BySbp): Promise<Paid> {
    if (!hasSbp(acquirer)) throw new Fault('unsupported', 'this host has no SBP', { feature: 'sbp' })
    const ended = await takeSbp({ journal, acquirer, merchant, clock, newKey: makeKey }, order, how)
    return ended === 'in-process' ? { result: ended, order: known(order.number) } : { ...ended, order: known(order.number) }
  }

  async function payOrder(order: Order, how: How): Promise<Paid> {
    door.need('order', order, rules.orderRule)
    door.need('how', how, rules.howRule)
    const before = standing(journal.order(merchant, order.number))
    if (before) return before
    try {
      if (how.method === 'sbp') return await sellBySbp(order, how)
      if (how.method === 'cash') return await sellForCash(order, how)
      const payment = await pay(order, {
        ...how,
        amount: how.amount ?? restOf(order, journal.order(merchant, order.number)),
        acquirer,
        merchant,
        clock,
        journal,
      })
      return { result: payment.result, payment, order: known(order.number) }
    } catch (error) {
      // Another process, or another call of this one, was quicker.
      const now = isFault(error, 'busy') && error.details.state !== undefined ? standing(known(order.number)) : undefined
      if (now) return now
      throw error
    } finally {
      wake()
    }
  }

  async function change(kind: ChangeKind, number: string, part: Part & Pick<OrderChange, 'of'>, signal?: AbortSignal): Promise<Changed> {
    door.need('part', part, rules.partRule)
    throwIfAborted(signal)
    const order = known(number)
    const over = kind === 'confirmation' ? overOf(moneyOf(order).held, allowedOf(schemeOf(order), options.estimates)) : 0n
    if (kind === 'increment') needIncrements(schemeOf(order), options.estimates)
    else checkPart(order, part, over)
    if (kind === 'increment' && !acquirer.increment)
      throw new Fault('unsupported', 'this host raises no payments', { feature: 'increment' })
    const hanging = order.entries.filter(one => one.open)
    for (const entry of hanging) {
      // A payment that hangs is taken back as a whole, which is what its cancellation asks for.
      const undo =
        kind === 'cancellation' &&
        (entry.kind === 'payment' || entry.kind === 'refund') &&
        entry.result !== 'approved' &&
        !part.amount &&
        !part.items &&
        !part.of
      if (undo && entry.why === undefined && journal.claim(entry.key)) {
        journal.record({ stage: 'reversing', key: entry.key, why: 'cancelled' })
        journal.release(entry.key)
      }
      const { became } = await attempt(entry, signal, true)
      if (became === 'busy') throw new Fault('busy', `order ${number} is still being processed`, { state: 'in-process', order: number })
      if (undo) {
        wake()
        return { result: became === 'pending' ? 'unknown' : became === 'cancelled' ? 'approved' : 'declined', order: known(number) }
      }
    }
    const { amount, items, of, final } = part
    const asked: OrderChange = {
      ...{ key: makeKey(), merchant, number, at: new Date(clock.now()) },
      ...(amount !== undefined && { amount }),
      ...(items && { items }),
      ...(of && { of }),
      ...(final && { final }),
    }
    journal.change(kind, asked)
    const now = known(number)
    const refused = kind === 'increment' ? refuseIncrement(now) : refusalOf(kind, now, part, over)
    if (refused) {
      journal.changed(asked.key, refused)
      return { result: 'declined', answer: refused, order: known(number) }
    }
    journal.release(asked.key)
    const { became } = await attempt(journal.entry(asked.key)!, signal, true)
    wake()
    const after = known(number)
    const { answer } = after.entries.find(({ key }) => key === asked.key)!
    const result = became === 'approved' || became === 'declined' ? became : 'unknown'
    return { result, ...(answer && { answer }), order: after }
  }

  /** Recovers, reconciles, and then does what falls due until the till is closed. */
  async function run(): Promise<void> {
    const { signal } = closing
    const quietly = async (work: () => Promise<unknown>) => {
      try {
        await work()
      } catch (error) {
        if (!signal.aborted) complain(error)
      }
    }
    await quietly(() => recover(signal))
    await quietly(() => reconcile(DAYS, signal))
    while (!signal.aborted) {
      const woken = new Promise<void>(resolve => {
        wake = resolve
      })
      let wait: number | undefined = ROUND // a journal that fails is looked at again
      await quietly(async () => {
        const now = clock.now()
        // A time that no pause reaches was written before somebody set the clock back.
        const due = ({ nextTry }: Entry) => !nextTry || +nextTry <= now || +nextTry > now + LONGEST
        await attemptAll(journal.open(merchant).filter(due), signal)
        const next = journal.open(merchant).map(({ nextTry }) => (nextTry ? +nextTry : Number.POSITIVE_INFINITY))
        wait = next.length === 0 ? undefined : Math.max(100, Math.min(ROUND, ...next.map(at => at - clock.now())))
      })
      const resting = new AbortController()
      const end = () => resting.abort()
      signal.addEventListener('abort', end, { once: true })
      await Promise.race([
        woken,
        ...(wait === undefined ? [] : [sleep(wait, clock, resting.signal).catch(() => {})]),
        aborted(resting.signal),
      ])
      signal.removeEventListener('abort', end)
      resting.abort()
    }
  }

  if (background) loop = run()

  async function close(): Promise<void> {
    closing.abort(new Fault('aborted', 'the till was closed'))
    wake()
    await loop
  }

  return {
    journal,
    payOrder,
    standing(number) {
      door.need('number', number, door.text(1, 32))
      return standing(journal.order(merchant, number))
    },
    recover,
    reconcile,
    orders: (filter = {}) => journal.orders({ merchant, ...filter }),
    drawer: (filter = {}) => drawerOf(journal.orders({ merchant, ...filter })),
    async status(number, signal) {
      await attemptAll(
        known(number).entries.filter(one => one.open),
        signal,
      )
      await refresh(number, signal, false).finally(tell)
      return known(number)
    },
    increment: async (number, amount, signal) => {
      door.need('amount', amount, door.amount(1n, rules.MOST))
      return change('increment', number, { amount }, signal)
    },
    confirm: (number, part = {}, signal) => change('confirmation', number, part, signal),
    cancel: (number, part = {}, signal) => change('cancellation', number, part, signal),
    refund: (number, part = {}, signal) => change('cancellation', number, { ...part, of: 'charged' }, signal),
    refundByCard: async (order, how) => {
      door.need('order', order, typeof order === 'string' ? door.text(1, 32) : rules.orderRule)
      door.need('how', how, rules.refundRule)
      return refundCard({ journal, acquirer, merchant, clock, rules: options.refunds }, order, how).finally(() => wake())
    },
    async checkCard(check, how) {
      door.need('check', check, door.shape({ number: door.anyText, currency: door.currencyOf }))
      door.need('how', how, rules.howRule)
      const { number, currency } = check
      const asked = { ...how, type: 'check', acquirer, merchant, clock, journal } as const
      return pay({ number, currency, amount: 0n }, asked).finally(() => wake())
    },
    receipt(number) {
      const order = known(number)
      const raised = changeReceipt(order)
      if (raised) return raised
      const receipt = order.entries.filter(one => one.kind === 'payment' || one.kind === 'refund' || one.kind === 'check').at(-1)?.receipt
      if (!receipt) throw new Fault('not-found', `order ${number} has no slip yet`, { order: number })
      return receipt
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The payment system of what is held, as its slip names it. */
function schemeOf(order: OrderRecord): string | undefined {
  return standingPayments(order).at(-1)?.receipt?.scheme
}

function hasSbp(acquirer: TillOptions['acquirer']): acquirer is SbpAcquirer {
  return acquirer.requestQr !== undefined
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** One order whose host contradicts itself is told by its notice, and the others are compared all the same. */
function passOver(error: unknown): void {
  if (!isContradiction(error)) throw error
}
