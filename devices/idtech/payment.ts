/** One payment on an ID TECH reader: any card by 02-40, a chip step by step, and the host's word. */

import { hex, toCn } from '../../src/bytes.ts'
import { type Clock, within } from '../../src/clock.ts'
import type { CardInterface, Outcome, Reason } from '../../src/emv/outcome.ts'
import type { Candidate, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { entryModeOf } from '../../src/magstripe/swipe.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import { invitation } from '../../src/reader/invitation.ts'
import { MASKED_PAN } from '../../src/reader/masked-pan.ts'
import { Relay, type RelayOptions } from '../../src/reader/relay.ts'
import {
  type Activated,
  type CommandName,
  type ContactResult,
  commandByte,
  decodeActivated,
  decodeContactResult,
  decodeLcd,
  displayModes,
  encodeActivate,
  encodeAuthenticate,
  encodeContactStart,
  encodeHostAnswer,
  encodeMenuChoice,
  errorCodes,
  requests,
  resultCodeOf,
  resultCodes,
  type Start,
  statuses,
  type Told,
  tags,
  transactionTypes,
} from './codec.ts'
import { type Answer, type IdtechLine, type Request, refused, type Times } from './session.ts'

export interface Counter extends RelayOptions {
  readonly line: IdtechLine
  /** The app is asked where the reader wants a choice: the answer's layout was never seen. */
  readonly menus: boolean
}

interface Payment extends Counter {
  readonly relay: Relay
  /** A transaction is open in the reader: cancelled when the payment ends otherwise. */
  open: boolean
  /** What was shown last: reader and driver mean the same, and the app hears it once. */
  screen?: MessageId
  /** Why the payment cannot go on, found while a command runs. */
  failed?: Fault
  readonly stop: AbortController
}

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
/** Milliseconds of silence in a step of a chip transaction: nobody but card and reader works. Assumed. */
const WORK = 3500
/** The same where the line has lost something a short while ago: then it has lost this, too. */
const WORK_BADLY = 2000
const everything = 3
/** Enciphered data objects, one after the other as they came: a tag of ours. */
const ENCIPHERED = 0xdfff01

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
  return relay.byHost()
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

/** What is in clear; the PAN for the receipt, and what is enciphered for whoever has the key, of the last answer. */
function learn(relay: Relay, { tags: told, masked, enciphered }: Told): void {
  relay.learn(told)
  const pan = masked.get(0x5a) ?? masked.get(0x57)
  if (pan) learnPan(relay, hex(pan))
  if (enciphered.length > 0) relay.tags.set(ENCIPHERED, enciphered)
}

/** From digits and Cs, up to a separator. */
function learnPan(relay: Relay, masked: string): void {
  const [pan] = masked.split(/[DF]/)
  if (pan) relay.tags.set(MASKED_PAN, toCn(pan.replaceAll('C', 'F')))
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
  const { silence = line.isBad ? WORK_BADLY : WORK, wait = 0 } = times
  const answer = await line.transact(name, data, { silence, wait, signal: stop.signal, onRequest: request => void asked(payment, request) })
  if (payment.failed) throw payment.failed
  return answer
}

/** What the reader wants to be shown, or chosen. What cannot be answered ends the payment: a reader left without an answer waits for it. */
async function asked(payment: Payment, { code, data }: Request): Promise<void> {
  const giveUp = (fault: Fault) => {
    payment.failed = fault
    payment.stop.abort()
  }
  try {
    if (code !== requests.lcd)
      return giveUp(new Fault('unsupported', 'the reader wants a PIN or a swipe from its host', { feature: 'pinPad' }))
    const lcd = decodeLcd(data)
    if (lcd.mode === displayModes.menu || lcd.mode === displayModes.languageMenu || lcd.mode === displayModes.functionKey)
      await choose(payment, lcd)
    else if (lcd.mode === displayModes.show) showLines(payment, lcd)
  } catch (error) {
    if (isFault(error, 'aborted', 'link-closed')) return
    giveUp(isFault(error) ? error : new Fault('internal', String(error), {}, { cause: error }))
  }
}

/** The reader's words as far as they are known; others are not passed on. */
const shown: Readonly<Record<string, MessageId>> = {
  'REMOVE CARD': 'reader.removeCard',
  'PRESENT CARD': 'reader.presentCard',
  'INSERT CARD': 'reader.insertCard',
  'USE CHIP READER': 'reader.insertCard',
  'INSERT OR SWIPE': 'reader.insertOrSwipe',
  'SWIPE CARD': 'reader.swipeCard',
  'TAP CARD': 'reader.tapCard',
  'TRY AGAIN': 'reader.tryAgain',
  'TRY OTHER CARD': 'reader.tryAnotherCard',
  'ONE CARD ONLY': 'reader.presentOneCard',
  'PRESENT AGAIN': 'reader.presentCardAgain',
  'SEE PHONE': 'reader.seePhone',
}

function showLines(payment: Payment, { lines }: ReturnType<typeof decodeLcd>): void {
  const message = shown[String(lines[0]?.message).trim().toUpperCase()]
  if (message) show(payment, message)
}

function show(payment: Payment, message: MessageId): void {
  if (message === payment.screen) return
  payment.screen = message
  payment.relay.show(message)
}

async function choose({ line, relay, menus, stop, clock }: Payment, { mode, lines }: ReturnType<typeof decodeLcd>): Promise<void> {
  if (!menus || mode !== displayModes.menu)
    throw new Fault('unsupported', "the layout of the answer to a menu was never seen: open the reader with assumed: ['idtech-menu']", {
      feature: 'menu',
    })
  line.hold()
  const labels = lines.map(({ message }) => String(message))
  relay.emit({ type: 'application-selection', where: 'host', labels })
  const candidates = labels.map((label): Candidate => ({ aid: new Uint8Array(0), label, priority: 0, confirm: false }))
  const index = await within({ signal: stop.signal, clock, what: 'the choice' }, inner =>
    relay.terminal.selectApplication(candidates, { signal: inner }),
  )
  if (index !== undefined && !lines[index])
    throw new Fault('bad-argument', `choice ${index} is not one of ${lines.length}`, { field: 'index' })
  if (index !== undefined) relay.label = labels[index]
  await line.reply('lcd', encodeMenuChoice(index === undefined ? undefined : lines[index].line))
}

/** What is known of a stripe whose tracks are enciphered: masked track 2, in the digits and Cs of ID TECH. */
function stripe(relay: Relay, { tags: told }: Activated): void {
  const masked = hex(told.get(tags.maskedTrack2) ?? new Uint8Array(0))
  learnPan(relay, masked)
  const [, rest = ''] = masked.split('D')
  if (!relay.tags.has(0x9f39)) relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(rest.slice(4))))
}

/** @throws Fault `bad-argument` where an amount does not fit n 12 */
function startOf({ type = 'purchase', amount, otherAmount, currency }: Transaction): Start {
  for (const [field, value] of [
    ['amount', amount],
    ['otherAmount', otherAmount ?? 0n],
  ] as const)
    if (value < 0n || value > 999_999_999_999n) throw new Fault('bad-argument', `${field} ${value} does not fit n 12`, { field })
  return { type: transactionTypes[type], amount, ...(otherAmount !== undefined && { otherAmount }), currency: currency.numeric }
}
