/** What a reader tells of a customer, in every family: who cancelled, that no card came, that a PIN is typed and that it was not typed in time. */

import { describe, expect, it } from 'vitest'
import type { PaymentEvent } from '../../src/payment/pay/events.ts'
import { bench, named } from './family-bench.ts'

const told = (events: readonly PaymentEvent[], type: 'card' | 'pin') =>
  events.flatMap(one => (one.type === 'reader' && one.event.type === type ? [one.event.event] : []))
const withPinPad = named.filter(([name]) => name !== 'magtek v5' && name !== 'idtech')

describe.each(named)('%s', (_, row) => {
  it('CANCEL instead of a card: the customer cancelled, and no card is told of', async () => {
    const { pay, events } = await bench(row, { card: 'mastercard', cancelAt: 'card' })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
    expect(told(events, 'card')).toEqual([])
  })

  it('nobody comes: that is a time-out, and nobody cancelled', async () => {
    const { pay, events } = await bench(row, { card: 'mastercard', pace: { present: 10_000_000 } })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect(told(events, 'card')).toEqual([])
  })

  it('the merchant cancels: nobody else did', async () => {
    const stop = new AbortController()
    const { pay, clock } = await bench(row, { card: 'mastercard', pace: { present: 10_000_000 } })
    clock.timer(5000, () => stop.abort())
    expect(await pay({ signal: stop.signal })).toMatchObject({ result: 'cancelled', reason: 'merchantCancelled' })
  })
})

describe.each(withPinPad)('%s, at its PIN pad', (_, row) => {
  it('a PIN is told when it is typed, and when it is taken', async () => {
    const { pay, events } = await bench(row, { card: 'mastercard' })
    expect(await pay()).toMatchObject({ result: 'approved', cvm: 'onlinePin' })
    expect(told(events, 'pin').filter(event => event !== 'digit')).toEqual(['started', 'ok'])
  })

  it('a PIN that is not typed in time is no cancellation; one that is cancelled is', async () => {
    const { pay, next } = await bench(row, { card: 'mastercard', pace: { think: 10_000_000 } })
    const late = await pay()
    // A Miura has one word for both (9F41), and QPOS ends with its time-out.
    expect(late).toMatchObject({ result: 'cancelled', reason: row.family === 'miura' ? 'cardholderCancelled' : 'pinTimeout' })
    await next({ card: 'mastercard', cancelAt: 1 })
    expect(await pay()).toMatchObject({ result: 'cancelled', reason: 'cardholderCancelled' })
  })
})
