/** A virtual QPOS: the shared firmware behind the device side of the QPOS codec. It never speaks first and has one answer owing at most. */

import type { DeviceMessage, EmvStart, HostMessage, TradeRequest } from '../../../devices/qpos/codec.ts'
import {
  bleShape,
  cardModes,
  commandCode,
  decodeOnlineResult,
  device,
  encodeApplications,
  encodeTradeAnswer,
} from '../../../devices/qpos/codec.ts'
import type { Clock } from '../../../src/clock.ts'
import { systemClock } from '../../../src/clock.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault } from '../../../src/errors.ts'
import type { Swipe, SwipedTracks } from '../../../src/magstripe/swipe.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body, type CardWait } from '../body/body.ts'
import { Firmware, type HostSide } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { swipeOf, waysOf } from '../take-card.ts'
import { responseOf } from '../told.ts'
import { busy, type Command, Job } from './job.ts'
import { type Code, PassiveLine } from './line.ts'
import { QposField } from './nfc.ts'
import {
  cardDataOf,
  type Ending,
  endingOf,
  endingOfFault,
  iccData,
  idOf,
  infoOf,
  onlineRequest,
  pick,
  transactionOf,
  transactionOfTrade,
  type Versions,
} from './payload.ts'
import { tapStep } from './tap.ts'
import { isLoaderFrame, isUpkeep, QposUpkeep } from './upkeep.ts'

export interface QposOptions extends Omit<VirtualReaderOptions, 'body'> {
  readonly body?: Body
  readonly versions?: Partial<Versions>
  /** More data than this goes in parts (CmdID 36). */
  readonly partSize?: number
  /** Milliseconds that an answer may take before the reader says "busy" (23) instead. */
  readonly busyAfter?: number
}

const empty = new Uint8Array(0)
const versions = { bootloader: '1.0.0', hardware: 'A27C' }
/** Result code of an EMV answer that is a list of applications. */
const APPLICATION_LIST = 0x02
/** tradeMode: the card is checked, no PIN is asked. */
const NO_PIN = 1
const noCode = { code: 0, sub: 0 }
/** Milliseconds from the last block of new firmware to the restart. */
const RESTART = 100

/** It answers a question of the reader's. */
function isAnswer({ command }: Command): boolean {
  return command === 'selectEmvApp' || command === 'onlineResult'
}

export class VirtualQpos implements VirtualReader {
  readonly family = 'qpos'
  readonly ble = bleShape
  readonly body: Body
  readonly firmware: Firmware
  /** Knobs of the line, to be turned at any time. */
  readonly faults: LineFaults
  readonly serial: string
  readonly #options: QposOptions
  readonly #clock: Clock
  readonly #seat = new Seat()
  #link: Link | undefined
  readonly #line: PassiveLine
  #job: Job | undefined
  /** How the last job ended. */
  #last: DeviceMessage | undefined
  readonly #field: QposField
  readonly #upkeep: QposUpkeep
  /** The chip that doTrade found. */
  #card: Card | undefined
  #lastTags: ReadonlyMap<number, Uint8Array> = new Map()
  readonly #stopWatching: () => void

