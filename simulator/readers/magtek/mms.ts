/** A virtual MagTek MMS reader (DynaFlex II): the shared firmware behind the device side of the MMS codec. The PED has display and keys, the Go has its host show all. */

import { sha256 } from '@noble/hashes/sha2.js'
import {
  decodeFirmware,
  decodeGetProperty,
  decodeHostAnswer,
  decodeMmsStart,
  encodePropertyAnswer,
  encodeTransactionStatus,
  encodeUi,
  endDetails,
  endExtras,
  type FirmwareLoad,
  imageTypes,
  infoDetails,
  type MmsCarrier,
  type MmsMessage,
  type MmsStart,
  magtekBle,
  magtekHid,
  mmsCommands,
  mmsDetails,
  mmsNotifications,
  mmsProperties,
  mmsSide,
  mmsSummaries,
  payloadOf,
  propertyTree,
  readPayload,
  selectionLines,
  selectionStatus,
  technologies,
} from '../../../devices/magtek/codec.ts'
import { equal, fromText } from '../../../src/bytes.ts'
import { type Clock, systemClock, within } from '../../../src/clock.ts'
import { currency } from '../../../src/currency.ts'
import type { CardInterface, Outcome } from '../../../src/emv/outcome.ts'
import type { AuthorisationResponse, Transaction, TransactionType } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault, isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { write } from '../../../src/tlv/ber.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body, type Screen } from '../body/body.ts'
import { Firmware } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { HidPlug } from '../listen/hid-device.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { HEAD_LENGTH, UpdateBay } from '../update.ts'
import { withoutPinPad } from '../without-pin-pad.ts'
import { type PaymentEnd, runPayment, statusOf, type Teller } from './payment.ts'
import { maskedTrack2, wrap } from './seal.ts'
import { displayTexts } from './texts.ts'
import { hostResponse } from './words.ts'

export interface VirtualMmsOptions extends Omit<VirtualReaderOptions, 'body'> {
  readonly body?: Body
  /** `DynaFlex II PED` (display and PIN pad) when left out; `DynaFlex II Go` has neither. */
  readonly model?: 'DynaFlex II PED' | 'DynaFlex II Go'
  /** What carries its messages; what the link's URI says when left out, SLIP where it says nothing. */
  readonly carrier?: MmsCarrier
  /** Milliseconds for the host's answer to an ARQC; 60 000 when left out. */
  readonly responseTimeout?: number
}

/** Bytes of a Bluetooth PDU that every connection has room for. */
const PDU = 20
/** Bytes of new firmware that are written at a time. */
const BLOCK = 1024
/** Percent down to which no image is taken (D100005000, D801). */
const NO_UPDATE = 5
/** Percent at which it warns, once (D100005000, low battery warning). */
const WARNING = 15
/** Milliseconds between the last word about new firmware and the restart. */
const RESTART = 100

const pinTexts: ReadonlySet<MessageId> = new Set(['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry'] as const)

interface Job {
  readonly start: MmsStart
  readonly stop: AbortController
  question: { readonly id: number; readonly settle: (payload: Uint8Array) => void } | undefined
  done: Promise<void>
  forgotten: boolean
}

const types: Readonly<Record<number, TransactionType>> = { 0: 'purchase', 1: 'cash', 2: 'cashback', 9: 'cashback', 32: 'refund' }
const technologyOf: Readonly<Record<CardInterface, number>> = { chip: technologies.chip, tap: technologies.tap, swipe: technologies.stripe }

export class VirtualMms implements VirtualReader {
  readonly family = 'magtek'
  readonly dialect = 'mms'
  readonly ble = magtekBle.dynaFlex
  readonly hid: HidPlug
  readonly body: Body
  readonly firmware: Firmware
  readonly faults: LineFaults
  readonly serial: string
  readonly model: string
  readonly #display: boolean
  readonly #options: VirtualMmsOptions
  readonly #clock: Clock
  readonly #seat = new Seat()
  readonly #stopWatching: () => void
  #link: Link | undefined
  #send: ((message: MmsMessage) => void) | undefined
  #job: Job | undefined
  /** An image that was loaded and is not yet in use. */
  #staged: FirmwareLoad | undefined
  #committing: { readonly stop: AbortController; readonly done: Promise<void> } | undefined
  #stopRestart = () => {}
  #warned = false

