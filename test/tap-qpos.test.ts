/** Tapping at a virtual QPOS with its own kernels, over its driver: the 3000-rouble rule on every way to pay, and taps that go wrong. */

import { afterEach, describe, expect, it } from 'vitest'
import { openQpos } from '../devices/qpos/driver.ts'
import { Issuer } from '../simulator/acquirer/issuer.ts'
import { loadCard, type VirtualCard } from '../simulator/cards/icc.ts'
import type { PlasticCard } from '../simulator/readers/body.ts'
import type { CardholderScript } from '../simulator/readers/cardholder.ts'
import { instant, person, virtualReader } from '../simulator/world.ts'
import { cardholder } from '../simulator/readers/cardholder.ts'
import { VirtualClock } from '../src/clock.ts'
import { currency } from '../src/currency.ts'
import { pipe } from '../src/transport/pipe.ts'

const rub = currency('RUB')

describe('x', () => {
  it('tap', async () => {
    const clock = new VirtualClock()
    const reader = virtualReader({ clock, onFault: f => console.log(f) })
    const [app, wire] = pipe({ clock })
    const serving = reader.serve(wire)
    const driver = await clock.settle(openQpos(app, { clock }))
    for (const name of ['mir', 'visa-signature', 'mastercard']) {
      for (const amount of [299_999n, 300_000n]) {
        const stop = cardholder(reader.body, { card: loadCard(name, { clock }), present: 'tap', pins: ['1234'], pace: instant })
        const outcome = await clock.settle(
          driver.transact({ amount, currency: rub }, { selectApplication: async () => 0, authorise: async r => ({ type: 'approved', code: '00' }) }),
        )
        await clock.advance(5000)
        stop()
        console.log(name, amount, outcome.result, outcome.cvm, outcome.interface, outcome.application?.label, reader.body.screens.splice(0).map(s => s.lines.join('|')))
      }
    }
    await clock.settle(driver.close())
    await clock.settle(serving)
    await clock.settle(reader.close())
    expect(clock.pending).toBe(0)
  })
})
