/** Payments without a card: cash that has been taken, and QR codes of the SBP, which the customer's bank pays. */

import type { CashSale, HostAnswer, Sale, SbpCode } from '../../../src/payment/acquirer.ts'
import type { Found } from '../book.ts'
import { sbpPayload, sbpReference } from '../sbp.ts'
import type { Turn } from './line.ts'
import type { Merchants } from './merchants.ts'
import type { Records } from './records.ts'
import { Refusal } from './reply.ts'

export interface SalesDesk {
  readonly records: Records
  readonly merchants: Merchants
}

/** @throws Refusal 409 when the key belongs to another payment */
export async function registerCash({ records, merchants }: SalesDesk, sale: CashSale, { rules, wait }: Turn): Promise<HostAnswer> {
  const { key, amount, order, merchant, at } = sale
  const { book } = records
  await wait()
  const booked = { ...sale, currency: order.currency }
  const repeated = records.repeated(key, booked)
  if (repeated) return records.named(key, repeated)
  const refused = rules.find(one => one.do === 'decline') ?? merchants.refuse(sale)
  const found = book.begin(booked, 'cash', { at })
  const { code, reason } = refused ?? { code: '00', reason: 'registered' }
  const answer = book.finish(found, {
    state: refused ? 'declined' : 'approved',
    reason,
    response: { type: refused ? 'declined' : 'approved', code, rrn: book.rrn(at) },
  })
  records.keep({ order: found.order, keys: [key] })
  const facts = { key, order: order.number, merchant: merchant.id, amount, currency: order.currency.alpha, at }
  records.hear({ type: 'cash', ...facts, code, reason, ...(found.operation.fiscal && { document: found.operation.fiscal.document }) })
  return records.named(key, answer)
}

/** @throws Refusal 409 when the key belongs to another payment */
export async function requestQr({ records, merchants }: SalesDesk, sale: Sale, { rules, wait }: Turn): Promise<SbpCode> {
  const { key, amount, order } = sale
  const { book } = records
  await wait()
  const asked = { ...sale, currency: order.currency }
  const codeOf = (answer: HostAnswer): SbpCode => ({
    payload: answer.state !== 'inProcess' ? '' : sbpPayload(asked, answer.transaction ?? '', answer.billNumber ?? ''),
    expires: new Date(+(book.find(key)?.operation.at ?? records.now) + records.orderTime),
    answer: records.named(key, answer),
  })
  const repeated = records.repeated(key, asked)
  if (repeated) return codeOf(repeated.state === 'approved' ? { ...repeated, state: 'inProcess' } : repeated)
  const refused = rules.find(one => one.do === 'decline') ?? merchants.refuse(sale)
  const found = book.begin(asked, 'sbp', { at: records.now })
  if (refused) {
    const { code, reason } = refused
    book.finish(found, { state: 'declined', reason, response: { type: 'declined', code } })
  }
  records.keep({ order: found.order, keys: [key] })
  const facts = { key, order: order.number, amount, currency: order.currency.alpha }
  records.hear({ type: 'qr', ...facts, code: refused?.code ?? '', reason: refused?.reason ?? 'waiting for the customer' })
  return codeOf(found.transaction.answer)
}

/** @throws Refusal 404 for a code that is none of this host's, 409 where it cannot be paid (any more) */
export function payQr(records: Records, payload: string): HostAnswer {
  const { book } = records
  const found = ofCode(records, sbpReference(payload))
  const { order, operation, transaction } = found
  if (operation.state !== 'In Process') throw new Refusal(409, `the code cannot be paid: ${operation.state}`)
  const answer = book.finish(found, { state: 'approved', response: { type: 'approved', code: '00', rrn: book.rrn(records.now) } })
  records.keep({ order })
  records.hear({ type: 'qrPaid', key: transaction.key, order: order.number, amount: operation.amount, currency: order.currency.alpha })
  return records.named(transaction.key, answer)
}

function ofCode(records: Records, number: string | undefined): Found {
  for (const order of records.book.orders) {
    const operation = order.operations.find(({ transactions }) => transactions.some(one => one.number === number))
    if (!operation) continue
    records.expire(order)
    return { order, operation, transaction: operation.transactions[0] }
  }
  throw new Refusal(404, 'no such QR code')
}
