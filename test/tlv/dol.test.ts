/** Data object lists: parsing, and values brought to the length a card asks for (EMV 4.4 Book 3, 5.4). */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'
import { buildDol, dolLength, parseDol } from '../../src/tlv/dol.ts'

const values = new Map<number, string>([
  [0x9f02, '000000250000'], // n 12
  [0x5a, '4761739001010010'], // cn
  [0x9f1c, '3633353435393032'], // an 8
  [0x9f37, 'DEADBEEF'], // b
  [0x9a, '261121'], // n 6
  [0x95, '0000208000'],
])
const lookup = (tag: number) => {
  const value = values.get(tag)
  return value === undefined ? undefined : fromHex(value)
}
const build = (dol: string) => hex(buildDol(fromHex(dol), lookup))

describe('a data object list', () => {
  it('is tags and lengths', () => {
    expect(parseDol(fromHex('9F02069F37049505DF81010A9A00'))).toEqual([
      { tag: 0x9f02, length: 6 },
      { tag: 0x9f37, length: 4 },
      { tag: 0x95, length: 5 },
      { tag: 0xdf8101, length: 10 },
      { tag: 0x9a, length: 0 },
    ])
    expect(parseDol(new Uint8Array(0))).toEqual([])
    expect(dolLength(parseDol(fromHex('9F02069F3704')))).toBe(10)
  })

  it.each([
    ['9F02', 'length is missing', 0],
    ['9F0206 9F', 'tag is truncated', 3],
    ['9F0206 95', 'length is missing', 3],
    ['9F81818100', 'tag is longer than 3 bytes', 0],
    ['9F0206 00', '00 is no tag', 3],
    ['FF', 'FF is no tag', 0],
  ])('%s is refused: %s', (dol, rule, offset) => {
    expect(() => parseDol(fromHex(dol))).toThrowError(expect.objectContaining({ code: 'dol', details: { rule, offset } }))
  })

  it.each([
    ['as long as asked', '9F0206', '000000250000'],
    ['n longer: the left is cut', '9F0203', '250000'],
    ['n shorter: zeros on the left', '9F0208', '0000000000250000'],
    ['cn longer: the right is cut', '5A06', '476173900101'],
    ['cn shorter: FF on the right', '5A0A', '4761739001010010FFFF'],
    ['an longer: the right is cut', '9F1C04', '36333534'],
    ['an shorter: zeros on the right', '9F1C0A', '36333534353930320000'],
    ['b longer: the right is cut', '9F3702', 'DEAD'],
    ['b shorter: zeros on the right', '9F3706', 'DEADBEEF0000'],
    ['an unknown tag: zeros', 'DF7F03', '000000'],
    ['a tag that the terminal has no value for: zeros', '9F3303', '000000'],
    ['a template: zeros', '7002', '0000'],
    ['nothing asked', '9F0200', ''],
    ['in order', '9A039505 9F3704', '2611210000208000DEADBEEF'],
  ])('%s', (_, dol, data) => expect(build(dol)).toBe(data))

  it('asks for a template with zeros even when the terminal has one', () => {
    expect(hex(buildDol(fromHex('6F02'), () => fromHex('AABB')))).toBe('0000')
  })

  it('does not ask for more than a command carries', () => {
    expect(hex(buildDol(fromHex('9F37FF'), lookup))).toHaveLength(510)
    expect(() => build('9F37FF9A01')).toThrowError(expect.objectContaining({ code: 'dol', details: { length: 256 } }))
  })

  it('random bytes are a list or a Fault, and the data have the length asked for', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        try {
          expect(buildDol(bytes, lookup)).toHaveLength(dolLength(parseDol(bytes)))
        } catch (error) {
          if (!isFault(error, 'dol')) throw error
        }
      }),
      { seed: 4, numRuns: 2000 },
    )
  })
})
