/** Certificates and signatures of a card, signed for real with node:crypto (EMV 4.4 Book 2, 5, 6 and 7: SHA-1, ISO/IEC 9796-2 recovery). */

import { createHash } from 'node:crypto'
import { concat, fromHex, hex } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import { type RsaKey, rsaPrivate } from '../keys.ts'

export function sha1(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha1')
      .update(concat(...parts))
      .digest(),
  )
}

/** Header 6A, recoverable part, hash over it and what follows it, trailer BC; signed. `recoverable` fills the modulus less 22 bytes. */
function sign(key: RsaKey, recoverable: Uint8Array, ...hashedToo: readonly Uint8Array[]): Uint8Array {
  return rsaPrivate(key, concat(Uint8Array.of(0x6a), recoverable, sha1(recoverable, ...hashedToo), Uint8Array.of(0xbc)))
}

/** What was signed before, by key and block: a card of the same profile has the same certificates, since test keys are fixed and RSA without padding draws nothing. */
const signed = new WeakMap<RsaKey, Map<string, Uint8Array>>()
/** Of one key; cards made at random do not fill the memory. */
const MOST = 500

/** As `sign`, once for each block. For what a card carries, not for what it signs in a payment. */
function signOnce(key: RsaKey, recoverable: Uint8Array, ...hashedToo: readonly Uint8Array[]): Uint8Array {
  const own = signed.get(key) ?? new Map<string, Uint8Array>()
  signed.set(key, own)
  const name = hex(concat(recoverable, sha1(recoverable, ...hashedToo))) // all that is in the block
  const known = own.get(name) ?? sign(key, recoverable, ...hashedToo)
  if (own.size >= MOST) own.clear()
  own.set(name, known)
  return known.slice()
}

export interface Certified {
  readonly certificate: Uint8Array
  /** Rightmost part of the modulus that did not fit; empty when it fits. */
  readonly remainder: Uint8Array
  readonly exponent: Uint8Array
}

interface CertificateOptions {
  readonly signer: RsaKey
  readonly subject: RsaKey
  /** MMYY. */
  readonly expires: string
  /** 3 bytes. */
  readonly serial: Uint8Array
}

function certify(format: number, identifier: Uint8Array, options: CertificateOptions, staticData: Uint8Array): Certified {
  const { signer, subject, expires, serial } = options
  if (subject.modulus.length > signer.modulus.length)
    throw new Fault('bad-key', `a ${subject.modulus.length * 8}-bit key cannot be certified by one of ${signer.modulus.length * 8} bits`)
  const head = concat(
    Uint8Array.of(format),
    identifier,
    fromHex(expires),
    serial,
    Uint8Array.of(1, 1, subject.modulus.length, subject.exponent.length),
  )
  const room = signer.modulus.length - 22 - head.length
  const inside = new Uint8Array(room).fill(0xbb)
  inside.set(subject.modulus.subarray(0, room))
  const remainder = subject.modulus.slice(room)
  return {
    certificate: signOnce(signer, concat(head, inside), remainder, subject.exponent, staticData),
    remainder,
    exponent: subject.exponent,
  }
}

/** Issuer Public Key Certificate (90, 92, 9F32), Book 2, 5.1. `identifier`: leftmost 3–8 digits of the PAN. */
export function issuerCertificate(identifier: string, options: CertificateOptions): Certified {
  return certify(0x02, fromHex(identifier.padEnd(8, 'F')), options, new Uint8Array())
}

/** ICC Public Key Certificate (9F46, 9F48, 9F47), Book 2, 6.1; `staticData` is what SDA would sign. */
export function iccCertificate(pan: string, options: CertificateOptions, staticData: Uint8Array): Certified {
  return certify(0x04, fromHex(pan.padEnd(20, 'F')), options, staticData)
}

/** ICC PIN Encipherment Public Key Certificate (9F2D, 9F2F, 9F2E), Book 2, 7.1. */
export function pinKeyCertificate(pan: string, options: CertificateOptions): Certified {
  return certify(0x04, fromHex(pan.padEnd(20, 'F')), options, new Uint8Array())
}

/** Signed Static Application Data (93), Book 2, 5.1. `code`: Data Authentication Code, 2 bytes. */
export function signedStaticData(issuer: RsaKey, code: Uint8Array, staticData: Uint8Array): Uint8Array {
  const pattern = new Uint8Array(issuer.modulus.length - 26).fill(0xbb)
  return signOnce(issuer, concat(Uint8Array.of(0x03, 0x01), code, pattern), staticData)
}

/** Signed Dynamic Application Data (9F4B), Book 2, 6.5.1 and 6.6.1: over ICC Dynamic Data and the terminal's dynamic data. */
export function signedDynamicData(icc: RsaKey, dynamicData: Uint8Array, terminalData: Uint8Array): Uint8Array {
  const pattern = new Uint8Array(icc.modulus.length - 25 - dynamicData.length).fill(0xbb)
  return sign(icc, concat(Uint8Array.of(0x05, 0x01, dynamicData.length), dynamicData, pattern), terminalData)
}
