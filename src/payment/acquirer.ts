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
  /** Of all amounts of the order. */
  readonly currency: Currency
  /** What is sold, line by line; at least one where it is given. Left out: the amount alone is known. */
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
  /** Left by the customer for who served. */
  readonly tip?: bigint
  /** Asked for by the merchant for paying in this way. */
  readonly surcharge?: bigint
}

/** Who is paid. `name`, `id` and `terminal` go to the host and onto the slip. */
export interface Merchant {
  /** As on the slip. */
  readonly name: string
  /** Merchant identifier, 1 to 15 characters (9F16). */
  readonly id: string
  /** Terminal identification, 1 to 8 characters (9F1C; a shorter one is filled up with spaces on the line). */
  readonly terminal: string
  /** As on the slip, in one line. */
  readonly address?: string
}

/** A line of an order. */
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

/** What a payment asks the host: the order, and what card, reader and terminal say. */
export interface AuthorisationMessage {
  /** Idempotency key of this attempt: the same key is never charged twice. */
  readonly key: string
  /** What is paid for. */
  readonly order: Order
  /** Who is paid. */
  readonly merchant: Merchant
  /** A purchase, cash, a purchase with cash, a refund to the card, or a check of it. */
  readonly type: PaymentType
  /** Minor units; cashback included. */
  readonly amount: bigint
  /** Of `amount`: the order's. */
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
  /** The online PIN as the reader enciphered it. Left out: none was entered. */
  readonly pinBlock?: PinBlock
}

/** Every `HostState`. */
export const hostStates = ['approved', 'declined', 'referral', 'inProcess', 'reversed', 'unknown'] as const
/** How the host's transaction stands. `unknown`: the host has never seen the key. */
export type HostState = (typeof hostStates)[number]

/** What is no answer of a host's. */
export interface NoAnswer {
  /** It could not be reached. */
  readonly type: 'unableToGoOnline'
}

/** What the host says of a transaction. */
export interface HostAnswer {
  /** How it stands. */
  readonly state: HostState
  /** What the answer says it is about; whoever asked compares it (agreement.ts). */
  readonly about?: AnswerSubject
  /** Of a partial approval (code 10): minor units that were approved, less than what was asked. */
  readonly approvedAmount?: bigint
  /** Present when `state` is approved, declined or referral. */
  readonly response?: Exclude<AuthorisationResponse, NoAnswer>
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
  /** The idempotency key of the question. */
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
  /** Asks for a payment. Twice: with the same key the same answer, and nothing is charged again; another payment under that key is refused (`host-error`). */
  authorise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Undoes what `key` may have done; resolves when the host has confirmed that nothing is charged, also when it never saw the key. Twice: confirmed again, and nothing is given back twice. */
  reverse(key: string, why: ReversalReason, options?: ReversalOptions): Promise<void>
  /**
   * What became of `key`: for a host that was silent. `unknown`: it has never seen it, which is no promise that a late copy is not on its
   * way. Twice: as it stands then, it only reads.
   */
  status(key: string, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Tells the host of a payment that card and terminal approved without it. Twice: with the same key the same answer, and nothing is charged again. */
  advise(message: AuthorisationMessage, options?: Partial<Waiting>): Promise<HostAnswer>
}

/** How a reversal is asked for. */
export interface ReversalOptions extends Partial<Waiting> {
  /** The host has said that it approved: it cannot say now that there is nothing to undo. */
  readonly approved?: boolean
}

/** Why an approval must not stand: the card declined after it, the reader was lost, somebody cancelled, or the host gave no answer. */
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

/** Every `OrderState`. */
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
  /** The item's. */
  readonly id: string
  /** Thousandths; all that is left of the item when left out. */
  readonly quantity?: bigint
}

/** A change of an order that has been paid: its confirmation or its cancellation, in full or in part, or more to be held. */
export interface OrderChange {
  /** Idempotency key: the same key changes nothing twice. */
  readonly key: string
  /** The order's. */
  readonly merchant: Merchant
  /** The order's number. */
  readonly number: string
  /** When it was asked for, the local time of the terminal. */
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
  /** What was sold. */
  readonly order: Order
  /** Who sold it. */
  readonly merchant: Merchant
  /** Minor units. */
  readonly amount: bigint
  /** When it took place, which for cash may be long before the host hears of it. */
  readonly at: Date
}

/** A sale for cash: it has taken place before the host hears of it. */
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
  /** Registers a cash sale that has taken place, with its own time, and its fiscal document. Twice: with the same key the same answer, and one document. */
  registerCash(sale: CashSale, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Opens an SBP payment and gives its dynamic QR code. Twice: the same key gets the same code. `reverse` closes it, and gives the money back where it was paid. */
  requestQr(sale: Sale, options?: Partial<Waiting>): Promise<SbpCode>
}

