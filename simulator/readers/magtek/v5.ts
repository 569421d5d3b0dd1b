/** A virtual MagTek V5 reader (tDynamo): the shared firmware behind the device side of the V5 codec. It has no display and no keys; its host has. */

import {
  cardTypes,
  decodeDate,
  decodeHostAnswer,
  decodeStart,
  encodeBatch,
  encodeSelection,
  encodeStatus,
  encodeSwipe,
  magtekBle,
  magtekHid,
  selectionStatus,
  startOptions,
  type V5Reply,
  type V5Request,
  type V5Sending,
  type V5Start,
  v5Codes,
  v5Device,
  v5Events,
  v5Extended,
  v5Progress,
  v5Properties,
  v5Results,
} from '../../../devices/magtek/codec.ts'
import { concat, fromText } from '../../../src/bytes.ts'
import { type Clock, systemClock, within } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { CardInterface, Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationResponse, Candidate, Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault, isFault } from '../../../src/errors.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body } from '../body/body.ts'
import { Firmware } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { HidPlug } from '../listen/hid-device.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { withoutPinPad } from '../without-pin-pad.ts'
import { type PaymentEnd, runPayment, statusOf, type Teller } from './payment.ts'
import { swipeReport, wrap } from './seal.ts'
import { displayTexts } from './texts.ts'
import { hostResponse } from './words.ts'

export interface V5Knobs extends V5Sending {
  part?: number
  rle?: boolean
  /** The n-th block (from 0) of each message that has so many is lost; over Bluetooth. */
  dropBlock?: number
}

export interface VirtualV5Options extends Omit<VirtualReaderOptions, 'body'> {
  readonly body?: Body
  /** How its line is framed; Bluetooth where the link's URI says so, else HID. */
  readonly carrier?: 'hid' | 'ble'
  readonly knobs?: V5Knobs
  /** Its clock is set already. */
  readonly clockSet?: boolean
  /** Milliseconds for the host's answer to an ARQC; 60 000 when left out. */
  readonly responseTimeout?: number
}

const none = new Uint8Array(0)

/** What waits for the host's next command. */
interface Question {
  readonly command: number
  readonly settle: (data: Uint8Array) => void
  /** The result code of an answer that is none; the question stays. */
  readonly refuses?: ((data: Uint8Array) => number | undefined) | undefined
}

interface Job {
  readonly start: V5Start
  readonly stop: AbortController
  readonly began: number
  question: Question | undefined
  done: Promise<void>
  /** Its ending is nobody's: the link has gone, or the reader was reset. */
  forgotten: boolean
}

const types: Readonly<Record<number, TransactionType>> = {
  0: 'purchase',
  1: 'cash',
  2: 'cashback',
  4: 'purchase',
  8: 'purchase',
  9: 'cashback',
  32: 'refund',
}

export class VirtualV5 implements VirtualReader {
  readonly family = 'magtek'
  readonly dialect = 'v5'
  readonly ble = magtekBle.tDynamo
  readonly hid: HidPlug
  readonly body: Body
  readonly firmware: Firmware
  readonly faults: LineFaults
  /** How it sends, to be turned at any time. */
  readonly knobs: V5Knobs
  readonly serial: string
  readonly #options: VirtualV5Options
  readonly #clock: Clock
  readonly #seat = new Seat()
  readonly #stopWatching: () => void
  #link: Link | undefined
  #send: ((reply: V5Reply) => void) | undefined
  #job: Job | undefined
  #clockSet: boolean
  /** An extended command that is coming in parts. */
  #incoming: { readonly command: number; readonly total: number; parts: Uint8Array[]; have: number } | undefined

