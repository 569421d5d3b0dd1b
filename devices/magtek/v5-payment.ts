/** One payment on a V5 reader: it tells how far it is, asks the app for a choice and for the host, and gives the batch at the end. */

import { equal, text, toCn } from '../../src/bytes.ts'
import { sleep } from '../../src/clock.ts'
import type { CardInterface, Outcome, Reason } from '../../src/emv/outcome.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { isExpired } from '../../src/expiry.ts'
import { entryModeOf, readSwipe, type Swipe, type SwipedTracks } from '../../src/magstripe/swipe.ts'
import { track2Equivalent } from '../../src/magstripe/track.ts'
import type { Queue } from '../../src/queue.ts'
import { invitation } from '../../src/reader/invitation.ts'
import {
  cardTypes,
  decodeBatch,
  decodeDisplay,
  decodeEmvData,
  decodeSelection,
  decodeStatus,
  decodeSwipe,
  encodeDate,
  encodeHostAnswerV5,
  encodeSelected,
  encodeStart,
  magtekTags,
  type SealedSwipe,
  selectionStatus,
  startOptions,
  transactionStatus,
  type V5Reply,
  type V5Status,
  v5Codes,
  v5Events,
  v5Extended,
  v5Progress,
} from './codec.ts'
import {
  amountsOf,
  authorise,
  broken,
  CARD_WAIT,
  type Counter,
  choose,
  heardNext,
  isCopy,
  type Known,
  LAST_WORDS,
  learn,
  learnPan,
  nothingKnown,
  settled,
  show,
  showText,
  silenceOf,
  tooLate,
  transactionTypes,
  waysOf,
} from './known.ts'
import { type AskLimits, askExtended, doExtended, refusalOf, say, type V5Line } from './v5-session.ts'

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
const BETWEEN = 1000

/** Tags of our own, in the private class, for what a swipe gives and no EMV tag holds; as QPOS gives them, so that an acquirer reads both alike. */
export const swipeTags = { encTrack1: 0xdfd101, encTrack2: 0xdfd102, encTrack3: 0xdfd103, ksn: 0xc0 } as const

/** @throws Fault as `Reader.transact` says */
export async function payV5(counter: V5Counter): Promise<Outcome> {
  const known = nothingKnown(counter)
  const start = startOf(counter)
  return settled(
    known,
    async () => {
      if (counter.interfaces.every(one => one === 'swipe')) return waitForSwipe(counter, known)
      await begin(counter, known, start)
      return follow(counter, known)
    },
    () => cancelV5(counter),
  )
}

/** @throws Fault `bad-argument`, `unsupported` */
function startOf({ transaction, interfaces }: V5Counter): Uint8Array {
  const { type = 'purchase', currency, forceOnline } = transaction
  const ways = waysOf(transaction, interfaces)
  // 09 is for taps only, 02 for the others (Magensa/magensa-bluetooth).
  const cashback = type === 'cashback' && (ways.has('chip') || ways.has('swipe'))
  return encodeStart({
    timeout: CARD_WAIT,
    cardTypes: [...ways].reduce((bits, way) => bits | cardTypes[way], 0),
    options: forceOnline ? startOptions.forceOnline : startOptions.normal,
    ...amountsOf(transaction),
    transactionType: cashback ? 0x02 : transactionTypes[type],
    currency: currency.numeric,
    reporting: 1,
  })
}

/** Starts it, with what may have to come before: the clock to be set, a payment that somebody else has left to be cancelled. */
async function begin(counter: V5Counter, known: Known, start: Uint8Array): Promise<void> {
  const { line, clock, signal, transaction } = counter
  const limits = limitsOf(counter)
  throwIfAborted(signal)
  known.begun = true
  for (let tries = 0; ; tries++) {
    const { result } = await askExtended(line, v5Extended.start, start, limits)
    if (result === v5Codes.ok) break
    if (tries === 2 || (result !== v5Codes.noDate && result !== v5Codes.inProgress)) {
      known.begun = false
      throw refusalOf('the start', result)
    }
    if (result === v5Codes.noDate) await doExtended(line, v5Extended.setDate, encodeDate(transaction.at ?? new Date(clock.now())), limits)
    else await cancelV5(counter)
  }
  show(counter, invitation(waysOf(counter.transaction, counter.interfaces)))
}

/** A DynaMag knows no transactions: it says what is swiped, whenever that is. */
async function waitForSwipe(counter: V5Counter, known: Known): Promise<Outcome> {
  const { news, signal, clock } = counter
  throwIfAborted(signal)
  show(counter, invitation(waysOf(counter.transaction, counter.interfaces)))
  const end = clock.now() + CARD_WAIT * 1000
  for (;;) {
    const timeout = Math.max(1, end - clock.now())
    const reply = await news.next({ timeout, signal, clock, what: 'a swipe' }).catch(error => {
      if (!isFault(error, 'timeout') || signal.aborted) throw error
    })
    if (!reply) return known.relay.outcome('cancelled', 'cardTimeout')
    if (reply.type !== 'swipe') continue
    const done = await swiped(counter, known, reply.report)
    if (done) return done
    show(counter, 'reader.tryAgain')
  }
}

