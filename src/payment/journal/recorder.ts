/** The port to a journal: what a payment writes down before it goes on, whatever keeps it. Safe for a browser. */

import type { CardInterface, CvmName, Outcome, Reason } from '../../emv/outcome.ts'
import { type Fault, isFault } from '../../errors.ts'
import type { AuthorisationMessage, HostAnswer, Merchant, Order, PaymentType, ReversalReason } from '../acquirer.ts'
import type { Receipt } from '../receipt/receipt.ts'
import type { Due, Method } from '../steps.ts'

/** What is about to be tried, before a card is asked for. */
export interface Intent {
  /** Idempotency key of the attempt. */
  readonly key: string
  /** What is paid for. */
  readonly order: Order
  /** Who is paid. */
  readonly merchant: Merchant
  /** How. */
  readonly method: Method
  /** Serial number or family of the reader. */
  readonly reader?: string
  /** Minor units. */
  readonly amount: bigint
  /** Two-stage was asked for. */
  readonly hold?: boolean
  /** An approval of a part is taken. */
  readonly partial?: boolean
  /** A purchase when left out. A refund and a card check are no payments of their order. */
  readonly type?: PaymentType
  /** When it began, the local time of the terminal. */
  readonly at: Date
  /** Of cash: minor units handed over. */
  readonly received?: bigint
}

/** Why a payment was not approved: the kernel's and the host's reasons, and the till's own. */
export type PaymentReason =
  | Reason
  | 'otherApplication' // the card would be paid by another payment system than the one that was asked for: nothing is charged
  | 'journalFailed' // it could not be written down: taken back
  | 'interrupted' // the app died under way: taken back
  | 'hostContradicted' // the host's answers contradict themselves or the question: taken back
  | 'partialApproval' // the host approved a part of the amount, which the app does not take: taken back
  | 'notVerified' // from the limit on nobody pays unverified, whatever reader and bank say
  | 'nobodyAnswered' // the app was asked for the payment system or a signature, and had nobody to ask: nothing is charged
  | 'notRegistered' // cash was taken, and the host refuses to register it

/** How reader and customer ended it. */
export interface Ended extends Omit<Outcome, 'reason'> {
  /** Why it was not approved. */
  readonly reason?: PaymentReason
}

/** How a payment ended for its merchant. */
export interface Ending {
  /** How it ended. */
  readonly result: Outcome['result']
  /** Why, where it was not approved. */
  readonly reason?: PaymentReason
  /** What the host said last. */
  readonly answer?: HostAnswer
  /** The slip. */
  readonly receipt: Receipt
  /** The host has confirmed that nothing is charged. */
  readonly reversed?: boolean
  /** What the host has not confirmed yet. */
  readonly due?: Due
}

/**
 * A payment's steps in their order. What follows a step happens only once it is written:
 *
 * | Stage | Written before | After a crash here |
 * |---|---|---|
 * | `begun` | the card is asked for | nothing was sent: cancelled |
 * | `asking` | the authorisation leaves | the host is asked; whatever it did is reversed |
 * | `presenting` | SBP: the QR code is asked for, and shown | the host is asked until it knows; nothing is taken back while the customer may pay |
 * | `answered` | the card hears the host's answer | approved: reversed, because the card has not agreed |
 * | `card` | card and host are brought together | as the card said: an approval is completed with the host, anything else reversed |
 * | `reversing` | the reversal leaves | repeated until the host has confirmed |
 * | `advising` | the advice leaves | repeated until the host has confirmed |
 * | `ended` | anybody is told | only what is due is done |
 */
export type PaymentStep =
  | ({
      /** It begins. */
      readonly stage: 'begun'
    } & Intent)
  | {
      /** The authorisation leaves. */
      readonly stage: 'asking'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** What is sent. */
      readonly message: AuthorisationMessage
    }
  | {
      /** Of SBP: before the code is asked for, and again, with it, before it is shown. */
      readonly stage: 'presenting'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** What the code says. */
      readonly payload?: string
      /** Until when it can be paid. */
      readonly expires?: Date
      /** What the host said to it. */
      readonly answer?: HostAnswer
    }
  | {
      /** The host has answered. */
      readonly stage: 'answered'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** What it said. */
      readonly answer: HostAnswer
    }
  | {
      /** The card has the last word. */
      readonly stage: 'card'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** How the card ended it. */
      readonly result: Outcome['result']
      /** Why, where it was not approved. */
      readonly reason?: PaymentReason
      /** How the card was read, where that is known. */
      readonly interface?: CardInterface | undefined
      /** How the cardholder was verified, where that is known. */
      readonly cvm?: CvmName | undefined
      /** As it would be printed if this were the end. */
      readonly receipt: Receipt
    }
  | {
      /** A reversal leaves. */
      readonly stage: 'reversing'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** Why it is taken back. */
      readonly why: ReversalReason
      /** The key that is reversed, where it is not the payment's own. */
      readonly target?: string
    }
  | {
      /** An advice leaves. */
      readonly stage: 'advising'
      /** Idempotency key of the attempt. */
      readonly key: string
      /** What is sent: its key may be another, for an approval by voice is advised under one of its own. */
      readonly message: AuthorisationMessage
    }
  | ({
      /** It is over. */
      readonly stage: 'ended'
      /** Idempotency key of the attempt. */
      readonly key: string
    } & Ending)

/** What a payment is written down with before each step; `openJournal` gives one, or the app brings its own. */
export interface Recorder {
  /**
   * Whether a message with the card's data may be kept, enciphered, until the host has heard of an offline approval. Without it such an approval stands only
   * when the host has confirmed it at once, and is a decline otherwise.
   */
  readonly keepsCards: boolean
  /**
   * Settles once the step is on disk.
   * @throws Fault `journal` when it cannot be written (details.reason), or the payment was taken over by another process (`taken-over`);
   * `busy` at `begun` when the order is paid or being paid: details.state is `already-paid` or `in-process`
   */
  record(step: PaymentStep): void | Promise<void>
}

/** How one payment writes into a journal that may fail, or not be there. */
export interface Pen {
  /** As `Recorder.keepsCards`; true without a recorder, for then nothing is kept over a crash anyhow. */
  readonly keepsCards: boolean
  /** The first failure to write. */
  readonly fault: Fault | undefined
  /** The payment is another process's by now: whatever is still to be done is not ours. */
  readonly takenOver: boolean
  /** For steps that must not be taken unwritten. @throws as `Recorder.record` */
  write(step: PaymentStep): Promise<void>
  /** For steps on the safe side, which are taken all the same: what is on disk leads recovery the same way. */
  note(step: PaymentStep): Promise<void>
}

/** A pen for one payment; without a recorder it writes nothing, and never fails. */
export function openPen(recorder: Recorder | undefined): Pen {
  let fault: Fault | undefined
  const write = async (step: PaymentStep) => {
    try {
      await recorder?.record(step)
    } catch (error) {
      if (isFault(error, 'journal')) fault ??= error
      throw error
    }
  }
  return {
    keepsCards: recorder?.keepsCards ?? true,
    get fault() {
      return fault
    },
    get takenOver() {
      return fault?.details.reason === 'taken-over'
    },
    write,
    note: step =>
      write(step).catch(error => {
        if (!isFault(error, 'journal')) throw error
      }),
  }
}
