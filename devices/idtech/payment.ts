/** One payment on an ID TECH reader: any card by 02-40, a chip step by step, and the host's word. */

import type { Clock } from '../../src/clock.ts'
import type { CardInterface, Outcome, Reason } from '../../src/emv/outcome.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { invitation } from '../../src/reader/invitation.ts'
import { Relay } from '../../src/reader/relay.ts'
import { learn, startOf, stripe } from './card-data.ts'
import {
  type Activated,
  type CommandName,
  type ContactResult,
  commandByte,
  decodeActivated,
  decodeContactResult,
  encodeActivate,
  encodeAuthenticate,
  encodeContactStart,
  encodeHostAnswer,
  errorCodes,
  resultCodeOf,
  resultCodes,
  type Start,
  statuses,
  tags,
} from './codec.ts'
import { asked, type Counter, type Payment, show } from './questions.ts'
import { type Answer, refused, type Times } from './session.ts'

/** Milliseconds that the cardholder has for coming with a card. */
const CARD_PATIENCE = 60_000
/**
 * Seconds of one wait of the reader's for a card, the first and those after it, until the patience is over: nothing can be asked meanwhile (02-40 takes any command for a
 * cancel), and its result is told once, so that what was lost is missed when a wait should have ended. Whoever comes at once pays for a loss with the least.
 */
const WAITS = [2, 3, 5, 10] as const
/** Milliseconds after a wait in which its end is heard. Assumed. */
const WAIT_SILENCE = 500
/** Waits in a row that end in nothing heard: the line, or the reader, is gone. */
const MISSED = 2
/** Seconds that a chip transaction waits for its next command: for the host, most of all. */
const NEXT_WAIT = 120
/** Chip, tap and swipe. */
const everything = 3

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const relay = new Relay(counter, 'own')
  const stop = new AbortController()
  const payment: Payment = { ...counter, relay, open: false, stop }
  const forward = () => stop.abort()
  counter.signal.aborted ? forward() : counter.signal.addEventListener('abort', forward, { once: true })
  try {
    return await fromCard(payment, startOf(counter.transaction), new Set(counter.transaction.interfaces ?? ['chip', 'tap', 'swipe']))
  } catch (error) {
    if (isFault(error, 'link-closed')) return relay.broken(error)
    if (payment.open || isFault(error, 'timeout')) await counter.line.cancel()
    if (payment.failed) return relay.broken(payment.failed)
    return counter.signal.aborted ? relay.aborted() : relay.broken(error)
  } finally {
    counter.signal.removeEventListener('abort', forward)
  }
}

/** Milliseconds in which a reader has refused what it refuses. */
const REFUSAL = 300

/** 02-40 waits for the card and refuses the payment in one command: the app asks for a card when the reader has had its time to refuse, or goes on before. */
async function invited(clock: Clock, show: () => void, activate: () => Promise<Answer>): Promise<Answer> {
  let shown = false
  const once = () => {
    if (!shown) show()
    shown = true
  }
  const stop = clock.timer(REFUSAL, once)
  try {
    const answer = await activate()
    const { ok, requestOnline, failed: refused, timeout } = statuses
    if ([ok, requestOnline, refused, timeout].some(one => one === answer.status)) once()
    return answer
  } finally {
    stop()
  }
}

