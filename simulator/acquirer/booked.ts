/** What stands in the acquirer's book: orders, what was done with them, and the messages of each (seed 001). */

import type {
  AmountParts,
  AuthorisationMessage,
  FiscalMark,
  HostAnswer,
  HostOperation,
  HostTransaction,
  OrderItem,
  OrderState,
} from '../../src/payment/acquirer.ts'

/** One message to the processing centre, and what came of it. */
export interface Transaction {
  readonly number: string
  /** The idempotency key that it came with. */
  readonly key: string
  readonly kind: HostTransaction['kind']
  readonly amount: bigint
  /** Masked. */
  readonly pan?: string
  answer: HostAnswer
  /** Why and when it was reversed. */
  reversed?: { readonly why: string; readonly at: Date }
}

/** What the merchant, the customer or, with bonus points, the host itself wanted. */
export interface Operation {
  readonly type: HostOperation['type']
  state: HostOperation['state']
  amount: bigint
  readonly at: Date
  readonly items?: HostOperation['items']
  readonly transactions: Transaction[]
  /** Of a payment: whose money, which card in a form that tells no number, whether it is only held. */
  readonly account?: string
  readonly card?: string
  readonly terminal?: string
  readonly hold?: boolean
  /** A refund by card, which brings money to the card instead of taking it, or a card check, of 0: no payment of the order. */
  readonly gives?: boolean
  /** Of such a refund: it gives back what this order's payments took. Left out: it stands by itself. */
  readonly linked?: boolean
  /** Of a cancellation: how much of it was only held; or that it undid a whole payment, which then counts as never made. */
  readonly fromHeld?: bigint
  /** Of an increment, and of a confirmation over what was held: the key of the payment that it raises; `over`: by how much. */
  readonly raises?: string
  readonly over?: bigint
  /** Of a payment: its payment system, as a slip names it. */
  readonly scheme?: string
  readonly undoes?: boolean
  /** The document that the cash register made of it. */
  fiscal?: FiscalMark
}

/** An order as the host has it. */
export interface BookedOrder {
  /** Whose it is: the merchant's id. */
  readonly merchant: string
  /** As the merchant numbers it. */
  readonly number: string
  /** The host's own unique number of it. */
  readonly billNumber: string
  /** As it was asked for last before anything was paid. */
  amount: bigint
  /** Of all its amounts. */
  readonly currency: AuthorisationMessage['currency']
  /** What is bought, where the merchant told. */
  items?: readonly OrderItem[]
  /** What of the amount is no goods: cash, a tip, a surcharge. */
  parts?: AmountParts
  /** What was done with it, oldest first. */
  readonly operations: Operation[]
  /** Kept by `Book.stand`. */
  state: OrderState
}
