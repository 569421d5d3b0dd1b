/** What the parts of a till work with: one journal, one host, one merchant, and whoever hears of what happens. */

import { type Clock, systemClock } from '../../clock.ts'
import * as door from '../../door.ts'
import { asFault, Fault } from '../../errors.ts'
import type { Tracer } from '../../trace/event.ts'
import type { Merchant, OrderAcquirer, RetailAcquirer } from '../acquirer.ts'
import type { Estimates } from '../estimates.ts'
import { agreeingTill } from '../host/agreement.ts'
import type { Journal, OrderRecord } from '../journal/journal.ts'
import type { Notice } from '../journal/notice.ts'
import { toldRecorder } from '../pay/traced.ts'
import { alreadyTold, toldAcquirer } from '../told.ts'
import type { Desk } from './due.ts'
import type { RefundRules } from './refund.ts'

/** What a till is made of. */
export interface TillOptions {
  /** The caller's, who closes it after the till. */
  readonly journal: Journal
  /** What it has of `RetailAcquirer` can be paid for so. */
  readonly acquirer: OrderAcquirer & Partial<RetailAcquirer>
  /** Who sells. */
  readonly merchant: Merchant
  /** Dates what is done and times the waits; the system's when left out. */
  readonly clock?: Clock
  /** Hears each change; a notice counts as told when this returns, and is told again after a crash before that. */
  readonly onNotice?: (notice: Notice) => void
  /** Hears of faults in the background: the journal cannot be written, or was sealed with another key. What is due is tried again. */
  readonly onFault?: (fault: Fault) => void
  /** What may be given back to a card where nothing was paid here; nothing when left out. */
  readonly refunds?: RefundRules
  /** Is told of requests to the host and their answers, steps of the journal, and of every payment. */
  readonly tracer?: Tracer
  /** What this merchant sells, where amounts are estimated first: what may be raised and charged over what is held. Nothing when left out. */
  readonly estimates?: Estimates
  /** Makes the idempotency keys of what says none of its own; random UUIDs when left out. */
  readonly newKey?: () => string
  /** Milliseconds for one attempt at what is due; 20 s when left out. */
  readonly attemptTime?: number
  /** Whether recovery, the last three days and all retries run by themselves from the start; true when left out. */
  readonly background?: boolean
}

/** What every part of a till is given. */
export interface TillDesk extends Desk {
  readonly merchant: Merchant
  readonly refunds: RefundRules | undefined
  readonly estimates: Estimates | undefined
  readonly newKey: () => string
  readonly tracer?: Tracer
  /** Discrepancies that were told: once each in this till's life, for every start compares again. */
  readonly discrepancies: Set<string>
  /** @throws Fault `not-found` */
  known(number: string): OrderRecord
  /** Hands on what the journal has to tell: each notice at least once, and told when the listener has returned. */
  tell(): void
  /** Something failed where nobody waits for it. */
  complain(error: unknown): void
  /** The background looks again at what is due. */
  wake(): void
}

/** The desk of a till with these options. */
export function tillDesk({ journal, merchant, onNotice, onFault, tracer, ...options }: TillOptions): TillDesk {
  const { clock = systemClock, attemptTime = 20_000, newKey = () => crypto.randomUUID() } = options
  const acquirer = agreeingTill(toldAcquirer(options.acquirer, tracer))
  return {
    ...{ merchant, clock, attemptTime, newKey, refunds: options.refunds, estimates: options.estimates },
    ...(tracer && { tracer }),
    journal: toldRecorder(journal, tracer),
    acquirer: tracer ? alreadyTold(acquirer) : acquirer,
    discrepancies: new Set(),
    known(number) {
      door.need('number', number, door.text(1, 32))
      const order = journal.order(merchant, number)
      if (!order) throw new Fault('not-found', `the journal has no order ${number}`, { order: number })
      return order
    },
    tell() {
      if (!onNotice) return
      for (const { id, notice } of journal.notices()) {
        uncaught(() => onNotice(notice)) // handed over, whatever the app makes of it
        journal.told(id)
      }
    },
    complain(error) {
      uncaught(() => onFault?.(asFault(error)))
    },
    wake() {},
  }
}

/** What a listener throws is the app's bug: it surfaces as uncaught, and what called it goes on. */
function uncaught(call: () => void): void {
  try {
    call()
  } catch (bug) {
    queueMicrotask(() => {
      throw bug
    })
  }
}
