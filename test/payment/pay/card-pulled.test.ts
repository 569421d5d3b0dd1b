/** A card that is pulled once the host has approved, before it has completed the payment: the same word in every family, at every moment, and the approval is taken back. */

import { afterEach, expect, it } from 'vitest'
import { type AcquirerHost, loadCard, startAcquirer } from '../../../simulator/world.ts'
import { VirtualClock } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { PaymentEvent } from '../../../src/payment/pay/events.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { everyFamily, type FamilyRow, place } from '../../devices/families.ts'
import { deskAcquirer } from '../../simulator/acquirer/desk-acquirer.ts'

let host: AcquirerHost | undefined
afterEach(async () => {
  await host?.close()
  host = undefined
})

/** One payment by chip; the card is pulled at its command number `pullAt`. */
async function pulled(row: FamilyRow, name: string, pullAt: number) {
  const clock = new VirtualClock()
  host ??= await startAcquirer()
  const placed = await clock.settle(place(row, { clock, person: { card: loadCard(name, { clock }), pullAt } }))
  const events: PaymentEvent[] = []
  const number = `pulled_${row.name}_${name}_${pullAt}`.replace(/\W/g, '_').slice(0, 32)
  const result = await clock.settle(
    pay(
      { number, amount: 500_000n, currency: currency('RUB') },
      {
        ...{ reader: placed.reader, acquirer: deskAcquirer(host.desk), clock, merchant: { name: 'M', id: '1', terminal: '1' } },
        prompts: {
          selectApplication: async () => 0,
          captureSignature: async () => ({
            strokes: [
              [
                { x: 0, y: 0 },
                { x: 9, y: 9 },
              ],
            ],
          }),
          onEvent: event => events.push(event),
        },
      },
    ),
  )
  await clock.settle(placed.close())
  const approved = events.some(event => event.type === 'host' && event.result === 'approved')
  return { result, approved, order: host.order(number), events }
}

/** A card of each kind of ending: PIN and signature. */
it.each(everyFamily.flatMap(row => ['mastercard', 'visa-signature'].map(card => ({ ...row, card }))))(
  '$name, $card',
  async ({ card, ...row }) => {
    let moments = 0
    for (let pullAt = 1; ; pullAt++) {
      const { result, approved, order } = await pulled(row, card, pullAt)
      if (result.result === 'approved') break
      expect(pullAt).toBeLessThan(60)
      if (!approved) {
        expect([pullAt, result.result, result.reason]).toEqual([pullAt, 'cancelled', 'cardRemoved'])
        continue
      }
      moments++
      expect([pullAt, result.result, result.reason]).toEqual([pullAt, 'declined', 'cardRemoved'])
      expect(result.reversal).toBe('done')
      expect(order?.state).toBe('Canceled')
    }
    expect(moments).toBeGreaterThanOrEqual(1)
  },
)
