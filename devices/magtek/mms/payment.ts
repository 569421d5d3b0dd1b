/** One payment on an MMS reader: what it tells (0101), what it asks the app (1803), the host's answer (1004), and how it ends (0105). */

import { equal, text } from '../../../src/bytes.ts'
import { type CardInterface, type Outcome, pinWasWrong, type Reason } from '../../../src/emv/outcome.ts'
import { Fault, throwIfAborted } from '../../../src/errors.ts'
import { asksForPin, serviceCodeOf } from '../../../src/magstripe/service-code.ts'
import { entryModeOf } from '../../../src/magstripe/swipe.ts'
import type { Queue } from '../../../src/queue.ts'
import { invitation } from '../../../src/reader/invitation.ts'
import {
  decodeEmvData,
  decodeUi,
  emvDataOf,
  encodeMmsStart,
  encodeReport,
  encodeResume,
  encodeShow,
  endDetails,
  endExtras,
  infoDetails,
  isWaitingForHost,
  labelsOf,
  type MmsMessage,
  magtekTags,
  mmsCommands,
  mmsDetails,
  mmsNotifications,
  mmsSummaries,
  payloadOf,
  selectionStatus,
  technologies,
} from '../codec.ts'
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
  nothingKnown,
  settled,
  show,
  showText,
  silenceOf,
  tellPin,
  tooLate,
  transactionTypes,
  waysOf,
} from '../known.ts'
import { ask, type MmsLine, type References, refusalOf, request } from './session.ts'

export interface MmsCounter extends Counter {
  readonly line: MmsLine
  readonly references: References
  /** Notifications, from before the start on. */
  readonly news: Queue<MmsMessage>
  readonly interfaces: readonly CardInterface[]
  /** It shows the list of a co-badged card itself. */
  readonly lists: boolean
  readonly pinPad: boolean
}

/** @throws Fault as `Reader.transact` says */
export async function payMms(counter: MmsCounter): Promise<Outcome> {
  const known = nothingKnown(counter)
  const start = startOf(counter)
  return settled(
    known,
    async () => {
      await begin(counter, known, start)
      return follow(counter, known)
    },
    () => cancelMms(counter),
  )
}

/** @throws Fault `bad-argument`, `unsupported` */
function startOf({ transaction, interfaces }: MmsCounter): Uint8Array {
  const { type = 'purchase', currency, forceOnline } = transaction
  if (forceOnline) throw new Fault('unsupported', 'an MMS reader is not told to go online', { feature: 'forceOnline' })
  const ways = waysOf(transaction, interfaces)
  return encodeMmsStart({
    timeout: CARD_WAIT,
    ...{ swipe: ways.has('swipe'), chip: ways.has('chip'), tap: ways.has('tap') },
    ...amountsOf(transaction),
    transactionType: transactionTypes[type],
    currency: currency.numeric,
    quickChip: false,
  })
}

async function begin(counter: MmsCounter, known: Known, start: Uint8Array): Promise<void> {
  const { line, references, signal } = counter
  throwIfAborted(signal)
  known.begun = true
  for (let tries = 0; ; tries++) {
    const response = await request(line, references, mmsCommands.start, start, { signal })
    const { summary = mmsSummaries.failed, detail } = response.status ?? {}
    if (summary < mmsSummaries.notStarted) break
    // Somebody else has left it in the middle of a payment.
    if (tries === 0 && detail === mmsDetails.inProgress) await cancelMms(counter)
    else {
      known.begun = false
      throw refusalOf(response)
    }
  }
  show(counter, invitation(waysOf(counter.transaction, counter.interfaces)))
}

async function follow(counter: MmsCounter, known: Known): Promise<Outcome> {
  const { lists } = counter
  for (;;) {
    const silence = silenceOf(counter, known, lists)
    const message = await heardNext(counter, known, { silence, lists, isThere: () => isThere(counter, known) })
    if (!message) throw new Fault('internal', 'the news of a payment ended')
    const { summary = 0, detail = 0 } = message.status ?? {}
    switch (message.id) {
      case mmsNotifications.transaction:
        await tell(counter, known, message, summary, detail)
        break
      case mmsNotifications.transactionDone: {
        const outcome = await endOf(known, detail >> 8, detail & 0xff)
        if (outcome.result !== 'approved' && approvals.includes(detail >> 8)) await takeBack(counter)
        return outcome
      }
      case mmsNotifications.uiRequest: {
        const done = await ui(counter, known, message)
        if (done) return done
      }
    }
  }
}

