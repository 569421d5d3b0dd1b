/** Card data for offline data authentication, signed for real with the published test keys of emvpt, each field open to change. */

import { createHash } from 'node:crypto'
import { concat, fromHex, hex } from '../../../src/bytes.ts'
import { parseCaKey } from '../../../src/emv/ca-keys.ts'
import type { CaPublicKey } from '../../../src/emv/config.ts'
import emvpt from '../../vectors/emvpt_contact_test_card.json' with { type: 'json' }

export interface PrivateKey {
  readonly modulus: Uint8Array
  readonly exponent: Uint8Array
  readonly private: bigint
}

function privateKey(key: { modulus: string; publicExponent: string; privateExponent: string }): PrivateKey {
  return { modulus: fromHex(key.modulus), exponent: fromHex(key.publicExponent), private: BigInt(`0x${key.privateExponent}`) }
}

export const keys = {
  ca: privateKey(emvpt.keys['AFFFFFFFFF_92_ca_private_key.pem']),
  issuer: privateKey(emvpt.keys['iin_313233343536_e_3_private_key.pem']),
  icc: privateKey(emvpt.keys['icc_1234560012345608_e_3_private_key.pem']),
}

export const caKey: CaPublicKey = parseCaKey(
  { rid: 'AFFFFFFFFF', index: '92', modulus: hex(keys.ca.modulus), exponent: '03' },
  { withoutChecksum: 'compute' },
)

export const sha1 = (...parts: readonly Uint8Array[]) =>
  new Uint8Array(
    createHash('sha1')
      .update(concat(...parts))
      .digest(),
  )

/** The same card is signed for test after test. */
const known = new Map<string, string>()

/** `data` to the power of the private exponent. */
export function decipher(key: PrivateKey, data: Uint8Array): Uint8Array {
  const name = `${hex(key.modulus)}:${hex(data)}`
  const before = known.get(name)
  if (before) return fromHex(before)
  const n = BigInt(`0x${hex(key.modulus)}`)
  let [base, power] = [BigInt(`0x${hex(data)}`) % n, 1n]
  for (let e = key.private; e > 0n; e >>= 1n) {
    if (e & 1n) power = (power * base) % n
    base = (base * base) % n
  }
  const digits = power.toString(16).padStart(key.modulus.length * 2, '0')
  known.set(name, digits)
  return fromHex(digits)
}

export interface Seal {
  readonly header?: number
  readonly trailer?: number
  /** Damages the hash. */
  readonly hash?: number
}

/** Signs `fields` padded with BB to the key's size (EMV 4.4 Book 2, A2.1); `more` is hashed as well. */
export function sign(
  key: PrivateKey,
  fields: Uint8Array,
  more: readonly Uint8Array[],
  { header = 0x6a, trailer = 0xbc, hash = 0 }: Seal = {},
): Uint8Array {
  const body = new Uint8Array(key.modulus.length - 22).fill(0xbb)
  body.set(fields.subarray(0, body.length))
  const sum = sha1(body, ...more)
  sum[0] ^= hash
  return decipher(key, concat(Uint8Array.of(header), body, sum, Uint8Array.of(trailer)))
}

export interface CertificateFields extends Seal {
  readonly format?: number
  /** Issuer identifier or PAN, padded. */
  readonly holder?: string
  readonly expires?: string
  readonly serial?: string
  readonly hashIndicator?: number
  readonly algorithm?: number
  readonly length?: number
  readonly exponentLength?: number
  readonly remainder?: Uint8Array
}

/** A certificate and the remainder of its key. */
export function certify(
  signer: PrivateKey,
  key: PrivateKey,
  kind: 'issuer' | 'icc',
  staticData: readonly Uint8Array[],
  fields: CertificateFields = {},
) {
  const {
    format = kind === 'issuer' ? 2 : 4,
    holder = kind === 'issuer' ? '123456FF' : '1234560012345608FFFF',
    expires = '1225',
    serial = '000001',
  } = fields
  const { hashIndicator = 1, algorithm = 1, length = key.modulus.length, exponentLength = key.exponent.length } = fields
  const head = concat(
    Uint8Array.of(format),
    fromHex(holder),
    fromHex(expires),
    fromHex(serial),
    Uint8Array.of(hashIndicator, algorithm, length, exponentLength),
  )
  const room = signer.modulus.length - 22 - head.length
  const remainder = fields.remainder ?? key.modulus.subarray(room)
  return {
    certificate: sign(signer, concat(head, key.modulus.subarray(0, room)), [remainder, key.exponent, ...staticData], fields),
    remainder,
  }
}

export const pan = '1234560012345608'
export const records = [fromHex(`5A08${pan}`), fromHex('5F2403251231')]
export const aip = (first: number, second = 0x00) => Uint8Array.of(first, second)

export interface OdaCard {
  readonly issuer?: CertificateFields
  readonly icc?: CertificateFields
  readonly pin?: CertificateFields
  readonly ssad?: Seal & { format?: number; hashIndicator?: number }
  readonly aip?: number
  /** Its second byte, of contactless kernels. */
  readonly aip2?: number
  readonly tagList?: string
}

/** The objects of a card with issuer and ICC certificates, a PIN encipherment certificate and signed static data. */
export function odaCard(change: OdaCard = {}): Map<number, Uint8Array> {
  const profile = aip(change.aip ?? 0x61, change.aip2)
  const tagList = fromHex(change.tagList ?? '82')
  const staticData = [...records, profile]
  const issuer = certify(keys.ca, keys.issuer, 'issuer', [], change.issuer)
  const icc = certify(keys.issuer, keys.icc, 'icc', staticData, change.icc)
  const pin = certify(keys.issuer, keys.icc, 'icc', [], change.pin)
  const { format = 3, hashIndicator = 1 } = change.ssad ?? {}
  const ssad = sign(keys.issuer, Uint8Array.of(format, hashIndicator, 0xda, 0xc0), staticData, change.ssad)
  return new Map([
    [0x82, profile], [0x5a, fromHex(pan)], [0x9f4a, tagList], [0x8f, Uint8Array.of(0x92)],
    [0x90, issuer.certificate], [0x92, issuer.remainder], [0x9f32, keys.issuer.exponent], [0x93, ssad],
    [0x9f46, icc.certificate], [0x9f47, keys.icc.exponent], [0x9f48, icc.remainder], [0x9f49, fromHex('9F3704')],
    [0x9f2d, pin.certificate], [0x9f2e, keys.icc.exponent], [0x9f2f, pin.remainder],
  ]) // biome-ignore format: a table
}

/** Signed Dynamic Application Data over `dynamic` (ICC Dynamic Data) and the terminal's data. */
export function signDynamic(
  dynamic: Uint8Array,
  terminalData: Uint8Array,
  seal: Seal & { format?: number; hashIndicator?: number; length?: number } = {},
): Uint8Array {
  const { format = 5, hashIndicator = 1, length = dynamic.length } = seal
  return sign(keys.icc, concat(Uint8Array.of(format, hashIndicator, length), dynamic), [terminalData], seal)
}
