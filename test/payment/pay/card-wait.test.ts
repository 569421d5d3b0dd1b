/** `waitTime`: nobody presents a card, and the result says so in the time that the app gave, over every family and raw slot; a card of the last moment is charged whole or not at all. */

import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, instant, type PersonOptions, startAcquirer } from '../../../simulator/world.ts'
import { sleep, VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { everyFamily, type Placed, type PlaceOptions, place } from '../../devices/families.ts'
import { hostReaders } from '../../devices/host-readers.ts'
import { deskAcquirer } from '../../simulator/acquirer/desk-acquirer.ts'

type Placing = (options: Omit<PlaceOptions, 'clock'> & { readonly clock: VirtualClock }) => Promise<Placed>
interface Row {
  readonly name: string
  readonly placing: Placing
}
const rows: readonly Row[] = [
  ...everyFamily.map(row => ({ name: row.name, placing: ((options: PlaceOptions) => place(row, options)) as Placing })),
  ...hostReaders
    .filter(({ lacks }) => !lacks['empty slot'])
    .map(row => ({ name: row.name, placing: ((options: Parameters<Placing>[0]) => row.place(options)) as Placing })),
]

let host: AcquirerHost | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

async function counter({ placing }: Row, person: PersonOptions) {
  const clock = new VirtualClock()
  host = await startAcquirer()
  const placed = await clock.settle(placing({ clock, person: { card: 'mir', ...person } }))
  const events: PaymentEvent[] = []
  let orders = 0
  return {
    ...{ clock, placed, events },
    async pay(more: Partial<PayOptions> = {}) {
      const number = `wait_${++orders}`
      const began = clock.now()
      const result = await clock.settle(
        pay(
          { number, amount: 10_000n, currency: currency('RUB') },
          {
            ...{ reader: placed.reader, acquirer: deskAcquirer(host!.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
            ...{ prompts: { selectApplication: async () => 0, onEvent: (event: PaymentEvent) => events.push(event) } },
            ...more,
          },
        ),
      )
      return { result, took: clock.now() - began, order: host!.order(number) }
    },
    async close() {
      await clock.settle(placed.close())
      expect(clock.pending).toBe(0)
    },
  }
}

/** Milliseconds that the slowest reader takes to stop when it is told to. */
const STOPS = 1500

it.each(rows.slice(0, everyFamily.length))('$name: a card that is asked for again is waited for anew', async row => {
  const { pay, events, close } = await counter(row, { card: 'dead-chip', pace: { ...instant, present: 4000 } })
  const { result, took } = await pay({ waitTime: 5000 })
  expect(result).toMatchObject({ result: 'approved', interface: 'swipe', fallback: true })
  expect(took).toBeGreaterThan(12_000)
  expect(events.some(({ type }) => type === 'cardTimeout')).toBe(false)
  await close()
})

describe.each(rows)('$name', row => {
  it('nobody comes: said in time, the app is told, and the reader waits for nobody any more', async () => {
    const { pay, events, close } = await counter(row, { pace: { ...instant, present: 20_000 } })
    const { result, took, order } = await pay({ waitTime: 5000 })
    expect(result).toMatchObject({ result: 'cancelled', reason: 'cardTimeout' })
    expect(order).toBeUndefined()
    expect(took).toBeGreaterThanOrEqual(5000)
    expect(took).toBeLessThan(5000 + STOPS)
    expect(events).toContainEqual({ type: 'cardTimeout', waited: 5000 })
    // It is free at once, and no card that comes now is asked for.
    expect(await pay({ waitTime: 1000 })).toMatchObject({ result: { result: 'cancelled', reason: 'cardTimeout' } })
    await close()
  })

  it('whoever comes in time has all the time there is', async () => {
    const { pay, events, clock, close } = await counter(row, { pace: { ...instant, present: 4000, think: 9000, key: 2000 } })
    const desk = deskAcquirer(host!.desk)
    const acquirer: PayOptions['acquirer'] = {
      ...desk,
      async authorise(message, options) {
        await sleep(7000, clock)
        return desk.authorise(message, options)
      },
    }
    const { result } = await pay({ waitTime: 5000, acquirer })
    expect(result).toMatchObject({ result: 'approved' })
    expect(events.some(({ type }) => type === 'cardTimeout')).toBe(false)
    await close()
  })

  it('a PIN may be typed for longer than a card is waited for', async () => {
    const { pay, events, close } = await counter(row, {
      card: 'mir-maestro',
      pace: { ...instant, present: 4000, key: 3000 },
      pins: ['1234'],
    })
    const { result } = await pay({ waitTime: 5000 })
    expect(result.reason).not.toBe('cardTimeout')
    expect(events.some(({ type }) => type === 'cardTimeout')).toBe(false)
    await close()
  })

  it('a card of the last moment is charged whole, or not at all', async () => {
    const ends = new Set<string>()
    for (let present = 4760; present <= 5080; present += 40) {
      const { pay, close } = await counter(row, { pace: { ...instant, present } })
      const { result, order } = await pay({ waitTime: 5000 })
      ends.add(`${result.result} ${result.reason ?? ''}`.trim())
      expect([present, result.result]).toEqual([present, order?.state === 'Approved' ? 'approved' : 'cancelled'])
      if (result.result === 'cancelled') expect(order === undefined || order.state === 'Canceled').toBe(true)
      await close()
      await host!.close()
    }
    expect([...ends].sort()).toEqual(['approved', 'cancelled cardTimeout'])
  })
})
