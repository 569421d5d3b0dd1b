/** PIN blocks of ISO 9564, the ciphers under them, and what a wrong key or PAN leads to. */

import { createCipheriv } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import * as aes from '../../src/crypto/aes.ts'
import * as des from '../../src/crypto/des.ts'
import { aesCmac, macAlgorithm1, macAlgorithm3, pad, unpad2 } from '../../src/crypto/mac.ts'
import {
  decipherFormat4,
  decodeFormat0,
  decodeFormat1,
  decodeFormat2,
  decodeFormat3,
  encipherFormat4,
  encodeFormat0,
  encodeFormat1,
  encodeFormat2,
  encodeFormat3,
  format4PanField,
  format4PinField,
  pinOf,
} from '../../src/crypto/pin.ts'

const load = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, `../vectors/${name}.json`), 'utf8'))
const sets = load('pin_block_openemv').tests as { format: number; arrays: Record<string, string> }[]
const arrays = (format: number) => sets.find(one => one.format === format)!.arrays
const pan = (bcd: string) => bcd.replace(/F+$/, '')
const seeded = { seed: 20260326, numRuns: 200 }

describe('published PIN blocks', () => {
  it('format 0', () => {
    const { pin, pan: bcd, pinblock, bad_pan } = arrays(0)
    expect(hex(encodeFormat0(fromHex(pin), pan(bcd)))).toBe(pinblock)
    expect(hex(decodeFormat0(fromHex(pinblock), pan(bcd)))).toBe(pin)
    expect(() => decodeFormat0(fromHex(pinblock), pan(bad_pan))).toThrow(/format 0/)
  })

  it('format 1', () => {
    const { pin, nonce, pinblock_verify } = arrays(1)
    // The source takes its fill from the nonce's last byte on.
    const random = (length: number) => fromHex(nonce).reverse().subarray(0, length)
    expect(hex(encodeFormat1(fromHex(pin), random))).toBe(pinblock_verify)
    expect(hex(decodeFormat1(fromHex(pinblock_verify)))).toBe(pin)
  })

  it('format 2', () => {
    const { pin, pinblock_verify } = arrays(2)
    expect(hex(encodeFormat2(fromHex(pin)))).toBe(pinblock_verify)
    expect(hex(decodeFormat2(fromHex(pinblock_verify)))).toBe(pin)
  })

  it('format 3', () => {
    const { pin, pan: bcd, bad_pan, pinblock_verify } = arrays(3)
    const block = encodeFormat3(fromHex(pin), pan(bcd))
    expect(hex(block).startsWith(pinblock_verify)).toBe(true)
    expect(hex(decodeFormat3(block, pan(bcd)))).toBe(pin)
    expect(() => decodeFormat3(block, pan(bad_pan))).toThrow(/format 3/)
  })

  it('format 4 fields', () => {
    const { pin, pinfield_verify, pin2, pinfield_verify2, ...rest } = arrays(4)
    expect(hex(format4PinField(fromHex(pin))).slice(0, 16)).toBe(pinfield_verify)
    expect(hex(format4PinField(fromHex(pin2))).slice(0, 16)).toBe(pinfield_verify2)
    for (const suffix of ['', '2', '3']) expect(hex(format4PanField(pan(rest[`pan${suffix}`])))).toBe(rest[`panfield_verify${suffix}`])
  })
})

describe('any PIN', () => {
  const pins = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 12 }).map(digits => Uint8Array.from(digits))
  const pans = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 13, maxLength: 19 }).map(digits => digits.join(''))
  const key = fromHex('00112233445566778899AABBCCDDEEFF')

  it('comes back from every format', () => {
    fc.assert(
      fc.property(pins, pans, (pin, pan) => {
        expect(decodeFormat0(encodeFormat0(pin, pan), pan)).toEqual(pin)
        expect(decodeFormat1(encodeFormat1(pin))).toEqual(pin)
        expect(decodeFormat2(encodeFormat2(pin))).toEqual(pin)
        expect(decodeFormat3(encodeFormat3(pin, pan), pan)).toEqual(pin)
        expect(decipherFormat4(key, encipherFormat4(key, pin, pan), pan)).toEqual(pin)
      }),
      seeded,
    )
  })

  it('of a wrong length or with a byte that is no digit is refused by name', () => {
    expect(() => pinOf('123')).toThrow('PIN has 3 digits, the rule is 4 to 12 (ISO 9564-1)')
    expect(() => pinOf('1234567890123')).toThrow(/13 digits/)
    expect(() => encodeFormat2(Uint8Array.of(1, 2, 3, 10))).toThrow(/no digit/)
  })

  it('is never in the message of a block that does not decode', () => {
    const block = encodeFormat0(pinOf('8642'), '4000000000000002')
    expect(() => decodeFormat0(block, '5123456789012346')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('8642') }),
    )
  })

  it('cannot be read from noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), block => {
        try {
          expect(decipherFormat4(key, block, '4111111111111111').length).toBeGreaterThanOrEqual(4)
        } catch (error) {
          expect(error).toMatchObject({ code: 'bad-argument' })
        }
      }),
      seeded,
    )
  })
})

