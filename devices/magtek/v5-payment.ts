/** One payment on a V5 reader: it tells how far it is, asks the app for a choice and for the host, and gives the batch at the end. */

import { equal } from '../../src/bytes.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { invitation } from '../../src/reader/invitation.ts'
import {
  cardTypes,
  decodeBatch,
  decodeDisplay,
  decodeEmvData,
  decodeSelection,
  decodeStatus,
  encodeDate,
  encodeHostAnswerV5,
  encodeSelected,
  encodeStart,
  magtekTags,
  selectionStatus,
  startOptions,
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
  choose,
  heardNext,
  isCopy,
  type Known,
  LAST_WORDS,
  learn,
  nothingKnown,
  settled,
  show,
  showText,
  silenceOf,
  tooLate,
  transactionTypes,
  waysOf,
} from './known.ts'
import { BETWEEN, cancelV5, type End, endOf, limitsOf, settle, type V5Counter } from './v5-end.ts'
import { askExtended, doExtended, refusalOf, say } from './v5-session.ts'
import { swiped, waitForSwipe } from './v5-swipe.ts'

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
  if (status.progress === v5Progress.waitingForResponse) known.waits = true
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
