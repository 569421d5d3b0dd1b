/** What goes to the host and comes from it, as terminal and Outcome both tell it. */

/** An enciphered ISO 9564 PIN block. */
export interface PinBlock {
  /** ISO 9564-1 format of the block; 4 is enciphered with AES. */
  readonly format: 0 | 3 | 4
  /** The enciphered block: 8 bytes, of format 4 16. */
  readonly data: Uint8Array
  /** DUKPT key serial number, 10 bytes (TDES) or 12 (AES). */
  readonly ksn: Uint8Array
}

/**
 * The host's answer. `unableToGoOnline`: no answer is known, the kernel decides by the default action codes (EMV 4.4 Book 3, 10.7). Whether the host may
 * have approved all the same is then the terminal's to know; where the kernel itself waited in vain, or `authorise` threw anything but `host-unreachable`,
 * the Outcome says that a reversal is due. `referral` asks `refer`, and is a decline where the terminal has none.
 */
export type AuthorisationResponse =
  | {
      /** What the host decided. */
      readonly type: 'approved' | 'declined' | 'referral'
      /** Authorisation Response Code (8A), two characters. */
      readonly code: string
      /** 91: ARPC and response code, or as the scheme says, 8–16 bytes. */
      readonly issuerAuthenticationData?: Uint8Array
      /** Issuer script templates 71 and 72 as they came, in order. */
      readonly scripts?: readonly Uint8Array[]
      /** Authorisation code (89), 6 characters; left out where the host gave none. */
      readonly authorisationCode?: string
      /** Retrieval reference number, 12 characters. */
      readonly rrn?: string
    }
  | {
      /** No answer is known. */
      readonly type: 'unableToGoOnline'
    }