async function fromCard(payment: Payment, start: Start, ways: ReadonlySet<CardInterface>): Promise<Outcome> {
  const { relay } = payment
  if (ways.size === 0) throw new Fault('unsupported', 'a payment over no interface at all', { feature: 'interfaces' })
  if (ways.size === 1 && ways.has('chip')) {
    show(payment, 'reader.insertCard')
    const wanted = (cardTimeout: number) => encodeContactStart({ ...start, fallback: false, cardTimeout, nextTimeout: NEXT_WAIT })
    return chip(payment, await cardCome(payment, 'contactStart', wanted))
  }
  const wanted = (timeout: number) => encodeActivate({ ...start, timeout, ...(ways.size < everything && { interfaces: [...ways] }) })
  const activate = () => cardCome(payment, 'activate', wanted)
  const answer = await invited(payment.clock, () => show(payment, invitation(ways)), activate)
  // The vendor's scripts leave open whether a chip is answered as 02-40 is or as 60-10.
  if (answer.command === commandByte('contactStart')) return chip(payment, answer)
  if (answer.status === statuses.timeout) return relay.outcome('cancelled', 'cardTimeout')
  if (answer.status === statuses.failed) return failed(payment, decodeActivated(answer.data))
  if (answer.status !== statuses.ok && answer.status !== statuses.requestOnline) throw refused(answer.status, 'activate')
  const told = decodeActivated(answer.data)
  const by: CardInterface = told.captured === 'contact' ? 'chip' : told.captured === 'swipe' ? 'swipe' : 'tap'
  relay.by = by
  relay.emit({ type: 'card', event: { chip: 'inserted', tap: 'tapped', swipe: 'swiped' }[by] as 'inserted' | 'tapped' | 'swiped' })
  if (!ways.has(by)) {
    if (by === 'chip') await payment.line.cancel()
    return relay.outcome('declined', 'tryAnotherInterface')
  }
  learn(relay, told)
  if (by === 'chip') {
    const code = resultCodeOf(told.tags) ?? resultCodes.authenticate
    if (code !== resultCodes.authenticate) return ending(payment, { ...told, code })
    show(payment, 'reader.processing')
    payment.open = true
    return authenticate(payment)
  }
  if (by === 'swipe') stripe(relay, told)
  // 00 is also what a stripe read by tap is answered with: only the card's own TC (9F27) is an approval.
  const cid = told.tags.get(0x9f27)?.[0] ?? 0
  if (by === 'tap' && answer.status === statuses.ok && (cid & 0xc0) === 0x40) return relay.outcome('approved')
  show(payment, 'reader.processing')
  await relay.authorise()
  return by === 'swipe' ? relay.byHostOrCall() : relay.byHost()
}

/**
 * What a wait for a card comes to, one wait after another. A reader that says nothing of one has not heard of it, or was not heard: it is told to stop and asked again. No
 * host knows of a payment yet, and a card that was read in vain is asked for once more.
 * @throws Fault `timeout` when nothing is heard of two in a row, `aborted`, `link-closed`
 */
async function cardCome(payment: Payment, name: CommandName, wanted: (seconds: number) => Uint8Array): Promise<Answer> {
  const { clock, line, stop } = payment
  const over = clock.elapsed() + CARD_PATIENCE
  let missed = 0
  for (let wait = 0; ; wait++) {
    const seconds = WAITS[Math.min(wait, WAITS.length - 1)]
    try {
      const answer = await step(payment, name, wanted(seconds), { silence: seconds * 1000 + WAIT_SILENCE, wait: seconds * 1000 })
      // Without a word of why: it took something that came, this command itself come twice, for a cancel.
      const cancelled = answer.status === statuses.failed && answer.data.length === 0
      if (cancelled && ++missed >= MISSED) {
        await line.cancel() // a copy of the command may have begun a wait of its own, for a payment that nobody has any more
        throw refused(answer.status, name)
      }
      if (!cancelled && (!nobodyCame(answer) || clock.elapsed() >= over)) return answer
      if (!cancelled) missed = 0
    } catch (error) {
      if (payment.failed || !isFault(error, 'timeout') || ++missed >= MISSED) throw error
      line.missed()
      await line.cancel()
      wait = -1
    }
    if (!stop.signal.aborted) continue
    await line.cancel()
    throwIfAborted(stop.signal)
  }
}

/** 60-10 may say it in a status, or in a result code. */
function nobodyCame({ command, status, data }: Answer): boolean {
  if (status === statuses.timeout) return true
  return command === commandByte('contactStart') && data.length > 0 && decodeContactResult(data).code === resultCodes.timeout
}

/** A tap, or a card, that failed: FFEE1F says why. */
function failed({ relay }: Payment, { captured, ...answer }: Activated): Outcome {
  const told = answer.tags
  // Nobody came: the interface that such an answer names is none.
  if (resultCodeOf(told) === resultCodes.cancelled) return relay.outcome('cancelled', 'cardholderCancelled')
  relay.by = captured === 'contact' ? 'chip' : captured === 'swipe' ? 'swipe' : 'tap'
  learn(relay, answer)
  const code = told.get(tags.errorCode)?.[0]
  const reasons: Partial<Record<number, Reason>> = {
    [errorCodes.aac]: 'offlineDeclined',
    [errorCodes.arqcOffline]: 'offlineDeclined',
    [errorCodes.amountOverLimit]: 'tryAnotherInterface',
    [errorCodes.cardBlocked]: 'cardBlocked',
    [errorCodes.unsupportedCard]: 'noApplication',
    [errorCodes.cardDidNotRespond]: 'cardMute',
  }
  const reason = (code !== undefined && reasons[code]) || 'cardError'
  return relay.ended('declined', reason, reason === 'cardMute' && relay.by === 'chip' ? { fallback: true } : {})
}