/** A fiscal document as the register of the host has made it: its marks, under the names of FFD (the Russian fiscal data formats). */
export interface FiscalMark {
  /** Settlement attribute (FFD 1054): PRIHOD or VOZVRAT PRIHODA. */
  readonly kind: 'sale' | 'refund'
  /** FFD 1012. */
  readonly at: Date
  /** Minor units of the settlement (FFD 1020). */
  readonly amount: bigint
  /** What was settled of the order; all of it when left out. */
  readonly items?: readonly ItemPart[]
  /** Serial number of the cash register (1013) and its registration number (1037). */
  readonly register: string
  /** Registration number of the cash register (FFD 1037). */
  readonly registration: string
  /** The register is one for settlements on the Internet (1108). */
  readonly internet?: boolean
  /** Fiscal drive (FN, 1041), number of the document (FD, 1040), its fiscal sign (FP, 1077). */
  readonly drive: string
  /** Number of the fiscal document (FD; FFD 1040). */
  readonly document: number
  /** Fiscal sign of the document (FP; FFD 1077). */
  readonly sign: string
  /** Shift (1038) and number of the receipt in it (1042). */
  readonly shift: number
  /** Number of the receipt in its shift (FFD 1042). */
  readonly receipt: number
  /** Operator of fiscal data (1046). */
  readonly operator: string
}

/** An order as the host has it. PANs are masked. */
export interface HostOrder {
  /** The merchant's own, as in `Order`. */
  readonly number: string
  /** The host's own unique number of it. */
  readonly billNumber: string
  /** As the host has it. */
  readonly state: OrderState
  /** Minor units of the whole order. */
  readonly amount: bigint
  /** What of the amount is no goods. */
  readonly parts?: AmountParts
  /** Of all amounts. */
  readonly currency: Currency
  /** Minor units held and not yet confirmed. */
  readonly held: bigint
  /** Minor units charged, less what was given back. */
  readonly charged: bigint
  /** Minor units let go or given back. */
  readonly cancelled: bigint
  /** What was done with it, oldest first. */
  readonly operations: readonly HostOperation[]
  /** Oldest first; left out by hosts that have no cash register. */
  readonly fiscal?: readonly FiscalMark[]
}

/** What merchant or customer wanted; bonus operations are the host's own. */
export interface HostOperation {
  /** What was wanted. */
  readonly type: (typeof operationTypes)[number]
  /** What came of it. */
  readonly state: (typeof operationStates)[number]
  /** Minor units. */
  readonly amount: bigint
  /** When it was asked for. */
  readonly at: Date
  /** The items that it was about; left out where it was about an amount. */
  readonly items?: readonly ItemPart[]
  /** What was sent for it, oldest first. */
  readonly transactions: readonly HostTransaction[]
}

/** Every type of a `HostOperation`. */
export const operationTypes = [
  'payment',
  'increment',
  'confirmation',
  'cancellation',
  'bonusPayment',
  'bonusAward',
  'bonusCancellation',
] as const
/** Every state of a `HostOperation`. */
export const operationStates = ['In Process', 'Approved', 'Declined', 'Canceled', 'Timeout'] as const
/** Every kind of a `HostTransaction`. */
export const transactionKinds = ['authorisation', 'advice', 'cash', 'sbp', 'capture', 'reversal', 'refund', 'bonus'] as const

/** Every `ChangeKind`. */
export const changeKinds = ['increment', 'confirmation', 'cancellation'] as const
/** How a paid order is changed: more is held, what is held is charged, or money is let go or given back. */
export type ChangeKind = (typeof changeKinds)[number]
/** The acquirer's call for each. */
export const changeCalls = { increment: 'increment', confirmation: 'confirm', cancellation: 'cancel' } as const

/** One message to the processing centre, and what came of it. */
export interface HostTransaction {
  /** The host's number of it. */
  readonly number: string
  /** The idempotency key that it came with. */
  readonly key: string
  /** What was sent. */
  readonly kind: (typeof transactionKinds)[number]
  /** Minor units. */
  readonly amount: bigint
  /** How it stands. */
  readonly state: HostState
  /** Response code (ISO 8583:1987, field 39), where there is one. */
  readonly code?: string
  /** Retrieval reference number (field 37), where there is one. */
  readonly rrn?: string
  /** Masked: first six and last four digits. */
  readonly pan?: string
  /** Why it was reversed. */
  readonly reversed?: string
}

/**
 * An acquirer that keeps orders: what a till needs beyond one payment. `status(key)` answers for the keys of changes too.
 * Answers to a change: `approved`, `declined` (with code and reason: 25 no such order, 12 not in this state, 13 more than there is) or `inProcess`.
 */
export interface OrderAcquirer extends Acquirer {
  /** Charges what a two-stage payment holds, in full or in part. Twice: with the same key the same answer, and it is charged once. */
  confirm(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Holds `amount` more on the card that an order's payment holds. Twice: with the same key the same answer, and it is held once. Left out by hosts that cannot. */
  increment?(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Lets go of what is held, gives back what was charged; the host chooses between reversal and refund. Twice: with the same key the same answer, and it is given back once. */
  cancel(change: OrderChange, options?: Partial<Waiting>): Promise<HostAnswer>
  /** Undefined when the host has no such order of this merchant. Twice: as it is then, it only reads. */
  order(merchant: Merchant, number: string, options?: Partial<Waiting>): Promise<HostOrder | undefined>
}
