/** One payment on a Miura: a card over any interface, its transaction or its stripe, the host's word, and how it ended. */

import { text } from '../../src/bytes.ts'
import { type Clock, localTime, within } from '../../src/clock.ts'
import { type CardInterface, type Outcome, pinWasWrong } from '../../src/emv/outcome.ts'
import type { Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { asksForPin, type ServiceCode, serviceCodeOf } from '../../src/magstripe/service-code.ts'
import { entryModeOf } from '../../src/magstripe/swipe.ts'
import { maskPan } from '../../src/mask.ts'
import type { ShopMessageId as MessageId } from '../../src/messages/shop.ts'
import { needN12 } from '../../src/reader/driver.ts'
import { invitation } from '../../src/reader/invitation.ts'
import { MASKED_PAN, maskedCn } from '../../src/reader/own-tags.ts'
import { pinBlockByLength } from '../../src/reader/pin-block.ts'
import { Relay, type RelayOptions } from '../../src/reader/relay.ts'
import {
  type CardEvent,
  cardReports,
  command,
  decodeOnlinePinResult,
  decodeResult,
  encodeContinue,
  encodeOnlinePin,
  encodeStart,
  failures,
  type Start,
  SUCCESS,
  type TransactionResult,
  tags,
  transactionTypes,
} from './codec.ts'
import { stopped } from './endings.ts'
import { type MiuraLine, refused } from './session.ts'
import type { Watch } from './watch.ts'

export interface Counter extends RelayOptions {
  readonly line: MiuraLine
  /** What the reader tells of cards and keys. */
  readonly watch: Watch
  /** Puts words on the reader's display. */
  readonly display: (...messages: readonly MessageId[]) => Promise<void>
}

/** CARD STATUS: now, and whenever it changes. */
export const reportCards = command('cardStatus', {
  p1: cardReports.unsolicited | cardReports.track1 | cardReports.track2 | cardReports.track3,
})
/** Milliseconds that the host waits for a card where the reader does not. */
const CARD_WAIT = 60_000
/** Milliseconds between two questions for the card, while the host waits for one. */
const CARD_STATUS = 2000

interface Payment extends Counter {
  readonly relay: Relay
  readonly start: Start
  /** A transaction is open in the reader: to be aborted when the payment ends otherwise. */
  open: boolean
  /** A chip card was swiped, and its slot asked for. */
  sentToSlot?: boolean
}

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const { line, signal, clock, transaction } = counter
  const relay = new Relay(counter, 'told')
  const payment: Payment = { ...counter, relay, start: startOf(transaction, clock.now()), open: false }
  try {
    const outcome = await fromCard(payment, new Set(transaction.interfaces ?? ['chip', 'tap', 'swipe']))
    const again = pinWasWrong(outcome)
    if (again) payment.watch.spent = false
    await finish(payment, outcome, again)
    return outcome
  } catch (error) {
    if (isFault(error, 'link-closed')) return relay.broken(error)
    if (payment.open) await line.abort()
    await counter.display('reader.cancelled')
    return signal.aborted ? relay.aborted() : relay.broken(error)
  }
}

type Ways = ReadonlySet<CardInterface>

async function fromCard(payment: Payment, ways: Ways): Promise<Outcome> {
  if (ways.size === 0) throw new Fault('unsupported', 'a payment over no interface at all', { feature: 'interfaces' })
  if (!(await oldCardOut(payment))) return payment.relay.outcome('cancelled', 'cardTimeout')
  return askForCard(payment, ways)
}

function askForCard(payment: Payment, ways: Ways, words?: MessageId): Promise<Outcome> {
  return ways.has('tap') ? tap(payment, ways, words) : withoutTap(payment, ways)
}

/** Nobody pays twice for having left the card in the slot: false where it stays there. What the reader told of it before may have been lost. @throws Fault `aborted` */
async function oldCardOut({ line, watch, relay, display, signal, clock }: Payment): Promise<boolean> {
  if (!watch.spent) return true
  relay.show('reader.removeCard')
  await display('reader.removeCard')
  await line.tell(reportCards, signal)
  const stop = askingForCards(line, clock)
  try {
    await within({ signal, clock, timeout: CARD_WAIT, what: 'the removal of a card' }, inner =>
      watch.next(({ present }) => !present, inner),
    )
    return true
  } catch (error) {
    if (isFault(error, 'timeout')) return false
    throw error
  } finally {
    stop()
  }
}

/** CARD STATUS now and then, until the returned function is called: what the reader tells unasked may be lost. */
function askingForCards(line: MiuraLine, clock: Clock): () => void {
  let cancel = () => {}
  const ask = () => {
    line.tell(reportCards).catch(() => {}) // a lost line ends the wait
    cancel = clock.timer(CARD_STATUS, ask)
  }
  cancel = clock.timer(CARD_STATUS, ask)
  return () => cancel()
}

