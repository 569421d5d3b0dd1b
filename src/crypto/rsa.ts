/** RSA with a public key, as EMV uses it: recovery of what a private key signed, and encipherment of a PIN (EMV 4.4 Book 2, Annex B2.1). */

import { hex } from '../bytes.ts'
import { Fault } from '../errors.ts'

export interface RsaPublicKey {
  /** At most 248 bytes (1984 bits), most significant first. */
  readonly modulus: Uint8Array
  /** 3 or 65537, without leading zeroes: 03, 010001. */
  readonly exponent: Uint8Array
}

/** The largest modulus of EMV in bytes (Book 2, Annex D). */
const MAX_MODULUS = 248

/** What is wrong with a key, or undefined: sizes and exponent of Book 2, Annex B2.1. */
export function rsaKeyProblem({ modulus, exponent }: RsaPublicKey): string | undefined {
  if (modulus.length === 0 || modulus.length > MAX_MODULUS) return `modulus has ${modulus.length} bytes, at most ${MAX_MODULUS} are allowed`
  if ((modulus[modulus.length - 1] & 1) === 0) return 'the modulus is even'
  const e = exponentOf(exponent)
  return e === 3 || e === 65537 ? undefined : `exponent is ${hex(exponent)}, not 03 or 010001`
}

function exponentOf(exponent: Uint8Array): number {
  return exponent.length === 1 ? exponent[0] : exponent.length === 3 ? exponent[0] * 65536 + exponent[1] * 256 + exponent[2] : 0
}

/**
 * `data` to the power of the exponent, as many bytes as the modulus has.
 * @throws Fault `bad-key`; `bad-argument` when `data` is not as long as the modulus
 */
export function rsaPublic(key: RsaPublicKey, data: Uint8Array): Uint8Array {
  const problem = rsaKeyProblem(key)
  if (problem) throw new Fault('bad-key', problem)
  if (data.length !== key.modulus.length)
    throw new Fault('bad-argument', `${data.length} bytes for a modulus of ${key.modulus.length}`, { length: data.length })
  const n = toBigInt(key.modulus)
  const base = toBigInt(data)
  let power = base
  // 3 is one squaring and a product, 65537 sixteen squarings and a product.
  for (let squarings = exponentOf(key.exponent) === 3 ? 1 : 16; squarings > 0; squarings--) power = (power * power) % n
  return fromBigInt((power * base) % n, data.length)
}

/** Hexadecimal is the form that engines convert in linear time, both ways. */
function toBigInt(bytes: Uint8Array): bigint {
  return BigInt(`0x${hex(bytes)}`)
}

const DIGIT = Uint8Array.from({ length: 128 }, (_, code) => Number.parseInt(String.fromCharCode(code), 16) || 0)

function fromBigInt(value: bigint, length: number): Uint8Array {
  const digits = value.toString(16)
  const bytes = new Uint8Array(length)
  for (let at = length - 1, i = digits.length - 1; i >= 0; at--, i -= 2)
    bytes[at] = DIGIT[digits.charCodeAt(i)] | (i > 0 ? DIGIT[digits.charCodeAt(i - 1)] << 4 : 0)
  return bytes
}