/**
 * Whether the reader is there: whatever it answers. A virtual one says in a tag of ours that it waits for the host; then its request was lost on the way.
 * @throws Fault `timeout`, `protocol`
 */
async function isThere({ line, references, signal }: MmsCounter, { relay }: Known): Promise<void> {
  const answer = await request(line, references, mmsCommands.transactionStatus, payloadOf(mmsCommands.transactionStatus), { signal })
  const { payload, status } = answer
  if (status?.detail === mmsDetails.noTransaction) throw new Fault('protocol', 'how the transaction ended was lost on the way')
  if (!relay.asked && payload && isWaitingForHost(payload))
    throw new Fault('protocol', 'what the reader wants from its host was lost on the way')
}

const technologyNames: Readonly<Record<number, CardInterface>> = {
  [technologies.stripe]: 'swipe',
  [technologies.chip]: 'chip',
  [technologies.tap]: 'tap',
}

async function tell(counter: MmsCounter, known: Known, message: MmsMessage, technology: number, detail: number): Promise<void> {
  const { emit } = counter
  const by = technologyNames[technology] ?? known.relay.by
  switch (detail & 0xffff00) {
    case infoDetails.swiped:
      known.relay.by = 'swipe'
      emit({ type: 'card', event: 'swiped' })
      break
    case infoDetails.inserted:
      known.relay.by = 'chip'
      known.relay.signature = false
      known.relay.removed = false
      emit({ type: 'card', event: 'inserted' })
      show(counter, 'reader.processing')
      break
    case infoDetails.detected:
      if (by !== 'tap') break
      known.relay.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      show(counter, 'reader.processing')
      break
    case infoDetails.removed:
      if (by === 'chip') known.relay.removed = true
      emit({ type: 'card', event: 'removed' })
      break
    case infoDetails.collision:
      show(counter, 'reader.presentOneCard')
      break
    case infoDetails.arqc & 0xffff00:
      known.relay.by = by
      return arqc(counter, known, message)
    case infoDetails.batch & 0xffff00:
      learn(known, decodeEmvData(emvDataOf(message.payload, message.id)))
      tellPin(known)
  }
}

/** The cryptogram, or an enciphered stripe, goes to the host, and its answer to the reader. */
async function arqc(counter: MmsCounter, known: Known, message: MmsMessage): Promise<void> {
  if (isCopy(known, message.payload ?? new Uint8Array(0))) return
  const tags = decodeEmvData(emvDataOf(message.payload, message.id))
  learn(known, tags)
  if (known.relay.by === 'swipe') {
    const masked = text(tags.get(magtekTags.maskedTrack2Stripe) ?? tags.get(magtekTags.maskedTrack2) ?? new Uint8Array(0))
    const service = /=\d{4}(\d{3})/.exec(masked)?.[1]
    if (!known.relay.tags.has(0x9f39))
      known.relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(service, counter.interfaces.includes('chip'))))
    // Its PIN block is enciphered with the tracks: before the end the reader does not say whether there is one.
    known.relay.sealedPin = known.pin === true || asksForPin(service === undefined ? undefined : serviceCodeOf(service), counter.pinPad)
    known.relay.signature = !known.relay.sealedPin
  }
  tellPin(known)
  const response = await authorise(known)
  show(counter, 'reader.processing')
  // Z3: unable to go online (EMV 4.4 Book 4, Annex A6)
  const answer = encodeResume(
    response.type === 'unableToGoOnline' ? { code: 'Z3' } : response,
    tags.get(magtekTags.serial) ?? new Uint8Array(0),
  )
  await ask(counter.line, counter.references, mmsCommands.resume, answer, { signal: counter.signal }).catch(error => tooLate(known, error))
}

/** A reader without a display asks for one; a list is the app's to show. */
async function ui(counter: MmsCounter, known: Known, { status, payload }: MmsMessage): Promise<Outcome | undefined> {
  const DISPLAY = 0x02
  if (status?.summary !== DISPLAY || !payload) return undefined
  const reason = status.detail >> 16
  const { lines, seconds } = decodeUi(payload)
  if (reason !== 0x02) {
    for (const line of lines.slice(0, 1)) showText(counter, known, line)
    return undefined
  }
  if (known.list && equal(known.list, payload)) return undefined // a copy
  known.list = payload
  const { index, late } = await choose(counter, known, labelsOf(lines), seconds)
  const { line, references, signal } = counter
  const report = encodeReport(
    index !== undefined ? selectionStatus.completed : late ? selectionStatus.timedOut : selectionStatus.cancelled,
    index,
  )
  await ask(line, references, mmsCommands.reportSelection, report, { signal }).catch(error => tooLate(known, error))
  if (index !== undefined) return undefined
  await settle(counter)
  return known.relay.outcome('cancelled', known.relay.removed ? 'cardRemoved' : 'cardholderCancelled')
}

