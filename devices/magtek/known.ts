/** What is known of a payment that runs in the reader, and what it comes to for the app: the same for V5 and MMS. */

import { equal, text, toCn } from '../../src/bytes.ts'
import { within } from '../../src/clock.ts'
import type { CardInterface, Outcome, Reason } from '../../src/emv/outcome.ts'
import type { AuthorisationResponse, Candidate, Transaction, TransactionType } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import type { Queue } from '../../src/queue.ts'
import { needN12 } from '../../src/reader/driver.ts'
import { MASKED_PAN } from '../../src/reader/own-tags.ts'
import { Relay, type RelayOptions } from '../../src/reader/relay.ts'
import type { ChipWork } from '../../src/reader/work.ts'
import { magtekTags } from './codec.ts'

export interface Counter extends RelayOptions {
  /** What was shown last: reader and driver mean the same, and the app hears it once. */
  readonly screen: { message?: MessageId }
  /** What the line has lost, and how long the chip may work. */
  readonly work: ChipWork
}

export interface Known {
  readonly relay: Relay
  /** A command has left for the reader. */
  begun: boolean
  /** Lists that were chosen from. */
  choices: number
  /** The reader has given up by itself: what it says of its end is all that comes. */
  over: boolean
  /** The reader has said that it waits for its host: what it wants of it is under way, or lost. */
  waits?: boolean
  /** The reader has told of something. */
  heard?: boolean
  /** The data of the request for the host, and of the list that was answered last. */
  request?: Uint8Array
  list?: Uint8Array
  /** The cardholder was asked for a PIN; what became of it is not told yet. */
  pin?: boolean
}

/** Milliseconds that a reader which is through may take for its last words. */
export const LAST_WORDS = 1200
/** Milliseconds in which an ordinary chip, and the reader, are through with a step while nobody has anything to do; then the reader is asked whether it is there. Assumed. */
export const WORK = 3000
/** Milliseconds of silence while somebody has something to do, after which the reader is asked whether it is there. */
export const PROBE = 5000
/** The same before the reader has told of anything: it says that it waits for a card as soon as it does. */
const FIRST = 1500

/** A command that came too late, because the card has gone: the reader has nothing to be told any more. Any other error is thrown. */
export function tooLate(known: Known, error: unknown): void {
  if (!isFault(error, 'reader-error') || error.details.code !== 'NO_TRANSACTION') throw error
  known.over = true
}

export function nothingKnown(counter: Counter): Known {
  return { relay: new Relay(counter, 'own'), begun: false, choices: 0, over: false }
}

/** Seconds that a reader waits for a card. */
export const CARD_WAIT = 60
/** Milliseconds of silence that are too long, whoever is to do something: nobody presents a card for CARD_WAIT s, nobody chooses for as long, and it tells of either. */
const PATIENCE = (CARD_WAIT + 15) * 1000
/** Every application may turn out to be blocked, and the rest be listed again (EMV 4.4 Book 1, 12.4). */
const MAX_CHOICES = 30

/** EMV 9C by the vendor's tables; a cashback is a purchase with another amount. */
export const transactionTypes: Readonly<Record<TransactionType, number>> = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20 }

/** Both amounts, checked. @throws Fault `bad-argument` */
export function amountsOf({ amount, otherAmount = 0n }: Transaction): { readonly amount: bigint; readonly cashback: bigint } {
  needN12({ amount, otherAmount })
  return { amount, cashback: otherAmount }
}

/** What of `transaction` a reader with these interfaces may take. @throws Fault `unsupported` when that is nothing */
export function waysOf({ interfaces }: Transaction, has: readonly CardInterface[]): Set<CardInterface> {
  const ways = new Set((interfaces ?? has).filter(one => has.includes(one)))
  if (ways.size === 0) {
    const feature = (interfaces ?? []).join(' or ') || 'no interface at all'
    throw new Fault('unsupported', `this reader does not pay by ${feature}`, { feature })
  }
  return ways
}

