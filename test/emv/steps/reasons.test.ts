/** What steps say of their reasons: counters that were compared, what was not checked, methods that the terminal lacks (EMV 4.4 Book 3, 10.5 and 10.6). */

import { describe, expect, it } from 'vitest'
import { verifyCardholder } from '../../../src/emv/contact/verify.ts'
import { manageRisk } from '../../../src/emv/steps/risk.ts'
import { kernelAt, scriptCard, testConfig } from '../contact/kernel-fixture.ts'

const config = testConfig({}, { velocityChecking: true })
const icc = { 82: '0800', '9F14': '02', '9F23': '04', '5A': '2200123456789012' }
const atc = (value: string): [string, string] => ['80CA9F3600', value && `9F3602${value}9000`]
const last = (value: string): [string, string] => ['80CA9F1300', value && `9F1302${value}9000`]

async function run(counters: [string, string][], scene = {}) {
  const card = scriptCard(counters.map(([command, answer]) => [command, answer || '6A88']))
  const at = kernelAt({ card, config, icc, ...scene })
  await manageRisk(at.kernel)
  return at
}
const told = ({ explained }: Awaited<ReturnType<typeof run>>) =>
  explained.filter(({ rule }) => rule.startsWith('Book 3, 10.6.3')).map(({ rule, effect }) => `${rule.slice(16)} → ${effect}`)

describe('velocity', () => {
  it.each([
    [
      '0003',
      '0000',
      ['3 transactions since the last online one → TVR lowerConsecutiveLimitExceeded', 'the card was never online → TVR newCard'],
    ],
    [
      '0006',
      '0001',
      [
        '5 transactions since the last online one → TVR lowerConsecutiveLimitExceeded',
        '5 transactions since the last online one → TVR upperConsecutiveLimitExceeded',
      ],
    ],
    [
      '0004',
      '0004',
      [
        'ATC not above the last online ATC → TVR lowerConsecutiveLimitExceeded',
        'ATC not above the last online ATC → TVR upperConsecutiveLimitExceeded',
      ],
    ],
    [
      '0004',
      '',
      ['a counter is not available → TVR lowerConsecutiveLimitExceeded', 'a counter is not available → TVR upperConsecutiveLimitExceeded'],
    ],
    [
      '',
      '0004',
      ['a counter is not available → TVR lowerConsecutiveLimitExceeded', 'a counter is not available → TVR upperConsecutiveLimitExceeded'],
    ],
    ['0006', '0004', []],
  ])('ATC %s, last online ATC %s', async (now, before, why) => {
    expect(told(await run([atc(now), last(before)]))).toEqual(why)
  })
})

describe('what is not checked', () => {
  it('an online-only terminal without a floor limit: no bit, and said so', async () => {
    const bare = testConfig({ terminalType: 0x21 }, { floorLimit: undefined })
    const at = await run([], { config: bare, icc: { 82: '0800' }, transaction: { amount: 999_999_999_999n } })
    expect([at.tvr(), at.tsi()]).toEqual(['0000000000', '0800'])
    expect(at.explained[0]).toMatchObject({ rule: 'Book 3, 10.6.1: the configuration has no floor limit', effect: ['not checked'] })
  })

  it('a card that does not ask for it', async () => {
    const at = await run([], { icc: { ...icc, 82: '0000' } })
    expect([at.tvr(), at.tsi()]).toEqual(['0000000000', '0000'])
    expect(at.explained.map(({ effect, inputs }) => [effect, [...inputs.keys()]])).toEqual([[['not performed'], [0x82]]])
  })
})

describe('a method of the CVM List that the terminal lacks', () => {
  /** Capabilities: plaintext PIN alone, signature alone. */
  it.each([
    ['0300', '6080C8', '0000800000', 'Book 3, 10.5: rule 0300', 'plaintext PIN and signature not supported'],
    ['1E00', '6080C8', '0000800000', 'Book 3, 10.5: rule 1E00', 'signature not supported'],
    ['0200', '6020C8', '0000900000', 'Book 3, 10.5.2: rule 0200: the terminal takes no such PIN', 'TVR pinPadMissingOrBroken'],
    ['0100', '6020C8', '0000900000', 'Book 3, 10.5.1: rule 0100: the terminal takes no such PIN', 'TVR pinPadMissingOrBroken'],
    ['2000', '6080C8', '0000C00000', 'Book 3, 10.5: rule 2000: code not recognised', 'TVR unrecognisedCvm'],
  ])('rule %s with capabilities %s: TVR %s', async (rule, capabilities, tvr, why, effect) => {
    const at = kernelAt({ config: testConfig({ capabilities }), icc: { 82: '1000', '8E': `0000000000000000${rule}` } })
    expect(await verifyCardholder(at.kernel)).toBeUndefined()
    expect([at.tvr(), at.tsi(), at.kernel.data.get(0x9f34)]).toEqual([tvr, '4000', Uint8Array.of(0x3f, 0x00, 0x01)])
    expect(at.explained.find(entry => entry.rule === why)?.effect).toEqual([effect])
  })
})
