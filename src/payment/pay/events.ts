/** What a payment tells the app while it runs. */

import type { ReaderEvent } from '../../reader/reader.ts'

/** What happens in a payment, in the order in which it happens: for the screen of whoever takes the money. */
export type PaymentEvent =
  | {
      readonly type: 'stage'
      /**
       * What is done now: the reader is looked at, a card asked for, a signature taken, the host asked, asked again, an approval taken
       * back, or an offline payment told.
       */
      readonly stage: 'preflight' | 'card' | 'signature' | 'authorising' | 'reconciling' | 'reversing' | 'advising'
    }
  | { readonly type: 'reader'; readonly event: ReaderEvent }
  /** The reader pays, and should be updated when there is time: its firmware is older than `newer`, or says only `unread`, which cannot be compared with it. */
  | { readonly type: 'firmware'; readonly newer: string; readonly unread?: string }
  /** The chip could not be read, and the payment goes on: the card is asked for again, `left` more times after this, or for what stands in for its chip. */
  | { readonly type: 'fallback'; readonly ask: 'chip' | 'swipe' | 'tap'; readonly left: number }
  /** A payment system was asked for (`PayOptions.application`), and the list has these. Without `chosen` none of them is that one: nothing is charged. */
  | { readonly type: 'application'; readonly wanted: string; readonly offered: readonly string[]; readonly chosen?: string }
  /** Reader, card or stripe would pay with `paid`, or with what nobody tells: nothing is charged. */
  | { readonly type: 'otherApplication'; readonly wanted: string; readonly paid?: string }
  /** The host has answered; the card may still decline. */
  | { readonly type: 'host'; readonly result: 'approved' | 'declined' | 'referral' | 'noAnswer' | 'unreachable'; readonly code?: string }
