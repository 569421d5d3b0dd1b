/** One payment on a BluePad: the reader leads, tells what happens, asks for its host and for a signature, and says at last how it ended. */

import { within } from '../../src/clock.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import { Queue } from '../../src/queue.ts'
import { Relay, type RelayOptions } from '../../src/reader/relay.ts'
import { financialStatus, type HostMessage, statuses } from './codec.ts'
import { type CarryToHost, HostLink, type HostRequest } from './host-link.ts'
import { requestFor } from './request.ts'
import { type MpedLine, type Said, STEP, sessionEnded } from './session.ts'
import { type Answer, final, heard, type Known, learnQuestion } from './told.ts'

export interface Counter extends RelayOptions {
  readonly line: MpedLine
  readonly carry: CarryToHost | undefined
  /** The reader understands the elements of `codec-host.ts`. */
  readonly extended: boolean
  readonly learn: Known['learn']
}

/** Milliseconds for a cancelled reader to say how the payment ended, and to come to where it may be cancelled; then the session is ended. */
const SETTLE = 2000
const PATIENCE = 2000
/**
 * Milliseconds for which the reader may be silent: while people have something to do at it, and while they take their card after the host's answer; while nobody has, as
 * long as a chip may work. Assumed; the vendor's library waits 300 s for anything.
 */
const PEOPLE = 120_000
const REMOVAL = 60_000
/** Milliseconds in which a reader has told something of a payment that it has heard of; and how often it is told of it. Assumed. */
const BEGUN = 1250
const TELLS = 3
/** Milliseconds after the host's answer in which one of ours has said how the payment ended. */
const ENDED = 1000
/** Milliseconds for a payment in all, of which the app's own time is none: a reader that talks for ever holds none. */
const LONGEST = 600_000

/** `failed`: something could not be said to the reader. */
type Happening = Said | { readonly type: 'stop' } | { readonly type: 'failed'; readonly error: unknown }

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const { line, transaction, signal } = counter
  const request = requestFor(transaction, counter.extended)
  const relay = new Relay(counter, 'own')
  if (signal.aborted) return relay.aborted()
  const known: Known = {
    ...{ relay, learn: counter.learn, extended: counter.extended, carried: false, answered: false, fault: undefined, silence: undefined },
    ...{ unsigned: false, pin: undefined, cancelAllowed: false, begun: false, presented: false, people: false, signing: false },
  }
  const happenings = new Queue<Happening>()
  const stop = () => happenings.push({ type: 'stop' })
  signal.addEventListener('abort', stop, { once: true })
  line.hear(happenings)
  const hostLink = linkTo(counter, known, stop)
  try {
    await line.send(request)
    const answer = await follow(counter, known, happenings, hostLink, request)
    if (signal.aborted) return relay.aborted()
    if (known.fault) throw known.fault
    if (!answer) throw known.silence
    return await final(known, answer)
  } catch (error) {
    // Whatever it was, the reader must not stay in the middle of it.
    if (!isFault(error, 'link-closed') && line.unsettled === false && !hasEnded(error)) {
      line.unsettled = true
      await line.end().catch(() => {}) // a line that breaks has ended everything
    }
    if (signal.aborted && !isFault(error, 'link-closed')) return relay.aborted()
    // What went to the reader's own host may have been approved there.
    if (known.carried && !isFault(error, 'link-closed')) return relay.outcome('unknown', 'readerError')
    return relay.broken(error)
  } finally {
    hostLink.close()
    line.hear(undefined)
    signal.removeEventListener('abort', stop)
  }
}

