/** A confirmation, a cancellation, a refund or a rise of what is held: what hangs is ended first, the change is written down, and the host is asked. */

import * as door from '../../door.ts'
import { Fault, throwIfAborted } from '../../errors.ts'
import type { ChangeKind, HostAnswer, OrderChange } from '../acquirer.ts'
import { allowedOf, needIncrements, overOf } from '../estimates.ts'
import type { Entry, OrderRecord } from '../journal/journal.ts'
import { moneyOf, standingPayments } from '../journal/money.ts'
import * as rules from '../rules.ts'
import { attempt } from './attempt.ts'
import type { TillDesk } from './desk.ts'
import { checkPart, type Part, refusalOf, refuseIncrement } from './part.ts'

/** What came of a change of an order. */
export interface Changed {
  /** `unknown`: the host has not answered yet; it is asked again until it has. */
  readonly result: 'approved' | 'declined' | 'unknown'
  /** What the host said, or why the till refused. */
  readonly answer?: HostAnswer
  /** As it stands now. */
  readonly order: OrderRecord
}

/** What is changed; `of`: where it matters whether it is what is held or what was charged. */
export type ChangedPart = Part & Pick<OrderChange, 'of'>

/** @throws Fault `not-found`, `unsupported`, `bad-argument`, `journal`, `busy` */
export async function change(
  desk: TillDesk,
  kind: ChangeKind,
  number: string,
  part: ChangedPart,
  signal: AbortSignal | undefined,
): Promise<Changed> {
  door.need('part', part, rules.partRule)
  throwIfAborted(signal)
  const order = desk.known(number)
  const over = mayChange(desk, kind, order, part)
  for (const entry of order.entries.filter(one => one.open)) {
    const ended = await endHanging(desk, kind, entry, part, signal)
    if (ended) return ended
  }
  const { journal } = desk
  const asked = newChange(desk, number, part)
  journal.change(kind, asked)
  const now = desk.known(number)
  const refused = kind === 'increment' ? refuseIncrement(now) : refusalOf(kind, now, part, over)
  if (refused) {
    journal.changed(asked.key, refused)
    return { result: 'declined', answer: refused, order: desk.known(number) }
  }
  journal.release(asked.key)
  const { became } = await attempt(desk, journal.entry(asked.key)!, signal, true)
  desk.wake()
  const after = desk.known(number)
  const { answer } = after.entries.find(({ key }) => key === asked.key)!
  const result = became === 'approved' || became === 'declined' ? became : 'unknown'
  return { result, ...(answer && { answer }), order: after }
}

/** Minor units that may be charged over what is held. @throws Fault `unsupported`, `bad-argument` where the merchant's rules, the order or the host cannot have it */
function mayChange({ acquirer, estimates }: TillDesk, kind: ChangeKind, order: OrderRecord, part: ChangedPart): bigint {
  const over = kind === 'confirmation' ? overOf(moneyOf(order).held, allowedOf(schemeOf(order), estimates)) : 0n
  if (kind === 'increment') needIncrements(schemeOf(order), estimates, order.number)
  else checkPart(order, part, over)
  if (kind === 'increment' && !acquirer.increment) throw new Fault('unsupported', 'this host raises no payments', { feature: 'increment' })
  return over
}

/** The payment system of what is held, as its slip names it. */
function schemeOf(order: OrderRecord): string | undefined {
  return standingPayments(order).at(-1)?.receipt?.scheme
}

/** Ends what hangs. A payment that hangs is taken back as a whole, which is what its cancellation asks for: that is the change's own end. @throws Fault `busy` */
async function endHanging(
  desk: TillDesk,
  kind: ChangeKind,
  entry: Entry,
  part: ChangedPart,
  signal: AbortSignal | undefined,
): Promise<Changed | undefined> {
  const { journal } = desk
  const { order: number } = entry
  const undo = kind === 'cancellation' && isTakenBackBy(part, entry)
  if (undo && entry.why === undefined && journal.claim(entry.key)) {
    journal.record({ stage: 'reversing', key: entry.key, why: 'cancelled' })
    journal.release(entry.key)
  }
  const { became } = await attempt(desk, entry, signal, true)
  if (became === 'busy') throw new Fault('busy', `order ${number} is still being processed`, { state: 'in-process', order: number })
  if (!undo) return undefined
  desk.wake()
  return { result: became === 'pending' ? 'unknown' : became === 'cancelled' ? 'approved' : 'declined', order: desk.known(number) }
}

/** The whole of it, and it is not approved. */
function isTakenBackBy({ amount, items, of }: ChangedPart, { kind, result }: Entry): boolean {
  return (kind === 'payment' || kind === 'refund') && result !== 'approved' && !amount && !items && !of
}

function newChange({ newKey, merchant, clock }: TillDesk, number: string, { amount, items, of, final }: ChangedPart): OrderChange {
  return {
    ...{ key: newKey(), merchant, number, at: new Date(clock.now()) },
    ...(amount !== undefined && { amount }),
    ...(items && { items }),
    ...(of && { of }),
    ...(final && { final }),
  }
}
