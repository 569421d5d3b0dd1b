/** Model-based test: random card × terminal × cardholder × host, and what must hold of every payment (issue 3). */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { type CardProfile, parseProfile } from '../../../simulator/cards/profile/profile.ts'
import { odaDefects } from '../../../simulator/cards/profile/words.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { TerminalConfig } from '../../../src/emv/config.ts'
import { isSet, TSI, TVR } from '../../../src/emv/data.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import { Fault } from '../../../src/errors.ts'
import { find } from '../../../src/tlv/ber.ts'
import { accountOf, cryptogramIsRight, issuerAnswer, mpos, pay, type Run, type Verdict } from './kernel-bench.ts'
import { testConfig } from './kernel-fixture.ts'

/** Twelve digits that no amount, date or random number of these runs contains. */
const PIN = '908172635445'
const WRONG = '908172635440'

const actionCode = fc.oneof(
  { weight: 3, arbitrary: fc.constant('0000000000') },
  { weight: 1, arbitrary: fc.constant('FFFFFFFFFF') },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 5, maxLength: 5 }).map(hex) },
)

/** A code that denies is rare: nothing else would be seen. */
const denial = fc.oneof({ weight: 9, arbitrary: fc.constant('0000000000') }, { weight: 1, arbitrary: actionCode })

const cvmRule = fc.record({
  method: fc.constantFrom(
    'fail', 'offlinePin', 'offlinePin', 'onlinePin', 'offlinePinAndSignature', 'encipheredPin', 'encipheredPinAndSignature', 'signature', 'noCvm', 'noCvm', 0x06, 0x2a,
  ), // biome-ignore format: a list
  when: fc.constantFrom('always', 'always', 'supported', 'supported', 'notCash', 'manualCash', 'unattendedCash', 'cashback', 'belowX', 'aboveX', 'belowY', 'aboveY', 0x55),
  otherwise: fc.constantFrom('next', 'fail'),
} as const) // biome-ignore format: a list

