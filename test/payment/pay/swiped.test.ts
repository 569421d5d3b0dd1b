/** What a swipe leads to, in every family: a chip card is sent to the slot and may be tapped there, a number without a check digit is read, a card that is put in is no tap. */

import { describe, expect, it } from 'vitest'
import { issuerView } from '../../../simulator/cards/issuer-view.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import { type CardProfile, startAcquirer, virtualConfig } from '../../../simulator/world.ts'
import { currency } from '../../../src/currency.ts'
import { contactlessFor } from '../../../src/emv/contactless/profiles.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { everyFamily, type PlaceOptions, place } from '../../devices/families.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
const strokes = { strokes: [[{ x: 0, y: 0 }, { x: 9, y: 9 }]] } // biome-ignore format: one stroke

/** UnionPay's ranges have numbers that satisfy no check digit. */
const unchecked: CardProfile = {
  ...{ ...profiles.unionpay, name: 'unchecked', about: 'a number without a check digit', pan: '6223610200000000001' },
  ...{ chip: 'none', serviceCode: '101' },
}

async function take(row: (typeof everyFamily)[number], amount: bigint, options: PlaceOptions) {
  const host = await startAcquirer({
    accounts: [...issuerView(unchecked), ...issuerView(profiles['visa-signature']), ...issuerView(profiles.mir)],
  })
  const placed = await place(row, options)
  try {
    const result = await pay(
      { number: '1', amount, currency: currency('RUB') },
      {
        ...{ reader: placed.reader, acquirer: httpAcquirer(host.url), merchant },
        prompts: { captureSignature: async () => strokes },
      },
    )
    const cards = placed.events.flatMap(event => (event.type === 'card' ? [event.event] : []))
    const shown = placed.events.flatMap(event => (event.type === 'display' ? [event.message] : []))
    return { result, cards, shown, screens: placed.device.body.screens.map(({ message }) => message) }
  } finally {
    await placed.close()
    await host.close()
  }
}

describe.each(everyFamily)('$name', row => {
  it('a chip card that is swiped: the reader says "insert card", and hears a tap instead', async () => {
    const { result, shown, screens } = await take(row, 100_00n, { person: { card: 'visa-signature', present: ['swipe', 'tap'] } })
    expect(result).toMatchObject({ result: 'approved', interface: 'tap' })
    expect([...shown, ...screens]).toContain('reader.insertCard')
  })

  it('and pays where it is put into the slot', async () => {
    const { result } = await take(row, 100_00n, { person: { card: 'visa-signature', present: ['swipe', 'dip'] } })
    expect(result).toMatchObject({ result: 'approved', interface: 'chip' })
  })

  it('a UnionPay number without a check digit is no bad swipe', async () => {
    const { result } = await take(row, 100_00n, { person: { card: unchecked, present: 'swipe' } })
    expect(result).toMatchObject({ result: 'approved', interface: 'swipe' })
  })

  it('nobody has tapped where a card is put in, and there are no rules for taps in this currency', async () => {
    const { result, cards } = await take(row, 100_00n, {
      config: virtualConfig(),
      contactless: contactlessFor('EUR'),
      person: { card: 'mir' },
    })
    expect(result).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(cards).not.toContain('tapped')
  })
})
