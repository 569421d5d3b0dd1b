/** Every virtual card through the whole kernel: how the payment ends, and TVR, TSI, CVM Results and Authorisation Response Code to the bit. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testRevoked } from '../../../simulator/keys.ts'
import { text } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { accountOf, cryptogramIsRight, mpos, pay } from './kernel-bench.ts'
import { testConfig } from './kernel-fixture.ts'

/** Floor limit 0: all that gets that far is asked of the host, which approves. */
const config = mpos()
const table: readonly (readonly [ProfileName, ending: string, tvr: string, tsi: string, cvr?: string, arc?: string])[] = [
  ['mir-maestro', 'approved', '0000048000', 'E800', '020300', '00'],
  ['visa-signature', 'approved', '0000008000', 'F800', '5E0300', '00'],
  // PIN: plaintext, none left, last try, enciphered under the ICC key, under a PIN key with signature.
  ['offline-pin', 'approved', '0000008000', 'F800', '010302', '00'],
  ['pin-try-exceeded', 'approved', '0000208000', 'F800', '1E0300', '00'],
  ['last-pin-try', 'approved', '0000008000', 'F800', '010302', '00'],
  ['enciphered-pin', 'approved', '0000008000', 'E800', '040302', '00'],
  ['pin-key', 'approved', '0200008000', 'E800', '050300', '00'],
  // Offline data authentication: each method, each failure. CDA that fails declines; the others are for the issuer to judge.
  ['no-oda', 'approved', '8000048000', '7800', '420300', '00'],
  ['sda', 'approved', '0200048000', 'F800', '420300', '00'],
  ['dda', 'approved', '0000048000', 'F800', '420300', '00'],
  ['default-ddol', 'approved', '0000048000', 'F800', '420300', '00'],
  ['cda', 'approved', '0000048000', 'E800', '420300', '00'],
  ['wrong-signature', 'approved', '4200048000', 'F800', '420300', '00'],
  ['changed-data', 'approved', '4200048000', 'F800', '420300', '00'],
  ['wrong-tag-list', 'approved', '4200048000', 'F800', '420300', '00'],
  ['wrong-dynamic-signature', 'approved', '0800048000', 'F800', '420300', '00'],
  ['wrong-cda', 'declined offlineDeclined', '0400048000', 'E800', '420300', 'Z1'],
  ['wrong-issuer-certificate', 'approved', '0800048000', 'E800', '020300', '00'],
  ['wrong-icc-certificate', 'approved', '0800048000', 'E800', '020300', '00'],
  ['expired-certificate', 'approved', '0800048000', 'F800', '420300', '00'],
  ['revoked-certificate', 'approved', '0800048000', 'F800', '420300', '00'],
  ['unknown-ca-key', 'approved', '0800048000', 'F800', '420300', '00'],
  ['missing-certificate', 'approved', '2800048000', 'F800', '420300', '00'],
  // Processing restrictions: Visa's TAC denies a service that is not allowed.
  ['expired', 'approved', '0040048000', 'F800', '420300', '00'],
  ['not-yet-valid', 'approved', '0020048000', 'F800', '420300', '00'],
  ['other-version', 'approved', '0080048000', 'F800', '420300', '00'],
  ['domestic-only', 'declined offlineDeclined', '0010048000', 'E800', '420300', 'Z1'],
  ['mir-cashback', 'approved', '0000048000', 'E800', '020300', '00'],
  // Selection and initiation.
  ['mastercard', 'approved', '0000048000', 'E800', '420300', '00'],
  ['mir', 'approved', '0000048000', 'E800', '020300', '00'],
  ['blocked-application', 'declined applicationBlocked', '0000000000', '0000'],
  ['blocked-card', 'declined cardBlocked', '0000000000', '0000'],
  ['confirm', 'approved', '0000048000', 'F800', '420300', '00'],
  ['no-pse', 'approved', '0000048000', 'E800', '420300', '00'],
  ['long-aids', 'approved', '0000048000', 'F800', '420300', '00'],
  ['first-blocked', 'approved', '0000048000', 'E800', '420300', '00'],
  ['refuses-initiation', 'declined notAccepted', '0000000000', '0000'],
  // What the card decides.
  ['offline-decline', 'declined offlineDeclined advice', '0000048000', 'E800', '420300', 'Z1'],
  ['online-only', 'approved', '0000048000', 'F800', '420300', '00'],
  ['new-card', 'approved', '0008048000', 'F800', '420300', '00'],
  ['declines-after-online', 'declined cardDeclined reversal', '0000048000', 'E800', '020300', '00'],
  ['script-updating', 'approved', '0000248000', 'E800', '020300', '00'],
  // Cards that misbehave.
  ['slow', 'approved', '0000048000', 'F800', '420300', '00'],
  ['silent', 'declined cardMute fallback', '0000000000', '0000'],
  ['silent-later', 'declined cardMute', '0000000000', '0000'],
  ['pulled', 'cancelled cardRemoved', '0000000000', '0000'],
]

const ending = ({ result, reason, advice, reversal, fallback }: Awaited<ReturnType<typeof pay>>['outcome']) =>
  [result, reason, advice && 'advice', reversal && 'reversal', fallback && 'fallback'].filter(Boolean).join(' ')

const play = (name: ProfileName, changes: Partial<Parameters<typeof pay>[0]> = {}) => {
  const profile: CardProfile = profiles[name]
  return pay({
    profile,
    card: loadCard(name),
    config: { ...config, revoked: testRevoked },
    pins: [profile.pin?.digits ?? '1234'],
    ...changes,
  })
}