/** One time in fifteen. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 14, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const oda = fc.record({
  method: fc.constantFrom('none', 'sda', 'dda', 'cda', 'cda'),
  defect: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...odaDefects) }),
} as const)

const application = fc
  .record({
    cvm: fc.option(fc.record({ x: fc.constantFrom(0, 1000), y: fc.constantFrom(0, 20_000), rules: fc.array(cvmRule, { maxLength: 6 }) }), {
      nil: undefined,
      freq: 9,
    }),
    iac: fc.record({ denial, online: actionCode, default: actionCode }),
    version: fc.constantFrom('0100', '0100', '7F01'),
    oda,
    policy: fc.constantFrom('online', 'online', 'offline', 'decline', 'approve', 'declineAfterOnline'),
    advice: fc.boolean(),
    by: fc.constantFrom('externalAuthenticate', 'secondGenerateAc', 'none'),
    required: fc.boolean(),
    responseFormat: fc.constantFrom(1, 2),
    velocity: fc.option(fc.record({ lower: fc.constantFrom(0, 2), upper: fc.constantFrom(1, 5) }), { nil: undefined }),
    terminalRiskManagement: fc.boolean(),
    initiation: rarely(fc.constant('refuse')).map(it => it ?? 'allow'),
    blocked: rarely(fc.constant(true)).map(it => it ?? false),
    lastOnlineAtc: fc.constantFrom(0, 0x0e, 0x10, 0x20),
    cryptogram: fc.constantFrom('visa10', 'visa18', 'ccd', 'mastercard20'),
    pdol: fc.option(fc.constant('9F33 03 9F1A 02 9F35 01 9F02 06'), { nil: undefined }),
    usage: fc.constantFrom(undefined, undefined, undefined, []),
  } as const)
  .map(({ policy, advice, by, required, blocked, lastOnlineAtc, ...rest }) => ({
    ...rest,
    priority: 1,
    risk: { policy, advice },
    issuerAuthentication: { by, required },
    state: { blocked, lastOnlineAtc },
    // 9F4B of CDA comes in format 2 only.
    responseFormat: rest.oda.method === 'cda' ? 2 : rest.responseFormat,
  }))

const card: fc.Arbitrary<CardProfile> = fc
  .record({
    protocol: fc.constantFrom('T=0', 'T=1'),
    dates: fc.constantFrom(['240101', '401231'], ['240101', '401231'], ['240101', '401231'], ['240101', '250101'], ['390101', '401231']),
    pse: fc.boolean(),
    triesLeft: fc.constantFrom(0, 1, 3, 3, 3),
    currency: fc.constantFrom(643, 643, 978),
    applications: fc.array(application, { minLength: 1, maxLength: 2 }),
    faults: fc.record({
      delay: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 500, 40_000),
      muteAt: rarely(fc.integer({ min: 1, max: 20 })),
      removedAt: rarely(fc.integer({ min: 1, max: 20 })),
      garbageAt: rarely(fc.integer({ min: 1, max: 20 })).map(at => (at === undefined ? [] : [at])),
      garbage: fc.constantFrom('short', 'brokenTlv', 'oddStatus', 'otherTemplate'),
    }),
  } as const)
  .map(({ dates: [effective, expires], triesLeft, applications, ...rest }): CardProfile => {
    const named = applications.map((one, at) => ({ ...one, aid: `A000000658101${at}`, label: `MIR ${at}` }))
    return {
      name: 'random',
      about: 'A random card',
      pan: '2200000000000103',
      psn: 1,
      cardholder: 'RANDOM/CARD',
      serviceCode: '201',
      country: 643,
      pin: { digits: PIN, triesLeft },
      ...rest,
      effective,
      expires,
      // An enciphered PIN needs a certified key: without one the profile is none, the card has a PIN key of its own then.
      applications: named.map(one =>
        ['dda', 'cda'].includes(one.oda.method) ? one : { ...one, oda: { ...one.oda, pinKey: 'pin-1024' as const } },
      ),
    } as unknown as CardProfile
  })

const kinds = [
  { terminalType: 0x21, capabilities: '60F8C8' },
  { terminalType: 0x22, capabilities: '60F8C8' },
  { terminalType: 0x22, capabilities: '60F8C8' },
  { terminalType: 0x22, capabilities: '6028C8' },
  { terminalType: 0x23, capabilities: '60B8C8' },
  { terminalType: 0x14, capabilities: '60D8C8' },
  { terminalType: 0x26, capabilities: '6098C0' },
  { terminalType: 0x23, capabilities: '60B8C8', onlineCodesOffline: true },
]

const terminal = fc.record({
  kind: fc.constantFrom(...kinds),
  usePse: fc.boolean(),
  tacDenial: denial,
  tacOnline: actionCode,
  tacDefault: actionCode,
  floorLimit: fc.constantFrom(0, 10_000, 100_000),
  randomSelection: fc.constantFrom(undefined, { threshold: 0, targetPercentage: 50, maximumPercentage: 99 }),
  tdol: fc.constantFrom(undefined, '9F0206'),
  keys: fc.constantFrom(true, true, true, false),
} as const)

type TerminalScene = typeof terminal extends fc.Arbitrary<infer T> ? T : never

function configOf({ kind, usePse, keys, ...row }: TerminalScene): TerminalConfig {
  const config = testConfig({ ...kind, usePse }, { ...row, aid: 'A000000658' })
  return { ...config, caKeys: keys ? mpos().caKeys : [] }
}

const transaction: fc.Arbitrary<Partial<Transaction>> = fc
  .record({
    type: fc.constantFrom('purchase', 'purchase', 'purchase', 'cash', 'cashback', 'refund'),
    amount: fc.constantFrom(0n, 999n, 1000n, 5000n, 30_000n, 999_999_999_999n),
    forceOnline: fc.boolean(),
  } as const)
  .map(one => ({ ...one, ...(one.type === 'cashback' && { otherAmount: one.amount / 2n }) }))

type HostBehaviour = Verdict | 'unableToGoOnline' | 'unreachable' | 'noAnswer' | 'silent' | 'nonsense'
const putData = ['04DA9F58', '03'] as const
const host: fc.Arbitrary<HostBehaviour> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constantFrom('approved', 'approved', 'approved', 'declined', 'referral'),
      arpc: fc.constantFrom('right', 'right', 'right', 'wrong', 'none'),
      script: fc.constantFrom(
        undefined,
        { template: 0x71, commands: [putData] },
        { template: 0x72, commands: [putData] },
        { template: 0x71, commands: [['00FF0000', '']] },
      ),
    } as const) as fc.Arbitrary<Verdict>,
  },
  { weight: 2, arbitrary: fc.constantFrom('unableToGoOnline', 'unreachable', 'noAnswer', 'silent', 'nonsense') },
)

const cardholder = fc.record({
  pins: fc.array(fc.constantFrom(PIN, PIN, PIN, PIN, PIN, PIN, WRONG, WRONG, 'bypass', 'cancel'), { minLength: 1, maxLength: 4 }),
  choice: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, undefined),
})

/** The merchant cancels when the kernel has explained so many things. */
const abortAt = rarely(fc.nat(30))

