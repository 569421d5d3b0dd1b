/** Certification authority public keys: only those whose checksum holds are used (EMV 4.4 Book 2, 5.2 and 11.2). */

import { sha1 } from '@noble/hashes/legacy.js'
import { concat, equal, fromHex, hex } from '../bytes.ts'
import { rsaKeyProblem } from '../crypto/rsa.ts'
import * as door from '../door.ts'
import { Fault } from '../errors.ts'
import type { CaPublicKey } from './config.ts'
import { sortableDate } from './data.ts'

/** SHA-1 over RID, index, modulus and exponent (Book 2, 11.2.2). */
export function caKeyChecksum(key: Omit<CaPublicKey, 'checksum'>): Uint8Array {
  door.need('key', key, door.shape({ rid: door.anyBytes, index: door.whole(0, 255), modulus: door.anyBytes, exponent: door.anyBytes }))
  const { rid, index, modulus, exponent } = key
  return sha1(concat(rid, Uint8Array.of(index), modulus, exponent))
}

/** Keys found to be good; a key object does not change. */
const checked = new WeakSet<CaPublicKey>()

/** What makes a key unfit for use, its size, exponent or checksum, or undefined. */
export function caKeyProblem(key: CaPublicKey): string | undefined {
  if (checked.has(key)) return undefined
  const problem =
    rsaKeyProblem(key) ?? (equal(key.checksum, caKeyChecksum(key)) ? undefined : 'checksum does not match RID, index, modulus and exponent')
  if (!problem) checked.add(key)
  return problem
}

/** @throws Fault `bad-key` when the key is not fit for use; details.key names it by RID and index */
export function checkCaKey(key: CaPublicKey): void {
  const problem = caKeyProblem(key)
  if (problem) throw refused(key, problem)
}

function refused({ rid, index }: Pick<CaPublicKey, 'rid' | 'index'>, rule: string): Fault {
  const key = `${hex(rid)} ${hex(Uint8Array.of(index))}`
  return new Fault('bad-key', `CA key ${key}: ${rule}`, { key, rule })
}

/** A key as scheme files write it: hex strings. */
export interface CaKeyText {
  /** Registered Application Provider Identifier: 5 bytes in hex. */
  readonly rid: string
  /** Certification Authority Public Key Index: one byte in hex. */
  readonly index: string
  /** Public key modulus in hex. */
  readonly modulus: string
  /** Public key exponent in hex: `03` or `010001`. */
  readonly exponent: string
  /** SHA-1 in hex, as `caKeyChecksum` computes it; see `parseCaKey` for keys without one. */
  readonly checksum?: string | null
  /** YYMMDD. */
  readonly expires?: string | null
}

/**
 * A key from its hex strings, with its checksum verified.
 * @param withoutChecksum what to do when there is none: refuse it, or, when the key came over a trusted way, compute it
 * @throws Fault `bad-key`, `bad-hex`
 */
export function parseCaKey(key: CaKeyText, { withoutChecksum = 'refuse' }: { withoutChecksum?: 'refuse' | 'compute' } = {}): CaPublicKey {
  door.need('key', key, door.shape({ rid: door.anyText, index: door.anyText, modulus: door.anyText, exponent: door.anyText }))
  const parts = { rid: fromHex(key.rid), index: fromHex(key.index)[0], modulus: fromHex(key.modulus), exponent: fromHex(key.exponent) }
  if (parts.rid.length !== 5 || parts.index === undefined) throw refused({ rid: parts.rid, index: 0 }, 'RID has 5 bytes, the index one')
  if (!key.checksum && withoutChecksum === 'refuse') throw refused(parts, 'has no checksum')
  const checksum = key.checksum ? fromHex(key.checksum) : caKeyChecksum(parts)
  const parsed = { ...parts, checksum, ...(key.expires ? { expires: key.expires } : {}) }
  checkCaKey(parsed)
  return parsed
}

/**
 * The key for a card's index (8F), or undefined where the terminal has none for it, or only one that has expired.
 * @param today YYMMDD in BCD (9A)
 * @throws Fault `bad-key` when the key is configured but not good
 */
export function findCaKey(keys: readonly CaPublicKey[], rid: Uint8Array, index: number, today: Uint8Array): CaPublicKey | undefined {
  const key = keys.find(one => one.index === index && equal(one.rid, rid))
  if (!key) return undefined
  checkCaKey(key)
  return key.expires !== undefined && sortableDate(fromHex(key.expires)) < sortableDate(today) ? undefined : key
}
