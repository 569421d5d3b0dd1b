/** One payment on a QPOS: wait for a card, run its EMV transaction or read its stripe, ask the host, and say how it ended. */

import { fromHex, fromText, fromUint } from '../../src/bytes.ts'
import type { Clock } from '../../src/clock.ts'
import { within } from '../../src/clock.ts'
import type { CardInterface, Outcome } from '../../src/emv/outcome.ts'
import type { AuthorisationResponse, Candidate, PinBlock, Terminal, Transaction } from '../../src/emv/terminal.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import type { SwipeEntryMode } from '../../src/magstripe.ts'
import type { MessageId } from '../../src/messages.ts'
import type { ReaderEvent } from '../../src/reader/reader.ts'
import type { CardData, EmvResult } from './codec.ts'
import {
  decodeApplications,
  decodeEmvResult,
  decodeTradeAnswer,
  encodeOnlineResult,
  iccTags,
  isOfflinePin,
  packTypes,
  transResults,
} from './codec.ts'
import { stopped } from './endings.ts'
import { applicationOf, cvmOf, pinBlockOf, pinBlockOfTags, readTags } from './icc.ts'
import { requestsFor } from './request.ts'
import type { Command, Ending, Progress, QposLine } from './session.ts'
import { cancel, resetSilent, run } from './session.ts'

export interface Counter {
  readonly line: QposLine
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly transaction: Transaction
  readonly terminal: Terminal
  /** The reader has the key that NOTUP card modes leave out: all but QPOS mini. */
  readonly flipKey: boolean
  readonly emit: (event: ReaderEvent) => void
}

/** Seconds that a reader waits for a card. */
const CARD_WAIT = 60
/** Every application may turn out to be blocked, and the rest be listed again (EMV 4.4 Book 1, 12.4). */
const MAX_CHOICES = 30
/** Tags of our own, in the private class, for what a swipe gives and no EMV tag holds. */
export const swipeTags = { encTrack1: 0xdfd101, encTrack2: 0xdfd102, encTrack3: 0xdfd103, encPan: 0xdfd104 } as const

/** What is known so far. */
interface Known {
  by: CardInterface
  tags: Map<number, Uint8Array>
  label?: string
  pinBlock?: PinBlock | undefined
  /** A command has left for the reader. */
  begun: boolean
  /** Lists that were chosen from. */
  choices: number
  /** The request has left for the host. */
  asked: boolean
  response?: AuthorisationResponse
  pin?: 'online' | 'offline'
}

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const known: Known = { by: counter.transaction.interfaces?.[0] ?? 'chip', tags: new Map(), begun: false, choices: 0, asked: false }
  const { line, clock, signal } = counter
  try {
    return await fromCard(counter, known)
  } catch (error) {
    if (isFault(error, 'link-closed')) return afterHost(known, 'linkLost', error)
    // The reader must not stay in the middle of it. A silent one is told and not waited for.
    if (isFault(error, 'timeout') && !signal.aborted) resetSilent(line)
    else if (known.begun) await cancel(line, clock)
    if (signal.aborted) return afterAbort(known)
    if (!known.response) throw error
    return afterHost(known, 'readerError', error)
  }
}

/** The reader is lost: once the host was asked, that is no fault but an outcome. What the host declined stays declined. */
function afterHost(known: Known, reason: 'linkLost' | 'readerError', error: unknown): Outcome {
  if (!known.asked) throw error
  return known.response?.type === 'declined' ? declined(known) : outcome(known, 'unknown', reason)
}

