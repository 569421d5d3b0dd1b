/** One payment on a QPOS: wait for a card, run its EMV transaction or read its stripe, ask the host, and say how it ended. */

import { fromText, fromUint } from '../../src/bytes.ts'
import { within } from '../../src/clock.ts'
import type { Outcome } from '../../src/emv/outcome.ts'
import type { Candidate } from '../../src/emv/terminal.ts'
import { Fault, isFault, throwIfAborted } from '../../src/errors.ts'
import { entryModeOf } from '../../src/magstripe/swipe.ts'
import { invitation } from '../../src/reader/invitation.ts'
import { encTracks, maskedCn } from '../../src/reader/own-tags.ts'
import { pinBlockByLength } from '../../src/reader/pin-block.ts'
import { Relay, type RelayOptions } from '../../src/reader/relay.ts'
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
import { pinBlockOfTags, readTags } from './icc.ts'
import { requestsFor } from './request.ts'
import type { Command, Ending, Progress, QposLine } from './session.ts'
import { cancel, isDoubtful, resetSilent, run } from './session.ts'

export interface Counter extends RelayOptions {
  readonly line: QposLine
  /** The reader has the key that NOTUP card modes leave out: all but QPOS mini. */
  readonly flipKey: boolean
  /** The last payment's card may still be in the slot. */
  readonly left: boolean
}

/** Seconds that a reader waits for a card. */
const CARD_WAIT = 60
/** Every application may turn out to be blocked, and the rest be listed again (EMV 4.4 Book 1, 12.4). */
const MAX_CHOICES = 30
/** Tags of our own, in the private class, for what a swipe gives and no EMV tag holds. */
export const swipeTags = { ...encTracks, encPan: 0xdfd104 } as const

interface Payment extends Counter {
  readonly relay: Relay
  /** A command has left for the reader. */
  begun: boolean
  /** Lists that were chosen from. */
  choices: number
  /** The PIN that the cardholder was asked for. */
  pin?: 'online' | 'offline'
}

/** @throws Fault as `Reader.transact` says */
export async function pay(counter: Counter): Promise<Outcome> {
  const { line, clock, signal } = counter
  const relay = new Relay(counter, 'told')
  const payment: Payment = { ...counter, relay, begun: false, choices: 0 }
  try {
    return await fromCard(payment)
  } catch (error) {
    if (isFault(error, 'link-closed')) return relay.broken(error)
    // The reader must not stay in the middle of it. A silent one is told and not waited for.
    if (isFault(error, 'timeout') && !signal.aborted) resetSilent(line)
    else if (payment.begun) await cancel(line, clock)
    return signal.aborted ? relay.aborted() : relay.broken(error)
  }
}

async function fromCard(payment: Payment): Promise<Outcome> {
  const { relay, emit } = payment
  const { request, start } = requestsFor(payment.transaction, payment.clock.now(), payment.flipKey)
  // A reader that takes no payment says so at once: nobody is asked for a card before it waits for one.
  let invited = false
  const invite = () => {
    if (invited) return
    invited = true
    // The reader asks for it on its display, and has no word on the wire for that.
    if (payment.left) relay.show('reader.removeCard')
    relay.show(invitation(payment.transaction.interfaces ?? ['chip', 'tap', 'swipe']))
  }
  const doTrade = { type: 'command', command: 'doTrade', delay: CARD_WAIT, request } as const
  let trade = await command(payment, doTrade, invite)
  if (trade.type === 'notAvailable' && isDoubtful(payment.line, payment.clock)) {
    await cancel(payment.line, payment.clock)
    trade = await command(payment, doTrade, invite)
  }
  if (!completed(trade)) return ended(payment, trade, 'doTrade')
  invite()
  const answer = decodeTradeAnswer(trade.data)
  switch (answer.type) {
    case 'chip':
      relay.by = 'chip'
      emit({ type: 'card', event: 'inserted' })
      relay.show('reader.processing')
      return chip(payment, await command(payment, { type: 'command', command: 'startEmv', delay: 60, start }), 'startEmv')
    case 'swipe':
      relay.by = 'swipe'
      emit({ type: 'card', event: 'swiped' })
      readCard(relay, answer.card)
      // A reader with a slot takes the stripe of a chip card only in place of its chip.
      relay.tags.set(0x9f39, Uint8Array.of(entryModeOf(answer.card.serviceCode)))
      await relay.authorise()
      return relay.byHostOrCall()
    case 'tapOnline':
    case 'tapOffline': {
      relay.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      readCard(relay, answer.card)
      relay.show('reader.processing')
      const tags = { type: 'command', command: 'getIccTag', delay: 5, cardType: 1, tagCount: 0, tags: new Uint8Array(0) } as const
      const batch = await command(payment, tags)
      if (!completed(batch)) return ended(payment, batch, 'getIccTag')
      learn(relay, batch.data)
      if (answer.type === 'tapOffline') return relay.approved()
      await relay.authorise()
      return relay.byHost()
    }
    case 'tapDeclined':
      relay.by = 'tap'
      emit({ type: 'card', event: 'tapped' })
      return relay.declined()
    case 'tapApplications':
    case 'pinRequest':
      throw new Fault('unsupported', `doTrade answer '${answer.type}' is not known in public sources`, { feature: answer.type })
  }
}