  constructor(options: QposOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    this.firmware = new Firmware({ ...options, family: this.family, body: this.body, clock: this.#clock })
    this.#field = new QposField(this.firmware)
    this.#upkeep = new QposUpkeep(this.firmware)
    this.faults = { ...options.faults }
    this.serial = options.serial ?? 'MPOS0000000001'
    const { partSize = 1024, busyAfter = 300 } = options
    this.#line = new PassiveLine({ clock: this.#clock, partSize, busyAfter, state: () => this.#job?.state ?? busy })
    this.#stopWatching = this.body.on(event => {
      if (event.type === 'power' && !event.on) this.#link?.close().catch(() => {})
      if (event.type === 'tamper') this.#job?.stop.abort(new Fault('tampered', 'the reader was opened'))
    })
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#link = link
    this.#line.send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    try {
      if (this.body.isOn) await hearHost(link, device.decoder(), this.#clock, message => this.#hear(message))
    } finally {
      this.#seat.leaving()
      over.abort()
      this.#line.close()
      await this.#endJob(new Fault('link-closed', 'the host is gone'))
      this.#forget()
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

  // — what the host says —

  /** One after another: what follows a reset finds a reader that is reset. */
  async #hear(message: HostMessage): Promise<void> {
    if (!this.body.isOn) return
    if (message.type === 'command') this.#command(message)
    else if (message.type === 'query') this.#query()
    else if (message.type === 'cancel') this.#cancel()
    else if (message.type === 'reset') await this.#reset()
    else if (message.type === 'raw') this.#load(message)
    else if (!this.#line.continue()) this.#refuse(noCode)
  }

  /** While an image is half there, or a newer one is required, only the loader runs, and there is no version to tell. */
  #info(): Uint8Array {
    return infoOf({ ...versions, firmware: this.firmware.condition.told, ...this.#options.versions }, this.body.battery)
  }

  #refuse(code: Code): void {
    this.#line.owe(code)
    this.#line.answer('notAvailable')
  }

  /** A frame for the loader; after the last one the reader restarts, which ends the connection. */
  #load(message: Extract<HostMessage, { type: 'raw' }>): void {
    if (this.#job || !isLoaderFrame(message)) {
      this.#refuse(message)
      return
    }
    const link = this.#link
    this.#line.owe(message)
    this.#line.forget()
    this.#begin({ code: message.code, sub: message.sub }, async job => {
      const { ending, committed } = await this.#upkeep.load(message, job.stop.signal)
      if (committed) this.#clock.timer(RESTART, () => link?.close().catch(() => {}))
      return ending
    })
  }

  #command(message: Command): void {
    const job = this.#job
    this.#line.owe(commandCode(message.command))
    if (message.command === 'getQposId' && !job) this.#line.answer('completed', idOf(this.serial, this.firmware.config.merchantId))
    else if (message.command === 'getQposInfo' && !job) this.#line.answer('completed', this.#info())
    else if (this.body.tampered) this.#line.answer('destruct')
    else if (!job) this.#start(message)
    // An answer that comes too late gets what becomes of the payment.
    else if (!job.answer(message) && !isAnswer(message)) this.#line.answer('notAvailable')
  }

  #start(message: Command): void {
    // An answer to a question that is over, because the card has gone or it is a copy: the host hears how it ended. Assumed.
    const { code: own, sub } = commandCode(message.command)
    const copied = this.#last?.code === own && this.#last.sub === sub ? this.#last : undefined
    const ending = this.#line.lastUnheard() ?? copied
    this.#line.forget()
    if (ending && isAnswer(message)) {
      this.#line.reply({ ...ending, ...commandCode(message.command) })
      return
    }
    this.#last = undefined
    const code = commandCode(message.command)
    if (isUpkeep(message)) this.#begin(code, async () => this.#upkeep.do(message))
    else if (this.#upkeep.unconfigured && message.command === 'doTrade') this.#line.answer('emvAppConfigError')
    else if (message.command === 'doTrade') this.#begin(code, job => this.#trade(message.request, message.delay, job))
    else if (message.command === 'startEmv') this.#begin(code, job => this.#emv(message.start, message.delay, job))
    else if (message.command === 'nfcPowerOn') this.#begin(code, job => this.#field.on(message.delay, job.stop.signal))
    else if (message.command === 'nfcApdu') this.#begin(code, job => this.#relay(message, job))
    else if (message.command === 'nfcPowerOff') this.#line.answer(this.#field.off())
    else if (message.command === 'getIccTag') this.#line.answer('completed', iccData(pick(this.#lastTags, message.tags)))
    else this.#line.answer('notAvailable') // an answer to a question that was not asked
  }

  /** "Are you done?" */
  #query(): void {
    // What may have been lost on the way is said again: the question that waits for the host, or how it ended.
    const news = this.#line.nextUnheard() ?? this.#job?.question ?? this.#last
    this.#line.owe(news ?? this.#job?.code ?? noCode)
    if (news) this.#line.reply(news)
    else if (!this.#job) this.#line.answer('notAvailable')
  }

  /** What has ended already stays so: the host hears how. */
  #cancel(): void {
    const ending = this.#job ? undefined : this.#line.lastUnheard()
    this.#line.forget()
    this.#last = undefined
    this.#line.owe(ending ?? this.#job?.code ?? noCode)
    if (ending) this.#line.reply(ending)
    else if (this.#job) this.#job.stop.abort(new Fault('aborted', 'the host has cancelled'))
    else {
      this.#giveCardBack()
      this.#line.answer('userCancel')
    }
  }

  async #reset(): Promise<void> {
    this.#line.owe(noCode)
    if (this.#job) this.#job.forgotten = true
    await this.#endJob(new Fault('aborted', 'the host has reset the reader'))
    this.#forget()
    this.#line.answer('reset')
  }

  #forget(): void {
    this.#line.forget()
    this.#last = undefined
    this.#lastTags = new Map()
    this.#giveCardBack()
  }

  /** A card that waits for a payment which does not come. */
  #giveCardBack(): void {
    this.#field.off()
    if (!this.#card) return
    this.#card = undefined
    this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
  }

  // — what takes a while —

  #begin(code: Code, work: (job: Job) => Promise<Ending>): void {
    const job = new Job(this.#line, this.#clock, code)
    this.#job = job
    job.done = this.#run(job, work)
  }

  /** Works to the last answer, whatever happens. */
  async #run(job: Job, work: (job: Job) => Promise<Ending>): Promise<void> {
    const { signal } = job.stop
    let ending: Ending
    try {
      ending = await work(job)
      // The kernel calls every abort a cancellation: here it is known whose it was.
      if (signal.aborted && ending.type === 'userCancel') ending = endingOfFault(abortFault(signal))
    } catch (error) {
      const fault = asFault(error)
      if (!signal.aborted) this.#options.onFault?.(fault)
      ending = endingOfFault(fault)
      // A refusal stays on the display as the firmware put it there.
      if (this.#card || ending.type !== 'notAvailable') this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
      this.#card = undefined
    }
    job.end()
    this.#job = undefined
    if (job.forgotten) return
    this.#last = { result: 0, ...ending, ...job.code }
    this.#line.reply(this.#last)
  }

  async #endJob(why: Fault): Promise<void> {
    this.#job?.stop.abort(why)
    await this.#job?.done
  }

  /** A command for the tapped card. */
  #relay({ delay, apdu }: Extract<Command, { command: 'nfcApdu' }>, job: Job): Promise<Ending> {
    job.limit(delay)
    return this.#field.exchange(apdu, job.stop.signal)
  }

  /** doTrade: waits for a card. */
  async #trade(request: TradeRequest, delay: number, job: Job): Promise<Ending> {
    const { signal } = job.stop
    this.firmware.checkReady()
    const mode = cardModes[request.cardMode]
    if (!mode) throw new Fault('unsupported', `card mode ${request.cardMode} is not known`, { feature: 'cardMode' })
    const transaction = transactionOfTrade(request)
    this.firmware.checkReady(transaction)
    const amount = request.displayAmount ? transaction : undefined
    const deadline = this.#clock.now() + delay * 1000
    let ways = waysOf(this.firmware, mode.interfaces, transaction)
    for (let found: CardWait | undefined; ; ) {
      const timeout = deadline - this.#clock.now()
      const { interfaces, message } = ways
      const now: CardWait =
        found ?? (await this.firmware.waitForCard(interfaces, { signal, timeout, ...(amount && { amount }), ...(message && { message }) }))
      found = undefined
      switch (now.interface) {
        case 'none':
          return this.#noCard(now.why)
        case 'chip':
          return this.#chipFound()
        case 'tap': {
          const step = await tapStep(this.firmware, transaction, this.#hostSide(job), { interfaces, timeout, signal })
          if (step.type === 'ended') {
            this.#lastTags = step.tags
            return step.ending
          }
          if (step.type === 'found') found = step.found
          else ways = step.ways
          break
        }
        case 'swipe': {
          const swipe = swipeOf(now.tracks)
          if (!swipe) ways = { interfaces, message: 'reader.tryAgain' }
          else if (swipe.serviceCode?.chip && interfaces.includes('chip')) {
            ways = { interfaces: interfaces.filter(one => one !== 'swipe'), message: 'reader.insertCard' }
            job.progress({ type: 'magToIcc', data: empty })
          } else return this.#swiped(swipe, now.tracks, request, job)
          this.body.sound('error')
        }
      }
    }
  }

  #noCard(why: 'cancelled' | 'timeout'): Ending {
    this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
    return { type: why === 'timeout' ? 'timeout' : 'userCancel', data: empty }
  }

  /** The chip waits, reset, for the host to start EMV. */
  #chipFound(): Ending {
    try {
      this.#card = this.body.powerOn('chip')
    } catch (error) {
      this.firmware.showEnd({ result: 'cancelled', reason: 'cardError', cvm: 'none' })
      return endingOfFault(asFault(error))
    }
    this.body.show('reader.processing')
    return { type: 'completed', data: encodeTradeAnswer({ type: 'chip', reserved: 0, data: empty }) }
  }

  /** Tracks and PIN leave enciphered under one key. */
  async #swiped(swipe: Swipe, tracks: SwipedTracks, request: TradeRequest, job: Job): Promise<Ending> {
    const pinWanted = (swipe.serviceCode?.pin ?? 'none') !== 'none' && request.tradeMode !== NO_PIN
    const sealed = await this.firmware.seal(tracks, pinWanted ? swipe.pan : undefined, this.#hostSide(job), job.stop)
    if (sealed.type !== 'sealed') return this.#noCard(sealed.type)
    this.firmware.showHandedOver()
    return { type: 'completed', data: encodeTradeAnswer({ type: 'swipe', reserved: 0, card: cardDataOf(swipe, tracks, sealed) }) }
  }

  /** Start EMV: the kernel, with the host's answers in between. */
  async #emv(start: EmvStart, delay: number, job: Job): Promise<Ending> {
    job.limit(delay)
    const transaction = transactionOf(start)
    const card = this.#card
    if (!card) throw new Fault('card-removed', 'no chip waits in the slot')
    const outcome = await this.firmware.pay(card, transaction, this.#hostSide(job), job.stop)
    this.#card = undefined
    this.#lastTags = outcome.tags
    return endingOf(outcome)
  }

  #hostSide(job: Job): HostSide {
    return {
      selectApplication: async (candidates, { signal }) => {
        const list = encodeApplications(candidates.map(({ label }, index) => ({ unknown: Uint8Array.of(0, index + 1), label })))
        const answer = await job.ask('selectEmvApp', list, APPLICATION_LIST, signal)
        return answer.index < candidates.length ? answer.index : undefined
      },
      authorise: async (request, { signal }) => {
        const answer = await job.ask('onlineResult', onlineRequest(request), 0, signal)
        return this.#response(answer.tlv)
      },
      onPin: progress => {
        if (progress.type === 'started') job.progress({ type: 'pinEntry', data: Uint8Array.of(progress.offline ? 1 : 0) })
        else if (progress.type === 'ended') job.progress(busy)
      },
    }
  }

  /** An answer that is none leaves the card without one. */
  #response(tlv: Uint8Array): AuthorisationResponse {
    try {
      return responseOf(decodeOnlineResult(tlv))
    } catch (error) {
      this.#options.onFault?.(asFault(error))
      return { type: 'unableToGoOnline' }
    }
  }
}
