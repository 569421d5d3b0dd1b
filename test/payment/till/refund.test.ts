/** A refund by card is a refund everywhere: on the slip, on the screens, in the journal and in the host's book, over both clients; and it is paid out once. */

import { describe, expect, it } from 'vitest'
import type { HostRule } from '../../../simulator/acquirer/rules.ts'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { profiles } from '../../../simulator/cards/profiles/index.ts'
import type { Fault } from '../../../src/errors.ts'
import type { Language } from '../../../src/messages/messages.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { slipRows } from '../../../src/payment/receipt/print.ts'
import type { Receipt } from '../../../src/payment/receipt/receipt.ts'
import { orderJson, resultLines } from '../../../src/payment/till/screen.ts'
import type { RefundRules } from '../../../src/payment/till/till.ts'
import { CounterReader } from '../../devices/counter-reader.ts'
import { full, type LyingShop, lyingShop, merchant, protocols, RUB } from '../../hostile/host-bench.ts'

const card = loadCard('visa-signature')
const reader = () => new CounterReader({ card })
const order = (number = 'R1', amount = 10_00n) => ({ number, amount, currency: RUB })

/** `pay` with the shop's journal, as an app without a till does it. */
function paying(shop: LyingShop, more: Partial<PayOptions> = {}, what = order()) {
  const { journal, acquirer } = shop
  return pay(what, { reader: reader(), acquirer, merchant, journal, statusTime: 300, reversalTime: 300, ...more })
}

const slip = (receipt: Receipt, language: Language, copy: 'merchant' | 'customer') =>
  slipRows(receipt, language, copy).flatMap(row => ('text' in row ? [row.text] : []))

const words = {
  refund: { en: ['REFUND', 'APPROVED'], ru: ['ВОЗВРАТ', 'ОДОБРЕНО'] },
  cash: { en: ['CASH WITHDRAWAL', 'APPROVED'], ru: ['ВЫДАЧА НАЛИЧНЫХ', 'ОДОБРЕНО'] },
} as const

