/** A virtual Miura PED: the shared firmware behind the device side of the MPI codec. A transaction blocks until its result; events come in between. */

import {
  type CardEvent,
  type Command,
  type Continue,
  cardReports,
  type DeviceMessage,
  decodeContinue,
  decodeOnlinePin,
  decodeStart,
  device,
  encodeEvent,
  encodeOnlinePinResult,
  encodeSoftwareInfo,
  failures,
  type HostMessage,
  keyCodes,
  PIN_OK,
  type ReaderEventMessage,
  resets,
  type StatusEvent,
} from '../../../devices/miura/codec.ts'
import { fromText, hex } from '../../../src/bytes.ts'
import type { Clock } from '../../../src/clock.ts'
import { systemClock, within } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { AuthorisationRequest, AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault, isFault } from '../../../src/errors.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body, type BodyEvent, type CardWait } from '../body/body.ts'
import { Firmware, type HostSide } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { swipeOf } from '../take-card.ts'
import { responseOf, withCvm } from '../told.ts'
import { MiuraFiles } from './files.ts'
import { MiuraIdle } from './idle.ts'
import { type Answer, done, endingOf, endingOfFault, failed, noTracks, resultOf, swipeData, transactionOf } from './payload.ts'
import { plainAnswer, UNKNOWN_INS } from './plain.ts'

export interface MiuraOptions extends Omit<VirtualReaderOptions, 'body'> {
  readonly body?: Body
}

/** A command that takes as long as people do. */
interface Job {
  readonly command: Command
  readonly stop: AbortController
  /** Its answer is due: the next solicited message is that. */
  owing: boolean
  /** The host has lost interest in how it ends. */
  forgotten: boolean
  question?: (told: Continue) => void
  done: Promise<void>
}

/** Milliseconds that START CONTACTLESS waits. */
const CARD_TIMEOUT = 60_000
/** Interfaces that START CONTACTLESS notices. */
const everything = ['tap', 'chip', 'swipe'] as const

export class VirtualMiura implements VirtualReader {
  readonly family = 'miura'
  readonly body: Body
  readonly firmware: Firmware
  /** Knobs of the line, to be turned at any time. */
  readonly faults: LineFaults
  readonly serial: string
  readonly #options: MiuraOptions
  readonly #clock: Clock
  readonly #seat = new Seat()
  readonly #files: MiuraFiles
  #link: Link | undefined
  #send: ((frame: Uint8Array) => Promise<void>) | undefined
  #sent: Promise<void> | undefined
  #job: Job | undefined
  /** The card in the slot answers to reset. */
  #emv = false
  #swiped: Swipe | undefined
  readonly #idle: MiuraIdle
  readonly #stopWatching: () => void

  constructor(options: MiuraOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    this.firmware = new Firmware({ ...options, family: this.family, body: this.body, clock: this.#clock })
    this.faults = { ...options.faults }
    this.serial = options.serial ?? '01000123'
    const { applications } = this.firmware.config
    const aids = fromText(applications.map(({ aid }) => `${hex(aid)}\n`).join(''))
    this.#files = new MiuraFiles(new Map([['emv.cfg', aids]]), this.firmware.condition.update)
    this.#idle = new MiuraIdle({
      body: this.body,
      onSwipe: (tracks, signal) => this.#tellSwipe(tracks, signal),
      onCancel: () => this.#event({ type: 'key', key: keyCodes.cancel }),
      onFault: options.onFault,
    })
    this.#stopWatching = this.body.on(event => this.#see(event))
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#link = link
    this.#send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    try {
      if (this.body.isOn) {
        this.#status('poweredOn', 'Powered On')
        await hearHost(link, device.decoder(), this.#clock, message => this.#hear(message))
      }
    } finally {
      this.#seat.leaving()
      over.abort()
      this.#send = undefined
      await this.#endJob(new Fault('link-closed', 'the host is gone'))
      this.#idle.reports = 0
      this.#idle.keys = false
      await this.#idle.rest()
      await link.close()
      this.#link = undefined
      this.#seat.left()
    }
  }