  constructor(options: VirtualV5Options) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    const own = withoutPinPad(options.config, options.contactless)
    this.firmware = new Firmware({ ...options, ...own, family: this.family, body: this.body, clock: this.#clock })
    this.faults = { ...options.faults }
    this.knobs = { ...options.knobs }
    this.serial = options.serial ?? 'B4F2A61'
    this.hid = { vendor: 0x0801, product: 0x1c, shape: magtekHid.v5, manufacturer: 'MagTek', name: 'tDynamo', serial: this.serial }
    this.#clockSet = options.clockSet ?? false
    this.#stopWatching = this.body.on(event => {
      if (event.type === 'power' && !event.on) this.#link?.close().catch(() => {})
      if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
      if (event.type === 'display' && this.#job && event.screen.message) this.#display(displayTexts[event.screen.message])
    })
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#link = link
    const carrier = this.#options.carrier ?? (link.uri.startsWith('ble:') ? 'ble' : 'hid')
    const side = v5Device(carrier, this.knobs)
    const send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    this.#send = reply => {
      try {
        // A line that breaks ends the connection: nothing is lost by not looking here.
        void send(this.#withLoss(side.encode(reply))).catch(() => {})
      } catch (error) {
        this.#options.onFault?.(asFault(error)) // too long for its blocks: it never leaves
      }
    }
    try {
      if (this.body.isOn) await hearHost(link, side.decoder(), this.#clock, message => this.#hear(message))
    } finally {
      this.#seat.leaving()
      over.abort()
      this.#send = undefined
      this.#incoming = undefined
      await this.#endJob(new Fault('link-closed', 'the host is gone'))
      await link.close()
      this.#link = undefined
      this.#seat.left()
    }
  }

  async close(): Promise<void> {
    this.#stopWatching()
    await this.#link?.close()
    await this.#endJob(new Fault('aborted', 'the reader was closed'))
    this.firmware.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Without the block that is to be lost, where there are blocks (channel 3). */
  #withLoss(records: Uint8Array): Uint8Array {
    const { dropBlock } = this.knobs
    if (dropBlock === undefined) return records
    const kept: Uint8Array[] = []
    for (let at = 0; at < records.length; ) {
      const end = at + 3 + records[at + 1] * 256 + records[at + 2]
      if (!(records[at] === 3 && records[at + 3] === dropBlock)) kept.push(records.subarray(at, end))
      at = end
    }
    return concat(...kept)
  }

  // — what the host says —

  async #hear(request: V5Request): Promise<void> {
    if (!this.body.isOn) return
    if (request.type === 'reset') await this.#endJob(new Fault('aborted', 'the host has reset the reader'))
    this.#send?.(this.#reply(request))
  }

