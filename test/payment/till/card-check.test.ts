/** A card check asks the bank with an amount of 0: it sells and books nothing, over both clients and every family; a sale of 0 is refused at the door. */

import { describe, expect, it } from 'vitest'
import { loadCard } from '../../../simulator/cards/icc.ts'
import { hex } from '../../../src/bytes.ts'
import { TTQ } from '../../../src/emv/contactless/combination.ts'
import { isSet } from '../../../src/emv/data.ts'
import { isoDialect, isoDialects } from '../../../src/payment/host/iso8583/dialect.ts'
import { authorisationFields, authorisationOf } from '../../../src/payment/host/iso8583/messages.ts'
import { decodeMessage, encodeMessage } from '../../../src/payment/host/wire.ts'
import { type PayOptions, pay } from '../../../src/payment/pay/payment.ts'
import { slipRows } from '../../../src/payment/receipt/print.ts'
import { resultLines } from '../../../src/payment/till/screen.ts'
import { CounterReader } from '../../devices/counter-reader.ts'
import { bench, named } from '../../devices/family-bench.ts'
import { full, lyingShop, merchant, offlineCard, protocols, RUB } from '../../hostile/host-bench.ts'
import { cardMessage } from '../host/host-bench.ts'

const card = loadCard('visa-signature')
const reader = () => new CounterReader({ card })
const check = { number: 'C1', currency: RUB }

describe.each(protocols)('over %s', protocol => {
  it('the slip says so, the bank was asked, nothing is booked, and nothing can be taken back, given back or confirmed', async () => {
    const shop = await lyingShop(protocol)
    const result = await shop.till.checkCard(check, { reader: reader() })
    expect(result).toMatchObject({ result: 'approved', type: 'check', responseCode: '00', receipt: { type: 'check', amount: '0.00' } })
    expect([hex(result.outcome.tags.get(0x9f02)!), hex(result.outcome.tags.get(0x9c)!)]).toEqual(['000000000000', '00'])
    for (const [language, words] of [['en', ['CARD CHECK', 'APPROVED']], ['ru', ['ПРОВЕРКА КАРТЫ', 'ОДОБРЕНО']]] as const) // biome-ignore format: a row
      for (const copy of ['merchant', 'customer'] as const) {
        const lines = slipRows(shop.till.receipt('C1'), language, copy).flatMap(row => ('text' in row ? [row.text] : []))
        expect(lines).toEqual(expect.arrayContaining([...words]))
        expect(lines.join()).not.toMatch(/PAID|ОПЛАЧЕН/)
      }
    expect(shop.seen).toMatchObject([{ type: 'authorisation', code: '00', amount: 0n }])
    expect(shop.till.orders()).toMatchObject([
      { state: 'In Process', amount: 0n, entries: [{ kind: 'check', type: 'check', result: 'approved', open: false }] },
    ])
    expect(resultLines(shop.till.orders()[0], 'ru')).toEqual(
      expect.arrayContaining(['Операция: ПРОВЕРКА КАРТЫ', 'Статус заказа: Карта проверена']),
    )
    expect(await shop.acquirer.order(merchant, 'C1')).toMatchObject({ charged: 0n, held: 0n, cancelled: 0n, fiscal: [] })
    for (const deed of ['cancel', 'refund', 'confirm'] as const)
      expect(await shop.till[deed]('C1')).toMatchObject({ result: 'declined', answer: { response: { code: '12' } } })
    for (const deed of ['cancel', 'confirm'] as const)
      expect(await shop.acquirer[deed]({ key: deed, merchant, number: 'C1', at: new Date() })).toMatchObject({ state: 'declined' })
    await shop.acquirer.reverse(result.key, 'cancelled')
    expect(shop.balance()).toBe(full)
    expect(shop.till.standing('C1')).toBeUndefined()
    // A sale of the same number is one.
    expect(await shop.pay({ number: 'C1', amount: 5_00n }, { reader: reader() })).toMatchObject({
      result: 'approved',
      order: { state: 'Approved', amount: 5_00n },
    })
    expect(await shop.pay({ number: 'C1', amount: 5_00n }, { reader: reader() })).toMatchObject({ result: 'already-paid' })
    expect(shop.balance()).toBe(full - 5_00n)
  })

  it('a refusal, a silent bank and one that is away: never a good card', async () => {
    const refusing = await lyingShop(protocol, { rules: [{ do: 'decline', code: '41', reason: 'lost' }] })
    expect(await refusing.till.checkCard(check, { reader: reader() })).toMatchObject({ result: 'declined', responseCode: '41' })
    const silent = await lyingShop(protocol, { rules: [{ do: 'dropAnswer', on: ['authorisation'], times: 1 }, { do: 'dropRequest', on: ['status', 'reversal'], times: 9 }] }) // biome-ignore format: a row
    const hung = await silent.till.checkCard(check, { reader: reader(), statusTime: 50, reversalTime: 50 })
    expect(hung.result).not.toBe('approved')
    for (let round = 0; round < 40 && silent.till.orders()[0].entries.some(({ open }) => open); round++) await silent.till.recover()
    expect(silent.till.orders()[0].entries).toMatchObject([{ kind: 'check', open: false }])
    expect(silent.balance()).toBe(full)
    const offline = await lyingShop(protocol)
    const device = new CounterReader({ card: loadCard(offlineCard), offline: true })
    expect(await offline.till.checkCard(check, { reader: device })).toMatchObject({ result: 'declined', reason: 'unableToGoOnline' })
    expect(offline.seen).toEqual([])
  })
})

