/** Whole payments: the kernel, virtual cards and an issuer that checks every cryptogram. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { tagName } from '../../../src/emv/data.ts'
import { Fault } from '../../../src/errors.ts'
import { accountOf, cryptogramIsRight, mpos, pay, type Verdict } from './kernel-bench.ts'

function subject(name: keyof typeof profiles) {
  const profile: CardProfile = profiles[name]
  return { profile, card: () => loadCard(profile) }
}

const mir = subject('mir-maestro')
const visa = subject('visa-signature')
const pin = subject('offline-pin')

describe('approved online', () => {
  it('Mir of the co-badged card: choice, online PIN, DDA, ARPC in the second GENERATE AC', async () => {
    const shown: string[][] = []
    const run = await pay({
      ...mir,
      card: mir.card(),
      choose(candidates) {
        shown.push(candidates.map(({ label }) => label))
        return 0
      },
    })
    expect(shown).toEqual([['MIR', 'Maestro']])
    expect(run.outcome).toMatchObject({
      result: 'approved',
      interface: 'chip',
      cvm: 'onlinePin',
      online: true,
      application: { label: 'MIR' },
    })
    expect(run.outcome.reversal).toBeUndefined()
    // Floor limit 0 is exceeded, online PIN entered; ODA, cardholder verification, card and terminal risk management performed.
    expect([0x95, 0x9b, 0x9f34, 0x9f27, 0x8a].map(run.tag)).toEqual(['0000048000', 'E800', '020300', '40', '3030'])
    expect(run.outcome.pinBlock?.format).toBe(0)
    expect(run.requests[0].pinBlock?.format).toBe(0)
    expect(cryptogramIsRight(accountOf(mir.profile, run.outcome.tags), run.outcome.tags)).toBe(true)
  })

  it('Maestro of the same card', async () => {
    const run = await pay({ ...mir, card: mir.card(), choose: () => 1 })
    expect(run.outcome).toMatchObject({ result: 'approved', application: { label: 'Maestro' } })
    expect(run.tag(0x9f06)).toBe('A0000000043060')
  })

  it('Visa with signature over T=0: EXTERNAL AUTHENTICATE', async () => {
    const run = await pay({ ...visa, card: visa.card() })
    expect(run.outcome).toMatchObject({ result: 'approved', cvm: 'signature' })
    expect([0x95, 0x9b, 0x9f34].map(run.tag)).toEqual(['0000008000', 'F800', '5E0300'])
  })

  it('offline PIN wrong once, then right', async () => {
    const card = pin.card()
    const run = await pay({ ...pin, card, pins: ['0000', '1234'] })
    expect(run.outcome).toMatchObject({ result: 'approved', cvm: 'offlinePin' })
    expect([0x95, 0x9b, 0x9f34].map(run.tag)).toEqual(['0000008000', 'F800', '010302'])
    expect(run.pinRequests).toEqual([
      { type: 'offline', again: false, triesLeft: 3 },
      { type: 'offline', again: true, triesLeft: 2 },
    ])
    expect(card.state.pinTriesLeft).toBe(3)
  })
})

describe('not approved', () => {
  it.each([mir, visa, pin])('the host declines ($profile.name)', async ({ profile, card }) => {
    const run = await pay({ profile, card: card(), host: { type: 'declined' } })
    expect(run.outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined', response: { code: '51' } })
    expect(run.outcome.reversal).toBeUndefined()
    expect(run.tag(0x9f27)?.[0]).toBe('0')
  })

  it.each([mir, visa, pin])(
    'a forged approval makes the card decline, and a reversal is due ($profile.name)',
    async ({ profile, card }) => {
      const run = await pay({ profile, card: card(), host: { type: 'approved', arpc: 'wrong' } })
      expect(run.outcome).toMatchObject({ result: 'declined', reason: 'cardDeclined', reversal: true, online: true })
    },
  )

  it('PIN tries run out', async () => {
    const card = pin.card()
    const run = await pay({ ...pin, card, pins: ['0000'] })
    expect(run.pinRequests).toHaveLength(3)
    expect(run.tag(0x95)).toBe('0000A08000')
    expect(run.tag(0x9f34)).toBe('010301')
    expect(card.state.pinTriesLeft).toBe(0)
    const again = await pay({ ...pin, card })
    expect([again.pinRequests.length, again.tag(0x95)]).toEqual([0, '0000A08000'])
  })

  it('the cardholder cancels at the choice and at the PIN', async () => {
    const choice = await pay({ ...mir, card: mir.card(), choose: () => undefined })
    expect(choice.outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', online: false })
    const entry = await pay({ ...mir, card: mir.card(), pins: ['cancel'] })
    expect(entry.outcome).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled', online: false })
  })

  it('no application in common', async () => {
    const config = mpos()
    const run = await pay({ ...visa, card: visa.card(), config: { ...config, applications: config.applications.slice(0, 3) } })
    expect(run.outcome).toMatchObject({ result: 'declined', reason: 'noApplication', online: false })
  })

  it('unable to go online: the default codes decline; a reversal is due only where the request may have left', async () => {
    const unreachable = await pay({ ...visa, card: visa.card(), host: () => Promise.reject(new Fault('host-unreachable', 'no network')) })
    expect(unreachable.outcome).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', online: true })
    expect(unreachable.outcome.reversal).toBeUndefined()
    expect(unreachable.tag(0x8a)).toBe('5A33')
    const silent = await pay({ ...visa, card: visa.card(), host: () => Promise.reject(new Fault('host-no-answer', 'no answer')) })
    expect(silent.outcome).toMatchObject({ result: 'declined', reason: 'unableToGoOnline', reversal: true })
  })

  it('unable to go online: approved where neither codes nor card object', async () => {
    const [application] = visa.profile.applications
    const iac = { denial: '0000000000', online: 'FFFFFFFFFF', default: '0000000000' }
    const profile = { ...visa.profile, applications: [{ ...application, iac, risk: { policy: 'offline' as const } }] }
    const run = await pay({
      profile,
      config: mpos({}, { tacDefault: new Uint8Array(5) }),
      card: loadCard(profile),
      transaction: { amount: 100n },
      host: async () => ({ type: 'unableToGoOnline' }),
    })
    expect(run.outcome).toMatchObject({ result: 'approved', online: true })
    expect([run.tag(0x8a), run.tag(0x9f27)]).toEqual(['5933', '40'])
  })
})

describe('a card that fails', () => {
  /** How many commands a payment takes. */
  const commands = async (profile: CardProfile) => (await pay({ profile, card: loadCard(profile) })).sent

  it.each([mir, visa, pin])('pulled out before each command ($profile.name)', async ({ profile }) => {
    const all = await commands(profile)
    for (let at = 1; at <= all.length; at++) {
      const { outcome, requests } = await pay({ profile, card: loadCard({ ...profile, faults: { removedAt: at } }) })
      const asked = requests.length > 0
      expect([at, outcome]).toMatchObject([at, { result: asked ? 'declined' : 'cancelled', reason: 'cardRemoved' }])
      expect([at, outcome.reversal]).toEqual([at, asked || undefined])
    }
  })

  it('mute before each command: the stripe may be read until GET PROCESSING OPTIONS was sent', async () => {
    const all = await commands(mir.profile)
    const gpo = all.findIndex(([, ins]) => ins === 0xa8) + 1
    expect(gpo).toBeGreaterThan(2)
    for (let at = 1; at <= all.length; at++) {
      const { outcome } = await pay({ ...mir, card: loadCard({ ...mir.profile, faults: { muteAt: at } }) })
      expect([at, outcome.result, outcome.reason]).toEqual([at, 'declined', 'cardMute'])
      expect([at, outcome.fallback]).toEqual([at, at < gpo || undefined])
    }
  })

  it.each(['short', 'brokenTlv', 'oddStatus', 'otherTemplate'] as const)('%s instead of each answer', async garbage => {
    const all = await commands(visa.profile)
    const last = all.length
    for (let at = 1; at <= last; at++) {
      const { outcome, requests } = await pay({ ...visa, card: loadCard({ ...visa.profile, faults: { garbageAt: [at], garbage } }) })
      // What no answer of the kind may do: approve without a TC of the card.
      if (outcome.result === 'approved') expect(hex(outcome.tags.get(0x9f27)!)).toBe('40')
      else expect([at, outcome.reversal]).toEqual([at, requests.length > 0 ? true : undefined])
    }
  })
})

