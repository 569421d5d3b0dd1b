/** Money with 0, 2, 3 and 4 decimals, and more than roubles: a payment, a refund by card and their receipts, by chip and by tap, over every family. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AcquirerHost, profiles, startAcquirer } from '../../../simulator/world.ts'
import { currency, formatAmount } from '../../../src/currency.ts'
import { httpAcquirer } from '../../../src/payment/host/http.ts'
import { openJournal } from '../../../src/payment/journal/open.ts'
import { receiptLines } from '../../../src/payment/receipt/receipt.ts'
import { openTill } from '../../../src/payment/till/till.ts'
import { everyFamily, place } from '../../devices/families.ts'

const merchant = { name: 'MobileTestMerchant', id: '635459020000001', terminal: '63545902' }
/** Minor units that need all the decimals. */
const amounts = { JPY: 1999n, KWD: 1_999n, CLF: 1_9999n, AUD: 19_99n, CAD: 19_99n } as const
type Unit = keyof typeof amounts
const shown: Readonly<Record<Unit, string>> = { JPY: '1999 JPY', KWD: '1.999 KWD', CLF: '1.9999 CLF', AUD: '19.99 AUD', CAD: '19.99 CAD' }

let host: AcquirerHost
beforeAll(async () => {
  host = await startAcquirer()
})
afterAll(() => host.close())

describe.each(everyFamily)('$name', row => {
  it.each((Object.keys(amounts) as Unit[]).flatMap(unit => (['dip', 'tap'] as const).map(how => [unit, how] as const)))(
    '%s, %s',
    async (alpha, how) => {
      const [unit, amount] = [currency(alpha), amounts[alpha]]
      const folder = mkdtempSync(join(tmpdir(), 'tapdip-currencies-'))
      const journal = await openJournal(join(folder, 'journal.db'))
      const acquirer = httpAcquirer(host.url)
      const till = openTill({ journal, acquirer, merchant, background: false })
      const number = `${row.name.replace(/\W/g, '')}${alpha}${how}`
      const { pan } = profiles.mastercard
      const before = host.balance(pan)!
      const take = async <T>(work: (reader: Awaited<ReturnType<typeof place>>['reader']) => Promise<T>): Promise<T> => {
        const placed = await place(row, { currency: alpha, person: { card: 'mastercard', present: how } })
        try {
          return await work(placed.reader)
        } finally {
          await placed.close()
        }
      }
      try {
        const order = { number, amount, currency: unit }
        const paid = await take(reader => till.payOrder(order, { reader }))
        expect(paid.result).toBe('approved')
        expect(receiptLines(till.receipt(number)).join('\n')).toContain(shown[alpha])
        expect(formatAmount(amount, unit)).toBe(shown[alpha].split(' ')[0])
        expect(host.balance(pan)).toBe(before - amount)
        const back = await take(reader => till.refundByCard(order, { reader, amount: amount - 1n }))
        expect(back.result).toBe('approved')
        expect(receiptLines(back.payment!.receipt).join('\n')).toContain(`${formatAmount(amount - 1n, unit)} ${alpha}`)
        expect(host.balance(pan)).toBe(before - 1n)
      } finally {
        await till.close()
        await journal.close()
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})
