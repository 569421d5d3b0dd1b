/** Answers to reset of real and broken cards, and status words as words. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emvRemarks, parseAtr } from '../../src/apdu/atr.ts'
import { statusWords } from '../../src/apdu/status.ts'
import { fromHex, hex } from '../../src/bytes.ts'
import { isFault } from '../../src/errors.ts'

describe('answer to reset', () => {
  it('EMV basic T=0: 3B 60 00 00', () => {
    const atr = parseAtr(fromHex('3B600000'))
    expect(atr).toEqual({ convention: 'direct', t0: 0x60, groups: [{ tb: 0, tc: 0 }], protocols: [0], historical: new Uint8Array(0) })
    expect(emvRemarks(atr)).toEqual([])
  })

  it('EMV basic T=1: 3B E0 00 00 81 31 20 45 75', () => {
    const bytes = fromHex('3BE00000813120450000')
    const body = bytes.subarray(0, 8)
    const tck = body.subarray(1).reduce((sum, byte) => sum ^ byte, 0)
    const atr = parseAtr(Uint8Array.of(...body, tck))
    expect(atr.groups).toEqual([{ tb: 0, tc: 0, td: 0x81 }, { td: 0x31 }, { ta: 0x20, tb: 0x45 }])
    expect(atr.protocols).toEqual([1])
    expect(atr.tck).toBe(tck)
    expect(emvRemarks(atr)).toEqual([])
    expect(() => parseAtr(Uint8Array.of(...body, tck ^ 1))).toThrowError(expect.objectContaining({ code: 'apdu' }))
  })

  it('a bank card: historical bytes and no check byte', () => {
    const atr = parseAtr(fromHex('3B6E00000080318065B0840100831F009000'))
    expect(hex(atr.historical)).toBe('0080318065B0840100831F009000')
    expect(atr.tck).toBeUndefined()
    expect(emvRemarks(atr)).toEqual([])
  })

  it('what PC/SC makes of a contactless card', () => {
    const atr = parseAtr(fromHex('3B8F8001804F0CA000000306030001000000006A'))
    expect(atr.protocols).toEqual([0, 1])
    expect(hex(atr.historical)).toBe('804F0CA00000030603000100000000')
    expect(atr.tck).toBe(0x6a)
  })

  it.each([
    ['', 'TS is missing', 0],
    ['3C', 'TS is 3C, not 3B (direct) or 3F (inverse)', 0],
    ['3B', 'T0 is missing', 1],
    ['3B6000', 'TC1 is missing', 3],
    ['3B620000AA', '2 historical bytes are announced, 1 follow', 4],
    ['3B8001', 'TCK is missing', 3],
    ['3B80 80808080808080808080808080808080808080808080808080808080808080808080', 'longer than 33 bytes', 33],
  ])('%s is none: %s', (bytes, rule, offset) => {
    expect(() => parseAtr(fromHex(bytes))).toThrowError(expect.objectContaining({ code: 'apdu', details: { rule, offset } }))
  })

  it.each([
    ['3B602500', 'TB1 25: the card asks for VPP, only 00 is allowed (8.3.3.2)'],
    ['3B4000', 'TB1 is missing (8.3.3.2)'],
    ['3B600000AA', '1 bytes follow the last (8.3)'],
    ['3BE000008131204535AABB', '2 bytes follow the last (8.3)'],
    ['3BE000004020', 'TC2 20: only a waiting time integer of 0A is allowed (8.3.3.7)'],
    ['3BE0000002E2', 'TD1 asks for protocol T=2, EMV has T=0 and T=1 (8.3.3.4)'],
  ])('%s is not EMV: %s', (bytes, remark) => {
    expect(emvRemarks(parseAtr(fromHex(bytes)))).toContain(remark)
  })

  it('random bytes parse or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), bytes => {
        try {
          emvRemarks(parseAtr(Uint8Array.of(0x3b, ...bytes)))
        } catch (error) {
          if (!isFault(error, 'apdu')) throw error
        }
      }),
      { seed: 8, numRuns: 3000 },
    )
  })
})

describe('status words', () => {
  it.each([
    [0x9000, '9000 done'],
    [0x6a82, '6A82 file or application not found'],
    [0x63c2, '63C2 verification failed, 2 tries left'],
    [0x63c1, '63C1 verification failed, 1 try left'],
    [0x6110, '6110 done, 16 bytes to fetch'],
    [0x6c00, '6C00 wrong Le, 256 bytes there are'],
    [0x6a99, '6A99 wrong parameters'],
    [0x1234, '1234 unknown status'],
  ])('%i', (sw, words) => expect(statusWords(sw)).toBe(words))
})