  async close(): Promise<void> {
    this.#stopWatching()
    await this.#link?.close()
    await this.#endJob(new Fault('aborted', 'the reader was closed'))
    await this.#idle.rest()
    this.firmware.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // — what it says —

  #say(message: DeviceMessage): void {
    // A line that breaks ends the connection: nothing is lost by not looking here.
    this.#sent = this.#send?.(device.encode(message)).catch(() => {})
  }

  #answer({ sw, body }: Answer): void {
    this.#say({ type: 'answer', nad: 1, sw, body })
  }

  #event(event: ReaderEventMessage): void {
    this.#say({ type: 'event', nad: 1, sw: 0x9000, body: encodeEvent(event) })
  }

  #status(status: StatusEvent['status'], words: string, more: Partial<StatusEvent> = {}): void {
    this.#event({ type: 'status', status, text: words, ...more })
  }

  #cardStatus(more: Partial<CardEvent> = {}): void {
    const present = this.body.cardInSlot
    this.#event({ type: 'card', present, emv: present && this.#emv, swiped: false, tracks: noTracks, data: new Map(), ...more })
  }

  // — what happens to it —

  #see(event: BodyEvent): void {
    if (event.type === 'power' && !event.on) {
      this.#status('poweringOff', 'Powering Off')
      this.#link?.close().catch(() => {})
    } else if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
    else if (event.type === 'card' && (event.event === 'inserted' || event.event === 'removed')) {
      this.#emv = event.event === 'inserted' && this.#answersToReset()
      if (this.#idle.reports & cardReports.unsolicited) this.#cardStatus()
    } else if (event.type === 'display' && this.#job) {
      const { message } = event.screen
      if (message === 'reader.seePhone') this.#status('seePhone', 'See Phone')
      else if (message === 'reader.pinOk') this.#status('pinEntry', 'PIN OK', { pinStatus: PIN_OK })
    } else if (event.type === 'sound' && this.#job?.command.command === 'startContactless' && event.sound !== 'key')
      this.#status(event.sound === 'ok' ? 'successBeep' : 'errorBeep', 'Beep')
  }

  #answersToReset(): boolean {
    try {
      this.body.powerOn('chip')
      return true
    } catch (error) {
      if (isFault(error, 'card-mute', 'card-removed')) return false
      throw error
    } finally {
      this.body.reuseCard()
    }
  }

  /** Between transactions. */
  #watch(): void {
    if (!this.#job && this.#send) this.#idle.watch()
  }

  /** Undefined for a stripe that was misread; the host hears of it all the same. */
  async #tellSwipe(tracks: SwipedTracks, signal: AbortSignal): Promise<Swipe | undefined> {
    const swipe = swipeOf(tracks)
    this.#swiped = swipe
    if (!swipe) {
      this.body.sound('error')
      this.#cardStatus({ swiped: true })
      return undefined
    }
    const sealed = await this.firmware.seal(tracks, undefined, this.#hostSide(), { signal })
    if (sealed.type === 'sealed') this.#cardStatus({ swiped: true, ...swipeData(swipe, sealed) })
    return swipe
  }

  // — what the host says —

  async #hear(message: HostMessage): Promise<void> {
    if (!this.body.isOn) return
    if (message.type === 'unknown' || message.nad !== 1) return this.#answer(failed(UNKNOWN_INS))
    if (message.command === 'abort') return this.#abort()
    if (message.command === 'reset') return this.#reset(message.p1)
    if (message.command === 'cardStatus') {
      await this.#idle.rest()
      this.#idle.reports = message.p1
      this.#cardStatus()
      return this.#watch()
    }
    const job = this.#job
    if (message.command === 'continueTransaction') return this.#continue(message)
    if (job?.owing) return this.#answer(failed(failures.COMMAND_NOT_ALLOWED))
    if (message.command === 'startTransaction') await this.#begin(message, own => this.#chip(message, own))
    else if (message.command === 'startContactless') await this.#begin(message, own => this.#contactless(message, own))
    else if (message.command === 'onlinePin') await this.#begin(message, own => this.#pin(message, own))
    else this.#answer(await this.#plain(message))
  }

  async #plain(message: Command): Promise<Answer> {
    if (message.command !== 'keyboardStatus')
      return plainAnswer({ body: this.body, firmware: this.firmware, files: this.#files, clock: this.#clock }, message)
    await this.#idle.rest()
    if (message.p1 !== 0xff) this.#idle.keys = message.p1 === 0x01
    this.#watch()
    return done()
  }

  async #abort(): Promise<void> {
    await this.#endJob(new Fault('aborted', 'the host has aborted'))
    this.#answer(done())
  }

  /** Soft: what is under way ends unheard. Hard: it restarts, and installs what it was given. */
  async #reset(kind: number): Promise<void> {
    if (this.#job) this.#job.forgotten = true
    await this.#endJob(new Fault('aborted', 'the host has reset the reader'))
    const { told } = this.firmware.condition
    const application = { name: 'M000-MPI', ...(told && { version: told }) }
    this.#answer(done(encodeSoftwareInfo({ serial: this.serial, software: [application, { name: 'M000-OS', version: '7-12' }] })))
    if (kind === resets.soft) return
    this.#status('rebooting', 'Rebooting')
    this.#files.install()
    this.body.show('reader.idle')
    await this.#sent
    await this.#link?.close()
  }

  #continue({ data }: Command): void {
    const job = this.#job
    if (!job?.question) {
      this.#answer(failed(failures.TERMINAL_NOT_READY))
      return
    }
    try {
      const told = decodeContinue(data)
      job.owing = true
      job.question(told)
    } catch (error) {
      this.#options.onFault?.(asFault(error))
      this.#answer(failed(failures.INVALID_DATA))
    }
  }

  // — what takes a while —

  async #begin(command: Command, work: (job: Job) => Promise<Answer>): Promise<void> {
    await this.#endJob(new Fault('aborted', 'the host has begun something else'))
    await this.#idle.rest()
    const job: Job = { command, stop: new AbortController(), owing: true, forgotten: false, done: Promise.resolve() }
    this.#job = job
    job.done = this.#run(job, work)
  }

  async #run(job: Job, work: (job: Job) => Promise<Answer>): Promise<void> {
    const { signal } = job.stop
    let answer: Answer
    try {
      answer = await work(job)
    } catch (error) {
      const fault = signal.aborted ? abortFault(signal) : asFault(error)
      if (!signal.aborted) this.#options.onFault?.(fault)
      answer = endingOfFault(fault)
      // A refusal stays on the display as the firmware put it there.
      if (!isFault(fault, 'low-battery', 'update-required', 'tampered')) this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
    }
    this.#job = undefined
    if (job.owing && !job.forgotten) this.#answer(answer)
    this.#watch()
  }

  async #endJob(why: Fault): Promise<void> {
    this.#job?.stop.abort(why)
    await this.#job?.done
  }

  /** Answers START with what the host is to decide, and waits for CONTINUE. @throws Fault `aborted` or the signal's own */
  async #ask(job: Job, request: Pick<AuthorisationRequest, 'tags' | 'pinBlock'>, signal: AbortSignal): Promise<AuthorisationResponse> {
    const told = new Promise<Continue>(resolve => {
      job.question = resolve
    })
    job.owing = false
    this.#answer(resultOf('onlineRequired', request))
    try {
      return responseOf(await within({ signal, clock: this.#clock }, () => told))
    } finally {
      delete job.question
    }
  }

  async #chip({ data }: Command, job: Job): Promise<Answer> {
    const transaction = transactionOf(decodeStart(data))
    this.firmware.checkReady(transaction)
    if (!this.body.cardInSlot) return failed(failures.NO_SMARTCARD_IN_SLOT)
    let card: Card
    try {
      card = this.body.powerOn('chip')
    } catch (error) {
      if (!isFault(error, 'card-mute', 'card-removed')) throw error
      this.firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
      return endingOfFault(error)
    }
    return endingOf(await this.firmware.pay(card, transaction, this.#hostSide(job), job.stop))
  }

  async #contactless({ data }: Command, job: Job): Promise<Answer> {
    const { signal } = job.stop
    const transaction = transactionOf(decodeStart(data))
    this.firmware.checkReady(transaction)
    if (!this.firmware.canTap(transaction)) return failed(failures.CONTACTLESS_INSERT_OR_SWIPE)
    const deadline = this.#clock.now() + CARD_TIMEOUT
    let message: MessageId | undefined
    for (let found: CardWait | undefined; ; ) {
      const timeout = deadline - this.#clock.now()
      const now: CardWait =
        found ?? (await this.firmware.waitForCard(everything, { signal, timeout, amount: transaction, ...(message && { message }) }))
      found = undefined
      switch (now.interface) {
        case 'none':
          this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
          return failed(now.why === 'timeout' ? failures.CONTACTLESS_TIMEOUT : failures.USER_CANCELLED)
        case 'chip':
          return failed(failures.CONTACTLESS_ABORT_BY_CARD_INSERT)
        case 'swipe':
          if (await this.#tellSwipe(now.tracks, signal)) return failed(failures.CONTACTLESS_ABORT_BY_SWIPE)
          message = 'reader.tryAgain'
          break
        case 'tap': {
          const tapped = await this.firmware.tap(transaction, this.#hostSide(job), { signal, interfaces: everything, timeout })
          if (tapped.type === 'other') found = tapped.found
          else if (tapped.type === 'onlineRequest') return this.#tapOnline(job, tapped.request, signal)
          else {
            const { outcome } = tapped
            if (outcome.reason === 'noApplication' || outcome.reason === 'cardError') {
              this.body.sound('error')
              message = 'reader.tryAnotherCard' // EMV Contactless Book A, message 1C
              break
            }
            if (outcome.reason !== 'tryAnotherInterface') this.firmware.showEnd(outcome)
            return endingOf({ ...outcome, tags: withCvm(outcome) })
          }
        }
      }
    }
  }

  /** The card has gone: the host's word is the result. */
  async #tapOnline(job: Job, request: AuthorisationRequest, signal: AbortSignal): Promise<Answer> {
    const tags = withCvm(request)
    const response = await this.#ask(job, { ...request, tags }, signal)
    const approved = response.type === 'approved'
    this.firmware.showEnd({ result: approved ? 'approved' : 'declined', cvm: request.cvm })
    return resultOf(approved ? 'approved' : 'declined', { tags })
  }

  /** ONLINE PIN for the card that was swiped last: the PAN never left the reader. */
  async #pin({ data }: Command, job: Job): Promise<Answer> {
    this.firmware.checkReady()
    decodeOnlinePin(data)
    if (!this.#swiped) return failed(failures.TERMINAL_NOT_READY)
    const sealed = await this.firmware.seal({}, this.#swiped.pan, this.#hostSide(job), job.stop)
    if (sealed.type !== 'sealed') return done(encodeOnlinePinResult({ type: 'cancelled' }))
    if (!sealed.pinBlock) return done(encodeOnlinePinResult({ type: 'bypassed' }))
    return done(encodeOnlinePinResult({ type: 'pin', block: sealed.pinBlock.data, ksn: sealed.pinBlock.ksn }))
  }

  #hostSide(job?: Job): HostSide {
    return {
      authorise: async (request, { signal }) => {
        if (!job) throw new Fault('internal', 'nothing is authorised outside of a transaction')
        return this.#ask(job, request, signal)
      },
      onSelection: () => this.#status('applicationSelection', 'Application Selection'),
      onPin: progress => {
        if (progress.type === 'started') {
          const { again, triesLeft } = progress
          if (again && triesLeft !== undefined) this.#status('pinEntry', 'PIN Incorrect', { pinTries: triesLeft })
          this.#status('pinEntry', 'PIN Entry', { pinDigits: 0 })
        } else if (progress.type === 'digit') this.#status('pinEntry', 'PIN Entry', { pinDigits: progress.digits })
        else if (progress.as === 'digits' && !progress.offline) this.#status('pinEntry', 'PIN OK', { pinStatus: PIN_OK })
      },
    }
  }
}
