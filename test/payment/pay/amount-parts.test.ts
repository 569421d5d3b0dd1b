/** An amount with parts (goods, cash, tip, surcharge): on the slip, the screens and the fiscal receipt, to the host over both clients, in the journal and the drawer; and the card signs their sum. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { fromBcd, hex } from '../../../src/bytes.ts'
import type { Language } from '../../../src/messages/messages.ts'
import type { AmountParts, Order } from '../../../src/payment/acquirer.ts'
import { goodsOf, partsSum, withParts } from '../../../src/payment/amount-parts.ts'
import { amountPartsOf, setAmountParts } from '../../../src/payment/host/iso8583/amounts.ts'
import { isoDialect, isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import { authorisationFields, authorisationOf, type IsoFields } from '../../../src/payment/host/iso8583/messages.ts'
import { decodeMessage, encodeMessage } from '../../../src/payment/host/wire.ts'
import { type PayOptions, pay, paymentJson } from '../../../src/payment/pay/payment.ts'
import { makeFiscalReceipt } from '../../../src/payment/receipt/fiscal.ts'
import { fiscalRows, layout, slipRows } from '../../../src/payment/receipt/print.ts'
import type { Receipt } from '../../../src/payment/receipt/receipt.ts'
import { fiscalReceipts } from '../../../src/payment/till/fiscal-orders.ts'
import { orderJson, orderLines, partsText, resultLines } from '../../../src/payment/till/screen.ts'
import { CounterReader } from '../../devices/counter-reader.ts'
import { everyFamily, place } from '../../devices/families.ts'
import { bench, named } from '../../devices/family-bench.ts'
import { full, type LyingShop, lyingShop, merchant, protocols, RUB } from '../../hostile/host-bench.ts'
import { cardMessage } from '../host/host-bench.ts'

const card = loadCard('visa-signature')
const reader = () => new CounterReader({ card })
const goods = (amount = 7_00n, number = 'P1'): Order => ({ number, amount, currency: RUB })
const all = { cashback: 3_00n, tip: 50n, surcharge: 20n } as const

function paying(shop: LyingShop, order: Order, more: Partial<PayOptions> = {}) {
  const { journal, acquirer } = shop
  return pay(order, { reader: reader(), acquirer, merchant, journal, statusTime: 300, reversalTime: 300, ...more })
}

const slip = (receipt: Receipt, language: Language, copy: 'merchant' | 'customer') =>
  slipRows(receipt, language, copy).flatMap(row => ('text' in row ? [row.text] : []))

const words = {
  en: [
    'PURCHASE WITH CASHBACK',
    'PAID',
    'Purchase: 7.00 RUB',
    'Cash: 3.00 RUB',
    'Tip: 0.50 RUB',
    'Surcharge: 0.20 RUB',
    'Total: 10.70 RUB',
  ],
  ru: ['ПОКУПКА С ВЫДАЧЕЙ НАЛИЧНЫХ', 'ОПЛАЧЕН', 'Покупка: 7.00 RUB', 'Наличные: 3.00 RUB', 'Чаевые: 0.50 RUB', 'Надбавка: 0.20 RUB', 'Итого: 10.70 RUB'], // biome-ignore format: a table
} as const

describe.each(protocols)('over %s', protocol => {
  it('goods, cash, tip and surcharge: slip of both copies in both languages, screens, journal, host, drawer, account', async () => {
    const shop = await lyingShop(protocol)
    const order = withParts(goods(), all)
    expect(order.amount).toBe(10_70n)
    const result = await paying(shop, order)
    expect(result).toMatchObject({
      result: 'approved',
      type: 'cashback',
      receipt: { amount: '10.70', purchase: '7.00', cashback: '3.00', tip: '0.50' },
    })
    for (const language of ['en', 'ru'] as const)
      for (const copy of ['merchant', 'customer'] as const) {
        const lines = slip(result.receipt, language, copy)
        const at = lines.indexOf(words[language][0])
        expect(lines.slice(at, at + 7)).toEqual(words[language])
        expect(slip(shop.till.receipt('P1'), language, copy)).toEqual(lines)
        expect(layout(slipRows(result.receipt, language, copy), 32).join('\n')).toContain(words[language][6])
      }
    expect(paymentJson(result)).toMatchObject({ receipt: { surcharge: '0.20' } })
    const [kept] = shop.till.orders()
    expect(kept).toMatchObject({ state: 'Approved', parts: all, entries: [{ kind: 'payment', type: 'cashback', amount: 10_70n }] })
    expect(orderJson(kept)).toMatchObject({ parts: { cashback: '300', tip: '50', surcharge: '20' } })
    expect(resultLines(kept, 'ru')).toEqual(
      expect.arrayContaining(['Операция: ПОКУПКА С ВЫДАЧЕЙ НАЛИЧНЫХ', 'Наличные: 3.00 руб.', 'Чаевые: 0.50 руб.']),
    )
    expect(orderLines(kept, 'en')).toEqual(expect.arrayContaining(['Cash: 3.00 RUB', 'Tip: 0.50 RUB', 'Surcharge: 0.20 RUB']))
    expect(partsText(kept)).toEqual(words.en.slice(2))
    expect(hex(result.outcome.tags.get(0x9f03)!)).toBe('000000000300')
    expect(shop.host.order('P1')).toMatchObject({ amount: 10_70n, parts: all, state: 'Approved' })
    expect(await shop.acquirer.order(merchant, 'P1')).toMatchObject({ charged: 10_70n, parts: all })
    expect(shop.balance()).toBe(full - 10_70n)
    expect(shop.till.drawer()).toEqual([{ currency: 'RUB', sales: 0n, refunds: 0n, cashback: 3_00n, withdrawals: 0n, balance: -3_00n }])
    // Taken back as a whole, the cash came back with it.
    expect(await shop.till.cancel('P1')).toMatchObject({ result: 'approved', order: { state: 'Canceled' } })
    expect(shop.balance()).toBe(full)
    expect(shop.till.drawer()).toMatchObject([{ cashback: 0n, balance: 0n }])
  })

  it('a part of the amount named by the payment is contained in it', async () => {
    const shop = await lyingShop(protocol)
    const result = await paying(shop, goods(10_00n), { type: 'cashback', otherAmount: 3_00n })
    expect(result.receipt).toMatchObject({ type: 'cashback', purchase: '7.00', cashback: '3.00', amount: '10.00' })
    expect(shop.balance()).toBe(full - 10_00n)
    expect(shop.till.drawer()).toMatchObject([{ cashback: 3_00n }])
  })

  it('a tip alone is a purchase; declined with it, the order is paid with another, or with none', async () => {
    const shop = await lyingShop(protocol, { rules: [{ do: 'decline', code: '51', reason: 'no money', times: 1 }] })
    const known = () => shop.till.orders()[0]
    const how = () => ({ reader: reader() })
    expect(await shop.till.payOrder(withParts(goods(), { tip: 2_00n }), how())).toMatchObject({
      result: 'declined',
      order: { amount: 9_00n },
    })
    expect(await shop.till.payOrder(withParts(known(), { tip: 1_00n }), how())).toMatchObject({
      result: 'approved',
      order: { amount: 8_00n, parts: { tip: 1_00n }, state: 'Approved' },
      payment: { type: 'purchase', receipt: { purchase: '7.00', tip: '1.00', amount: '8.00' } },
    })
    expect(slip(shop.till.receipt('P1'), 'en', 'customer')).toEqual(expect.arrayContaining(['PAID', 'Tip: 1.00 RUB', 'Total: 8.00 RUB']))
    expect(shop.host.order('P1')).toMatchObject({ amount: 8_00n, parts: { tip: 1_00n } })
    expect(await shop.till.status('P1')).toMatchObject({ state: 'Approved' })
    expect(shop.notices).toEqual([])
    expect(shop.balance()).toBe(full - 8_00n)
  })

  it('a cash the card signed and the message does not hand out is refused by the bank', async () => {
    const shop = await lyingShop(protocol)
    const wrong = new CounterReader({ card, tamper: tags => tags.set(0x9f03, Uint8Array.of(0, 0, 0, 0, 4, 0)) })
    const result = await paying(shop, goods(10_00n), { reader: wrong, otherAmount: 3_00n })
    expect(result).toMatchObject({ result: 'declined' })
    expect(shop.balance()).toBe(full)
  })

  it('the fiscal receipt: the surcharge in a line of its own, no cash and no tip, and nothing more goes back', async () => {
    const shop = await lyingShop(protocol)
    const items = [{ id: '1', name: 'Tea', quantity: 1000n, price: 7_00n, amount: 7_00n, vat: 20 }]
    await paying(shop, withParts({ ...goods(), items }, all))
    await shop.till.cancel('P1', { amount: 5_00n })
    await shop.till.cancel('P1')
    const order = shop.till.orders()[0]
    const marks = (await shop.acquirer.order(merchant, 'P1'))!.fiscal!
    expect(marks.map(({ kind, amount }) => [kind, amount])).toEqual([['sale', 7_20n], ['refund', 5_00n], ['refund', 2_20n]]) // biome-ignore format: a row
    const [receipt] = await fiscalReceipts(order, { acquirer: shop.acquirer })
    expect(receipt).toMatchObject({
      total: '7.20',
      items: [
        { name: 'Tea', amount: '7.00', vat: 20 },
        { name: '', amount: '0.20' },
      ],
    })
    const text = layout(fiscalRows(receipt, 'ru'), 32).join('\n')
    expect(text).toContain('Надбавка')
    expect(text).not.toMatch(/Чаевые|Наличные:|10\.70/)
  })
})

it('cash of the till pays a tip and a surcharge too; it hands out none', async () => {
  const shop = await lyingShop('http')
  const order = withParts(goods(), { tip: 1_00n, surcharge: 2_00n })
  expect(await shop.till.payOrder(order, { method: 'cash', received: 20_00n })).toMatchObject({
    sale: { change: 10_00n, receipt: { purchase: '7.00', tip: '1.00', surcharge: '2.00', amount: '10.00' } },
  })
  expect(shop.till.drawer()).toMatchObject([{ sales: 10_00n, balance: 10_00n }])
  const receipt = makeFiscalReceipt({ order, merchant, at: new Date(), form: 'cash', received: 20_00n })
  expect(receipt).toMatchObject({ total: '9.00', received: '19.00', change: '10.00' })
  for (const how of [{ method: 'cash' }, { method: 'sbp', show: () => {} }] as const)
    await expect(shop.till.payOrder(withParts(goods(1_00n, 'P2'), { cashback: 1_00n }), how)).rejects.toMatchObject({
      code: 'bad-argument',
      details: { field: 'order.parts.cashback' },
    })
})

const refused: readonly (readonly [string, Partial<Order>, Partial<PayOptions>, string])[] = [
  ['cash of all the amount', {}, { type: 'cashback', otherAmount: 10_00n }, 'otherAmount'],
  ['more cash than the amount', {}, { type: 'cashback', otherAmount: 10_01n }, 'otherAmount'],
  ['parts of all the amount', {}, { tip: 5_00n, surcharge: 5_00n }, 'tip'],
  ['a cashback of no cash', {}, { type: 'cashback' }, 'otherAmount'],
  ['a purchase with cash', {}, { type: 'purchase', otherAmount: 1n }, 'otherAmount'],
  ['a refund with cash', {}, { type: 'refund', otherAmount: 1n }, 'otherAmount'],
  ['a withdrawal with a tip', {}, { type: 'cash', tip: 1n }, 'tip'],
  ['a tip that is not the order’s', { parts: { tip: 2n } }, { tip: 1n }, 'tip'],
  ['a part that is nothing', { parts: { tip: 0n } }, {}, 'order.parts.tip'],
  ['a part in a number', { parts: { tip: 1 } as unknown as AmountParts }, {}, 'order.parts.tip'],
  ['a part of an order with cash', { parts: { cashback: 1_00n } }, { amount: 5_00n }, 'amount'],
  ['a partial approval of it', { parts: { cashback: 1_00n } }, { partial: true }, 'partial'],
  ['items that are the whole amount', { parts: { tip: 1_00n }, items: [{ id: '1', name: 'Tea', quantity: 1000n, price: 10_00n, amount: 10_00n }] }, {}, 'order.amount'],
] // biome-ignore format: a table

it.each(refused)('%s is refused, and no card is asked for', async (_, inOrder, options, field) => {
  const shop = await lyingShop('http')
  const device = reader()
  await expect(paying(shop, { ...goods(10_00n), ...inOrder }, { reader: device, ...options })).rejects.toMatchObject({
    code: 'bad-argument',
    details: { field },
  })
  expect(device.transactions).toBe(0)
  expect(shop.till.orders()).toEqual([])
})

/** Families whose wire has a second amount. */
const carry = ['qpos', 'miura', 'magtek v5', 'magtek mms', 'idtech', 'bluepad emv2']