/** Reasons of endings that are no approval: how the payment went, and why. */
const endings: Readonly<Record<number, readonly ['declined' | 'cancelled', Reason]>> = {
  [endDetails.none]: ['declined', 'cardError'],
  [endDetails.tryAnotherInterface]: ['declined', 'tryAnotherInterface'],
  [endDetails.offlineFailed]: ['declined', 'cardError'],
  [endDetails.offlineNotAccepted]: ['declined', 'notAccepted'],
  [endDetails.failed]: ['declined', 'cardError'],
  [endDetails.notAccepted]: ['declined', 'notAccepted'],
  [endDetails.cancelled]: ['cancelled', 'cardholderCancelled'],
  [endDetails.endApplication]: ['declined', 'cardError'],
  [endDetails.hostCancelled]: ['cancelled', 'merchantCancelled'],
  [endDetails.userCancelled]: ['cancelled', 'cardholderCancelled'],
  [endDetails.cardReadError]: ['declined', 'cardError'],
}

/** What the reader calls approved. */
const approvals: readonly number[] = [endDetails.approved, endDetails.offlineApproved]

/** A display that says APPROVED of what is not: until the next payment it says otherwise. A reader that cannot is the app's to explain. */
async function takeBack({ line, references, pinPad, lists }: MmsCounter): Promise<void> {
  if (!lists && !pinPad) return
  await request(line, references, mmsCommands.display, encodeShow({ seconds: 0, text: 'DECLINED' })).catch(() => {})
}

async function endOf(known: Known, detail: number, extra: number): Promise<Outcome> {
  const { relay } = known
  if (extra === endExtras.signature) relay.signature = true
  // A stripe that wanted a PIN and was approved without a signature had one; so had one whose PIN the issuer has found wrong.
  const pinTaken = approvals.includes(detail) || pinWasWrong({ cvm: 'onlinePin', ...(relay.response && { response: relay.response }) })
  if (relay.sealedPin) relay.verified = relay.signature ? 'signature' : pinTaken ? 'onlinePin' : undefined
  tellPin(known)
  switch (detail) {
    case endDetails.approved:
    case endDetails.offlineApproved:
      return known.relay.approved(detail === endDetails.approved)
    case endDetails.declined:
    case endDetails.offlineDeclined:
    case endDetails.completedDeclined:
      return known.relay.declined()
    case endDetails.timeout:
      return broken(known, 'cancelled', known.pin && !known.relay.asked ? 'pinTimeout' : 'cardTimeout')
    default: {
      const [result, reason] = endings[detail] ?? (['declined', 'cardError'] as const)
      // The chip did not answer, or knows none of our applications: the vendor sends the card to the stripe.
      if (extra === endExtras.technicalFallback) return broken(known, 'declined', 'cardMute', true)
      if (extra === endExtras.stripeFallback) return broken(known, 'declined', detail === endDetails.notAccepted ? 'noApplication' : reason)
      return broken(known, known.relay.removed ? 'cancelled' : result, reason)
    }
  }
}

/** Cancels what the reader is doing, and waits until it says that it is over. Settles in any case; throws nothing. */
async function cancelMms(counter: Pick<MmsCounter, 'line' | 'references' | 'news' | 'clock'>): Promise<void> {
  try {
    const response = await request(counter.line, counter.references, mmsCommands.cancel, payloadOf(mmsCommands.cancel))
    if ((response.status?.summary ?? mmsSummaries.failed) < mmsSummaries.notStarted) await settle(counter)
  } catch {
    // A reader that does not answer, or is gone, is not waited for.
  }
}

async function settle({ news, clock }: Pick<MmsCounter, 'news' | 'clock'>): Promise<void> {
  const end = clock.now() + LAST_WORDS
  try {
    for (;;) {
      const message = await news.next({ timeout: Math.max(1, end - clock.now()), clock, what: 'the end of a transaction' })
      if (message?.id === mmsNotifications.transactionDone) break
    }
  } catch {
    // It has said all that it will.
  }
  news.clear()
}
