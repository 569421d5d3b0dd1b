/** Application cryptograms by triple DES: ICC master keys, session keys, ARQC/TC/AAC and ARPC (EMV 4.4 Book 2, 8 and Annex A1). */

import { sha1 } from '@noble/hashes/legacy.js'
import { concat, fromHex, hex, xor } from '../bytes.ts'
import { Fault } from '../errors.ts'
import * as des from './des.ts'
import { macAlgorithm3, type Padding } from './mac.ts'

export function doubleKey(key: Uint8Array, field: string): Uint8Array {
  if (key.length !== 16)
    throw new Fault('bad-key', `${field} has ${key.length} bytes, the rule is 16 (a double-length DES key)`, { field, length: key.length })
  return key
}

export function ofLength(bytes: Uint8Array, length: number, field: string): Uint8Array {
  if (bytes.length !== length)
    throw new Fault('bad-argument', `${field} has ${bytes.length} bytes, the rule is ${length}`, { field, length: bytes.length })
  return bytes
}

/**
 * The 16-byte ICC master key of a card (EMV 4.4 Book 2, Annex A1.4), of odd parity. Option B equals option A for a PAN of at most 16 digits.
 * @param sequence PAN sequence number (5F34), 0–99
 * @throws Fault `bad-key`, `bad-argument`
 */
export function iccMasterKey(issuerKey: Uint8Array, pan: string, sequence = 0, option: 'A' | 'B' = 'A'): Uint8Array {
  doubleKey(issuerKey, 'issuer master key')
  if (!/^\d{8,19}$/.test(pan))
    throw new Fault('bad-argument', `PAN has ${pan.length} characters, the rule is 8 to 19 digits`, { field: 'pan' })
  if (!Number.isInteger(sequence) || sequence < 0 || sequence > 99)
    throw new Fault('bad-argument', `PAN sequence number is ${sequence}, the rule is 0 to 99`, { field: 'sequence' })
  const digits = pan + String(sequence).padStart(2, '0')
  const block = fromHex(option === 'B' && pan.length > 16 ? decimalised(digits) : digits.slice(-16).padStart(16, '0'))
  return des.oddParity(des.encryptEcb(issuerKey, concat(block, inverted(block))))
}

/** 16 digits out of the SHA-1 of PAN and sequence number: its own digits first, then its letters as 0–5. */
function decimalised(digits: string): string {
  const hash = hex(sha1(fromHex(digits.padStart(digits.length + (digits.length % 2), '0'))))
  const letters = hash.replace(/\d/g, '').replace(/[A-F]/g, letter => String(letter.charCodeAt(0) - 65))
  return (hash.replace(/\D/g, '') + letters).slice(0, 16)
}

function inverted(bytes: Uint8Array): Uint8Array {
  return bytes.map(byte => byte ^ 0xff)
}

/** PBOC's session key, 16 bytes of odd parity: the ATC (2 bytes), and for the second half its complement, behind zeros. */
export function pbocSessionKey(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  doubleKey(masterKey, 'ICC master key')
  const block = concat(new Uint8Array(6), ofLength(atc, 2, 'ATC'))
  return des.oddParity(des.encryptEcb(masterKey, concat(block, new Uint8Array(6), inverted(atc))))
}

/**
 * EMV common session key (Book 2, Annex A1.3.1), 16 bytes of odd parity.
 * @param diversifier 8 bytes: ATC and zeros for an application cryptogram, ATC 0000 UN in Mastercard's proprietary scheme, the cryptogram for scripts
 */
export function sessionKey(masterKey: Uint8Array, diversifier: Uint8Array): Uint8Array {
  doubleKey(masterKey, 'ICC master key')
  ofLength(diversifier, 8, 'diversification value')
  const blocks = concat(diversifier, diversifier)
  blocks[2] = 0xf0
  blocks[10] = 0x0f
  return des.oddParity(des.encryptEcb(masterKey, blocks))
}

