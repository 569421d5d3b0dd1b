/** One payment on a BluePad: the reader leads, tells what happens, asks for its host and for a signature, and says at last how it ended. */

import { fromHex, fromText } from '../../src/bytes.ts'
import { type Clock, within } from '../../src/clock.ts'
import { displayName } from '../../src/emv/fci.ts'
import type { CardInterface, CvmName, Outcome } from '../../src/emv/outcome.ts'
import type { AuthorisationResponse, PinBlock, Terminal, Transaction } from '../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages.ts'
import { Queue } from '../../src/queue.ts'
import type { ReaderEvent } from '../../src/reader/reader.ts'
import { read } from '../../src/tlv/ber.ts'
import { answerElements, cvms, type DeviceMessage, elements, type HostQuestion, statuses, times } from './codec.ts'
import { type Ended, endingOf } from './endings.ts'
import { type CarryToHost, HostLink, type HostRequest } from './host-link.ts'
import { requestFor } from './request.ts'
import { type MpedLine, type Said, sessionEnded } from './session.ts'

export interface Counter {
  readonly line: MpedLine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly transaction: Transaction
  readonly terminal: Terminal
  readonly carry: CarryToHost | undefined
  /** The reader understands the elements of `codec-host.ts`. */
  readonly extended: boolean
  readonly emit: (event: ReaderEvent) => void
  /** The XML of every message, for what it says of the reader itself. */
  readonly learn: (told: ReadonlyMap<string, string>) => void
}

/** Milliseconds for a cancelled reader to say how the payment ended, or to come to where it may be cancelled; then the session is ended. */
const SETTLE = 5000

/** What is known so far. */
interface Known {
  by: CardInterface
  cvm: CvmName | undefined
  tags: Map<number, Uint8Array>
  pinBlock?: PinBlock | undefined
  /** The request has left for the host. */
  asked: boolean
  /** … for one that only the reader understands: its word comes with the reader's answer. */
  carried: boolean
  response?: AuthorisationResponse
  /** A fault of the app while it was the host, or was asked for the signature. */
  fault?: Fault
  unsigned?: boolean
  /** The reader said nothing for too long. */
  silence?: Fault
  /** The cardholder is at the keypad; or has entered a PIN, and whether it was right is not known yet. */
  pin: 'typing' | 'entered' | undefined
  cancelAllowed: boolean
  told: boolean
}

type Happening = Said | { readonly type: 'stop' }
type Answer = Extract<DeviceMessage, { type: 'saleAnswer' | 'refundAnswer' }>

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const { line, transaction, signal } = counter
  const request = requestFor(transaction, counter.extended)
  const known: Known = {
    ...{ by: transaction.interfaces?.[0] ?? 'chip', cvm: undefined, tags: new Map() },
    ...{ asked: false, carried: false, pin: undefined, cancelAllowed: false, told: false },
  }
  if (signal.aborted) return outcome(known, 'cancelled', 'merchantCancelled')
  const happenings = new Queue<Happening>()
  const stop = () => happenings.push({ type: 'stop' })
  signal.addEventListener('abort', stop, { once: true })
  line.hear(happenings)
  const hostLink = linkTo(counter, known, stop)
  try {
    await line.send(request)
    const answer = await follow(counter, known, happenings, hostLink)
    if (signal.aborted) return afterAbort(known)
    if (known.fault) throw known.fault
    if (!answer) throw known.silence
    return final(counter, known, answer)
  } catch (error) {
    if (isFault(error, 'link-closed')) return afterHost(known, 'linkLost', error)
    if (signal.aborted) return afterAbort(known)
    if (error === known.fault && !known.response) throw error // the app's own: it knows what it did
    return afterHost(known, 'readerError', error)
  } finally {
    hostLink.close()
    line.hear(undefined)
    signal.removeEventListener('abort', stop)
  }
}

