/** An Outcome is how a transaction ended; endings of the card's, the cardholder's or the host's making are outcomes, not faults. */

import type { AuthorisationResponse, PinBlock } from './authorisation.ts'

/** How a card was presented. */
export type CardInterface = 'chip' | 'tap' | 'swipe'

/** Cardholder verification as a merchant and a receipt name it. */
export type CvmName = 'none' | 'onlinePin' | 'offlinePin' | 'signature' | 'device'

/** Why a transaction ended as it did, for every ending that is no plain approval. */
export type Reason =
  | 'offlineDeclined' // the card or the terminal declined without asking the host
  | 'hostDeclined' // the host declined: see `response`
  | 'cardDeclined' // the card declined after the host approved: a reversal is due
  | 'unableToGoOnline' // no answer from the host, and the default action codes or the card said no
  | 'referral' // the host wants a voice call
  | 'cardholderCancelled' // at application choice, PIN entry or signature
  | 'merchantCancelled' // the AbortSignal
  | 'cardRemoved'
  | 'cardTimeout' // nobody presented a card
  | 'cardMute' // the chip does not answer: fallback may be offered
  | 'cardError' // the chip answers what EMV does not allow: terminated
  | 'cardBlocked'
  | 'applicationBlocked'
  | 'noApplication' // no mutually supported application
  | 'kernelUnsupported' // no kernel here takes the card’s payment system by tap: `application` names it
  | 'notAccepted' // the application's rules do not allow this service
  | 'pinTimeout'
  | 'tryAnotherInterface'
  | 'linkLost' // after the cryptogram left: reconcile
  | 'readerError'

/** How a transaction ended, and all that is known then. */
export interface Outcome {
  /** `unknown`: the host may have approved; to be reconciled, never repeated blindly. */
  readonly result: 'approved' | 'declined' | 'cancelled' | 'unknown'
  /** Why; left out on a plain approval. */
  readonly reason?: Reason
  /** What the card was presented to. Left out: no card was, or nobody tells. */
  readonly interface?: CardInterface | undefined
  /** `none`: nobody was verified, and that is known. Left out: the reader does not tell. */
  readonly cvm?: CvmName | undefined
  /** The host was asked. */
  readonly online: boolean
  /** The application that was used; left out where none was. */
  readonly application?: {
    /** Its AID as the card has it (84 or 4F). */
    readonly aid: Uint8Array
    /** Its name for people. */
    readonly label: string
  }
  /** Every data object known at the end, by tag. Sensitive ones (57, 5A, 56, …) are for the acquirer only: print with `tlv/print`. */
  readonly tags: ReadonlyMap<number, Uint8Array>
  /** The online PIN, enciphered; left out where none was entered. */
  readonly pinBlock?: PinBlock
  /** What the host said; left out where it was not asked, or did not answer. */
  readonly response?: AuthorisationResponse
  /** The host approved, or may have, yet the card did not complete: the approval must be reversed (EMV 4.4 Book 4, 12.1.8 and Book 3, 10.11). */
  readonly reversal?: boolean
  /** An advice is due to the host (CID b4, EMV 4.4 Book 3, 10.8.1.1 and Book 4, 12.1.7). */
  readonly advice?: boolean
  /**
   * The chip could not be read: no answer to reset, or nothing that makes sense before the transaction began (GET PROCESSING OPTIONS), in every family. With
   * `declined` the card may be asked for again, or for its stripe or a tap; else that is how the payment went on.
   */
  readonly fallback?: boolean
}

/** ISO 8583:1987 response code 55, incorrect PIN. */
const WRONG_PIN = '55'

/** The issuer found the online PIN wrong: the card may stay where it is, and the PIN be entered again. */
export function pinWasWrong({ cvm, response }: Pick<Outcome, 'cvm' | 'response'>): boolean {
  return cvm === 'onlinePin' && response?.type === 'declined' && response.code === WRONG_PIN
}
