/** The optional trace a kernel fills while it runs: which rule, on which bytes, did what. */

/** The EMV step an entry belongs to, in the order of EMV 4.4 Book 3, figure 7. */
export const steps = [
  'selection',
  'initiation',
  'records',
  'dataAuthentication',
  'restrictions',
  'cardholderVerification',
  'riskManagement',
  'terminalActionAnalysis',
  'cardActionAnalysis',
  'online',
  'issuerAuthentication',
  'scripts',
  'completion',
] as const

/** One of `steps`. */
export type Step = (typeof steps)[number]

/** One rule that was applied. */
export interface Explanation {
  /** The step that it belongs to. */
  readonly step: Step
  /** The rule with its paragraph: `Book 3, 10.6.1: amount not below the floor limit`. */
  readonly rule: string
  /** Inputs by tag. The kernel masks what is secret before it gets here. */
  readonly inputs: ReadonlyMap<number, Uint8Array>
  /** What it did: TVR/TSI bits by name, CVM results, a decision in words. */
  readonly effect: readonly string[]
}

/** Hears each rule as it is applied; it must not throw. */
export type Explain = (entry: Explanation) => void