/** The EMV common session key of an application cryptogram. @param atc 9F36, 2 bytes */
export function acSessionKey(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  return sessionKey(masterKey, concat(ofLength(atc, 2, 'ATC'), new Uint8Array(6)))
}

/** Mastercard's proprietary session key of an application cryptogram. @param un 9F37, 4 bytes */
export function mastercardSessionKey(masterKey: Uint8Array, atc: Uint8Array, un: Uint8Array): Uint8Array {
  return sessionKey(masterKey, concat(ofLength(atc, 2, 'ATC'), new Uint8Array(2), ofLength(un, 4, 'unpredictable number')))
}

/** Visa's session key for secure messaging: the ATC, and its inverse, laid over the key halves. */
export function visaScriptSessionKey(masterKey: Uint8Array, atc: Uint8Array): Uint8Array {
  doubleKey(masterKey, 'ICC master key')
  ofLength(atc, 2, 'ATC')
  const mask = concat(new Uint8Array(6), atc, new Uint8Array(6), inverted(atc))
  return des.oddParity(xor(masterKey, mask))
}

/**
 * The session key of the EMV2000 tree (EMV 4.1 Book 2, Annex A1.3.2; older cards): walks down from the master key, `height` levels of `branches`.
 * @param iv 16 bytes
 */
export function treeSessionKey(
  masterKey: Uint8Array,
  atc: Uint8Array,
  height = 8,
  branches = 4,
  iv: Uint8Array = new Uint8Array(16),
): Uint8Array {
  doubleKey(masterKey, 'ICC master key')
  ofLength(iv, 16, 'tree initial vector')
  const counter = ofLength(atc, 2, 'ATC')[0] * 256 + atc[1]
  if (branches ** height < 65536)
    throw new Fault('bad-argument', `a tree of height ${height} with ${branches} branches has no leaf for every ATC`)
  let grandparent = iv
  let parent = masterKey
  for (let level = 1; level <= height; level++) {
    const branch = Math.floor(counter / branches ** (height - level)) % branches
    const block = grandparent.slice()
    block[7] ^= branch
    block[15] ^= branch ^ 0xf0
    const child = des.encryptEcb(parent, block)
    if (level === height) return des.oddParity(xor(child, grandparent))
    grandparent = parent
    parent = child
  }
  throw new Fault('bad-argument', `tree height is ${height}, the rule is at least 1`)
}

/** ARQC, TC or AAC over the issuer's choice of data (Book 2, 8.1.2): MAC algorithm 3, 8 bytes. Visa's older cryptograms use padding 1. */
export function applicationCryptogram(key: Uint8Array, data: Uint8Array, padding: Padding = 2): Uint8Array {
  return macAlgorithm3(doubleKey(key, 'session key'), data, padding)
}

/** ARPC method 1 (Book 2, 8.2.1), 8 bytes. @param responseCode ARC, 2 bytes */
export function arpcMethod1(key: Uint8Array, arqc: Uint8Array, responseCode: Uint8Array): Uint8Array {
  doubleKey(key, 'session key')
  ofLength(arqc, 8, 'ARQC')
  const code = concat(ofLength(responseCode, 2, 'ARPC response code'), new Uint8Array(6))
  return des.encryptEcb(key, xor(arqc, code))
}

/** ARPC method 2 (Book 2, 8.2.2), 4 bytes. @param csu Card Status Update, 4 bytes @param proprietary 0–8 bytes */
export function arpcMethod2(key: Uint8Array, arqc: Uint8Array, csu: Uint8Array, proprietary: Uint8Array = new Uint8Array()): Uint8Array {
  doubleKey(key, 'session key')
  if (proprietary.length > 8)
    throw new Fault('bad-argument', `proprietary authentication data has ${proprietary.length} bytes, the rule is 0 to 8`)
  return macAlgorithm3(key, concat(ofLength(arqc, 8, 'ARQC'), ofLength(csu, 4, 'card status update'), proprietary)).slice(0, 4)
}
