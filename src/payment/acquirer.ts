/** The port to an acquirer: what a payment asks of the host, whatever protocol carries it. */

import type { Currency } from '../currency.ts'
import type { CardInterface, CvmName } from '../emv/outcome.ts'
import type { AuthorisationResponse, PinBlock, TransactionType, Waiting } from '../emv/terminal.ts'

/** What is paid for. Its number is the merchant's own. */
export interface Order {
  /** 1–32 characters, `20211125_175443_897`; one merchant uses it once. */
  readonly number: string
  /** Minor units: what is to be paid. With items, their sum and that of the parts. */
  readonly amount: bigint
  readonly currency: Currency
  readonly items?: readonly OrderItem[]
  /** What of the amount is no goods. Such an order is paid in one piece. */
  readonly parts?: AmountParts
  /** Where the receipt is sent, up to 128 characters. */
  readonly email?: string
  /** Up to 256 characters. */
  readonly comment?: string
  /** What the slip says of a commission, `0%`; no line when left out. */
  readonly commission?: string
}

/** What an amount has in it beside the goods; minor units, each above 0. */
export interface AmountParts {
  /** Handed over to the cardholder in cash: EMV 9F03, and `otherAmount` of a payment. */
  readonly cashback?: bigint
  readonly tip?: bigint
  readonly surcharge?: bigint
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

export interface OrderItem {
  /** 1–32 characters, unique in the order: partial confirmations and refunds name it. */
  readonly id: string
  /** 1–128 characters. */
  readonly name: string
  /** Thousandths: three pieces are 3000n. */
  readonly quantity: bigint
  /** Minor units of one whole piece. */
  readonly price: bigint
  /** Minor units of the line; less than price × quantity where there is a discount. */
  readonly amount: bigint
  /** VAT rate in percent that is contained in `amount`; no VAT when left out. */
  readonly vat?: number
}

/** `check`: the bank is asked whether the card is good, by an amount of 0; nothing is sold, and nothing booked. The card signs it as a purchase (9C 00). */
export type PaymentType = TransactionType | 'check'

export interface AuthorisationMessage {
  /** Idempotency key of this attempt: the same key is never charged twice. */
  readonly key: string
  readonly order: Order
  readonly merchant: Merchant
  readonly type: PaymentType
  /** Minor units; cashback included. */
  readonly amount: bigint
  readonly currency: Currency
  /** Local date and time of the terminal. */
  readonly at: Date
  /** Left out: the reader does not tell. */
  readonly interface?: CardInterface | undefined
  /** Left out: the reader does not tell, as where the verification is in data that only the acquirer can open. */
  readonly cvm?: CvmName | undefined
  /** Two-stage: the money is only held until the order is confirmed. Left out: as the merchant is set up at the host. */
  readonly hold?: boolean
  /** The app takes an approval of part of the amount (code 10); left out, such an approval is taken back. */
  readonly partial?: boolean
  /** Data objects of the card and the terminal, PAN included: for the host only. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  readonly pinBlock?: PinBlock
}

export const hostStates = ['approved', 'declined', 'referral', 'inProcess', 'reversed', 'unknown'] as const
/** How the host's transaction stands. `unknown`: the host has never seen the key. */
export type HostState = (typeof hostStates)[number]

export interface HostAnswer {
  readonly state: HostState
  /** What the answer says it is about; whoever asked compares it (agreement.ts). */
  readonly about?: AnswerSubject
  /** Of a partial approval (code 10): minor units that were approved, less than what was asked. */
  readonly approvedAmount?: bigint
  /** Present when `state` is approved, declined or referral. */
  readonly response?: Exclude<AuthorisationResponse, { readonly type: 'unableToGoOnline' }>
  /** A sentence of the host's, in its own language; for the merchant, not for the slip. */
  readonly reason?: string
  /** The host's number of the order. */
  readonly billNumber?: string
  /** The host's number of the transaction. */
  readonly transaction?: string
  /** The order that it belongs to, after this. */
  readonly orderState?: OrderState
}

/** The question that an answer belongs to, in the host's words; what a protocol does not carry back is left out. */
export interface AnswerSubject {
  readonly key: string
  /** The order's number. */
  readonly order?: string
  /** Minor units that were asked for; of a change of all that is left, what that was. */
  readonly amount?: bigint
  /** ISO 4217, three letters. */
  readonly currency?: string
}

/**
 * All calls settle within the client's own time limit.
 * @throws Fault `host-unreachable` (certainly not sent), `host-no-answer` (may have been), `host-error` (no answer in what came), `aborted`
 */
export interface Acquirer {
  /** Repeating a call with the same key gets the same answer and charges nothing again. */
  authorise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Undoes what `key` may have done; resolves when the host has confirmed that nothing is charged, also when it never saw the key. */
  reverse(key: string, why: ReversalReason, options?: ReversalOptions): Promise<void>
  status(key: string, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Tells the host of a payment that card and terminal approved without it. Idempotent by key. */
  advise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
}

export interface ReversalOptions extends Partial<Waiting> {
  /** The host has said that it approved: it cannot say now that there is nothing to undo. */
  readonly approved?: boolean
}

export type ReversalReason = 'cardDeclined' | 'linkLost' | 'cancelled' | 'noAnswer'

/**
 * States of an order, in the words of the payment system that the mPOS app talks to (seed 001; docs.assist.ru, "OrderState field values").
 *
 * | State | Means |
 * |---|---|
 * | `In Process` | a payment is under way |
 * | `Delayed` | two-stage: all is held, nothing confirmed |
 * | `PartialDelayed` | two-stage: confirmed in part |
 * | `Approved` | paid |
 * | `PartialApproved` | paid in part: the payment was for less than the order |
 * | `PartialCanceled`, `Canceled` | part of the money, or all, was let go or given back |
 * | `Declined` | no payment went through |
 * | `Timeout` | closed, because a payment was not completed in time |
 */
export type OrderState = (typeof orderStates)[number]

export const orderStates = [
  'In Process',
  'Delayed',
  'PartialDelayed',
  'Approved',
  'PartialApproved',
  'PartialCanceled',
  'Canceled',
  'Declined',
  'Timeout',
] as const

/** Orders in these states are not paid again. */
export const paidStates: readonly OrderState[] = ['Delayed', 'PartialDelayed', 'Approved', 'PartialCanceled']

/** Part of an order by its items. */
export interface ItemPart {
  readonly id: string
  /** Thousandths; all that is left of the item when left out. */
  readonly quantity?: bigint
}

/** A change of an order that has been paid: its confirmation or its cancellation, in full or in part, or more to be held. */
export interface OrderChange {
  /** Idempotency key: the same key changes nothing twice. */
  readonly key: string
  readonly merchant: Merchant
  /** The order's number. */
  readonly number: string
  readonly at: Date
  /** Minor units. With neither amount nor items: all that is left. */
  readonly amount?: bigint
  /** Instead of an amount. */
  readonly items?: readonly ItemPart[]
  /** Of a confirmation: it is the last; what is still held beyond it is let go. */
  readonly final?: boolean
  /** Of a cancellation: only what is still held, or only what was charged. Left out: what is held first. */
  readonly of?: 'held' | 'charged'
}

/** A sale that no card is read for. */
export interface Sale {
  /** Idempotency key: the same key is never booked twice. */
  readonly key: string
  readonly order: Order
  readonly merchant: Merchant
  /** Minor units. */
  readonly amount: bigint
  /** When it took place, which for cash may be long before the host hears of it. */
  readonly at: Date
}

export interface CashSale extends Sale {
  /** Minor units handed over by the customer; what is above the amount was given back as change. */
  readonly received: bigint
}

/** An SBP payment that waits for its customer. */
export interface SbpCode {
  /** What the QR code says; empty where it cannot be paid. */
  readonly payload: string
  /** Until when it can be paid. */
  readonly expires: Date
  /** `inProcess`, or why it cannot be paid: `declined`, `reversed`. */
  readonly answer: HostAnswer
}

/** What a host offers besides cards. Every call is as those of `Acquirer`; `status` and `reverse` answer for these keys too. */
export interface RetailAcquirer {
  /** Registers a cash sale that has taken place, with its own time, and its fiscal document. Idempotent by key. */
  registerCash(sale: CashSale, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Opens an SBP payment and gives its dynamic QR code; the same key gets the same code. `reverse` closes it, and gives the money back where it was paid. */
  requestQr(sale: Sale, options?: Partial<Waiting>): Promise<SbpCode>
}

/** A fiscal document as the register of the host has made it: its marks, under the names of FFD (the Russian fiscal data formats). */
export interface FiscalMark {
  /** Settlement attribute (FFD 1054): PRIHOD or VOZVRAT PRIHODA. */
  readonly kind: 'sale' | 'refund'
  /** FFD 1012. */
  readonly at: Date
  readonly amount: bigint
  readonly items?: readonly ItemPart[]
  /** Serial number of the cash register (1013) and its registration number (1037). */
  readonly register: string
  readonly registration: string
  /** The register is one for settlements on the Internet (1108). */
  readonly internet?: boolean
  /** Fiscal drive (FN, 1041), number of the document (FD, 1040), its fiscal sign (FP, 1077). */
  readonly drive: string
  readonly document: number
  readonly sign: string
  /** Shift (1038) and number of the receipt in it (1042). */
  readonly shift: number
  readonly receipt: number
  /** Operator of fiscal data (1046). */
  readonly operator: string
}

/** An order as the host has it. PANs are masked. */
export interface HostOrder {
  readonly number: string
  /** The host's own unique number of it. */
  readonly billNumber: string
  readonly state: OrderState
  readonly amount: bigint
  /** What of the amount is no goods. */
  readonly parts?: AmountParts
  readonly currency: Currency
  /** Minor units held and not yet confirmed. */
  readonly held: bigint
  /** Minor units charged, less what was given back. */
  readonly charged: bigint
  /** Minor units let go or given back. */
  readonly cancelled: bigint
  readonly operations: readonly HostOperation[]
  /** Oldest first; left out by hosts that have no cash register. */
  readonly fiscal?: readonly FiscalMark[]
}

/** What merchant or customer wanted; bonus operations are the host's own. */
export interface HostOperation {
  readonly type: (typeof operationTypes)[number]
  readonly state: (typeof operationStates)[number]
  readonly amount: bigint
  readonly at: Date
  readonly items?: readonly ItemPart[]
  readonly transactions: readonly HostTransaction[]
}

export const operationTypes = [
  'payment',
  'increment',
  'confirmation',
  'cancellation',
  'bonusPayment',
  'bonusAward',
  'bonusCancellation',
] as const
export const operationStates = ['In Process', 'Approved', 'Declined', 'Canceled', 'Timeout'] as const
export const transactionKinds = ['authorisation', 'advice', 'cash', 'sbp', 'capture', 'reversal', 'refund', 'bonus'] as const

export const changeKinds = ['increment', 'confirmation', 'cancellation'] as const
export type ChangeKind = (typeof changeKinds)[number]
/** The acquirer's call for each. */
export const changeCalls = { increment: 'increment', confirmation: 'confirm', cancellation: 'cancel' } as const

/** One message to the processing centre, and what came of it. */
export interface HostTransaction {
  readonly number: string
  /** The idempotency key that it came with. */
  readonly key: string
  readonly kind: (typeof transactionKinds)[number]
  readonly amount: bigint
  readonly state: HostState
  readonly code?: string
  readonly rrn?: string
  readonly pan?: string
  /** Why it was reversed. */
  readonly reversed?: string
}

/**
 * An acquirer that keeps orders: what a till needs beyond one payment. `status(key)` answers for the keys of changes too.
 * Answers to a change: `approved`, `declined` (with code and reason: 25 no such order, 12 not in this state, 13 more than there is) or `inProcess`.
 */
export interface OrderAcquirer extends Acquirer {
  /** Charges what a two-stage payment holds, in full or in part. Idempotent by key. */
  confirm(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Holds `amount` more on the card that an order's payment holds. Idempotent by key. Left out by hosts that cannot. */
  increment?(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Lets go of what is held, gives back what was charged; the host chooses between reversal and refund. Idempotent by key. */
  cancel(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Undefined when the host has no such order of this merchant. */
  order(merchant: Merchant, number: string, options?: Partial<Waiting>): Promise<HostOrder | undefined>
}