describe('every card', () => {
  it.each(table.map(([name, ...rest]) => [name, rest] as const))('%s', async (name, [expected, tvr, tsi, cvr, arc]) => {
    const { outcome, tag } = await play(name)
    const code = outcome.tags.get(0x8a)
    expect([ending(outcome), tag(0x95), tag(0x9b), tag(0x9f34), code && text(code)]).toEqual([expected, tvr, tsi, cvr, arc])
  })
})

describe('what the card is told of its application', () => {
  it.each([
    ['mir', '0100'],
    ['mastercard', '0002'],
    ['other-version', '0096'], // the terminal's best, as it has none of the card's
  ] as const)('%s: 9F06, 9F09 %s, 9F1B', async (name, version) => {
    const { tag } = await play(name)
    expect([tag(0x9f06), tag(0x9f09), tag(0x9f1b)]).toEqual([tag(0x84), version, '00000000'])
  })
})

describe('a wrong CDA signature', () => {
  const cryptograms = ({ sent }: Awaited<ReturnType<typeof pay>>) =>
    sent.filter(([, ins]) => ins === 0xae).map(([, , p1]) => p1.toString(16))

  it('on an ARQC: the host is not asked, the card is told by a second GENERATE AC', async () => {
    const run = await play('wrong-cda')
    expect([cryptograms(run), run.requests.length, run.tag(0x9f27)]).toEqual([['90', '0'], 0, '00'])
  })

  it('on a TC: declined, and nothing more is said to the card', async () => {
    const base: CardProfile = profiles['wrong-cda']
    const iac = { denial: '0000000000', online: '0000000000', default: '0000000000' }
    const profile = { ...base, applications: [{ ...base.applications[0], risk: { policy: 'approve' as const }, iac }] }
    const run = await pay({
      profile,
      card: loadCard(profile),
      config: mpos({}, { floorLimit: 1_000_000n, tacOnline: new Uint8Array(5) }),
      pins: ['bypass'],
    })
    expect([cryptograms(run), ending(run.outcome), run.tag(0x8a)]).toEqual([['50'], 'declined offlineDeclined', '5A31'])
    expect(run.tag(0x95)?.slice(0, 2)).toBe('04')
  })
})

describe('below the floor limit', () => {
  const offline = { ...mpos({}, { floorLimit: 100_000n }), revoked: testRevoked }
  const small = { config: offline, transaction: { amount: 20_000n } }
  const never = async () => Promise.reject(new Error('the host is not to be asked'))

  it('a card that may approves offline; its TC is genuine', async () => {
    // An online PIN would send it online: the cardholder bypasses it and signs.
    const { outcome, tag } = await play('offline-approve', { ...small, pins: ['bypass'], host: never })
    expect([ending(outcome), outcome.online, outcome.cvm]).toEqual(['approved', false, 'signature'])
    expect([tag(0x95), tag(0x8a), tag(0x9f27)]).toEqual(['0000080000', '5931', '40'])
    expect(cryptogramIsRight(accountOf(profiles['offline-approve'], outcome.tags), outcome.tags)).toBe(true)
  })

  it('offline limits of the card: two small ones offline, then online', async () => {
    const profile: CardProfile = profiles['offline-limits']
    const card = loadCard('offline-limits')
    // No CVM but signature: an online PIN would have to go online.
    const signing = {
      ...testConfig({ capabilities: '6028C8' }, { aid: 'A000000004', versions: ['0002'], floorLimit: 100_000 }),
      caKeys: offline.caKeys,
    }
    const seen: string[] = []
    for (let turn = 0; turn < 3; turn++) {
      const { outcome, tag } = await pay({ profile, card, config: signing, transaction: { amount: 20_000n } })
      expect(cryptogramIsRight(accountOf(profile, outcome.tags), outcome.tags)).toBe(true)
      seen.push(`${ending(outcome)} ${outcome.online ? 'online' : 'offline'} ${text(outcome.tags.get(0x8a)!)} ${tag(0x95)}`)
    }
    expect(seen).toEqual(['approved offline Y1 0000000000', 'approved offline Y1 0000000000', 'approved online 00 0000004000'])
  })
})

describe('issuer scripts', () => {
  const unblock = ['84240000', ''] as const
  it('a PIN that was blocked is unblocked by a script, and serves the next payment', async () => {
    const card = loadCard('script-updating')
    const first = await play('script-updating', { card, host: { type: 'approved', script: { template: 0x71, commands: [unblock] } } })
    expect([ending(first.outcome), first.tag(0x95), first.tag(0x9b), first.tag(0x9f5b)]).toEqual([
      'approved',
      '0000248000',
      'EC00',
      '2000000000',
    ])
    const second = await play('script-updating', { card })
    expect([ending(second.outcome), second.tag(0x95), second.tag(0x9f34)]).toEqual(['approved', '0000008000', '410302'])
  })

  it('a card that knows no scripts says so in the TVR', async () => {
    const run = await play('no-scripts', { host: { type: 'approved', script: { template: 0x72, commands: [unblock] } } })
    expect([ending(run.outcome), run.tag(0x95), run.tag(0x9f5b)]).toEqual(['approved', '0000048010', '1100000000'])
  })
})

describe('the public card of emvpt', () => {
  const eur = { amount: 100n, currency: currency('EUR') }
  const base = testConfig(
    { currencyCode: 978, countryCode: 246, terminalType: 0x22 },
    { aid: 'AFFFFFFFFF1234', versions: ['008C'], floorLimit: 0 },
  )
  const emvpt = { ...base, caKeys: config.caKeys }

  it('pays: DDA, enciphered PIN, host', async () => {
    const { outcome, tag, pinRequests } = await play('emvpt', { config: emvpt, transaction: eur })
    expect([ending(outcome), tag(0x9b), tag(0x9f34), outcome.cvm]).toEqual(['approved', 'F800', '440302', 'offlinePin'])
    expect(pinRequests).toHaveLength(1)
  })
})
