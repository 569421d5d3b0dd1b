/** The port to an acquirer: what a payment asks of the host, whatever protocol carries it. */

import type { Currency } from '../currency.ts'
import type { CardInterface, CvmName } from '../emv/outcome.ts'
import type { AuthorisationResponse, PinBlock, TransactionType, Waiting } from '../emv/terminal.ts'

/** What is paid for. Its number is the merchant's own. */
export interface Order {
  /** 1–32 characters, `20211125_175443_897`. */
  readonly number: string
  /** Minor units. */
  readonly amount: bigint
  readonly currency: Currency
  /** What the slip says of a commission, `0%`; no line when left out. */
  readonly commission?: string
}

export interface Merchant {
  /** As on the slip. */
  readonly name: string
  /** Merchant identifier, up to 15 characters (9F16). */
  readonly id: string
  /** Terminal identification, 8 characters (9F1C). */
  readonly terminal: string
  readonly address?: string
}

export interface AuthorisationMessage {
  /** Idempotency key of this attempt: the same key is never charged twice. */
  readonly key: string
  readonly order: Order
  readonly merchant: Merchant
  readonly type: TransactionType
  /** Minor units; cashback included. */
  readonly amount: bigint
  readonly currency: Currency
  /** Local date and time of the terminal. */
  readonly at: Date
  readonly interface: CardInterface
  readonly cvm: CvmName
  /** Data objects of the card and the terminal, PAN included: for the host only. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  readonly pinBlock?: PinBlock
}

/** How the host's transaction stands. `unknown`: the host has never seen the key. */
export type HostState = 'approved' | 'declined' | 'referral' | 'inProcess' | 'reversed' | 'unknown'

export interface HostAnswer {
  readonly state: HostState
  /** Present when `state` is approved, declined or referral. */
  readonly response?: Exclude<AuthorisationResponse, { readonly type: 'unableToGoOnline' }>
  /** A sentence of the host's, in its own language; for the merchant, not for the slip. */
  readonly reason?: string
  /** The host's number of the order. */
  readonly billNumber?: string
  /** The host's number of the transaction. */
  readonly transaction?: string
}

/**
 * All calls settle within the client's own time limit.
 * @throws Fault `host-unreachable` (certainly not sent), `host-no-answer` (may have been), `host-error` (no answer in what came), `aborted`
 */
export interface Acquirer {
  /** Repeating a call with the same key gets the same answer and charges nothing again. */
  authorise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Undoes what `key` may have done; resolves when the host has confirmed that nothing is charged, also when it never saw the key. */
  reverse(key: string, why: ReversalReason, options?: Partial<Waiting>): Promise<void>
  status(key: string, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Tells the host of a payment that card and terminal approved without it. Idempotent by key. */
  advise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
}

export type ReversalReason = 'cardDeclined' | 'linkLost' | 'cancelled' | 'noAnswer'