/** From the answer to 60-10 on. */
async function chip(payment: Payment, answer: Answer): Promise<Outcome> {
  const { relay } = payment
  relay.by = 'chip'
  if (answer.status === statuses.timeout) return relay.outcome('cancelled', 'cardTimeout')
  const told = contactResult(answer, 'contactStart')
  if (told.code !== resultCodes.authenticate) return ending(payment, told)
  relay.emit({ type: 'card', event: 'inserted' })
  show(payment, 'reader.processing')
  learn(relay, told)
  payment.open = true
  return authenticate(payment)
}

async function authenticate(payment: Payment): Promise<Outcome> {
  const { relay } = payment
  const told = contactResult(await step(payment, 'contactAuthenticate', encodeAuthenticate(NEXT_WAIT)), 'contactAuthenticate')
  learn(relay, told)
  if (told.code !== resultCodes.goOnline) return ending(payment, told)
  throwIfAborted(payment.signal)
  const response = await relay.authorise()
  // Z3: unable to go online (EMV 4.4 Book 4, Annex A6)
  const data = encodeHostAnswer(response.type === 'unableToGoOnline' ? { code: 'Z3' } : response)
  const last = contactResult(await step(payment, 'contactApplyHost', data), 'contactApplyHost')
  learn(relay, last)
  return ending(payment, last)
}

function contactResult({ status, data }: Answer, name: CommandName): ContactResult {
  if (status !== statuses.ok && status !== statuses.requestOnline && status !== statuses.failed) throw refused(status, name)
  return decodeContactResult(data)
}

async function ending(payment: Payment, { code }: ContactResult): Promise<Outcome> {
  const { relay } = payment
  payment.open = false
  switch (code) {
    case resultCodes.approvedOffline:
    case resultCodes.approved:
      show(payment, 'reader.removeCard')
      return relay.approved(code === resultCodes.approved)
    case resultCodes.declinedOffline:
    case resultCodes.declined:
    case resultCodes.callBank:
      show(payment, 'reader.removeCard')
      return relay.declined()
    case resultCodes.notAccepted:
    case resultCodes.serviceNotAllowed:
      return relay.ended('declined', 'notAccepted')
    case resultCodes.noMatchingApplication:
      return relay.ended('declined', 'noApplication')
    case resultCodes.cardBlocked:
      return relay.ended('declined', 'cardBlocked')
    case resultCodes.malformedTags:
    case resultCodes.malformedData:
    case resultCodes.missingData:
      return relay.ended('declined', 'cardError')
    case resultCodes.cardSilent:
      return relay.ended('declined', 'cardMute')
    case resultCodes.fallback:
    case resultCodes.fallbackSituation:
    case resultCodes.swipedNoChip:
      relay.by = 'chip'
      return relay.ended('declined', 'cardMute', { fallback: true })
    case resultCodes.timeout:
      return relay.ended('cancelled', 'cardTimeout')
    case resultCodes.cardFailed:
    case resultCodes.cardAbsent:
      return relay.ended('cancelled', 'cardRemoved')
    case resultCodes.cancelled:
      return relay.ended('cancelled', relay.signal.aborted ? 'merchantCancelled' : 'cardholderCancelled')
    default:
      throw new Fault('reader-error', `the reader ended the transaction with ${code.toString(16)}`, {
        code: code.toString(16).padStart(4, '0'),
      })
  }
}

/** A command with the questions that the reader has while it runs. */
async function step(payment: Payment, name: CommandName, data: Uint8Array, times: Partial<Times> = {}): Promise<Answer> {
  const { line, stop } = payment
  const { silence = line.chipPatience, wait = 0 } = times
  const answer = await line.transact(name, data, { silence, wait, signal: stop.signal, onRequest: request => void asked(payment, request) })
  if (payment.failed) throw payment.failed
  return answer
}