  constructor(options: VirtualMmsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.model = options.model ?? 'DynaFlex II PED'
    this.#display = this.model === 'DynaFlex II PED'
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    const own = this.#display ? {} : withoutPinPad(options.config, options.contactless)
    this.firmware = new Firmware({ ...options, ...own, family: this.family, body: this.body, clock: this.#clock })
    this.faults = { ...options.faults }
    this.serial = options.serial ?? 'B571AF2'
    this.hid = { vendor: 0x0801, product: 0x2020, shape: magtekHid.mms, manufacturer: 'MagTek', name: this.model, serial: this.serial }
    this.#stopWatching = this.body.on(event => {
      if (event.type === 'power' && !event.on) {
        this.#committing?.stop.abort(new Fault('aborted', 'the power was cut'))
        this.#link?.close().catch(() => {})
      }
      if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
      if (event.type === 'display' && this.#job && event.screen.message) this.#mirror(event.screen)
      if (event.type === 'battery') this.#tellBattery()
    })
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#link = link
    const carrier = this.#options.carrier ?? (link.uri.startsWith('ble:') ? 'ble' : link.uri.startsWith('hid:') ? 'hid' : 'slip')
    const side = mmsSide(carrier, 'device', PDU)
    const send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    this.#send = message => void send(side.encode(message)).catch(() => {})
    this.#warned = false
    try {
      if (this.body.isOn) {
        this.#tellBattery()
        await hearHost(link, side.decoder(), this.#clock, message => this.#hear(message))
      }
    } finally {
      this.#seat.leaving()
      over.abort()
      this.#stopRestart()
      this.#send = undefined
      this.#staged = undefined
      await this.#endJob(new Fault('link-closed', 'the host is gone'))
      await link.close()
      this.#link = undefined
      this.#seat.left()
    }
  }

  async close(): Promise<void> {
    this.#stopWatching()
    this.#committing?.stop.abort(new Fault('aborted', 'the reader was closed'))
    await this.#committing?.done
    await this.#link?.close()
    await this.#endJob(new Fault('aborted', 'the reader was closed'))
    this.firmware.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // — what the host says —

  #hear(message: MmsMessage): void {
    if (!this.body.isOn || message.type !== 'request') return
    const { reference, id } = message
    const { summary = mmsSummaries.done, detail = mmsDetails.ok, payload } = this.#answer(message)
    const status = { summary, detail }
    this.#send?.({ type: 'response', from: 'device', reference, id, status, ...(payload && { payload, wide: true }) })
  }

  #notify(id: number, summary: number, detail: number, payload?: Uint8Array): void {
    const status = { summary, detail }
    this.#send?.({ type: 'notification', from: 'device', reference: 0, id, status, ...(payload && { payload, wide: true }) })
  }

  #answer(message: MmsMessage): Answer {
    try {
      return this.#request(message.id, message.payload ?? new Uint8Array(0))
    } catch (error) {
      const fault = asFault(error)
      this.#options.onFault?.(fault)
      return refused(detailOf(fault))
    }
  }

