/** Every card profile paid with through the kernel at a Russian mPOS: what each one is for shows in the outcome and in the TVR. */

import { describe, expect, it } from 'vitest'
import { loadCard, VirtualCard } from '../../../simulator/cards/icc.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { testRevoked } from '../../../simulator/keys.ts'
import { fromHex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { type Counter, mpos, pay } from '../../emv/contact/kernel-bench.ts'

interface Expected {
  readonly result?: 'declined' | 'cancelled'
  readonly reason?: string
  readonly cvm?: string
  /** 95; all others are fine, the floor limit is 0 and online PIN was entered. */
  readonly tvr?: string
  readonly offline?: true
  readonly label?: string
  readonly also?: object
}

const refused = (reason: string, also: object = {}): Expected => ({
  result: 'declined',
  reason,
  cvm: 'none',
  offline: true,
  tvr: '0000000000',
  also,
})

/** What is not told is: approved, online, online PIN. */
const expected: Record<Exclude<ProfileName, 'dead-chip' | 'stripe-only'>, Expected> = {
  'mir-maestro': { label: 'MIR' },
  'mir-unionpay': { label: 'MIR' },
  'mir-jcb': { label: 'MIR' },
  'visa-signature': { cvm: 'signature', tvr: '0000008000' },
  'offline-pin': { cvm: 'offlinePin', tvr: '0000008000' },
  'pin-try-exceeded': { cvm: 'signature', tvr: '0000208000' },
  'last-pin-try': { cvm: 'offlinePin', tvr: '0000008000' },
  'enciphered-pin': { cvm: 'offlinePin', tvr: '0000008000' },
  'pin-key': { tvr: '0200008000' }, // enciphered PIN and signature: see the CVM results below
  'no-oda': { tvr: '8000048000' },
  sda: { tvr: '0200048000' },
  dda: {},
  'default-ddol': {},
  cda: {},
  'wrong-signature': { tvr: '4200048000' },
  'changed-data': { tvr: '4200048000' },
  'wrong-dynamic-signature': { tvr: '0800048000' },
  'wrong-cda': { result: 'declined', reason: 'offlineDeclined', offline: true, tvr: '0400048000' },
  'wrong-issuer-certificate': { tvr: '0800048000' },
  'wrong-icc-certificate': { tvr: '0800048000' },
  'expired-certificate': { tvr: '0800048000' },
  'revoked-certificate': { tvr: '0800048000' },
  'unknown-ca-key': { tvr: '0800048000' },
  'missing-certificate': { tvr: '2800048000' },
  'wrong-tag-list': { tvr: '4200048000' },
  mastercard: { label: 'Carte de crédit' },
  mir: { label: 'МИР' },
  'mir-cashback': { label: 'MIR' },
  amex: {},
  jcb: {},
  discover: {},
  unionpay: {},
  girocard: refused('noApplication'),
  'cb-mastercard': { label: 'MASTERCARD' },
  interac: refused('noApplication'),
  'own-scheme': refused('noApplication'),
  'mastercard-stripe': {},
  'visa-stripe': {},
  'visa-update': {},
  expired: { tvr: '0040048000' },
  'not-yet-valid': { tvr: '0020048000' },
  'blocked-application': refused('applicationBlocked'),
  'blocked-card': refused('cardBlocked'),
  'domestic-only': { result: 'declined', reason: 'offlineDeclined', offline: true, tvr: '0010048000' },
  'other-version': { tvr: '0080048000' },
  confirm: {},
  'no-pse': {},
  'refuses-initiation': refused('notAccepted'),
  'long-aids': { label: 'VISA TWO' },
  'first-blocked': { label: 'Maestro' },
  'offline-approve': {},
  'offline-decline': { result: 'declined', reason: 'offlineDeclined', offline: true, also: { advice: true } },
  'online-only': {},
  'offline-limits': {},
  'new-card': { tvr: '0008048000' },
  'declines-after-online': { result: 'declined', reason: 'cardDeclined', also: { reversal: true } },
  'script-updating': { tvr: '0000248000' },
  'no-scripts': {},
  slow: {},
  silent: refused('cardMute', { fallback: true }),
  'silent-later': refused('cardMute'),
  garbage: refused('cardError'),
  'short-answers': refused('cardError', { fallback: true }),
  'odd-status': refused('cardError'),
  pulled: { ...refused('cardRemoved'), result: 'cancelled' },
  emvpt: refused('noApplication'), // its RID is nobody's: see below
}

/** A kernel meets a chip only where it answers to reset. */
const withChip = Object.keys(expected) as (keyof typeof expected)[]

const payWith = (name: ProfileName, more: Partial<Counter> = {}) => {
  const clock = new VirtualClock()
  const profile = profiles[name]
  const pins = [profile.pin?.digits ?? '1234']
  return pay({ profile, card: new VirtualCard(profile, { clock }), clock, config: mpos({ revoked: testRevoked }), pins, ...more })
}

describe('every profile at a Russian mPOS', () => {
  it('there is a row for each that answers to reset', () => {
    const answering = (Object.keys(profiles) as ProfileName[]).filter(name => loadCard(name).plan.chip === 'works')
    expect([...withChip].sort()).toEqual(answering.sort())
  })

  it.each(withChip)('%s', async name => {
    const { result = 'approved', reason, cvm = 'onlinePin', tvr = '0000048000', offline, label, also = {} } = expected[name]
    const run = await payWith(name)
    expect({ ...run.outcome, tvr: run.tag(0x95) }).toMatchObject({ result, online: !offline, tvr, ...also })
    expect(run.outcome.reason).toBe(reason)
    if (name !== 'pin-key') expect(run.outcome.cvm).toBe(cvm)
    if (label) expect(run.outcome.application?.label).toBe(label)
  })

  it('the public emvpt card, where the terminal has its AID and its date', async () => {
    const [row] = mpos().applications
    const config = mpos({ applications: [{ ...row, aid: fromHex('AFFFFFFFFF1234'), versions: [fromHex('0096')] }] })
    const run = await payWith('emvpt', { config, transaction: { at: new Date(2018, 5, 1, 12, 0, 0) } })
    expect(run.outcome).toMatchObject({ result: 'approved', cvm: 'offlinePin', online: true, application: { label: 'VESA' } })
    expect([run.tag(0x95), run.tag(0x9f34)]).toEqual(['0000008000', '440302'])
  })

  it('offline approvals, where the terminal has a floor limit', async () => {
    const config = mpos({}, { floorLimit: 10_000_00n, tacOnline: new Uint8Array(5) })
    const run = await payWith('offline-approve', { config })
    expect([run.outcome.result, run.outcome.online, run.tag(0x9f27)]).toEqual(['approved', false, '40'])
    const small = { amount: 100_00n }
    const card = new VirtualCard(profiles['offline-limits'])
    const cids: (string | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const paid = await pay({ profile: profiles['offline-limits'], card, config, transaction: small })
      expect(paid.outcome.result).toBe('approved')
      cids.push(`${paid.outcome.online ? 'online' : 'offline'} ${paid.tag(0x95)}`)
    }
    expect(cids).toEqual(['offline 0000040000', 'offline 0000040000', 'online 0000044000', 'offline 0000040000'])
  })

  it('an issuer unblocks the PIN, and the next payment is made with it', async () => {
    const profile = profiles['script-updating']
    const card = new VirtualCard(profile)
    const script = { template: 0x72, commands: [['84240000', '']] } as const
    const first = await pay({ profile, card, host: { type: 'approved', script } })
    expect([first.outcome.result, first.outcome.cvm, first.tag(0x9b)]).toEqual(['approved', 'onlinePin', 'EC00'])
    const second = await pay({ profile, card })
    expect([second.outcome.result, second.outcome.cvm]).toEqual(['approved', 'offlinePin'])
  })
})