/** START CONTACTLESS waits for a tap, and tells when it was a chip or a stripe instead. */
async function tap(payment: Payment, ways: Ways, words = invitation(ways)): Promise<Outcome> {
  const { line, relay, watch, start, signal, emit } = payment
  watch.forget()
  relay.show(words)
  const { applicationSelection: _, riskManagement: __, ...plain } = start
  const message = command('startContactless', { data: encodeStart(plain) })
  const { sw, body } = await line.transact(message, signal)
  switch (sw) {
    case SUCCESS: {
      relay.by = 'tap'
      payment.open = true
      emit({ type: 'card', event: 'tapped' })
      return result(payment, decodeResult(body))
    }
    case failures.CONTACTLESS_ABORT_BY_CARD_INSERT:
      return ways.has('chip') ? chip(payment, ways) : relay.outcome('declined', 'tryAnotherInterface')
    case failures.CONTACTLESS_ABORT_BY_SWIPE: {
      const swipe = watch.swiped ?? (await swipeAfter(payment))
      return ways.has('swipe') ? stripe(payment, ways, swipe) : relay.outcome('declined', 'tryAnotherInterface')
    }
    case failures.CONTACTLESS_INSERT_OR_SWIPE: // before any card: no rules in this currency, or none for this amount (EMV Contactless Book A, message 18)
      return rest(payment, ways, ['chip', 'swipe'])
    case failures.CONTACTLESS_INSERT_CARD:
    case failures.CONTACTLESS_INSERT_SWIPE_OR_OTHER_CARD:
      relay.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      return rest(payment, ways, sw === failures.CONTACTLESS_INSERT_CARD ? ['chip'] : ['chip', 'swipe'])
    default:
      return ended(payment, sw, message)
  }
}

/** Goes on without a tap, as far as the payment may. */
async function rest(payment: Payment, ways: Ways, left: readonly CardInterface[]): Promise<Outcome> {
  const those = new Set(left.filter(one => ways.has(one)))
  return those.size > 0 ? withoutTap(payment, those) : payment.relay.outcome('declined', 'tryAnotherInterface')
}

/** The event of a swipe may come behind the answer that tells of it. */
async function swipeAfter({ watch, signal, clock }: Payment): Promise<CardEvent> {
  return within({ signal, clock, timeout: 2000, what: 'the tracks of the swipe' }, inner => watch.next(({ swiped }) => swiped, inner))
}

/** The host asks for a card and hears of it by CARD STATUS. */
async function withoutTap(payment: Payment, ways: Ways): Promise<Outcome> {
  const { relay, watch, signal, clock, display } = payment
  const words = invitation(ways)
  watch.forget()
  relay.show(words)
  await display(words)
  let found: CardEvent | 'cancel'
  const stop = askingForCards(payment.line, clock)
  try {
    const wanted = (event: CardEvent) => (ways.has('chip') && event.present) || (ways.has('swipe') && event.swiped)
    found = await within({ signal, clock, timeout: CARD_WAIT, what: 'a card' }, inner => watch.nextOrCancel(wanted, inner))
  } catch (error) {
    if (isFault(error, 'timeout')) return relay.outcome('cancelled', 'cardTimeout')
    throw error
  } finally {
    stop()
  }
  if (found === 'cancel') return relay.outcome('cancelled', 'cardholderCancelled')
  return found.swiped ? stripe(payment, ways, found) : chip(payment, ways)
}

async function chip(payment: Payment, _ways: Ways): Promise<Outcome> {
  const { line, relay, watch, start, signal } = payment
  relay.by = 'chip'
  watch.spent = true
  relay.show('reader.processing')
  const message = command('startTransaction', { data: encodeStart(start) })
  const { sw, body } = await line.transact(message, signal)
  if (sw !== SUCCESS) return ended(payment, sw, message)
  payment.open = true
  return result(payment, decodeResult(body))
}

/** What a START came to; the host is asked where the reader wants it. */
async function result(payment: Payment, told: TransactionResult): Promise<Outcome> {
  const { line, relay, signal } = payment
  learn(relay, told)
  switch (told.type) {
    case 'approved':
      payment.open = false
      return relay.approved()
    case 'declined':
      payment.open = false
      return relay.declined()
    case 'decisionRequired':
      throw new Fault('unsupported', 'the reader wants a decision on risk management, for which it was not configured', {
        feature: 'decision',
      })
    case 'onlineRequired': {
      throwIfAborted(signal)
      const response = await relay.authorise()
      // Z3: unable to go online (EMV 4.4 Book 4, Annex A6)
      const data = encodeContinue(response.type === 'unableToGoOnline' ? { code: 'Z3' } : response)
      const message = command('continueTransaction', { data })
      payment.open = false // from here on it ends by itself, whatever comes
      const { sw, body } = await line.transact(message, signal)
      if (sw !== SUCCESS) return ended(payment, sw, message)
      const last = decodeResult(body)
      if (last.type !== 'approved' && last.type !== 'declined')
        throw new Fault('protocol', `the reader ended a transaction with ${last.type}`, { answer: last.type })
      learn(relay, last)
      if (last.type === 'approved') return await relay.approved()
      relay.removed = payment.watch.present === false
      // An ABORT that came in time is a decline of the card's, of what the host has approved.
      return signal.aborted ? relay.aborted() : relay.declined()
    }
  }
}