describe('ciphers and MACs', () => {
  const key = fromHex('0123456789ABCDEFFEDCBA9876543210')

  it('single DES and triple DES agree with published values', () => {
    // FIPS 81 example, and the key check values of every HSM manual.
    expect(hex(des.encryptEcb(fromHex('0123456789ABCDEF'), fromHex('4E6F772069732074')))).toBe('3FA40E8A984D4815')
    expect(hex(des.checkValue(key))).toBe('08D7B4')
  })

  it('agrees with OpenSSL on triple DES in both modes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 24, maxLength: 24 }),
        fc.uint8Array({ minLength: 8, maxLength: 8 }),
        fc.array(fc.uint8Array({ minLength: 8, maxLength: 8 }), { maxLength: 5 }),
        (key, iv, blocks) => {
          const data = Uint8Array.from(blocks.flatMap(block => [...block]))
          const theirs = (mode: string, iv: Uint8Array | null) => {
            const cipher = createCipheriv(`des-ede3${mode}`, key, iv).setAutoPadding(false)
            return cipher.update(data, undefined, 'hex') + cipher.final('hex')
          }
          expect(hex(des.encryptEcb(key, data)).toLowerCase()).toBe(theirs('', null))
          expect(hex(des.encryptCbc(key, data, iv)).toLowerCase()).toBe(theirs('-cbc', iv))
          expect(des.decryptEcb(key, des.encryptEcb(key, data))).toEqual(data)
          expect(des.decryptCbc(key, des.encryptCbc(key, data, iv), iv)).toEqual(data)
        },
      ),
      { ...seeded, numRuns: 50 },
    )
  })

  it.each((load('k8_aes_cmac_nist').vectors as Record<string, string>[]).map((row, i) => ({ ...row, i })))('AES-CMAC $i', row => {
    const { key, message, cmac } = row as unknown as Record<string, string>
    expect(hex(aesCmac(fromHex(key), fromHex(message)))).toBe(cmac)
  })

  it('AES in ECB, CBC and CTR agrees with NIST SP 800-38A', () => {
    const key = fromHex('2B7E151628AED2A6ABF7158809CF4F3C')
    const plain = fromHex('6BC1BEE22E409F96E93D7E117393172A')
    expect(hex(aes.encryptEcb(key, plain))).toBe('3AD77BB40D7A3660A89ECAF32466EF97')
    const iv = fromHex('000102030405060708090A0B0C0D0E0F')
    expect(hex(aes.encryptCbc(key, plain, iv))).toBe('7649ABAC8119B246CEE98E9B12E9197D')
    expect(aes.decryptCbc(key, aes.encryptCbc(key, plain, iv), iv)).toEqual(plain)
    expect(aes.decryptEcb(key, aes.encryptEcb(key, plain))).toEqual(plain)
    expect(hex(aes.applyCtr(key, plain, fromHex('F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF')))).toBe('874D6191B620E3261BEF6864990DB6CE')
  })

  it('MAC algorithms 1 and 3 differ only after the first block', () => {
    const left = key.subarray(0, 8)
    const short = fromHex('1122334455')
    expect(macAlgorithm3(key, short)).toEqual(macAlgorithm1(key, short))
    expect(macAlgorithm3(key, fromHex('112233445566778899'))).not.toEqual(macAlgorithm1(key, fromHex('112233445566778899')))
    expect(macAlgorithm1(left, short)).not.toEqual(macAlgorithm1(key, short))
  })

  it('padding method 2 comes off again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), data => {
        expect(unpad2(pad(data, 2))).toEqual(data)
      }),
      seeded,
    )
    expect(unpad2(new Uint8Array(8))).toBeUndefined()
  })

  it('keys of a wrong length are refused by name', () => {
    expect(() => des.encryptEcb(new Uint8Array(7), new Uint8Array(8))).toThrow('DES key has 7 bytes, the rule is 8, 16 or 24')
    expect(() => aes.encryptEcb(new Uint8Array(17), new Uint8Array(16))).toThrow('AES key has 17 bytes, the rule is 16, 24 or 32')
    expect(() => des.encryptEcb(key, new Uint8Array(7))).toThrow(/multiple of 8/)
  })
})
