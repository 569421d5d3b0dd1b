/** TEST KEYS of the simulator: certification authorities, issuers, cards, and the PIN pad's DUKPT key. Never for real cards or money. */

import { constants, createHash, createPrivateKey, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto'
import { concat, fromHex, hex } from '../src/bytes.ts'
import type { CaPublicKey, RevokedCertificate } from '../src/emv/config.ts'
import { Fault } from '../src/errors.ts'
import { type RsaPrimes, type TestRsaKeyName, testRsaKeys } from './keys/test-rsa-keys.ts'

export type { TestRsaKeyName } from './keys/test-rsa-keys.ts'

export interface RsaKey {
  /** Big-endian, as long as the key: 144 bytes for 1152 bits. */
  readonly modulus: Uint8Array
  /** 1 or 3 bytes: 03 or 010001. */
  readonly exponent: Uint8Array
  /** Node's KeyObject; its type is not told, so that an app needs no types of Node for ours. */
  readonly keyObject: object
}

const cache = new Map<string, RsaKey>()

/** A key of the test set by its name, `issuer-1408`. @throws Fault `bad-key` */
export function testRsaKey(name: TestRsaKeyName): RsaKey {
  const primes = testRsaKeys[name]
  if (!primes) throw new Fault('bad-key', `no test RSA key is named '${name}'`, { name })
  const known = cache.get(name) ?? fromPrimes(primes)
  cache.set(name, known)
  return known
}

/** m^d mod n without padding. The block must be as long as the modulus. @throws Fault `bad-argument` */
export function rsaPrivate(key: RsaKey, block: Uint8Array): Uint8Array {
  checkLength(key, block)
  return new Uint8Array(privateDecrypt({ key: key.keyObject as KeyObject, padding: constants.RSA_NO_PADDING }, block))
}

/** m^e mod n without padding. The block must be as long as the modulus. @throws Fault `bad-argument` */
export function rsaPublic(key: RsaKey, block: Uint8Array): Uint8Array {
  checkLength(key, block)
  return new Uint8Array(publicEncrypt({ key: key.keyObject as KeyObject, padding: constants.RSA_NO_PADDING }, block))
}

function checkLength(key: RsaKey, block: Uint8Array): void {
  if (block.length !== key.modulus.length)
    throw new Fault('bad-argument', `RSA block has ${block.length} bytes, the modulus ${key.modulus.length}`)
}

function fromPrimes({ e, p, q }: RsaPrimes): RsaKey {
  const [prime1, prime2, exponent] = [BigInt(`0x${p}`), BigInt(`0x${q}`), BigInt(e)]
  const n = prime1 * prime2
  const d = inverse(exponent, (prime1 - 1n) * (prime2 - 1n))
  const numbers = { n, e: exponent, d, p: prime1, q: prime2, dp: d % (prime1 - 1n), dq: d % (prime2 - 1n), qi: inverse(prime2, prime1) }
  const jwk = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Buffer.from(bytesOf(value)).toString('base64url')]))
  return { modulus: bytesOf(n), exponent: bytesOf(exponent), keyObject: createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' }) }
}

function bytesOf(value: bigint): Uint8Array {
  const digits = value.toString(16)
  return fromHex(digits.length % 2 ? `0${digits}` : digits)
}

/** The inverse of `a` modulo `m` by the extended Euclidean algorithm. */
function inverse(a: bigint, m: bigint): bigint {
  let [r0, r1, s0, s1] = [a % m, m, 1n, 0n]
  while (r1 !== 0n) {
    const quotient = r0 / r1
    ;[r0, r1, s0, s1] = [r1, r0 - quotient * r1, s1, s0 - quotient * s1]
  }
  return s0 < 0n ? s0 + m : s0
}

/**
 * The certification authority keys, by RID and index. Indexes E1–E3 are used by no published key of these schemes, live or test,
 * so a terminal may hold both. Sizes grow with the index: E1 1152, E2 1408, E3 1984 bits.
 */
