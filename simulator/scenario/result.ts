/** What a run of scenarios tells: each case with what was expected, what was, its trace and its screens; all of it is JSON, and nothing in it is secret. */

import type { Json, TraceEvent, TraceHeader } from '../../src/trace/event.ts'

/** How a case ended. `flaky`: it failed, and passed when it was tried again. */
export type CaseStatus = 'passed' | 'failed' | 'skipped' | 'flaky'

/** One thing that was expected. */
export interface Expectation {
  /** Where it stands in the scenario: `expect.tags.95`, `expect.bits.0`, `steps.1.expect.result`. */
  readonly path: string
  /** As the scenario says it. */
  readonly expected: Json
  /** What was; null where there was nothing. */
  readonly actual: Json
  /** Whether it held. */
  readonly passed: boolean
  /** Lines that help where it did not hold: of a bit, which rule sets it, and which did. */
  readonly explanation?: readonly string[]
}

/** What the display showed. */
export interface SeenScreen {
  /** Milliseconds since the case began. */
  readonly at: number
  /** Its id in the table of messages; left out for text that the host sent. */
  readonly message?: string
  /** From the top. */
  readonly lines: readonly string[]
}

/** A fault that a step ended with, or that the case broke with. */
export interface SeenFault {
  /** As `FaultCode`. */
  readonly code: string
  /** In English. */
  readonly message: string
  /** Names and values of it. */
  readonly details: Json
}

/** What one step came to. */
export interface StepResult {
  /** `pay`, `refund`, `update`, …. */
  readonly step: string
  /** `paymentJson` of a payment with its receipt, else what the step tells; left out where a fault ended it. */
  readonly result?: Json
  /** The slip, where there is one. */
  readonly receipt?: Json
  /** What it was ended by. */
  readonly fault?: SeenFault
  /** As the command line would exit with it: `EXIT`; left out where the app was killed, which exits with nothing of its own. */
  readonly exit?: number
}

/** One case: a scenario with one value of each axis of its matrix, at one reader. */
export interface ScenarioResult {
  /** The scenario's, with the values of its matrix: `tap from the limit on [qpos, 3000.00]`. */
  readonly name: string
  /** The file that it is written in; left out for one that is written in TypeScript. */
  readonly file?: string
  /** Where in the file it begins, from 1. */
  readonly line?: number
  /** As written. */
  readonly tags: readonly string[]
  /** Names of the axes with the value that this case has. */
  readonly matrix: Readonly<Record<string, string>>
  /** `qpos`, `magtek mms`, or the URI of a real reader. */
  readonly reader: string
  /** Name of the first card's profile. */
  readonly card: string
  /** How it ended. */
  readonly status: CaseStatus
  /** Why it was skipped, or the first thing that did not hold, in a line. */
  readonly reason?: string
  /** Milliseconds by the system's clock. */
  readonly duration: number
  /** Milliseconds by the clock of the counter; as `duration` where that is the system's. */
  readonly virtualDuration: number
  /** How often it was tried. */
  readonly attempts: number
  /** Of what is random in it. */
  readonly seed: number
  /** In the order in which they were looked at. */
  readonly expectations: readonly Expectation[]
  /** What happened; left out of a case that was skipped. */
  readonly trace?: {
    /** What it is of. */
    readonly header: TraceHeader
    /** In their order. */
    readonly events: readonly TraceEvent[]
  }
  /** Oldest first. */
  readonly screens: readonly SeenScreen[]
  /** In their order. */
  readonly steps: readonly StepResult[]
  /** The last slip. */
  readonly receipt?: Json
  /** `paymentJson` of the last payment. */
  readonly result?: Json
  /** What broke the case: not an ending that the scenario could expect. */
  readonly fault?: SeenFault
}

/** A run: what is written as a `json` report, and what reports of shards are merged into. */
export interface RunReport {
  /** Always `run`. */
  readonly tapdip: 'run'
  /** Version of this format. */
  readonly format: 1
  /** What was run, for people: `scenarios`. */
  readonly suite: string
  /** The run's own: each case has one that is made of it and its name. */
  readonly seed: number
  /** When it began: ISO 8601. */
  readonly started: string
  /** Milliseconds by the system's clock; of reports that were merged, the longest. */
  readonly duration: number
  /** Which part of the suite this is, `2/3`; left out where it is all of it. */
  readonly shard?: string
  /** What it was run with. */
  readonly versions: { readonly tapdip: string; readonly node: string; readonly platform: string }
  /** In the order of the files. */
  readonly results: readonly ScenarioResult[]
}

/** How many cases ended so. */
export function countOf(report: Pick<RunReport, 'results'>, ...statuses: readonly CaseStatus[]): number {
  return report.results.filter(({ status }) => statuses.includes(status)).length
}
