/** "Approved" with a code that is none of an approval, and an approval of a part that nobody takes: by no family and no interface a payment. */

import { describe, expect, it } from 'vitest'
import { open } from '../../devices/index.ts'
import { type Counter, virtualCounter } from '../../simulator/world.ts'
import { currency } from '../../src/currency.ts'
import { russianContactless } from '../../src/emv/contactless/profiles.ts'
import type { Acquirer, HostAnswer } from '../../src/payment/acquirer.ts'
import { httpAcquirer } from '../../src/payment/host/http.ts'
import { type PaymentResult, pay } from '../../src/payment/pay/payment.ts'
import type { Reader } from '../../src/reader/reader.ts'

const merchant = { name: 'MobileTestMerchant', id: 'MTM', terminal: '63545902' }
const families = [
  { family: 'qpos' },
  { family: 'bluepad' },
  { family: 'miura' },
  { family: 'magtek', dialect: 'v5' },
  { family: 'magtek', dialect: 'mms' },
  { family: 'idtech' },
] as const
const ways = ['dip', 'tap', 'swipe'] as const
const cards = { dip: 'visa-signature', tap: 'visa-signature', swipe: 'stripe-only' } as const

type Lie = (answer: HostAnswer) => HostAnswer
const honest: Lie = answer => answer
const coded =
  (code: string): Lie =>
  answer =>
    answer.response?.type === 'approved' ? { ...answer, response: { ...answer.response, code } } : answer

async function paid(counter: Counter, reader: Reader, lie: Lie, number: string, how: (typeof ways)[number]): Promise<PaymentResult> {
  const real = httpAcquirer(counter.acquirer.url)
  const acquirer: Acquirer = {
    ...real,
    authorise: async (message, options) => lie(await real.authorise(message, options)),
    status: async (key, options) => lie(await real.status(key, options)),
  }
  counter.next({ card: cards[how], present: how })
  const order = { number, amount: 1000_00n, currency: currency('RUB') }
  return await pay(order, { reader, acquirer, merchant, statusTime: 500, reversalTime: 2000 })
}

describe.each(families)('$family $dialect', device => {
  it.each(ways)('by %s', async how => {
    await using counter = await virtualCounter({ ...device, balance: 5000_00n })
    const { family, dialect } = counter.reader
    await using reader = await open(counter.link(), { family, ...(dialect && { dialect }), contactless: russianContactless() })
    const left = () => counter.acquirer.orders.reduce((sum, { state }) => sum + (state === 'Approved' ? 1 : 0), 0)
    for (const [name, lie] of [
      ['05', coded('05')],
      ['51', coded('51')],
    ] as const) {
      expect((await paid(counter, reader, lie, name, how)).result).not.toBe('approved')
      expect(left()).toBe(0)
    }
    // A whole amount is what this app takes.
    const part: Lie = answer =>
      answer.response?.type === 'approved' ? { ...answer, approvedAmount: 1n, response: { ...answer.response, code: '10' } } : answer
    const partial = await paid(counter, reader, part, 'part', how)
    expect(partial).toMatchObject({ reason: 'partialApproval', reversal: 'done' })
    expect(partial.result).not.toBe('approved')
    expect(left()).toBe(0)
    expect((await paid(counter, reader, honest, 'honest', how)).result).toBe('approved')
    expect(left()).toBe(1)
  })
})