function learn(relay: Relay, { tags: told }: TransactionResult): void {
  relay.learn(told)
  relay.pinBlock = pinBlockByLength(told.get(tags.pinBlock), told.get(tags.pinKsn)) ?? relay.pinBlock
}

function ended(payment: Payment, sw: number, message: Parameters<typeof refused>[1]): Outcome {
  const { relay } = payment
  const ending = stopped(sw)
  if (!ending) throw refused(sw, message)
  if (ending.fallback) relay.by = 'chip'
  return relay.ended(ending.result, ending.reason, ending.fallback ? { fallback: true } : {})
}

/** A stripe: its chip first, where there is one; then a PIN where its service code wants one, and the host's word. */
async function stripe(payment: Payment, ways: Ways, swipe: CardEvent): Promise<Outcome> {
  const { relay, line, emit, signal, transaction } = payment
  emit({ type: 'card', event: 'swiped' })
  const masked = swipe.data.get(tags.maskedTrack2) ?? swipe.data.get(tags.track2)
  if (!masked) return askForCard(payment, ways) // misread: once more
  const { serviceCode, pan } = trackOf(masked)
  if (serviceCode?.chip && ways.has('chip')) {
    // START CONTACTLESS has words of its own on the reader's display: who swipes once more is asked for the slot there, and for nothing else.
    if (payment.sentToSlot) return withoutTap(payment, new Set(['chip']))
    payment.sentToSlot = true
    return askForCard(payment, ways, 'reader.insertCard')
  }
  relay.by = 'swipe'
  relay.learn(swipe.data)
  relay.tags.set(MASKED_PAN, maskedCn(/^\d+$/.test(pan) ? maskPan(pan) : pan))
  relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(serviceCode?.chip ? '2' : '1')))
  if (asksForPin(serviceCode)) {
    const { amount, currency } = transaction
    const data = encodeOnlinePin({ amount, currency: currency.numeric, label: 'PIN', maskedTrack2: masked })
    const message = command('onlinePin', { p1: 1, data })
    const { sw, body } = await line.transact(message, signal)
    if (sw !== SUCCESS && body.length === 0) return ended(payment, sw, message)
    const typed = decodeOnlinePinResult(body)
    if (typed.type === 'cancelled') return relay.outcome('cancelled', 'cardholderCancelled')
    if (typed.type === 'failed')
      throw new Fault('reader-error', `the reader ended the PIN entry with ${typed.code}`, { code: `PIN ${typed.code}` })
    if (typed.type === 'pin') relay.pinBlock = pinBlockByLength(typed.block, typed.ksn)
  }
  relay.show('reader.processing')
  await payment.display('reader.processing')
  await relay.authorise()
  return relay.byHostOrCall()
}

/** Masked track 2 as the reader gives it: `;400000******0002=3012201…?` (CardData.java). */
function trackOf(track: Uint8Array): { readonly pan: string; readonly serviceCode?: ServiceCode } {
  const [pan, rest = ''] = text(track)
    .replace(/^;|\?.*$/g, '')
    .split('=')
  const code = rest.slice(4, 7)
  return /^\d{3}$/.test(code) ? { pan, serviceCode: serviceCodeOf(code) } : { pan }
}

/** The result on the reader's display, and the card out of the slot: no longer waited for than it takes to say so. */
async function finish({ relay, watch, display }: Payment, { result, reason }: Outcome, stays: boolean): Promise<void> {
  const words: MessageId = result === 'approved' ? 'reader.approved' : result === 'declined' ? 'reader.declined' : 'reader.cancelled'
  const elsewhere = reason === 'tryAnotherInterface'
  const shown: MessageId = elsewhere ? 'reader.insertOrSwipe' : words
  const out = watch.present && !stays
  if (out) relay.show('reader.removeCard')
  await display(shown, ...(out ? (['reader.removeCard'] as const) : []))
}

/** @throws Fault `bad-argument` where an amount does not fit n 12 */
function startOf({ type = 'purchase', amount, otherAmount, currency, at }: Transaction, now: number): Start {
  needN12({ amount, ...(otherAmount !== undefined && { otherAmount }) })
  return {
    type: transactionTypes[type],
    amount,
    ...(otherAmount !== undefined && { otherAmount }),
    time: localTime(at ?? new Date(now)).slice(2), // yyMMddHHmmss
    currency: currency.numeric,
    applicationSelection: 1,
    riskManagement: 0,
  }
}
