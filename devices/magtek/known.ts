/** What is known of a payment that runs in the reader, and what it comes to for the app: the same for V5 and MMS. */

import { fromHex, fromText, text } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { within } from '../../src/clock.ts'
import { displayName } from '../../src/emv/fci.ts'
import type { CardInterface, CvmName, Outcome, Reason } from '../../src/emv/outcome.ts'
import type { AuthorisationResponse, Candidate, Terminal, Transaction, TransactionType } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages.ts'
import type { ReaderEvent } from '../../src/reader/reader.ts'
import { magtekTags } from './codec.ts'

export interface Counter {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly transaction: Transaction
  readonly terminal: Terminal
  readonly emit: (event: ReaderEvent) => void
  /** What was shown last: reader and driver mean the same, and the app hears it once. */
  readonly screen: { message?: MessageId }
}

export interface Known {
  by: CardInterface
  readonly tags: Map<number, Uint8Array>
  label?: string
  /** A command has left for the reader. */
  begun: boolean
  /** Lists that were chosen from. */
  choices: number
  /** The card has gone. */
  removed: boolean
  /** The reader asks for a signature. */
  signature: boolean
  /** The request has left for the host. */
  asked: boolean
  response?: AuthorisationResponse
  /** The reader has given up by itself: what it says of its end is all that comes. */
  over: boolean
}

/** Milliseconds that a reader which is through may take for its last words. */
export const LAST_WORDS = 5000

/** A command that came too late, because the card has gone: the reader has nothing to be told any more. Any other error is thrown. */
export function tooLate(known: Known, error: unknown): void {
  if (!isFault(error, 'reader-error') || error.details.code !== 'NO_TRANSACTION') throw error
  known.over = true
}

export function nothingKnown({ interfaces }: Transaction): Known {
  return {
    by: interfaces?.[0] ?? 'chip',
    tags: new Map(),
    begun: false,
    choices: 0,
    removed: false,
    signature: false,
    asked: false,
    over: false,
  }
}

/** Seconds that a reader waits for a card. */
export const CARD_WAIT = 60
/** Every application may turn out to be blocked, and the rest be listed again (EMV 4.4 Book 1, 12.4). */
const MAX_CHOICES = 30

/** EMV 9C by the vendor's tables; a cashback is a purchase with another amount. */
export const transactionTypes: Readonly<Record<TransactionType, number>> = { purchase: 0x00, cash: 0x01, cashback: 0x09, refund: 0x20 }

/** Both amounts, checked. @throws Fault `bad-argument` */
export function amountsOf({ amount, otherAmount = 0n }: Transaction): { readonly amount: bigint; readonly cashback: bigint } {
  for (const [field, value] of Object.entries({ amount, otherAmount }))
    if (value < 0n || value > 999_999_999_999n) throw new Fault('bad-argument', `${field} ${value} does not fit n 12`, { field })
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
}

/** Tells app and cardholder what the reader would show; what it says in other words is not passed on. */
export function showText(counter: Counter, line: string): void {
  const message = shown[line.trim().toUpperCase()]
  if (message) show(counter, message)
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
    known.label = labels[index]
    return { index, late: false }
  } catch (error) {
    if (!isFault(error, 'timeout') || signal.aborted) throw error
    return { late: true }
  }
}

/** What the data of an ARQC or a batch add. The newest word counts. */
export function learn(known: Known, tags: ReadonlyMap<number, Uint8Array>): void {
  for (const [tag, value] of tags) known.tags.set(tag, value)
  const masked = [magtekTags.maskedTrack2, magtekTags.maskedTrack2Stripe].map(tag => tags.get(tag)).find(value => value?.length)
  if (masked) learnPan(known, text(masked))
}

/** Where the project's slips look for a masked PAN: compressed, F where a digit is hidden. MagTek hides with zeros all but the first six and last four. */
const MASKED_PAN = 0xc4

export function learnPan(known: Known, maskedTrack2: string): void {
  const digits = /^;?(\d{6})(\d{2,9})(\d{4})=/.exec(maskedTrack2)
  if (!digits) return
  const [, first, hidden, last] = digits
  const nibbles = first + 'F'.repeat(hidden.length) + last
  known.tags.set(MASKED_PAN, fromHex(nibbles.length % 2 === 0 ? nibbles : `${nibbles}F`))
}

