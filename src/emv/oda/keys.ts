/** The keys of a card as a transaction recovers them: CA, issuer, ICC, ICC PIN encipherment (EMV 4.4 Book 2, 6.1–6.4 and 7.1). */

import { equal } from '../../bytes.ts'
import type { RsaPublicKey } from '../../crypto/rsa.ts'
import { findCaKey } from '../ca-keys.ts'
import { tagName } from '../data.ts'
import type { Kernel } from '../steps/context.ts'
import { type CertificateParts, type Failed, isFailed, recoverIccKey, recoverIssuerKey } from './signature.ts'

/** Objects that the chain up to the issuer, and up to the card, cannot do without (Tables 4 and 12; remainders only where a key needs one). */
export const ISSUER_DATA = [0x8f, 0x90, 0x9f32] as const
const ICC_DATA = [...ISSUER_DATA, 0x9f46, 0x9f47] as const
const PIN_DATA = [...ISSUER_DATA, 0x9f2d, 0x9f2e] as const

/** What the chain of keys is recovered from; every kernel has it. */
export type Chain = Pick<Kernel, 'data' | 'config' | 'odaInput' | 'oda'>

/** Which of `tags` the card did not give (Book 3, 7.5, Table 35). */
export function missingData({ data }: Pick<Chain, 'data'>, tags: readonly number[]): Failed | undefined {
  const missing = tags.filter(tag => !data.card.has(tag))
  return missing.length > 0 ? { failed: `Book 3, 7.5: not in the card: ${missing.map(tagName).join(', ')}`, missing: true } : undefined
}

/** The static data to be authenticated: the records, then the AIP where the tag list (9F4A) names it, which can name nothing else (Book 3, 10.3). */
export function staticData({ odaInput, data }: Pick<Chain, 'odaInput' | 'data'>): readonly Uint8Array[] | Failed {
  if (!odaInput) return { failed: 'Book 3, 10.3: a record to be authenticated is not coded as template 70' }
  const list = data.card.get(0x9f4a)
  if (!list) return odaInput
  const aip = data.card.get(0x82)
  if (list.length !== 1 || list[0] !== 0x82 || !aip) return { failed: 'Book 3, 10.3: the SDA tag list names other than the AIP' }
  return [...odaInput, aip]
}

/** The issuer's key, kept in `kernel.oda`. @throws Fault `bad-key` when the CA key is configured but not good */
export function issuerKey(kernel: Chain): RsaPublicKey | Failed {
  const { data, config, oda } = kernel
  if (oda?.issuerKey) return oda.issuerKey
  const missing = missingData(kernel, ISSUER_DATA)
  if (missing) return missing
  const rid = data.terminal.get(0x9f06)!.subarray(0, 5)
  const index = data.card.get(0x8f)![0]
  const today = data.terminal.get(0x9a)!
  const caKey = findCaKey(config.caKeys, rid, index, today)
  if (!caKey) return { failed: 'Book 2, 5.2/6.2: no CA key for this RID and index, or it has expired' }
  data.setTerminal(0x9f22, index)
  const revoked = (serial: Uint8Array) =>
    config.revoked.some(one => one.index === index && equal(one.rid, rid) && equal(one.serial, serial))
  const issuer = recoverIssuerKey(caKey, parts(kernel, 0x90, 0x92, 0x9f32), data.card.get(0x5a)!, today, revoked)
  if (isFailed(issuer)) return issuer
  if (oda) oda.issuerKey = issuer.key
  return issuer.key
}

/** The card's key, its certificate checked with the static data; kept in `kernel.oda`. @throws Fault `bad-key` */
export function iccKey(kernel: Chain): RsaPublicKey | Failed {
  if (kernel.oda?.iccKey) return kernel.oda.iccKey
  const missing = missingData(kernel, ICC_DATA)
  if (missing) return missing
  const input = staticData(kernel)
  if ('failed' in input) return input
  const key = certified(kernel, parts(kernel, 0x9f46, 0x9f48, 0x9f47), input)
  if (kernel.oda && !isFailed(key)) kernel.oda.iccKey = key
  return key
}

/**
 * The key that an offline PIN is enciphered with: the card's PIN encipherment key where it has one (9F2D), else its ICC key (Book 2, 7.1).
 * Undefined: there is none that can be trusted, so the Offline Enciphered PIN CVM has failed; `kernel.note` has the reason.
 * @throws Fault `bad-key` when the CA key is configured but not good
 */
export function recoverPinKey(kernel: Chain & Pick<Kernel, 'note'>): RsaPublicKey | undefined {
  const own = !missingData(kernel, PIN_DATA)
  const key = own ? certified(kernel, parts(kernel, 0x9f2d, 0x9f2f, 0x9f2e), []) : iccKey(kernel)
  const inputs = own ? [0x9f2d, 0x9f2e, 0x9f2f] : [0x9f46, 0x9f47, 0x9f48]
  if (!isFailed(key)) {
    kernel.note({ rule: 'Book 2, 7.1: key for PIN encipherment', inputs }, () => `${key.modulus.length * 8} bits`)
    return key
  }
  kernel.note({ rule: `Book 2, 7.1: ${key.failed}`, inputs }, () => 'no key for PIN encipherment')
  return undefined
}

function certified(kernel: Chain, certificate: CertificateParts, input: readonly Uint8Array[]): RsaPublicKey | Failed {
  const { data } = kernel
  const issuer = issuerKey(kernel)
  if (isFailed(issuer)) return issuer
  const icc = recoverIccKey(issuer, certificate, data.card.get(0x5a)!, data.terminal.get(0x9a)!, input)
  return isFailed(icc) ? icc : icc.key
}

function parts({ data }: Pick<Chain, 'data'>, certificate: number, remainder: number, exponent: number): CertificateParts {
  return { certificate: data.card.get(certificate)!, remainder: data.card.get(remainder), exponent: data.card.get(exponent)! }
}