async function fromCard(counter: Counter, known: Known): Promise<Outcome> {
  const { emit } = counter
  const { request, start } = requestsFor(counter.transaction, counter.clock.now(), counter.flipKey)
  show(counter, 'reader.presentCard')
  const trade = await command(counter, known, { type: 'command', command: 'doTrade', delay: CARD_WAIT, request })
  if (!completed(trade)) return ended(counter, known, trade, 'doTrade')
  const answer = decodeTradeAnswer(trade.data)
  switch (answer.type) {
    case 'chip':
      known.by = 'chip'
      emit({ type: 'card', event: 'inserted' })
      show(counter, 'reader.processing')
      return chip(counter, known, await command(counter, known, { type: 'command', command: 'startEmv', delay: 60, start }), 'startEmv')
    case 'swipe':
      known.by = 'swipe'
      emit({ type: 'card', event: 'swiped' })
      readCard(known, answer.card)
      known.tags.set(0x9f39, Uint8Array.of(swipeEntryMode(answer.card)))
      return withoutCard(known, await authorise(counter, known))
    case 'tapOnline':
    case 'tapOffline': {
      known.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      readCard(known, answer.card)
      show(counter, 'reader.processing')
      const tags = { type: 'command', command: 'getIccTag', delay: 5, cardType: 1, tagCount: 0, tags: new Uint8Array(0) } as const
      const batch = await command(counter, known, tags)
      if (!completed(batch)) return ended(counter, known, batch, 'getIccTag')
      learn(known, batch.data)
      return answer.type === 'tapOffline' ? outcome(known, 'approved') : withoutCard(known, await authorise(counter, known))
    }
    case 'tapDeclined':
      known.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      return outcome(known, 'declined', 'offlineDeclined')
    case 'tapApplications':
    case 'pinRequest':
      throw new Fault('unsupported', `doTrade answer '${answer.type}' is not known in public sources`, { feature: answer.type })
  }
}

/** From an answer to startEmv or selectEmvApp to the end. */
async function chip(counter: Counter, known: Known, answer: Ending, what: string): Promise<Outcome> {
  const { terminal, signal, clock, emit } = counter
  if (!completed(answer)) return ended(counter, known, answer, what)
  if (answer.result === 0x02) {
    const labels = decodeApplications(answer.data).map(({ label }) => label)
    if (labels.length === 0) throw new Fault('protocol', 'the application list is empty')
    if (++known.choices > MAX_CHOICES) throw new Fault('protocol', `the reader asked for an application ${known.choices} times`)
    emit({ type: 'application-selection', where: 'host', labels })
    // QPOS tells names only: AID and priority stay in the reader.
    const candidates = labels.map((label): Candidate => ({ aid: new Uint8Array(0), label, priority: 0, confirm: false }))
    const index = await within({ signal, clock, what: 'the choice' }, inner => terminal.selectApplication(candidates, { signal: inner }))
    if (index === undefined) {
      await cancel(counter.line, clock)
      return outcome(known, 'cancelled', 'cardholderCancelled')
    }
    if (!Number.isInteger(index) || index < 0 || index >= labels.length)
      throw new Fault('bad-argument', `choice ${index} is not one of the ${labels.length} applications`, { field: 'index' })
    known.label = labels[index]
    return chip(
      counter,
      known,
      await command(counter, known, { type: 'command', command: 'selectEmvApp', delay: 30, index }),
      'selectEmvApp',
    )
  }
  if (answer.result === 0x31 || answer.result === 0x32)
    throw new Fault('unsupported', 'the reader has no keys and asks the host for the PIN', { feature: 'PIN entry on the host' })
  const result = emvResult(answer, what)
  learn(known, result.icc)
  tellPin(counter, known)
  if (result.transResult !== transResults.goOnline) return final(counter, known, result)
  const response = await authorise(counter, known)
  // Z3: unable to go online (EMV 4.4 Book 4, Annex A6; the vendor's FAQs.md sends 8A025A33)
  const online = response.type === 'unableToGoOnline' ? { code: 'Z3' } : response
  const tlv = encodeOnlineResult(online)
  const last = await command(counter, known, { type: 'command', command: 'onlineResult', delay: 30, tlv })
  if (!completed(last)) return ended(counter, known, last, 'onlineResult')
  const end = emvResult(last, 'onlineResult')
  learn(known, end.icc)
  if (end.scriptResult.length > 0 && !known.tags.has(0x9f5b)) known.tags.set(0x9f5b, end.scriptResult)
  return final(counter, known, end)
}