/** The vendor's own words on a display, as the vendor's table of display strings has them, by what they mean here. */
const shown: Readonly<Record<string, MessageId>> = {
  'PRESENT CARD': 'reader.presentCard',
  'TAP, INSERT OR SWIPE CARD': 'reader.presentCard',
  'TAP OR INSERT CARD': 'reader.presentCard',
  'INSERT OR SWIPE CARD': 'reader.insertOrSwipe',
  'INSERT CARD': 'reader.insertCard',
  'PLEASE INSERT CARD': 'reader.insertCard',
  'SWIPE CARD': 'reader.swipeCard',
  'TAP CARD': 'reader.tapCard',
  'USE CHIP READER': 'reader.insertCard',
  'PRESENT ONE CARD ONLY': 'reader.presentOneCard',
  'PRESENT CARD AGAIN': 'reader.presentCardAgain',
  'TRY AGAIN': 'reader.tryAgain',
  'SEE PHONE': 'reader.seePhone',
  'PLEASE WAIT': 'reader.processing',
  PROCESSING: 'reader.processing',
  'AUTHORIZING PLEASE WAIT': 'reader.authorising',
  'CARD READ OK - REMOVE CARD': 'reader.cardReadOk',
  'REMOVE CARD': 'reader.removeCard',
  'ENTER PIN': 'reader.enterPin',
  'INCORRECT PIN': 'reader.wrongPin',
  'LAST PIN TRY': 'reader.lastPinTry',
  APPROVED: 'reader.approved',
  'APPROVED PLEASE SIGN': 'reader.approvedSign',
  DECLINED: 'reader.declined',
  'NOT ACCEPTED': 'reader.notAccepted',
  'CARD ERROR': 'reader.cardError',
  CANCELED: 'reader.cancelled',
  WELCOME: 'reader.idle',
  'INSERT, SWIPE, OR TRY ANOTHER CARD': 'reader.tryAnotherCard',
}

/** Tells app and cardholder what the reader would show; what it says in other words is not passed on. */
export function showText(counter: Counter, known: Known, line: string): void {
  const message = shown[line.trim().toUpperCase()]
  if (!message || counter.screen.message === message) return
  show(counter, message)
  if (message !== 'reader.enterPin' && message !== 'reader.wrongPin' && message !== 'reader.lastPinTry') return
  const { emit } = counter
  if (message === 'reader.wrongPin' || (message === 'reader.lastPinTry' && known.pin)) emit({ type: 'pin', event: 'wrong' })
  if (message === 'reader.lastPinTry') emit({ type: 'pin', event: 'lastTry' })
  emit({ type: 'pin', event: 'started' })
  known.pin = true
}

/** The PIN was taken, as far as the reader says how the cardholder was verified. */
export function tellPin(known: Known): void {
  const { cvm, emit } = known.relay
  if (!known.pin || (cvm !== 'onlinePin' && cvm !== 'offlinePin')) return
  known.pin = false
  emit({ type: 'pin', event: 'ok', offline: cvm === 'offlinePin' })
}

/** Somebody is to do something: their patience is not the line's. */
const asks: readonly (MessageId | undefined)[] = [
  ...(['reader.presentCard', 'reader.presentCardAgain', 'reader.presentOneCard', 'reader.tryAgain', 'reader.tryAnotherCard'] as const),
  ...(['reader.insertCard', 'reader.insertOrSwipe', 'reader.swipeCard', 'reader.tapCard', 'reader.seePhone'] as const),
  ...(['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry', 'reader.selectApplication'] as const),
]

/** How long the reader may be silent now. `lists`: it shows a list of applications itself, and tells nobody of it. */
export function silenceOf({ screen: { message } }: Counter, known: Known, lists: boolean): number {
  if (known.over) return LAST_WORDS
  const choosing = isChoosing(known, lists, message)
  return choosing || !asks.includes(message) ? WORK : PROBE
}

/** Between the chip and the PIN somebody may be at a list, of which the reader tells nothing. */
function isChoosing({ relay, pin }: Known, lists: boolean, message: MessageId | undefined): boolean {
  return lists && relay.by === 'chip' && !relay.asked && pin === undefined && message === 'reader.processing'
}

/** What the reader says next. While people, or a chip, take their time it is asked, now and then, whether it is there. @throws Fault `timeout`, `aborted`, `link-closed` */
export async function heardNext<T>(
  counter: Counter & { readonly news: Queue<T> },
  known: Known,
  { silence, lists = false, isThere }: { readonly silence: number; readonly lists?: boolean; readonly isThere: () => Promise<unknown> },
): Promise<T | undefined> {
  const { news, signal, clock, screen, work } = counter
  for (let silent = 0; ; silent += silence) {
    try {
      const timeout = known.heard || silence !== PROBE ? silence : FIRST
      const heard = await news.next({ timeout, signal, clock, what: 'the reader' })
      known.heard = true
      if (silence === WORK) work.took(silent)
      return heard
    } catch (error) {
      const patient = silence === PROBE || isChoosing(known, lists, screen.message)
      const working = silence === WORK && !(known.waits && !known.relay.asked)
      const limit = patient ? PATIENCE : working ? work.patience - silence : 0
      if (!isFault(error, 'timeout') || signal.aborted || silent >= limit) throw error
      await isThere()
    }
  }
}

