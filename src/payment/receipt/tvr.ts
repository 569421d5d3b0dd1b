/** What a slip reads out of the Terminal Verification Results. */

import { fromHex } from '../../bytes.ts'
import { isSet, TVR } from '../../emv/data.ts'

/** TVR byte 3 b8: cardholder verification was not successful (EMV 4.4 Book 3, Annex C5). "Not needed" would be untrue then. @param tvr in hex, as a slip has it */
export function cvmFailed({ tvr }: { readonly tvr?: string | undefined }): boolean {
  return tvr !== undefined && isSet(fromHex(tvr), TVR.cardholderVerificationFailed)
}
