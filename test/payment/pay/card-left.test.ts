/** A card that was left in the slot, or inserted before it was asked for, over every family: "remove card" where it has paid, and then on it goes. */

import { afterEach, describe, expect, it } from 'vitest'
import { type AcquirerHost, instant, loadCard, type PersonOptions, startAcquirer } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { everyFamily, type Placed, type PlaceOptions, place } from '../../devices/families.ts'
import { deskAcquirer } from '../../simulator/acquirer/desk-acquirer.ts'

interface Row {
  readonly name: string
  readonly place: (options: Omit<PlaceOptions, 'clock'> & { readonly clock: VirtualClock }) => Promise<Placed>
}
const rows: readonly Row[] = everyFamily.map(row => ({ name: row.name, place: (options: PlaceOptions) => place(row, options) }))

let host: AcquirerHost | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

async function counter(row: Row, person: PersonOptions) {
  const clock = new VirtualClock()
  host = await startAcquirer()
  const placed = await clock.settle(row.place({ clock, person }))
  const events: PaymentEvent[] = []
  let orders = 0
  return {
    ...{ clock, placed, events },
    async pay() {
      const number = `left_${++orders}`
      const result = await clock.settle(
        pay(
          { number, amount: 10_000n, currency: currency('RUB') },
          {
            ...{ reader: placed.reader, acquirer: deskAcquirer(host!.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
            ...{ prompts: { onEvent: (event: PaymentEvent) => events.push(event) }, waitTime: 30_000 },
          },
        ),
      )
      return { result, order: host!.order(number) }
    },
    close: () => clock.settle(placed.close()),
  }
}

describe.each(rows)('$name', row => {
  it('left in the slot by whoever has paid: asked away, and then it pays again', async () => {
    const { pay, placed, clock, close } = await counter(row, { card: 'mir', present: [{ how: 'dip', leave: true }, 'dip'], pace: instant })
    expect((await pay()).result).toMatchObject({ result: 'approved', interface: 'chip' })
    await clock.advance(10_000)
    expect(placed.device.body.cardInSlot).toBe(true)
    const from = placed.device.body.screens.length
    expect((await pay()).result).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(placed.device.body.screens.slice(from).map(({ message }) => message)).toContain('reader.removeCard')
    await close()
  })

  it('inserted before it is asked for: asked away, or taken; it pays once', async () => {
    const { pay, placed, close } = await counter(row, { card: 'mir', pace: instant })
    placed.device.body.insert(loadCard('mir'))
    const { result, order } = await pay()
    expect(result).toMatchObject({ result: 'approved', interface: 'chip' })
    expect(order).toMatchObject({ state: 'Approved', operations: [{}] })
    await close()
  })
})