const authorities: readonly (readonly [rid: string, index: number, name: TestRsaKeyName])[] = [
  ['A000000658', 0xe2, 'ca-mir-1408'],
  ['A000000658', 0xe3, 'ca-mir-1984'],
  ['A000000004', 0xe1, 'ca-mastercard-1152'],
  ['A000000004', 0xe2, 'ca-mastercard-1408'],
  ['A000000004', 0xe3, 'ca-mastercard-1984'],
  ['A000000003', 0xe1, 'ca-visa-1152'],
  ['A000000003', 0xe2, 'ca-visa-1408'],
  ['A000000003', 0xe3, 'ca-visa-1984'],
  ['A000000025', 0xe2, 'ca-amex-1408'],
  ['A000000065', 0xe2, 'ca-jcb-1408'],
  ['A000000152', 0xe2, 'ca-discover-1408'],
  ['A000000333', 0xe2, 'ca-unionpay-1408'],
  // One authority for the cards from elsewhere: Cartes Bancaires, girocard, Interac, and a payment system of our own.
  ['A000000042', 0xe2, 'ca-abroad-1408'],
  ['A000000359', 0xe2, 'ca-abroad-1408'],
  ['D276000025', 0xe2, 'ca-abroad-1408'],
  ['A000000277', 0xe2, 'ca-abroad-1408'],
  ['F054415044', 0xe2, 'ca-abroad-1408'],
  ['AFFFFFFFFF', 0x92, 'ca-emvpt-1408'],
]

/** The public half of every test CA key, for a terminal's configuration. */
export const testCaKeys: readonly CaPublicKey[] = authorities.map(([rid, index, name]) => {
  const { modulus, exponent } = testRsaKey(name)
  const checked = concat(fromHex(rid), Uint8Array.of(index), modulus, exponent)
  return { rid: fromHex(rid), index, modulus, exponent, checksum: new Uint8Array(createHash('sha1').update(checked).digest()) }
})

/** The private CA key for `rid` and `index`. @throws Fault `bad-key` */
export function testCaKey(rid: Uint8Array, index: number): RsaKey {
  const row = authorities.find(([ownRid, ownIndex]) => ownRid === hex(rid) && ownIndex === index)
  if (!row) throw new Fault('bad-key', `no test CA key ${hex(rid)} ${index.toString(16).toUpperCase()}`, { rid: hex(rid), index })
  return testRsaKey(row[2])
}

/** Issuer certificates that a terminal must not trust any more: the one of the profile `revoked-certificate`. */
export const testRevoked: readonly RevokedCertificate[] = [{ rid: fromHex('A000000003'), index: 0xe2, serial: fromHex('0BAD01') }]

/** Issuer master keys, double-length DES: application cryptogram, script integrity (MAC), script confidentiality, dynamic card codes. Odd parity, made up. */
export const testIssuerKeys = {
  ac: fromHex('0123456789ABCDEFFEDCBA9876543210'),
  smi: fromHex('FEDCBA98765432100123456789ABCDEF'),
  smc: fromHex('89ABCDEF0123456776543210FEDCBA98'),
  cvc: fromHex('0123456776543210FEDCBA9889ABCDEF'),
}
export type IssuerKeys = Readonly<typeof testIssuerKeys>

/**
 * A key serial number of a device that nobody has seen: the last 19 bits before the counter (32 of AES) by chance. A virtual reader has no memory of the keys it has used, so
 * each time it starts it is a new one to its host, which takes no key twice.
 * @param ksn of the base derivation key; its counter zero
 */
export function freshSerial(
  ksn: Uint8Array,
  random: (length: number) => Uint8Array = length => crypto.getRandomValues(new Uint8Array(length)),
): Uint8Array {
  const serial = ksn.slice()
  serial.set(random(ksn.length === 12 ? 4 : 2), ksn.length === 12 ? 4 : 5)
  if (ksn.length === 10) serial[7] = random(1)[0] & 0xe0
  return serial
}

/** The PIN pad's base derivation key and first key serial number: the published example of ANSI X9.24-1:2009, A.4. */
export const testPinDukpt = {
  bdk: fromHex('0123456789ABCDEFFEDCBA9876543210'),
  ksn: fromHex('FFFF9876543210E00000'),
}

/** The same of AES-128: the published example of ANSI X9.24-3:2017, Annex B. */
export const testPinAesDukpt = {
  bdk: fromHex('FEDCBA9876543210F1F1F1F1F1F1F1F1'),
  ksn: fromHex('123456789012345600000000'),
}