describe('what nobody foresaw', () => {
  it('a malformed CDOL is a card error', async () => {
    const [application] = visa.profile.applications
    const profile = { ...visa.profile, applications: [{ ...application, data: { '8C': '9F0206 9F' } }] }
    const { outcome } = await pay({ profile, card: loadCard(profile) })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardError', online: false })
    expect(outcome.fallback).toBeUndefined()
  })

  /** A slot that breaks when the card is asked for its last cryptogram. */
  const breaking = (error: Error) => {
    const card = visa.card()
    const session = card.contact()
    let cryptograms = 0
    const transmit = (apdu: Uint8Array) => {
      if (apdu[1] === 0xae && ++cryptograms === 2) throw error
      return session.transmit(apdu)
    }
    return Object.assign(Object.create(card), { contact: () => ({ interface: 'contact', atr: session.atr, transmit }) }) as typeof card
  }

  it('after the host approved: declined, with a reversal, and the explanation tells what it was', async () => {
    const { outcome, explained } = await pay({ ...visa, card: breaking(new TypeError('undefined is not a slot')) })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'readerError', reversal: true })
    expect(explained.map(({ effect }) => effect[0])).toContain('TypeError: undefined is not a slot')
    const fault = await pay({ ...visa, card: breaking(new Fault('link-closed', 'the slot is gone')) })
    expect(fault.explained.map(({ effect }) => effect[0])).toContain('link-closed: the slot is gone')
  })

  it('after the host declined: declined', async () => {
    const { outcome } = await pay({ ...visa, card: breaking(new TypeError('broken')), host: { type: 'declined' } })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'hostDeclined' })
    expect(outcome.reversal).toBeUndefined()
  })

  it('before the host was asked: thrown', async () => {
    const error = new Fault('unsupported', 'no such thing', { feature: 'test' })
    await expect(pay({ ...mir, card: mir.card(), choose: () => Promise.reject(error) as never })).rejects.toBe(error)
  })

  it('a listener that throws stops nothing', async () => {
    const explain = () => {
      throw new Error('disk full')
    }
    expect((await pay({ ...visa, card: visa.card(), options: { explain } })).outcome.result).toBe('approved')
  })
})

