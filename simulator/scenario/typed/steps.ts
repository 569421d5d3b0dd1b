/** A scenario in TypeScript: what is done. */

import type { Presentation } from '../../readers/body/cardholder.ts'
import type { ScenarioCard, ScenarioPerson } from './counter.ts'
import type { ScenarioDeed } from './deeds.ts'
import type { ScenarioExpect } from './expect.ts'
import type { OneOrMore, ScenarioAmount } from './words.ts'

/** A payment. */
export interface ScenarioPayment {
  /** Instead of the scenario's. */
  amount?: ScenarioAmount | undefined
  /** Number of the order; a new one when left out. */
  order?: string | undefined
  /** By card when left out. */
  by?: 'card' | 'cash' | 'sbp' | undefined
  /** A purchase when left out. */
  type?: 'purchase' | 'cash' | 'cashback' | 'refund' | 'check' | undefined
  /** The payment system that is to be paid with. */
  application?: string | undefined
  /** How a card may be read. */
  interfaces?: ('chip' | 'tap' | 'swipe')[] | undefined
  /** Payment systems that the merchant prefers, best first. */
  prefer?: string[] | undefined
  /** Milliseconds that a card is waited for; as the reader waits when left out. */
  waitTime?: number | undefined
  /** Paid out beside the purchase. */
  cashback?: ScenarioAmount | undefined
  /** On top of the amount. */
  tip?: ScenarioAmount | undefined
  /** On top of the amount. */
  surcharge?: ScenarioAmount | undefined
  /** Two-stage: held until it is confirmed. */
  hold?: boolean | undefined
  /** An approval of a part is taken. */
  partial?: boolean | undefined
  /** The card is asked to go online. */
  forceOnline?: boolean | undefined
  /** When a chip cannot be read: what may stand in, after how many tries, and beginnings of PANs whose stripe may not. */
  fallback?:
    | {
        /** What may stand in. */
        to?: ('swipe' | 'tap')[] | undefined
        /** How often the chip is tried. */
        tries?: number | undefined
        /** Beginnings of PANs. */
        notFor?: string[] | undefined
      }
    | undefined
  /** The next person comes, with this card. */
  card?: ScenarioCard | undefined
  /** The next person comes, and does this. */
  person?: 'nobody' | Presentation | ScenarioPerson | undefined
  /** What must be true after this step. */
  expect?: ScenarioExpect | undefined
}

export interface ScenarioPart {
  /** Number of the order; the last one when left out. */
  order?: string | undefined
  /** All of it when left out. */
  amount?: ScenarioAmount | undefined
  /** What must be true after this step. */
  expect?: ScenarioExpect | undefined
}

/** What is done; steps are taken one after another. */
export type ScenarioStep =
  | {
      /** A payment. */
      pay: ScenarioPayment
    }
  | {
      /** What was held is charged. */
      confirm: ScenarioPart & {
        /** Nothing more of it is charged later. */
        final?: boolean | undefined
      }
    }
  | {
      /** An order is cancelled. */
      cancel: ScenarioPart
    }
  | {
      /** Without the card. */
      refund: ScenarioPart
    }
  | {
      /** More is held. */
      increment: ScenarioPart
    }
  | {
      /** With the card. */
      refundByCard: ScenarioPart & {
        /** The next person comes, with this card. */
        card?: ScenarioCard | undefined
        /** The next person comes, and does this. */
        person?: 'nobody' | Presentation | ScenarioPerson | undefined
      }
    }
  | {
      /** What is open is brought to its end. */
      sync: {
        /** What must be true after this step. */
        expect?: ScenarioExpect | undefined
      }
    }
  | {
      /** Of the reader's firmware. */
      update: {
        /** Version of the image. */
        to: string
        /** Its signature is another's. */
        unsigned?: boolean | undefined
        /** An image of another family. */
        for?: string | undefined
        /** What must be true after this step. */
        expect?: ScenarioExpect | undefined
      }
    }
  | {
      /** Closed and begun anew; gone without a word; begun after that. */
      app: 'restart' | 'kill' | 'start'
    }
  | {
      /** As at `tapdip-sim serve`. */
      knob: string
    }
  | {
      /** What may go wrong, now. */
      do: OneOrMore<ScenarioDeed>
    }
  | {
      /** Milliseconds. */
      wait: number
    }
  | {
      /** The host's day is over. */
      settle: 'day'
    }
  | {
      /** The customer pays the QR code that is shown. */
      payQr: Readonly<Record<string, never>>
    }
