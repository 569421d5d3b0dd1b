/** An order's money as this till's own book has it: what was paid, is held, went back, and is still due; and whether the host's word of it can be true. */

import { Fault } from '../../errors.ts'
import { type HostOrder, type ItemPart, type OrderState, paidStates } from '../acquirer.ts'
import { priceParts } from '../order.ts'
import type { Entry, OrderRecord } from './journal.ts'
import type { Disagreement } from './notice.ts'
import type { Ending, Intent } from './recorder.ts'

/** Minor units. */
export interface OrderMoney {
  /** By approved payments that were not reversed. */
  readonly paid: bigint
  /** Of it: not confirmed yet. */
  readonly held: bigint
  readonly charged: bigint
  /** Confirmed of what was held. */
  readonly confirmed: bigint
  /** Let go or given back. */
  readonly back: bigint
  /** Of `back`: what was let go without ever being charged. */
  readonly letGo: bigint
  /** Thousandths of each item that were confirmed, and that were cancelled. */
  readonly items: Readonly<Record<'confirmation' | 'cancellation', ReadonlyMap<string, bigint>>>
}

type Booked = Pick<OrderRecord, 'amount' | 'items' | 'entries'>

/** Payments that stand: approved, and not reversed. */
export function standingPayments({ entries }: Pick<OrderRecord, 'entries'>): Entry[] {
  return entries.filter(({ kind, result }) => kind === 'payment' && result === 'approved')
}

/** What the entries that were approved add up to. */
export function moneyOf(order: Booked): OrderMoney {
  let [paid, held, charged, confirmed, back, letGo] = [0n, 0n, 0n, 0n, 0n, 0n]
  const items = { confirmation: new Map<string, bigint>(), cancellation: new Map<string, bigint>() }
  for (const entry of order.entries) {
    if (entry.result !== 'approved') continue
    if (entry.kind === 'payment') {
      paid += entry.amount
      if (isHeld(entry)) held += entry.amount
      else charged += entry.amount
      continue
    }
    if (entry.kind === 'refund') {
      if (!entry.linked) continue
      charged -= least(entry.amount, charged)
      back += entry.amount
      continue
    }
    if (entry.kind === 'check') continue
    const { change, kind } = entry
    if (kind === 'increment') {
      paid += entry.answer?.about?.amount ?? change?.amount ?? 0n
      held += entry.answer?.about?.amount ?? change?.amount ?? 0n
      continue
    }
    const most = kind === 'confirmation' ? held : change?.of === 'charged' ? charged : change?.of === 'held' ? held : held + charged
    const amount = entry.answer?.about?.amount ?? sizeOf(order, entry, most, items[kind])
    for (const { id, quantity } of partsOf(order, change?.items, items[kind])) items[kind].set(id, (items[kind].get(id) ?? 0n) + quantity)
    if (kind === 'confirmation') {
      // A final amount over what is held is charged all the same; under it, the rest is let go.
      const over = amount - least(amount, held)
      paid += over
      confirmed += amount
      held -= amount - over
      charged += amount
      if (change?.final) {
        letGo += held
        back += held
        held = 0n
      }
      continue
    }
    const free = change?.of === 'charged' ? 0n : least(amount, held)
    held -= free
    letGo += free
    charged -= least(amount - free, charged)
    back += amount
  }
  return { paid, held, charged, confirmed, back, letGo, items }
}

function isHeld({ hold, answer }: Entry): boolean {
  return hold === true || answer?.orderState === 'Delayed' || answer?.orderState === 'PartialDelayed'
}

function sizeOf(order: Booked, { change, amount }: Entry, most: bigint, taken: ReadonlyMap<string, bigint>): bigint {
  if (change?.items) return priced(order, change.items, taken)?.amount ?? most
  return change?.amount ?? (amount > 0n ? amount : most)
}

function partsOf(order: Booked, parts: readonly ItemPart[] | undefined, taken: ReadonlyMap<string, bigint>) {
  return (parts && priced(order, parts, taken)?.parts) ?? []
}

/** Undefined where the items do not fit any more, which the host has then taken all the same. */
function priced({ items = [] }: Booked, parts: readonly ItemPart[], taken: ReadonlyMap<string, bigint>) {
  try {
    return priceParts(items, parts, taken)
  } catch {
    return undefined
  }
}

/**
 * Minor units that may still be paid. What was approved here and not taken back is paid, whatever the order's state says: a payment of part leaves the rest, and an
 * order that was cancelled in part leaves nothing.
 */
export function dueOf(order: Booked & Pick<OrderRecord, 'state'>): bigint {
  const { paid, back } = moneyOf(order)
  const standing = paid - back
  if (standing > 0n) return back > 0n || paid >= order.amount ? 0n : order.amount - paid
  return paidStates.includes(order.state) ? 0n : order.amount
}

/** What is to be paid of `order`: the rest where `known`, this till's record of it, has a payment that stands. */
export function restOf(order: Pick<OrderRecord, 'amount'>, known: OrderRecord | undefined): bigint {
  return known && standingPayments(known).length > 0 ? dueOf(known) : order.amount
}