/** The answer to the payment; undefined when it was stopped and none came in time. */
async function follow(counter: Counter, known: Known, happenings: Queue<Happening>, hostLink: HostLink): Promise<Answer | undefined> {
  const { line, clock } = counter
  /** When the reader must have come to an end; it may not be cancelled at every moment. */
  let deadline: number | undefined
  let cancelSent = false
  for (;;) {
    // While the app asks the host, the reader waits in silence, and so do we.
    const timeout = deadline === undefined ? (hostLink.waiting ? undefined : times.finance) : Math.max(0, deadline - clock.now())
    let said: Happening | undefined
    try {
      said = await happenings.next({ clock, ...(timeout !== undefined && { timeout }), what: 'the payment' })
    } catch (error) {
      if (!isFault(error, 'timeout')) throw error
      if (deadline === undefined) {
        // A silent reader is asked to give up, as the vendor's library does, before we do.
        deadline = clock.now() + SETTLE
        cancelSent = true
        await line.tell({ type: 'idle' })
        known.silence = error
        continue
      }
      line.unsettled = true
      await line.end()
      return undefined
    }
    if (said === undefined) throw new Fault('link-closed', 'the link was closed')
    switch (said.type) {
      case 'stop':
        deadline ??= clock.now() + SETTLE
        hostLink.close()
        break
      case 'event':
        heard(counter, known, said)
        break
      case 'signature':
        void signed(counter, known)
          .then(status => line.send({ type: 'signatureAnswer', status }))
          .catch(error => lost(known, error))
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
        void hostLink.take(said satisfies HostRequest).catch(error => lost(known, error))
        break
      case 'saleAnswer':
      case 'refundAnswer':
        return said
      case 'ended':
        throw sessionEnded()
      case 'raw':
        throw new Fault('protocol', 'the reader says something that is no message of a payment')
      default: // an answer to somebody's question before
    }
    if (deadline !== undefined && known.cancelAllowed && !cancelSent) {
      cancelSent = true
      await line.tell({ type: 'idle' })
    }
  }
}

/** What could not be said to the reader: a lost link is told by the queue, anything else ends the payment. */
function lost(known: Known, error: unknown): void {
  if (!isFault(error, 'link-closed')) known.fault ??= asFault(error)
}

function linkTo(counter: Counter, known: Known, stop: () => void): HostLink {
  const { line, terminal, transaction, carry, clock } = counter
  return new HostLink({
    carry,
    say: message => line.send(message),
    onCarried: () => {
      known.asked = known.carried = true
    },
    onFault: fault => {
      if (known.carried) return // the reader is told that no answer came, and decides
      known.fault ??= fault
      stop()
    },
    async authorise(question, signal) {
      learnQuestion(counter, known, question)
      known.asked = true
      const request = { transaction, interface: question.interface, cvm: question.cvm, tags: new Map(question.tags) }
      const { pinBlock } = question
      known.response = await within({ signal, clock, what: 'the authorisation' }, inner =>
        terminal.authorise({ ...request, ...(pinBlock && { pinBlock }) }, { signal: inner }),
      )
      if (known.response.type !== 'unableToGoOnline') known.tags.set(0x8a, fromText(known.response.code))
      return known.response
    },
  })
}

function learnQuestion(counter: Counter, known: Known, { interface: by, cvm, tags, pinBlock }: HostQuestion): void {
  known.cvm = cvm
  known.pinBlock = pinBlock
  for (const [tag, value] of tags) known.tags.set(tag, value)
  presented(counter, known, by)
}

