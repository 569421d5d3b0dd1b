/** One attempt at a payment from its first line in the journal to its last: the card, then what stands against it, then the host. */

import type { Outcome } from '../../emv/outcome.ts'
import { isFault, throwIfAborted } from '../../errors.ts'
import type { Order } from '../acquirer.ts'
import type { Ended, Ending, PaymentReason } from '../journal/recorder.ts'
import { type Around, type Attempt, asWanted, beginAttempt, describe, isUnverified } from './attempt.ts'
import { attemptTerminal, attemptTransaction } from './attempt-terminal.ts'
import type { HostRecord, Settled } from './dialogue.ts'
import { withFallback } from './fallback.ts'
import type { PayOptions } from './options.ts'
import type { PaymentResult } from './result.ts'

/** @throws Fault as `pay`, where the host was not asked */
export async function payOnce(order: Order, options: PayOptions, count: number, around: Around): Promise<PaymentResult> {
  const attempt = beginAttempt(order, options, count, around)
  const { key, pen, host } = attempt
  throwIfAborted(options.signal)
  await begin(attempt)
  const outcome = await askCard(attempt)
  if (pen.fault && !host.asked()) {
    await pen.note({ stage: 'ended', key, ...ending(describe(attempt, outcome, { result: 'cancelled', reason: 'journalFailed' })) })
    throw pen.fault
  }
  return settle(attempt, outcome, await judge(attempt, outcome))
}

async function begin({ key, order, type, amount, at, options, pen }: Attempt): Promise<void> {
  const { merchant, method = 'reader', hold, partial, reader } = options
  const { serial, family } = reader.info
  const intent = { key, order, merchant, method, reader: serial ?? family, type, amount, at }
  await pen.write({ stage: 'begun', ...intent, ...(hold && { hold }), ...(partial && { partial }) })
}

/** What card and reader make of it. @throws what the reader throws, where nothing can have been charged */
async function askCard(attempt: Attempt): Promise<Outcome> {
  const { key, options, fallback: rules, stop, host, pen, wait, say } = attempt
  const { reader } = options
  let outcome: Outcome
  try {
    say({ type: 'stage', stage: 'card' })
    const { signal } = stop.controller
    const terminal = attemptTerminal(attempt)
    const how = { reader, rules, signal, say }
    outcome = await withFallback(how, attemptTransaction(attempt), one => {
      wait.begin(stop.controller)
      return reader.transact(one, terminal, { signal })
    })
  } catch (error) {
    const nobody = wait.over && isFault(error, 'aborted')
    if (!nobody && !host.asked() && !attempt.refused) {
      const result = describe(attempt, brokenOutcome('cancelled', host.record()), { result: 'cancelled', reason: reasonOf(error) })
      await pen.note({ stage: 'ended', key, ...ending(result) })
      throw pen.fault ?? error
    }
    // The host may have charged: the reader's fault becomes a reason, and the payment is brought to an end.
    outcome = brokenOutcome(isFault(error, 'aborted') ? 'cancelled' : 'unknown', host.record())
  } finally {
    wait.end()
    stop.release()
  }
  return attempt.barred ? notPermitted(outcome) : wait.ended(outcome)
}

/** What stands against an approval: another payment system, nobody verified, no signature, or a bank that was not asked and had to be. */
async function judge(attempt: Attempt, outcome: Outcome): Promise<Ended> {
  const { type, options, host, signing } = attempt
  const other = outcome.result === 'approved' && !attempt.refused && !asWanted(attempt, outcome, true)
  if (outcome.result === 'approved' && isUnverified(attempt, outcome.cvm)) attempt.refused ??= 'notVerified'
  let ended: Ended = other || attempt.refused ? outcome : await signing.afterwards(outcome, options.signal)
  const { refused } = attempt // it may have come with the signature
  if (refused) ended = { ...outcome, result: refused === 'notVerified' ? 'declined' : 'cancelled', reason: refused }
  // What a card says of itself is no answer to a question to its bank.
  if (type === 'check' && ended.result === 'approved' && !host.asked()) return { ...ended, result: 'declined', reason: 'unableToGoOnline' }
  return ended
}

/** Brings card and host to one result, and that on disk. */
async function settle(attempt: Attempt, outcome: Outcome, judged: Ended): Promise<PaymentResult> {
  const { key, pen, host } = attempt
  const lost: Settled = { result: 'unknown', reason: 'journalFailed' } // another process has taken the entry over
  const { result: card, reason, interface: through, cvm } = judged
  const { receipt } = describe(attempt, outcome, { result: card })
  await pen.note({ stage: 'card', key, result: card, interface: through, cvm, receipt, ...(reason && { reason }) })
  if (pen.takenOver) return describe(attempt, outcome, lost)
  const ended: Ended = pen.fault ? { ...outcome, result: 'cancelled', reason: 'journalFailed' } : judged
  const result = describe(attempt, outcome, await settleWithHost(attempt, ended))
  await pen.note({ stage: 'ended', key, ...ending(result) })
  if (pen.takenOver) return describe(attempt, outcome, lost)
  // Nobody is told of an approval that is not on disk: after a restart it would be taken back.
  return pen.fault && result.result === 'approved' ? describe(attempt, outcome, await host.undo(key)) : result
}

async function settleWithHost({ key, host, pen, message }: Attempt, ended: Ended): Promise<Settled> {
  try {
    return await host.settle(ended, message)
  } catch (error) {
    if (!isFault(error)) throw error
    // A client that cannot even say it: nothing is thrown once a card has signed, and the entry is let go of for whoever asks the host later.
    if (error.code !== 'journal') return { result: 'unknown' }
    return pen.takenOver ? { result: 'unknown', reason: 'journalFailed' } : host.undo(key)
  }
}

/** The card was refused here: no host has said anything. */
function notPermitted({ response: _, ...outcome }: Outcome): Outcome {
  const tags = new Map(outcome.tags)
  tags.delete(0x8a)
  return { ...outcome, result: 'declined', reason: 'notAccepted', online: false, tags }
}

/** What the journal keeps of a result. */
function ending({ result, reason, receipt, reversal, advice, answer }: PaymentResult): Ending {
  const due = reversal === 'pending' ? 'reversal' : advice === 'pending' ? 'advice' : result === 'unknown' ? 'status' : undefined
  return {
    result,
    receipt,
    ...(reason && { reason }),
    ...(answer && { answer }),
    ...(due && { due }),
    ...(reversal === 'done' && { reversed: true }),
  }
}

/** Why a payment ended before the host was asked. */
function reasonOf(error: unknown): PaymentReason {
  if (isFault(error, 'journal')) return 'journalFailed'
  if (isFault(error, 'aborted')) return 'merchantCancelled'
  return isFault(error, 'link-closed') ? 'linkLost' : 'readerError'
}

/** A reader that failed after the host was asked: what is known of the card is what it sent for authorisation. */
function brokenOutcome(result: 'cancelled' | 'unknown', { message }: HostRecord): Outcome {
  return {
    result,
    reason: result === 'cancelled' ? 'merchantCancelled' : 'linkLost',
    interface: message?.interface,
    cvm: message?.cvm,
    online: message !== undefined,
    tags: message?.tags ?? new Map(),
  }
}