it.each<readonly [string, bigint, Partial<PayOptions>, string]>([
  ['a sale of 0', 0n, {}, 'order.amount'],
  ['a refund of 0', 0n, { type: 'refund' }, 'order.amount'],
  ['a check of something', 1n, { type: 'check' }, 'order.amount'],
  ['a check with a tip', 0n, { type: 'check', tip: 1n }, 'tip'],
  ['a check that holds', 0n, { type: 'check', hold: true }, 'hold'],
  ['a check of a part', 0n, { type: 'check', partial: true }, 'partial'],
])('%s is refused, and no card is asked for', async (_, amount, options, field) => {
  const { acquirer, journal, till } = await lyingShop('http')
  const device = reader()
  await expect(pay({ ...check, amount }, { reader: device, acquirer, merchant, journal, ...options })).rejects.toMatchObject({
    code: 'bad-argument',
    details: { field },
  })
  expect([device.transactions, till.orders()]).toEqual([0, []])
})

describe.each(named)('%s', (_, row) => {
  it.each(['chip', 'tap'] as const)('a card is checked by %s, online, or the family refuses it by name', async through => {
    const at = await bench(row, { card: 'mir', present: through === 'tap' ? 'tap' : 'dip' })
    const asked = at.pay({ type: 'check', interfaces: [through] }, { ...check, amount: 0n })
    const result = await asked.catch(error => error as { code: string; message: string })
    if ('code' in result) {
      expect(result.code).toMatch(/unsupported|bad-argument/)
      expect(at.seen).toEqual([])
      return
    }
    expect(result).toMatchObject({ result: 'approved', interface: through, receipt: { type: 'check' } })
    expect(at.counter.acquirer.order('C1')).toMatchObject({ amount: 0n, state: 'In Process' })
    const ttq = result.outcome.tags.get(0x9f66)
    if (ttq) expect(isSet(ttq, TTQ.onlineCryptogramRequired)).toBe(true)
  })
})

describe('on the wire', () => {
  it.each(Object.keys(isoDialects) as (keyof typeof isoDialects)[])('ISO 8583 %s', async name => {
    const message = await cardMessage('k1')
    const sent = { ...message, type: 'check', amount: 0n, order: { ...message.order, amount: 0n } } as const
    const fields = authorisationFields(sent, isoDialect(name))
    expect([fields.get(3), fields.get(4), fields.get(25)]).toEqual(['000000', '000000000000', '51'])
    const got = authorisationOf({ type: '0100', fields: new Map([...fields, [7, '0101000000'], [11, '000001']]) }, isoDialect(name))
    expect(got).toMatchObject({ type: 'check', amount: 0n })
    expect(got.hold).toBeUndefined()
  })

  it('JSON: 0 is a check, and a check is 0', async () => {
    const message = await cardMessage('k1')
    const nothing = { ...message, amount: 0n, order: { ...message.order, amount: 0n } }
    expect(decodeMessage(encodeMessage({ ...nothing, type: 'check' }))).toMatchObject({ type: 'check' })
    expect(() => decodeMessage(encodeMessage(nothing))).toThrowError(/amount/)
    expect(() => decodeMessage(encodeMessage({ ...message, type: 'check' }))).toThrowError(/amount/)
  })
})
