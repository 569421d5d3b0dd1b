/** What the card's bank says of a payment, and what it saw. */

/** Of something that proves a payment: right, wrong, or not there. */
export type Check = 'right' | 'wrong' | 'none'

/** What the issuer says, and what it saw. */
export interface Verdict {
  /** Whose money it is. */
  readonly account?: string
  /** ISO 8583:1987, field 39: two characters. */
  readonly code: string
  readonly reason: string
  readonly arqc: Check
  readonly pin: Check
  /** Of a contactless stripe: CVC3 or dCVV. */
  readonly stripeCode?: Check
  /** Minor units, where only a part is approved. */
  readonly approvedAmount?: bigint
  /** Tag 91. */
  readonly issuerAuthenticationData?: Uint8Array
  /** Tags 72, each whole. */
  readonly scripts?: readonly Uint8Array[]
}
