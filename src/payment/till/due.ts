/** What became of a payment or change that has no end yet: the host is asked, and it is completed or taken back (one attempt). */

import { type Clock, within } from '../../clock.ts'
import { formatAmount } from '../../currency.ts'
import { Fault } from '../../errors.ts'
import {
  type AuthorisationMessage,
  type ChangeKind,
  changeCalls,
  type HostAnswer,
  type OrderAcquirer,
  type RetailAcquirer,
  type ReversalReason,
} from '../acquirer.ts'
import { agreed, contradicts, isContradiction, takeBack } from '../host/agreement.ts'
import type { Entry, Journal, OrderRecord } from '../journal/journal.ts'
import { isUnapproval, moneyOf, stateAfter } from '../journal/money.ts'
import type { Notice } from '../journal/notice.ts'
import type { Ending } from '../journal/recorder.ts'
import { makePlainReceipt, makeReceipt, type Receipt, slipDate } from '../receipt/receipt.ts'

export interface Desk {
  readonly journal: Journal
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  readonly clock: Clock
  /** Milliseconds for all that one attempt asks of the host. */
  readonly attemptTime: number
  /** No notices: whoever asked for it is told the result. */
  readonly quiet?: boolean
}

/** `pending`: the host has no final word yet. */
export type Became = Ending['result'] | 'pending'

/**
 * Brings a claimed entry to its end. Whoever calls releases it when this throws or gives `pending`.
 *
 * | On disk | The host says | End |
 * |---|---|---|
 * | `begun` | is not asked | cancelled: nothing was sent |
 * | asked, no word of the card | declined | declined |
 * | asked, no word of the card | anything else | reversed: the card has not agreed, and nobody was told that it is paid |
 * | the card approved | approved | approved |
 * | the card approved | declined | declined |
 * | the card approved, and the host had answered | otherwise than before, or that it was taken back | reversed |
 * | the card approved | never heard of it | reversed, so that a late copy is not charged |
 * | the card approved without the host | takes the advice | approved |
 * | the card approved without the host | refuses the advice | declined, once it confirms that it has charged nothing |
 * | the card did not approve; a reversal is due | confirms | as the card said |
 * | an SBP code was asked for or shown | paid, declined | as it says; in process until then |
 * | an SBP code was asked for | never heard of it | reversed, so that a late copy cannot be paid |
 * | cash was taken | registers it | approved; told with its fiscal document |
 * | cash was taken | refuses it | approved, and told: the money is in the drawer |
 * | a confirmation, cancellation or increment | answers the repetition | as it answers |
 *
 * @throws Fault `host-unreachable`, `host-no-answer`, `host-error`, `timeout`, `aborted`: to be tried again; `journal`, `bad-key`
 */
export async function bringToEnd(desk: Desk, entry: Entry, order: OrderRecord, signal: AbortSignal | undefined): Promise<Became> {
  return within({ timeout: desk.attemptTime, clock: desk.clock, signal, what: 'the host' }, inner => attempt(desk, entry, order, inner))
}

