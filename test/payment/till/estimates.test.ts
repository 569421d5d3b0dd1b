/** What is held is raised, and charged over or under: within the payment system's rules as data, over both clients; slips, journal, the host's book, faults and recovery. */

import { describe, expect, it } from 'vitest'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { allowedOf, categories, type Estimates, estimateRules, overOf } from '../../../src/payment/estimates.ts'
import { moneyOf } from '../../../src/payment/journal/money.ts'
import { slipRows } from '../../../src/payment/receipt/print.ts'
import type { Receipt } from '../../../src/payment/receipt/receipt.ts'
import { openTill } from '../../../src/payment/till/till.ts'
import { CounterReader } from '../../devices/counter-reader.ts'
import { full, lyingShop, merchant, protocols } from '../../hostile/host-bench.ts'

const lodging: Estimates = { category: 'lodging' }
const texts = (receipt: Receipt, language: 'en' | 'ru', copy: 'merchant' | 'customer') =>
  slipRows(receipt, language, copy).flatMap(row => ('text' in row ? [row.text] : []))

async function hotel(protocol: (typeof protocols)[number], rules: HostRule[] = [], estimates: Estimates = lodging) {
  const shop = await lyingShop(protocol, { rules, merchants: [{ id: merchant.id, estimates }] }, { estimates })
  await shop.pay({ amount: 100_00n }, { hold: true })
  expect(shop.balance()).toBe(full - 100_00n)
  return shop
}

describe.each(protocols)('over %s', protocol => {
  it('more is held on the same card, with a slip of its own; then all of it is charged, and given back', async () => {
    const shop = await hotel(protocol)
    expect(await shop.till.increment('D1', 20_00n)).toMatchObject({ result: 'approved', order: { state: 'Delayed' } })
    expect(shop.balance()).toBe(full - 120_00n)
    const slip = shop.till.receipt('D1')
    expect(slip).toMatchObject({ type: 'increment', amount: '20.00', held: '120.00', result: 'approved', rrn: expect.any(String) })
    for (const copy of ['merchant', 'customer'] as const) {
      expect(texts(slip, 'en', copy)).toEqual(
        expect.arrayContaining(['INCREMENTAL AUTHORISATION', 'APPROVED', 'Amount: 20.00 RUB', 'Held: 120.00 RUB']),
      )
      expect(texts(slip, 'ru', copy)).toEqual(expect.arrayContaining(['ДОПОЛНИТЕЛЬНАЯ АВТОРИЗАЦИЯ', 'ОДОБРЕНО', 'Удержано: 120.00 RUB']))
    }
    expect(shop.till.orders()).toMatchObject([
      { entries: [{ kind: 'payment' }, { kind: 'increment', change: { amount: 20_00n }, result: 'approved' }] },
    ])
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({
      held: 120_00n,
      operations: [{ type: 'payment' }, { type: 'increment' }],
    })
    expect(await shop.till.confirm('D1')).toMatchObject({ result: 'approved', order: { state: 'Approved' } })
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ held: 0n, charged: 120_00n })
    expect(await shop.till.increment('D1', 1n)).toMatchObject({ result: 'declined', answer: { response: { code: '12' } } })
    expect(await shop.till.refund('D1')).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full)
    expect(await shop.till.cancel('D1')).toMatchObject({ result: 'declined' })
  })

  it('what was raised is let go with the payment, by cancellation or by its key', async () => {
    for (const by of ['cancel', 'reverse'] as const) {
      const shop = await hotel(protocol)
      await shop.till.increment('D1', 20_00n)
      if (by === 'cancel') expect(await shop.till.cancel('D1')).toMatchObject({ result: 'approved' })
      else await shop.acquirer.reverse(shop.till.orders()[0].entries[0].key, 'cancelled')
      expect(shop.balance()).toBe(full)
      expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ held: 0n, charged: 0n })
    }
  })

  it('a final amount over what is held, as far as the rule goes: charged once, and given back once', async () => {
    const shop = await hotel(protocol)
    await shop.till.increment('D1', 20_00n)
    // 15 percent of 120.00.
    await expect(shop.till.confirm('D1', { amount: 138_01n })).rejects.toMatchObject({ code: 'bad-argument' })
    expect(await shop.acquirer.confirm({ key: 'over', merchant, number: 'D1', at: new Date(), amount: 138_01n })).toMatchObject({ state: 'declined', response: { code: '13' } }) // biome-ignore format: a row
    expect(await shop.till.confirm('D1', { amount: 138_00n, final: true })).toMatchObject({
      result: 'approved',
      order: { state: 'Approved' },
    })
    expect(shop.balance()).toBe(full - 138_00n)
    expect(moneyOf(shop.till.orders()[0])).toMatchObject({ paid: 138_00n, held: 0n, charged: 138_00n })
    expect(texts(shop.till.receipt('D1'), 'ru', 'merchant')).toEqual(expect.arrayContaining(['ОКОНЧАТЕЛЬНАЯ СУММА', 'Сумма: 138.00 RUB']))
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ charged: 138_00n, fiscal: [{ kind: 'sale', amount: 138_00n }] })
    expect(await shop.till.confirm('D1', { amount: 1n })).toMatchObject({ result: 'declined' })
    expect(await shop.till.refund('D1')).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full)
  })

  it('a final amount under it: the rest is let go', async () => {
    const shop = await hotel(protocol)
    expect(await shop.till.confirm('D1', { amount: 70_00n, final: true })).toMatchObject({ result: 'approved' })
    expect(shop.balance()).toBe(full - 70_00n)
    expect(moneyOf(shop.till.orders()[0])).toMatchObject({ held: 0n, charged: 70_00n, letGo: 30_00n })
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ held: 0n, charged: 70_00n, cancelled: 30_00n })
    expect(await shop.till.confirm('D1')).toMatchObject({ result: 'declined' })
    expect(await shop.till.status('D1')).toMatchObject({ number: 'D1' })
    expect(shop.notices.filter(({ type }) => type === 'discrepancy')).toEqual([])
  })

  it.each(['increment', 'confirm'] as const)('%s whose answer is lost is asked again by another till, and done once', async what => {
    const on = what === 'increment' ? 'increment' : 'confirmation'
    const shop = await hotel(protocol, [{ do: 'dropAnswer', on: [on], times: 1 }])
    const changed =
      what === 'increment' ? await shop.till.increment('D1', 20_00n) : await shop.till.confirm('D1', { amount: 115_00n, final: true })
    expect(changed).toMatchObject({ result: 'unknown' })
    const lost = what === 'increment' ? 120_00n : 115_00n
    expect(shop.balance()).toBe(full - lost)
    const { journal, acquirer } = shop
    await using next = openTill({ journal, acquirer, merchant, background: false })
    expect(await next.recover()).toMatchObject([{ became: 'approved' }])
    expect(shop.balance()).toBe(full - lost)
    expect(moneyOf(next.orders()[0]).paid).toBe(lost)
  })

  it('an account that has not as much, and a bank that raises nothing', async () => {
    const shop = await hotel(protocol)
    expect(await shop.till.increment('D1', full)).toMatchObject({ result: 'declined', answer: { response: { code: '51' } } })
    const { acquirer } = await lyingShop(protocol, { merchants: [{ id: merchant.id, estimates: { category: 'lodging', rules: [{ scheme: 'VISA', increments: false, source: 'contract', confidence: 'assumed' }] } }] }) // biome-ignore format: a row
    expect(await acquirer.increment!({ key: 'k', merchant, number: 'none', at: new Date(), amount: 1n })).toMatchObject({
      state: 'declined',
      response: { code: '25' },
    })
    expect(shop.balance()).toBe(full - 100_00n)
  })
})