describe('the merchant cancels', () => {
  const during = async (step: 'choice' | 'pin' | 'host', host?: Verdict) => {
    const abort = new AbortController()
    const clock = new VirtualClock()
    return pay({
      ...mir,
      card: mir.card(),
      clock,
      choose() {
        if (step === 'choice') abort.abort()
        return 0
      },
      options: {
        clock,
        signal: abort.signal,
        explain: entry => step === 'pin' && entry.step === 'cardholderVerification' && abort.abort(),
      },
      host: async () => {
        abort.abort()
        return new Promise<never>(() => {})
      },
      ...(host && { host }),
    })
  }

  it.each(['choice', 'pin'] as const)('at the %s: cancelled', async step => {
    expect((await during(step)).outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })
  })

  it('while the host is asked: unknown, to be reconciled', async () => {
    const { outcome } = await during('host')
    expect(outcome).toMatchObject({ result: 'unknown', reason: 'merchantCancelled', online: true })
  })

  it('before it begins: cancelled', async () => {
    const { outcome } = await pay({ ...mir, card: mir.card(), options: { signal: AbortSignal.abort() } })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })
  })

  it('after the host approved: declined, with a reversal', async () => {
    const abort = new AbortController()
    const { outcome } = await pay({
      ...mir,
      card: mir.card(),
      options: {
        signal: abort.signal,
        explain: entry => entry.step === 'online' && entry.effect[0]?.startsWith('approved') && abort.abort(),
      },
    })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'merchantCancelled', reversal: true })
  })
})

describe('a transaction that is none', () => {
  it.each([
    [{ amount: -1n }, 'amount'],
    [{ amount: 1_000_000_000_000n }, 'amount'],
    [{ otherAmount: 1n }, 'otherAmount'],
    [{ type: 'cashback', otherAmount: 250_001n }, 'otherAmount'],
    [{ currency: { alpha: 'EUR', numeric: 978, exponent: 2 } }, 'currency'],
  ] as const)('%o is refused', async (transaction, field) => {
    await expect(pay({ ...mir, card: mir.card(), transaction })).rejects.toMatchObject({ code: 'bad-argument', details: { field } })
  })
})

