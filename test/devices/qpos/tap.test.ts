/** Paying at a virtual QPOS with its own kernels, over its driver: the 3000-rouble rule for every way to pay, and taps that go wrong. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openQpos } from '../../../devices/qpos/driver.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import type { CardProfile } from '../../../simulator/cards/profile/profile.ts'
import { type ProfileName, profiles } from '../../../simulator/cards/profiles/index.ts'
import { VirtualPhone } from '../../../simulator/cards/tap/phone.ts'
import type { PlasticCard } from '../../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../../simulator/readers/body/cardholder.ts'
import type { VirtualReader } from '../../../simulator/readers/reader.ts'
import { instant, virtualReader } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import type { Transaction } from '../../../src/emv/terminal.ts'
import type { Reader, ReaderEvent } from '../../../src/reader/reader.ts'
import { pipe } from '../../../src/transport/pipe.ts'
import { expectAgreement, expectConsistent, issuerOf, personOf, rows, rub, type Scheme, schemes } from '../../emv/contactless/tap-table.ts'

let clock: VirtualClock
let device: VirtualReader
let reader: Reader
let serving: Promise<void>
const faults: unknown[] = []

beforeEach(async () => {
  clock = new VirtualClock()
  device = virtualReader({ clock, onFault: fault => faults.push(fault) })
  const [app, wire] = pipe({ clock })
  serving = device.serve(wire)
  reader = await clock.settle(openQpos(app, { clock }))
})
afterEach(async () => {
  await clock.settle(reader.close())
  await clock.settle(serving)
  await clock.settle(device.close())
  expect(clock.pending).toBe(0)
  expect(faults.splice(0)).toEqual([])
})

/** A payment of this amount by this person, decided by the card's issuer; what everybody saw. */
async function pay(
  script: Omit<CardholderScript, 'present'> & Partial<CardholderScript>,
  transaction: Partial<Transaction> & { amount: bigint },
  issued?: CardProfile,
) {
  const { asked, authorise } = issuerOf(clock, issued)
  const from = device.body.screens.length
  const leave = cardholder(device.body, { present: 'tap', pins: ['1234'], pace: instant, ...script })
  const outcome = await clock.settle(reader.transact({ currency: rub, ...transaction }, { selectApplication: async () => 0, authorise }))
  await clock.advance(10_000)
  leave()
  const screens = device.body.screens.slice(from)
  expect(device.body.screen.message).toBe('reader.idle')
  return { outcome, asked, shown: screens.map(({ message }) => message) }
}

describe('the 3000-rouble rule at a reader with its own kernels', () => {
  it.each(rows('tap', 'phone', 'chip', 'swipe'))('$scheme $way $amount', async row => {
    const { script, profile } = personOf(row, clock)
    expectAgreement(row, await pay(script, { amount: row.amount }, profile))
  })
})

describe('a contactless stripe at a reader with its own kernels', () => {
  const table = [299_999n, 300_000n].flatMap(amount => (['card', 'phone', 'lockedPhone'] as const).map(device => ({ amount, device })))

  it.each(table)('$device $amount', async ({ amount, device }) => {
    const card = loadCard('mastercard-stripe', { clock })
    const held = device === 'card' ? card : new VirtualPhone(card, { locked: device === 'lockedPhone' })
    const seen = await pay({ card: held }, { amount }, profiles['mastercard-stripe'])
    expect(seen.outcome).toMatchObject({ result: 'approved', interface: 'tap', online: true })
    expect(seen.outcome.cvm).toBe(amount < 300_000n ? 'none' : device === 'card' ? 'onlinePin' : 'device')
    expect(seen.asked).toMatchObject([{ code: '00', stripeCode: 'right', arqc: 'none' }])
    expectConsistent(seen, amount)
  })
})