function limitsOf({ timeout, signal }: V5Counter): AskLimits {
  return { timeout, signal }
}

/** What has come of the end. */
interface End {
  batch?: { readonly status: number | undefined }
  last?: V5Status
}

/** From the start to the end. */
async function follow(counter: V5Counter, known: Known): Promise<Outcome> {
  const end: End = {}
  let lost = false
  for (;;) {
    const some = end.batch !== undefined || end.last !== undefined
    const news = await next(counter, known, some ? BETWEEN : lost ? LAST_WORDS : silenceOf(counter, known, false), lost && !some)
    if (news === undefined || (end.batch && end.last)) return endOf(known, end)
    if (news.type === 'lost') lost = true
    else if (news.type === 'swipe') {
      const done = await swiped(counter, known, news.report)
      if (done) return done
      await cancelV5(counter)
      return broken(known, 'declined', 'cardError')
    } else if (news.type === 'notification') {
      const done = await hear(counter, known, end, news.id, news.data)
      if (done) return done
      if (end.batch && end.last) return endOf(known, end)
    }
  }
}

/** Whether the reader is there. One that has told of nothing may not have heard the start: it is told again, which one that has refuses. @throws Fault `timeout`, `reader-error` */
async function isThere(counter: V5Counter, known: Known): Promise<void> {
  const { line } = counter
  if (known.heard) await say(line, { type: 'getBattery' }, limitsOf(counter))
  else {
    const { result } = await askExtended(line, v5Extended.start, startOf(counter), limitsOf(counter))
    if (result !== v5Codes.ok && result !== v5Codes.inProgress) throw refusalOf('the start', result)
  }
}

/** Undefined when what was waited for is only the last word. @throws Fault `timeout`, `protocol`, `aborted`, `link-closed` */
async function next(counter: V5Counter, known: Known, timeout: number, lost: boolean): Promise<V5Reply | undefined> {
  const { signal } = counter
  try {
    return await heardNext(counter, known, { silence: timeout, isThere: () => isThere(counter, known) })
  } catch (error) {
    if (!isFault(error, 'timeout') || signal.aborted) throw error
    if (timeout === BETWEEN) return undefined
    if (lost) throw new Fault('protocol', 'a part of what the reader said was lost on the way', {}, { cause: error })
    throw error
  }
}

/** One notification. An outcome where it settles the payment at once. */
async function hear(counter: V5Counter, known: Known, end: End, id: number, data: Uint8Array): Promise<Outcome | undefined> {
  switch (id) {
    case 0x0300:
      return tell(counter, known, end, decodeStatus(data))
    case 0x0301:
      showText(counter, known, decodeDisplay(data))
      return undefined
    case 0x0302:
      return select(counter, known, data)
    case 0x0303:
      return arqc(counter, known, data)
    case 0x0304: {
      const { signature, blob } = decodeBatch(data)
      const tags = decodeEmvData(blob)
      // 80 says that the MAC of the host's answer was looked at, nothing of a signature (Magensa/magensa-bluetooth).
      known.relay.signature = signature === 1
      learn(known, tags)
      end.batch = { status: tags.get(magtekTags.transactionStatus)?.[0] }
      return undefined
    }
    default:
      return undefined // a notification of something else: UART, SPI, firmware
  }
}

/** What happens at the reader, as events; the status that ends it is kept. */
function tell(counter: V5Counter, known: Known, end: End, status: V5Status): undefined {
  const { emit } = counter
  switch (status.event) {
    case v5Events.inserted:
      known.relay.by = 'chip'
      known.relay.removed = false
      emit({ type: 'card', event: 'inserted' })
      show(counter, 'reader.processing')
      break
    case v5Events.tapped:
      known.relay.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      show(counter, 'reader.processing')
      break
    case v5Events.removed:
      if (known.relay.by === 'chip') known.relay.removed = true
      emit({ type: 'card', event: 'removed' })
      break
    case v5Events.error:
    case v5Events.timeout:
    case v5Events.complete:
    case v5Events.hostCancelled:
      end.last = status
  }
  if (status.progress === v5Progress.collision) show(counter, 'reader.presentOneCard')
  else if (status.progress === v5Progress.seePhone) show(counter, 'reader.seePhone')
  else if (status.progress === v5Progress.switchInterface) show(counter, 'reader.insertCard')
}