const scenario = fc.record({ card, terminal, transaction, host, cardholder, abortAt })
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

function authorise(profile: CardProfile, how: HostBehaviour): Terminal['authorise'] {
  return async request => {
    switch (how) {
      case 'unableToGoOnline':
        return { type: 'unableToGoOnline' }
      case 'unreachable':
        throw new Fault('host-unreachable', 'no network')
      case 'noAnswer':
        throw new Fault('host-no-answer', 'no answer')
      case 'silent':
        return new Promise(() => {})
      case 'nonsense':
        return { type: 'approved', code: '0' }
      default:
        return issuerAnswer(profile, request, how)
    }
  }
}

async function play({ card: profile, terminal: scene, transaction, host: how, cardholder: { pins, choice }, abortAt: stopAt }: Scenario) {
  const clock = new VirtualClock(new Date(2026, 2, 26, 10, 52))
  const abort = new AbortController()
  let entries = 0
  const run = await pay({
    profile,
    card: loadCard(profile, { random: length => new Uint8Array(length).fill(0x5a) }),
    config: configOf(scene),
    transaction,
    pins,
    clock,
    choose: candidates => (choice === undefined ? undefined : Math.min(choice, candidates.length - 1)),
    host: authorise(profile, how),
    options: { signal: abort.signal, random: length => new Uint8Array(length).fill(0x77) },
    onExplained: () => {
      if (entries++ === stopAt) abort.abort()
    },
  })
  return { run, clock }
}

/** Cryptogram types in the order the card gave them, and what was asked, read from the wire. */
function cryptograms({ exchanges }: Run): { asked: number; signed: boolean; given: number | undefined }[] {
  return exchanges.flatMap(({ command }, at) => {
    if (command[0] !== 0x80 || command[1] !== 0xae) return []
    // T=0: 61xx, then GET RESPONSE.
    const response = exchanges.slice(at).find(one => one.response && one.response.length > 2)?.response
    const again = exchanges[at + 1]?.command
    if (again?.[1] === 0xae && exchanges[at].response?.[0] === 0x6c) return []
    let given: number | undefined
    try {
      if (response?.[0] === 0x80) given = response[2] & 0xc0
      else if (response?.[0] === 0x77) given = find(find(response.subarray(0, -2), 0x77)!, 0x9f27)![0] & 0xc0
    } catch {
      // garbage
    }
    return [{ asked: command[2] & 0xc0, signed: (command[2] & 0x10) !== 0, given }]
  })
}

/** What 10.7 has the terminal ask for first: by the TVR as it was when action codes were looked at, and the codes of card and terminal as the payment left them. */
function asksFirst({ explained, outcome }: Run, { kind, tacDenial, tacOnline, tacDefault }: TerminalScene): number {
  const tvr = new Uint8Array(5)
  for (const { step, effect } of explained) {
    if (step === 'terminalActionAnalysis') break
    for (const [, name] of effect.flatMap(one => [...one.matchAll(/^TVR (\w+)$/g)])) {
      const { byte, bit } = TVR[name as keyof typeof TVR]
      tvr[byte - 1] |= 1 << (bit - 1)
    }
  }
  const hit = (tac: string, iac: number, missing: number) => {
    const codes = outcome.tags.get(iac) ?? new Uint8Array(5).fill(missing)
    return fromHex(tac).some((byte, at) => ((byte | codes[at]) & tvr[at]) !== 0)
  }
  if (hit(tacDenial, 0x9f0e, 0x00)) return 0x00
  const [online, standard] = [hit(tacOnline, 0x9f0f, 0xff), hit(tacDefault, 0x9f0d, 0xff)]
  // 9F35, the lower digit: 1 and 4 online only, 2 and 5 both, 3 and 6 offline only.
  switch ((kind.terminalType & 0x0f) % 3) {
    case 1:
      return 0x80
    case 2:
      return online ? 0x80 : 0x40
    default:
      return standard && (online || !('onlineCodesOffline' in kind)) ? 0x00 : 0x40
  }
}

