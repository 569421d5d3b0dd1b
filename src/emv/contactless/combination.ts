/** Reader combinations of AID, kernel and transaction type, and what pre-processing makes of them (EMV Contactless Book A, 5; Book B, 3.1). */

import { hex } from '../../bytes.ts'
import type { Currency } from '../../currency.ts'
import { Fault } from '../../errors.ts'
import { type Bit, isSet, withBit } from '../data.ts'
import type { TransactionType } from '../terminal.ts'
import { type ContactlessOutcome, UI } from './outcome.ts'

/** Terminal Transaction Qualifiers (9F66), as far as Entry Point reads and writes them. */
export const TTQ = {
  magstripeMode: { byte: 1, bit: 8 },
  emvMode: { byte: 1, bit: 6 },
  contactChip: { byte: 1, bit: 5 },
  offlineOnly: { byte: 1, bit: 4 },
  onlinePin: { byte: 1, bit: 3 },
  signature: { byte: 1, bit: 2 },
  odaForOnline: { byte: 1, bit: 1 },
  onlineCryptogramRequired: { byte: 2, bit: 8 },
  cvmRequired: { byte: 2, bit: 7 },
  contactOfflinePin: { byte: 2, bit: 6 },
  issuerUpdate: { byte: 3, bit: 8 },
  consumerDeviceCvm: { byte: 3, bit: 7 },
} as const satisfies Record<string, Bit>

/** A figure left out is one that the configuration does not have: its rule is then not applied. Amounts are minor units. */
export interface Combination {
  readonly aid: Uint8Array
  /** Kernel identifier: one byte, or three and more of a domestic kernel (Book B, table 3-6). */
  readonly kernel: Uint8Array
  /** All types when left out. */
  readonly types?: readonly TransactionType[]
  readonly statusCheck?: boolean
  readonly zeroAmountAllowed?: boolean
  /** From this amount on the application is not used contactless. */
  readonly transactionLimit?: bigint
  /** Above it an online cryptogram is asked for. */
  readonly floorLimit?: bigint
  /** 9F1B, used where there is no floor limit of the reader. */
  readonly terminalFloorLimit?: bigint
  /** From this amount on the cardholder is verified. */
  readonly cvmRequiredLimit?: bigint
  /** 9F66, 4 bytes. */
  readonly ttq?: Uint8Array
  readonly extendedSelection?: boolean
  /** The merchant's order: lower comes first, whatever the card's priority. Left out: the card decides. */
  readonly rank?: number
}

/** Entry Point Pre-Processing Indicators (Book B, table 3-1). */
export interface Indicators {
  readonly statusCheckRequested: boolean
  readonly notAllowed: boolean
  readonly zeroAmount: boolean
  readonly floorLimitExceeded: boolean
  readonly cvmLimitExceeded: boolean
}

export interface PreProcessed extends Indicators {
  readonly combination: Combination
  /** The copy of the TTQ that the kernel sends. */
  readonly ttq: Uint8Array | undefined
}

/** @throws Fault `bad-config` naming the combination, the field and the rule */
export function checkCombination(combination: Combination): Combination {
  const { aid, kernel, ttq } = combination
  const refuse = (rule: string) => {
    throw new Fault('bad-config', `combination ${hex(aid)}/${hex(kernel)}: ${rule}`, { path: `combination ${hex(aid)}` })
  }
  if (aid.length < 5 || aid.length > 16) refuse(`AID has ${aid.length} bytes, the rule is 5 to 16`)
  const domestic = kernel.length > 0 && kernel[0] >= 0x80
  if (domestic ? kernel.length < 3 || kernel.length > 8 : kernel.length !== 1 || kernel[0] === 0)
    refuse('kernel identifier is neither one byte 01 to 7F nor a domestic one of 3 to 8')
  if (ttq && ttq.length !== 4) refuse(`TTQ has ${ttq.length} bytes, the rule is 4`)
  for (const field of ['transactionLimit', 'floorLimit', 'terminalFloorLimit', 'cvmRequiredLimit'] as const) {
    const limit = combination[field]
    if (limit !== undefined && (limit < 0n || limit > 999_999_999_999n)) refuse(`${field} is ${limit}, the rule is n 12`)
  }
  return combination
}

/** Pre-processing of one combination (Book B, 3.1.1.1–3.1.1.12). */
export function preProcess(combination: Combination, amount: bigint, currency: Currency): PreProcessed {
  const { statusCheck, zeroAmountAllowed, transactionLimit, floorLimit, terminalFloorLimit, cvmRequiredLimit } = combination
  const statusCheckRequested = statusCheck === true && amount === 10n ** BigInt(currency.exponent)
  const zeroAmount = amount === 0n && zeroAmountAllowed !== false
  let notAllowed = amount === 0n && zeroAmountAllowed === false
  if (transactionLimit !== undefined && amount >= transactionLimit) notAllowed = true
  const floor = floorLimit ?? terminalFloorLimit
  const floorLimitExceeded = floor !== undefined && amount > floor
  const cvmLimitExceeded = cvmRequiredLimit !== undefined && amount >= cvmRequiredLimit
  let { ttq } = combination
  if (ttq) {
    const offlineOnly = isSet(ttq, TTQ.offlineOnly)
    if (zeroAmount && offlineOnly) notAllowed = true
    ttq = withBit(ttq, TTQ.onlineCryptogramRequired, floorLimitExceeded || statusCheckRequested || (zeroAmount && !offlineOnly))
    ttq = withBit(ttq, TTQ.cvmRequired, cvmLimitExceeded)
  }
  return { combination, ttq, statusCheckRequested, notAllowed, zeroAmount, floorLimitExceeded, cvmLimitExceeded }
}

/** What a combination is when the reader starts by itself, before an amount is known (Book B, 3.2.1.1): no indicator, the TTQ as configured. */
export function withoutPreProcessing(combination: Combination): PreProcessed {
  const indicators = {
    statusCheckRequested: false,
    notAllowed: false,
    zeroAmount: false,
    floorLimitExceeded: false,
    cvmLimitExceeded: false,
  }
  return { combination, ttq: combination.ttq, ...indicators }
}

/** No combination is left (3.1.1.13). */
export function nothingAllowed(alternateInterface: ContactlessOutcome['alternateInterface']): ContactlessOutcome {
  return {
    status: 'tryAnotherInterface',
    uiOnOutcome: { message: UI.insertOrSwipe, status: 'processingError' },
    ...(alternateInterface && { alternateInterface }),
    removalTimeout: 0,
  }
}
