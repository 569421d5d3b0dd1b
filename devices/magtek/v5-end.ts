/** How a payment on a V5 reader ends: by its last status and the batch, or cancelled. */

import { sleep } from '../../src/clock.ts'
import type { CardInterface, Outcome, Reason } from '../../src/emv/outcome.ts'
import type { Queue } from '../../src/queue.ts'
import { transactionStatus, type V5Reply, type V5Status, v5Codes, v5Events, v5Extended, v5Progress } from './codec.ts'
import { broken, type Counter, type Known, LAST_WORDS } from './known.ts'
import { type AskLimits, askExtended, type V5Line } from './v5-session.ts'

export interface V5Counter extends Counter {
  readonly line: V5Line
  /** What the reader says unasked, from before the start on. */
  readonly news: Queue<V5Reply>
  /** Milliseconds for each answer. */
  readonly timeout: number
  /** What the reader has. */
  readonly interfaces: readonly CardInterface[]
}

/** Between the batch and the last status, whichever comes first. */
export const BETWEEN = 1000

/** What has come of the end. */
export interface End {
  batch?: { readonly status: number | undefined }
  last?: V5Status
}

export function limitsOf({ timeout, signal }: V5Counter): AskLimits {
  return { timeout, signal }
}

/** How a last status without a batch is to be understood; where it names no reason, the card's data are at fault. */
const reasons: Readonly<Record<number, Reason>> = {
  [v5Progress.conditionsNotSatisfied]: 'notAccepted',
  [v5Progress.cardBlocked]: 'cardBlocked',
  [v5Progress.selectionFailed]: 'noApplication',
  [v5Progress.cardNotAccepted]: 'notAccepted',
  [v5Progress.emptyCandidateList]: 'noApplication',
  [v5Progress.applicationBlocked]: 'applicationBlocked',
  [v5Progress.tapSelectionFailed]: 'noApplication',
  [v5Progress.switchInterface]: 'tryAnotherInterface',
  [v5Progress.wrongCardType]: 'tryAnotherInterface',
  [v5Progress.poweringCard]: 'cardMute',
}

/** The batch decides; the status says why, and decides where no batch came. */
export async function endOf(known: Known, { batch, last }: End): Promise<Outcome> {
  const progress = last?.progress ?? v5Progress.none
  if (batch?.status === transactionStatus.accepted || (!batch && progress === v5Progress.approved)) return known.relay.approved()
  if (batch?.status === transactionStatus.declined || (!batch && progress === v5Progress.declined)) return known.relay.declined()
  if (batch?.status === transactionStatus.hostCancelled || last?.event === v5Events.hostCancelled)
    return broken(known, 'cancelled', 'merchantCancelled')
  if (last?.event === v5Events.timeout) {
    const choosing = progress === v5Progress.waitingForApplication || progress === v5Progress.waitingForLanguage
    return broken(known, 'cancelled', choosing ? 'cardholderCancelled' : 'cardTimeout')
  }
  if (known.relay.removed) return broken(known, 'cancelled', 'cardRemoved')
  // No word of the public tables says so: an error with no card there, while one is waited for, is somebody at the reader who wants none.
  if (last?.event === v5Events.error && progress === v5Progress.waitingForCard) return broken(known, 'cancelled', 'cardholderCancelled')
  const reason = reasons[progress] ?? 'cardError'
  return broken(known, 'declined', reason, reason === 'cardMute')
}

/** Cancels what the reader is doing, and waits until it says that it is over. Settles in any case; throws nothing. */
export async function cancelV5(counter: Pick<V5Counter, 'line' | 'news' | 'timeout' | 'clock'>): Promise<void> {
  const { line, timeout } = counter
  try {
    const { result } = await askExtended(line, v5Extended.cancel, new Uint8Array(0), { timeout })
    if (result === v5Codes.ok) await settle(counter)
  } catch {
    // A reader that does not answer, or is gone, is not waited for.
  }
}

/** Until the status that ends a transaction has come, and what follows it. */
export async function settle({ news, clock }: Pick<V5Counter, 'news' | 'clock'>): Promise<void> {
  const ends: readonly number[] = [v5Events.timeout, v5Events.complete, v5Events.hostCancelled, v5Events.error]
  const end = clock.now() + LAST_WORDS
  try {
    for (;;) {
      const reply = await news.next({ timeout: Math.max(1, end - clock.now()), clock, what: 'the end of a transaction' })
      if (reply?.type === 'notification' && reply.id === 0x0300 && ends.includes(reply.data[0])) break
    }
    await sleep(BETWEEN / 5, clock) // a batch may follow
  } catch {
    // It has said all that it will.
  }
  news.clear()
}
