/** What a virtual card remembers between powered sessions: counters, PIN, blocks, and the records that scripts may change. */

import type { ApplicationImage, CardImage } from './personalize.ts'

export interface ApplicationMemory {
  readonly image: ApplicationImage
  /** Records as they are now: UPDATE RECORD changes them. */
  readonly records: Map<string, Uint8Array>
  /** Application Transaction Counter (9F36) and Last Online ATC Register (9F13). */
  atc: number
  lastOnlineAtc: number
  blocked: boolean
  /** Offline approvals since the last online one, and their sum in minor units. */
  consecutiveOffline: number
  cumulativeOffline: number
  /** The card's limits, [first, last]: PUT DATA changes them. */
  consecutiveLimits: [number, number]
  cumulativeLimits: [number, number]
  /** An ARQC was given and no second GENERATE AC came. */
  onlineNotCompleted: boolean
  issuerAuthenticationFailed: boolean
  /** Issuer scripts of the latest transaction that had any. */
  scripts: { done: number; failed: boolean }
  /** Transactions, the latest first, each as the log format says. */
  log: Uint8Array[]
  /** The issuer asked for the next transaction to go online (Card Status Update). */
  goOnlineNext: boolean
}

export interface CardMemory {
  blocked: boolean
  pin: { digits: string; readonly tryLimit: number; triesLeft: number } | undefined
  readonly applications: readonly ApplicationMemory[]
}

export function freshMemory(image: CardImage): CardMemory {
  const { pin, blocked } = image.plan
  return {
    blocked,
    pin: pin && { digits: pin.digits, tryLimit: pin.tryLimit, triesLeft: pin.triesLeft ?? pin.tryLimit },
    applications: image.applications.map(one => ({
      image: one,
      records: new Map(one.records),
      atc: one.plan.state.atc,
      lastOnlineAtc: one.plan.state.lastOnlineAtc,
      blocked: one.plan.state.blocked,
      consecutiveOffline: one.plan.state.consecutiveOffline,
      cumulativeOffline: one.plan.state.cumulativeOffline,
      consecutiveLimits: [...one.plan.risk.consecutiveOffline],
      cumulativeLimits: [...one.plan.risk.cumulativeOffline],
      onlineNotCompleted: false,
      issuerAuthenticationFailed: false,
      scripts: { done: 0, failed: false },
      goOnlineNext: false,
      log: [],
    })),
  }
}
