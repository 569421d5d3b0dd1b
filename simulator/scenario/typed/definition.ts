/** A scenario as people write it in TypeScript: the named shape of what a scenario file may say, so that an editor completes it. */

import type { HostRule } from '../../acquirer/host-rule.ts'
import type { Presentation } from '../../readers/body/cardholder.ts'
import type {
  Language,
  ScenarioApp,
  ScenarioCard,
  ScenarioHost,
  ScenarioPerson,
  ScenarioReader,
  ScenarioReaderName,
  ScenarioTerminal,
} from './counter.ts'
import type { ScenarioFault, ScenarioScreenRule } from './deeds.ts'
import type { ScenarioExpect } from './expect.ts'
import type { ScenarioStep } from './steps.ts'
import type { OneOrMore, ScenarioAmount } from './words.ts'

/** What a scenario says but for its name and its axes: what a value of an axis or a variant changes, too. */
export interface ScenarioPatch {
  /** For people. */
  about?: string | undefined
  /** What `--tags` selects by. */
  tags?: string[] | undefined
  /** It is not run; the reason. */
  skip?: string | undefined
  /** Of what is random; made of the run's and the name when left out. */
  seed?: number | undefined
  /** Milliseconds of the counter's clock that it may take; an hour when left out. */
  timeout?: number | undefined
  /** With a reader that is there: the address of a robot that is asked for each deed, in place of a person. */
  hands?: string | undefined
  /** Of the reader's display. */
  language?: Language | undefined
  /** A virtual reader by its name or in full; `qpos` when left out. By URI or labels: where the command's `--reader` says. */
  reader?:
    | ScenarioReaderName
    | ScenarioReader
    | {
        /** A reader that is there. */
        uri: string
      }
    | {
        /** Of a pool. */
        labels: string[]
      }
    | undefined
  /** What is paid with; `mir-maestro` when left out. */
  card?: ScenarioCard | undefined
  /** `nobody` comes, what they do in one word, or in full; a dip when left out. */
  person?: 'nobody' | Presentation | ScenarioPerson | undefined
  /** A queue, instead of card and person: each payment is the next one's. */
  people?:
    | {
        /** What they pay with. */
        card?: ScenarioCard | undefined
        /** What they do. */
        person?: 'nobody' | Presentation | ScenarioPerson | undefined
      }[]
    | undefined
  /** Changes of the terminal. */
  terminal?: ScenarioTerminal | undefined
  /** Rules of the host, or the host in full. */
  host?: HostRule[] | ScenarioHost | undefined
  /** What the app does. */
  app?: ScenarioApp | undefined
  /** Of each payment; 2500.00 when left out. */
  amount?: ScenarioAmount | undefined
  /** ISO 4217; `RUB` when left out. */
  currency?: string | undefined
  /** What goes wrong, and when. */
  faults?: ScenarioFault[] | undefined
  /** When the display says X, press Y. */
  screen?: ScenarioScreenRule[] | undefined
  /** One after another; one payment when left out. */
  steps?: ScenarioStep[] | undefined
  /** What must be true in the end, of the last payment. */
  expect?: ScenarioExpect | undefined
}

/**
 * Who is at the counter, what is done, what goes wrong, and what must be true in the end: the same as a scenario file says, field by field.
 *
 * @example
 * ```ts
 * import { type Scenario, runScenario } from 'tapdip/simulator'
 *
 * const torn: Scenario = {
 *   name: 'The card is pulled after its cryptogram left, and nothing stays charged',
 *   card: 'mir',
 *   faults: [{ at: 'cryptogram', do: 'pull' }],
 *   expect: { result: ['cancelled', 'declined'], reversal: 'done', order: { charged: '0.00' } },
 * }
 * console.log((await runScenario(torn)).status) // passed
 * ```
 */
export interface Scenario extends ScenarioPatch {
  /** A sentence that says what is true when it passes. */
  name: string
  /** Nothing else of a suite is run while this is there; the reason. */
  only?: string | undefined
  /** Axes: a case for each combination of their values. A list has values of the field that the axis is named after, an object a name for each change. */
  matrix?: Readonly<Record<string, (string | number | boolean)[] | Readonly<Record<string, ScenarioPatch>>>> | undefined
  /** What is different in the cases that have these values of axes. */
  variants?:
    | (ScenarioPatch & {
        /** Axes with the values that are meant. */
        where: Readonly<Record<string, OneOrMore<string | number | boolean>>>
      })[]
    | undefined
}