describe('what the reader never does', () => {
  // A girocard is of no payment system that this reader takes by tap.
  const several = Object.keys(profiles).filter(
    name => name !== 'girocard' && loadCard(name).canTap && profiles[name as ProfileName].applications.length > 1,
  )

  it.each(several as ProfileName[])('no list for %s by tap', async name => {
    const selections: ReaderEvent[] = []
    const watching = (async () => {
      for await (const event of reader.events) if (event.type === 'application-selection') selections.push(event)
    })()
    const { outcome, shown } = await pay({ card: loadCard(name, { clock }) }, { amount: 1000n }, profiles[name])
    expect(outcome.interface).toBe('tap')
    expect(shown).not.toContain('reader.selectApplication')
    await clock.settle(reader.close())
    await watching
    expect(selections).toEqual([])
  })

  it('take the stripe of a chip card for anything but fallback', async () => {
    const script = { card: loadCard('mir', { clock }), present: 'swipe' as const }
    const { outcome } = await pay(script, { amount: 1000n, interfaces: ['swipe'] }, profiles.mir)
    expect(outcome).toMatchObject({ result: 'approved', interface: 'swipe' })
    expect(outcome.tags.get(0x9f39)).toEqual(Uint8Array.of(0x80))
  })
})

describe('taps that go wrong', () => {
  const all = Object.keys(schemes) as Scheme[]
  const tapAt = (scheme: Scheme, more: Partial<CardholderScript>, amount = 100_000n) =>
    pay({ card: loadCard(schemes[scheme], { clock }), ...more }, { amount })

  it.each(all)('%s taken away during any command, held again: paid once', async scheme => {
    let commands = 0
    const counting = device.body.on(event => {
      if (event.type === 'apdu' && event.where === 'tap') commands = event.count
    })
    await tapAt(scheme, {})
    counting()
    expect(commands).toBeGreaterThan(8)
    for (let pullAt = 1; pullAt <= commands + 1; pullAt++) {
      const { outcome, asked, shown } = await tapAt(scheme, { pullAt })
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
      expect(asked).toMatchObject([{ arqc: 'right' }])
      // After the last command there is nothing to be torn.
      expect(shown.includes('reader.presentCardAgain')).toBe(pullAt <= commands)
    }
  })

  it('taken away and not held again: the time runs out', async () => {
    const card = loadCard('mir', { clock })
    let taps = 0
    const once: PlasticCard = { contactless: power => card.contactless({ ...power, ...(taps++ === 0 && { tornAt: 3 }) }) }
    const leave = device.body.on(
      event => event.type === 'display' && event.screen.message === 'reader.presentCardAgain' && device.body.leave(),
    )
    const paying = reader.transact(
      { amount: 1n, currency: rub },
      { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' }) },
    )
    device.body.tap(once)
    expect(await clock.settle(paying)).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    leave()
    await clock.advance(5000)
  })

  it.each(all)('%s torn, then put into the slot: it is a chip payment', async scheme => {
    const card = loadCard(schemes[scheme], { clock })
    const stop = device.body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.presentCardAgain') device.body.insert(card)
    })
    const { outcome } = await pay({ card, pullAt: 3, pace: { ...instant, present: 50 } }, { amount: 1000n })
    stop()
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'onlinePin' })
  })

  it('two cards in the wallet: one card only, then the one that stays pays', async () => {
    const { outcome, shown } = await tapAt('Visa', { wallet: [loadCard('mir', { clock })] })
    expect(shown).toContain('reader.presentOneCard')
    expect(outcome).toMatchObject({ result: 'approved', application: { label: 'VISA DEBIT' } })
  })

  it.each(['Visa', 'Mastercard'] as const)('a locked %s phone above the limit: see phone, unlock, tap again', async scheme => {
    const phone = new VirtualPhone(loadCard(schemes[scheme], { clock }), { locked: true })
    const { outcome, shown, asked } = await pay({ card: phone }, { amount: 300_000n })
    expect(shown).toContain('reader.seePhone')
    expect(outcome).toMatchObject({ result: 'approved', cvm: 'device' })
    expect(asked).toMatchObject([{ arqc: 'right' }])
    expect(phone.locked).toBe(false)
  })
})
