/** Any sequence of sales (with tip and cash too), card checks, increments, final amounts, refunds by card, linked and not, confirmations, cancellations and recoveries, over both clients, with faults: the accounts have lost what the orders say. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostOrder } from '../../../simulator/acquirer/book.ts'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { isFault } from '../../../src/errors.ts'
import { withParts } from '../../../src/payment/amount-parts.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { CounterReader } from '../../devices/counter-reader.ts'
import { full, lyingShop, merchant, protocols, RUB } from '../../hostile/host-bench.ts'

const number = fc.constantFrom('A', 'B')
const part = fc.option(fc.bigInt({ min: 1n, max: 110_00n }), { nil: undefined, freq: 2 })
const deed = fc.oneof(
  fc.record({ do: fc.constant('sale' as const), number, hold: fc.boolean() }),
  fc.record({ do: fc.constant('partsSale' as const), number, tip: fc.boolean(), cashback: fc.boolean(), hold: fc.boolean() }),
  fc.record({ do: fc.constant('increment' as const), number, amount: fc.bigInt({ min: 1n, max: 60_00n }) }),
  fc.record({ do: fc.constant('final' as const), number, amount: fc.bigInt({ min: 1n, max: 200_00n }) }),
  fc.record({ do: fc.constant('check' as const), number: fc.constantFrom('A', 'B', 'C') }),
  fc.record({ do: fc.constant('refundByCard' as const), number: fc.constantFrom('A', 'B', 'R'), amount: part }),
  fc.record({ do: fc.constantFrom('confirm' as const, 'cancel' as const, 'refund' as const), number, amount: part }),
  fc.record({ do: fc.constant('recover' as const) }),
  fc.record({ do: fc.constant('settle' as const) }),
)
const rule = fc.record({
  do: fc.constantFrom('dropRequest' as const, 'dropAnswer' as const, 'garbage' as const, 'closeSocket' as const, 'duplicate' as const),
  on: fc.constantFrom(
    'authorisation' as const,
    'status' as const,
    'reversal' as const,
    'increment' as const,
    'confirmation' as const,
    'cancellation' as const,
  ),
  times: fc.constantFrom(1, 2),
})

describe.each(protocols)('over %s', protocol => {
  it('nothing is paid out twice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 2, maxLength: 8 }), fc.array(rule, { maxLength: 3 }), async (deeds, faults) => {
        const estimates = { category: 'lodging' } as const
        const merchants = [{ id: merchant.id, estimates }]
        const shop = await lyingShop(protocol, { rules: faults as HostRule[], merchants }, { refunds: {}, estimates })
        const card = loadCard('visa-signature')
        const how = () => ({ reader: new CounterReader({ card }), statusTime: 40, reversalTime: 40 })
        const order = (name: string) => ({ number: name, amount: 100_00n, currency: RUB })
        for (const one of deeds)
          try {
            if (one.do === 'sale') await shop.till.payOrder(order(one.number), { ...how(), ...(one.hold && { hold: true }) })
            else if (one.do === 'refundByCard')
              await shop.till.refundByCard(order(one.number), {
                ...how(),
                ...(one.amount !== undefined && one.amount <= 100_00n && { amount: one.amount }),
              })
            else if (one.do === 'partsSale') {
              const parts = { ...(one.tip && { tip: 5_00n }), ...(one.cashback && { cashback: 20_00n }) }
              await shop.till.payOrder(withParts(order(one.number), parts), { ...how(), ...(one.hold && { hold: true }) })
            } else if (one.do === 'increment') await shop.till.increment(one.number, one.amount)
            else if (one.do === 'final') await shop.till.confirm(one.number, { amount: one.amount, final: true })
            else if (one.do === 'check') await shop.till.checkCard({ number: one.number, currency: RUB }, how())
            else if (one.do === 'recover') await shop.till.recover()
            else if (one.do === 'settle') shop.host.settle()
            else await shop.till[one.do](one.number, one.amount === undefined ? {} : { amount: one.amount })
          } catch (error) {
            if (!isFault(error, 'not-found', 'bad-argument', 'busy', 'aborted', 'unsupported')) throw error
          }
        for (
          let round = 0;
          round < 20 && shop.journal.open(shop.till.orders()[0]?.merchant ?? { name: 'M', id: 'MTM', terminal: '1' }).length > 0;
          round++
        )
          await shop.till.recover()
        const sum = (amounts: readonly bigint[]) => amounts.reduce((total, one) => total + one, 0n)
        let lost = 0n
        for (const known of shop.till.orders()) {
          expect(known.entries.filter(({ open }) => open)).toEqual([])
          const { paid, back } = moneyOf(known)
          const gifts = known.entries.filter(({ kind, result, linked }) => kind === 'refund' && result === 'approved' && !linked)
          expect(back).toBeLessThanOrEqual(paid)
          lost += paid - back - sum(gifts.map(({ amount }) => amount))
        }
        const said = shop.host.orders.map(booked => {
          const { held, charged } = hostOrder(booked)
          const free = booked.operations.filter(({ gives, linked, state }) => gives && !linked && state === 'Approved')
          return held + charged - sum(free.map(({ amount }) => amount))
        })
        expect(full - shop.balance()).toBe(lost)
        expect(sum(said)).toBe(lost)
        await shop.close()
      }),
      { seed: Number(process.env.REFUND_SEED ?? 20), numRuns: Number(process.env.REFUND_RUNS ?? 12) },
    )
  }, 600_000)
})