it.each(everyFamily.map(row => [row.name, row] as const))(
  '%s: cash travels to the card, or is refused by name before it',
  async (name, row) => {
    const at = await place(row, { person: { card: 'mir-cashback' } })
    try {
      const seen: (bigint | undefined)[] = []
      const asked = at.reader.transact(
        { type: 'cashback', amount: 10_00n, otherAmount: 3_00n, currency: RUB, interfaces: ['chip'] },
        {
          selectApplication: async () => 0,
          async authorise({ tags }) {
            seen.push(tags.has(0x9f03) ? fromBcd(tags.get(0x9f03)!) : undefined)
            return { type: 'declined', code: '05' }
          },
        },
      )
      if (carry.includes(name)) {
        await asked
        expect(seen).toEqual([name.startsWith('magtek') ? undefined : 3_00n]) // MagTek seals it for the bank: see below
      } else {
        await expect(asked).rejects.toMatchObject({ code: 'unsupported', message: expect.stringMatching(/cashback|second amount/) })
        expect(at.invited()).toBe(false)
      }
    } finally {
      await at.close()
    }
  },
)

it.each(named)('%s: cash is paid out, and the bank finds it under the cryptogram', async (name, row) => {
  const at = await bench(row, { card: 'mir-cashback' })
  const order = withParts(goods(), { cashback: 3_00n })
  const paid = at.pay({ interfaces: ['chip'] }, order)
  if (name === 'bluepad') return void (await expect(paid).rejects.toMatchObject({ code: 'unsupported' }))
  expect(await paid).toMatchObject({
    result: 'approved',
    type: 'cashback',
    receipt: { cashback: '3.00', amount: '10.00' },
  })
  expect(at.counter.acquirer.order('P1')).toMatchObject({ state: 'Approved', parts: { cashback: 3_00n } })
})

