/** The host's own books under every sequence of operations, over both lines: no order goes below zero, and the accounts have lost what the orders say. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostOrder, ledger } from '../../simulator/acquirer/book.ts'
import { profiles } from '../../simulator/cards/profiles/index.ts'
import { isFault } from '../../src/errors.ts'
import type { OrderChange } from '../../src/payment/acquirer.ts'
import { cardMessage } from '../payment/host/host-bench.ts'
import { full, type HostBench, hostOnly, lyingShop, merchant, nextMessage, protocols } from './host-bench.ts'

const card = profiles['visa-signature']
const part = fc.option(fc.bigInt({ min: 1n, max: 2600_00n }), { nil: undefined, freq: 2 })
const number = fc.constantFrom('A', 'B')
const deed = fc.oneof(
  fc.record({ do: fc.constant('sale' as const), number, hold: fc.boolean(), amount: part }),
  fc.record({ do: fc.constant('refund' as const), number: fc.constantFrom('A', 'B', 'R'), amount: part }),
  fc.record({ do: fc.constant('confirm' as const), number, amount: part }),
  fc.record({
    do: fc.constant('cancel' as const),
    number,
    amount: part,
    of: fc.constantFrom(undefined, 'held' as const, 'charged' as const),
  }),
  fc.record({ do: fc.constant('reverse' as const), which: fc.nat(9) }),
  fc.record({ do: fc.constant('settle' as const) }),
)
type Deed = typeof deed extends fc.Arbitrary<infer T> ? T : never

/** One deed as a client does it; what the host refuses is no error here. */
async function carryOut(shop: HostBench, deed: Deed, keys: string[]): Promise<void> {
  const key = `k${keys.length}`
  const change = (number: string, more: { amount?: bigint | undefined; of?: 'held' | 'charged' | undefined }): OrderChange => ({
    ...{ key, merchant, number, at: new Date() },
    ...(more.amount !== undefined && { amount: more.amount }),
    ...(more.of && { of: more.of }),
  })
  try {
    switch (deed.do) {
      case 'sale':
      case 'refund': {
        keys.push(key)
        const message = await nextMessage(key, { type: deed.do === 'refund' ? 'refund' : 'purchase' })
        const order = { ...message.order, number: deed.number }
        const amount = deed.amount !== undefined && deed.amount < order.amount ? deed.amount : order.amount
        await shop.acquirer.authorise({ ...message, order, amount, ...('hold' in deed && { hold: deed.hold }) })
        return
      }
      case 'confirm':
        keys.push(key)
        await shop.acquirer.confirm(change(deed.number, deed))
        return
      case 'cancel':
        keys.push(key)
        await shop.acquirer.cancel(change(deed.number, deed))
        return
      case 'reverse':
        if (keys.length > 0) await shop.acquirer.reverse(keys[deed.which % keys.length], 'cancelled')
        return
      case 'settle':
        shop.host.settle()
    }
  } catch (error) {
    if (!isFault(error, 'host-error')) throw error // a key that belongs to no payment is not reversed
  }
}

/** What must be true at any moment. */
function check(shop: HostBench): void {
  let lost = 0n
  for (const order of shop.host.orders) {
    const seen = hostOrder(order)
    const { held, charged, cancelled, state } = seen
    for (const money of [held, charged, cancelled]) expect(money).toBeGreaterThanOrEqual(0n)
    for (const share of ledger(order).values()) for (const money of Object.values(share)) expect(money).toBeGreaterThanOrEqual(0n)
    if (['Approved', 'Delayed', 'PartialDelayed', 'PartialApproved', 'PartialCanceled'].includes(state))
      expect(held + charged).toBeGreaterThan(0n)
    else expect(held + charged).toBe(0n)
    const gifts = order.operations.filter(one => one.gives && !one.linked && one.state === 'Approved')
    lost += held + charged - gifts.reduce((sum, { amount }) => sum + amount, 0n)
  }
  expect(full - shop.host.balance(card.pan)!).toBe(lost)
}