  #reply(request: V5Request): V5Reply {
    switch (request.type) {
      case 'getProperty':
        return this.#property(request.property)
      case 'getKsn':
        return answer(v5Results.ok, this.firmware.nextPinKsn)
      case 'getBattery':
        return answer(v5Results.ok, Uint8Array.of(this.body.battery.percent))
      case 'setOutput':
      case 'reset':
        return answer(v5Results.ok)
      case 'extended':
        return this.#part(request)
      case 'more':
        return answer(v5Results.invalidOperation) // all answers of this reader fit one part
      case 'raw':
        return answer(v5Results.badParameter)
    }
  }

  #property(property: number): V5Reply {
    if (property === v5Properties.serial) return answer(v5Results.ok, fromText(this.serial))
    if (property === v5Properties.firmwareId) return answer(v5Results.ok, fromText(this.firmware.condition.told))
    return answer(v5Results.badParameter)
  }

  #part({ command, offset, total, data }: Extract<V5Request, { type: 'extended' }>): V5Reply {
    if (offset === 0) this.#incoming = { command, total, parts: [], have: 0 }
    const whole = this.#incoming
    if (!whole || whole.command !== command || whole.have !== offset || whole.have + data.length > total) {
      this.#incoming = undefined
      return answer(v5Results.badParameter)
    }
    whole.parts.push(data)
    whole.have += data.length
    if (whole.have < total) return answer(v5Results.buffering)
    this.#incoming = undefined
    return this.#command(command, concat(...whole.parts))
  }

  #command(command: number, data: Uint8Array): V5Reply {
    const job = this.#job
    switch (command) {
      case v5Extended.start:
        return this.#start(data)
      case v5Extended.setDate:
        return this.#setDate(data)
      case v5Extended.cancel:
        job?.stop.abort(new Fault('aborted', 'the host has cancelled'))
        return extended(job ? v5Codes.ok : v5Codes.noTransaction)
      case v5Extended.selection:
      case v5Extended.onlineResponse: {
        const question = job?.question
        if (!job || question?.command !== command) return extended(v5Codes.noTransaction)
        const refused = question.refuses?.(data)
        if (refused !== undefined) return extended(refused)
        job.question = undefined
        question.settle(data)
        return extended(v5Codes.ok)
      }
      default:
        return answer(v5Results.badParameter)
    }
  }

  #setDate(data: Uint8Array): V5Reply {
    try {
      decodeDate(data)
      this.#clockSet = true
      return extended(v5Codes.ok)
    } catch {
      return answer(v5Results.badParameter)
    }
  }

  #start(data: Uint8Array): V5Reply {
    if (this.#job) return extended(v5Codes.inProgress)
    try {
      const start = decodeStart(data)
      if (this.body.tampered) return extended(v5Codes.noKeys)
      if (!this.#clockSet) return extended(v5Codes.noDate)
      this.firmware.checkReady()
      const transaction = transactionOf(start)
      this.firmware.checkReady(transaction)
      const interfaces = (['chip', 'tap', 'swipe'] as const).filter(one => (start.cardTypes & cardTypes[one]) !== 0)
      if (interfaces.length === 0) return extended(fieldCodes.cardTypes)
      this.#begin(start, transaction, interfaces)
      return extended(v5Codes.ok)
    } catch (error) {
      const fault = asFault(error)
      this.#options.onFault?.(fault)
      const { field } = fault.details
      if (fault.code === 'low-battery') return answer(v5Results.noPower)
      if (isFault(fault, 'protocol', 'bad-argument') && typeof field === 'string') return extended(fieldCodes[field] ?? fieldCodes.options)
      return answer(v5Results.invalidOperation)
    }
  }

  // — a payment —

  #begin(start: V5Start, transaction: Transaction, interfaces: readonly CardInterface[]): void {
    const job: Job = {
      ...{ start, stop: new AbortController(), began: this.#clock.now() },
      ...{ question: undefined, done: Promise.resolve(), forgotten: false },
    }
    this.#job = job
    // After the answer to the start has left.
    job.done = Promise.resolve().then(() => this.#run(job, transaction, interfaces))
  }

  async #run(job: Job, transaction: Transaction, interfaces: readonly CardInterface[]): Promise<void> {
    const { signal } = job.stop
    let last: { readonly event: number; readonly progress: number; readonly batch?: Uint8Array }
    try {
      const start = { transaction, interfaces, timeout: job.start.timeout, pinPad: false }
      last = this.#ending(await runPayment(this.firmware, start, this.#teller(job), signal))
      if (signal.aborted) last = endingOfFault(abortFault(signal))
    } catch (error) {
      const fault = asFault(error)
      if (!signal.aborted) this.#options.onFault?.(fault)
      last = endingOfFault(fault)
      this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
    }
    this.#job = undefined
    if (job.forgotten) return
    if (last.batch) this.#send?.({ type: 'notification', id: 0x0304, data: last.batch })
    this.#tell(last.event, last.progress, 0)
  }

  #ending(end: PaymentEnd): { readonly event: number; readonly progress: number; readonly batch?: Uint8Array } {
    if (end.type === 'none')
      return end.why === 'timeout'
        ? { event: v5Events.timeout, progress: v5Progress.waitingForCard }
        : { event: v5Events.error, progress: v5Progress.waitingForCard } // the public tables have no word for it: see docs/devices/magtek.md
    if (end.type === 'stripe') return { event: v5Events.complete, progress: v5Progress.cancelledBySwipe }
    const { by, outcome } = end
    const progress = progressOf(outcome)
    // A card that did not come as far as a cryptogram has no batch; a cancellation that is not the card's own is a person who did nothing in time.
    const nobody = outcome.result === 'cancelled' && outcome.reason !== 'cardRemoved'
    if (!outcome.tags.has(0x9f27)) return { event: nobody ? v5Events.timeout : v5Events.error, progress }
    const blob = wrap(this.firmware, this.serial, { by, tags: outcome.tags, status: statusOf(outcome) })
    return { event: v5Events.complete, progress, batch: encodeBatch({ signature: outcome.cvm === 'signature' ? 1 : 0, blob }) }
  }

  #tell(event: number, progress: number, secondsLeft: number): void {
    const data = encodeStatus({ event, secondsLeft, progress, more: new Uint8Array(2) })
    this.#send?.({ type: 'notification', id: 0x0300, data })
  }

  #display(text: string | undefined): void {
    if (text) this.#send?.({ type: 'notification', id: 0x0301, data: fromText(text) })
  }

  #secondsLeft({ start, began }: Job): number {
    if (start.timeout === 0) return 0
    return Math.max(0, Math.min(255, Math.ceil(start.timeout - (this.#clock.now() - began) / 1000)))
  }

  #teller(job: Job): Teller {
    const step = (event: number, progress: number) => {
      if (job.start.reporting > 0) this.#tell(event, progress, this.#secondsLeft(job))
    }
    return {
      card: event => {
        const events = { inserted: v5Events.inserted, removed: v5Events.removed, tapped: v5Events.tapped, swiped: v5Events.swiped }
        const secondsLeft = this.#secondsLeft(job)
        this.#tell(events[event], event === 'inserted' || event === 'tapped' ? v5Progress.poweringCard : v5Progress.none, secondsLeft)
      },
      step: what => {
        if (what === 'waitingForCard') step(v5Events.progress, v5Progress.waitingForCard)
        else if (what === 'reading') step(v5Events.progress, v5Progress.selectingApplication)
        else if (what === 'choosing') step(v5Events.waitingForUser, v5Progress.waitingForApplication)
        else if (what === 'online') step(v5Events.progress, v5Progress.online)
      },
      select: (candidates, signal) => this.#select(job, candidates, signal),
      online: (by, { tags }, signal) => this.#online(job, wrap(this.firmware, this.serial, { by, tags }), signal),
      stripe: async (swipe, tracks, sealed) => {
        this.#send?.({ type: 'swipe', report: encodeSwipe(swipeReport(this.serial, swipe, tracks, sealed)) })
        return undefined
      },
    }
  }

  /** The list goes to the host, with the seconds it has; while they run, the status tells how many are left. */
  async #select(job: Job, candidates: readonly Candidate[], signal: AbortSignal): Promise<number | undefined> {
    const seconds = job.start.timeout || 255
    const items = candidates.map(({ label }) => label)
    const data = encodeSelection({ kind: 'application', secondsLeft: seconds, title: 'SELECT APPLICATION', items })
    const end = this.#clock.now() + seconds * 1000
    let stopTelling = () => {}
    const tellLeft = () => {
      stopTelling = this.#clock.timer(1000, () => {
        this.#tell(v5Events.waitingForUser, v5Progress.waitingForApplication, Math.ceil((end - this.#clock.now()) / 1000))
        tellLeft()
      })
    }
    if (job.start.reporting === 2) tellLeft()
    try {
      const refuses = ([status, index]: Uint8Array) => {
        if (!(status <= selectionStatus.timedOut)) return v5Codes.badSelectionStatus
        return status === selectionStatus.completed && !(index < items.length) ? v5Codes.badSelection : undefined
      }
      const question = { id: 0x0302, data, refuses }
      const [status, index] = await this.#ask(job, v5Extended.selection, question, seconds * 1000, signal)
      return status === selectionStatus.completed ? index : undefined
    } finally {
      stopTelling()
    }
  }

  async #online(job: Job, blob: Uint8Array, signal: AbortSignal): Promise<AuthorisationResponse> {
    const asked = this.#ask(job, v5Extended.onlineResponse, { id: 0x0303, data: blob }, this.#options.responseTimeout ?? 60_000, signal)
    if (job.start.reporting > 0) this.#tell(v5Events.progress, v5Progress.waitingForResponse, 0)
    try {
      return hostResponse(decodeHostAnswer(await asked))
    } catch (error) {
      if (signal.aborted || !isFault(error, 'timeout', 'protocol')) throw error
      if (isFault(error, 'protocol')) this.#options.onFault?.(error)
      return { type: 'unableToGoOnline' } // an answer that is none, or none at all
    }
  }

  /** Asks with a notification, and waits for the command that answers it. @throws Fault `timeout`, or the signal's own */
  #ask(
    job: Job,
    command: number,
    { id, data, refuses }: { readonly id: number; readonly data: Uint8Array } & Pick<Question, 'refuses'>,
    timeout: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const answered = new Promise<Uint8Array>(settle => {
      job.question = { command, settle, refuses }
    })
    this.#send?.({ type: 'notification', id, data })
    return within({ timeout, signal, clock: this.#clock, what: 'the host' }, () => answered).finally(() => {
      job.question = undefined
    })
  }

  async #endJob(why: Fault): Promise<void> {
    if (!this.#job) return
    this.#job.forgotten = true
    this.#job.stop.abort(why)
    await this.#job.done
  }
}