describe('by the rules', () => {
  it('without a category, and for a payment system of which nothing is public, nobody is asked', async () => {
    const shop = await lyingShop('http')
    await shop.pay({ amount: 100_00n }, { hold: true })
    await expect(shop.till.increment('D1', 1n)).rejects.toMatchObject({ code: 'unsupported', details: { feature: 'increment' } })
    await expect(shop.till.confirm('D1', { amount: 100_01n })).rejects.toMatchObject({ code: 'bad-argument' })
    const mir = await lyingShop('http', {}, { estimates: lodging })
    const reader = new CounterReader({ card: loadCard('mir') })
    await mir.pay({ amount: 100_00n }, { hold: true, reader })
    await expect(mir.till.increment('D1', 1n)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('MIR') })
    expect(mir.seen.filter(({ type }) => type === 'increment')).toEqual([])
  })

  it('a merchant’s own rule comes first; what is assumed counts where it is allowed', () => {
    const own = { scheme: 'MIR', increments: true, over: 10, source: 'contract', confidence: 'assumed' } as const
    expect(allowedOf('MIR', lodging)).toEqual({ increments: false, over: 0 })
    expect(allowedOf('MIR', { ...lodging, rules: [own] })).toEqual({ increments: true, over: 10 })
    expect(allowedOf('VISA', { ...lodging, rules: [{ ...own, scheme: 'VISA' }] })).toEqual({ increments: true, over: 10 })
    expect(allowedOf('AMERICAN EXPRESS', lodging).increments).toBe(false)
    expect(allowedOf('AMERICAN EXPRESS', { ...lodging, assumed: true }).increments).toBe(true)
    expect(allowedOf('VISA', { category: 'restaurant' })).toEqual({ increments: true, over: 20 })
    expect(allowedOf('VISA', { category: 'other' })).toEqual({ increments: true, over: 0 })
    expect(allowedOf('DISCOVER', { category: 'restaurant' }).increments).toBe(false)
    expect(allowedOf('VISA', undefined)).toEqual({ increments: false, over: 0 })
    expect(overOf(99n, { increments: true, over: 15 })).toBe(14n)
  })

  it('every row says where it is from', () => {
    for (const { source, confidence, categories: some = [] } of estimateRules) {
      expect(source.length).toBeGreaterThan(10)
      expect(['processor', 'assumed']).toContain(confidence)
      expect(categories).toEqual(expect.arrayContaining([...some]))
    }
  })
})