export function show({ terminal, emit, screen }: Counter, message: MessageId): void {
  if (screen.message === message) return
  screen.message = message
  emit({ type: 'display', message })
  terminal.display?.(message)
}

/**
 * The app's choice among `labels`, or undefined: cancelled, or not made in the reader's time. `seconds` is that time, 0 for no limit.
 * @throws Fault `aborted`, `protocol`, `bad-argument`
 */
export async function choose(
  { terminal, signal, clock, emit }: Counter,
  known: Known,
  labels: readonly string[],
  seconds: number,
): Promise<{ readonly index?: number; readonly late: boolean }> {
  if (labels.length === 0) throw new Fault('protocol', 'the application list is empty')
  if (++known.choices > MAX_CHOICES) throw new Fault('protocol', `the reader asked for an application ${known.choices} times`)
  emit({ type: 'application-selection', where: 'host', labels, ...(seconds > 0 && { seconds }) })
  // The reader tells names only: AID and priority stay in it.
  const candidates = labels.map((label): Candidate => ({ aid: new Uint8Array(0), label, priority: 0, confirm: false }))
  const limit = { signal, clock, what: 'the choice', ...(seconds > 0 && { timeout: seconds * 1000 }) }
  try {
    const index = await within(limit, inner => terminal.selectApplication(candidates, { signal: inner }))
    if (index === undefined) return { late: false }
    if (!Number.isInteger(index) || index < 0 || index >= labels.length)
      throw new Fault('bad-argument', `choice ${index} is not one of the ${labels.length} applications`, { field: 'index' })
    known.relay.label = labels[index]
    return { index, late: false }
  } catch (error) {
    if (!isFault(error, 'timeout') || signal.aborted) throw error
    return { late: true }
  }
}

/** What the data of an ARQC or a batch add. The newest word counts. */
export function learn(known: Known, tags: ReadonlyMap<number, Uint8Array>): void {
  known.relay.learn(tags)
  const masked = [magtekTags.maskedTrack2, magtekTags.maskedTrack2Stripe].map(tag => tags.get(tag)).find(value => value?.length)
  if (masked) learnPan(known, text(masked))
}

/** MagTek hides with zeros all but the first six and last four digits. */
export function learnPan(known: Known, maskedTrack2: string): void {
  const digits = /^;?(\d{6})(\d{2,9})(\d{4})=/.exec(maskedTrack2)
  if (!digits) return
  const [, first, hidden, last] = digits
  known.relay.tags.set(MASKED_PAN, toCn(first + 'F'.repeat(hidden.length) + last))
}

/** Once in a payment: a copy of the same request is no second one. */
export function isCopy(known: Known, request: Uint8Array): boolean {
  if (known.relay.asked && known.request && equal(known.request, request)) return true
  known.request = request
  return false
}

/** Once in a payment. @throws Fault `protocol`, what the app throws */
export async function authorise({ relay }: Known): Promise<AuthorisationResponse> {
  if (relay.asked) throw new Fault('protocol', 'the reader asks for the host a second time')
  return relay.authorise()
}

/** An ending that is the reader's. One that a card which was pulled out brought about is the card's. */
export function broken(
  { relay }: Known,
  result: Extract<Outcome['result'], 'declined' | 'cancelled'>,
  reason: Reason,
  fallback = false,
): Outcome {
  if (fallback) relay.by = 'chip'
  return relay.ended(result, relay.removed && !fallback ? 'cardRemoved' : reason, fallback ? { fallback } : {})
}

/** Runs `work`; whatever it throws becomes an outcome where the app is owed one. `cancel` stops the reader, and throws nothing. */
export async function settled(known: Known, work: () => Promise<Outcome>, cancel: () => Promise<void>): Promise<Outcome> {
  const { relay } = known
  try {
    return await work()
  } catch (error) {
    if (isFault(error, 'link-closed')) return relay.broken(error)
    if (known.begun) await cancel()
    return relay.signal.aborted ? relay.aborted() : relay.broken(error)
  }
}