it('a card that does not hand out cash says so at the chip: service not allowed', async () => {
  const at = await bench({ family: 'qpos' }, { card: 'mir' })
  const result = await at.pay({ interfaces: ['chip'] }, withParts(goods(), { cashback: 3_00n }))
  expect(result).toMatchObject({ result: 'declined', reason: 'offlineDeclined', receipt: { cashback: '3.00' } })
  expect(at.seen).toEqual([])
  expect(Number.parseInt(result.receipt.tvr!.slice(2, 4), 16) & 0x10).toBe(0x10)
})

describe('the rule of 3000.00 looks at what the card signs, whatever its parts', () => {
  const around = fc.constantFrom(2_999_99n, 3_000_00n, 3_000_01n, 1_500_00n, 4_500_00n)
  const cut = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 4, maxLength: 4 })
  it.each(['chip', 'tap'] as const)(
    'by %s',
    async through => {
      const at = await bench({ family: 'qpos' }, { card: 'mir-cashback', present: through === 'tap' ? 'tap' : 'dip' })
      let first = true
      await fc.assert(
        fc.asyncProperty(around, cut, async (total, [tip, surcharge, cashback]) => {
          const part = (share: number) => (total * BigInt(share)) / 100n
          const parts = { tip: part(tip), surcharge: part(surcharge), ...(through === 'chip' && { cashback: part(cashback) }) }
          const order = withParts({ ...goods(total - partsSum(parts), `N${Math.random()}`.slice(0, 12)) }, parts)
          expect([order.amount, goodsOf(order)]).toEqual([total, total - partsSum(parts)])
          if (!first) await at.next({ card: 'mir-cashback', present: through === 'tap' ? 'tap' : 'dip' })
          first = false
          const result = await at.pay({ interfaces: [through] }, order)
          expect(result.result).toBe('approved')
          expect(fromBcd(result.outcome.tags.get(0x9f02)!)).toBe(total)
          if (through === 'tap' || total >= 3_000_00n) expect(result.cvm === 'none').toBe(total < 3_000_00n)
        }),
        { numRuns: 12, seed: 3000 },
      )
    },
    300_000,
  )
})

