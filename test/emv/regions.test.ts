/** Ready profiles by currency: each is what the table says, chip and tap, and the bar of roubles is the same for all. */

import { describe, expect, it } from 'vitest'
import { hex } from '../../src/bytes.ts'
import { allCurrencies, currency } from '../../src/currency.ts'
import { combinationsOf, kernelData } from '../../src/emv/contactless/config.ts'
import { contactlessFor, russianContactless } from '../../src/emv/contactless/profiles.ts'
import { eurMpos, mposFor, russianMpos } from '../../src/emv/profiles.ts'
import { regionOf, regions } from '../../src/emv/regions.ts'
import { verificationLimits } from '../../src/emv/verification-limit.ts'

const site = {
  ...{ merchantId: 'MERCHANT0000001', terminalId: '63545902', merchantName: 'TEST SHOP', acquirerId: '400000', ifdSerial: 'SN000001' },
}

describe('profiles by region', () => {
  it.each(regions)(
    '$currency: one country, one currency, the same schemes by chip and by tap',
    ({ currency: unit, countryCode, tap, systems }) => {
      const [chip, taps] = [mposFor(unit, site), contactlessFor(unit)]
      const { numeric } = currency(unit)
      expect([chip.currencyCode, chip.countryCode, taps.currencyCode]).toEqual([numeric, countryCode, numeric])
      expect(taps.schemes.map(({ scheme }) => scheme)).toEqual(systems)
      const accepted = chip.applications.map(({ aid }) => hex(aid))
      for (const aid of taps.schemes.flatMap(({ aids }) => aids)) expect(accepted).toContain(hex(aid))
      for (const { verifyFrom } of taps.schemes) expect(verifyFrom).toBe(tap.verifyFrom)
      expect([tap.source, tap.date, ['seen', 'assumed'].includes(tap.confidence)]).toEqual([
        expect.stringMatching(/./),
        expect.stringMatching(/^20\d\d/),
        true,
      ])
    },
  )

  it('what each region is verified from, in its own decimals', () => {
    expect(Object.fromEntries(regions.map(one => [one.currency, one.tap.verifyFrom]))).toEqual({
      ...{ RUB: 3000_00n, EUR: 50_01n, GBP: 100_01n, USD: 100_00n, CAD: 250_01n, AUD: 200_01n, KZT: 1n, TRY: 2500_00n },
    })
  })

  it('every currency of ISO 4217 has a profile; where none is known, no country and no tap without verification', () => {
    for (const { alpha, numeric } of allCurrencies) {
      const [chip, taps] = [mposFor(numeric, site), contactlessFor(alpha)]
      expect([chip.currencyCode, taps.currencyCode]).toEqual([numeric, numeric])
      if (regionOf(alpha)) continue
      expect(chip.countryCode).toBe(999)
      for (const { verifyFrom } of taps.schemes) expect(verifyFrom).toBe(1n)
    }
    expect(mposFor('JPY', site, { countryCode: 392 }).countryCode).toBe(392)
    expect(() => mposFor('ZZZ', site)).toThrowError(expect.objectContaining({ code: 'bad-argument' }))
    expect(() => contactlessFor('RUR')).toThrowError(/RUB is in its place/)
    expect(eurMpos(site, { currencyCode: 36 }).currencyCode).toBe(36)
  })

  it('no profile in roubles moves the bar: below 3000.00 no verification, 3000.00 itself is verified, whatever else is changed', () => {
    expect(verificationLimits).toEqual({ RUB: 3000_00n })
    expect([russianMpos(site), mposFor('RUB', site), mposFor(643, site)].map(one => one.verifyFrom)).toEqual([3000_00n, 3000_00n, 3000_00n])
    for (const taps of [
      russianContactless(),
      contactlessFor('RUB'),
      contactlessFor(643),
      russianContactless({ offlineUpTo: 500n, refuseFrom: 9000_00n }),
    ]) {
      for (const rules of taps.schemes) {
        const data = kernelData(rules)
        // A kernel's own figure is the last amount without verification where it compares with >, else the first with.
        const figure = { mastercard: 0xdf8126, mir: 0xdf52, amex: 0xdfab42, jcb: 0xdfab42 }[rules.scheme as string]
        const own = figure && hex(data.get(figure)!)
        if (own) expect(own, rules.scheme).toBe(rules.scheme === 'mastercard' || rules.scheme === 'mir' ? '000000299999' : '000000300000')
      }
      for (const { cvmRequiredLimit } of combinationsOf(taps)) expect([undefined, 3000_00n]).toContain(cvmRequiredLimit)
    }
  })
})