/** The vendor's decision table (doTrade.js, emvGoOffLine), and why. */
function final(counter: Counter, known: Known, { transResult, packType }: EmvResult): Outcome {
  const { response } = known
  const reversal = packType === packTypes.reversal
  const confirmed = packType === packTypes.financialConfirm || packType === packTypes.batch
  const advised = packType === packTypes.offlineAdvice || packType === packTypes.onlineAdvice
  const accepted = transResult === transResults.accept && confirmed
  const denied = (transResult === transResults.accept && reversal) || (transResult === transResults.denial && (reversal || advised))
  if (!accepted && !denied) {
    const code = `transResult ${transResult}, packType ${packType}`
    throw new Fault('reader-error', `the reader ended the EMV transaction in no known way: ${code}`, { code })
  }
  show(counter, 'reader.removeCard')
  if (accepted && response?.type !== 'declined') return outcome(known, 'approved')
  return declined(known, reversal)
}

function declined(known: Known, reversal = false): Outcome {
  const { response } = known
  const due = reversal || response?.type === 'approved' ? { reversal: true } : {}
  if (response?.type === 'approved') return outcome(known, 'declined', 'cardDeclined', due)
  if (response?.type === 'declined') return outcome(known, 'declined', 'hostDeclined', due)
  return outcome(known, 'declined', response?.type ?? 'offlineDeclined', due)
}

/** A swipe or tap ends with the host's word: no card is there to contradict. */
function withoutCard(known: Known, response: AuthorisationResponse): Outcome {
  return response.type === 'approved' ? outcome(known, 'approved') : declined(known)
}

async function authorise({ transaction, terminal, signal, clock }: Counter, known: Known): Promise<AuthorisationResponse> {
  const { by, tags, pinBlock } = known
  const cvm = by === 'swipe' && !pinBlock ? 'signature' : cvmOf(tags, pinBlock, by)
  const request = { transaction, interface: by, cvm, tags: new Map(tags), ...(pinBlock ? { pinBlock } : {}) }
  known.asked = true
  known.response = await within({ signal, clock, what: 'the authorisation' }, inner => terminal.authorise(request, { signal: inner }))
  if (known.response.type !== 'unableToGoOnline') known.tags.set(0x8a, fromText(known.response.code))
  return known.response
}

/** The answer ended the command, and not well. After the host was asked, the card has not completed what the host may have approved. */
function ended(counter: Counter, known: Known, answer: Ending, what: string): Outcome {
  const { result, reason, fallback } = stopped(answer, what)
  if (answer.type === 'cardRemoved') counter.emit({ type: 'card', event: 'removed' })
  if (answer.type.startsWith('emv') && answer.data.length > 0) learn(known, answer.data)
  if (known.response) {
    if (known.response.type !== 'approved') return declined(known)
    return outcome(known, 'declined', reason, { reversal: true })
  }
  if (reason === 'cardTimeout' && (what !== 'doTrade' || known.pin)) return outcome(known, result, known.pin ? 'pinTimeout' : 'cardMute')
  return outcome(known, result, reason, fallback ? { fallback } : {})
}

/** The merchant's cancellation: while the host was deciding, nobody knows; what it approved must be reversed, what it declined stays declined. */
function afterAbort(known: Known): Outcome {
  const { asked, response } = known
  if (response?.type === 'declined' || response?.type === 'referral') return declined(known)
  if (response) return outcome(known, 'cancelled', 'merchantCancelled', response.type === 'approved' ? { reversal: true } : {})
  return outcome(known, asked ? 'unknown' : 'cancelled', 'merchantCancelled')
}

function outcome(known: Known, result: Outcome['result'], reason?: Outcome['reason'], more: Partial<Outcome> = {}): Outcome {
  const { by, tags, pinBlock, asked, response } = known
  const application = applicationOf(tags, known.label)
  const cid = tags.get(0x9f27)?.[0]
  return {
    result,
    ...(reason ? { reason } : {}),
    interface: by,
    cvm: by === 'swipe' && asked && !pinBlock ? 'signature' : cvmOf(tags, pinBlock, by),
    online: asked,
    ...(application ? { application } : {}),
    tags: new Map(tags),
    ...(pinBlock ? { pinBlock } : {}),
    ...(response ? { response } : {}),
    // Cryptogram Information Data b4: advice required (EMV 4.4 Book 3, 6.5.5.4)
    ...(cid !== undefined && (cid & 0x08) !== 0 ? { advice: true } : {}),
    ...more,
  }
}