/**
 * An order that is paid or being paid is not paid again, and no more is given back by card than was paid for it.
 * @throws Fault `busy` with details.state, `bad-argument` where what is left of an order is paid as an order of another amount
 */
export function refuseIfTaken({ order, amount, type }: Pick<Intent, 'order' | 'amount' | 'type'>, known: OrderRecord | undefined): void {
  if (!known) return
  const { number } = order
  const open = known.entries.find(one => one.open)
  const inProcess = (key: string) =>
    new Fault('busy', `order ${number} is still being processed`, { state: 'in-process', order: number, key })
  const { paid, back } = moneyOf(known)
  if (type === 'check') {
    if (open) throw inProcess(open.key)
    return
  }
  if (type === 'refund') {
    if (open) throw inProcess(open.key)
    if (paid > 0n && amount > paid - back)
      throw bad('amount', `${paid - back} minor units of order ${number} can be given back, not ${amount}`)
    return
  }
  const due = dueOf(known)
  if (due === 0n && known.amount > 0n) throw new Fault('busy', `order ${number} is already paid`, { state: 'already-paid', order: number })
  if (open) throw inProcess(open.key)
  if (paid - back <= 0n) return
  if (known.amount !== order.amount || known.currency.alpha !== order.currency.alpha)
    throw bad('order.amount', `a part of order ${number} is paid, and it is another amount`)
  if (amount > due) throw bad('amount', `${due} minor units of order ${number} are left to be paid, not ${amount}`)
}

function bad(field: string, rule: string): Fault {
  return new Fault('bad-argument', `${field}: ${rule}`, { field })
}

/** The state of an order after a payment or refund of it, `key`, has ended. `order`: as it was before. */
export function stateAfter({ result, answer, reversed }: Ending, key: string, order: OrderRecord): OrderState {
  const entry = order.entries.find(one => one.key === key)!
  const { paid, back } = moneyOf({ ...order, entries: order.entries.filter(one => one !== entry) })
  const said = answer?.state === result ? answer.orderState : undefined
  if (entry.kind === 'check') return order.state
  if (entry.kind === 'refund') {
    if (result !== 'approved' || !entry.linked) return order.state
    return back + entry.amount >= paid ? 'Canceled' : 'PartialCanceled'
  }
  // What was paid before stands, whatever became of what was to be paid beside it.
  if (paid - back > 0n && result !== 'approved' && result !== 'unknown') return 'PartialApproved'
  if (reversed) return 'Canceled'
  if (result === 'unknown') return 'In Process'
  if (result === 'approved') {
    if (said && said !== 'In Process') return said
    if (paid + (answer?.approvedAmount ?? entry.amount) < order.amount) return 'PartialApproved'
    return entry.hold ? 'Delayed' : 'Approved'
  }
  if (result !== 'declined') return 'Canceled'
  // A refused payment makes no order a paid one, unless that is why it was refused.
  return said && (!paidStates.includes(said) || answer?.response?.code === '94') ? said : 'Declined'
}

/** Where `host` cannot be what the host has of `order`: another number, amount or currency, or a state that its own money contradicts. */
export function disagreement(order: Pick<OrderRecord, 'number' | 'amount' | 'currency'>, host: HostOrder): Disagreement | undefined {
  if (host.number !== order.number) return { field: 'number', ours: order.number, host: host.number }
  if (host.amount !== order.amount) return { field: 'amount', ours: `${order.amount}`, host: `${host.amount}` }
  if (host.currency.alpha !== order.currency.alpha) return { field: 'currency', ours: order.currency.alpha, host: host.currency.alpha }
  const money = host.held + host.charged
  if (needsMoney(host.state) ? money <= 0n : hasNone(host.state) && money > 0n)
    return { field: 'state', ours: `${money} minor units held or charged`, host: host.state }
  return undefined
}

/**
 * Whether the host's state of an order may be taken over. A payment that was approved here and not taken back is not undone by a word: only a cancellation, which
 * may be another's, brings such an order down.
 */
export function isUnapproval(order: OrderRecord, state: OrderState, cancelled?: bigint): boolean {
  const { paid, back } = moneyOf({ ...order, entries: order.entries.filter(knownToHost) })
  if (paid - back <= 0n) return false
  if (state === 'Canceled') return cancelled !== undefined && cancelled <= 0n
  return state === 'In Process' || state === 'Declined' || state === 'Timeout'
}

/** What stands, whatever the host says: it has not heard of it yet, or has refused to register cash that is in the drawer. */
function knownToHost({ due, reason }: Entry): boolean {
  return due === undefined && reason !== 'notRegistered'
}

function needsMoney(state: OrderState): boolean {
  return paidStates.includes(state) || state === 'PartialApproved'
}

function hasNone(state: OrderState): boolean {
  return state === 'Declined' || state === 'Timeout' || state === 'Canceled'
}

function least(one: bigint, other: bigint): bigint {
  return other < one ? other : one
}
