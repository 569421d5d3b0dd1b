/** What became of a payment or change that has no end yet: the host is asked, and it is completed or taken back (one attempt). */

import { type Clock, within } from '../../clock.ts'
import { Fault } from '../../errors.ts'
import {
  type AuthorisationMessage,
  type ChangeKind,
  changeCalls,
  type HostAnswer,
  type OrderAcquirer,
  type OrderChange,
  type RetailAcquirer,
  type ReversalReason,
} from '../acquirer.ts'
import { agreed, contradicts, isContradiction, takeBack } from '../host/agreement.ts'
import type { Entry, Journal, OrderRecord } from '../journal/journal.ts'
import { isUnapproval, stateAfter } from '../journal/money.ts'
import type { Notice } from '../journal/notice.ts'
import type { Ending } from '../journal/recorder.ts'
import { receiptOf } from './slips.ts'

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
  return within({ timeout: desk.attemptTime, clock: desk.clock, signal, what: 'the host' }, inner =>
    attempt({ desk, entry, order, signal: inner, at: new Date(desk.clock.now()) }),
  )
}

/** One attempt at one entry. */
interface Trying {
  readonly desk: Desk
  readonly entry: Entry
  readonly order: OrderRecord
  readonly signal: AbortSignal
  readonly at: Date
}

async function attempt(trying: Trying): Promise<Became> {
  const { desk, entry } = trying
  if (entry.change) return repeatChange(trying, entry.change)
  if (entry.due === 'registration') return register(trying)
  if (entry.stage === 'begun') return end(trying, { result: 'cancelled', reason: 'interrupted' }, notice(trying, 'interrupted'))
  if (entry.why !== undefined || entry.due === 'reversal') return reverse(trying, 'noAnswer')
  if (entry.method === 'sbp') {
    // There is no card that must agree: what the customer has paid is paid. A key that the host has never seen must not be paid any more.
    const said = await ask(trying, entry.key)
    return said.state === 'inProcess' ? 'pending' : (asSaid(trying, said) ?? reverse(trying, 'noAnswer'))
  }
  const message = desk.journal.sealed(entry.key)
  return message ? advise(trying, message) : byCard(trying)
}

/** A payment by card whose host was asked, by what the card has said. */
async function byCard(trying: Trying): Promise<Became> {
  const { entry } = trying
  if (entry.card === undefined) {
    // The card has not agreed: whatever the host did is taken back, unless it did nothing.
    const known = entry.answer ?? (await believed(trying, entry.key))
    if (!known) return reverse(trying, 'noAnswer')
    return known.state === 'declined' || known.state === 'referral' ? asSaid(trying, known)! : reverse(trying, 'linkLost')
  }
  if (entry.card !== 'approved') {
    const said = entry.answer?.state
    if (said === 'declined' || said === 'referral') return asSaid(trying, entry.answer!)!
    return reverse(trying, entry.card === 'cancelled' ? 'cancelled' : 'cardDeclined')
  }
  // What is on disk is not enough: an approval whose end could not be written down was taken back.
  const known = await believed(trying, entry.target ?? entry.key)
  if (known?.state === 'inProcess') return 'pending'
  const part = known?.approvedAmount !== undefined && !entry.partial
  // A word that it was taken back is made true: asking for it again changes nothing.
  return (known && !part && known.state !== 'reversed' && asSaid(trying, known)) || reverse(trying, 'noAnswer')
}

type PlainNotice = 'synchronised' | 'fiscalised' | 'reversed' | 'interrupted' | 'refunded' | 'refundDeclined'

function notice<T extends PlainNotice>({ entry, order, at }: Trying, type: T) {
  return { type, order: order.number, key: entry.key, at }
}

/** That its state is another one now; of a refund, how it ended. */
function changed(trying: Trying, ending: Omit<Ending, 'receipt'>): Notice {
  const { entry, order, at } = trying
  const { key } = entry
  if (entry.kind === 'refund') return notice(trying, ending.result === 'approved' ? 'refunded' : 'refundDeclined')
  const state = stateAfter({ ...ending, receipt: receiptOf(entry, order, ending) }, key, order)
  return { type: 'state', order: order.number, key, at, state }
}

function end({ desk, entry, order }: Trying, ending: Omit<Ending, 'receipt'>, ...notices: readonly Notice[]): Became {
  // A check that nobody waited for has changed nothing.
  const told = desk.quiet || entry.kind === 'check' ? [] : notices
  desk.journal.settle(entry.key, { ...ending, receipt: receiptOf(entry, order, ending) }, ...told)
  return ending.result
}

