/** The firmware that an app, or a reader itself, requires: told before a card is asked for, in every family, whatever a version is spelt like. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { turnKnob } from '../../../simulator/readers/knobs.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { Acquirer } from '../../../src/payment/acquirer.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { everyFamily, type Placed, type PlaceOptions, place } from '../../devices/families.ts'

let clock: VirtualClock
let placed: Placed | undefined
beforeEach(() => {
  clock = new VirtualClock()
})
afterEach(async () => {
  if (placed) await clock.settle(placed.close())
  placed = undefined
})

/** Nobody is asked where nobody pays; what is paid here has no chip. */
const acquirer: Acquirer = {
  authorise: async () => ({ type: 'declined', code: '05', reason: 'Do not honour' }),
  status: async () => ({ state: 'unknown' }),
  reverse: async () => ({ type: 'reversed' }),
} as unknown as Acquirer

const payment = (options: Partial<PayOptions>) =>
  clock.settle(
    pay(
      { number: '1', amount: 100_000n, currency: currency('RUB') },
      { reader: placed!.reader, acquirer, clock, merchant: { name: 'M', id: '1', terminal: '1' }, ...options },
    ),
  )

/** Newer than a version of numbers, as versions are written. */
const newer = ['2.0.0', 'v2.0.0', '2', '02.00.00', '2-0-0', 'FW v2.0.0'] as const
const same = ['1.0.0', 'v1.0.0', '1', '01.00.00', '1-0-0', 'FW v1.0.0'] as const

describe.each(everyFamily)('$name', row => {
  const at = async (options: PlaceOptions = {}) => {
    placed = await clock.settle(place(row, { clock, person: { cancelAt: 'card' }, ...options }))
  }

  it.each(newer)('firmware 1.0.0 where the app requires %s: told, and no card was asked for', async required => {
    await at()
    await expect(payment({ firmware: { required } })).rejects.toMatchObject({
      code: 'update-required',
      details: { needs: 'firmware', version: placed!.reader.info.firmware, required },
    })
    expect(placed!.invited()).toBe(false)
  })

  it.each(same)('firmware 1.0.0 where the app requires %s is new enough', async required => {
    await at()
    await payment({ firmware: { required } })
    expect(placed!.invited()).toBe(true)
  })

  it('10.0.0 is newer than 2.0.0', async () => {
    await at({ prepare: device => turnKnob({ reader: device }, 'firmware 10.0.0') })
    await payment({ firmware: { required: '2.0.0' } })
    expect(placed!.invited()).toBe(true)
  })

  it('a version that nobody can read is told, and never taken for new', async () => {
    await at({ prepare: device => turnKnob({ reader: device }, 'firmware zz') })
    const told = placed!.reader.info.firmware
    expect(told).toMatch(/zz|^0\.0$/)
    await expect(payment({ firmware: { required: '2.0.0' } })).rejects.toMatchObject({
      code: 'update-required',
      details: { version: told },
    })
    expect(placed!.invited()).toBe(false)
    const heard: unknown[] = []
    await payment({ firmware: { current: '2.0.0' }, prompts: { onEvent: event => event.type === 'firmware' && heard.push(event) } })
    expect(heard).toEqual([{ type: 'firmware', newer: '2.0.0', unread: told }])
  })

  it('what the reader itself requires: the same word, before the card, again and again, and gone when it is met', async () => {
    await at({ prepare: device => turnKnob({ reader: device }, 'require 2.0.0') })
    for (const _ of [1, 2]) {
      await expect(payment({})).rejects.toMatchObject({ code: 'update-required', details: { needs: 'firmware' } })
      // An app that does not look first hears it from the reader's own refusal.
      const terminal = { selectApplication: async () => 0, authorise: async () => ({ type: 'unableToGoOnline' as const }) }
      const alone = placed!.reader.transact({ amount: 100_000n, currency: currency('RUB') }, terminal)
      await expect(clock.settle(alone)).rejects.toMatchObject({ code: 'update-required' })
    }
    expect(placed!.invited()).toBe(false)
    expect(await clock.settle(placed!.reader.status())).toMatchObject({ needs: 'firmware' })
    turnKnob({ reader: placed!.device }, 'require off')
    expect((await payment({})).result).toBe('cancelled')
  })
})