/** The answer to the payment; undefined when it was stopped and none came in time. */
async function follow(
  counter: Counter,
  known: Known,
  happenings: Queue<Happening>,
  hostLink: HostLink,
  request: HostMessage,
): Promise<Answer | undefined> {
  const { line, clock, signal } = counter
  /** When the reader must have come to an end; it may not be cancelled at every moment. */
  let deadline: number | undefined
  let cancelSent = false
  /** Milliseconds for which nothing has been heard, and nobody but the reader had something to do. */
  let silent = 0
  /** How often the reader was told of the payment; whether it is asked if it has heard. */
  let tells = 1
  let probing = false
  let probed = false
  /** It is asked whether it has ended. */
  let ending = false
  const failed = (error: unknown) => happenings.push({ type: 'failed', error })
  const latest = clock.elapsed() + LONGEST
  for (;;) {
    // While the app asks the host, or its user signs, the reader waits in silence, and so do we.
    const busy = hostLink.waiting || known.signing
    if (!busy && clock.elapsed() >= latest) {
      known.silence ??= new Fault('timeout', `the reader did not end the payment in ${LONGEST} ms`, { ms: LONGEST })
      line.unsettled = true
      await line.end()
      return undefined
    }
    const patience = patienceWith(known, line)
    const left = deadline !== undefined ? deadline - clock.now() : busy ? Number.POSITIVE_INFINITY : patience - silent
    const timeout = Math.max(0, Math.min(left, STEP))
    let said: Happening | undefined
    try {
      said = await happenings.next({ clock, timeout, what: 'the payment' })
      if (!busy && !known.people) line.work.took(silent)
      silent = 0
    } catch (error) {
      if (!isFault(error, 'timeout')) throw error
      if (timeout < left) {
        silent = busy ? 0 : silent + timeout
        const steps = silent / STEP
        // A reader that was cancelled may say how it ended and have been missed: it is asked in turn to go on, and to say that again.
        if (cancelSent && steps % 2 === 1) await line.again()
        else if (cancelSent || (!known.begun && silent >= BEGUN)) {
          probing ||= !cancelSent
          probed = true
          await line.tell({ type: 'idle' })
        } else if (silent >= ENDED && steps % 2 === 0 && answeredAndQuiet(counter, known)) {
          ending = true
          await line.tell({ type: 'idle' })
        } else if (silent > 2 * STEP && silent <= 4 * STEP && !known.people) await hostLink.repeat(counter.extended)
        // Three refusals end a session, and who knows what a reader makes of one that it did not wait for: two, but for ours.
        else if (steps === 1 || steps === 2 || (counter.extended && steps > 2 && (ending || steps % 2 === 0))) await line.again()
        continue
      }
      if (deadline === undefined) {
        // A silent reader is asked to give up, as the vendor's library does, before we do.
        deadline = clock.now() + SETTLE
        cancelSent = true
        await line.tell({ type: 'idle' })
        known.silence = new Fault('timeout', `the reader said nothing for ${patience} ms`, { ms: patience })
        continue
      }
      line.unsettled = true
      await line.end()
      return undefined
    }
    if (said === undefined) throw new Fault('link-closed', 'the link was closed')
    switch (said.type) {
      case 'stop':
        deadline ??= clock.now() + (known.relay.asked ? SETTLE : PATIENCE)
        hostLink.close()
        break
      case 'event':
        heard(known, said)
        break
      case 'signature':
        if (known.signing) break // the same again
        known.signing = true
        void signed(counter, known)
          .finally(() => {
            known.signing = false
          })
          .then(status => line.send({ type: 'signatureAnswer', status }))
          .catch(failed)
        break
      case 'challenge':
        // The secret is the merchant's with the reader's vendor: we have none, and say so instead of making one up.
        await line.send({ type: 'challengeAnswer', status: statuses.COMMAND_NOT_ALLOWED, answer: undefined })
        break
      case 'hostConnect':
      case 'hostSend':
      case 'hostReceive':
      case 'hostDisconnect':
      case 'hostPost':
        known.people = false
        void hostLink.take(said satisfies HostRequest).catch(failed)
        break
      case 'saleAnswer':
      case 'refundAnswer':
        if (signal.aborted || known.relay.asked || !isCancelledByUs(said, { probing, asked: probed || known.silence !== undefined }))
          return said
        known.silence ??= notHeard()
        return undefined
      case 'failed':
        throw said.error
      case 'ended':
        throw sessionEnded()
      case 'raw':
        throw new Fault('protocol', 'the reader says something that is no message of a payment')
      case 'idleAnswer':
        // It has nothing under way: how the payment ended was lost.
        if (cancelSent) return undefined
        if (ending) {
          known.silence = new Fault('timeout', 'how the payment ended was lost on the way', {})
          return undefined
        }
        if (!probing || known.begun) break
        // Nor has it heard of this payment: it is told of it again.
        probing = false
        if (++tells > TELLS) throw notHeard()
        silent = 0
        await line.send(request)
        break
      default: // an answer to somebody's question before
    }
    if (deadline !== undefined && known.cancelAllowed && !cancelSent) {
      deadline = clock.now() + SETTLE
      cancelSent = true
      await line.tell({ type: 'idle' })
    }
  }
}

/**
 * The host has answered, and what is left is the reader's last word: one of ours may be asked whether it has said it, since it may not be cancelled any more, and waits for nobody
 * to take the card. What a vendor's makes of that question then is not known.
 */
function answeredAndQuiet({ extended }: Counter, { relay, cancelAllowed, signing }: Known): boolean {
  return extended && relay.response !== undefined && !cancelAllowed && !signing
}

/**
 * Our question, whether it has heard of the payment or is still there (I010), has cancelled it: nobody else did. One that took its time on the way comes when the payment
 * has begun, and is told as the till's own word.
 */
function isCancelledByUs({ status, answer }: Answer, { probing, asked }: { readonly probing: boolean; readonly asked: boolean }): boolean {
  return (probing || (asked && status === statuses.POS_CANCELLED)) && financialStatus(answer?.financial ?? 0) === 'cancelled'
}

function hasEnded(error: unknown): boolean {
  return isFault(error, 'reader-error') && error.details.code === sessionEnded().details.code
}

function notHeard(): Fault {
  return new Fault('timeout', 'the reader does not hear of the payment', {})
}

/** Milliseconds. */
function patienceWith({ people, relay, answered }: Known, { work }: MpedLine): number {
  if (!people) return work.patience
  return relay.response || answered ? REMOVAL : PEOPLE
}

function linkTo(counter: Counter, known: Known, stop: () => void): HostLink {
  const { line, carry } = counter
  const { relay } = known
  return new HostLink({
    carry,
    say: message => {
      if (message.type === 'receiveAnswer' && message.answer && known.carried) known.answered = true
      return line.send(message)
    },
    onCarried: () => {
      relay.asked = known.carried = true
    },
    onFault: fault => {
      if (known.carried) return // the reader is told that no answer came, and decides
      known.fault ??= fault
      stop()
    },
    authorise(question, signal) {
      learnQuestion(known, question)
      return relay.authorise(signal)
    },
  })
}

/** Whether the app takes the cardholder's signature. One that was taken before the host was asked is not taken again: that is for the app to know. */
async function signed({ terminal, signal, clock }: Counter, known: Known): Promise<number> {
  try {
    const taken = await within(
      { signal, clock, what: 'the signature' },
      inner => terminal.confirmSignature?.({ signal: inner }) ?? Promise.resolve(true),
    )
    if (!taken) known.unsigned = true
    return taken ? statuses.SUCCESS : statuses.INVALID_SIGNATURE
  } catch (error) {
    if (!signal.aborted) known.fault ??= asFault(error)
    return statuses.INVALID_SIGNATURE
  }
}
