/** Notifications of a till: what changed about an order while nobody was looking, as data and in the words of the mPOS guide (seed 002). */

import * as door from '../../door.ts'
import { hostMessage, type Language, shopMessage as message } from '../../messages/shop.ts'
import type { OrderState } from '../acquirer.ts'
import * as rules from '../rules.ts'
import type { Due } from '../steps.ts'

/** A field in which the host's order is not the till's. */
export interface Disagreement {
  /** Which. */
  readonly field: 'number' | 'amount' | 'currency' | 'state'
  /** The till's value, as text. */
  readonly ours: string
  /** The host's value, as text. */
  readonly host: string
}

/** What a till tells of: something about an order changed while nobody was looking. `noticeText` has the words. */
export type Notice = {
  /** The order's number. */
  readonly order: string
  /** Idempotency key of the payment or change it is about. */
  readonly key?: string
  /** When it happened. */
  readonly at: Date
} & (
  | {
      /** The order is in another state. */
      readonly type: 'state'
      /** The new one. */
      readonly state: OrderState
    }
  | {
      /** Paid offline, and now at the host. */
      readonly type: 'synchronised'
    }
  | {
      /** Cash, and now in the host's cash register. */
      readonly type: 'fiscalised'
    }
  | {
      /** Cash was taken, and the host refuses to register it: somebody must look at it. */
      readonly type: 'refused'
      /** Response code; `hostMessage` has the words. */
      readonly code: string
    }
  | {
      /** The host's word on the order cannot be right, and was not taken over: somebody must look at it. */
      readonly type: 'discrepancy'
      /** In what they differ. */
      readonly field: Disagreement['field']
      /** The till's value. */
      readonly ours: string
      /** The host's value. */
      readonly host: string
    }
  | {
      /** A refund by card whose end was not known: the host has done it. */
      readonly type: 'refunded'
    }
  | {
      /** A refund by card whose end was not known: the host refuses it. */
      readonly type: 'refundDeclined'
    }
  | {
      /** The host has confirmed that an interrupted payment charges nothing. */
      readonly type: 'reversed'
    }
  | {
      /** A payment was interrupted before the host was asked. */
      readonly type: 'interrupted'
    }
  | {
      /** The host cannot be reached; it is tried again. */
      readonly type: 'waiting'
      /** What it has to confirm. */
      readonly due: Due
    }
)

/** As the app shows it. */
export function noticeText(notice: Notice, language: Language = 'en'): string {
  door.need('notice', notice, rules.noticeRule)
  const { order } = notice
  switch (notice.type) {
    case 'state':
      return message('notice.state', language, { order, state: notice.state })
    case 'refused':
      return message('notice.refused', language, { order, code: notice.code, reason: hostMessage(notice.code, language) })
    case 'discrepancy': {
      const { field, ours, host } = notice
      return message('notice.discrepancy', language, { order, field: message(`discrepancy.${field}`, language), ours, host })
    }
    case 'waiting':
      return message('notice.waiting', language, { order })
    default:
      return message(`notice.${notice.type}`, language, { order })
  }
}
