/** Application cryptograms, issuer authentication and script keys as a card makes and checks them (EMV 4.4 Book 2, 8 and 9, Annex A1). */

import { createHash } from 'node:crypto'
import { concat, equal, fromHex, hex, xor } from '../../src/bytes.ts'
import { encryptEcb, pad, retailMac, withOddParity } from './des.ts'
import type { CryptogramName } from './profile/words.ts'

/** One piece of the cryptogram's input: the value of a tag, or a slice of it. */
export interface AcInput {
  readonly tag: number
  readonly from?: number
  readonly length?: number
}

/** How a scheme makes its cryptograms; an issuer needs the same facts. */
export interface CryptogramScheme {
  readonly name: CryptogramName
  /** Cryptogram version number or, for `ccd`, common core identifier, as found in 9F10. */
  readonly version: number
  /** Derivation of the card's master keys (Book 2, A1.4): A takes the last 16 digits of PAN and PSN, B a hash for PANs of more than 16. */
  readonly option: 'A' | 'B'
  /** `none`: the ICC master key itself; `common`: EMV common session key derivation from the ATC (Book 2, A1.3); `pboc`: ATC and its complement. */
  readonly sessionKey: 'none' | 'common' | 'pboc'
  readonly input: readonly AcInput[]
  /** Padding of the input: see `pad` in des.ts. */
  readonly padding: 'zeros' | 'bit'
  /** ARPC method of Book 2, 8.2: 91 is ARPC (8) and response code (2), or ARPC (4) and Card Status Update (4). */
  readonly arpc: 1 | 2
  /** Script session keys: `visa` is master key XOR ATC, `common` is common derivation from the ARQC, `pboc` as for cryptograms. */
  readonly scriptKey: 'visa' | 'common' | 'pboc'
  /**
   * PIN CHANGE data: `visa` is Visa's own block with a length byte, padded, ECB; `mastercard` an ISO 9564 format 2 block in one piece;
   * `emv` the same block padded, CBC.
   */
  readonly encipherment: 'visa' | 'mastercard' | 'emv'
}

const minimum: readonly AcInput[] = [0x9f02, 0x9f03, 0x9f1a, 0x95, 0x5f2a, 0x9a, 0x9c, 0x9f37, 0x82, 0x9f36].map(tag => ({ tag }))

const dpas = {
  option: 'A',
  sessionKey: 'common',
  padding: 'bit',
  arpc: 1,
  scriptKey: 'common',
  encipherment: 'emv',
} as const

/**
 * - `visa10`, `visa18`: cryptogram versions 10 (0A) and 18 (12) as public issuer libraries implement them (knovichikhin/pyemv).
 * - `visa17`: version 17 (11) of qVSDC: amount, unpredictable number, ATC and the fifth byte of 9F10, under the master key. Derived, no vector seen.
 * - `mastercard20`: M/Chip version 20 (14), from the same source. Script commands of one transaction all use the same ARQC; M/Chip counts it up.
 * - `ccd`: EMV Common Core Definitions, cryptogram version 5 (Book 2, 8 and Book 3, Annex C). ASSUMED for Mir, whose card specification is not public.
 * - `amex1`: the key depends on the card alone; `jcb4`: common session key (both: AWS Payment Cryptography's user guide). The data and the rest ASSUMED.
 * - `unionpay1`: session keys of PBOC from the ATC and its complement. Derived, no vector seen.
 * - `dpas`, and by tap `dpasTap`, where the TVR is not known yet when the card answers: ASSUMED but for the place of the CVR (9F10 bytes 3–10).
 */