/** From an answer to startEmv or selectEmvApp to the end. */
async function chip(payment: Payment, answer: Ending, what: string): Promise<Outcome> {
  const { relay, terminal, signal, clock, emit } = payment
  if (!completed(answer)) return ended(payment, answer, what)
  if (answer.result === 0x02) {
    const labels = decodeApplications(answer.data).map(({ label }) => label)
    if (labels.length === 0) throw new Fault('protocol', 'the application list is empty')
    if (++payment.choices > MAX_CHOICES) throw new Fault('protocol', `the reader asked for an application ${payment.choices} times`)
    emit({ type: 'application-selection', where: 'host', labels })
    // QPOS tells names only: AID and priority stay in the reader.
    const candidates = labels.map((label): Candidate => ({ aid: new Uint8Array(0), label, priority: 0, confirm: false }))
    const index = await within({ signal, clock, what: 'the choice' }, inner => terminal.selectApplication(candidates, { signal: inner }))
    if (index === undefined) {
      await cancel(payment.line, clock)
      return relay.outcome('cancelled', 'cardholderCancelled')
    }
    if (!Number.isInteger(index) || index < 0 || index >= labels.length)
      throw new Fault('bad-argument', `choice ${index} is not one of the ${labels.length} applications`, { field: 'index' })
    relay.label = labels[index]
    return chip(payment, await command(payment, { type: 'command', command: 'selectEmvApp', delay: 30, index }), 'selectEmvApp')
  }
  if (answer.result === 0x31 || answer.result === 0x32)
    throw new Fault('unsupported', 'the reader has no keys and asks the host for the PIN', { feature: 'PIN entry on the host' })
  const result = emvResult(answer, what)
  learn(relay, result.icc)
  tellPin(payment)
  if (result.transResult !== transResults.goOnline) return final(relay, result)
  const response = await relay.authorise()
  // Z3: unable to go online (EMV 4.4 Book 4, Annex A6; the vendor's FAQs.md sends 8A025A33)
  const online = response.type === 'unableToGoOnline' ? { code: 'Z3' } : response
  const tlv = encodeOnlineResult(online)
  const last = await command(payment, { type: 'command', command: 'onlineResult', delay: 30, tlv })
  if (!completed(last)) return ended(payment, last, 'onlineResult')
  const end = emvResult(last, 'onlineResult')
  learn(relay, end.icc)
  if (end.scriptResult.length > 0 && !relay.tags.has(0x9f5b)) relay.tags.set(0x9f5b, end.scriptResult)
  return final(relay, end)
}

