/** What an observer may see of the host's work, with PANs masked and PINs left out; and each event as a line for a console. */

import { currency, formatAmount } from '../../src/currency.ts'
import type { HostState, OrderState } from '../../src/payment/acquirer.ts'
import type { ChangeKind } from './changes.ts'
import type { Check } from './issuer/verdict.ts'

export type HostEvent =
  | {
      readonly type: 'authorisation' | 'advice'
      readonly key: string
      readonly order: string
      readonly amount: bigint
      readonly currency: string
      /** First six and last four digits. */
      readonly pan: string
      /** `unknown`: the reader did not tell. */
      readonly interface: string
      readonly cvm: string
      readonly arqc: Check
      readonly pin: Check
      /** Of a contactless stripe: CVC3 or dCVV. */
      readonly stripeCode?: Check
      /** Application Transaction Counter (9F36), where the message has one. */
      readonly atc?: number
      readonly code: string
      readonly reason: string
    }
  | {
      readonly type: ChangeKind
      readonly key: string
      readonly order: string
      readonly amount: bigint
      readonly currency: string
      /** Kinds of its transactions: `reversal`, `refund`, `capture`. */
      readonly how: string
      readonly code: string
      readonly reason: string
      readonly state: OrderState
    }
  | {
      readonly type: 'cash'
      readonly key: string
      readonly order: string
      readonly merchant: string
      readonly amount: bigint
      readonly currency: string
      /** When it took place. */
      readonly at: Date
      readonly code: string
      readonly reason: string
      /** Number of its fiscal document. */
      readonly document?: number
    }
  | {
      readonly type: 'qr'
      readonly key: string
      readonly order: string
      readonly amount: bigint
      readonly currency: string
      /** Empty while it waits. */
      readonly code: string
      readonly reason: string
    }
  | { readonly type: 'qrPaid'; readonly key: string; readonly order: string; readonly amount: bigint; readonly currency: string }
  | { readonly type: 'repeat' | 'status'; readonly key: string; readonly state: HostState }
  | { readonly type: 'order'; readonly order: string; readonly state: OrderState | 'unknown' }
  | { readonly type: 'reversal'; readonly key: string; readonly why: string; readonly charged: boolean }
  | { readonly type: 'dropped'; readonly key: string; readonly what: 'request' | 'answer' }
  | { readonly type: 'refused'; readonly status: number; readonly why: string }

/** An event as one line for a console. */
export function hostEventLine(event: HostEvent): string {
  switch (event.type) {
    case 'authorisation':
    case 'advice': {
      const { type, order, pan, amount, currency: alpha, interface: through, cvm, arqc, pin, stripeCode, code, reason } = event
      const what = `${order} ${pan} ${formatAmount(amount, currency(alpha))} ${alpha}`
      const proof = stripeCode ? `stripe code ${stripeCode}` : `ARQC ${arqc}`
      return `${type} ${what} (${through}, CVM ${cvm}): ${proof}, PIN ${pin}, ${code} ${reason}`
    }
    case 'increment':
    case 'confirmation':
    case 'cancellation': {
      const { type, order, amount, currency: alpha, how, code, reason, state } = event
      return `${type} ${order} ${formatAmount(amount, currency(alpha))} ${alpha} (${how}): ${code} ${reason}, the order is ${state}`
    }
    case 'cash': {
      const { order, amount, currency: alpha, at, code, reason, document } = event
      const made = document === undefined ? '' : `, fiscal document ${document}`
      return `cash ${order} ${formatAmount(amount, currency(alpha))} ${alpha} of ${at.toISOString()}: ${code} ${reason}${made}`
    }
    case 'qr':
    case 'qrPaid': {
      const { order, amount, currency: alpha } = event
      const what = event.type === 'qrPaid' ? 'paid by its customer' : [event.code, event.reason].filter(Boolean).join(' ')
      return `SBP ${order} ${formatAmount(amount, currency(alpha))} ${alpha}: ${what}`
    }
    case 'order':
      return `order ${event.order}: ${event.state}`
    case 'repeat':
    case 'status':
      return `${event.type} ${event.key}: ${event.state}`
    case 'reversal':
      return `reversal ${event.key} (${event.why}): ${event.charged ? 'money given back' : 'nothing was charged'}`
    case 'dropped':
      return `dropped the ${event.what} of ${event.key}`
    case 'refused':
      return `refused (${event.status}): ${event.why}`
  }
}
