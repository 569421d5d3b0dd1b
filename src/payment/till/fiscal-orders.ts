/** The fiscal receipts of an order: the host's documents, put together with what the till knows. */

import { isFault } from '../../errors.ts'
import type { OrderAcquirer } from '../acquirer.ts'
import type { OrderRecord } from '../journal/journal.ts'
import { type FiscalReceipt, type FiscalShop, makeFiscalReceipt } from '../receipt/fiscal.ts'
import { lastPayment } from './screen.ts'

/**
 * Oldest first. Where the host has made none yet, or cannot be reached, one without marks, which says so. `acquirer`: not asked when left out.
 * @throws Fault `aborted`
 */
export async function fiscalReceipts(
  order: OrderRecord,
  {
    acquirer,
    shop,
    signal,
  }: { readonly acquirer?: Pick<OrderAcquirer, 'order'>; readonly shop?: FiscalShop; readonly signal?: AbortSignal } = {},
): Promise<readonly FiscalReceipt[]> {
  const payment = lastPayment(order)
  const facts = {
    order,
    merchant: order.merchant,
    at: payment?.at ?? order.createdAt,
    form: payment?.method === 'cash' ? ('cash' as const) : ('cashless' as const),
    ...(payment?.received !== undefined && { received: payment.received }),
    ...(shop && { shop }),
  }
  const marks = acquirer ? await documents(acquirer, order, signal) : []
  if (marks.length === 0) return [makeFiscalReceipt(facts)]
  return marks.map((mark, index) => makeFiscalReceipt({ ...facts, mark, before: marks.slice(0, index) }))
}

async function documents(acquirer: Pick<OrderAcquirer, 'order'>, { merchant, number }: OrderRecord, signal: AbortSignal | undefined) {
  try {
    return (await acquirer.order(merchant, number, signal ? { signal } : {}))?.fiscal ?? []
  } catch (error) {
    if (isFault(error, 'host-unreachable', 'host-no-answer', 'host-error')) return []
    throw error
  }
}
