/** What the ICC data of a QPOS says: tags, cardholder verification, application, PIN block. */

import type { PinBlock } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import { pinBlockByLength } from '../../src/reader/pin-block.ts'
import { read } from '../../src/tlv/ber.ts'
import { iccTags } from './codec.ts'

export type Tags = ReadonlyMap<number, Uint8Array>

/** The data objects, by tag. @throws Fault `protocol` when it is no TLV */
export function readTags(icc: Uint8Array): Map<number, Uint8Array> {
  try {
    return new Map(read(icc).map(({ tag, value }) => [tag, value.slice()]))
  } catch (error) {
    if (!isFault(error, 'tlv')) throw error
    throw new Fault('protocol', `the reader's ICC data is no TLV: ${error.message}`, error.details, { cause: error })
  }
}

/** The enciphered PIN and its key serial number: format 0 (the vendor's decoding example), or 4 by its length. */
export function pinBlockOfTags(tags: Tags): PinBlock | undefined {
  return pinBlockByLength(tags.get(iccTags.pinBlock), tags.get(iccTags.pinKsn))
}