/** The list of a co-badged card, for the app to show; or the cardholder's languages, of which the first is the card's own preference. */
async function select(counter: V5Counter, known: Known, data: Uint8Array): Promise<Outcome | undefined> {
  if (known.list && equal(known.list, data)) return undefined // a copy
  known.list = data
  const { kind, items, secondsLeft } = decodeSelection(data)
  const { line } = counter
  const limits = limitsOf(counter)
  const answer = (status: number, index: number) => doExtended(line, v5Extended.selection, encodeSelected(status, index), limits)
  if (kind === 'language') {
    await answer(selectionStatus.completed, 0)
    return undefined
  }
  const { index, late } = await choose(counter, known, items, secondsLeft)
  if (index === undefined) {
    await answer(late ? selectionStatus.timedOut : selectionStatus.cancelled, 0).catch(error => tooLate(known, error))
    await settle(counter)
    return known.relay.outcome('cancelled', known.relay.removed ? 'cardRemoved' : 'cardholderCancelled')
  }
  await answer(selectionStatus.completed, index).catch(error => tooLate(known, error))
  return undefined
}

/** The cryptogram goes to the host, and its answer to the card. */
async function arqc(counter: V5Counter, known: Known, data: Uint8Array): Promise<Outcome | undefined> {
  if (isCopy(known, data)) return undefined
  const tags = decodeEmvData(data)
  learn(known, tags)
  const response = await authorise(known)
  show(counter, 'reader.processing')
  // Z3: unable to go online (EMV 4.4 Book 4, Annex A6)
  const answer = encodeHostAnswerV5(response.type === 'unableToGoOnline' ? { code: 'Z3' } : response, tags)
  await doExtended(counter.line, v5Extended.onlineResponse, answer, limitsOf(counter)).catch(error => tooLate(known, error))
  return undefined
}

/** A stripe: its tracks go to the host as they came, enciphered by the reader's head. Undefined for one that was read wrong. */
async function swiped(counter: V5Counter, known: Known, report: Uint8Array): Promise<Outcome | undefined> {
  const swipe = decodeSwipe(report)
  known.relay.by = 'swipe'
  counter.emit({ type: 'card', event: 'swiped' })
  const good = swipe.type === 'sealed' ? learnSealed(counter, known, swipe) : learnOpen(counter, known, swipe.tracks.map(text))
  if (!good) return undefined
  known.relay.signature = true
  show(counter, 'reader.processing')
  await authorise(known)
  return known.relay.byHost()
}

function learnSealed({ interfaces }: V5Counter, known: Known, swipe: SealedSwipe): boolean {
  const { tracks, decodeStatus: status, ksn, masked } = swipe
  if (!tracks.slice(0, 2).some((track, at) => track.length > 0 && status[at] === 0)) return false
  const tags = [swipeTags.encTrack1, swipeTags.encTrack2, swipeTags.encTrack3]
  for (const [at, track] of tracks.entries()) if (track.length > 0 && status[at] === 0) known.relay.tags.set(tags[at], track)
  known.relay.tags.set(swipeTags.ksn, ksn)
  known.relay.tags.set(magtekTags.serial, swipe.serial)
  const track2 = text(masked[1])
  learnPan(known, track2)
  known.relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(/=\d{4}(\d{3})/.exec(track2)?.[1], interfaces.includes('chip'))))
  return true
}

/** A reader that enciphers nothing: track 2 as a chip would give it. */
function learnOpen({ interfaces, clock }: V5Counter, known: Known, tracks: readonly string[]): boolean {
  const [track1, track2, track3] = tracks
  const read = swipeOf({ track1, track2, track3 })
  if (!read || (read.expiry !== undefined && isExpired(read.expiry, new Date(clock.now())))) return false
  if (read.track2) known.relay.tags.set(0x57, track2Equivalent(read.track2))
  else if (read.track1) known.relay.tags.set(0x5a, toCn(read.pan))
  known.relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(read.serviceCode?.chip ? '2' : '1', interfaces.includes('chip'))))
  return true
}

function swipeOf(tracks: SwipedTracks): Swipe | undefined {
  try {
    return readSwipe(tracks)
  } catch (error) {
    if (isFault(error, 'bad-swipe')) return undefined
    throw error
  }
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
async function endOf(known: Known, { batch, last }: End): Promise<Outcome> {
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
async function cancelV5(counter: Pick<V5Counter, 'line' | 'news' | 'timeout' | 'clock'>): Promise<void> {
  const { line, timeout } = counter
  try {
    const { result } = await askExtended(line, v5Extended.cancel, new Uint8Array(0), { timeout })
    if (result === v5Codes.ok) await settle(counter)
  } catch {
    // A reader that does not answer, or is gone, is not waited for.
  }
}

/** Until the status that ends a transaction has come, and what follows it. */
async function settle({ news, clock }: Pick<V5Counter, 'news' | 'clock'>): Promise<void> {
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