  #request(id: number, payload: Uint8Array): Answer {
    const job = this.#job
    switch (id) {
      case mmsCommands.echo:
        return { payload }
      case mmsCommands.getProperty:
        return this.#property(payload)
      case mmsCommands.start:
        return this.#start(payload)
      case mmsCommands.transactionStatus:
        return job ? { payload: encodeTransactionStatus(job.question?.id === mmsCommands.resume) } : refused(mmsDetails.noTransaction)
      case mmsCommands.cancel:
        job?.stop.abort(new Fault('aborted', 'the host has cancelled'))
        return job ? {} : refused(mmsDetails.noTransaction)
      case mmsCommands.resume:
      case mmsCommands.reportSelection: {
        const question = job?.question
        if (!job || question?.id !== id) return refused(mmsDetails.noTransaction)
        job.question = undefined
        question.settle(payload)
        return {}
      }
      case mmsCommands.loadFirmware:
        return this.#load(payload)
      case mmsCommands.commitFirmware:
        return this.#commit(payload)
      default:
        return refused(mmsDetails.badParameter)
    }
  }

  #property(payload: Uint8Array): Answer {
    const { path, given } = decodeGetProperty(payload)
    const texts: readonly (readonly [readonly number[], string])[] = [
      [mmsProperties.serial, this.serial],
      [mmsProperties.product, this.model],
      [mmsProperties.firmware, this.firmware.condition.told],
    ]
    const found = texts.find(([own]) => own.join() === path.join())
    if (!found) return { summary: mmsSummaries.failed, detail: mmsDetails.badParameter }
    const rest = [path[0], ...path.slice(1 + (given.get(0x87)?.length ?? 0))]
    return { payload: encodePropertyAnswer(given, propertyTree(rest, fromText(`${found[1]}\0`))) }
  }

  #tellBattery(): void {
    const POWER = 0x00
    const { percent, charging } = this.body.battery
    if (!charging && percent <= WARNING && !this.#warned && this.#send) {
      this.#warned = true
      this.#notify(mmsNotifications.device, POWER, 0x020000 | percent)
    } else if (charging && percent === 100) this.#notify(mmsNotifications.device, POWER, 0x020200)
    if (percent > WARNING || charging) this.#warned = false
  }

  /**
   * What stands on the display, for its host: of a reader without one that is how it asks for one. Assumed of those with a display, of which nothing public tells
   * what their host hears; the stars of a PIN are no news.
   */
  #mirror({ message, lines }: Screen): void {
    if (message && !(pinTexts.has(message) && lines.length > 1)) this.#show(displayTexts[message])
  }

  #show(text: string | undefined): void {
    if (text) this.#notify(mmsNotifications.uiRequest, 0x02, 0x010100, encodeUi({ seconds: 0, lines: [text] }))
  }

  // — firmware —

  /** Checked whole before anything is erased: the hash that came with it, the signature in its head, the hash that was signed. */
  #load(payload: Uint8Array): Answer {
    const load = decodeFirmware(mmsCommands.loadFirmware, payload)
    const [head, body] = [load.content.subarray(0, HEAD_LENGTH), load.content.subarray(HEAD_LENGTH)]
    const known = equal(sha256(load.content), load.hash) && equal(sha256(body), head.subarray(36, 68))
    if (!known || load.image !== imageTypes.main)
      throw new Fault('bad-argument', 'the image is not that of its hash', { field: 'image', rule: 'hash' })
    if (this.#job || this.#committing) return refused(mmsDetails.inProgress)
    new UpdateBay({ family: this.family, version: '', clock: this.#clock }).begin(head)
    const { percent, charging } = this.body.battery
    if (percent <= NO_UPDATE && !charging) return refused(mmsDetails.lowBattery)
    this.#staged = load
    return {}
  }

  #commit(payload: Uint8Array): Answer {
    const { hash } = decodeFirmware(mmsCommands.commitFirmware, payload)
    const staged = this.#staged
    if (!staged || !equal(staged.hash, hash)) return refused(mmsDetails.imageFailure)
    if (this.#job || this.#committing) return refused(mmsDetails.inProgress)
    this.firmware.condition.update.begin(staged.content.subarray(0, HEAD_LENGTH))
    this.#staged = undefined
    this.body.show('reader.updating')
    const stop = new AbortController()
    // After the response has left.
    const writing = Promise.resolve().then(() => this.#write(staged.content.subarray(HEAD_LENGTH), stop.signal))
    const done = writing.finally(() => {
      this.#committing = undefined
    })
    this.#committing = { stop, done }
    return {}
  }

  /** Goes on whether the host is there or not; then the reader restarts. */
  async #write(body: Uint8Array, signal: AbortSignal): Promise<void> {
    const { update } = this.firmware.condition
    const COMMIT = 0x08
    try {
      for (let at = update.have; at < body.length; at += BLOCK) {
        if (signal.aborted) return
        await update.write(at, body.subarray(at, at + BLOCK), signal)
      }
      update.commit()
      this.#notify(mmsNotifications.updateDone, COMMIT, 0x010a03)
    } catch (error) {
      if (signal.aborted) return
      this.#options.onFault?.(asFault(error))
      this.#notify(mmsNotifications.updateFailed, COMMIT, 0x010a04)
    }
    this.body.show('reader.idle')
    const link = this.#link
    if (link) this.#stopRestart = this.#clock.timer(RESTART, () => void link.close().catch(() => {}))
  }

  // — a payment —

  #start(payload: Uint8Array): Answer {
    if (this.#job || this.#committing) return refused(mmsDetails.inProgress)
    this.firmware.checkReady()
    const start = decodeMmsStart(payload)
    const transaction = transactionOf(start)
    this.firmware.checkReady(transaction)
    const interfaces = (['chip', 'tap', 'swipe'] as const).filter(one => start[one])
    if (interfaces.length === 0 || start.quickChip) throw new Fault('bad-argument', 'start: no reader is on, or quick chip is')
    const job: Job = { start, stop: new AbortController(), question: undefined, done: Promise.resolve(), forgotten: false }
    this.#job = job
    // After the response has left.
    job.done = Promise.resolve().then(() => this.#run(job, transaction, interfaces))
    return { summary: mmsSummaries.started }
  }

  async #run(job: Job, transaction: Transaction, interfaces: readonly CardInterface[]): Promise<void> {
    const { signal } = job.stop
    let last: { readonly technology: number; readonly detail: number; readonly batch?: Uint8Array }
    try {
      const start = { transaction, interfaces, timeout: job.start.timeout, pinPad: this.#display }
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
    if (last.batch) this.#notify(mmsNotifications.transaction, last.technology, infoDetails.batch, last.batch)
    this.#notify(mmsNotifications.transactionDone, last.technology, last.detail)
  }

  #ending(end: PaymentEnd): { readonly technology: number; readonly detail: number; readonly batch?: Uint8Array } {
    if (end.type === 'none')
      return { technology: technologies.none, detail: (end.why === 'timeout' ? endDetails.timeout : endDetails.userCancelled) << 8 }
    if (end.type === 'stripe') throw new Fault('internal', 'a stripe waits for its answer')
    const { by, outcome } = end
    const technology = technologyOf[by]
    const detail = detailOfOutcome(outcome)
    if (!outcome.tags.has(0x9f27)) return { technology, detail }
    const data = wrap(this.firmware, this.serial, { by, tags: outcome.tags, status: statusOf(outcome) })
    return { technology, detail, batch: payloadOf(mmsNotifications.transaction, write(0x84, data)) }
  }

  #teller(job: Job): Teller {
    const told = {
      swiped: infoDetails.swiped,
      inserted: infoDetails.inserted,
      removed: infoDetails.removed,
      tapped: infoDetails.detected,
    } as const
    const by = { swiped: technologies.stripe, inserted: technologies.chip, removed: technologies.chip, tapped: technologies.tap } as const
    return {
      card: event => this.#notify(mmsNotifications.transaction, by[event], told[event]),
      step: () => {},
      ...(!this.#display && {
        select: async (candidates, signal) => {
          const seconds = job.start.timeout
          const lines = selectionLines(
            'APPLICATION SELECT',
            candidates.map(({ label }) => label),
          )
          const limit = seconds > 0 ? seconds * 1000 : undefined
          const asked = this.#ask(job, mmsCommands.reportSelection, limit, signal)
          this.#notify(mmsNotifications.uiRequest, 0x02, 0x020000, encodeUi({ seconds, lines }))
          const given = readPayload({ id: mmsCommands.reportSelection, payload: await asked })
          const index = given.get(0x82)?.[0] ?? candidates.length
          return given.get(0x81)?.[0] === selectionStatus.completed && index < candidates.length ? index : undefined
        },
      }),
      online: (through, request, signal) =>
        this.#online(job, technologyOf[through], wrap(this.firmware, this.serial, { by: through, ...request }), signal),
      stripe: (swipe, tracks, sealed, signal) => {
        const service = swipe.track2?.serviceCode ?? swipe.track1?.serviceCode
        const masked = tracks.track2 && maskedTrack2(swipe.pan, swipe.expiry, service)
        const data = wrap(this.firmware, this.serial, { by: 'swipe', tags: new Map(), stripe: sealed, masked, pinBlock: sealed.pinBlock })
        return this.#online(job, technologies.stripe, data, signal)
      },
    }
  }

  async #online(job: Job, technology: number, data: Uint8Array, signal: AbortSignal): Promise<AuthorisationResponse> {
    const asked = this.#ask(job, mmsCommands.resume, this.#options.responseTimeout ?? 60_000, signal)
    this.#notify(mmsNotifications.transaction, technology, infoDetails.arqc, payloadOf(mmsNotifications.transaction, write(0x84, data)))
    try {
      const given = readPayload({ id: mmsCommands.resume, payload: await asked })
      return hostResponse(decodeHostAnswer(given.get(0x84) ?? new Uint8Array(0)))
    } catch (error) {
      if (signal.aborted || !isFault(error, 'timeout', 'protocol')) throw error
      if (isFault(error, 'protocol')) this.#options.onFault?.(error)
      return { type: 'unableToGoOnline' } // an answer that is none, or none at all
    }
  }

  /** The payload of the request that answers a question. @throws Fault `timeout`, or the signal's own */
  #ask(job: Job, id: number, timeout: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
    const answered = new Promise<Uint8Array>(settle => {
      job.question = { id, settle }
    })
    const limit = { signal, clock: this.#clock, what: 'the host', ...(timeout !== undefined && { timeout }) }
    return within(limit, () => answered).finally(() => {
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

/** What a response says; all good where it says nothing. */
interface Answer {
  readonly summary?: number
  readonly detail?: number
  readonly payload?: Uint8Array
}

function refused(detail: number): Answer {
  return { summary: mmsSummaries.notStarted, detail }
}

function detailOf(fault: Fault): number {
  if (fault.code === 'low-battery') return mmsDetails.lowBattery
  if (fault.code === 'tampered') return mmsDetails.tampered
  if (fault.code === 'update-required' || fault.details.field === 'image') return mmsDetails.imageFailure
  return mmsDetails.badParameter
}

/** @throws Fault `bad-argument` */
function transactionOf({ amount, cashback, transactionType, currency: numeric }: MmsStart): Transaction {
  const type = types[transactionType]
  if (!type) throw new Fault('bad-argument', `start: the transaction type ${transactionType} is none of this reader`)
  return { type, amount, currency: currency(numeric), ...(cashback > 0n && { otherAmount: cashback }) }
}

const endings: { readonly [reason in NonNullable<Outcome['reason']>]?: number } = {
  noApplication: (endDetails.notAccepted << 8) | endExtras.stripeFallback,
  cardMute: endDetails.failed << 8,
  notAccepted: endDetails.notAccepted << 8,
  cardBlocked: endDetails.offlineNotAccepted << 8,
  applicationBlocked: endDetails.offlineNotAccepted << 8,
  tryAnotherInterface: endDetails.tryAnotherInterface << 8,
  cardholderCancelled: endDetails.cancelled << 8,
  pinTimeout: endDetails.timeout << 8,
  cardError: endDetails.failed << 8,
  cardRemoved: endDetails.failed << 8,
}

function detailOfOutcome({ result, reason, online, cvm, fallback }: Outcome): number {
  if (fallback) return (endDetails.none << 8) | endExtras.technicalFallback
  if (result === 'approved')
    return ((online ? endDetails.approved : endDetails.offlineApproved) << 8) | (cvm === 'signature' ? endExtras.signature : endExtras.none)
  const known = reason && endings[reason]
  if (known !== undefined) return known
  return (result === 'declined' ? (online ? endDetails.declined : endDetails.offlineDeclined) : endDetails.failed) << 8
}

function endingOfFault(fault: Fault): { readonly technology: number; readonly detail: number } {
  const cancelled = isFault(fault, 'aborted', 'link-closed')
  const detail = cancelled ? endDetails.hostCancelled : isFault(fault, 'timeout') ? endDetails.timeout : endDetails.failed
  return { technology: technologies.none, detail: detail << 8 }
}