async function attempt(desk: Desk, entry: Entry, order: OrderRecord, signal: AbortSignal): Promise<Became> {
  const { journal, acquirer, clock, quiet } = desk
  const { key, stage, change } = entry
  const at = new Date(clock.now())
  const changed = (ending: Omit<Ending, 'receipt'>): Notice =>
    entry.kind === 'refund'
      ? { type: ending.result === 'approved' ? 'refunded' : 'refundDeclined', order: order.number, key, at }
      : {
          type: 'state',
          order: order.number,
          key,
          at,
          state: stateAfter({ ...ending, receipt: receiptOf(entry, order, ending) }, key, order),
        }
  const endAs = (ending: Omit<Ending, 'receipt'>): Became => end(ending, changed(ending))
  const end = (ending: Omit<Ending, 'receipt'>, ...notices: readonly Notice[]): Became => {
    // A check that nobody waited for has changed nothing.
    journal.settle(key, { ...ending, receipt: receiptOf(entry, order, ending) }, ...(quiet || entry.kind === 'check' ? [] : notices))
    return ending.result
  }
  const reverse = async (why: ReversalReason): Promise<Became> => {
    if (entry.why === undefined) journal.record({ stage: 'reversing', key, why })
    const approved = entry.target === undefined && entry.answer?.state === 'approved'
    await takeBack(acquirer, entry.target ?? key, entry.why ?? why, { signal, approved })
    const result = entry.card === 'declined' ? 'declined' : 'cancelled'
    return end({ result, reason: entry.reason ?? 'interrupted', reversed: true }, { type: 'reversed', order: order.number, key, at })
  }
  /** As the host says; undefined when it has no final word. */
  const asSaid = (answer: HostAnswer): Became | undefined => {
    if (answer.state === 'approved') return endAs({ result: 'approved', answer })
    if (answer.state === 'declined' || answer.state === 'referral') return endAs({ result: 'declined', reason: 'hostDeclined', answer })
    if (answer.state === 'reversed')
      return end({ result: 'cancelled', reason: 'interrupted', reversed: true }, { type: 'reversed', order: order.number, key, at })
    return undefined
  }

  if (change) {
    const call = changeCalls[entry.kind as ChangeKind]
    if (!acquirer[call]) throw new Fault('host-unreachable', 'this host raises no payments')
    const answer = await acquirer[call]!(change, { signal })
    if (answer.state === 'inProcess') return 'pending'
    const { orderState: state } = answer
    const said: Notice | undefined =
      state && isUnapproval(order, state)
        ? { type: 'discrepancy', order: order.number, at, field: 'state', ours: order.state, host: state }
        : state && state !== order.state && !quiet
          ? { type: 'state', order: order.number, key, at, state }
          : undefined
    const { orderState: _state, ...stateless } = answer
    journal.changed(key, said?.type === 'discrepancy' ? stateless : answer, ...(said ? [said] : []))
    return answer.state === 'approved' ? 'approved' : 'declined'
  }
  if (entry.due === 'registration') return register()
  if (stage === 'begun') return end({ result: 'cancelled', reason: 'interrupted' }, { type: 'interrupted', order: order.number, key, at })
  if (entry.why !== undefined || entry.due === 'reversal') return reverse('noAnswer')
  if (entry.method === 'sbp') {
    // There is no card that must agree: what the customer has paid is paid. A key that the host has never seen must not be paid any more.
    const said = await ask(key)
    return said.state === 'inProcess' ? 'pending' : (asSaid(said) ?? reverse('noAnswer'))
  }
  const message = journal.sealed(key)
  if (message) return advise(message)
  if (entry.card === undefined) {
    // The card has not agreed: whatever the host did is taken back, unless it did nothing.
    const known = entry.answer ?? (await believed(key))
    if (!known) return reverse('noAnswer')
    return known.state === 'declined' || known.state === 'referral' ? asSaid(known)! : reverse('linkLost')
  }
  if (entry.card !== 'approved') {
    const said = entry.answer?.state
    if (said === 'declined' || said === 'referral') return asSaid(entry.answer!)!
    return reverse(entry.card === 'cancelled' ? 'cancelled' : 'cardDeclined')
  }
  // What is on disk is not enough: an approval whose end could not be written down was taken back.
  const known = await believed(entry.target ?? key)
  if (known?.state === 'inProcess') return 'pending'
  const part = known?.approvedAmount !== undefined && !entry.partial
  // A word that it was taken back is made true: asking for it again changes nothing.
  return (known && !part && known.state !== 'reversed' && asSaid(known)) || reverse('noAnswer')

  async function ask(of: string): Promise<HostAnswer> {
    const { type } = entry
    return agreed(await acquirer.status(of, { signal }), {
      key: of,
      order: order.number,
      amount: entry.amount,
      currency: order.currency,
      ...(type && { type }),
    })
  }

  /** Undefined where the host's answer contradicts itself, the question or what it said before: nobody was told that it is paid, and it is taken back. */
  async function believed(of: string): Promise<HostAnswer | undefined> {
    try {
      const said = await ask(of)
      return of === key && contradicts(entry.answer, said) ? undefined : said
    } catch (error) {
      if (isContradiction(error)) return undefined
      throw error
    }
  }

  async function register(): Promise<Became> {
    if (!acquirer.registerCash) throw new Fault('host-unreachable', 'this host takes no cash sales')
    const sale = { key, order, merchant: entry.merchant, amount: entry.amount, at: entry.at, received: entry.received ?? entry.amount }
    const answer = await acquirer.registerCash(sale, { signal })
    const { number } = order
    if (answer.state === 'approved')
      return end(
        { result: 'approved', answer },
        { type: 'synchronised', order: number, key, at },
        { type: 'fiscalised', order: number, key, at },
      )
    if (answer.state !== 'declined') return 'pending'
    const code = answer.response?.code ?? '96'
    return end({ result: 'approved', reason: 'notRegistered', answer }, { type: 'refused', order: number, key, at, code })
  }

  async function advise(kept: AuthorisationMessage): Promise<Became> {
    const answer = await acquirer.advise(kept, { signal })
    if (answer.state === 'inProcess') return 'pending'
    if (answer.state !== 'approved') {
      if (answer.state !== 'unknown') await takeBack(acquirer, kept.key, 'cancelled', { signal })
      return asSaid(answer) ?? 'pending'
    }
    const ending = { result: 'approved', answer } as const
    return end(ending, entry.result === 'approved' ? { type: 'synchronised', order: order.number, key, at } : changed(ending))
  }
}