/** Once in a payment. @throws Fault `protocol`, what the app throws */
export async function authorise({ transaction, terminal, signal, clock }: Counter, known: Known): Promise<AuthorisationResponse> {
  if (known.asked) throw new Fault('protocol', 'the reader asks for the host a second time')
  const request = { transaction, interface: known.by, cvm: cvmOf(known), tags: new Map(known.tags) }
  known.asked = true
  known.response = await within({ signal, clock, what: 'the authorisation' }, inner => terminal.authorise(request, { signal: inner }))
  if (known.response.type !== 'unableToGoOnline') known.tags.set(0x8a, fromText(known.response.code))
  return known.response
}

/**
 * Cardholder verification: by CVM Results where the reader tells them in clear, else a signature where it asks for one. Before the batch it tells neither of a
 * chip: its data are enciphered for the acquirer.
 */
function cvmOf({ tags, by, signature }: Known): CvmName {
  const results = tags.get(0x9f34)
  const method = results?.length === 3 && results[2] !== 1 ? results[0] & 0x3f : undefined
  if (method === 0x01) return by === 'tap' ? 'device' : 'offlinePin'
  if (method === 0x04) return 'offlinePin'
  if (method === 0x02) return 'onlinePin'
  if (method === 0x03 || method === 0x05 || method === 0x1e) return 'signature'
  return signature ? 'signature' : 'none'
}

/** ISO 8859 parts that 9F11 can name. */
const codeTables = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

function applicationOf({ tags, label }: Known): Outcome['application'] {
  const aid = tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06)
  if (!aid && !label && !tags.has(0x50) && !tags.has(0x9f12)) return undefined
  const own = aid ?? new Uint8Array(0)
  return { aid: own, label: label ?? displayName(tags, tags.get(0x9f11), codeTables, own) }
}

export function outcome(known: Known, result: Outcome['result'], reason?: Reason, more: Partial<Outcome> = {}): Outcome {
  const application = applicationOf(known)
  const { by, tags, asked, response } = known
  return {
    result,
    ...(reason && { reason }),
    interface: by,
    cvm: cvmOf(known),
    online: asked,
    ...(application && { application }),
    tags: new Map(tags),
    ...(response && { response }),
    ...more,
  }
}

/** The reader, the card or the host said no. What the host had approved must be reversed. */
export function declined(known: Known): Outcome {
  const { response } = known
  if (response?.type === 'approved') return outcome(known, 'declined', 'cardDeclined', { reversal: true })
  if (response?.type === 'declined') return outcome(known, 'declined', 'hostDeclined')
  return outcome(known, 'declined', response?.type ?? 'offlineDeclined')
}

/** A swipe ends with the host's word: no card is there to contradict. */
export function byHost(known: Known): Outcome {
  return known.response?.type === 'approved' ? outcome(known, 'approved') : declined(known)
}

/** An ending that is the reader's: after the host approved, the card has not completed what is charged. */
export function broken(
  known: Known,
  result: Extract<Outcome['result'], 'declined' | 'cancelled'>,
  reason: Reason,
  fallback = false,
): Outcome {
  if (known.response?.type === 'approved') return outcome(known, 'declined', reason, { reversal: true })
  if (known.response) return declined(known)
  return outcome(known, result, known.removed ? 'cardRemoved' : reason, fallback ? { fallback } : {})
}

/** The reader is lost: once the host was asked, that is no fault but an outcome. What the host declined stays declined. */
export function afterHost(known: Known, reason: 'linkLost' | 'readerError', error: unknown): Outcome {
  if (!known.asked) throw error
  return known.response?.type === 'declined' ? declined(known) : outcome(known, 'unknown', reason)
}

/** The merchant's cancellation: while the host was deciding, nobody knows; what it approved must be reversed, what it declined stays declined. */
export function afterAbort(known: Known): Outcome {
  const { asked, response } = known
  if (response?.type === 'declined' || response?.type === 'referral') return declined(known)
  if (response) return outcome(known, 'cancelled', 'merchantCancelled', response.type === 'approved' ? { reversal: true } : {})
  return outcome(known, asked ? 'unknown' : 'cancelled', 'merchantCancelled')
}

/** Runs `work`; whatever it throws becomes an outcome where the app is owed one. `cancel` stops the reader, and throws nothing. */
export async function settled(counter: Counter, known: Known, work: () => Promise<Outcome>, cancel: () => Promise<void>): Promise<Outcome> {
  try {
    return await work()
  } catch (error) {
    if (isFault(error, 'link-closed')) return afterHost(known, 'linkLost', error)
    if (known.begun) await cancel()
    if (counter.signal.aborted) return afterAbort(known)
    if (!known.response) throw error
    return afterHost(known, 'readerError', error)
  }
}