/** The vendor's decision table (doTrade.js, emvGoOffLine), and why. */
async function final(relay: Relay, { transResult, packType }: EmvResult): Promise<Outcome> {
  const reversal = packType === packTypes.reversal
  const confirmed = packType === packTypes.financialConfirm || packType === packTypes.batch
  const advised = packType === packTypes.offlineAdvice || packType === packTypes.onlineAdvice
  const accepted = transResult === transResults.accept && confirmed
  const denied = (transResult === transResults.accept && reversal) || (transResult === transResults.denial && (reversal || advised))
  if (!accepted && !denied) {
    const code = `transResult ${transResult}, packType ${packType}`
    throw new Fault('reader-error', `the reader ended the EMV transaction in no known way: ${code}`, { code })
  }
  relay.show('reader.removeCard')
  return accepted ? relay.approved() : relay.declined(reversal)
}

/** The answer ended the command, and not well. After the host was asked, the card has not completed what the host may have approved. */
function ended({ relay, pin }: Payment, answer: Ending, what: string): Outcome {
  // It has asked for this itself: it knows the command, and nothing of the payment any more.
  if (answer.type === 'notAvailable' && what !== 'doTrade')
    throw new Fault('reader-error', `the reader has dropped the payment before ${what} (CMD_NOT_AVAILABLE)`, { code: 'CMD_NOT_AVAILABLE' })
  const { result, reason, fallback } = stopped(answer, what)
  if (answer.type === 'cardRemoved') relay.emit({ type: 'card', event: 'removed' })
  if (fallback) relay.by = 'chip'
  if (answer.type === 'iccPowerOnError') relay.emit({ type: 'card', event: 'inserted' })
  if (answer.type.startsWith('emv') && answer.data.length > 0) learn(relay, answer.data)
  const mute = reason === 'cardTimeout' && (what !== 'doTrade' || pin) && !relay.response
  return relay.ended(result, mute ? (pin ? 'pinTimeout' : 'cardMute') : reason, fallback && !mute ? { fallback } : {})
}

async function command(payment: Payment, request: Command, onTaken = () => {}): Promise<Ending> {
  const { line, clock, signal } = payment
  throwIfAborted(signal)
  payment.begun = true
  const onProgress = (message: Progress) => {
    onTaken()
    progress(payment, message)
  }
  return run(line, clock, request, { signal, onProgress })
}

function progress(payment: Payment, { type, data }: Progress): void {
  const { relay, emit } = payment
  if (type === 'pinEntry') {
    const offline = isOfflinePin(data)
    // Asked again within one EMV transaction, after the reader had turned to the card: the PIN before was wrong.
    const again = offline && payment.pin === 'offline'
    if (again) emit({ type: 'pin', event: 'wrong', offline })
    payment.pin = offline ? 'offline' : 'online'
    emit({ type: 'pin', event: 'started', offline })
    relay.show(again ? 'reader.wrongPin' : 'reader.enterPin')
  } else if (type === 'magToIcc') relay.show('reader.insertCard')
}

/** The wire has no word for the end of a PIN entry: the CVM results say how it went. */
function tellPin({ pin, relay }: Payment): void {
  const { cvm } = relay
  if (pin && (cvm === 'onlinePin' || cvm === 'offlinePin')) relay.emit({ type: 'pin', event: 'ok', offline: pin === 'offline' })
}

/** What the ICC data adds to what is known. */
function learn(relay: Relay, icc: Uint8Array): void {
  relay.learn(readTags(icc))
  relay.pinBlock = pinBlockOfTags(relay.tags) ?? relay.pinBlock
}

function readCard(relay: Relay, card: CardData): void {
  relay.pinBlock = pinBlockByLength(card.pinBlock, card.pinKsn)
  const set = (tag: number, value: Uint8Array | undefined) => value?.length && relay.tags.set(tag, value)
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

function completed(answer: Ending): boolean {
  return answer.type === 'completed' || answer.type === 'completedEncrypted'
}

function emvResult(answer: Ending, what: string): EmvResult {
  if (answer.result !== 0)
    throw new Fault('reader-error', `the reader answered ${what} with result ${answer.result}`, { code: `result ${answer.result}` })
  return decodeEmvResult(answer.data)
}