export const schemes: Readonly<Record<CryptogramName, CryptogramScheme>> = {
  visa10: {
    name: 'visa10',
    version: 0x0a,
    option: 'A',
    sessionKey: 'none',
    input: [...minimum, { tag: 0x9f10, from: 3, length: 4 }],
    padding: 'zeros',
    arpc: 1,
    scriptKey: 'visa',
    encipherment: 'visa',
  },
  visa17: {
    name: 'visa17',
    version: 0x11,
    option: 'A',
    sessionKey: 'none',
    input: [{ tag: 0x9f02 }, { tag: 0x9f37 }, { tag: 0x9f36 }, { tag: 0x9f10, from: 4, length: 1 }],
    padding: 'zeros',
    arpc: 1,
    scriptKey: 'visa',
    encipherment: 'visa',
  },
  visa18: {
    name: 'visa18',
    version: 0x12,
    option: 'B',
    sessionKey: 'common',
    input: [...minimum, { tag: 0x9f10 }],
    padding: 'bit',
    arpc: 2,
    scriptKey: 'visa',
    encipherment: 'visa',
  },
  mastercard20: {
    name: 'mastercard20',
    version: 0x14,
    option: 'A',
    sessionKey: 'common',
    input: [...minimum, { tag: 0x9f10, from: 2, length: 6 }],
    padding: 'bit',
    arpc: 1,
    scriptKey: 'common',
    encipherment: 'mastercard',
  },
  ccd: {
    name: 'ccd',
    version: 0xa5,
    option: 'B',
    sessionKey: 'common',
    input: [...minimum, { tag: 0x9f10 }],
    padding: 'bit',
    arpc: 2,
    scriptKey: 'common',
    encipherment: 'emv',
  },
  amex1: {
    name: 'amex1',
    version: 0x01,
    option: 'A',
    sessionKey: 'none',
    input: [...minimum, { tag: 0x9f10, from: 3, length: 4 }],
    padding: 'zeros',
    arpc: 1,
    scriptKey: 'visa',
    encipherment: 'visa',
  },
  jcb4: {
    name: 'jcb4',
    version: 0x04,
    option: 'A',
    sessionKey: 'common',
    input: [...minimum, { tag: 0x9f10 }],
    padding: 'bit',
    arpc: 1,
    scriptKey: 'common',
    encipherment: 'emv',
  },
  dpas: { ...dpas, name: 'dpas', version: 0x05, input: [...minimum, { tag: 0x9f10, from: 2, length: 8 }] },
  dpasTap: {
    ...dpas,
    name: 'dpasTap',
    version: 0x06,
    input: [...minimum.filter(({ tag }) => tag !== 0x95), { tag: 0x9f10, from: 2, length: 8 }],
  },
  unionpay1: {
    name: 'unionpay1',
    version: 0x01,
    option: 'A',
    sessionKey: 'pboc',
    input: [...minimum, { tag: 0x9f10, from: 3, length: 4 }],
    padding: 'bit',
    arpc: 1,
    scriptKey: 'pboc',
    encipherment: 'emv',
  },
}

/** The card's master key from the issuer's (Book 2, A1.4); a card without sequence number counts as 00. */
export function iccMasterKey(
  scheme: Pick<CryptogramScheme, 'option'>,
  issuerKey: Uint8Array,
  pan: string,
  psn: number | undefined,
): Uint8Array {
  const digits = pan + String(psn ?? 0).padStart(2, '0')
  const y = fromHex(scheme.option === 'B' && pan.length > 16 ? decimalised(digits) : digits.slice(-16).padStart(16, '0'))
  return withOddParity(
    encryptEcb(
      issuerKey,
      concat(
        y,
        y.map(byte => byte ^ 0xff),
      ),
    ),
  )
}

/** Option B: the first 16 decimal digits of SHA-1 over PAN and PSN; letters, as 0–5, fill up what is missing. */
function decimalised(digits: string): string {
  const hash = createHash('sha1')
    .update(fromHex(digits.length % 2 ? `0${digits}` : digits))
    .digest('hex')
  const letters = hash.replace(/\d/g, '').replace(/[a-f]/g, letter => String('abcdef'.indexOf(letter)))
  return (hash.replace(/\D/g, '') + letters).slice(0, 16)
}

/** EMV common session key (Book 2, A1.3.1) from 8 diversification bytes. */
function commonSessionKey(masterKey: Uint8Array, r: Uint8Array): Uint8Array {
  const half = (mark: number) => r.map((byte, i) => (i === 2 ? mark : byte))
  return withOddParity(encryptEcb(masterKey, concat(half(0xf0), half(0x0f))))
}