function check({ run, clock }: Awaited<ReturnType<typeof play>>, { card: profile, host: how, terminal: scene }: Scenario): void {
  const { outcome, explained, requests, sent } = run
  expect(clock.pending, 'no timer is left behind').toBe(0)

  // TVR and TSI are what the explanation says, bit by bit.
  const told = new Set(explained.flatMap(({ effect }) => effect).filter(effect => /^(TVR|TSI) /.test(effect)))
  const set = new Set([
    ...Object.entries(TVR).flatMap(([name, bit]) => (isSet(outcome.tags.get(0x95), bit) ? [`TVR ${name}`] : [])),
    ...Object.entries(TSI).flatMap(([name, bit]) => (isSet(outcome.tags.get(0x9b), bit) ? [`TSI ${name}`] : [])),
  ])
  expect(set).toEqual(told)

  // Cryptograms: at most two; nothing after an AAC or TC; the second asks for what the host allows.
  const acs = cryptograms(run)
  expect(acs.length).toBeLessThanOrEqual(2)
  if (acs.length === 2) expect(acs[0].given).toBe(0x80)
  if (acs.length > 0) expect(acs[0].asked).toBe(asksFirst(run, scene))
  if (acs.some(({ given }) => given === 0x00)) expect(outcome.result).not.toBe('approved')
  const { response } = outcome
  const hostSaidNo = response?.type === 'declined' || response?.type === 'referral'
  if (hostSaidNo) {
    expect(outcome.result).toBe('declined')
    if (acs.length === 2) expect(acs[1].asked).toBe(0x00)
  }

  // An approval rests on a TC of the card, made with its key over the terminal's data; and on the host where it was asked and answered.
  if (outcome.result === 'approved') {
    expect(acs.at(-1)?.given).toBe(0x40)
    if (acs.at(-1)?.signed) expect(isSet(outcome.tags.get(0x95), TVR.cdaFailed)).toBe(false)
    expect(outcome.reason).toBeUndefined()
    expect(outcome.reversal).toBeUndefined()
    if (response) expect(response.type).toBe('approved')
    const scripted = typeof how === 'object' && how.script?.template === 0x72
    if (!scripted) expect(cryptogramIsRight(accountOf(profile, outcome.tags), outcome.tags)).toBe(true)
  } else {
    expect(outcome.reason).toBeDefined()
    // A host that approved, or may have, is told otherwise.
    const mayHave = response?.type === 'approved' || (requests.length > 0 && (how === 'noAnswer' || how === 'silent' || how === 'nonsense'))
    if (outcome.result === 'declined') expect(outcome.reversal ?? false).toBe(mayHave)
    if (outcome.result === 'unknown') expect([requests.length, response]).toEqual([1, undefined])
    if (outcome.result === 'cancelled') expect(requests).toEqual([])
  }
  expect(outcome.online).toBe(requests.length > 0)

  // The PIN: in clear only in a plaintext VERIFY.
  const leaks = (text: string) => text.includes(PIN) || text.includes(WRONG) || text.includes(hex(Uint8Array.from(PIN, Number)))
  for (const command of sent) if (!(command[1] === 0x20 && command[3] === 0x80)) expect(leaks(hex(command))).toBe(false)
  for (const { rule, effect, inputs } of explained) expect(leaks([rule, ...effect, ...[...inputs.values()].map(hex)].join(' '))).toBe(false)
  for (const value of [...outcome.tags.values(), ...requests.flatMap(({ tags }) => [...tags.values()])])
    expect(leaks(hex(value))).toBe(false)
  for (const entry of run.entries) if (entry.type === 'offlinePin') expect(entry.pin.every(digit => digit === 0)).toBe(true)
}

describe('every payment', () => {
  it('ends, tells what it did, keeps the PIN, and approves only what card and host approve', async () => {
    const seen = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(scenario, async scene => {
        const played = await play(scene)
        check(played, scene)
        const { result, reason = '' } = played.run.outcome
        seen.set(`${result} ${reason}`, (seen.get(`${result} ${reason}`) ?? 0) + 1)
      }),
      { seed: 20261121, numRuns: Number(process.env.MODEL_RUNS ?? 400) },
    )
    // The model reaches the endings that matter; it would be worth little if most payments ended early.
    const endings = ['cardDeclined', 'hostDeclined', 'offlineDeclined', 'unableToGoOnline', 'referral', 'cardMute', 'cardError']
    for (const ending of ['approved ', 'cancelled cardRemoved', ...endings.map(reason => `declined ${reason}`)])
      expect([...seen.keys()]).toContain(ending)
    if (process.env.MODEL_RUNS) console.log(seen)
  }, 300_000)

  it('the random cards are cards', () => {
    fc.assert(
      fc.property(card, profile => void parseProfile(profile)),
      { seed: 20261121, numRuns: 200 },
    )
  })
})
