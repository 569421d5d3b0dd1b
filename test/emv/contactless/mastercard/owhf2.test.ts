/** OWHF2 and OWHF2AES: a published example, and the same computed with another implementation of the ciphers. */

import { createCipheriv } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { fromHex, hex, xor } from '../../../../src/bytes.ts'
import { dsPartialKey, owhf2, owhf2Aes } from '../../../../src/crypto/owhf2.ts'

// The example that a cryptographic calculator shows, as a public repository (CryptoCarver) has recorded it: DS ID, operator and input; the key and the digest.
const example = { dsId: fromHex('5168624300900697'), operator: fromHex('8199829983998499'), input: fromHex('1223344556677889') }

describe('OWHF2', () => {
  it('gives the published digest by the published partial key', () => {
    const { left, right } = dsPartialKey(example.dsId)
    expect(hex(left) + hex(right)).toBe('66887C5600B47C5600B40CC2')
    expect(hex(owhf2(example))).toBe('659C8EBFAA816DB5')
  })

  it('takes the end of a longer DS ID for the second half of the key', () => {
    const { left, right } = dsPartialKey(fromHex('0012345678901234567890'))
    // Two digits a byte, doubled: 12 is 24, 34 is 68, 56 is 112, 78 is 156, 90 is 180.
    expect([hex(left), hex(right)]).toEqual(['001844709CB4', 'B41844709CB4'])
  })
})

describe('OWHF2AES', () => {
  it.each(['5168624300900697', '0051686243009006970001'])('digests with AES by the DS ID %s, padded with zeros on the left', id => {
    const { operator, input } = example
    const key = fromHex(`${id.padStart(22, '0')}839984993F`)
    const message = Buffer.concat([input, operator])
    const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false)
    const expected = xor(Uint8Array.from(cipher.update(message)), message).subarray(0, 8)
    expect(hex(owhf2Aes({ dsId: fromHex(id), operator, input }))).toBe(hex(expected))
  })
})

describe('both refuse', () => {
  it.each([
    ['a DS ID of 7 bytes', { dsId: new Uint8Array(7) }],
    ['a DS ID of 12 bytes', { dsId: new Uint8Array(12) }],
    ['an operator of 7 bytes', { operator: new Uint8Array(7) }],
    ['an input of 9 bytes', { input: new Uint8Array(9) }],
  ])('%s', (_, wrong) => {
    for (const digest of [owhf2, owhf2Aes])
      expect(() => digest({ ...example, ...wrong })).toThrow(expect.objectContaining({ code: 'bad-argument' }))
  })
})
