/** Dynamic reader limits: which set a card's Application Program ID chooses, and pre-processing by it (EMV Contactless Book C-3, 5.2.2). */

import { startsWith } from '../../bytes.ts'
import type { Combination, PreProcessed } from './combination.ts'
import { preProcess } from './combination.ts'
import type { KernelActivation } from './entry.ts'

/** One set; a limit left out is switched off. */
export interface LimitSet
  extends Pick<Combination, 'statusCheck' | 'zeroAmountAllowed' | 'transactionLimit' | 'floorLimit' | 'cvmRequiredLimit'> {
  /** Application Program ID, 1–16 bytes. */
  readonly programId: Uint8Array
}

/** The set for a card's program ID (9F5A): the same one, else the longest that begins it; none where the card or the reader has none. */
export function chooseLimitSet(sets: readonly LimitSet[] | undefined, programId: Uint8Array | undefined): LimitSet | undefined {
  if (!sets || !programId) return undefined
  return sets
    .filter(set => startsWith(programId, set.programId))
    .reduce<LimitSet | undefined>((best, set) => (best && best.programId.length >= set.programId.length ? best : set), undefined)
}

/** Pre-processing once more with the chosen set in place of the combination's limits; undefined where no set is chosen. */
export function limitsFor(
  sets: readonly LimitSet[] | undefined,
  programId: Uint8Array | undefined,
  { prepared, transaction }: Pick<KernelActivation, 'prepared' | 'transaction'>,
): PreProcessed | undefined {
  const set = chooseLimitSet(sets, programId)
  if (!set) return undefined
  const { aid, kernel, ttq, types, extendedSelection } = prepared.combination
  return preProcess({ ...set, aid, kernel, ttq, types, extendedSelection }, transaction.amount, transaction.currency)
}
