/** What a scenario of TypeScript is run with, and what it comes to. */

import type { Json, TraceEvent, TraceHeader, Tracer } from '../../../src/trace/event.ts'
import type { CaseStatus, ScenarioResult } from '../result.ts'
import type { Over } from '../words.ts'

/** How a scenario is run; everything may be left out. */
export interface RunScenarioOptions {
  /** The line on which the reader is opened, as `tapdip-sim test --over`: the counter is another process then, and time is real; in memory and on virtual time when left out. */
  readonly over?: Over
  /** Of the run, 0 to 4294967295: each case's own is made of it and its name; 1 when left out. */
  readonly seed?: number
  /** Milliseconds by the system's clock that a case may take; 60,000 when left out. */
  readonly limit?: number
  /** Ends it: the case that runs fails with `aborted`, those that were not begun are skipped. */
  readonly signal?: AbortSignal
  /** Hears what happens as it does, beside the trace of the result. */
  readonly tracer?: Tracer
}

/** One thing that did not hold. */
export interface ScenarioFailure {
  /** Which case, with the values of its axes. */
  readonly case: string
  /** Where it stands in the scenario: `expect.tags.95`, `steps.1.expect.result`; `(case)` for a fault that broke the case. */
  readonly path: string
  /** As the scenario says it. */
  readonly expected: Json
  /** What was. */
  readonly actual: Json
  /** Of a bit, which rule sets it, and which did; of a fault, what it says. */
  readonly explanation?: readonly string[]
}

/** What a scenario came to. */
export interface ScenarioRun {
  /** `failed` where one case did, `skipped` where no case was run. */
  readonly status: Exclude<CaseStatus, 'flaky'>
  /** Everything that did not hold, in the order of the cases: empty when it passed. */
  readonly failures: readonly ScenarioFailure[]
  /** Of the first case that failed, else of the first; left out where that was skipped. */
  readonly trace?: {
    /** What it is of. */
    readonly header: TraceHeader
    /** In their order. */
    readonly events: readonly TraceEvent[]
  }
  /** Each case with its screens, its slip, its steps and its trace; one where the scenario has no matrix. */
  readonly cases: readonly ScenarioResult[]
}
