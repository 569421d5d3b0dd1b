/** The explanation of a payment, for machines and for people. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { explanationJson, isAbout, parseExplanation, printExplanations } from '../../../src/emv/explain/print.ts'
import { pay } from '../contact/kernel-bench.ts'

const profile = profiles['offline-pin']
const explained = async () => (await pay({ profile, card: loadCard(profile), pins: ['0000', '1234'] })).explained

describe('an explanation', () => {
  it('survives JSON, line by line', async () => {
    const entries = await explained()
    expect(entries.length).toBeGreaterThan(15)
    for (const entry of entries) expect(parseExplanation(JSON.stringify(explanationJson(entry)))).toEqual(entry)
  })

  it('answers why a bit is set: rule and bytes', async () => {
    const [why] = (await explained()).filter(entry => isAbout(entry, 'tvr FLOOR'))
    expect(explanationJson(why)).toEqual({
      step: 'riskManagement',
      rule: 'Book 3, 10.6.1: the amount is not below the floor limit',
      inputs: { '9F02': '000000250000', '9F1B': '00000000' },
      effect: ['TVR floorLimitExceeded'],
    })
  })

  it('is printed by step, with the names of its inputs', async () => {
    const entries = (await explained()).filter(({ step }) => step === 'cardholderVerification' || step === 'riskManagement')
    expect(printExplanations(entries)).toMatchInlineSnapshot(`
      "cardholderVerification
        Book 3, 10.5.1: wrong PIN
          → 2 tries left
        Book 3, 10.5: rule 0103
          8E     000000000000000001031F03  Cardholder Verification Method (CVM) List
          9F33   60F8C8  Terminal Capabilities
          → plaintext PIN ok
        Book 3, 10.5: plaintext PIN
          8E     000000000000000001031F03  Cardholder Verification Method (CVM) List
          9F34   010302  Cardholder Verification Method (CVM) Results
          → TSI cardholderVerificationPerformed
      riskManagement
        Book 3, 10.6.1: the amount is not below the floor limit
          9F02   000000250000  Amount, Authorised (Numeric)
          9F1B   00000000  Terminal Floor Limit
          → TVR floorLimitExceeded
        Book 3, 10.6: terminal risk management was performed
          → TSI terminalRiskManagementPerformed
      "
    `)
  })

  it.each([
    ['', /no JSON/],
    ['null', /step/],
    ['{"step":"online","rule":1}', /rule/],
    ['{"step":"online","rule":"r","effect":"e"}', /effect/],
    ['{"step":"online","rule":"r","effect":[],"inputs":null}', /inputs/],
    ['{"step":"online","rule":"r","effect":[],"inputs":{"9F2":"00"}}', /inputs/],
    ['{"step":"online","rule":"r","effect":[],"inputs":{"9F02":1}}', /inputs/],
  ])('%s is none', (line, message) => {
    expect(() => parseExplanation(line)).toThrow(message)
  })
})
