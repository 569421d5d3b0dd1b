/** What an observer may see of the host's work, with PANs masked and PINs left out; and each event as a line for a console. */

import { currency, formatAmount } from '../../src/currency.ts'
import type { HostState, OrderState } from '../../src/payment/acquirer.ts'
import type { ChangeKind } from './changes.ts'
import type { Check } from './issuer/verdict.ts'

/** What an event about money tells of it. */
export interface MoneyFacts {
  /** The idempotency key of the message. */
  readonly key: string
  /** Number of the order. */
  readonly order: string
  /** Minor units. */
  readonly amount: bigint
  /** ISO 4217, three letters. */
  readonly currency: string
}

/** What the host has decided, and why. */
export interface DecisionFacts {
  /** ISO 8583:1987, field 39: two characters; empty while a QR code waits. */
  readonly code: string
  /** The host's sentence. */
  readonly reason: string
}

/** A payment by card was asked for (`authorisation`), or told of after it took place without the host (`advice`). */
export interface CardEvent extends MoneyFacts, DecisionFacts {
  /** Which of the two. */
  readonly type: 'authorisation' | 'advice'
  /** First six and last four digits; `none` where the message has no card number that the host can read. */
  readonly pan: string
  /** `unknown`: the reader did not tell. */
  readonly interface: string
  /** How the cardholder was verified; `unknown` where nothing tells it. */
  readonly cvm: string
  /** The chip's cryptogram. */
  readonly arqc: Check
  /** The online PIN. */
  readonly pin: Check
  /** Of a contactless stripe: CVC3 or dCVV. */
  readonly stripeCode?: Check
  /** Application Transaction Counter (9F36), where the message has one. */
  readonly atc?: number
}

/** An order was raised, confirmed or cancelled. */
export interface ChangeEvent extends MoneyFacts, DecisionFacts {
  /** Which of them. */
  readonly type: ChangeKind
  /** Kinds of its transactions: `reversal`, `refund`, `capture`. */
  readonly how: string
  /** What the order is now. */
  readonly state: OrderState
}

/** A cash sale was registered. */
export interface CashEvent extends MoneyFacts, DecisionFacts {
  /** Always `cash`. */
  readonly type: 'cash'
  /** Identifier of the merchant. */
  readonly merchant: string
  /** When it took place. */
  readonly at: Date
  /** Number of its fiscal document. */
  readonly document?: number
}

/** A QR code of the SBP was asked for. */
export interface QrEvent extends MoneyFacts, DecisionFacts {
  /** Always `qr`. */
  readonly type: 'qr'
}

/** The customer's bank has paid a QR code. */
export interface QrPaidEvent extends MoneyFacts {
  /** Always `qrPaid`. */
  readonly type: 'qrPaid'
}

/** A key was seen again, or the state of a payment was asked for. */
export interface KeyEvent {
  /** Which of the two. */
  readonly type: 'repeat' | 'status'
  /** The idempotency key. */
  readonly key: string
  /** What the payment with it is now. */
  readonly state: HostState
}

/** An order was asked for. */
export interface OrderEvent {
  /** Always `order`. */
  readonly type: 'order'
  /** Its number. */
  readonly order: string
  /** `unknown`: there is none. */
  readonly state: OrderState | 'unknown'
}

/** A payment was undone as a whole. */
export interface ReversalEvent {
  /** Always `reversal`. */
  readonly type: 'reversal'
  /** Of the payment. */
  readonly key: string
  /** The terminal's reason. */
  readonly why: string
  /** There was money, and it was given back. */
  readonly charged: boolean
}

/** A rule has cut the line. */
export interface DroppedEvent {
  /** Always `dropped`. */
  readonly type: 'dropped'
  /** Of the payment, or the number of an order that was asked for. */
  readonly key: string
  /** What was lost: with the request nothing is charged, with the answer it may be. */
  readonly what: 'request' | 'answer'
}

/** A message was not taken. */
export interface RefusedEvent {
  /** Always `refused`. */
  readonly type: 'refused'
  /** As of HTTP. */
  readonly status: number
  /** What is wrong with it. */
  readonly why: string
}

/** What an observer hears of the host's work, with PANs masked and PINs left out. */
export type HostEvent =
  | CardEvent
  | ChangeEvent
  | CashEvent
  | QrEvent
  | QrPaidEvent
  | KeyEvent
  | OrderEvent
  | ReversalEvent
  | DroppedEvent
  | RefusedEvent

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