describe('explanation of a payment', () => {
  it('names step, rule, inputs and effect of all that happened', async () => {
    const { explained } = await pay({ ...visa, card: visa.card() })
    const lines = explained.map(({ step, rule, inputs, effect }) =>
      [step, rule, [...inputs.keys()].map(tagName).join(' '), effect.join('; ')].join(' | '),
    )
    expect(lines.slice(lines.findIndex(line => line.startsWith('cardholderVerification')))).toMatchInlineSnapshot(`
      [
        "cardholderVerification | Book 3, 10.5: rule 5E03 | 8E 9F33 | signature ok",
        "cardholderVerification | Book 3, 10.5: signature | 8E 9F34 | TSI cardholderVerificationPerformed",
        "riskManagement | Book 3, 10.6.1: the amount is not below the floor limit | 9F02 9F1B | TVR floorLimitExceeded",
        "riskManagement | Book 3, 10.6: terminal risk management was performed |  | TSI terminalRiskManagementPerformed",
        "terminalActionAnalysis | Book 3, 10.7: TVR against denial action codes, TAC 0010000000 | 95 9F0E | no bit in common",
        "terminalActionAnalysis | Book 3, 10.7: TVR against online action codes, TAC DC4004F800 | 95 9F0F | online by floorLimitExceeded",
        "terminalActionAnalysis | Book 3, 10.7: terminal action analysis | 95 9F35 | ARQC asked",
        "cardActionAnalysis | Book 3, 10.8: first GENERATE AC | 8C | TSI cardRiskManagementPerformed",
        "cardActionAnalysis | Book 3, 10.8: card action analysis | 9F27 9F36 9F10 | ARQC asked, ARQC given",
        "online | Book 3, 10.9: the host answered | 8A 91 | approved, TC asked",
        "issuerAuthentication | Book 3, 10.9: EXTERNAL AUTHENTICATE was sent | 82 91 | TSI issuerAuthenticationPerformed",
        "completion | Book 3, 10.8: card action analysis | 9F27 9F36 9F10 | TC asked, TC given",
        "completion | the payment ends | 95 9B 9F34 8A | approved",
      ]
    `)
  })

  it('masks what is secret', async () => {
    const { explained } = await pay({ ...visa, card: visa.card(), options: { exceptionFile: () => true } })
    const entry = explained.find(({ effect }) => effect.includes('TVR cardOnExceptionFile'))
    expect(entry && hex(entry.inputs.get(0x5a)!)).toBe('FF'.repeat(8))
  })
})

describe('the request to the host', () => {
  it('has field 55, track 2 and who asks', async () => {
    const [{ tags, cvm, transaction }] = (await pay({ ...mir, card: mir.card() })).requests
    expect([...tags.keys()].map(tagName).join(' ')).toMatchInlineSnapshot(
      `"50 57 5A 5F20 5F24 5F25 5F28 5F2A 5F34 82 84 95 9A 9B 9C 9F02 9F03 9F06 9F07 9F09 9F10 9F15 9F16 9F1A 9F1C 9F1E 9F21 9F26 9F27 9F33 9F34 9F35 9F36 9F37 9F39 9F40 9F41 9F4E"`,
    )
    expect([cvm, transaction.amount]).toEqual(['onlinePin', 250_000n])
  })
})

describe('the largest and the smallest payment', () => {
  it.each([0n, 1n, 0xffff_ffffn, 0x1_0000_0000n, 999_999_999_999n])('of %i', async amount => {
    const run = await pay({ ...mir, card: mir.card(), transaction: { type: 'cashback', amount, otherAmount: amount } })
    expect([run.tag(0x9f02), run.tag(0x9f03)]).toEqual([String(amount).padStart(12, '0'), String(amount).padStart(12, '0')])
    // 4 bytes hold no more: then 81 is not there.
    expect([run.tag(0x81), run.tag(0x9f04)]).toEqual(
      Array(2).fill(amount > 0xffff_ffffn ? undefined : amount.toString(16).toUpperCase().padStart(8, '0')),
    )
  })
})

describe('terminal data', () => {
  it('has amounts, date, time and identity as the Book writes them', async () => {
    const run = await pay({
      ...mir,
      card: mir.card(),
      transaction: { type: 'cashback', amount: 123_456n, otherAmount: 23_400n, sequence: 42, at: new Date(2031, 0, 2, 3, 4, 5) },
    })
    const expected = {
      '9F02': '000000123456',
      '9F03': '000000023400',
      '81': '0001E240',
      '9F04': '00005B68',
      '9A': '310102',
      '9F21': '030405',
      '9C': '09',
      '5F2A': '0643',
      '5F36': '02',
      '9F1A': '0643',
      '9F33': '60F8C8',
      '9F35': '22',
      '9F40': '7000A03011',
      '9F15': '5999',
      '9F16': hex(Uint8Array.from('MERCHANT0000001', char => char.charCodeAt(0))),
      '9F1C': hex(Uint8Array.from('63545902', char => char.charCodeAt(0))),
      '9F01': '000000400000',
      '9F41': '00000042',
      '9F39': '05',
    }
    expect(Object.fromEntries(Object.keys(expected).map(tag => [tag, run.tag(Number.parseInt(tag, 16))]))).toEqual(expected)
  })
})
