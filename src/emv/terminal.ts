/** What the kernel asks of the world around it: choose an application, enter a PIN, authorise online, show a message. */

import type { Currency } from '../currency.ts'
import type { MessageId } from '../messages/messages.ts'
import type { AuthorisationResponse, PinBlock } from './authorisation.ts'
import type { CardInterface, CvmName } from './outcome.ts'

export type { AuthorisationResponse, PinBlock } from './authorisation.ts'

/** ISO 8583 / EMV 9C processing codes by name. */
export type TransactionType = 'purchase' | 'cash' | 'cashback' | 'refund'

/** What is to be paid, and how. */
export interface Transaction {
  /** `purchase` when left out. */
  readonly type?: TransactionType
  /** Total in minor units, cashback included (EMV 9F02). */
  readonly amount: bigint
  /** The cashback part of it in minor units (EMV 9F03). */
  readonly otherAmount?: bigint
  /** Of the amounts: `currency('EUR')`. */
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
  /** What the merchant would rather be paid by, by label or name, the best first: for a reader that shows the list of a chip itself, and can be told its order. */
  readonly prefer?: readonly string[]
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
  /** ADF Name as the card has it (4F or 84). */
  readonly aid: Uint8Array
  /** What to show: Application Preferred Name where its code table is supported, else the label, else the AID. */
  readonly label: string
  /** 1–15 as the card gave it, 0 where it gave none (87, b4–b1). */
  readonly priority: number
  /** The card wants the cardholder to confirm even a single choice (87, b8). */
  readonly confirm: boolean
}

/** Which PIN is asked for. */
export type PinRequest =
  | {
      /** The issuer checks it: it leaves as an enciphered block. */
      readonly type: 'online'
      /** Digits; the block is made of PIN and PAN. Never to be shown. */
      readonly pan: string
    }
  | {
      /** The card checks it. */
      readonly type: 'offline'
      /** Tries left as the card counts them (9F17); undefined where the card does not say. */
      readonly triesLeft?: number
      /** The PIN before this one was wrong. */
      readonly again: boolean
    }

/** PIN entry as it ended. A PIN in clear (digits, one a byte, 0–9) leaves the terminal only in a VERIFY or a PIN block. */
export type PinEntry =
  | {
      /** Entered, for the card to check. */
      readonly type: 'offlinePin'
      /** Digits, one a byte, 0–9; the kernel wipes it. */
      readonly pin: Uint8Array
    }
  | {
      /** Entered, for the issuer to check. */
      readonly type: 'onlinePin'
      /** PIN and PAN under the PIN pad's key. */
      readonly block: PinBlock
    }
  | {
      /**
       * `bypassed`: ENTER without a PIN. `cancelled`: by the cardholder. `timeout`: nobody entered one. `notWorking`: the PIN pad is
       * broken or not there.
       */
      readonly type: 'bypassed' | 'cancelled' | 'timeout' | 'notWorking'
    }

/** What the host is asked. */
export interface AuthorisationRequest {
  /** As it was given to the kernel. */
  readonly transaction: Transaction
  /** How the card was presented; left out where the reader does not tell. */
  readonly interface?: CardInterface | undefined
  /** Left out: the reader does not tell, or not yet. */
  readonly cvm?: CvmName | undefined
  /** Data objects for the acquirer (ISO 8583 field 55 and what else the reader gave), by tag. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  /** The online PIN, enciphered; left out where none was entered. */
  readonly pinBlock?: PinBlock
}

/** A kernel's word to the terminal while the card is in the field: the tags it asks for, and the objects it tells; an empty one is none the card has. */
export interface DataExchange {
  /** Tags that it asks for. */
  readonly needed: readonly number[]
  /** Objects that it tells, by tag. */
  readonly sent: ReadonlyMap<number, Uint8Array>
}

/** What comes with every question. */
export interface Waiting {
  /** The question is no longer asked: cancelled, or out of time. */
  readonly signal: AbortSignal
  /** ISO 639-1: the language the cardholder prefers among the terminal's, where the card says (EMV 4.4 Book 4, 11.1). */
  readonly language?: string | undefined
}

/** The world around a kernel, as it asks for it: methods left out are things the terminal cannot do. */
export interface Terminal {
  /** Index into `candidates`, or undefined when the cardholder cancels. Only ever asked on chip. */
  selectApplication(candidates: readonly Candidate[], options: Waiting): Promise<number | undefined>
  /** Left out where PIN entry happens inside the reader, out of this terminal's sight. */
  enterPin?(request: PinRequest, options: Waiting): Promise<PinEntry>
  /**
   * Asks the host, for as long as `Timeouts.host` allows.
   * @throws what it throws counts as no answer; with Fault `host-unreachable` nothing was sent, with any other the host may have approved
   */
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