function answer(result: number, data: Uint8Array = none): V5Reply {
  return { type: 'answer', result, data }
}

/** No extended command of this reader has data in its answer. */
function extended(result: number): V5Reply {
  return { type: 'extendedAnswer', offset: 0, result, total: 0, data: none }
}

/** 0384–038E, by the field that is refused. */
const fieldCodes: Readonly<Record<string, number>> = {
  ...{ timeout: 0x384, cardTypes: 0x385, options: 0x386, amount: 0x387, transactionType: 0x388, cashback: 0x389, currency: 0x38a },
  reporting: 0x38e,
}

/** @throws Fault `bad-argument` with details.field */
function transactionOf({ amount, cashback, transactionType, currency: numeric, options }: V5Start): Transaction {
  const type = types[transactionType]
  const refuse = (field: string): never => {
    throw new Fault('bad-argument', `start: the ${field} is none of this reader`, { field })
  }
  if (!type) refuse('transactionType')
  if ((options & ~(startOptions.bypassPin | startOptions.forceOnline)) !== 0) refuse('options') // quick chip is not done here
  try {
    return {
      ...{ type, amount, currency: currency(numeric), forceOnline: (options & startOptions.forceOnline) !== 0 },
      ...(cashback > 0n && { otherAmount: cashback }),
    }
  } catch {
    return refuse('currency')
  }
}