function endAs(trying: Trying, ending: Omit<Ending, 'receipt'>): Became {
  return end(trying, ending, changed(trying, ending))
}

async function reverse(trying: Trying, why: ReversalReason): Promise<Became> {
  const { desk, entry, signal } = trying
  if (entry.why === undefined) desk.journal.record({ stage: 'reversing', key: entry.key, why })
  const approved = entry.target === undefined && entry.answer?.state === 'approved'
  await takeBack(desk.acquirer, entry.target ?? entry.key, entry.why ?? why, { signal, approved })
  const result = entry.card === 'declined' ? 'declined' : 'cancelled'
  return end(trying, { result, reason: entry.reason ?? 'interrupted', reversed: true }, notice(trying, 'reversed'))
}

/** As the host says; undefined when it has no final word. */
function asSaid(trying: Trying, answer: HostAnswer): Became | undefined {
  if (answer.state === 'approved') return endAs(trying, { result: 'approved', answer })
  if (answer.state === 'declined' || answer.state === 'referral')
    return endAs(trying, { result: 'declined', reason: 'hostDeclined', answer })
  if (answer.state === 'reversed')
    return end(trying, { result: 'cancelled', reason: 'interrupted', reversed: true }, notice(trying, 'reversed'))
  return undefined
}

async function repeatChange({ desk, entry, order, signal, at }: Trying, change: OrderChange): Promise<Became> {
  const { journal, acquirer, quiet } = desk
  const { key } = entry
  const call = changeCalls[entry.kind as ChangeKind]
  if (!acquirer[call]) throw new Fault('host-unreachable', 'this host raises no payments')
  const answer = await acquirer[call]!(change, { signal })
  if (answer.state === 'inProcess') return 'pending'
  const { orderState: state, ...stateless } = answer
  const said: Notice | undefined =
    state && isUnapproval(order, state)
      ? { type: 'discrepancy', order: order.number, at, field: 'state', ours: order.state, host: state }
      : state && state !== order.state && !quiet
        ? { type: 'state', order: order.number, key, at, state }
        : undefined
  journal.changed(key, said?.type === 'discrepancy' ? stateless : answer, ...(said ? [said] : []))
  return answer.state === 'approved' ? 'approved' : 'declined'
}

async function ask({ desk, entry, order, signal }: Trying, key: string): Promise<HostAnswer> {
  const { type, amount } = entry
  const about = { key, order: order.number, amount, currency: order.currency, ...(type && { type }) }
  return agreed(await desk.acquirer.status(key, { signal }), about)
}

/** Undefined where the host's answer contradicts itself, the question or what it said before: nobody was told that it is paid, and it is taken back. */
async function believed(trying: Trying, key: string): Promise<HostAnswer | undefined> {
  const { entry } = trying
  try {
    const said = await ask(trying, key)
    return key === entry.key && contradicts(entry.answer, said) ? undefined : said
  } catch (error) {
    if (isContradiction(error)) return undefined
    throw error
  }
}

async function register(trying: Trying): Promise<Became> {
  const { desk, entry, order, signal, at } = trying
  if (!desk.acquirer.registerCash) throw new Fault('host-unreachable', 'this host takes no cash sales')
  const { key, merchant, amount, received = amount } = entry
  const answer = await desk.acquirer.registerCash({ key, order, merchant, amount, at: entry.at, received }, { signal })
  if (answer.state === 'approved')
    return end(trying, { result: 'approved', answer }, notice(trying, 'synchronised'), notice(trying, 'fiscalised'))
  if (answer.state !== 'declined') return 'pending'
  const code = answer.response?.code ?? '96'
  return end(trying, { result: 'approved', reason: 'notRegistered', answer }, { type: 'refused', order: order.number, key, at, code })
}

async function advise(trying: Trying, kept: AuthorisationMessage): Promise<Became> {
  const { desk, entry, signal } = trying
  const answer = await desk.acquirer.advise(kept, { signal })
  if (answer.state === 'inProcess') return 'pending'
  if (answer.state !== 'approved') {
    if (answer.state !== 'unknown') await takeBack(desk.acquirer, kept.key, 'cancelled', { signal })
    return asSaid(trying, answer) ?? 'pending'
  }
  const ending = { result: 'approved', answer } as const
  return end(trying, ending, entry.result === 'approved' ? notice(trying, 'synchronised') : changed(trying, ending))
}
