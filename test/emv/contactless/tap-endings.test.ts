/** What a tap at a virtual QPOS can come to: every ending and detour, locked phones, a merchant who cancels, co-badged cards. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { brandOf } from '../../../simulator/cards/profile/words.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import type { PlasticCard } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { instant, type ReaderOptions, virtualReader } from '../../../simulator/world.ts'
import { fromHex, hex } from '../../../src/bytes.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { ContactlessConfig } from '../../../src/emv/contactless/config.ts'
import { russianContactless } from '../../../src/emv/contactless/profiles.ts'
import type { Terminal, Transaction } from '../../../src/emv/terminal.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Reader } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { issuerOf, rub, type Scheme, schemes } from './tap-table.ts'

let clock: VirtualClock
let device: VirtualReader
let reader: Reader
let serving: Promise<void>
const faults: unknown[] = []

async function start(options: ReaderOptions = {}): Promise<void> {
  clock = new VirtualClock()
  device = virtualReader({ clock, onFault: fault => faults.push(fault), ...options })
  const [app, wire] = pipe({ clock })
  serving = device.serve(wire)
  reader = await clock.settle(openQpos(app, { clock }))
}
async function end(): Promise<void> {
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  expect(faults.splice(0)).toEqual([])
}
beforeEach(() => start())
afterEach(() => end())

/** The reader with other contactless rules. */
async function restart(contactless: ContactlessConfig): Promise<void> {
  await end()
  await start({ contactless })
}

/** A payment of this amount by this person, decided by the card's issuer; what everybody saw. */
async function pay(
  script: Omit<CardholderScript, 'present'> & Partial<CardholderScript>,
  transaction: Partial<Transaction> & { amount: bigint },
  issued?: CardProfile,
) {
  const { asked, authorise } = issuerOf(clock, issued)
  const lists: string[][] = []
  const selectApplication: Terminal['selectApplication'] = async candidates => {
    lists.push(candidates.map(({ label }) => label))
    return 0
  }
  const from = device.body.screens.length
  const leave = cardholder(device.body, { present: 'tap', pins: ['1234'], pace: instant, ...script })
  const outcome = await clock.settle(reader.transact({ currency: rub, ...transaction }, { selectApplication, authorise }))
  await clock.advance(10_000)
  leave()
  const screens = device.body.screens.slice(from)
  expect(device.body.screen.message).toBe('reader.idle')
  return { outcome, asked, lists, shown: screens.map(({ message }) => message) }
}

describe('phones and merchants', () => {
  const all = Object.keys(schemes) as Scheme[]

  it('a locked phone below the limit pays as plastic does', async () => {
    for (const scheme of all.filter(one => one !== 'MIR')) {
      const phone = new VirtualPhone(loadCard(schemes[scheme], { clock }), { locked: true })
      const { outcome, shown } = await pay({ card: phone }, { amount: 299_999n })
      expect(outcome).toMatchObject({ result: 'approved', cvm: 'none' })
      expect(shown).not.toContain('reader.seePhone')
      expect(phone.locked).toBe(true)
    }
  })

  it.each(['reader.presentCardAgain', 'reader.enterPin'] as const)('the merchant cancels at %s: nothing is asked of the host', async at => {
    const stop = new AbortController()
    const leave = cardholder(device.body, { card: loadCard('mir', { clock }), present: 'tap', pullAt: at === 'reader.enterPin' ? 99 : 3, pace: { ...instant, present: 2000, think: 9000 } }) // biome-ignore format: one person
    const off = device.body.on(event => event.type === 'display' && event.screen.message === at && stop.abort())
    const authorise = () => Promise.reject(new Error('the host was asked'))
    const terminal = { selectApplication: async () => 0, authorise }
    const outcome = await clock.settle(reader.transact({ amount: 300_000n, currency: rub }, terminal, { signal: stop.signal }))
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled', online: false })
    leave()
    off()
    await clock.advance(10_000)
    expect(device.body.screen.message).toBe('reader.idle')
  })

  it.each(all)('a locked %s phone above the limit: unlocked, it is tapped again', async scheme => {
    const phone = new VirtualPhone(loadCard(schemes[scheme], { clock }), { locked: true })
    const { outcome, shown, asked } = await pay({ card: phone }, { amount: 300_000n })
    const said = { MIR: 'reader.tryAnotherCard', UnionPay: 'reader.presentCardAgain' } as const satisfies Partial<Record<Scheme, MessageId>>
    expect(shown).toContain(scheme in said ? said[scheme as keyof typeof said] : 'reader.seePhone')
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'device' })
    expect(asked).toMatchObject([{ arqc: 'right' }])
    expect(phone.locked).toBe(false)
  })
})

/** Cards with several applications that can be tapped, ours and some that nobody has profiled. */
const coBadged: readonly CardProfile[] = [
  ...Object.values(profiles).filter(({ applications }) => applications.filter(({ aid }) => brandOf(fromHex(aid))).length > 1),
  ...(['Visa', 'Mastercard', 'Amex', 'JCB', 'Discover', 'UnionPay'] as const).flatMap(second =>
    [1, 2].map(priority => {
      const [mir, other] = [profiles.mir, profiles[schemes[second]]]
      const applications = [
        { ...mir.applications[0], priority },
        { ...other.applications[0], priority: 3 - priority, pan: other.pan },
      ]
      return { ...mir, name: `mir-${second.toLowerCase()}-${priority}`, applications }
    }),
  ),
]

