/** The slips of an order that a till has looked after: as they would have been, with what the host has said since. */

import { formatAmount } from '../../currency.ts'
import type { Entry, OrderRecord } from '../journal/journal.ts'
import { moneyOf } from '../journal/money.ts'
import type { Ending } from '../journal/recorder.ts'
import { makePlainReceipt, makeReceipt, type Receipt, slipDate } from '../receipt/receipt.ts'

/** The slip of a change of what is held, where that was the last that was done: more held, or the amount that is charged in the end. */
export function changeReceipt(order: OrderRecord): Receipt | undefined {
  const deeds = order.entries.filter(({ kind, change }) => kind !== 'cancellation' && (kind !== 'confirmation' || change?.final))
  const last = deeds.at(-1)
  const paid = order.entries.findLast(({ kind, result }) => kind === 'payment' && result === 'approved')
  if (!last?.result || !paid?.receipt || (last.kind !== 'increment' && last.kind !== 'confirmation')) return undefined
  const { rrn, authorisationCode, code } = last.answer?.response ?? {}
  const amount = last.answer?.about?.amount ?? last.change?.amount
  const { held } = moneyOf(order)
  const { purchase: _p, tip: _t, surcharge: _s, cashback: _c, ...base } = paid.receipt
  return {
    ...base,
    type: last.kind === 'increment' ? 'increment' : 'completion',
    result: last.result,
    amount: formatAmount(amount ?? 0n, order.currency),
    ...(last.kind === 'increment' && { held: formatAmount(held, order.currency) }),
    date: slipDate(last.at),
    ...(code && { responseCode: code }),
    ...(rrn && { rrn }),
    ...(authorisationCode && { authorisationCode }),
    signatureLine: false,
  }
}

/** The slip as it would have been, with what the host says now. */
export function receiptOf(entry: Entry, order: OrderRecord, { result, answer }: Omit<Ending, 'receipt'>): Receipt {
  const response = (answer ?? entry.answer)?.response
  if (entry.method === 'cash' || entry.method === 'sbp') {
    const base = entry.receipt ?? makePlainReceipt({ order, merchant: entry.merchant, at: entry.at }, entry.method, result, entry.received)
    return { ...base, result, ...(response?.rrn && { rrn: response.rrn }) }
  }
  const blank = { tags: new Map() }
  const { merchant, at, type, amount } = entry
  const base = entry.receipt ?? makeReceipt({ merchant, order, ...(type && { type }), amount, result, outcome: blank, at, signed: true })
  const { code, rrn, authorisationCode } = response ?? {}
  const part = result === 'approved' ? answer?.approvedAmount : undefined
  return {
    ...base,
    result,
    ...(part !== undefined && { amount: formatAmount(part, order.currency) }),
    ...(code && { responseCode: code }),
    ...(rrn && { rrn }),
    ...(authorisationCode && { authorisationCode }),
    signatureLine: base.signatureLine && result === 'approved',
  }
}
