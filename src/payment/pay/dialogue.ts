/** What one payment and the host know of each other: asked once, polled when silent, reversed when the card did not complete. */

import { type Clock, sleep, within } from '../../clock.ts'
import type { Outcome } from '../../emv/outcome.ts'
import type { AuthorisationResponse } from '../../emv/terminal.ts'
import { isFault, throwIfAborted } from '../../errors.ts'
import type { Acquirer, AuthorisationMessage, HostAnswer, ReversalReason } from '../acquirer.ts'
import { agreed, agreeing, askedBy, isContradiction, takeBack } from '../host/agreement.ts'
import type { Ended, PaymentReason, Pen } from '../journal/recorder.ts'
import type { PaymentEvent } from './events.ts'

/** How the host stands towards this payment, as far as we know. */
export interface HostRecord {
  /** `open`: it was asked, and what it did is not known. */
  readonly state: 'notAsked' | 'unreachable' | 'approved' | 'declined' | 'referral' | 'open'
  readonly message?: AuthorisationMessage
  readonly answer?: HostAnswer
  /** Of `open`: what the host said last contradicts itself or the question. It is not waited for any longer, and taken back. */
  readonly contradicted?: boolean
  /** The host approved a part, which the app does not take: taken back. */
  readonly part?: boolean
}

export interface Settled {
  readonly result: Outcome['result']
  readonly reason?: PaymentReason
  readonly answer?: HostAnswer
  readonly reversal?: 'done' | 'pending'
  readonly advice?: 'done' | 'pending'
}

export interface DialogueOptions {
  readonly acquirer: Acquirer
  readonly clock: Clock
  readonly statusTime: number
  readonly reversalTime: number
  readonly say: (event: PaymentEvent) => void
  readonly pen: Pen
}

/** Code 05, for the card only: the app does not take what the host has approved. */
const NOT_TAKEN = '05'
/** Milliseconds between two questions to a host that is slow: short at first. */
const pauses = [500, 1000, 2000, 4000]

export type HostDialogue = ReturnType<typeof hostDialogue>

