/** What a reader's head does with a track: enciphers it before anything else sees it. */

import { concat, fromText } from '../../src/bytes.ts'
import * as des from '../../src/crypto/des.ts'
import { dataKey } from '../../src/crypto/dukpt.ts'

/**
 * The characters of a track, sentinels left out, zero filled to whole blocks, TDES CBC with a zero vector under the data key
 * (X9.24-1:2009, A.4.1). That readers pack it so is derived: the vendor documents the key, not the packing.
 */
export function encipherTrack(track: string | undefined, transactionKey: Uint8Array): Uint8Array | undefined {
  if (!track) return undefined
  const fill = (8 - (track.length % 8)) % 8
  return des.encryptCbc(dataKey(transactionKey), concat(fromText(track), new Uint8Array(fill)))
}
