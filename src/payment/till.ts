/** The till: orders paid, confirmed, cancelled and refunded over one journal and one acquirer, and nothing forgotten between two starts. */

import type { Clock } from '../clock.ts'
import type { HostAnswer, Merchant, Order, OrderAcquirer, OrderChange } from './acquirer.ts'
import type { Entry, Journal, OrderRecord } from './journal.ts'
import type { Notice } from './notice.ts'
import type { PaymentResult, PayOptions } from './payment.ts'
import type { Receipt } from './receipt.ts'

export interface TillOptions {
  readonly journal: Journal
  readonly acquirer: OrderAcquirer
  readonly merchant: Merchant
  readonly clock?: Clock
  /** Hears each change; a notice counts as told when this returns, and is told again after a crash before that. */
  readonly onNotice?: (notice: Notice) => void
  /** Milliseconds for one attempt at what is due; 20 s when left out. */
  readonly attemptTime?: number
  /** Whether recovery, the last three days and all retries run by themselves from the start; true when left out. */
  readonly background?: boolean
}

/** How an order is paid: a reader, be it a card reader or this phone (SoftPOS), and what `pay` takes with it. */
export interface How extends Omit<PayOptions, 'acquirer' | 'merchant' | 'clock' | 'journal'> {
  readonly method?: 'reader' | 'softpos'
}

/** `already-paid`, `in-process`: nothing was asked of anybody, the order stands as it stood. */
export type Paid =
  | { readonly result: PaymentResult['result']; readonly payment: PaymentResult; readonly order: OrderRecord }
  | { readonly result: 'already-paid' | 'in-process'; readonly order: OrderRecord }

export interface Changed {
  /** `unknown`: the host has not answered yet; it is asked again until it has. */
  readonly result: 'approved' | 'declined' | 'unknown'
  readonly answer?: HostAnswer
  readonly order: OrderRecord
}

/** Part of an order: an amount, or items, or neither for all that is left. */
export type Part = Pick<OrderChange, 'amount' | 'items'>

export interface Recovered {
  readonly entry: Entry
  /** `pending`: the host could not be reached; `busy`: another process has it. */
  readonly became: 'approved' | 'declined' | 'cancelled' | 'pending' | 'busy'
}

export interface Till extends AsyncDisposable {
  readonly journal: Journal
  /** @throws Fault `journal` before the card is asked for, and what `pay` throws */
  payOrder(order: Order, how: How): Promise<Paid>
  /** Brings every open entry that is in nobody's hands to its end, or one attempt nearer. */
  recover(signal?: AbortSignal): Promise<readonly Recovered[]>
  /** Compares orders of the last `days` that were paid offline or in process with the host's. Gives those that changed. */
  reconcile(days?: number, signal?: AbortSignal): Promise<readonly OrderRecord[]>
  orders(filter?: Parameters<Journal['orders']>[0]): readonly OrderRecord[]
  /** As the host has it now; as the journal has it when the host cannot be reached. @throws Fault `not-found` */
  status(number: string, signal?: AbortSignal): Promise<OrderRecord>
  /** Charges what a two-stage payment holds. @throws Fault `not-found`, `bad-argument`, `journal` */
  confirm(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Undoes the order in full or in part, a payment that hangs included. @throws Fault `not-found`, `bad-argument`, `journal` */
  cancel(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** Gives back of what was charged. @throws Fault `not-found`, `bad-argument`, `journal` */
  refund(number: string, part?: Part, signal?: AbortSignal): Promise<Changed>
  /** The slip of the order's last payment, again. @throws Fault `not-found` */
  receipt(number: string): Receipt
  /** Ends the background work; what is due stays in the journal. */
  close(): Promise<void>
}