export function hostDialogue({ acquirer: asked, clock, statusTime, reversalTime, say, pen }: DialogueOptions) {
  const acquirer = agreeing(asked)
  let record: HostRecord = { state: 'notAsked' }

  /** The final answer in what the host said, or undefined while it has none. @throws Fault `journal`: the card may not hear of it */
  async function take(message: AuthorisationMessage, answer: HostAnswer): Promise<AuthorisationResponse | undefined> {
    if (!answer.response || (answer.state !== 'approved' && answer.state !== 'declined' && answer.state !== 'referral')) return undefined
    const part = answer.approvedAmount !== undefined && !message.partial
    record = { state: answer.state, message, answer, ...(part && { part }) }
    await pen.write({ stage: 'answered', key: message.key, answer })
    say({ type: 'host', result: answer.state, code: answer.response.code })
    // Nobody here takes a part: the card hears a refusal, without the issuer's word, which is for the approval that is taken back.
    return part ? { type: 'declined', code: NOT_TAKEN } : answer.response
  }

  /** Repeats `attempt` with pauses until it gives something or the time is over. Faults of the host count as nothing. */
  async function persist<T>(time: number, signal: AbortSignal | undefined, attempt: (signal: AbortSignal) => Promise<T | undefined>) {
    try {
      return await within({ timeout: time, clock, ...(signal && { signal }), what: 'the host' }, async inner => {
        for (let round = 0; ; round++) {
          try {
            const found = await attempt(inner)
            if (found !== undefined) return found
          } catch (error) {
            if (!isFault(error, 'host-unreachable', 'host-no-answer', 'host-error')) throw error
          }
          await sleep(pauses[Math.min(round, pauses.length - 1)], clock, inner)
        }
      })
    } catch (error) {
      if (isFault(error, 'timeout')) return undefined
      throw error
    }
  }

  /** Asks a silent host what became of the payment. `unknown` is no answer: the request may still be on its way. */
  async function poll(message: AuthorisationMessage, signal: AbortSignal | undefined): Promise<AuthorisationResponse | undefined> {
    say({ type: 'stage', stage: 'reconciling' })
    const said = await persist(statusTime, signal, async inner => {
      try {
        return await take(message, agreed(await acquirer.status(message.key, { signal: inner }), askedBy(message)))
      } catch (error) {
        if (!isContradiction(error)) throw error
        record = { state: 'open', message, contradicted: true }
        return null // it has an answer, and none that can be believed
      }
    })
    return said ?? undefined
  }

  /** @param target what is reversed: the payment, or its advice under a key of its own */
  async function reverse(key: string, why: ReversalReason, target = key): Promise<'done' | 'pending'> {
    say({ type: 'stage', stage: 'reversing' })
    await pen.note({ stage: 'reversing', key, why, ...(target !== key && { target }) })
    const done = await persist(reversalTime, undefined, async signal => {
      await takeBack(acquirer, target, why, { signal, approved: target === key && record.state === 'approved' })
      return true
    })
    return done ? 'done' : 'pending'
  }

  /** Tells the host of what card and terminal approved without it; undone again where it can neither be told nor kept. */
  async function advise(key: string, message: AuthorisationMessage, answer: HostAnswer | undefined): Promise<Settled> {
    say({ type: 'stage', stage: 'advising' })
    try {
      await pen.write({ stage: 'advising', key, message })
    } catch (error) {
      if (isFault(error, 'journal')) return { result: 'cancelled', reason: 'journalFailed' }
      throw error
    }
    const told = await persist(reversalTime, undefined, async signal => {
      const said = await acquirer.advise(message, { signal })
      return said.state === 'inProcess' || said.state === 'unknown' ? undefined : said
    })
    // A host that does not take an advice has the last word, whatever the card said: it is its money. It is taken at its word: another advice of the order may follow.
    if (told && told.state !== 'approved') {
      const refused = { reason: 'hostDeclined', answer: told } as const
      if ((await reverse(key, 'cancelled', message.key)) === 'pending') return { ...refused, result: 'unknown', reversal: 'pending' }
      return { ...refused, result: told.state === 'reversed' ? 'cancelled' : 'declined' }
    }
    if (told || pen.keepsCards)
      return { result: 'approved', advice: told ? 'done' : 'pending', ...((answer ?? told) && { answer: answer ?? told }) }
    const reversal = await reverse(key, 'noAnswer', message.key)
    return { result: reversal === 'done' ? 'declined' : 'unknown', reason: 'unableToGoOnline', reversal }
  }

  return {
    asked: () => record.state !== 'notAsked' && record.state !== 'unreachable',
    record: () => record,

    /** The answer for the card: the host's, or `unableToGoOnline` when none can be had while the card waits. */
    async authorise(message: AuthorisationMessage, signal: AbortSignal): Promise<AuthorisationResponse> {
      throwIfAborted(signal)
      say({ type: 'stage', stage: 'authorising' })
      await pen.write({ stage: 'asking', key: message.key, message })
      record = { state: 'open', message }
      try {
        const response = await take(message, await acquirer.authorise(message, { signal }))
        if (response) return response
      } catch (error) {
        if (isFault(error, 'host-unreachable')) {
          record = { state: 'unreachable', message }
          say({ type: 'host', result: 'unreachable' })
          return { type: 'unableToGoOnline' }
        }
        if (!isFault(error, 'host-no-answer', 'host-error')) throw error
        record = { state: 'open', message, contradicted: isContradiction(error) }
      }
      say({ type: 'host', result: 'noAnswer' })
      return (await poll(message, signal)) ?? { type: 'unableToGoOnline' }
    },

    /** Takes back what was approved and cannot be written down. */
    async undo(key: string): Promise<Settled> {
      const reversal = await reverse(key, 'cancelled', record.state === 'referral' ? `${key}-voice` : key)
      return { result: reversal === 'done' ? 'cancelled' : 'unknown', reason: 'journalFailed', reversal }
    },

    /**
     * Brings card and host to one result:
     *
     * | Card | Host | Result |
     * |---|---|---|
     * | approved | approved | approved |
     * | approved | not asked, unreachable | approved offline; the host is advised |
     * | approved | referral, and the bank agreed by voice | approved; the host is advised under a key of its own |
     * | approved | asked, silent | the host is asked again: as it says, else unknown |
     * | approved | asked, and every answer contradicts itself or the question | reversed |
     * | declined, because only a part was approved | approved in part | reversed |
     * | anything else | approved, or asked and silent | reversed: the card's result, or unknown until the host confirms |
     * | link lost | declined, referral | declined: nothing was charged |
     * | link lost | not asked | cancelled: nothing was charged |
     */
    async settle(outcome: Ended, message: Omit<AuthorisationMessage, 'interface' | 'cvm' | 'tags'>): Promise<Settled> {
      const own = { result: outcome.result, ...(outcome.reason && { reason: outcome.reason }) }
      const { answer } = record
      if (outcome.result === 'approved' && !outcome.reversal) {
        if (record.state === 'open') {
          await poll(record.message!, undefined)
          if (record.state === 'open') {
            if (!record.contradicted) return { result: 'unknown' }
            const reversal = await reverse(message.key, 'noAnswer')
            return { result: reversal === 'done' ? 'cancelled' : 'unknown', reason: 'hostContradicted', reversal }
          }
        }
        if (record.state === 'approved') return { ...own, ...(record.answer && { answer: record.answer }) }
        // Card and terminal approved by default what the host has declined by now: the host's word stands.
        if (record.state === 'declined')
          return { result: 'declined', reason: 'hostDeclined', ...(record.answer && { answer: record.answer }) }
        const { interface: through, cvm, tags } = outcome
        const key = record.state === 'referral' ? `${message.key}-voice` : message.key
        return { ...own, ...(await advise(message.key, { ...message, key, interface: through, cvm, tags }, record.answer)) }
      }
      if (record.state === 'approved' || record.state === 'open' || outcome.reversal) {
        const reversal = await reverse(message.key, why(outcome, record.state))
        const because = record.part ? 'partialApproval' : record.contradicted ? 'hostContradicted' : outcome.reason
        const told = { ...(because && { reason: because }), ...(answer && { answer }), reversal }
        if (reversal === 'pending') return { ...told, result: 'unknown' }
        return { ...told, result: outcome.result === 'declined' ? 'declined' : 'cancelled' }
      }
      if (outcome.result !== 'unknown') return { ...own, ...(answer && { answer }) }
      const declined = record.state === 'declined' || record.state === 'referral'
      return { ...own, result: declined ? 'declined' : 'cancelled', ...(answer && { answer }) }
    },
  }
}

function why(outcome: Ended, host: HostRecord['state']): ReversalReason {
  if (outcome.reason === 'linkLost' || outcome.reason === 'cardRemoved') return 'linkLost'
  if (outcome.result === 'cancelled') return 'cancelled'
  return host === 'open' ? 'noAnswer' : 'cardDeclined'
}