describe.each(protocols)('over %s', protocol => {
  describe.each(['refund', 'cash'] as const)('%s', type => {
    it.each([
      ['en', 'merchant'],
      ['en', 'customer'],
      ['ru', 'merchant'],
      ['ru', 'customer'],
    ] as const)('the slip says so, in %s on the %s copy', async (language, copy) => {
      const shop = await lyingShop(protocol)
      const { receipt, result } = await paying(shop, { type })
      expect(result).toBe('approved')
      const lines = slip(receipt, language, copy)
      expect(lines).toEqual(expect.arrayContaining([...words[type][language]]))
      expect(lines).not.toContain('PAID')
      expect(lines).not.toContain('ОПЛАЧЕН')
      expect(slip(shop.till.receipt('R1'), language, copy)).toEqual(lines)
      expect(resultLines(shop.till.orders()[0], language).join('\n')).toContain(words[type][language][0])
    })

    it('the slip of one that was declined says both', async () => {
      const shop = await lyingShop(protocol, { rules: [{ do: 'decline', code: '57', reason: 'no' }] })
      const { receipt } = await paying(shop, { type })
      expect(slip(receipt, 'en', 'customer')).toEqual(expect.arrayContaining([words[type].en[0], 'DECLINED']))
    })
  })

  it('without a payment it counts for no order: journal, balance, host’s book, the customer’s own payment, and no second time', async () => {
    const shop = await lyingShop(protocol)
    expect(await paying(shop, { type: 'refund' })).toMatchObject({ result: 'approved', type: 'refund', receipt: { type: 'refund' } })
    expect(shop.balance()).toBe(full + 10_00n)
    const [kept] = shop.till.orders()
    expect(kept).toMatchObject({ state: 'In Process', entries: [{ kind: 'refund', type: 'refund', result: 'approved', open: false }] })
    expect(orderJson(kept)).toMatchObject({ entries: [{ kind: 'refund', type: 'refund' }] })
    expect(shop.host.order('R1')).toMatchObject({ state: 'In Process', operations: [{ type: 'payment', gives: true, state: 'Approved' }] })
    expect(await shop.acquirer.order(merchant, 'R1')).toMatchObject({ charged: 0n, held: 0n, cancelled: 0n })
    // Its cancellation pays nothing out: the till refuses, and so does the host.
    expect(await shop.till.cancel('R1')).toMatchObject({ result: 'declined', answer: { response: { code: '12' } } })
    expect(await shop.till.refund('R1')).toMatchObject({ result: 'declined', answer: { response: { code: '12' } } })
    expect(await shop.acquirer.cancel({ key: 'office', merchant, number: 'R1', at: new Date() })).toMatchObject({ state: 'declined' })
    expect(shop.balance()).toBe(full + 10_00n)
    expect(await shop.till.reconcile()).toEqual([])
    // The customer's own payment of the order.
    expect(shop.till.standing('R1')).toBeUndefined()
    expect(await shop.pay(order())).toMatchObject({ result: 'approved', order: { state: 'Approved' } })
    expect(shop.balance()).toBe(full)
    expect(await shop.pay(order())).toMatchObject({ result: 'already-paid' })
    // And its cancellation gives back that payment, once.
    expect(await shop.till.cancel('R1')).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    expect(await shop.till.cancel('R1')).toMatchObject({ result: 'declined' })
    expect(shop.balance()).toBe(full + 10_00n)
  })

  it('a reversal by its key takes the money again, once', async () => {
    const shop = await lyingShop(protocol)
    const { key } = await paying(shop, { type: 'refund' })
    await shop.acquirer.reverse(key, 'cancelled')
    await shop.acquirer.reverse(key, 'cancelled')
    expect(shop.balance()).toBe(full)
  })

  const away: HostRule = { do: 'dropRequest', on: ['status', 'reversal'], times: 12 }
  it.each<readonly [string, HostRule[], string]>([
    ['the answer is lost', [{ do: 'dropAnswer', times: 1 }, away], 'unknown'],
    ['the card refuses what the host has done', [{ do: 'wrongArpc' }, away], 'unknown'],
  ])('hanging, because %s: taken back by the till, and nothing is paid out', async (_, rules, result) => {
    const shop = await lyingShop(protocol, { rules }, { refunds: {} })
    const { pan } = profiles['mir-maestro']
    const mir = new CounterReader({ card: loadCard('mir-maestro') })
    expect(await shop.till.refundByCard(order(), { reader: mir, statusTime: 50, reversalTime: 50 })).toMatchObject({ result })
    expect(shop.host.balance(pan)).toBe(full + 10_00n)
    expect(await shop.till.refundByCard(order(), { reader: mir })).toMatchObject({ result: 'in-process' })
    for (let round = 0; round < 60 && shop.host.balance(pan) !== full; round++) await shop.till.recover()
    expect(shop.host.balance(pan)).toBe(full)
  })

  it('of an order that was paid: linked, bounded by the till and by the host, whichever way the money went back', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay({ amount: 100_00n })
    expect(await shop.till.refundByCard('D1', { reader: reader(), amount: 30_00n })).toMatchObject({
      result: 'approved',
      linked: true,
      payment: { type: 'refund', receipt: { type: 'refund', amount: '30.00', order: 'D1' } },
      order: {
        state: 'PartialCanceled',
        amount: 100_00n,
        entries: [{ kind: 'payment' }, { kind: 'refund', linked: true, amount: 30_00n }],
      },
    })
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ state: 'PartialCanceled', charged: 70_00n, cancelled: 30_00n })
    expect(await shop.till.refund('D1', { amount: 50_00n })).toMatchObject({ result: 'approved' })
    const device = reader()
    expect(await shop.till.refundByCard('D1', { reader: device, amount: 20_01n })).toMatchObject({
      result: 'declined',
      answer: { response: { code: '13' } },
    })
    expect(device.transactions).toBe(0) // no card was asked for
    // An app without the till's rules meets the journal's, and without a journal the host's.
    await expect(paying(shop, { type: 'refund', amount: 20_01n }, order('D1', 100_00n))).rejects.toMatchObject({ code: 'bad-argument' })
    const { acquirer } = shop
    const bare = await pay(order('D1', 100_00n), { reader: reader(), acquirer, merchant, type: 'refund', amount: 20_01n })
    expect(bare).toMatchObject({ result: 'declined', responseCode: '13' })
    expect(await shop.till.refundByCard('D1', { reader: reader() })).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    expect(await shop.till.refundByCard('D1', { reader: reader() })).toMatchObject({ result: 'declined' })
    expect(await shop.till.cancel('D1')).toMatchObject({ result: 'declined' })
    expect(shop.balance()).toBe(full)
    expect(await shop.acquirer.order(merchant, 'D1')).toMatchObject({ state: 'Canceled', charged: 0n })
  })

  it('of an order that was paid, to another card: the host refuses, and the next card may be the right one', async () => {
    const shop = await lyingShop(protocol)
    await shop.pay({ amount: 100_00n })
    const { pan } = profiles['mir-maestro']
    const other = () => new CounterReader({ card: loadCard('mir-maestro') })
    expect(await shop.till.refundByCard('D1', { reader: other() })).toMatchObject({
      result: 'declined',
      payment: { responseCode: '12', hostReason: 'the order was paid with another card' },
    })
    expect([shop.host.balance(pan), shop.balance()]).toEqual([full, full - 100_00n])
    expect(await shop.till.refundByCard('D1', { reader: reader() })).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    // Hosts that go by the order alone.
    const lenient = await lyingShop(protocol, { merchants: [{ id: merchant.id, refundsTo: 'anyCard' }] })
    await lenient.pay({ amount: 100_00n })
    expect(await lenient.till.refundByCard('D1', { reader: other() })).toMatchObject({ result: 'approved', linked: true })
    expect([lenient.host.balance(pan), lenient.balance()]).toEqual([full + 100_00n, full - 100_00n])
  })

  it.each<readonly [string, RefundRules | undefined, object, string]>([
    ['no rules', undefined, {}, 'unlinkedRefund'],
    ['more than the rules allow', { most: 5_00n }, {}, 'amount'],
    ['no password', { password: 'shop' }, {}, 'password'],
    ['another password', { password: 'shop' }, { password: 'shoo' }, 'password'],
    ['a longer password', { password: 'shop' }, { password: 'shopshop' }, 'password'],
  ])('without a payment and %s: no card is asked for', async (_, refunds, how, what) => {
    const shop = await lyingShop(protocol, {}, refunds ? { refunds } : {})
    const device = reader()
    const refused = await shop.till.refundByCard(order(), { reader: device, ...how }).catch(error => error as Fault)
    expect(Object.values((refused as Fault).details)).toContain(what)
    expect(device.transactions).toBe(0)
    expect(shop.till.orders()).toEqual([])
    expect(shop.balance()).toBe(full)
  })

  it('without a payment, within the rules: made, and the order is unpaid still', async () => {
    const shop = await lyingShop(protocol, {}, { refunds: { most: 10_00n, password: 'shop' } })
    expect(await shop.till.refundByCard(order(), { reader: reader(), password: 'shop' })).toMatchObject({
      result: 'approved',
      linked: false,
    })
    expect(shop.till.standing('R1')).toBeUndefined()
    expect(shop.balance()).toBe(full + 10_00n)
    await expect(shop.till.refundByCard('unknown', { reader: reader() })).rejects.toMatchObject({ code: 'not-found' })
  })
})
