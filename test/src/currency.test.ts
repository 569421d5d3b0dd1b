/** ISO 4217 whole: codes, exponents, what is refused and how, and that both configurations take the same currencies. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allCurrencies, currency, formatAmount, parseAmount } from '../../src/currency.ts'
import { parseContactlessConfig } from '../../src/emv/contactless/config-schema.ts'
import { russianContactless } from '../../src/emv/contactless/profiles.ts'
import { eurMpos } from '../../src/emv/profiles.ts'

const site = { merchantId: '635459020000001', terminalId: '63545902', merchantName: 'SHOP', acquirerId: '123456', ifdSerial: 'TAPDIP01' }
const codes = allCurrencies.map(({ alpha }) => alpha)

describe('ISO 4217', () => {
  it('has the 165 codes of list one of 2026-09-17 that have a minor unit, each once', () => {
    const exponents = [0, 2, 3, 4].map(digits => allCurrencies.filter(({ exponent }) => exponent === digits).length)
    expect(exponents).toEqual([17, 139, 7, 2])
    expect(new Set(codes).size).toBe(165)
    expect(new Set(allCurrencies.map(({ numeric }) => numeric)).size).toBe(165)
    for (const { alpha, numeric } of allCurrencies) {
      expect(alpha).toMatch(/^[A-Z]{3}$/)
      expect(numeric).toBeGreaterThan(0)
      expect(numeric).toBeLessThan(1000)
    }
  })

  // Those that libraries disagree on: CLDR has 0 digits for IQD, AFN, ALL and others; currency-codes 2.2.0 lacks XCG and still has ANG and BGN.
  it.each([
    ['JPY', 392, 0],
    ['KRW', 410, 0],
    ['ISK', 352, 0],
    ['UGX', 800, 0],
    ['UYI', 940, 0],
    ['VND', 704, 0],
    ['XPF', 953, 0],
    ['RUB', 643, 2],
    ['CAD', 124, 2],
    ['AUD', 36, 2],
    ['MGA', 969, 2],
    ['MRU', 929, 2],
    ['SAR', 682, 2],
    ['ZAR', 710, 2],
    ['MXN', 484, 2],
    ['THB', 764, 2],
    ['XCG', 532, 2],
    ['XAD', 396, 2],
    ['ZWG', 924, 2],
    ['SLE', 925, 2],
    ['IQD', 368, 3],
    ['KWD', 414, 3],
    ['BHD', 48, 3],
    ['TND', 788, 3],
    ['CLF', 990, 4],
    ['UYW', 927, 4],
  ] as const)('%s is %i with %i digits', (alpha, numeric, exponent) => {
    // biome-ignore format: a table
    const found = { alpha, numeric, exponent }
    expect(currency(alpha)).toEqual(found)
    expect(currency(alpha.toLowerCase())).toEqual(found)
    expect(currency(numeric)).toEqual(found)
    expect(currency(String(numeric).padStart(3, '0'))).toEqual(found)
  })

  it.each([
    ['BGN', /withdrawn from ISO 4217: EUR/],
    ['ANG', /XCG is in its place/],
    ['RUR', /RUB/],
    ['RUV', /did you mean 'RUB'\?/],
    ['XAU', /no currency of ISO 4217 with a minor unit/],
    ['XXX', /with a minor unit/],
    ['999', /with a minor unit/],
    ['', /with a minor unit/],
    ['1e2', /with a minor unit/],
    [Number.NaN, /with a minor unit/],
  ])('%s is refused with what is wrong', (code, words) => {
    expect(() => currency(code)).toThrowError(
      expect.objectContaining({ code: 'bad-argument', details: expect.objectContaining({ field: 'currency' }) }),
    )
    expect(() => currency(code)).toThrowError(words)
  })

  it('amounts are read as they are written, in every currency', () => {
    fc.assert(
      fc.property(fc.constantFrom(...allCurrencies), fc.bigInt(0n, 99_999_999n), (unit, amount) => {
        const text = formatAmount(amount, unit)
        expect(parseAmount(text, unit)).toBe(amount)
        expect((text.split('.')[1] ?? '').length).toBe(unit.exponent)
      }),
    )
    expect(formatAmount(12_345n, currency('CLF'))).toBe('1.2345')
    expect(formatAmount(5n, currency('KWD'))).toBe('0.005')
    expect(() => parseAmount('1.5', currency('JPY'))).toThrowError(/at most 0 decimals/)
  })

  it('a contact and a contactless configuration take the same currencies, and refuse the same', () => {
    const { schemes } = russianContactless()
    for (const { numeric } of allCurrencies) {
      expect(eurMpos(site, { currencyCode: numeric }).currencyCode).toBe(numeric)
      expect(parseContactlessConfig({ currencyCode: numeric, schemes }).currencyCode).toBe(numeric)
    }
    for (const numeric of [0, 1, 959, 975, 999, 1000, 64.3]) {
      const refused = expect.objectContaining({ code: 'bad-config', details: expect.objectContaining({ path: 'currencyCode' }) })
      expect(() => eurMpos(site, { currencyCode: numeric }), `${numeric}`).toThrowError(refused)
      expect(() => parseContactlessConfig({ currencyCode: numeric, schemes }), `${numeric}`).toThrowError(refused)
    }
  })
})