/** The slip of a change of what is held, where that was the last that was done: more held, or the amount that is charged in the end. */
export function changeReceipt(order: OrderRecord): Receipt | undefined {
  const deeds = order.entries.filter(({ kind, change }) => kind !== 'cancellation' && (kind !== 'confirmation' || change?.final))
  const last = deeds.at(-1)
  const paid = order.entries.findLast(({ kind, result }) => kind === 'payment' && result === 'approved')
  if (!last?.result || !paid?.receipt || (last.kind !== 'increment' && last.kind !== 'confirmation')) return undefined
  const { rrn, authorisationCode, code } = last.answer?.response ?? {}
  const amount = last.answer?.about?.amount ?? last.change?.amount
  const { held } = moneyOf(order)
  const { purchase: _p, tip: _t, surcharge: _s, cashback: _c, ...base } = paid.receipt
  return {
    ...base,
    type: last.kind === 'increment' ? 'increment' : 'completion',
    result: last.result,
    amount: formatAmount(amount ?? 0n, order.currency),
    ...(last.kind === 'increment' && { held: formatAmount(held, order.currency) }),
    date: slipDate(last.at),
    ...(code && { responseCode: code }),
    ...(rrn && { rrn }),
    ...(authorisationCode && { authorisationCode }),
    signatureLine: false,
  }
}

/** The slip as it would have been, with what the host says now. */
function receiptOf(entry: Entry, order: OrderRecord, { result, answer }: Omit<Ending, 'receipt'>): Receipt {
  const response = (answer ?? entry.answer)?.response
  if (entry.method === 'cash' || entry.method === 'sbp') {
    const base = entry.receipt ?? makePlainReceipt({ order, merchant: entry.merchant, at: entry.at }, entry.method, result, entry.received)
    return { ...base, result, ...(response?.rrn && { rrn: response.rrn }) }
  }
  const blank = { tags: new Map() }
  const { merchant, at, type, amount } = entry
  const base = entry.receipt ?? makeReceipt({ merchant, order, ...(type && { type }), amount, result, outcome: blank, at, signed: true })
  const { code, rrn, authorisationCode } = response ?? {}
  const part = result === 'approved' ? answer?.approvedAmount : undefined
  return {
    ...base,
    result,
    ...(part !== undefined && { amount: formatAmount(part, order.currency) }),
    ...(code && { responseCode: code }),
    ...(rrn && { rrn }),
    ...(authorisationCode && { authorisationCode }),
    signatureLine: base.signatureLine && result === 'approved',
  }
}
