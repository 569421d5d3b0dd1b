/** Processing restrictions (EMV 4.4 Book 3, 10.4) against the scenarios of emv-utils and cases of our own. */

import { describe, expect, it } from 'vitest'
import { fromHex, hex } from '../../../src/bytes.ts'
import { restrict } from '../../../src/emv/steps/restrict.ts'
import vectors from '../../vectors/emvutils_processing_restrictions.json' with { type: 'json' }
import { kernelAt, testConfig } from '../contact/kernel-fixture.ts'

const set = (data: Map<number, Uint8Array>, values: object) => {
  for (const [tag, value] of Object.entries(values)) data.set(Number.parseInt(tag, 16), fromHex(value as string))
}

describe('processing restrictions', () => {
  it.each(vectors.scenarios)('emv-utils: $name', scenario => {
    const config = testConfig({}, { versions: [scenario.terminal['9F09']] })
    const { kernel, tvr } = kernelAt({ config, icc: scenario.icc as unknown as Record<string, string> })
    set(kernel.data.terminal, scenario.terminal)
    set(kernel.data.terminal, scenario.transaction)
    expect(restrict(kernel)).toBeUndefined()
    expect(tvr()).toBe(scenario.expect_tvr)
  })

  const usage = (type: 'purchase' | 'cash' | 'cashback' | 'refund', auc: string, country = '0643') => {
    const { kernel, tvr, explained } = kernelAt({ transaction: { type }, icc: { '9F07': auc, '5F28': country, '5F24': '301231' } })
    restrict(kernel)
    return { tvr: tvr(), rules: explained.map(({ rule }) => rule) }
  }

  it.each([
    ['cash', '8100', '4100'],
    ['purchase', '2100', '1100'],
    ['purchase', '0900', '0500'],
    ['cashback', '2180', '1140'],
  ] as const)('a domestic %s needs the domestic bits', (type, domestic, international) => {
    expect(usage(type, domestic).tvr).toBe('0000000000')
    expect(usage(type, international).tvr).toBe('0010000000')
    expect(usage(type, domestic, '0840').tvr).toBe('0010000000')
    expect(usage(type, international, '0840').tvr).toBe('0000000000')
  })

  it('says which rule refused the service', () => {
    expect(usage('cash', '2180').rules).toEqual(['Book 3, 10.4.2: not valid for domestic cash'])
    expect(usage('cash', '2080').rules).toEqual(['Book 3, 10.4.2: not valid at terminals other than ATMs'])
  })

  it('without the issuer country only the place counts, without usage control nothing', () => {
    expect(kernelRun({ '9F07': '0100', '5F24': '301231' })).toBe('0000000000')
    expect(kernelRun({ '5F28': '0840', '5F24': '301231' })).toBe('0000000000')
  })

  it('an ATM is an unattended bank terminal with cash', () => {
    const config = testConfig({ terminalType: 0x14, capabilities: '60D8C8', additionalCapabilities: '8000A03011' })
    expect(kernelRun({ '9F07': '8200', '5F24': '301231' }, config)).toBe('0000000000')
    expect(kernelRun({ '9F07': '8100', '5F24': '301231' }, config)).toBe('0010000000')
  })

  it.each([
    [0x11, '60F8C8'], // attended
    [0x24, '60D8C8'], // a merchant's
  ])('other terminals with cash are none (type %i)', (terminalType, capabilities) => {
    const config = testConfig({ terminalType, capabilities })
    expect(kernelRun({ '9F07': '8100', '5F24': '301231' }, config)).toBe('0000000000')
    expect(kernelRun({ '9F07': '8200', '5F24': '301231' }, config)).toBe('0010000000')
  })

  it('reads years from 50 on as of the last century', () => {
    expect(kernelRun({ '5F24': '500101' })).toBe('0040000000')
    expect(kernelRun({ '5F24': '491231', '5F25': '990101' })).toBe('0000000000')
  })

  it('tells the card the version that both have', () => {
    const { kernel, tvr } = kernelAt({ config: testConfig({}, { versions: ['0096', '008C'] }), icc: { '9F08': '008C' } })
    expect(hex(kernel.data.get(0x9f09)!)).toBe('0096')
    restrict(kernel)
    expect([hex(kernel.data.get(0x9f09)!), tvr()]).toEqual(['008C', '0000000000'])
  })
})

function kernelRun(icc: Record<string, string>, config = testConfig()): string {
  const { kernel, tvr } = kernelAt({ config, icc })
  restrict(kernel)
  return tvr()
}
