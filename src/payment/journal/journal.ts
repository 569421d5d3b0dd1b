/** The journal of payments: a file that survives the process, written ahead of every message (SQLite; Node only, and its libraries load when one is opened). */

import type { Clock } from '../../clock.ts'
import type {
  AuthorisationMessage,
  ChangeKind,
  HostAnswer,
  Merchant,
  Order,
  OrderChange,
  OrderState,
  PaymentType,
  ReversalReason,
  SbpCode,
} from '../acquirer.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Due, Method, Stage } from '../steps.ts'
import type { Repaired } from './damage.ts'
import type { Notice } from './notice.ts'
import type { Ending, Recorder } from './recorder.ts'

/** How a journal is kept. */
export interface JournalOptions {
  /** Dates what is written, and times leases; the system's when left out. */
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
  /** Bytes that the file may take; as many as the disk has when left out. */
  readonly maxSize?: number
  /**
   * What is read when it is opened. `all`: every row and every page of the file. `needed`: the thousand orders that changed last and whatever is open, unsettled or to be
   * told; all of it where there is no more, and once a day. Every other row is looked at when it is asked for. `needed` when left out.
   */
  readonly inspect?: 'all' | 'needed'
  /** Hears of rows that could not be read and were mended or set aside, so that the journal opens without them. Left out: such a journal is not opened. */
  readonly onRepair?: (repaired: readonly Repaired[]) => void
}

export type { Damage, Repaired } from './damage.ts'

/** What a till did or is doing to an order: one payment attempt, one refund by card, one confirmation, one cancellation. */
export interface Entry {
  /** Its idempotency key, at the host and here. */
  readonly key: string
  /** `refund`: by a card that was present; `check`: of a card; neither is a payment of the order. */
  readonly kind: 'payment' | 'refund' | 'check' | ChangeKind
  /** Of a payment or refund by card; a purchase when left out. */
  readonly type?: PaymentType
  /** Of a refund: it gives back what this order's payments took. Left out: it stands by itself, and counts for no order. */
  readonly linked?: boolean
  /** The order's number. */
  readonly order: string
  /** Whose it is. */
  readonly merchant: Merchant
  /** How it is paid. */
  readonly method: Method
  /** Serial number or family of the reader. */
  readonly reader?: string
  /** Minor units; where the host approved a part, that. Of a change of all that is left: 0. */
  readonly amount: bigint
  /** When it was begun, the local time of the terminal. */
  readonly at: Date
  /** How far it has come: the last step that was written. */
  readonly stage: Stage
  /** Of a confirmation or cancellation: what is repeated until it is answered. */
  readonly change?: OrderChange
  /** Of cash: minor units handed over. */
  readonly received?: bigint
  /** Of SBP: what the QR code says, and until when it can be paid. */
  readonly code?: Pick<SbpCode, 'payload' | 'expires'>
  /** Two-stage was asked for. */
  readonly hold?: boolean
  /** An approval of a part was taken. */
  readonly partial?: boolean
  /** Why it is being reversed; left out where it is not. */
  readonly why?: ReversalReason
  /** The key to be reversed, where it is not the payment's own. */
  readonly target?: string
  /** What the host said last. */
  readonly answer?: HostAnswer
  /** What the card said, at `card` and after. */
  readonly card?: Ending['result']
  /** Present from `ended` on. */
  readonly result?: Ending['result']
  /** Why it was not approved. */
  readonly reason?: Ending['reason']
  /** Its slip, from the moment that the card has ended. */
  readonly receipt?: Receipt
  /** What is still to be confirmed by the host. */
  readonly due?: Due
  /** It has no result, or something is due. */
  readonly open: boolean
  /** Attempts at what is due, and when the next one is. */
  readonly tries: number
  /** When the next attempt at what is due is to be made; at once when left out. */
  readonly nextTry?: Date
}