describe.each(protocols)('over %s', protocol => {
  it('any sequence, some of it two at a time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(deed, fc.option(deed, { nil: undefined, freq: 4 })), { minLength: 1, maxLength: 12 }),
        async steps => {
          const shop = await hostOnly(protocol, {
            rules: [{ do: 'delay', ms: 1, on: ['confirmation', 'cancellation', 'authorisation'] }, { do: 'believe' }],
          })
          const keys: string[] = []
          for (const [first, second] of steps) {
            await Promise.all([carryOut(shop, first, keys), ...(second ? [carryOut(shop, second, keys)] : [])])
            check(shop)
          }
          await shop.close()
        },
      ),
      { seed: Number(process.env.HOST_SEED ?? 11), numRuns: Number(process.env.HOST_RUNS ?? 25) },
    )
  }, 600_000)

  it.each([
    ['all of it', {}],
    ['a part of it', { amount: 500_00n }],
  ])('cancelled (%s), settled or not, and then reversed by its key: given back once', async (_, more) => {
    for (const settled of [false, true]) {
      const shop = await lyingShop(protocol)
      const message = await cardMessage('p')
      await shop.acquirer.authorise(message)
      if (settled) shop.host.settle()
      await shop.acquirer.cancel({ key: 'c', merchant, number: message.order.number, at: new Date(), ...more })
      await shop.acquirer.reverse('p', 'noAnswer')
      expect(await shop.acquirer.order(merchant, message.order.number)).toMatchObject({ charged: 0n, held: 0n, state: 'Canceled' })
      expect(shop.balance()).toBe(full)
      await shop.acquirer.reverse('p', 'noAnswer')
      expect(shop.balance()).toBe(full)
    }
  })

  it('a confirmation and a cancellation at once are one after the other', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'delay', ms: 30, on: 'confirmation' }] })
    const message = await cardMessage('p', { hold: true })
    await shop.acquirer.authorise(message)
    const { number } = message.order
    const change = (key: string, more: Partial<OrderChange> = {}): OrderChange => ({ key, merchant, number, at: new Date(), ...more })
    const [confirmed, letGo] = await Promise.all([shop.acquirer.confirm(change('a')), shop.acquirer.cancel(change('b', { of: 'held' }))])
    expect([confirmed.response?.code, letGo.response?.code]).toEqual(['00', '13'])
    expect(await shop.acquirer.order(merchant, number)).toMatchObject({ held: 0n, charged: 2500_00n })
    expect(shop.balance()).toBe(full - 2500_00n)
  })

  it('two refunds by card at once give back at most what was paid', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'delay', ms: 30 }, { do: 'believe' }] })
    const message = await cardMessage('p')
    await shop.acquirer.authorise(message)
    const refunds = await Promise.all(
      ['r', 's'].map(async key => shop.acquirer.authorise(await nextMessage(key, { type: 'refund', amount: 2000_00n }))),
    )
    expect(refunds.map(({ response }) => response?.code).sort()).toEqual(['00', '13'])
    expect(shop.balance()).toBe(full - 500_00n)
  })

  it('an order with a long history is told with its money, whatever of the history has room', async () => {
    const shop = await lyingShop(protocol)
    const message = await cardMessage('p')
    await shop.acquirer.authorise(message)
    const { number } = message.order
    for (let round = 0; round < 12; round++)
      await shop.acquirer.cancel({ key: `c${round}`, merchant, number, at: new Date(), amount: 1_00n })
    const told = (await shop.acquirer.order(merchant, number))!
    expect(told).toMatchObject({ state: 'PartialCanceled', charged: 2488_00n, cancelled: 12_00n })
    expect(told.operations.at(-1)).toMatchObject({ type: 'cancellation', transactions: [{ key: 'c11' }] })
  })

  it('points that paid, and points that were won, are undone with the payment', async () => {
    const shop = await lyingShop(protocol, { bonus: { award: 10, spend: 50 } })
    for (const key of ['p', 'q']) {
      const message = await cardMessage(key)
      await shop.acquirer.authorise({ ...message, order: { ...message.order, number: key } })
    }
    expect(shop.host.points(card.pan)).toBe(225_00n) // 250.00 won and spent, 225.00 of the second
    await shop.acquirer.reverse('q', 'noAnswer')
    expect(shop.host.points(card.pan)).toBe(250_00n)
    expect(await shop.acquirer.order(merchant, 'q')).toMatchObject({ state: 'Canceled', charged: 0n })
    expect(shop.balance()).toBe(full - 2500_00n)
  })
})
