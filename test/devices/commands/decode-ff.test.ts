/** Data with tags that begin with FF, and data that may be cut anywhere: read the likelier way, and no piece of a card number shown. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../src/bytes.ts'
import { write } from '../../../src/tlv/ber.ts'
import { kernelDictionaries } from '../../../src/tlv/kernels.ts'
import { type Described, describeEither, printTree } from '../../../src/tlv/print.ts'

const pan = '4761739001010010'
const mastercard = { words: kernelDictionaries.mastercard, ff: 'tag' } as const
const tags = (objects: readonly Described[]): unknown[] => objects.map(({ tag, children }) => (children ? [tag, tags(children)] : tag))

describe('tags that begin with FF', () => {
  const data = fromHex('FF81050D9F0206000000002500DF810600')
  it.each([
    ['with --kernel', mastercard],
    ['without', {}],
  ])('%s: a template, not padding and an amount', (_, options) => {
    const told = describeEither(data, options)
    expect(tags(told.objects)).toEqual([['FF8105', ['9F02', 'DF8106']]])
    expect(printTree(told)).toContain('2500 minor units')
    expect(printTree(told)).not.toContain('54207317504')
  })

  it('what ends in nonsense both ways is shown the way with less of it, and says where it ends', () => {
    const told = printTree(describeEither(fromHex('FF81050C9F0206000000002500DF810600'), mastercard)) // a length too short by one
    expect(told).toMatch(/FF8105[\s\S]*9F02[\s\S]*2500 minor units[\s\S]*! length is missing at offset 16/)
    expect(told).not.toContain('54207317504')
  })

  it('padding that a card wrote stays padding, with and without --kernel', () => {
    const padded = fromHex('FF9F0206000000002500FFFF5F2A020643')
    for (const options of [{}, mastercard]) {
      const { objects, stopped } = describeEither(padded, options)
      expect([tags(objects), stopped]).toEqual([['9F02', '5F2A'], undefined])
    }
  })

  it('a vendor’s FFEE01 around a card is read as its tag', () => {
    expect(tags(describeEither(write(0xffee01, write(0x5a, fromHex(pan)))).objects)).toEqual([['FFEE01', ['5A']]])
  })
})

describe('a card number in data that is cut', () => {
  const track2 = `${pan}D22122011143878089`
  const whole = write(0xff8106, [write(0x57, fromHex(track2)), write(0x5a, fromHex(pan)), write(0xdf8115, fromHex('000000000000'))])

  it('whole it is masked by its tag', () => {
    for (const options of [{}, mastercard]) expect(printTree(describeEither(whole, options))).toContain('476173******0010')
  })

  it('cut anywhere, at either end, no more than its first six and last four digits are shown', () => {
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length), fc.constantFrom({}, mastercard), (from, to, options) => {
        const part = whole.subarray(Math.min(from, to), Math.max(from, to))
        const told = JSON.stringify(describeEither(part, options)) + printTree(describeEither(part, options))
        for (const shown of [pan.slice(0, 12), pan.slice(2, 14), pan.slice(4)]) expect(told).not.toContain(shown)
      }),
      { numRuns: 400, seed: 10 },
    )
  })
})
