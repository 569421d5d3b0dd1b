/** What the ICC data of a QPOS says: tags, cardholder verification, application, PIN block. */

import { displayName } from '../../src/emv/fci.ts'
import type { CardInterface, CvmName } from '../../src/emv/outcome.ts'
import type { PinBlock } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
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

/**
 * Cardholder verification by CVM Results (9F34: method, condition, result; EMV 4.4 Book 4, Annex A4 and Book 3, Annex C3).
 * A method that failed (result 1) verified nobody. PIN and signature together count as the signature that is still to be taken.
 * Over contactless, the offline PIN's code stands for verification on the cardholder's device (Book C-2, CDCVM).
 */
export function cvmOf(tags: Tags, pinBlock: PinBlock | undefined, by: CardInterface): CvmName {
  const results = tags.get(0x9f34)
  if (results?.length !== 3) return pinBlock ? 'onlinePin' : by === 'tap' ? byQualifiers(tags) : 'none'
  const [method, , result] = results
  if (result === 1) return 'none'
  switch (method & 0x3f) {
    case 0x01:
      return by === 'tap' ? 'device' : 'offlinePin'
    case 0x04:
      return 'offlinePin'
    case 0x02:
      return 'onlinePin'
    case 0x03:
    case 0x05:
    case 0x1e:
      return 'signature'
    default:
      return 'none'
  }
}

/** Without CVM Results, what a qVSDC card has said: Card Transaction Qualifiers (9F6C), after an online PIN was ruled out (Book C-3, 5.7). */
function byQualifiers(tags: Tags): CvmName {
  const qualifiers = tags.get(0x9f6c)
  if (qualifiers?.length !== 2) return 'none'
  return qualifiers[1] & 0x80 ? 'device' : qualifiers[0] & 0x40 ? 'signature' : 'none'
}

/** The enciphered PIN, format 0 (the vendor's decoding example), and its key serial number. */
export function pinBlockOf(data: Uint8Array | undefined, ksn: Uint8Array | undefined): PinBlock | undefined {
  return data?.length && ksn?.length ? { format: 0, data, ksn } : undefined
}

export function pinBlockOfTags(tags: Tags): PinBlock | undefined {
  return pinBlockOf(tags.get(iccTags.pinBlock), tags.get(iccTags.pinKsn))
}

/** All parts of ISO 8859 that 9F11 can name: whether to show them is for the app. */
const codeTables = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

/** AID (84, else 4F) and what to call it: the label as it was chosen, else 9F12 in its code table, 50, or the AID. */
export function applicationOf(tags: Tags, chosen?: string): { readonly aid: Uint8Array; readonly label: string } | undefined {
  const aid = tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06)
  if (!aid && !chosen && !tags.has(0x50) && !tags.has(0x9f12)) return undefined
  const own = aid ?? new Uint8Array(0)
  return { aid: own, label: chosen ?? displayName(tags, tags.get(0x9f11), codeTables, own) }
}