async function command(counter: Counter, known: Known, request: Command): Promise<Ending> {
  const { line, clock, signal } = counter
  throwIfAborted(signal)
  known.begun = true
  return run(line, clock, request, { signal, onProgress: message => progress(counter, known, message) })
}

function progress(counter: Counter, known: Known, { type, data }: Progress): void {
  const { emit } = counter
  if (type === 'pinEntry') {
    const offline = isOfflinePin(data)
    // Asked again within one EMV transaction, after the reader had turned to the card: the PIN before was wrong.
    const again = offline && known.pin === 'offline'
    if (again) emit({ type: 'pin', event: 'wrong', offline })
    known.pin = offline ? 'offline' : 'online'
    emit({ type: 'pin', event: 'started', offline })
    show(counter, again ? 'reader.wrongPin' : 'reader.enterPin')
  } else if (type === 'magToIcc') show(counter, 'reader.insertCard')
}

/** The wire has no word for the end of a PIN entry: the CVM results say how it went. */
function tellPin({ emit }: Counter, { pin, tags, pinBlock, by }: Known): void {
  const cvm = cvmOf(tags, pinBlock, by)
  if (pin && (cvm === 'onlinePin' || cvm === 'offlinePin')) emit({ type: 'pin', event: 'ok', offline: pin === 'offline' })
}

/** What the ICC data adds to what is known. */
function learn(known: Known, icc: Uint8Array): void {
  for (const [tag, value] of readTags(icc)) known.tags.set(tag, value)
  known.pinBlock = pinBlockOfTags(known.tags) ?? known.pinBlock
}

function readCard(known: Known, card: CardData): void {
  known.pinBlock = pinBlockOf(card.pinBlock, card.pinKsn)
  const set = (tag: number, value: Uint8Array | undefined) => value?.length && known.tags.set(tag, value)
  set(swipeTags.encTrack1, card.encTrack1)
  set(swipeTags.encTrack2, card.encTrack2)
  set(swipeTags.encTrack3, card.encTrack3)
  set(swipeTags.encPan, card.encPan)
  set(iccTags.messageKsn, card.trackKsn)
  set(iccTags.pinKsn, card.pinKsn)
  set(iccTags.pinBlock, card.pinBlock)
  if (card.cardholderName) set(0x5f20, fromText(card.cardholderName))
  if (/^\d{3}$/.test(card.serviceCode)) set(0x5f30, fromUint(Number.parseInt(card.serviceCode, 16), 2))
  if (card.maskedPan) set(iccTags.maskedPan, maskedCn(card.maskedPan))
}

/** POS entry mode: a reader with a slot takes the stripe of a chip card (service code 2xx, 6xx) only as fallback, 80; else 90 (ISO 8583:1987, field 22). */
function swipeEntryMode({ serviceCode }: CardData): SwipeEntryMode {
  return /^[26]/.test(serviceCode) ? 0x80 : 0x90
}

/** A masked PAN as the vendor's C4 holds it: compressed numeric, F where a digit is hidden or padded. */
function maskedCn(masked: string): Uint8Array {
  const nibbles = masked.replace(/[^0-9]/g, 'F')
  return fromHex(nibbles.length % 2 === 0 ? nibbles : nibbles + 'F')
}

function completed(answer: Ending): boolean {
  return answer.type === 'completed' || answer.type === 'completedEncrypted'
}

function emvResult(answer: Ending, what: string): EmvResult {
  if (answer.result !== 0)
    throw new Fault('reader-error', `the reader answered ${what} with result ${answer.result}`, { code: `result ${answer.result}` })
  return decodeEmvResult(answer.data)
}

function show({ terminal, emit }: Counter, message: MessageId): void {
  emit({ type: 'display', message })
  terminal.display?.(message)
}