/** The reader's events know of a card that was inserted only; what else came is told when it is known. */
function presented({ emit }: Counter, known: Known, by: CardInterface): void {
  known.by = by
  if (known.told) return
  known.told = true
  emit({ type: 'card', event: by === 'chip' ? 'inserted' : by === 'tap' ? 'tapped' : 'swiped' })
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

/** What the reader shows while it tells of this. */
const screens = new Map<number, MessageId>([
  [statuses.WAITING_CARD, 'reader.presentCard'],
  [statuses.CARD_INSERTED, 'reader.processing'],
  [statuses.APPLICATION_SELECTION, 'reader.selectApplication'],
  [statuses.APPLICATION_CONFIRMATION, 'reader.selectApplication'],
  [statuses.PIN_INPUT_COMPLETED, 'reader.processing'],
  [statuses.WAITING_CARD_REMOVAL, 'reader.removeCard'],
  [statuses.REMOVE_CARD, 'reader.removeCard'],
  [statuses.WAITING_SIGNATURE, 'reader.approvedSign'],
  [statuses.CONNECTING, 'reader.authorising'],
  [statuses.ICC_CARD_SWIPED, 'reader.insertCard'],
  [statuses.BATTERY_TOO_LOW, 'reader.lowBattery'],
])

function heard(counter: Counter, known: Known, { status, xml }: Extract<DeviceMessage, { type: 'event' }>): void {
  const { emit } = counter
  const told = elements(xml)
  counter.learn(told)
  known.cancelAllowed = told.get('CancelAllowed') === 'true'
  const again = known.pin === 'entered' && status === statuses.PIN_INPUT
  // The wire has no word for a wrong PIN, nor for a right one: the PIN is asked again, or it is not.
  if (known.pin === 'entered' && status !== statuses.PIN_INPUT_COMPLETED) {
    emit({ type: 'pin', event: again ? 'wrong' : 'ok' })
    known.pin = undefined
  }
  if (status === statuses.CARD_INSERTED) presented(counter, known, 'chip')
  if (status === statuses.APPLICATION_SELECTION || status === statuses.APPLICATION_CONFIRMATION)
    emit({ type: 'application-selection', where: 'reader' })
  if (status === statuses.PIN_INPUT) {
    known.pin = 'typing'
    emit({ type: 'pin', event: 'started' })
  }
  if (status === statuses.PIN_INPUT_COMPLETED) known.pin = 'entered'
  const screen = status === statuses.PIN_INPUT ? (again ? 'reader.wrongPin' : 'reader.enterPin') : screens.get(status)
  if (screen) show(counter, screen)
}

function final(counter: Counter, known: Known, { status, answer }: Answer): Outcome {
  const told = elements(answer?.xml ?? '')
  counter.learn(told)
  if (known.pin === 'entered') counter.emit({ type: 'pin', event: 'ok' })
  learnAnswer(counter, known, told)
  const ended = ending(known, status, answer, told)
  if (known.unsigned) return outcome(known, 'cancelled', 'cardholderCancelled', dueReversal(known))
  if (ended.reason === 'cardRemoved') counter.emit({ type: 'card', event: 'removed' })
  if (ended.result === 'approved' && known.response?.type !== 'declined') return outcome(known, 'approved')
  return stopped(known, ended)
}

/** After the host was asked, a reader's own error is no fault any more: money may have moved. */
function ending(known: Known, ...given: Parameters<typeof endingOf>): Ended {
  try {
    return endingOf(...given)
  } catch (error) {
    if (!known.response) throw error
    return { result: 'declined', reason: known.response.type === 'approved' ? 'readerError' : 'hostDeclined' }
  }
}

/** Not approved by the reader. What the host approved is to be reversed, what it declined stays declined. */
function stopped(known: Known, { result, reason, fallback }: Ended): Outcome {
  const { response } = known
  if (response?.type === 'approved')
    return outcome(known, 'declined', reason === undefined || reason === 'offlineDeclined' ? 'cardDeclined' : reason, { reversal: true })
  if (response) return outcome(known, 'declined', response.type === 'declined' ? 'hostDeclined' : response.type)
  const own = reason === 'cardTimeout' && known.pin === 'typing' ? 'pinTimeout' : reason
  const by = own ?? (known.carried ? 'hostDeclined' : 'offlineDeclined')
  return outcome(
    known,
    result === 'approved' ? 'declined' : result,
    result === 'cancelled' ? (own ?? 'cardholderCancelled') : by,
    fallback ? { fallback } : {},
  )
}

function dueReversal({ response }: Known): Partial<Outcome> {
  return response?.type === 'approved' ? { reversal: true } : {}
}

/** The reader is lost: once the host was asked, that is no fault but an outcome. What the host declined stays declined. */
function afterHost(known: Known, reason: 'linkLost' | 'readerError', error: unknown): Outcome {
  if (!known.asked) throw error
  if (known.response?.type === 'declined' || known.response?.type === 'referral') return stopped(known, { result: 'declined' })
  return outcome(known, 'unknown', reason)
}

/** The merchant's cancellation: while the host was deciding, nobody knows; what it approved must be reversed, what it declined stays declined. */
function afterAbort(known: Known): Outcome {
  const { asked, response } = known
  if (response?.type === 'declined' || response?.type === 'referral') return stopped(known, { result: 'declined' })
  if (response) return outcome(known, 'cancelled', 'merchantCancelled', dueReversal(known))
  return outcome(known, asked ? 'unknown' : 'cancelled', 'merchantCancelled')
}

/** `paymentScenario`, else `CardEntryType`, where the reader says them. */
const scenarios: Readonly<Record<string, CardInterface>> = {
  ...{ CHIP: 'chip', ICC: 'chip', CHIPCONTACTLESS: 'tap', MAGSTRIPECONTACTLESS: 'tap' },
  ...{ MAGSTRIPE: 'swipe', CHIPFAILMAGSTRIPE: 'swipe', MSR: 'swipe' },
}
/** `CVM` (VerificationMethod). PIN may be either: an offline one is told by the card's own data. */
const methods: Readonly<Record<string, CvmName>> = {
  ...{
    SIGNATURE: 'signature',
    PIN_SIGNATURE: 'signature',
    PIN: 'onlinePin',
    MOBILE_PASS_CODE: 'device',
    NOT_REQUIRED: 'none',
    FAILED: 'none',
  },
}

function learnAnswer(counter: Counter, known: Known, told: ReadonlyMap<string, string>): void {
  for (const [tag, value] of dataOf(told.get(answerElements.data))) known.tags.set(tag, value)
  const by = scenarios[told.get('paymentScenario') ?? ''] ?? scenarios[told.get('CardEntryType') ?? '']
  if (by) presented(counter, known, by)
  known.cvm = cvms.find(one => one === told.get(answerElements.cvm)) ?? known.cvm ?? methods[told.get('CVM') ?? '']
}

/** Data objects as hex; none where it is something else. */
function dataOf(hexadecimal: string | undefined): ReadonlyMap<number, Uint8Array> {
  try {
    return new Map(read(fromHex(hexadecimal ?? '')).map(({ tag, value }) => [tag, value.slice()]))
  } catch (error) {
    if (isFault(error, 'bad-hex', 'tlv')) return new Map()
    throw error
  }
}

/** All parts of ISO 8859 that 9F11 can name: whether to show them is for the app. */
const codeTables = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

function outcome(known: Known, result: Outcome['result'], reason?: Outcome['reason'], more: Partial<Outcome> = {}): Outcome {
  const { by, cvm = 'none', tags, pinBlock, asked, response } = known
  const aid = tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06)
  const cid = tags.get(0x9f27)?.[0]
  return {
    result,
    ...(reason && { reason }),
    interface: by,
    cvm,
    online: asked,
    ...(aid && { application: { aid, label: displayName(tags, tags.get(0x9f11), codeTables, aid) } }),
    tags: new Map(tags),
    ...(pinBlock && { pinBlock }),
    ...(response && { response }),
    // Cryptogram Information Data b4: advice required (EMV 4.4 Book 3, 6.5.5.4)
    ...(cid !== undefined && (cid & 0x08) !== 0 && { advice: true }),
    ...more,
  }
}

function show({ terminal, emit }: Counter, message: MessageId): void {
  emit({ type: 'display', message })
  terminal.display?.(message)
}
