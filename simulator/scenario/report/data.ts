/** What a page of a report holds, beside its script: the run, and what became another since an earlier one. */

import type { Language } from '../../../src/messages/messages.ts'
import type { LineSaid } from '../../trace-view/said.ts'
import type { CaseStatus, RunReport } from '../result.ts'

/** One thing that differs between two runs of a case. */
export interface Change {
  /** `status`, `result`, `reason`, `cvm`, `interface`, `screens`, `payments`, or the tag of a data object in hex. */
  readonly what: string
  /** Left out where there was nothing. */
  readonly before?: string
  readonly now?: string
}

/** A case that is not as it was. */
export interface ChangedCase {
  /** Its place in `results` of the run; left out for one that is gone. */
  readonly at?: number
  readonly name: string
  readonly reader: string
  readonly card: string
  readonly kind: 'changed' | 'added' | 'gone'
  readonly before?: CaseStatus
  readonly now?: CaseStatus
  readonly changes: readonly Change[]
}

/** Two runs beside each other. */
export interface Comparison {
  /** When the earlier one began. */
  readonly started: string
  /** How many cases of both are the same. */
  readonly same: number
  readonly cases: readonly ChangedCase[]
  /** Tags whose values differ in every run by their nature, so that nothing is said of them. */
  readonly varies: readonly string[]
}

/** What the line says: places in `said` by case and event. */
export interface SaidOfLines {
  readonly said: readonly LineSaid[]
  readonly at: Readonly<Record<number, Readonly<Record<number, number>>>>
}

/** Everything that the page shows. */
export interface ReportData {
  readonly run: RunReport
  readonly lines: SaidOfLines
  readonly comparison?: Comparison
  /** The cases are traces alone: nothing was expected of them. */
  readonly traces?: boolean
  /** The language that the page opens in. */
  readonly language: Language
}
