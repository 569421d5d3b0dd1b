/** The host's order beside the till's: what can be true is taken over, what cannot is told and changes nothing. */

import { Fault } from '../../errors.ts'
import type { HostOperation, HostOrder, OrderAcquirer } from '../acquirer.ts'
import { isContradiction } from '../host/agreement.ts'
import type { Entry, Journal, OrderRecord } from '../journal/journal.ts'
import { disagreement, isUnapproval } from '../journal/money.ts'
import type { Disagreement, Notice } from '../journal/notice.ts'

export interface Comparing {
  readonly journal: Journal
  readonly acquirer: Pick<OrderAcquirer, 'order'>
  now(): Date
  /** Once for each discrepancy of this till's life: every start compares again. */
  readonly told: Set<string>
}

/**
 * Asks the host for `order` and takes over its state. `notify`: a change is told.
 * @throws Fault `host-error` with details.field where number, amount, currency or the money of the state cannot be this order's: the state is kept, and a notice
 * says so; and what `order` of the acquirer throws
 */
export async function compare(
  { journal, acquirer, now, told }: Comparing,
  order: OrderRecord,
  { signal, notify }: { readonly signal: AbortSignal | undefined; readonly notify: boolean },
): Promise<void> {
  const { merchant, number } = order
  const refuse = ({ field, ours, host }: Disagreement) => {
    const once = [number, field, host].join(' ')
    if (!told.has(once)) journal.notify({ type: 'discrepancy', order: number, at: now(), field, ours, host })
    told.add(once)
  }
  let host: HostOrder | undefined
  try {
    host = await acquirer.order(merchant, number, signal ? { signal } : {})
  } catch (error) {
    if (isContradiction(error)) refuse({ field: 'number', ours: number, host: (error as Fault).message })
    throw error
  }
  if (!host) {
    if (isUnapproval(order, 'Declined')) refuse({ field: 'number', ours: number, host: NONE })
    return
  }
  const wrong = disagreement(order, host) ?? otherAmount(order, host)
  if (wrong) {
    refuse(wrong)
    throw new Fault('host-error', `the host's order ${number} is not this one: ${wrong.field} ${wrong.host}, not ${wrong.ours}`, {
      ...wrong,
      contradiction: wrong.field,
      order: number,
    })
  }
  const { state, billNumber, cancelled } = host
  if (state !== order.state && isUnapproval(order, state, cancelled)) return refuse({ field: 'state', ours: order.state, host: state })
  if (state === order.state && billNumber === order.billNumber) return
  if (keepsOwn(order) && state !== order.state) return
  const notice: Notice = { type: 'state', order: number, at: now(), state }
  // Whoever was told that nothing was paid does not wait for this word.
  const news = notify || order.entries.some(entry => entry.result !== 'approved' && paidAt(host, entry))
  journal.update(merchant, number, { state, billNumber }, ...(news && state !== order.state ? [notice] : []))
}

/** The host has no such order. */
const NONE = '-'

/** The host's payment that came with the key of `entry`, where it stands. */
function paidAt({ operations }: HostOrder, { key, kind, target = key }: Entry): HostOperation | undefined {
  if (kind !== 'payment') return undefined
  return operations.find(
    ({ type, state, transactions }) => type === 'payment' && state === 'Approved' && transactions.some(one => one.key === target),
  )
}

/** A payment that both have, of another amount. */
function otherAmount({ entries }: OrderRecord, host: HostOrder): Disagreement | undefined {
  for (const entry of entries) {
    const there = entry.result === 'approved' ? paidAt(host, entry) : undefined
    if (there && there.amount !== entry.amount) return { field: 'amount', ours: `${entry.amount}`, host: `${there.amount}` }
  }
  return undefined
}

/** What the host has not heard of yet, or has refused to register, stands in the till's own book alone. */
function keepsOwn({ entries }: OrderRecord): boolean {
  return entries.some(
    ({ kind, result, due, reason }) => kind === 'payment' && result === 'approved' && (due !== undefined || reason === 'notRegistered'),
  )
}
