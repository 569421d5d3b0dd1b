/** How a payment ends by its combined signature, and what the explanation says of a card's answer (EMV 4.4 Book 2, 6.6.2; Book 3, 10.8). */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { mastercardApplication, oneApplication } from '../../../simulator/cards/profiles/base.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { hex } from '../../../src/bytes.ts'
import { type Counter, mpos, pay, type Run } from './kernel-bench.ts'

const offline = mpos({}, { floorLimit: 1_000_000n, tacOnline: new Uint8Array(5) })
const run = (name: ProfileName, more: Partial<Counter> = {}) => pay({ profile: profiles[name], card: loadCard(profiles[name]), ...more })
/** Reference control parameters of GENERATE AC, in order. */
const generated = ({ sent }: Run) => sent.filter(command => command[1] === 0xae).map(command => hex(command.subarray(2, 3)))
const effects = ({ explained }: Run, step: string) => explained.filter(one => one.step === step).flatMap(({ effect }) => effect)

describe('a wrong combined signature', () => {
  it('on an ARQC: the card is told by a second GENERATE AC, the host is never asked', async () => {
    const paid = await run('wrong-cda')
    expect([paid.outcome.result, paid.outcome.reason, paid.tag(0x8a)]).toEqual(['declined', 'offlineDeclined', '5A31'])
    expect(generated(paid)).toEqual(['90', '00'])
    expect(paid.requests).toEqual([])
    expect(effects(paid, 'cardActionAnalysis')).toContain('TVR cdaFailed')
    const why = paid.explained.find(({ effect }) => effect.includes('declined offline'))
    expect([why?.rule, [...why!.inputs.keys()]]).toEqual(['Book 2, 6.6.2: combined data authentication failed', [0x95]])
  })

  it('on a TC: declined, and the card is not asked again', async () => {
    const [{ oda }] = profiles['wrong-cda'].applications
    const [{ risk, iac }] = profiles['offline-approve'].applications
    const profile = oneApplication('wrong-cda-offline', 'CDA that signs another number, approving offline', mastercardApplication, {
      account: 10997,
      application: { ...(oda && { oda }), ...(risk && { risk }), ...(iac && { iac }) },
    })
    const paid = await pay({ profile, card: loadCard(profile), config: offline, transaction: { amount: 100n } })
    expect(generated(paid)).toEqual(['50'])
    expect([paid.outcome.result, paid.outcome.reason, paid.tag(0x8a)]).toEqual(['declined', 'offlineDeclined', '5A31'])
  })
})

describe('a right combined signature', () => {
  it('is asked for with both cryptograms and verified', async () => {
    const paid = await run('cda')
    expect(generated(paid)).toEqual(['90', '50'])
    expect(paid.outcome.result).toBe('approved')
    expect(effects(paid, 'completion')).toContain('CDA succeeded')
  })

  it('a card that declines signs nothing, and is not accused of it', async () => {
    const paid = await run('cda', { host: { type: 'declined' } })
    expect(generated(paid)).toEqual(['90', '00'])
    expect(paid.outcome.reason).toBe('hostDeclined')
    expect(paid.tag(0x95)?.slice(0, 2)).toBe('00')
  })
})

describe('the explanation of what the card answers', () => {
  it('tells an advice, and the reason of a refusal', async () => {
    const paid = await run('offline-decline')
    expect(paid.outcome.advice).toBe(true)
    expect(effects(paid, 'cardActionAnalysis')).toEqual(expect.arrayContaining(['ARQC asked, AAC given', 'advice required']))
  })

  it('tells how a payment is not completed', async () => {
    const paid = await run('declines-after-online')
    const why = paid.explained.find(({ rule }) => rule.startsWith('Book 3, 10.11'))
    expect([why?.effect, [...why!.inputs.keys()]]).toEqual([['declined, a reversal is due'], [0x9f27, 0x8a]])
  })

  it('tells that there was no method to authenticate the card by', async () => {
    const paid = await run('no-oda')
    const why = paid.explained.find(({ effect }) => effect.includes('TVR odaNotPerformed'))
    expect([why?.rule, [...why!.inputs.keys()]]).toEqual(['Book 3, 10.3: no method that card and terminal share', [0x82, 0x9f33]])
  })
})
