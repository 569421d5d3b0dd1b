/** A scenario in TypeScript: what goes wrong, and when. */

import type { Stage } from '../../../src/payment/steps.ts'
import type { Key } from '../../readers/body/senses.ts'
import type { ScenarioCard } from './counter.ts'
import type { OneOrMore, OrText, PaymentStage, ReaderText } from './words.ts'

/** A moment at which something goes wrong. */
export type ScenarioMoment =
  | 'card'
  | 'list'
  | 'pin'
  | 'cryptogram'
  | 'answer'
  | 'end'
  | {
      /** While the n-th command since the card was presented is under way. */
      apdu: number
    }
  | {
      /** While the n-th record is read. */
      record: number
    }
  | {
      /** A message of the display, a part of a line, or `/a regular expression/`. */
      screen: OrText<ReaderText>
    }
  | {
      /** When so many digits of a PIN are typed. */
      digits: number
    }
  | {
      /** When the payment comes to this stage. */
      stage: PaymentStage
    }
  | {
      /** At so many percent of an update. */
      update: number
    }
  | {
      /** So many milliseconds after the step began. */
      after: number
    }
  | {
      /** Before this step of a payment is written down. */
      journal: Stage
    }

/** What is done at a moment. */
export type ScenarioDeed =
  | 'pull'
  | 'cancel'
  | 'abort'
  | 'cut'
  | 'rival'
  | 'kill'
  | 'diskFull'
  | 'powerOff'
  | 'tamper'
  | {
      /** Keys of the keypad. */
      press: OneOrMore<Key>
    }
  | {
      /** As at `tapdip-sim serve`: `battery 0`, `silent on`. */
      knob: string
    }
  | {
      /** It cannot be reached, or again. */
      host: 'gone' | 'back'
    }
  | {
      /** Another card, into the slot. */
      insert: ScenarioCard
    }
  | {
      /** Another card, to the antenna. */
      tap: ScenarioCard
    }
  | {
      /** Another card, through the reader. */
      swipe: ScenarioCard
    }

/** Something that goes wrong: at a moment that is named, or at one that the seed draws. */
export type ScenarioFault =
  | {
      /** When. */
      at: ScenarioMoment
      /** What. */
      do: OneOrMore<ScenarioDeed>
      /** How often; once when left out. */
      times?: number | undefined
      /** In this step only, from 0; in any when left out. */
      step?: number | undefined
      /** Not before the moment has come so often; the first time when left out. */
      nth?: number | undefined
    }
  | {
      /** One of these, at a moment that the seed chooses. */
      seeded: ('pull' | 'cancel' | 'abort' | 'cut' | 'powerOff' | 'hostGone' | 'silent')[]
      /** How many are drawn; one when left out. */
      count?: number | undefined
    }

/** When the display says something, keys are pressed, or something is done: one of them. */
export interface ScenarioScreenRule {
  /** An id of a message, a part of a line, or `/a regular expression/`. */
  says: OrText<ReaderText>
  /** Keys that are pressed then. */
  press?: OneOrMore<Key> | undefined
  /** Or what is done then. */
  do?: OneOrMore<ScenarioDeed> | undefined
  /** Milliseconds later. */
  after?: number | undefined
  /** How often; each time when left out. */
  times?: number | undefined
}
