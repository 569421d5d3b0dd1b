/** What became of a payment or change that has no end yet: the host is asked, and it is completed or taken back (one attempt). */

import { type Clock, within } from '../clock.ts'
import { Fault } from '../errors.ts'
import type { AuthorisationMessage, HostAnswer, OrderAcquirer, OrderState, RetailAcquirer, ReversalReason } from './acquirer.ts'
import type { Entry, Journal, OrderRecord } from './journal.ts'
import type { Notice } from './notice.ts'
import { makePlainReceipt, makeReceipt, type Receipt } from './receipt.ts'
import type { Ending } from './recorder.ts'

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
 * | the card approved | never heard of it | reversed, so that a late copy is not charged |
 * | the card approved without the host | takes the advice | approved |
 * | the card did not approve; a reversal is due | confirms | as the card said |
 * | an SBP code was asked for or shown | paid, declined | as it says; in process until then |
 * | an SBP code was asked for | never heard of it | reversed, so that a late copy cannot be paid |
 * | cash was taken | registers it | approved; told with its fiscal document |
 * | cash was taken | refuses it | approved, and told: the money is in the drawer |
 * | a confirmation or cancellation | answers the repetition | as it answers |
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
  const changed = (state: OrderState): Notice => ({ type: 'state', order: order.number, key, at, state })
  const end = (ending: Omit<Ending, 'receipt'>, ...notices: readonly Notice[]): Became => {
    journal.settle(key, { ...ending, receipt: receiptOf(entry, order, ending) }, ...(quiet ? [] : notices))
    return ending.result
  }
  const reverse = async (why: ReversalReason): Promise<Became> => {
    if (entry.why === undefined) journal.record({ stage: 'reversing', key, why })
    await acquirer.reverse(entry.target ?? key, entry.why ?? why, { signal })
    const result = entry.card === 'declined' ? 'declined' : 'cancelled'
    return end({ result, reason: entry.reason ?? 'interrupted', reversed: true }, { type: 'reversed', order: order.number, key, at })
  }
  /** As the host says; undefined when it has no final word. */
  const asSaid = (answer: HostAnswer): Became | undefined => {
    if (answer.state === 'approved')
      return end({ result: 'approved', answer }, changed(answer.orderState ?? (entry.hold ? 'Delayed' : 'Approved')))
    if (answer.state === 'declined' || answer.state === 'referral')
      return end({ result: 'declined', reason: 'hostDeclined', answer }, changed(answer.orderState ?? 'Declined'))
    if (answer.state === 'reversed')
      return end({ result: 'cancelled', reason: 'interrupted', reversed: true }, { type: 'reversed', order: order.number, key, at })
    return undefined
  }

  if (change) {
    const answer = await acquirer[entry.kind === 'confirmation' ? 'confirm' : 'cancel'](change, { signal })
    if (answer.state === 'inProcess') return 'pending'
    journal.changed(key, answer, ...(!quiet && answer.orderState && answer.orderState !== order.state ? [changed(answer.orderState)] : []))
    return answer.state === 'approved' ? 'approved' : 'declined'
  }
  if (entry.due === 'registration') return register()
  if (stage === 'begun') return end({ result: 'cancelled', reason: 'interrupted' }, { type: 'interrupted', order: order.number, key, at })
  if (entry.why !== undefined || entry.due === 'reversal') return reverse('noAnswer')
  if (entry.method === 'sbp') {
    // There is no card that must agree: what the customer has paid is paid. A key that the host has never seen must not be paid any more.
    const said = await acquirer.status(key, { signal })
    return said.state === 'inProcess' ? 'pending' : (asSaid(said) ?? reverse('noAnswer'))
  }
  const message = journal.sealed(key)
  if (message) return advise(message)
  if (entry.card === undefined) {
    // The card has not agreed: whatever the host did is taken back, unless it did nothing.
    const known = entry.answer ?? (await acquirer.status(key, { signal }))
    return known.state === 'declined' || known.state === 'referral' || known.state === 'reversed' ? asSaid(known)! : reverse('linkLost')
  }
  if (entry.card !== 'approved') {
    const said = entry.answer?.state
    if (said === 'declined' || said === 'referral') return asSaid(entry.answer!)!
    return reverse(entry.card === 'cancelled' ? 'cancelled' : 'cardDeclined')
  }
  // What is on disk is not enough: an approval whose end could not be written down was taken back.
  const known = await acquirer.status(entry.target ?? key, { signal })
  if (known.state === 'inProcess') return 'pending'
  return asSaid(known) ?? reverse('noAnswer')

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
    if (answer.state !== 'approved') return asSaid(answer) ?? 'pending'
    const told: Notice = { type: 'synchronised', order: order.number, key, at }
    return end({ result: 'approved', answer }, entry.result === 'approved' ? told : changed(answer.orderState ?? 'Approved'))
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
  const { merchant, at } = entry
  const base = entry.receipt ?? makeReceipt({ merchant, order, result, outcome: blank, at, signed: true })
  const { code, rrn, authorisationCode } = response ?? {}
  return {
    ...base,
    result,
    ...(code && { responseCode: code }),
    ...(rrn && { rrn }),
    ...(authorisationCode && { authorisationCode }),
    signatureLine: base.signatureLine && result === 'approved',
  }
}
