/** What is told before a payment, not found in the middle: a flat battery, and firmware that is too old. */

import { afterEach, describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { type Counter, virtualCounter } from '../../../simulator/world.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import type { Reader } from '../../../src/reader/reader.ts'

let counter: Counter
let reader: Reader
afterEach(async () => {
  await reader.close()
  await counter.close()
})

async function payWith(options: Partial<PayOptions>, battery = {}) {
  counter = await virtualCounter({ resultTime: 0, battery, pins: ['1234'] })
  reader = await open(counter.link(), { family: 'qpos' })
  const events: PaymentEvent[] = []
  const result = pay(
    { number: '1', amount: 100n, currency: currency('RUB') },
    {
      reader,
      acquirer: httpAcquirer(counter.acquirer.url),
      merchant: { name: 'M', id: '1', terminal: '1' },
      prompts: { onEvent: event => events.push(event) },
      ...options,
    },
  )
  return { result, events }
}

describe('before a payment', () => {
  it('firmware older than what is required is refused, and no card was asked for', async () => {
    const { result } = await payWith({ firmware: { required: '1.0.1' } })
    await expect(result).rejects.toMatchObject({
      code: 'update-required',
      details: { needs: 'firmware', version: '1.0.0', required: '1.0.1' },
    })
    expect(counter.reader.body.screens.map(({ message }) => message)).toEqual(['reader.idle'])
    expect(counter.acquirer.orders).toEqual([])
  })

  it('firmware older than the current one pays, and the app is told', async () => {
    const { result, events } = await payWith({ firmware: { required: '1.0.0', current: '1.1.0' } })
    expect((await result).result).toBe('approved')
    expect(events.find(({ type }) => type === 'firmware')).toEqual({ type: 'firmware', newer: '1.1.0' })
  })

  it('a battery at 5 % is refused, at 6 % it pays; the app may ask for more', async () => {
    const flat = await payWith({}, { percent: 5 })
    await expect(flat.result).rejects.toMatchObject({ code: 'low-battery', details: { percent: 5 } })
    await reader.close()
    await counter.close()
    const enough = await payWith({}, { percent: 6 })
    expect((await enough.result).result).toBe('approved')
    await reader.close()
    await counter.close()
    const asked = await payWith({ minimumBattery: 10 }, { percent: 10 })
    await expect(asked.result).rejects.toMatchObject({ code: 'low-battery' })
  })
})
