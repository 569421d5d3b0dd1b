/** Taps at a PC/SC reader: the driver over a slot that a virtual body's antenna is, with the kernel on the host. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPcscReader } from '../../devices/pcsc/driver.ts'
import { startAcquirer } from '../../simulator/acquirer/host.ts'
import { loadCard } from '../../simulator/cards/icc.ts'
import { Body } from '../../simulator/readers/body/body.ts'
import { type CardholderScript, cardholder } from '../../simulator/readers/body/cardholder.ts'
import { slotOf } from '../../simulator/scenario/over/slot.ts'
import { type CardProfile, instant, profiles, virtualConfig } from '../../simulator/world.ts'
import { VirtualClock } from '../../src/clock.ts'
import { russianContactless } from '../../src/emv/contactless/profiles.ts'
import type { Terminal, Transaction } from '../../src/emv/terminal.ts'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { pay as payOrder } from '../../src/payment/pay/payment.ts'
import type { Reader } from '../../src/reader/reader.ts'
import { expectAgreement, issuerOf, personOf, pinEntry, rows, rub } from '../emv/contactless/tap-table.ts'
import { deskAcquirer } from '../simulator/acquirer/desk-acquirer.ts'
import { faultOf } from '../transport/link-contract.ts'

let clock: VirtualClock
let body: Body
let reader: Reader
const shown: string[] = []

beforeEach(() => {
  clock = new VirtualClock()
  body = new Body({ clock })
  reader = openPcscReader(slotOf(body), { config: virtualConfig(), contactless: russianContactless(), clock })
  shown.length = 0
  listen(reader)
})
afterEach(async () => {
  await clock.settle(reader.close())
  expect(clock.pending).toBe(0)
})

async function listen(from: Reader) {
  for await (const event of from.events) {
    if (event.type !== 'display') continue
    shown.push(event.message)
    body.show(event.message)
  }
}

async function pay(script: CardholderScript, wish: Partial<Transaction> & { amount: bigint }, issued: CardProfile) {
  const { asked, authorise } = issuerOf(clock, issued)
  const leave = cardholder(body, { pace: instant, ...script })
  const terminal = { selectApplication: async () => 0, enterPin: pinEntry('1234'), authorise }
  const outcome = await clock.settle(reader.transact({ currency: rub, ...wish }, terminal))
  await clock.advance(5000)
  leave()
  return { outcome, asked, shown: shown as never[] }
}

describe('chip or tap at a PC/SC reader, whichever comes', () => {
  it.each(rows('tap', 'phone', 'chip'))('$scheme $way $amount', async row => {
    const { script, profile } = personOf(row, clock)
    expectAgreement(row, await pay(script, { amount: row.amount }, profile))
  })

  it('a torn tap, then the chip: one payment, by chip', async () => {
    const card = loadCard('mir', { clock })
    const stop = body.on(event => {
      if (event.type === 'display' && event.screen.message === 'reader.presentCardAgain') body.insert(card)
    })
    const script: CardholderScript = { card, present: 'tap', pullAt: 3, pace: { ...instant, present: 50 } }
    const { outcome, asked } = await pay(script, { amount: 1000n }, profiles.mir)
    stop()
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip', cvm: 'onlinePin' })
    expect(asked).toMatchObject([{ request: { interface: 'chip' }, arqc: 'right' }])
  })

  it('an amount that no tap may pay: insert the card or try another; the chip pays', async () => {
    const contactless = russianContactless()
    const refuse = { ...contactless, schemes: contactless.schemes.map(one => ({ ...one, refuseFrom: 100_000n })) }
    await clock.settle(reader.close())
    reader = openPcscReader(slotOf(body), { config: virtualConfig(), contactless: refuse, clock })
    listen(reader)
    const { outcome } = await pay({ card: loadCard('dda', { clock }), present: 'tap' }, { amount: 200_000n }, profiles.dda)
    expect(shown).toContain('reader.tryAnotherCard')
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('a chip that does not answer, while a tap would do too: mute, and the stripe may be read', async () => {
    const mute = { contact: () => undefined } as unknown as CardholderScript['card']
    const { outcome, asked } = await pay({ card: mute, present: 'dip' }, { amount: 1000n }, profiles.mir)
    expect(outcome).toMatchObject({ result: 'declined', reason: 'cardMute', interface: 'chip', fallback: true })
    expect(asked).toEqual([])
  })

  it('a dead chip within one payment: taken out and inserted again twice, then tapped, as the merchant allows', async () => {
    const host = await startAcquirer()
    const card = loadCard('dead-chip', { clock })
    const leave = cardholder(body, { card, present: 'dip', pace: instant })
    const events: PaymentEvent[] = []
    const options = { reader, clock, merchant: { name: 'Test', id: 'M1', terminal: 'T1' }, acquirer: deskAcquirer(host.desk) }
    const order = { number: 'pcsc_1', amount: 1000n, currency: rub }
    const prompts = { onEvent: (event: PaymentEvent) => void events.push(event) }
    const result = await clock.settle(payOrder(order, { ...options, prompts, fallback: { to: ['swipe', 'tap'] } }))
    leave()
    await host.close()
    // Nobody swipes at a PC/SC reader: that is left out.
    expect(events.flatMap(one => (one.type === 'fallback' ? [`${one.ask} ${one.left}`] : []))).toEqual(['chip 1', 'chip 0', 'tap 0'])
    expect(shown.slice(0, shown.indexOf('reader.tapCard')).filter(one => one === 'reader.removeCard')).toHaveLength(3)
    expect(result).toMatchObject({ result: 'approved', interface: 'tap', fallback: true, attempts: 1 })
  })

  it('a chip left in the slot of a payment by tap: it is asked away, then the card is tapped', async () => {
    const card = loadCard('mir', { clock })
    body.insert(card)
    const script: CardholderScript = { card, present: 'tap', pace: { ...instant, remove: 200, present: 300 } }
    const { outcome, asked } = await pay(script, { amount: 1000n, interfaces: ['tap'] }, profiles.mir)
    expect(shown.filter(one => one === 'reader.removeCard' || one === 'reader.tapCard').slice(0, 3)).toEqual([
      'reader.tapCard',
      'reader.removeCard',
      'reader.tapCard',
    ])
    expect(outcome).toMatchObject({ result: 'approved', interface: 'tap' })
    expect(asked).toMatchObject([{ request: { interface: 'tap' }, arqc: 'right' }])
  })

  it('a card in the field of a payment by chip: likewise', async () => {
    const card = loadCard('mir', { clock })
    body.tap(card)
    const stop = body.on(event => event.type === 'display' && event.screen.message === 'reader.removeCard' && body.leave())
    const { outcome } = await pay(
      { card, present: 'dip', pace: { ...instant, present: 300 } },
      { amount: 1000n, interfaces: ['chip'] },
      profiles.mir,
    )
    stop()
    expect(shown.slice(0, 3)).toEqual(['reader.insertCard', 'reader.removeCard', 'reader.insertCard'])
    expect(outcome).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('nobody takes the chip out: the time for a card runs out; the merchant can end it before', async () => {
    body.insert(loadCard('mir', { clock }))
    const terminal: Terminal = { selectApplication: async () => 0, authorise: () => Promise.reject(new Error('the host was asked')) }
    const wish = { amount: 1n, currency: rub, interfaces: ['tap'] } as const
    const began = clock.now()
    expect(await clock.settle(reader.transact(wish, terminal))).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect(clock.now() - began).toBe(60_000)
    const stop = new AbortController()
    const paying = reader.transact(wish, terminal, { signal: stop.signal })
    await clock.advance(1000)
    stop.abort()
    expect(await clock.settle(paying)).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
    body.pull()
  })

  it('a raw slot waits for the card that was asked for, and says what it waits for', async () => {
    body.insert(loadCard('mir', { clock }))
    const said: string[] = []
    const opening = reader.openCard!({ interface: 'contactless', timeout: 5000, onOtherCard: card => void said.push(card) })
    await clock.advance(1000)
    body.pull()
    await clock.advance(1000)
    body.tap(loadCard('mir', { clock }))
    const slot = await clock.settle(opening)
    expect([slot.interface, said]).toEqual(['contactless', ['present', 'removed']])
    await slot.close()
    body.leave()
    body.insert(loadCard('mir', { clock }))
    expect(await clock.settle(faultOf(reader.openCard!({ interface: 'contactless', timeout: 5000 })))).toBe('timeout')
    body.pull()
  })

  it('without rules for taps it is a chip reader', async () => {
    const plain = openPcscReader(slotOf(body), { config: virtualConfig(), clock })
    const nobody = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' as const }) }
    expect(await faultOf(plain.transact({ amount: 1n, currency: rub, interfaces: ['tap'] }, nobody))).toBe('unsupported')
    await plain.close()
  })
})
