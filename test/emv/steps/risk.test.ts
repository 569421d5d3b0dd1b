/** Terminal risk management (EMV 4.4 Book 3, 10.6) against the scenarios of emv-utils and cases of our own. */

import { describe, expect, it } from 'vitest'
import { fromHex, fromUint, uint } from '../../../src/bytes.ts'
import { manageRisk } from '../../../src/emv/steps/risk.ts'
import vectors from '../../vectors/emvutils_terminal_risk_management.json' with { type: 'json' }
import { kernelAt, type Scene, scriptCard, testConfig } from '../contact/kernel-fixture.ts'

/** AIP with terminal risk management wanted. */
const aip = { 82: '0800' }

async function run(scene: Scene): Promise<{ tvr: string; tsi: string; rules: string[] }> {
  const card = scene.card as ReturnType<typeof scriptCard> | undefined
  const { kernel, tvr, tsi, explained } = kernelAt({ ...scene, icc: { ...aip, ...scene.icc } })
  expect(await manageRisk(kernel)).toBeUndefined()
  expect(card?.rest() ?? []).toEqual([])
  return { tvr: tvr(), tsi: tsi(), rules: explained.map(({ rule }) => rule) }
}

describe('terminal risk management', () => {
  it.each(vectors.scenarios)('emv-utils: $name', async scenario => {
    const entries = scenario.transaction_log as { pan: string; psn: number; amount: number }[]
    const latest = (pan: string, psn: number | undefined) => {
      const found = entries.findLast(entry => entry.pan.replace(/F+$/, '') === pan && (psn === undefined || psn === entry.psn))
      return found && { pan, psn: found.psn, amount: BigInt(found.amount) }
    }
    const { tvr, tsi } = await run({
      card: scriptCard((scenario.apdus as { c: string; r: string }[]).map(({ c, r }) => [c, r])),
      config: testConfig({}, { floorLimit: uint(fromHex(scenario.terminal['9F1B'])) }),
      transaction: { amount: BigInt(uint(fromHex(scenario.transaction['81']))) },
      icc: scenario.icc as unknown as Record<string, string>,
      options: entries.length > 0 ? { log: { latest } } : {},
    })
    expect([tvr, tsi]).toEqual([scenario.expect_tvr, scenario.expect_tsi])
  })

  it.each([
    [9_999n, '0000000000'],
    [10_000n, '0000008000'],
    [10_001n, '0000008000'],
  ])('an amount of %i meets a floor limit of 10000', async (amount, tvr) => {
    expect((await run({ transaction: { amount } })).tvr).toBe(tvr)
  })

  it('adds the last transaction of the same card against split sales', async () => {
    const asked: [string, number | undefined][] = []
    const log = {
      latest(pan: string, psn: number | undefined) {
        asked.push([pan, psn])
        return { pan, amount: 4_000n }
      },
    }
    const icc = { '5A': '220012345678901F', '5F34': '07' }
    expect((await run({ transaction: { amount: 5_999n }, options: { log }, icc })).tvr).toBe('0000000000')
    expect((await run({ transaction: { amount: 6_000n }, options: { log }, icc })).tvr).toBe('0000008000')
    expect(asked[0]).toEqual(['220012345678901', 7])
  })

  it("does nothing but the merchant's wish and the exception file where the card does not ask for it", async () => {
    const exceptionFile = (pan: string, psn: number | undefined) => pan === '2200123456789012' && psn === 1
    const icc = { 82: '0000', '5A': '2200123456789012', '5F34': '01', '9F14': '01', '9F23': '02' }
    const result = await run({ icc, options: { exceptionFile }, transaction: { amount: 99_999n, forceOnline: true } })
    expect([result.tvr, result.tsi]).toEqual(['1000000800', '0000'])
    expect((await run({ icc: { ...icc, '5F34': '02' }, options: { exceptionFile } })).tvr).toBe('0000000000')
  })

  describe('random selection', () => {
    const config = testConfig({}, { randomSelection: { threshold: 2_000, targetPercentage: 20, maximumPercentage: 60 } })
    /** The random number of 1–99 that the terminal draws. */
    const drawing = (number: number) => ({ random: (length: number) => fromUint(length === 4 ? number - 1 : 0, length) })
    const selected = async (amount: bigint, number: number, of = config) =>
      (await run({ config: of, transaction: { amount }, options: drawing(number) })).tvr === '0000001000'

    it.each([
      [1n, 20],
      [1_999n, 20],
      [2_000n, 20],
      [4_000n, 30],
      [6_000n, 40],
      [9_999n, 59],
    ])('an amount of %i is taken up to %i', async (amount, last) => {
      expect([await selected(amount, last), await selected(amount, last + 1)]).toEqual([true, false])
    })

    it('is not done at or above the floor limit, nor by an offline-only terminal', async () => {
      expect((await run({ config, transaction: { amount: 10_000n }, options: drawing(1) })).tvr).toBe('0000008000')
      const offline = testConfig(
        { terminalType: 0x23, capabilities: '60B8C8' },
        { randomSelection: { threshold: 2_000, targetPercentage: 99, maximumPercentage: 99 } },
      )
      expect(await selected(1n, 1, offline)).toBe(false)
    })

    it('takes the target where threshold and floor limit meet', async () => {
      const flat = testConfig({}, { randomSelection: { threshold: 10_000, targetPercentage: 20, maximumPercentage: 60 } })
      expect([await selected(9_999n, 20, flat), await selected(9_999n, 21, flat)]).toEqual([true, false])
    })

    it('explains the number drawn', async () => {
      expect((await run({ config, transaction: { amount: 1n }, options: drawing(77) })).rules).toContain(
        'Book 3, 10.6.2: random number 77, target 20 %, maximum 60 %',
      )
    })
  })

  describe('velocity', () => {
    const limits = { '9F14': '02', '9F23': '04' }
    const counters = (atc: string, last: string) =>
      scriptCard([
        ['80CA9F3600', atc],
        ['80CA9F1300', last],
      ])

    it.each([
      ['9F3602000A9000', '9F1302000A9000', '0000006000'], // not above the last online one
      ['9F360200099000', '9F1302000A9000', '0000006000'],
      ['9F3602000C9000', '9F1302000A9000', '0000000000'],
      ['9F3602000D9000', '9F1302000A9000', '0000004000'],
      ['9F3602000F9000', '9F1302000A9000', '0000006000'],
      ['9F36010A9000', '9F1302000A9000', '0000006000'], // wrong length
      ['9F3702000B9000', '9F1302000A9000', '0000006000'], // wrong tag
      ['9F360200', '9F1302000A9000', '0000006000'], // no status word of success
      ['9F36029000', '9F1302000A9000', '0000006000'], // truncated
    ])('ATC %s, last online %s', async (atc, last, tvr) => {
      expect((await run({ card: counters(atc, last), icc: limits })).tvr).toBe(tvr)
    })

    it('is not done without both limits, nor where the configuration has it off', async () => {
      expect((await run({ icc: { '9F14': '02' } })).tvr).toBe('0000000000')
      expect((await run({ icc: { '9F23': '02' } })).tvr).toBe('0000000000')
      expect((await run({ icc: limits, config: testConfig({}, { velocityChecking: false }) })).tvr).toBe('0000000000')
    })
  })
})
