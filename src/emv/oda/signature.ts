/** What signatures and certificates of EMV hold, and the checks on each (EMV 4.4 Book 2, 5.3–5.4, 6.3–6.6 and Annex A2.1). Pure: no card, no terminal. */

import { sha1 } from '@noble/hashes/legacy.js'
import { concat, equal, hex } from '../../bytes.ts'
import { type RsaPublicKey, rsaKeyProblem, rsaPublic } from '../../crypto/rsa.ts'
import { sortableDate } from '../data.ts'

/** A check that failed, in words, with its paragraph; `missing` where the card lacks an object for it (Book 3, 7.5, Table 35). */
export interface Failed {
  readonly failed: string
  readonly missing?: boolean
}

export function isFailed(result: object): result is Failed {
  return 'failed' in result
}

/** Recovered data behind its header: `hashed` from format to pad pattern, and the hash that was signed with it. */
export interface Recovered {
  readonly hashed: Uint8Array
  readonly hash: Uint8Array
}

/** SHA-1 (Book 2, B2.1; Hash Algorithm Indicator 01), the only hash of RSA methods. */
const SHA1 = 0x01
/** RSA (Book 2, B2.1; Public Key Algorithm Indicator 01). */
const RSA = 0x01

/** The data that `signature` recovers to, with trailer, header and format checked. The caller checks the hash, over `hashed` and what it signs besides. */
export function recover(key: RsaPublicKey, signature: Uint8Array, format: number, rule: string): Recovered | Failed {
  const problem = rsaKeyProblem(key)
  if (problem) return { failed: `${rule}: ${problem}` }
  const size = key.modulus.length
  if (signature.length !== size) return { failed: `${rule} step 1: ${signature.length} bytes, the key has ${size}` }
  if (size < 22 + 4) return { failed: `${rule} step 1: the key is too short` }
  const data = rsaPublic(key, signature)
  if (data[size - 1] !== 0xbc) return { failed: `${rule} step 2: trailer is not BC` }
  if (data[0] !== 0x6a) return { failed: `${rule} step 3: header is not 6A` }
  if (data[1] !== format) return { failed: `${rule} step 4: format is not ${hex(Uint8Array.of(format))}` }
  return { hashed: data.subarray(1, size - 21), hash: data.subarray(size - 21, size - 1) }
}

/** Whether the recovered hash is that of the recovered and the additional data. */
function hashHolds({ hashed, hash }: Recovered, indicator: number, ...more: readonly Uint8Array[]): boolean {
  if (indicator !== SHA1) return false
  const sum = sha1.create().update(hashed)
  for (const part of more) sum.update(part)
  return equal(sum.digest(), hash)
}

/** A certificate's public key with the parts that did not fit. */
export interface CertificateParts {
  readonly certificate: Uint8Array
  /** 92, 9F48, 9F2F; an empty one is none. */
  readonly remainder: Uint8Array | undefined
  readonly exponent: Uint8Array
}

/** Issuer Public Key Certificate (Book 2, 5.3 and 6.3). */
export interface IssuerCertificate {
  readonly key: RsaPublicKey
  /** Certificate serial number, 3 bytes. */
  readonly serial: Uint8Array
}

/**
 * @param pan 5A, of which the issuer identifier is the beginning
 * @param today YYMMDD in BCD
 * @param isRevoked step 10, on the serial number
 */
export function recoverIssuerKey(
  caKey: RsaPublicKey,
  parts: CertificateParts,
  pan: Uint8Array,
  today: Uint8Array,
  isRevoked: (serial: Uint8Array) => boolean,
): IssuerCertificate | Failed {
  const rule = 'Book 2, 5.3/6.3'
  const opened = openCertificate(caKey, parts, 0x02, 14, rule, [])
  if (isFailed(opened)) return opened
  const { hashed } = opened
  const identifier = hex(hashed.subarray(1, 5)).replace(/F+$/, '')
  if (!/^\d{3,8}$/.test(identifier) || !hex(pan).startsWith(identifier))
    return { failed: `${rule} step 8: issuer identifier is not of this PAN` }
  if (hasExpired(hashed.subarray(5, 7), today)) return { failed: `${rule} step 9: issuer certificate has expired` }
  const serial = hashed.slice(7, 10)
  if (isRevoked(serial)) return { failed: `${rule} step 10: issuer certificate ${hex(serial)} is revoked` }
  if (hashed[11] !== RSA) return { failed: `${rule} step 11: public key algorithm is not known` }
  return { key: opened.key, serial }
}