describe('in ISO 8583', () => {
  const some = fc.option(fc.bigInt({ min: 1n, max: 99_999_999n }), { nil: undefined })
  const partsOf = (parts: { [name in keyof AmountParts]: bigint | undefined }) =>
    Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as AmountParts

  it('every set of parts comes back from fields 54 and 28', () => {
    fc.assert(
      fc.property(fc.record({ cashback: some, tip: some, surcharge: some }), given => {
        const parts = partsOf(given)
        const fields: IsoFields = new Map()
        setAmountParts(fields, parts, 643)
        const back = amountPartsOf(fields.get(54) as string | undefined, fields.get(28) as string | undefined)
        expect(back ?? {}).toEqual(parts)
      }),
    )
  })

  it('what others put there is passed over', () => {
    expect(amountPartsOf('0001643C000000001000' + '1040643D000000000300', 'C00000020')).toEqual({ cashback: 3_00n })
    fc.assert(fc.property(fc.string({ maxLength: 120 }), fc.string({ maxLength: 9 }), (one, other) => void amountPartsOf(one, other)))
  })

  it('a surcharge that field 28 cannot hold is told', () => {
    expect(() => setAmountParts(new Map(), { surcharge: 100_000_000n }, 643)).toThrowError(/field 28/)
  })

  it.each(Object.keys(isoDialects) as (keyof typeof isoDialects)[])('%s: as other banks have it, and out of our own fields', async name => {
    const dialect = isoDialect(name)
    const message = await cardMessage('k1', { type: 'cashback' })
    const order = withParts({ ...message.order, amount: 2489_30n }, all)
    const sent = { ...message, amount: order.amount, order }
    const fields = authorisationFields(sent, dialect)
    expect(fields.get(3)).toBe('090000')
    expect(fields.get(54)).toBe('0040643D0000000003000044643D000000000050')
    expect(fields.get(28)).toBe('D00000020')
    const got = authorisationOf({ type: '0200', fields: new Map([...fields, [7, '0101000000'], [11, '000001']]) }, dialect, new Date())
    expect(got).toMatchObject({ type: 'cashback', amount: order.amount, order: { amount: order.amount, parts: all } })
    fields.set(54, '0040643D000000000400')
    if (dialect.own) expect(() => authorisationOf({ type: '0200', fields }, dialect)).toThrowError(/field 54/)
  })
})

it('in JSON: parts come back; cash that is not told, or parts of the whole, are refused', async () => {
  const message = await cardMessage('k2', { type: 'cashback' })
  const order = withParts({ ...message.order, amount: 2489_30n }, all)
  const json = encodeMessage({ ...message, amount: order.amount, order }) as { readonly [name: string]: object }
  expect(decodeMessage(json)).toMatchObject({ order: { parts: all } })
  const bad = (parts: object | undefined, path: string) =>
    expect(() => decodeMessage({ ...json, order: { ...json.order, parts } })).toThrowError(expect.objectContaining({ details: expect.objectContaining({ path }) })) // biome-ignore format: a row
  bad(undefined, 'order.parts.cashback')
  bad({ tip: '1' }, 'order.parts.cashback')
  bad({ cashback: '0' }, 'order.parts.cashback')
  bad({ cashback: `${order.amount}` }, 'order.parts')
  bad({ cashback: 1 }, 'order.parts.cashback')
})
