/** A scenario in TypeScript: what must be true. */

import type { TSI, TVR } from '../../../src/emv/data.ts'
import type { CvmName } from '../../../src/emv/outcome.ts'
import type { FaultCode } from '../../../src/errors.ts'
import type { operationTypes, orderStates } from '../../../src/payment/acquirer.ts'
import type { PaymentReason } from '../../../src/payment/journal/recorder.ts'
import type { HostQuestion, OneOrMore, OrText, PaymentStage, ReaderText, ScenarioAmount } from './words.ts'

export type Bit = `TVR.${keyof typeof TVR}` | `TSI.${keyof typeof TSI}`

/** What must be true: of the payment in the end, or after one step. A list is any of its values. */
export interface ScenarioExpect {
  /** How it ended; `in-process`, `already-paid`: the till pays nothing; `killed`: the app died; `done`: of `sync` and `update`. */
  result?: OneOrMore<'approved' | 'declined' | 'cancelled' | 'unknown' | 'in-process' | 'already-paid' | 'killed' | 'done'> | undefined
  /** Why it was not approved; `none`: there is no reason. */
  reason?: OneOrMore<PaymentReason | 'none'> | undefined
  /** The code of the Fault that it ended with instead. */
  fault?: OneOrMore<FaultCode | 'none'> | undefined
  /** As `tapdip pay` would exit; `none`: it was killed. */
  exit?: OneOrMore<number | 'none'> | undefined
  /** How the card was read. */
  interface?: OneOrMore<'chip' | 'tap' | 'swipe' | 'none'> | undefined
  /** How the cardholder was verified; `untold`: nobody tells. */
  cvm?: OneOrMore<CvmName | 'untold'> | undefined
  /** Label of the application that paid. */
  application?: OneOrMore<string> | undefined
  /** ISO 8583, field 39. */
  responseCode?: OneOrMore<string> | undefined
  /** How often the card was asked for. */
  attempts?: number | undefined
  /** The host was asked. */
  online?: boolean | undefined
  /** Whether an approval was taken back. */
  reversal?: 'done' | 'pending' | 'none' | undefined
  /** Whether an offline approval was told. */
  advice?: 'done' | 'pending' | 'none' | undefined
  /** Data objects by tag: whole, with `x` for any digit, or null for one that is not there. */
  tags?: Readonly<Record<string, string | null>> | undefined
  /** Bits of TVR and TSI: `TVR.expired`, `not TVR.3.8`. */
  bits?: OrText<Bit | `not ${Bit}`>[] | undefined
  /** These are shown, in this order; others may come between. */
  screens?: OrText<ReaderText>[] | undefined
  /** The payment comes to these, in this order. */
  stages?: PaymentStage[] | undefined
  /** Fields of the slip; `*` for anything. */
  receipt?: Readonly<Record<string, string | null>> | undefined
  /** What the host is asked, all of it, in this order. */
  host?: (HostQuestion | ScenarioHostQuestion)[] | undefined
  /** The order as the host has it in the end; null: it has none. */
  order?:
    | {
        /** How it stands. */
        state?: (typeof orderStates)[number] | undefined
        /** Reserved, and neither charged nor released. */
        held?: ScenarioAmount | undefined
        /** Taken from the account. */
        charged?: ScenarioAmount | undefined
        /** Released or given back. */
        cancelled?: ScenarioAmount | undefined
        /** What was done with it, oldest first. */
        operations?: (typeof operationTypes)[number][] | undefined
      }
    | null
    | undefined
  /** The order as the journal has it in the end: its state, how many entries are open, and each as `payment approved`. */
  journal?:
    | {
        /** How it stands. */
        state?: (typeof orderStates)[number] | undefined
        /** Entries that are not at their end. */
        open?: number | undefined
        /** Kind and result of each, oldest first. */
        entries?: string[] | undefined
      }
    | undefined
  /** The version that runs in the end. */
  firmware?: string | undefined
  /** Milliseconds of the counter's clock that it takes at most. */
  within?: number | undefined
  /** What must not appear. */
  never?:
    | {
        /** Not shown. */
        screens?: OrText<ReaderText>[] | undefined
        /** Not come to. */
        stages?: PaymentStage[] | undefined
        /** Not asked. */
        host?: HostQuestion[] | undefined
        /** In nothing that is shown, printed or traced. */
        text?: string[] | undefined
      }
    | undefined
}

/** One question to the host, by facts of it. */
export interface ScenarioHostQuestion {
  /** What is asked. */
  type: HostQuestion
  /** ISO 8583, field 39. */
  code?: string | undefined
  /** How the cardholder was verified. */
  cvm?: string | undefined
  /** How the card was read. */
  interface?: string | undefined
  /** What became of the cryptogram. */
  arqc?: string | undefined
  /** What became of the PIN. */
  pin?: string | undefined
  /** Of a reversal or a cancellation. */
  how?: string | undefined
  /** Of a reversal. */
  why?: string | undefined
  /** Whether anything is charged. */
  charged?: boolean | undefined
  /** Of the question. */
  amount?: ScenarioAmount | undefined
}
