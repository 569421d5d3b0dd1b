/** What readers of every family tell their kernel of the host's answer, and the host of the kernel's cardholder verification. */

import type { OnlineResult } from '../../devices/qpos/codec.ts'
import { fromHex } from '../../src/bytes.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { AuthorisationResponse } from '../../src/emv/terminal.ts'

/**
 * The data of a tap with CVM Results (9F34) where the kernel keeps none, so that the host learns how the cardholder was verified. Assumed: what a real
 * QPOS puts into its NFC batch is not documented. On a device as Book C-2 writes it (01 00 02).
 */
export function withCvm({ tags, cvm }: Pick<Outcome, 'tags' | 'cvm'>): ReadonlyMap<number, Uint8Array> {
  const results = { none: '1F0002', onlinePin: '020000', signature: '1E0000', device: '010002', offlinePin: '' }[cvm ?? 'offlinePin']
  return tags.size === 0 || tags.has(0x9f34) || !results ? tags : new Map([...tags, [0x9f34, fromHex(results)]])
}

/** ISO 8583:1987 response codes that approve; the referrals of field 39; what a terminal puts where no answer came (EMV 4.4 Book 4, A6). */
const approving = ['00', '08', '10', '11']
const referring = ['01', '02']
const noAnswer = ['Y3', 'Z3']

export function responseOf(result: OnlineResult): AuthorisationResponse {
  if (noAnswer.includes(result.code)) return { type: 'unableToGoOnline' }
  const type = approving.includes(result.code) ? 'approved' : referring.includes(result.code) ? 'referral' : 'declined'
  return { type, ...result }
}