/** An order as this till knows it. */
export interface OrderRecord extends Order {
  /** Whose it is. */
  readonly merchant: Merchant
  /** As the host said last, or as its payments have made it. */
  readonly state: OrderState
  /** Paid with no word to the host yet. */
  readonly offline: boolean
  /** The host's number of it, where the host has told one. */
  readonly billNumber?: string
  /** When this till first heard of it. */
  readonly createdAt: Date
  /** When its state changed last. */
  readonly updatedAt: Date
  /** Oldest first. */
  readonly entries: readonly Entry[]
}

/** What the host says of an order, or a payment's end makes of it. */
export interface OrderUpdate {
  /** Its new state; as before when left out. */
  readonly state?: OrderState
  /** Paid with no word to the host yet; as before when left out. */
  readonly offline?: boolean
  /** The host's number of it; as before when left out. */
  readonly billNumber?: string
}

/** Which orders are wanted; all when left out. */
export interface OrderFilter {
  /** Changed then or later. */
  readonly since?: Date
  /** Of this merchant. */
  readonly merchant?: Merchant
  /** In one of these states. */
  readonly states?: readonly OrderState[]
  /** Paid offline, or in process: what the host is still to be asked of. */
  readonly unsettled?: boolean
  /** The next page: those that come behind this one. */
  readonly after?: Pick<OrderRecord, 'merchant' | 'number' | 'createdAt'>
  /** At most so many, from 1. */
  readonly limit?: number
}

/** A notice that nobody has been told of yet. */
export interface KeptNotice {
  /** For `Journal.told`. */
  readonly id: number
  /** What is to be told. */
  readonly notice: Notice
}

/** A step of a payment as it was written. */
export interface KeptStep {
  /** When. */
  readonly at: Date
  /** What was about to be done: a `Stage`, or what was done to the row since. */
  readonly stage: string
  /** In words, for people; nothing secret. */
  readonly detail: string
}

/** An open journal. Every call but `close` throws Fault `journal` when the file fails. */
export interface Journal extends Recorder, AsyncDisposable {
  /** Of the file. */
  readonly path: string
  /** Writes down an order that is to be paid later. @throws Fault `bad-argument` when there is one of this number */
  enter(order: Order, merchant: Merchant): OrderRecord
  /** Undefined where this merchant has no order of that number here. */
  order(merchant: Merchant, number: string): OrderRecord | undefined
  /** Newest first. */
  orders(filter?: OrderFilter): readonly OrderRecord[]
  /** Entries that are open, oldest first, whoever works on them. */
  open(merchant: Merchant): readonly Entry[]
  /** By its idempotency key. */
  entry(key: string): Entry | undefined
  /** Makes the entry this process's own for as long as it lives; false when another living process has it, or it is closed. */
  claim(key: string): boolean
  /** Lets others have it; `nextTry` counts an attempt that failed. */
  release(key: string, nextTry?: Date): void
  /** Writes down a confirmation, cancellation or increment before it is asked for, and claims it. @throws Fault `busy` when the order has an open entry */
  change(kind: ChangeKind, change: OrderChange): void
  /** The answer to a change, and what is to be told of it, in one piece. */
  changed(key: string, answer: HostAnswer, ...notices: readonly Notice[]): void
  /** How a payment ended that was brought to its end later, and what is to be told of it, in one piece. */
  settle(key: string, ending: Ending, ...notices: readonly Notice[]): void
  /** What the host says of the order, and what is to be told of it, in one piece. */
  update(merchant: Merchant, number: string, update: OrderUpdate, ...notices: readonly Notice[]): void
  /** Writes down what is to be told. */
  notify(notice: Notice): void
  /** The message to be advised, as `advising` kept it. @throws Fault `bad-key` when the journal was opened without its key, or with another */
  sealed(key: string): AuthorisationMessage | undefined
  /** Notices that nobody has been told of yet, oldest first. */
  notices(): readonly KeptNotice[]
  /** This notice was told: it does not come again. */
  told(id: number): void
  /** Drops orders that have not changed since and have nothing open, and what was told before; how many orders. An order that is forgotten could be paid again. */
  forget(before: Date): number
  /** Every step of a payment with its time, as it was written: for people, nothing secret in it. */
  history(key: string): readonly KeptStep[]
  /** Lets go of what is claimed and closes the file. Idempotent. */
  close(): Promise<void>
}
