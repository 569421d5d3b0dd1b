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
import { within } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { AuthorisationRequest, AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { Link } from '../../../src/transport/link.ts'
import type { LineFaults } from '../../faults.ts'
import type { Body, BodyEvent } from '../body/body.ts'
import { Chassis, type ChassisOptions, type Job, type Sender } from '../chassis.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import type { VirtualReader } from '../reader.ts'
import { swipeOf } from '../take-card.ts'
import { responseOf } from '../told.ts'
import { MiuraFiles } from './files.ts'
import { MiuraIdle } from './idle.ts'
import { type Answer, done, endingOf, endingOfFault, failed, noTracks, resultOf, swipeData, transactionOf } from './payload.ts'
import { plainAnswer, UNKNOWN_INS } from './plain.ts'
import { contactless } from './tap.ts'

/** How a virtual Miura is made. */
export type MiuraOptions = ChassisOptions

interface MiuraJob extends Job {
  readonly command: Command
  /** Its answer is due: the next solicited message is that. */
  owing: boolean
  question?: (told: Continue) => void
}

/** A command that takes long blocks until its result; ABORT ends it. */
export class VirtualMiura implements VirtualReader {
  readonly family = 'miura'
  readonly body: Body
  readonly firmware: Firmware
  readonly faults: LineFaults
  readonly serial: string
  readonly #chassis: Chassis<MiuraJob>
  readonly #files: MiuraFiles
  readonly #idle: MiuraIdle
  #send: Sender | undefined
  #sent: Promise<void> | undefined
  /** The card in the slot answers to reset. */
  #emv = false
  #swiped: Swipe | undefined

  /** @throws Fault `bad-key` for keys that are none */
  constructor(options: MiuraOptions) {
    this.#chassis = new Chassis(options, { family: this.family, serial: '01000123', see: event => this.#see(event) })
    const { body, firmware, faults, serial } = this.#chassis
    this.body = body
    this.firmware = firmware
    this.faults = faults
    this.serial = serial
    const aids = fromText(firmware.config.applications.map(({ aid }) => `${hex(aid)}\n`).join(''))
    this.#files = new MiuraFiles(new Map([['emv.cfg', aids]]), firmware.condition.update)
    this.#idle = new MiuraIdle({
      body,
      onSwipe: (tracks, signal) => this.#tellSwipe(tracks, signal),
      onCancel: () => this.#event({ type: 'key', key: keyCodes.cancel }),
      onFault: options.onFault,
    })
  }

  serve(link: Link): Promise<void> {
    return this.#chassis.serve(link, send => {
      this.#send = send
      return {
        decoder: device.decoder(),
        greet: () => this.#status('poweredOn', 'Powered On'),
        hear: (message: HostMessage) => this.#hear(message),
        hush: () => {
          this.#send = undefined
        },
        left: () => {
          this.#idle.reports = 0
          this.#idle.keys = false
          return this.#idle.rest()
        },
      }
    })
  }

  close(): Promise<void> {
    return this.#chassis.close(() => this.#idle.rest())
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #job(): MiuraJob | undefined {
    return this.#chassis.job
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
    if (event.type === 'power' && !event.on) this.#status('poweringOff', 'Powering Off')
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
      return plainAnswer({ body: this.body, firmware: this.firmware, files: this.#files, clock: this.#chassis.clock }, message)
    await this.#idle.rest()
    if (message.p1 !== 0xff) this.#idle.keys = message.p1 === 0x01
    this.#watch()
    return done()
  }

  async #abort(): Promise<void> {
    await this.#chassis.stop(new Fault('aborted', 'the host has aborted'))
    this.#answer(done())
  }

  /** Soft: what is under way ends unheard. Hard: it restarts, and installs what it was given. */
  async #reset(kind: number): Promise<void> {
    await this.#chassis.forget(new Fault('aborted', 'the host has reset the reader'))
    const { told } = this.firmware.condition
    const application = { name: 'M000-MPI', ...(told && { version: told }) }
    this.#answer(done(encodeSoftwareInfo({ serial: this.serial, software: [application, { name: 'M000-OS', version: '7-12' }] })))
    if (kind === resets.soft) return
    this.#status('rebooting', 'Rebooting')
    this.#files.install()
    this.body.show('reader.idle')
    await this.#sent
    await this.#chassis.link?.close()
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
      this.#chassis.onFault(asFault(error))
      this.#answer(failed(failures.INVALID_DATA))
    }
  }

  // — what takes a while —

  async #begin(command: Command, work: (job: MiuraJob) => Promise<Answer>): Promise<void> {
    await this.#chassis.stop(new Fault('aborted', 'the host has begun something else'))
    await this.#idle.rest()
    const job: MiuraJob = { command, stop: new AbortController(), owing: true, forgotten: false, done: Promise.resolve() }
    this.#chassis.begin(job, work, {
      failed: fault => {
        this.#chassis.showStopped(fault)
        return endingOfFault(fault)
      },
      ended: answer => {
        if (job.owing && !job.forgotten) this.#answer(answer)
        this.#watch()
      },
    })
  }

  /** Answers START with what the host is to decide, and waits for CONTINUE. @throws Fault `aborted` or the signal's own */
  async #ask(job: MiuraJob, request: Pick<AuthorisationRequest, 'tags' | 'pinBlock'>, signal: AbortSignal): Promise<AuthorisationResponse> {
    const told = new Promise<Continue>(resolve => {
      job.question = resolve
    })
    job.owing = false
    this.#answer(resultOf('onlineRequired', request))
    try {
      return responseOf(await within({ signal, clock: this.#chassis.clock }, () => told))
    } finally {
      delete job.question
    }
  }

  async #chip({ data }: Command, job: MiuraJob): Promise<Answer> {
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

  #contactless({ data }: Command, job: MiuraJob): Promise<Answer> {
    const { signal } = job.stop
    const { firmware } = this
    const swiped = async (tracks: SwipedTracks) => (await this.#tellSwipe(tracks, signal)) !== undefined
    return contactless({ firmware, host: this.#hostSide(job), signal, swiped, ask: request => this.#ask(job, request, signal) }, data)
  }

  /** ONLINE PIN for the card that was swiped last: the PAN never left the reader. */
  async #pin({ data }: Command, job: MiuraJob): Promise<Answer> {
    this.firmware.checkReady()
    decodeOnlinePin(data)
    if (!this.#swiped) return failed(failures.TERMINAL_NOT_READY)
    const sealed = await this.firmware.seal({}, this.#swiped.pan, this.#hostSide(job), job.stop)
    if (sealed.type !== 'sealed') return done(encodeOnlinePinResult({ type: 'cancelled' }))
    if (!sealed.pinBlock) return done(encodeOnlinePinResult({ type: 'bypassed' }))
    return done(encodeOnlinePinResult({ type: 'pin', block: sealed.pinBlock.data, ksn: sealed.pinBlock.ksn }))
  }

  #hostSide(job?: MiuraJob): HostSide {
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