describe('co-badged cards', () => {
  it('there are enough of them', () => expect(coBadged.length).toBeGreaterThanOrEqual(17))

  it.each(coBadged.map(profile => [profile.name, profile] as const))('%s: the priority application, never a list', async (_, profile) => {
    const card = loadCard(profile, { clock })
    for (const script of [{ card }, { card: new VirtualPhone(card) }, { card, pullAt: 4 }]) {
      const { outcome, shown, lists } = await pay(script, { amount: 1000n }, profile)
      expect(lists).toEqual([])
      expect(shown).not.toContain('reader.selectApplication' satisfies MessageId)
      const usable = profile.applications.filter(({ state }) => !state?.blocked)
      const first = usable.reduce((best, one) => (one.priority < best.priority ? one : best))
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
      expect(hex(outcome.application!.aid)).toBe(first.aid.replaceAll(' ', ''))
    }
  })
})

describe('what a tap can come to', () => {
  const changed = (name: ProfileName, application: Partial<CardProfile['applications'][number]>): CardProfile => ({
    ...profiles[name],
    applications: profiles[name].applications.map(one => ({ ...one, ...application })),
  })

  it.each(Object.values(schemes))('%s approved offline: 04, its certificate told to the host afterwards', async name => {
    await restart(russianContactless({ offlineUpTo: 100_000n }))
    const card = loadCard(changed(name, { risk: { policy: 'approve' } }), { clock })
    const { outcome, asked } = await pay({ card }, { amount: 100_000n })
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap', online: false, cvm: 'none' })
    expect(asked).toEqual([])
    expect(outcome.tags.get(0x9f27)).toEqual(Uint8Array.of(0x40))
  })

  it.each(['dda', 'amex', 'jcb', 'discover', 'unionpay'] as const)('declined by the card: 05 (%s)', async name => {
    const card = loadCard(changed(name, { risk: { policy: 'decline' } }), { clock })
    const { outcome, shown } = await pay({ card }, { amount: 1000n })
    expect(outcome).toMatchObject({ result: 'declined', reason: 'offlineDeclined', interface: 'tap', online: false })
    expect(shown).toContain('reader.declined')
  })

  it('declined by a Mastercard: the chip may say otherwise, in the same payment', async () => {
    const card = loadCard(changed('mastercard', { risk: { policy: 'decline' } }), { clock })
    const { outcome, shown } = await pay({ card }, { amount: 1000n })
    expect(shown).toContain('reader.insertCard')
    expect(outcome).toMatchObject({ result: 'declined', reason: 'offlineDeclined', interface: 'chip' })
  })

  it('Mir Protocol 2: refused by name, the chip pays', async () => {
    const card = loadCard(changed('mir', { contactless: { protocol2: true } }), { clock })
    const { outcome, shown } = await pay({ card }, { amount: 1000n })
    expect(shown).toContain('reader.insertCard')
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('a card without a contactless application: insert, swipe or try another card', async () => {
    const card = loadCard(changed('mir', { contactless: false, aid: 'A000000658 1010' }), { clock })
    const empty: PlasticCard = { contact: power => card.contact(power), contactless: noApplication }
    const { outcome, shown } = await pay({ card: empty }, { amount: 1000n })
    expect(shown).toContain('reader.tryAnotherCard')
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('a card that has no antenna at all is not noticed', async () => {
    const { outcome } = await pay({ card: loadCard('emvpt', { clock }) }, { amount: 1000n })
    expect(outcome).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
  })

  it('signature, where the card has that first', async () => {
    const { outcome, asked } = await pay({ card: loadCard('visa-signature', { clock }) }, { amount: 300_000n })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'signature' })
    expect(asked).toMatchObject([{ request: { cvm: 'signature' }, arqc: 'right' }])
  })

  it('a card that checks the PIN itself by chip has it checked by its issuer on tap', async () => {
    const { outcome, asked } = await pay({ card: loadCard('offline-pin', { clock }) }, { amount: 300_000n })
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
    expect(asked).toMatchObject([{ pin: 'right' }])
  })

  it('the cardholder cancels the PIN, or is too slow', async () => {
    const card = loadCard('mir', { clock })
    expect((await pay({ card, pins: [] }, { amount: 300_000n })).outcome).toMatchObject({
      result: 'cancelled',
      reason: 'cardholderCancelled',
    })
    const slow = await pay({ card, pace: { ...instant, think: 90_000 } }, { amount: 300_000n })
    expect(slow.outcome).toMatchObject({ result: 'cancelled', reason: 'pinTimeout' })
  })

  it('rules in another currency are none: only slot and stripe are offered', async () => {
    await restart({ ...russianContactless(), currencyCode: 978 })
    const { outcome, shown } = await pay({ card: loadCard('mir', { clock }) }, { amount: 1000n })
    expect(shown[0]).toBe('reader.insertOrSwipe')
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('an amount that no rule allows is not offered by tap', async () => {
    await restart(russianContactless({ refuseFrom: 500_000n }))
    for (const name of Object.values(schemes)) {
      const { outcome } = await pay({ card: loadCard(name, { clock }) }, { amount: 500_000n })
      expect(outcome.interface).toBe('chip')
    }
  })
})

const noApplication: NonNullable<PlasticCard['contactless']> = () => ({
  interface: 'contactless',
  atr: Uint8Array.of(0x3b, 0x80, 0x80, 0x01, 0x01),
  transmit: async () => Uint8Array.of(0x6a, 0x82),
})
