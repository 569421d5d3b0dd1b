/** What the kernel asks of the world around it: choose an application, enter a PIN, authorise online, show a message. */

import type { Currency } from '../currency.ts'
import type { MessageId } from '../messages/messages.ts'
import type { AuthorisationResponse, PinBlock } from './authorisation.ts'
import type { CardInterface, CvmName } from './outcome.ts'

export type { AuthorisationResponse, PinBlock } from './authorisation.ts'

/** ISO 8583 / EMV 9C processing codes by name. */
export type TransactionType = 'purchase' | 'cash' | 'cashback' | 'refund'

export interface Transaction {
  readonly type?: TransactionType
  /** Total in minor units, cashback included (EMV 9F02). */
  readonly amount: bigint
  /** The cashback part of it in minor units (EMV 9F03). */
  readonly otherAmount?: bigint
  readonly currency: Currency
  /** ISO 3166-1 numeric: where the terminal is. What a reader says of it (9F1A) is compared; not when left out. */
  readonly country?: number
  /** Local date and time of the terminal; the clock's now when left out. */
  readonly at?: Date
  /** The merchant forces the transaction online (EMV 4.4 Book 3, 10.6). */
  readonly forceOnline?: boolean
  /** Interfaces that may be used; all that the reader has when left out. */
  readonly interfaces?: readonly CardInterface[]
  /** Transaction sequence counter (9F41); the reader counts when left out. */
  readonly sequence?: number
  /**
   * The payment system that the customer asks for, by label or name. By tap it comes before the merchant's order where the kernel runs here and its rules have one
   * (`ContactlessConfig.routing`); lists are asked as ever.
   */
  readonly application?: string
  /** For a reader that goes on by itself when a chip cannot be read (`ReaderInfo.fallback`); as the reader is set up when left out. */
  readonly fallback?: Fallback
}

/** What happens when a chip cannot be read. */
export interface Fallback {
  /** How often the card is asked for once more. */
  readonly tries: number
  /** What stands in for the chip then, in this order; nothing where empty. */
  readonly to: readonly ('swipe' | 'tap')[]
}

/** One application that card and terminal both support (EMV 4.4 Book 1, 12.3). */
export interface Candidate {
  readonly aid: Uint8Array
  /** What to show: Application Preferred Name where its code table is supported, else the label, else the AID. */
  readonly label: string
  /** 1–15 as the card gave it, 0 where it gave none (87, b4–b1). */
  readonly priority: number
  /** The card wants the cardholder to confirm even a single choice (87, b8). */
  readonly confirm: boolean
}

export type PinRequest =
  | { readonly type: 'online'; readonly pan: string }
  | {
      readonly type: 'offline'
      /** Tries left as the card counts them (9F17); undefined where the card does not say. */
      readonly triesLeft?: number
      /** The PIN before this one was wrong. */
      readonly again: boolean
    }

/** PIN entry as it ended. A PIN in clear (digits, one a byte, 0–9) leaves the terminal only in a VERIFY or a PIN block. */
export type PinEntry =
  | { readonly type: 'offlinePin'; readonly pin: Uint8Array }
  | { readonly type: 'onlinePin'; readonly block: PinBlock }
  | { readonly type: 'bypassed' }
  | { readonly type: 'cancelled' }
  | { readonly type: 'timeout' }
  | { readonly type: 'notWorking' }

export interface AuthorisationRequest {
  readonly transaction: Transaction
  readonly interface?: CardInterface | undefined
  /** Left out: the reader does not tell, or not yet. */
  readonly cvm?: CvmName | undefined
  /** Data objects for the acquirer (ISO 8583 field 55 and what else the reader gave), by tag. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  readonly pinBlock?: PinBlock
}

/** A kernel's word to the terminal while the card is in the field: the tags it asks for, and the objects it tells; an empty one is none the card has. */
export interface DataExchange {
  readonly needed: readonly number[]
  readonly sent: ReadonlyMap<number, Uint8Array>
}

export interface Waiting {
  readonly signal: AbortSignal
  /** ISO 639-1: the language the cardholder prefers among the terminal's, where the card says (EMV 4.4 Book 4, 11.1). */
  readonly language?: string | undefined
}

export interface Terminal {
  /** Index into `candidates`, or undefined when the cardholder cancels. Only ever asked on chip. */
  selectApplication(candidates: readonly Candidate[], options: Waiting): Promise<number | undefined>
  /** Left out where PIN entry happens inside the reader, out of this terminal's sight. */
  enterPin?(request: PinRequest, options: Waiting): Promise<PinEntry>
  authorise(request: AuthorisationRequest, options: Waiting): Promise<AuthorisationResponse>
  /** The host wants a voice call: the attendant makes it and says how it ended (EMV 4.4 Book 4, 6.5.2.2). */
  refer?(request: AuthorisationRequest, response: AuthorisationResponse, options: Waiting): Promise<'approved' | 'declined'>
  /**
   * Mastercard data storage and data exchange (EMV Contactless Book C-2): the reader tells what it read from the card in the field and asks for what it
   * lacks, and goes on with the answer. The configuration switches it on; there are 500 ms (DF8127), for the card is waiting. The answer holds what was
   * asked for, lists (DF8112, FF8102, FF8103), the flag to go on (DF8110) and objects of data storage.
   */
  exchangeData?(exchange: DataExchange, options: Waiting): Promise<ReadonlyMap<number, Uint8Array>>
  /**
   * A reader with a host of its own wants the cardholder's signature, after the host has approved: false when it is refused, which takes the payment back. Taken as
   * given when left out: the slip gets a line to sign on. Every other reader asks before, by `cvm` of the request to `authorise`.
   */
  confirmSignature?(options: Waiting): Promise<boolean>
  /** `language` as in `Waiting`. */
  display?(message: MessageId, language?: string): void
}
