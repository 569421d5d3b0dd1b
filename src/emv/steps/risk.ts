/** Terminal risk management: exception file, floor limit, random selection, velocity (EMV 4.4 Book 3, 10.6). */

import { fromBcd, hex, uint } from '../../bytes.ts'
import { type RandomSelection, terminalKind } from '../config.ts'
import { isSet } from '../data.ts'
import type { Kernel, Stop } from './context.ts'
import { getData } from './get-data.ts'

/** Application Interchange Profile (82), byte 1 (EMV 4.4 Book 3, Annex C1). */
const RISK_MANAGEMENT_WANTED = { byte: 1, bit: 4 }

export async function manageRisk(kernel: Kernel): Promise<Stop | undefined> {
  kernel.step = 'riskManagement'
  const { data } = kernel
  // The merchant's wish and the exception file do not depend on what the card supports (Book 4, 6.3.5 and 6.5.3).
  if (kernel.transaction.forceOnline)
    kernel.raise('merchantForcedOnline', { rule: 'Book 4, 6.5.3: the merchant forces the transaction online' })
  lookUpExceptionFile(kernel, 'Book 4, 6.3.5: the card is on the exception file', [0x5a, 0x5f34])
  if (!isSet(data.get(0x82), RISK_MANAGEMENT_WANTED)) {
    kernel.note({ rule: 'Book 3, 10.6: the card does not ask for terminal risk management', inputs: [0x82] }, () => 'not performed')
    return undefined
  }
  if (!checkFloorLimit(kernel)) selectAtRandom(kernel, kernel.settings?.randomSelection, kernel.settings?.floorLimit)
  await checkVelocity(kernel)
  kernel.mark('terminalRiskManagementPerformed', { rule: 'Book 3, 10.6: terminal risk management was performed' })
  return undefined
}

/** Says in the TVR that the card is on the exception file, where it is. `rule`: whose it is that this is looked at. */
export function lookUpExceptionFile(kernel: Kernel, rule: string, inputs: readonly number[] = [0x5a]): void {
  if (kernel.exceptionFile?.(panOf(kernel), psnOf(kernel))) kernel.raise('cardOnExceptionFile', { rule, inputs })
}

/** The PAN's digits: from 5A, without padding. */
export function panOf({ data }: Pick<Kernel, 'data'>): string {
  return hex(data.get(0x5a) ?? new Uint8Array()).replace(/F+$/, '')
}

export function psnOf({ data }: Pick<Kernel, 'data'>): number | undefined {
  const psn = data.get(0x5f34)
  return psn && Number(fromBcd(psn))
}

/** 10.6.1, with the last logged transaction of the same card against split sales. Whether the limit is reached. */
function checkFloorLimit(kernel: Kernel): boolean {
  const { amount } = kernel.transaction
  const limit = kernel.settings?.floorLimit
  if (limit === undefined) {
    kernel.note({ rule: 'Book 3, 10.6.1: the configuration has no floor limit' }, () => 'not checked')
    return false
  }
  const earlier = kernel.log?.latest(panOf(kernel), psnOf(kernel))?.amount ?? 0n
  if (amount + earlier < limit) return false
  const split = amount < limit ? ' together with the transaction of this card in the log' : ''
  kernel.raise('floorLimitExceeded', { rule: `Book 3, 10.6.1: the amount is not below the floor limit${split}`, inputs: [0x9f02, 0x9f1b] })
  return true
}

/**
 * 10.6.2: below the threshold with the target percentage, from there to the floor limit with one that rises to the maximum. Nothing is selected without
 * settings or limit, nor by a terminal that cannot go online.
 */
export function selectAtRandom(kernel: Kernel, how: RandomSelection | undefined, limit: bigint | undefined): void {
  if (!how || limit === undefined || terminalKind(kernel.config.terminalType).online === 'offlineOnly') return
  const { amount } = kernel.transaction
  const number = randomPercent(kernel.random)
  const target = BigInt(how.targetPercentage)
  // Compared as fractions over (limit − threshold): no rounding. Below the threshold there is no bias.
  const span = limit - how.threshold
  const bias = amount < how.threshold ? 0n : (BigInt(how.maximumPercentage) - target) * (amount - how.threshold)
  const selected = span > 0n ? BigInt(number) * span <= target * span + bias : BigInt(number) <= target
  const rule = `Book 3, 10.6.2: random number ${number}, target ${how.targetPercentage} %, maximum ${how.maximumPercentage} %`
  if (selected) kernel.raise('randomlySelectedOnline', { rule, inputs: [0x9f02, 0x9f1b] })
  else kernel.note({ rule, inputs: [0x9f02, 0x9f1b] }, () => 'not selected')
}

/** Uniform in 1–99 (of 2³² values, the bias is 2 in 10⁸). */
function randomPercent(random: Kernel['random']): number {
  return (uint(random(4)) % 99) + 1
}

/** 10.6.3: only where the card has both limits (9F14, 9F23). A counter that the card does not tell counts as both limits exceeded. */
async function checkVelocity(kernel: Kernel): Promise<void> {
  const { data } = kernel
  const lower = data.card.get(0x9f14)
  const upper = data.card.get(0x9f23)
  if (!kernel.settings?.velocityChecking || !lower?.length || !upper?.length) return
  const atc = await getData(kernel, 0x9f36, 2)
  const last = await getData(kernel, 0x9f13, 2)
  const offline = atc && last ? uint(atc) - uint(last) : 0
  const inputs = [0x9f36, 0x9f13, 0x9f14, 0x9f23]
  const exceeds = (limit: number) => offline <= 0 || offline > limit
  const rule =
    !atc || !last
      ? 'a counter is not available'
      : offline <= 0
        ? 'ATC not above the last online ATC'
        : `${offline} transactions since the last online one`
  if (exceeds(lower[0])) kernel.raise('lowerConsecutiveLimitExceeded', { rule: `Book 3, 10.6.3: ${rule}`, inputs })
  if (exceeds(upper[0])) kernel.raise('upperConsecutiveLimitExceeded', { rule: `Book 3, 10.6.3: ${rule}`, inputs })
  if (last && uint(last) === 0) kernel.raise('newCard', { rule: 'Book 3, 10.6.3: the card was never online', inputs: [0x9f13] })
}
