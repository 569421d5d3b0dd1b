/** The payment system on a slip: by the application's AID, by its label where the AID has no name here, by the number of a stripe only. */

import { describe, expect, it } from 'vitest'
import { open } from '../../../devices/index.ts'
import { profiles, virtualConfig, virtualCounter } from '../../../simulator/world.ts'
import { fromHex, fromText } from '../../../src/bytes.ts'
import { currency } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { pay } from '../../../src/payment/pay/payment.ts'
import { makeReceipt, receiptLines } from '../../../src/payment/receipt/receipt.ts'

const merchant = { name: 'M', id: '1', terminal: '1' }
const order = { number: '1', amount: 100n, currency: currency('EUR') }

function card({ aid, label, pan = '4893490000000062', by = 'chip' as const }: Card) {
  const tags = new Map([[0x5a, fromHex(pan)], ...(label ? [[0x50, fromText(label)] as const] : [])])
  const application = aid || label ? { aid: fromHex(aid ?? ''), label: label ?? aid ?? '' } : undefined
  const outcome = { interface: by, cvm: 'none' as const, tags, ...(application && { application }) }
  const lines = receiptLines(makeReceipt({ merchant, order, result: 'approved', outcome, at: new Date(2026, 0, 1), signed: false }))
  return lines.filter(line => line.startsWith('Card:'))
}
interface Card {
  readonly aid?: string
  readonly label?: string
  readonly pan?: string
  readonly by?: 'chip' | 'tap' | 'swipe'
}

describe('Card: on a slip', () => {
  it.each([
    // Co-badged with Visa, and with a Visa number.
    ['A0000000421010', 'CB', 'CB'],
    ['A00000038410', 'eftpos SAV', 'EFTPOS'],
    ['A0000001211010', 'DANKORT', 'DANKORT'],
    ['A0000002771010', 'INTERAC', 'INTERAC'],
    ['A0000003591010028001', 'girocard', 'GIROCARD'],
    ['A0000006581010', 'MIR', 'MIR'],
    ['A0000000043060', 'Debit', 'MAESTRO'],
    ['A0000000041010', 'Credit', 'MASTERCARD'],
  ])('AID %s, label %s, a number that begins with 4: %s', (aid, label, scheme) => {
    for (const by of ['chip', 'tap'] as const) expect(card({ aid, label, by })).toEqual([`Card: ${scheme}`])
  })

  it('an AID without a name here is called what the card calls itself; one that says nothing has no line', () => {
    expect(card({ aid: 'A0000007271010', label: 'NAPAS' })).toEqual(['Card: NAPAS'])
    expect(card({ aid: 'A0000007271010' })).toEqual([])
    expect(card({ label: 'Belkart' })).toEqual(['Card: Belkart'])
    expect(card({})).toEqual([])
  })

  it('a stripe has no application: its number says it', () => {
    expect(card({ by: 'swipe' })).toEqual(['Card: VISA'])
    expect(card({ by: 'swipe', pan: '2200700000000004' })).toEqual(['Card: MIR'])
  })
})

it('a card of Cartes Bancaires with a Visa number, paid by chip', async () => {
  const config = virtualConfig()
  const [visa] = config.applications.filter(({ aid }) => aid[4] === 0x03)
  const cb = { ...visa, aid: fromHex('A0000000421010') }
  const [{ oda: _, ...own }] = profiles['visa-signature'].applications
  await using counter = await virtualCounter({
    config: { ...config, applications: [...config.applications, cb] },
    card: { ...profiles['visa-signature'], applications: [{ ...own, aid: 'A000000042 1010', label: 'CARTE BANCAIRE' }] },
    resultTime: 0,
  })
  const reader = await open(counter.link(), { family: 'qpos' })
  const result = await pay({ ...order, currency: currency('RUB') }, { reader, acquirer: httpAcquirer(counter.acquirer.url), merchant })
  await reader.close()
  expect(result.receipt).toMatchObject({ aid: 'A0000000421010', scheme: 'CB', pan: expect.stringMatching(/^4/) })
})
