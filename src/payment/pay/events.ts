/** What a payment tells the app while it runs. */

import type { ReaderEvent } from '../../reader/reader.ts'

/** What happens in a payment, in the order in which it happens: for the screen of whoever takes the money. */
export type PaymentEvent =
  | {
      /** A step of the payment begins. */
      readonly type: 'stage'
      /**
       * The reader is looked at, a card asked for, a signature taken, the host asked, asked again, an approval taken back, or an offline
       * payment told.
       */
      readonly stage: 'preflight' | 'card' | 'signature' | 'authorising' | 'reconciling' | 'reversing' | 'advising'
    }
  | {
      /** Something happened in the reader. */
      readonly type: 'reader'
      /** What. */
      readonly event: ReaderEvent
    }
  | {
      /** The reader pays, and should be updated when there is time. */
      readonly type: 'firmware'
      /** The version that the app knows of. */
      readonly newer: string
      /** What the reader says, where that cannot be compared with it; left out: the reader’s is older. */
      readonly unread?: string
    }
  | {
      /** The chip could not be read, and the payment goes on. */
      readonly type: 'fallback'
      /** What is asked for now: the chip again, or what stands in for it. */
      readonly ask: 'chip' | 'swipe' | 'tap'
      /** How often the chip is asked for again after this. */
      readonly left: number
    }
  | {
      /** A payment system was asked for (`PayOptions.application`), and the card has a list. */
      readonly type: 'application'
      /** As it was asked for. */
      readonly wanted: string
      /** Labels of the list. */
      readonly offered: readonly string[]
      /** The one that is paid with. Left out: none of them is the one that was asked for, and nothing is charged. */
      readonly chosen?: string
    }
  | {
      /** Reader, card or stripe would pay with another payment system than the one that was asked for: nothing is charged. */
      readonly type: 'otherApplication'
      /** As it was asked for. */
      readonly wanted: string
      /** What it would be; left out where nobody tells. */
      readonly paid?: string
    }
  | {
      /** Nobody has presented a card in the time that the app gave (`PayOptions.waitTime`): the reader is told to stop, and the result follows. */
      readonly type: 'cardTimeout'
      /** Milliseconds. */
      readonly waited: number
    }
  | {
      /** The host has answered, or has not; the card may still decline. */
      readonly type: 'host'
      /** What it said. `unreachable`: it was certainly not asked. */
      readonly result: 'approved' | 'declined' | 'referral' | 'noAnswer' | 'unreachable'
      /** Response code (ISO 8583:1987, field 39), where it gave one. */
      readonly code?: string
    }
