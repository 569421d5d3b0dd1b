/** A payment of a V5 reader as its host hears of it: status notifications, the list of applications, the ARQC, the stripe. */

import {
  decodeHostAnswer,
  encodeBatch,
  encodeSelection,
  encodeStatus,
  encodeSwipe,
  selectionStatus,
  type V5Reply,
  type V5Start,
  v5Codes,
  v5Events,
  v5Extended,
  v5Progress,
} from '../../../../devices/magtek/codec.ts'
import type { AuthorisationResponse, Candidate } from '../../../../src/emv/terminal.ts'
import type { Fault } from '../../../../src/errors.ts'
import type { Firmware } from '../../firmware.ts'
import { type PaymentEnd, statusOf, type Teller } from '../payment.ts'
import { answerTo, hostWord, type PaymentJob } from '../question.ts'
import { swipeReport, wrap } from '../seal.ts'
import { progressOf, type V5Ending } from './words.ts'

/** A payment under way, and when it began by the reader's clock. */
export interface V5Job extends PaymentJob<V5Start> {
  readonly began: number
}

/** What the dialogue works with. */
export interface V5Dialogue {
  readonly firmware: Firmware
  readonly serial: string
  readonly say: (reply: V5Reply) => void
  /** Milliseconds for the host's answer to an ARQC. */
  readonly responseTimeout: number
  readonly onFault: (fault: Fault) => void
}

/** Transaction status (0300). */
export function tell({ say }: V5Dialogue, event: number, progress: number, secondsLeft: number): void {
  say({ type: 'notification', id: 0x0300, data: encodeStatus({ event, secondsLeft, progress, more: new Uint8Array(2) }) })
}

const cardEvents = { inserted: v5Events.inserted, removed: v5Events.removed, tapped: v5Events.tapped, swiped: v5Events.swiped }

export function teller(dialogue: V5Dialogue, job: V5Job): Teller {
  const { firmware, serial, say } = dialogue
  const step = (event: number, progress: number) => {
    if (job.start.reporting > 0) tell(dialogue, event, progress, secondsLeft(dialogue, job))
  }
  return {
    card: event => {
      const powering = event === 'inserted' || event === 'tapped'
      tell(dialogue, cardEvents[event], powering ? v5Progress.poweringCard : v5Progress.none, secondsLeft(dialogue, job))
    },
    step: what => {
      if (what === 'waitingForCard') step(v5Events.progress, v5Progress.waitingForCard)
      else if (what === 'reading') step(v5Events.progress, v5Progress.selectingApplication)
      else if (what === 'choosing') step(v5Events.waitingForUser, v5Progress.waitingForApplication)
      else if (what === 'online') step(v5Events.progress, v5Progress.online)
    },
    select: (candidates, signal) => select(dialogue, job, candidates, signal),
    online: (by, { tags }, signal) => online(dialogue, job, wrap(firmware, serial, { by, tags }), signal),
    stripe: async (swipe, tracks, sealed) => {
      say({ type: 'swipe', report: encodeSwipe(swipeReport(serial, swipe, tracks, sealed)) })
      return undefined
    },
  }
}

/** Of the host's time for each thing; 0 where it gave no limit. */
function secondsLeft({ firmware: { clock } }: V5Dialogue, { start, began }: V5Job): number {
  if (start.timeout === 0) return 0
  return Math.max(0, Math.min(255, Math.ceil(start.timeout - (clock.now() - began) / 1000)))
}

/** The list goes to the host, with the seconds it has; while they run, the status tells how many are left. */
async function select(
  dialogue: V5Dialogue,
  job: V5Job,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const { clock } = dialogue.firmware
  const seconds = job.start.timeout || 255
  const items = candidates.map(({ label }) => label)
  const refuses = ([status, index]: Uint8Array) => {
    if (!(status <= selectionStatus.timedOut)) return v5Codes.badSelectionStatus
    return status === selectionStatus.completed && !(index < items.length) ? v5Codes.badSelection : undefined
  }
  const stopTelling = job.start.reporting === 2 ? tellLeft(dialogue, clock.now() + seconds * 1000) : () => {}
  try {
    const answered = answerTo(job, { id: v5Extended.selection, refuses }, { clock, signal, timeout: seconds * 1000 })
    const data = encodeSelection({ kind: 'application', secondsLeft: seconds, title: 'SELECT APPLICATION', items })
    dialogue.say({ type: 'notification', id: 0x0302, data })
    const [status, index] = await answered
    return status === selectionStatus.completed ? index : undefined
  } finally {
    stopTelling()
  }
}

/** Each second, until the function that is returned is called. @param end by the reader's clock */
function tellLeft(dialogue: V5Dialogue, end: number): () => void {
  const { clock } = dialogue.firmware
  let stop = () => {}
  const next = () => {
    stop = clock.timer(1000, () => {
      tell(dialogue, v5Events.waitingForUser, v5Progress.waitingForApplication, Math.ceil((end - clock.now()) / 1000))
      next()
    })
  }
  next()
  return () => stop()
}

/** The ARQC goes to the host. */
function online(dialogue: V5Dialogue, job: V5Job, data: Uint8Array, signal: AbortSignal): Promise<AuthorisationResponse> {
  const { clock } = dialogue.firmware
  const asked = answerTo(job, { id: v5Extended.onlineResponse }, { clock, signal, timeout: dialogue.responseTimeout })
  dialogue.say({ type: 'notification', id: 0x0303, data })
  if (job.start.reporting > 0) tell(dialogue, v5Events.progress, v5Progress.waitingForResponse, 0)
  return hostWord(asked, decodeHostAnswer, { signal, onFault: dialogue.onFault })
}

export function endingOf({ firmware, serial }: V5Dialogue, end: PaymentEnd): V5Ending {
  if (end.type === 'none')
    return end.why === 'timeout'
      ? { event: v5Events.timeout, progress: v5Progress.waitingForCard }
      : { event: v5Events.error, progress: v5Progress.waitingForCard } // the public tables have no word for it: see docs/devices/magtek.md
  if (end.type === 'stripe') return { event: v5Events.complete, progress: v5Progress.cancelledBySwipe }
  const { by, outcome } = end
  const progress = progressOf(outcome)
  // A card that did not come as far as a cryptogram has no batch; a cancellation that is not the card's own is a person who did nothing in time.
  const nobody = outcome.result === 'cancelled' && outcome.reason !== 'cardRemoved'
  if (!outcome.tags.has(0x9f27)) return { event: nobody ? v5Events.timeout : v5Events.error, progress }
  const blob = wrap(firmware, serial, { by, tags: outcome.tags, status: statusOf(outcome) })
  return { event: v5Events.complete, progress, batch: encodeBatch({ signature: outcome.cvm === 'signature' ? 1 : 0, blob }) }
}
