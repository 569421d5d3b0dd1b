/** The journal of payments: a file that survives the process, written ahead of every message (Node only; SQLite). */

import type { Clock } from '../clock.ts'
import type { HostAnswer, Merchant, Order, OrderChange, OrderState, ReversalReason } from './acquirer.ts'
import type { Notice } from './notice.ts'
import type { Receipt } from './receipt.ts'
import type { Ending, Method, Recorder, Stage } from './recorder.ts'

export interface JournalOptions {
  readonly clock?: Clock
  /**
   * 32 bytes that encipher (AES-256-GCM) what must be kept of a card until the host has heard of an offline approval. The app keeps it apart from the journal,
   * in the platform's key store. Left out: no card data is kept at all, see `Recorder.keepsCards`.
   */
  readonly key?: Uint8Array
  /** Milliseconds that a write waits for another process; 5 s when left out. */
  readonly busyTime?: number
  /** Milliseconds without a sign of life after which another process may take a payment over; 30 s when left out. */
  readonly leaseTime?: number
}

/** What a till did or is doing to an order: one payment attempt, one confirmation, one cancellation. */
export interface Entry {
  readonly key: string
  readonly kind: 'payment' | 'confirmation' | 'cancellation'
  readonly order: string
  readonly merchant: Merchant
  readonly method: Method
  readonly reader?: string
  /** Minor units. */
  readonly amount: bigint
  readonly at: Date
  readonly stage: Stage
  /** Of a confirmation or cancellation: what is repeated until it is answered. */
  readonly change?: OrderChange
  readonly why?: ReversalReason
  readonly answer?: HostAnswer
  /** What the card said, at `card` and after. */
  readonly card?: Ending['result']
  /** Present from `ended` on. */
  readonly result?: Ending['result']
  readonly reason?: Ending['reason']
  readonly receipt?: Receipt
  /** What is still to be confirmed by the host. An entry is open while it has no result, or something is due. */
  readonly due?: Ending['due'] | 'change'
  /** Attempts at what is due, and when the next one is. */
  readonly tries: number
  readonly nextTry?: Date
}

/** An order as this till knows it. */
export interface OrderRecord extends Order {
  readonly merchant: Merchant
  readonly state: OrderState
  /** Paid with no word to the host yet. */
  readonly offline: boolean
  readonly billNumber?: string
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Oldest first. */
  readonly entries: readonly Entry[]
}

/** An open journal. Every call but `close` throws Fault `journal` when the file fails. */
export interface Journal extends Recorder, AsyncDisposable {
  readonly path: string
  order(merchant: Merchant, number: string): OrderRecord | undefined
  /** Newest first. */
  orders(filter?: { readonly since?: Date; readonly merchant?: Merchant; readonly states?: readonly OrderState[] }): readonly OrderRecord[]
  /** Entries that are not at their end and in nobody's hands. */
  open(): readonly Entry[]
  entry(key: string): Entry | undefined
  /** Makes the entry this process's own for as long as it lives; false when another living process has it. */
  claim(key: string): boolean
  release(key: string): void
  /** Notices that nobody has been told of yet, oldest first. */
  notices(): readonly (Notice & { readonly id: number })[]
  told(id: number): void
  close(): Promise<void>
}