/** PBOC's session key: the ATC, and for the second half its complement, behind zeros. `atc` has 2 bytes. */
function pbocSessionKey(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  const zeros = new Uint8Array(6)
  const inverted = atc.map(byte => byte ^ 0xff)
  return withOddParity(encryptEcb(masterKey, concat(zeros, atc, zeros, inverted)))
}

/** The key that the application cryptogram and the ARPC are made with. `atc` has 2 bytes. */
export function acKey(scheme: CryptogramScheme, masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  if (scheme.sessionKey === 'pboc') return pbocSessionKey(masterKey, atc)
  return scheme.sessionKey === 'none' ? masterKey : commonSessionKey(masterKey, concat(atc, new Uint8Array(6)))
}

/** The key for script MACs (from SMI) or script confidentiality (from SMC). */
export function scriptKey(scheme: CryptogramScheme, masterKey: Uint8Array, atc: Uint8Array, arqc: Uint8Array): Uint8Array {
  if (scheme.scriptKey === 'pboc') return pbocSessionKey(masterKey, atc)
  if (scheme.scriptKey === 'common') return commonSessionKey(masterKey, arqc)
  const mask = new Uint8Array(16)
  mask.set(atc, 6)
  mask.set(
    atc.map(byte => byte ^ 0xff),
    14,
  )
  return withOddParity(xor(masterKey, mask))
}

/** The bytes that a cryptogram is made over; a value that `values` lacks counts as none. */
function acInput(scheme: CryptogramScheme, values: ReadonlyMap<number, Uint8Array>): Uint8Array {
  return concat(
    ...scheme.input.map(({ tag, from = 0, length }) => {
      const value = values.get(tag) ?? new Uint8Array()
      return value.subarray(from, length === undefined ? undefined : from + length)
    }),
  )
}

export function applicationCryptogram(scheme: CryptogramScheme, key: Uint8Array, values: ReadonlyMap<number, Uint8Array>): Uint8Array {
  return retailMac(key, pad(acInput(scheme, values), scheme.padding))
}

export type IssuerAnswer =
  | { readonly type: 'wrong' }
  /** `csu`: Card Status Update, method 2 only (Book 3, Annex C). */
  | { readonly type: 'right'; readonly csu?: Uint8Array }

/** Checks Issuer Authentication Data (91) against the ARQC (Book 2, 8.2). */
export function checkArpc(scheme: CryptogramScheme, key: Uint8Array, arqc: Uint8Array, data: Uint8Array): IssuerAnswer {
  if (scheme.arpc === 1) {
    if (data.length < 10) return { type: 'wrong' }
    const expected = encryptEcb(key, xor(arqc, concat(data.subarray(8, 10), new Uint8Array(6))))
    return { type: equal(expected, data.subarray(0, 8)) ? 'right' : 'wrong' }
  }
  if (data.length < 8) return { type: 'wrong' }
  const csu = data.slice(4, 8)
  const proprietary = csu[0] & 0x80 ? data.subarray(8) : new Uint8Array()
  const expected = retailMac(key, pad(concat(arqc, csu, proprietary), 'bit')).subarray(0, 4)
  return equal(expected, data.subarray(0, 4)) ? { type: 'right', csu } : { type: 'wrong' }
}

/** MAC of a script command: header, ATC, ARQC and data without the MAC, padded with 80 (Book 2, 9.2.3; the MAC stands alone at the end, format 2 of 9.1). */
export function scriptMac(key: Uint8Array, header: Uint8Array, atc: Uint8Array, arqc: Uint8Array, data: Uint8Array): Uint8Array {
  return retailMac(key, pad(concat(header, atc, arqc, data), 'bit'))
}

/** The PIN in a PIN CHANGE block that was deciphered already, or undefined where the block is none. */
export function pinOfBlock(block: Uint8Array, mask: Uint8Array): string | undefined {
  const digits = hex(xor(block, mask))
  const length = Number.parseInt(digits[1], 16)
  const pin = digits.slice(2, 2 + length)
  return /^\d{4,12}$/.test(pin) && /^F*$/.test(digits.slice(2 + length)) ? pin : undefined
}