const progressByReason: { readonly [reason in NonNullable<Outcome['reason']>]?: number } = {
  cardBlocked: v5Progress.cardBlocked,
  applicationBlocked: v5Progress.applicationBlocked,
  noApplication: v5Progress.emptyCandidateList,
  notAccepted: v5Progress.cardNotAccepted,
  tryAnotherInterface: v5Progress.switchInterface,
  cardMute: v5Progress.error,
  cardError: v5Progress.error,
  cardholderCancelled: v5Progress.waitingForApplication,
}

function progressOf({ result, reason, fallback }: Outcome): number {
  if (fallback) return v5Progress.poweringCard
  if (result === 'approved') return v5Progress.approved
  return (reason && progressByReason[reason]) ?? (result === 'declined' ? v5Progress.declined : v5Progress.error)
}

function endingOfFault(fault: Fault): { readonly event: number; readonly progress: number } {
  if (isFault(fault, 'timeout')) return { event: v5Events.timeout, progress: v5Progress.waitingForApplication }
  if (isFault(fault, 'aborted', 'link-closed')) return { event: v5Events.hostCancelled, progress: v5Progress.none }
  if (isFault(fault, 'card-mute')) return { event: v5Events.error, progress: v5Progress.poweringCard }
  return { event: v5Events.error, progress: v5Progress.error }
}
