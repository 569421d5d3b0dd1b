/** Combined DDA / Application Cryptogram Generation: whether GENERATE AC asks for it, and the signature it returns (EMV 4.4 Book 2, 6.6). */

import { sha1 } from '@noble/hashes/legacy.js'
import { concat, equal } from '../../bytes.ts'
import { read } from '../../tlv/ber.ts'
import { isSet, TVR } from '../data.ts'
import type { Kernel } from '../steps/context.ts'
import { failOda } from './fail.ts'
import { dynamicHashHolds, type Failed, isFailed, recoverDynamicData } from './signature.ts'

/** Whether a GENERATE AC for a TC or ARQC may ask for a CDA signature: CDA was chosen, and nothing of it has failed (6.6). */
export function canRequestCda(kernel: Kernel): boolean {
  return kernel.oda?.method === 'cda' && kernel.oda.iccKey !== undefined && !isSet(kernel.data.terminal.get(0x95), TVR.cdaFailed)
}

/** How CDA of one GENERATE AC ended. */
export interface CdaResult {
  readonly verified: boolean
  /** Cryptogram Information Data as signed; where it was recovered it counts, not the one in clear (Book 4, 6.3.2.1). */
  readonly cid: number | undefined
  /** What a contactless card signed behind the transaction data hash (summaries of data storage, relay resistance); left out where that is nothing. */
  readonly behind?: Uint8Array
}

/**
 * Checks the signature in the response to a GENERATE AC that asked for one and was answered with a TC or ARQC (6.6.2). On success 9F4C and the
 * signed cryptogram 9F26 are in `kernel.data.card`; otherwise 'CDA failed' is set, and what to do then is the caller's (Book 4, 6.3.2.1).
 * @param template the value of the response's template 77; empty for a response in format 1, which cannot hold a signature
 * @param sent the values sent to the card, in order: those of the PDOL (`kernel.pdolData`), of CDOL1, and for the second GENERATE AC of CDOL2
 * @throws Fault `tlv` when the template is malformed
 */
export function verifyCda(kernel: Kernel, template: Uint8Array, sent: readonly Uint8Array[]): CdaResult {
  kernel.mark('odaPerformed', { rule: 'Book 3, 10.3: CDA was performed with GENERATE AC' })
  const result = check(kernel, template, sent)
  if ('failed' in result) {
    failOda(kernel, 'cda', result)
    return { verified: false, cid: result.cid }
  }
  const { card } = kernel.data
  card.set(0x9f4c, result.number)
  card.set(0x9f26, result.cryptogram)
  kernel.note({ rule: 'Book 2, 6.6.2: the cryptogram is signed by the card', inputs: [0x9f4c, 0x9f26] }, () => 'CDA succeeded')
  return { verified: true, cid: result.cid, ...(result.behind.length > 0 && { behind: result.behind }) }
}

interface Signed {
  readonly cid: number
  readonly number: Uint8Array
  readonly cryptogram: Uint8Array
  readonly behind: Uint8Array
}

function check(kernel: Kernel, template: Uint8Array, sent: readonly Uint8Array[]): Signed | (Failed & { cid?: number }) {
  const rule = 'Book 2, 6.6.2'
  const key = kernel.oda?.iccKey
  if (!key) return { failed: `${rule}: no ICC public key` }
  const objects = read(template)
  const signature = objects.find(({ tag }) => tag === 0x9f4b)
  if (!signature) return { failed: `${rule}: no Signed Dynamic Application Data (9F4B) in the response` }
  kernel.data.card.set(0x9f4b, signature.value.slice())
  const dynamic = recoverDynamicData(key, signature.value, rule)
  if (isFailed(dynamic)) return dynamic
  // Table 19: behind the ICC Dynamic Number the CID, the cryptogram of 8 bytes, and the Transaction Data Hash Code.
  const { number, rest } = dynamic
  if (rest.length < 29) return { failed: `${rule} step 5: ICC Dynamic Data hold no cryptogram` }
  const cid = rest[0]
  if (objects.find(({ tag }) => tag === 0x9f27)?.value[0] !== cid) return { failed: `${rule} step 6: the CID is not the one signed`, cid }
  if (!dynamicHashHolds(dynamic, kernel.data.terminal.get(0x9f37)!)) return { failed: `${rule} step 9: hash differs`, cid }
  const others = objects.filter(({ tag }) => tag !== 0x9f4b).map(object => template.subarray(object.offset, endOf(object, template)))
  if (!equal(sha1(concat(...sent, ...others)), rest.subarray(9, 29)))
    return { failed: `${rule} step 12: the transaction data hash differs`, cid }
  return { cid, number, cryptogram: rest.slice(1, 9), behind: rest.slice(29) }
}

function endOf({ value }: { value: Uint8Array }, template: Uint8Array): number {
  return value.byteOffset - template.byteOffset + value.length
}
