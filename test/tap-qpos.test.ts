/** Paying at a virtual QPOS with its own kernels, over its driver: the 3000-rouble rule for every way to pay, and taps that go wrong. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openQpos } from '../devices/qpos/driver.ts'
import { Issuer } from '../simulator/acquirer/issuer.ts'
import { loadCard } from '../simulator/cards/icc.ts'
import { issuerView } from '../simulator/cards/issuer-view.ts'
import { VirtualPhone } from '../simulator/cards/phone.ts'
import type { CardProfile } from '../simulator/cards/profile.ts'
import { type ProfileName, profiles } from '../simulator/cards/profiles/index.ts'
import type { PlasticCard } from '../simulator/readers/body.ts'
import { type CardholderScript, cardholder } from '../simulator/readers/cardholder.ts'
import type { VirtualQpos } from '../simulator/readers/qpos.ts'
import { instant, virtualReader } from '../simulator/world.ts'
import { hex } from '../src/bytes.ts'
import { VirtualClock } from '../src/clock.ts'
import { currency } from '../src/currency.ts'
import type { CvmName } from '../src/emv/outcome.ts'
import type { AuthorisationRequest, Transaction } from '../src/emv/terminal.ts'
import type { MessageId } from '../src/messages.ts'
import type { Reader } from '../src/reader/reader.ts'
import { pipe } from '../src/transport/pipe.ts'

const rub = currency('RUB')

let clock: VirtualClock
let device: VirtualQpos
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
  const issuer = new Issuer({ balance: 10n ** 13n, ...(issued && { accounts: issuerView(issued) }) })
  const asked: { request: AuthorisationRequest; arqc: string; pin: string }[] = []
  const from = device.body.screens.length
  const leave = cardholder(device.body, { present: 'tap', pins: ['1234'], pace: instant, ...script })
  const outcome = await clock.settle(
    reader.transact(
      { currency: rub, ...transaction },
      {
        selectApplication: async () => 0,
        authorise: async request => {
          const { tags, cvm, interface: through, pinBlock } = request
          const order = { number: '1', amount: transaction.amount, currency: rub }
          const merchant = { name: 'M', id: 'M', terminal: 'T' }
          const message = {
            key: 'k',
            order,
            merchant,
            type: 'purchase',
            amount: order.amount,
            currency: rub,
            at: new Date(clock.now()),
          } as const
          const whole = { ...message, tags, cvm, interface: through, ...(pinBlock && { pinBlock }) }
          const verdict = issuer.authorise(whole, issuer.panOf(whole), [])
          asked.push({ request, arqc: verdict.arqc, pin: verdict.pin })
          return { type: verdict.code === '00' ? 'approved' : 'declined', ...verdict }
        },
      },
    ),
  )
  await clock.advance(10_000)
  leave()
  const screens = device.body.screens.slice(from)
  expect(device.body.screen.message).toBe('reader.idle')
  return { outcome, asked, shown: screens.map(({ message }) => message) }
}

const schemes = { MIR: 'mir', Visa: 'dda', Mastercard: 'mastercard' } as const satisfies Record<string, ProfileName>
type Scheme = keyof typeof schemes
const amounts = [299_999n, 300_000n, 300_001n, 0n, 99_999_999_999n]
const ways = ['tap', 'phone', 'chip', 'swipe'] as const

/**
 * What each must end in: contactless verifies from 3000.00 on; a chip goes by its own list, a stripe by its service code, whatever the amount.
 * Below, a Visa phone tells that its holder has unlocked it; the other kernels do not ask.
 */
function expected(way: (typeof ways)[number], amount: bigint, scheme: Scheme): CvmName {
  if (way === 'chip') return 'onlinePin'
  if (way === 'swipe') return 'signature'
  if (way === 'phone') return amount >= 300_000n || scheme === 'Visa' ? 'device' : 'none'
  return amount >= 300_000n ? 'onlinePin' : 'none'
}

const presents = { tap: 'tap', phone: 'tap', chip: 'dip', swipe: 'swipe' } as const

/** The same card without a chip: service code 101. */
const stripeOnly = (name: ProfileName): CardProfile => ({ ...profiles[name], serviceCode: '101' })

describe('the 3000-rouble rule at a reader with its own kernels', () => {
  const table = amounts.flatMap(amount => ways.flatMap(way => (Object.keys(schemes) as Scheme[]).map(scheme => ({ amount, way, scheme }))))

  it.each(table)('$scheme $way $amount', async ({ amount, way, scheme }) => {
    const name = schemes[scheme]
    const profile = way === 'swipe' ? stripeOnly(name) : profiles[name]
    const card = loadCard(profile, { clock })
    const through = way === 'phone' ? 'tap' : way
    const script = { card: way === 'phone' ? new VirtualPhone(card) : card, present: presents[way] }
    const { outcome, asked, shown } = await pay(script, { amount }, profile)
    const cvm = expected(way, amount, scheme)
    expect(outcome).toMatchObject({ result: 'approved', interface: through, cvm, online: true })
    expect(asked).toMatchObject([
      { request: { cvm, interface: through }, arqc: way === 'swipe' ? 'none' : 'right', pin: cvm === 'onlinePin' ? 'right' : 'none' },
    ])
    // Cardholder verification, display, PIN block and POS entry mode tell the same story.
    expect(shown.includes('reader.enterPin')).toBe(cvm === 'onlinePin')
    expect(outcome.pinBlock !== undefined).toBe(cvm === 'onlinePin')
    if (way !== 'swipe') {
      expect(hex(outcome.tags.get(0x9f39)!)).toBe(through === 'tap' ? '07' : '05')
      expect(hex(outcome.tags.get(0x9f02)!)).toBe(String(amount).padStart(12, '0'))
    }
    expect(shown).not.toContain('reader.selectApplication' satisfies MessageId)
  })
})

describe('taps that go wrong', () => {
  const all = Object.keys(schemes) as Scheme[]
  const tapAt = (scheme: Scheme, more: Partial<CardholderScript>, amount = 100_000n) =>
    pay({ card: loadCard(schemes[scheme], { clock }), ...more }, { amount })

  it.each(all)('%s taken away during any command, held again: paid once', async scheme => {
    for (let pullAt = 1; pullAt <= 12; pullAt++) {
      const { outcome, asked, shown } = await tapAt(scheme, { pullAt })
      expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
      expect(asked).toMatchObject([{ arqc: 'right' }])
      // From the last command of a shorter tap on, there is nothing to be torn.
      expect(shown.includes('reader.presentCardAgain')).toBe(pullAt <= (scheme === 'Mastercard' ? 12 : 11) - (scheme === 'Visa' ? 1 : 0))
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