/** ICC or ICC PIN Encipherment Public Key Certificate (Book 2, 6.4 and 7.1); `staticData` is empty for the latter. */
export function recoverIccKey(
  issuerKey: RsaPublicKey,
  parts: CertificateParts,
  pan: Uint8Array,
  today: Uint8Array,
  staticData: readonly Uint8Array[],
): { readonly key: RsaPublicKey } | Failed {
  const rule = 'Book 2, 6.4'
  const opened = openCertificate(issuerKey, parts, 0x04, 20, rule, staticData)
  if (isFailed(opened)) return opened
  const { hashed } = opened
  if (digits(hashed.subarray(1, 11)) !== digits(pan)) return { failed: `${rule} step 8: the certificate is for another PAN` }
  if (hasExpired(hashed.subarray(11, 13), today)) return { failed: `${rule} step 9: ICC certificate has expired` }
  if (hashed[17] !== RSA) return { failed: `${rule} step 10: public key algorithm is not known` }
  return { key: opened.key }
}

/** Steps 1–7 and the key itself. `head` is the length of what precedes the key in the hashed data: its last four bytes are the same in both certificates. */
function openCertificate(
  signer: RsaPublicKey,
  { certificate, remainder = new Uint8Array(0), exponent }: CertificateParts,
  format: number,
  head: number,
  rule: string,
  staticData: readonly Uint8Array[],
): (Recovered & { key: RsaPublicKey }) | Failed {
  const recovered = recover(signer, certificate, format, rule)
  if (isFailed(recovered)) return recovered
  const { hashed } = recovered
  if (hashed.length <= head) return { failed: `${rule}: no room for a key in the certificate` }
  const [hashIndicator, , length, exponentLength] = hashed.subarray(head - 4, head)
  const room = hashed.length - head
  if (length > room && remainder.length === 0) return { failed: `${rule}: the remainder of the key is missing`, missing: true }
  if (!hashHolds(recovered, hashIndicator, remainder, exponent, ...staticData)) return { failed: `${rule} step 7: hash differs` }
  if (length > room && length !== room + remainder.length) return { failed: `${rule}: the remainder does not fit the length of the key` }
  if (exponentLength !== exponent.length) return { failed: `${rule}: exponent has not the length that the certificate names` }
  const modulus = length > room ? concat(hashed.subarray(head), remainder) : hashed.slice(head, head + length)
  return { ...recovered, key: { modulus, exponent } }
}

const digits = (number: Uint8Array) => hex(number).replace(/F+$/, '')

/** MMYY in BCD: good until the last day of that month. A month that is none has expired. */
function hasExpired(mmyy: Uint8Array, today: Uint8Array): boolean {
  const month = hex(mmyy.subarray(0, 1))
  if (!/^(0[1-9]|1[0-2])$/.test(month) || !/^\d\d$/.test(hex(mmyy.subarray(1)))) return true
  return sortableDate(Uint8Array.of(mmyy[1], mmyy[0])) < sortableDate(today.subarray(0, 2))
}

/** Signed Static Application Data (Book 2, 5.4): the Data Authentication Code (9F45). */
export function verifyStaticData(
  issuerKey: RsaPublicKey,
  signature: Uint8Array,
  staticData: readonly Uint8Array[],
): { readonly code: Uint8Array } | Failed {
  const rule = 'Book 2, 5.4'
  const recovered = recover(issuerKey, signature, 0x03, rule)
  if (isFailed(recovered)) return recovered
  if (!hashHolds(recovered, recovered.hashed[1], ...staticData)) return { failed: `${rule} step 7: hash differs` }
  return { code: recovered.hashed.slice(2, 4) }
}

/** Signed Dynamic Application Data: the ICC Dynamic Number (9F4C) and what follows it in the ICC Dynamic Data. Its hash is still to be checked. */
export interface DynamicData extends Recovered {
  readonly number: Uint8Array
  readonly rest: Uint8Array
}

/** Book 2, 6.5.2 and 6.6.2 steps 1–5. */
export function recoverDynamicData(iccKey: RsaPublicKey, signature: Uint8Array, rule: string): DynamicData | Failed {
  const recovered = recover(iccKey, signature, 0x05, rule)
  if (isFailed(recovered)) return recovered
  const { hashed } = recovered
  const length = hashed[2]
  if (length > hashed.length - 3) return { failed: `${rule}: ICC Dynamic Data are longer than the signature` }
  const data = hashed.slice(3, 3 + length)
  const size = data[0]
  if (!(size >= 2 && size <= 8 && size < data.length)) return { failed: `${rule}: ICC Dynamic Number has not 2 to 8 bytes` }
  return { ...recovered, number: data.subarray(1, 1 + size), rest: data.subarray(1 + size) }
}

/** Whether the signature covers `terminalData`: what the DDOL named (6.5.2 step 7), or the Unpredictable Number (6.6.2 step 9). */
export function dynamicHashHolds(dynamic: DynamicData, terminalData: Uint8Array): boolean {
  return hashHolds(dynamic, dynamic.hashed[1], terminalData)
}
