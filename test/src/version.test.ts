/** Versions of firmware as readers tell them: which is older, and which cannot be told. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareVersions, isVersion } from '../../src/version.ts'

describe('versions', () => {
  it.each([
    ['1.0.0', '1.0.0', 0],
    ['1.9', '1.10', -1],
    ['2.0', '1.10.7', 1],
    ['1.0', '1.0.1', -1],
    ['2', '2.0.0.0', 0],
    ['02.00.00', '2.0.0', 0],
    ['1.2b', '1.2a', 1],
    ['1.10', '1.10a', -1],
    ['2.0.0-rc1', '2.0.0', -1],
    ['2.0.0', 'Version 2.0.0', 0],
    // A word before it, which sorts above all digits, is no part of it.
    ['tapdip 1.0.0', '2.0.0', -1],
    ['tapdip 10.0.0', '2.0.0', 1],
    ['VP3300 FW v1.0.0', '2.0.0', -1],
    ['VP3300 Bluetooth NEO v1.01.090', '1.01.151', -1],
    ['M000-MPI-V1-47', '1-48', -1],
    ['1-47', '1.47', 0],
    ['21042872B01', '21042872B02', -1],
    ['21042872C01', '21042872B02', 1],
    ['99999999999999999998.0', '99999999999999999999.0', -1],
  ])('%s against %s', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b)!)).toBe(sign)
    expect(Math.sign(compareVersions(b, a)!)).toBe(-sign || 0)
  })

  it.each([
    ['VP3300', '2.0.0'],
    ['', '2.0.0'],
    ['A27C', 'A27D'],
    ['beta', '2.0.0'],
    ['21042872B01', '2.0.0'],
    ['21042872B01', '21042873B01'],
  ])('%j and %j cannot be compared', (a, b) => {
    expect(compareVersions(a, b)).toBeUndefined()
    expect(compareVersions(b, a)).toBeUndefined()
  })

  it('what is the same text is the same version, readable or not; nothing is not', () => {
    expect(compareVersions('A27C', 'A27C')).toBe(0)
    expect(compareVersions('', '')).toBeUndefined()
    expect(isVersion('A27C')).toBe(false)
    expect(isVersion('VP3300 FW v3')).toBe(true)
  })

  it('numbers decide from the left, whatever the spelling around them', () => {
    const numbers = fc.array(fc.nat(9999), { minLength: 2, maxLength: 5 })
    const spelt = fc.constantFrom<(text: string) => string>(
      text => text,
      text => `v${text}`,
      text => `VP3300 FW v${text}`,
      text => `tapdip ${text}`,
      text => text.replaceAll('.', '-'),
      text => text.replace(/\d+/g, digits => digits.padStart(3, '0')),
    )
    fc.assert(
      fc.property(numbers, numbers, spelt, spelt, (a, b, one, other) => {
        const at = Array.from({ length: Math.max(a.length, b.length) }, (_, index) => Math.sign((a[index] ?? 0) - (b[index] ?? 0)))
        expect(Math.sign(compareVersions(one(a.join('.')), other(b.join('.')))!)).toBe(at.find(sign => sign !== 0) ?? 0)
      }),
    )
  })

  it('any text is compared or not, and never throws', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => void compareVersions(a, b)))
  })
})
