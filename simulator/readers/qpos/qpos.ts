/** A virtual QPOS: the shared firmware behind the device side of the QPOS codec. It never speaks first and has one answer owing at most. */

import type { EmvStart, HostMessage, TradeRequest } from '../../../devices/qpos/codec.ts'
import { bleShape, commandCode, type DeviceMessage, decodeOnlineResult, device, encodeApplications } from '../../../devices/qpos/codec.ts'
import type { Card } from '../../../src/emv/card.ts'
import type { AuthorisationResponse } from '../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault } from '../../../src/errors.ts'
import type { Link } from '../../../src/transport/link.ts'
import type { LineFaults } from '../../faults.ts'
import type { Body } from '../body/body.ts'
import { Chassis, type ChassisOptions } from '../chassis.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import type { VirtualReader } from '../reader.ts'
import { responseOf } from '../told.ts'
import { busy, type Command, Job } from './job.ts'
import { type Code, PassiveLine } from './line.ts'
import { QposField } from './nfc.ts'
import {
  type Ending,
  endingOf,
  endingOfFault,
  iccData,
  idOf,
  infoOf,
  onlineRequest,
  pick,
  transactionOf,
  type Versions,
} from './payload.ts'
import { trade } from './trade.ts'
import { isLoaderFrame, isUpkeep, QposUpkeep } from './upkeep.ts'

/** How a virtual QPOS is made. */
export interface QposOptions extends ChassisOptions {
  /** What it tells of its parts. */
  readonly versions?: Partial<Versions>
  /** More data than this goes in parts (CmdID 36): bytes; 1024 when left out. */
  readonly partSize?: number
  /** Milliseconds that an answer may take before the reader says "busy" (23) instead; 300 when left out. */
  readonly busyAfter?: number
}

const empty = new Uint8Array(0)
const versions = { bootloader: '1.0.0', hardware: 'A27C' }
/** Result code of an EMV answer that is a list of applications. */
const APPLICATION_LIST = 0x02
const noCode = { code: 0, sub: 0 }

/** It answers a question of the reader's. */
function isAnswer({ command }: Command): boolean {
  return command === 'selectEmvApp' || command === 'onlineResult'
}

/** Its dialogue is the host's: each command has one answer, and what takes long is asked after. */
export class VirtualQpos implements VirtualReader {
  readonly family = 'qpos'
  readonly ble = bleShape
  readonly body: Body
  readonly firmware: Firmware
  readonly faults: LineFaults
  readonly serial: string
  readonly #versions: Partial<Versions>
  readonly #chassis: Chassis<Job>
  readonly #line: PassiveLine
  readonly #field: QposField
  readonly #upkeep: QposUpkeep
  /** How the last job ended. */
  #last: DeviceMessage | undefined
  /** The chip that doTrade found. */
  #card: Card | undefined
  #lastTags: ReadonlyMap<number, Uint8Array> = new Map()

  /** @throws Fault `bad-key` for keys that are none */
  constructor(options: QposOptions) {
    const { partSize = 1024, busyAfter = 300 } = options
    this.#versions = options.versions ?? {}
    this.#chassis = new Chassis(options, { family: this.family, serial: 'MPOS0000000001' })
    const { body, firmware, faults, serial, clock } = this.#chassis
    this.body = body
    this.firmware = firmware
    this.faults = faults
    this.serial = serial
    this.#field = new QposField(firmware)
    this.#upkeep = new QposUpkeep(firmware)
    this.#line = new PassiveLine({ clock, partSize, busyAfter, state: () => this.#job?.state ?? busy })
  }

  serve(link: Link): Promise<void> {
    return this.#chassis.serve(link, send => {
      this.#line.send = send
      return {
        decoder: device.decoder(),
        hear: (message: HostMessage) => this.#hear(message),
        hush: () => this.#line.close(),
        left: () => this.#forget(),
      }
    })
  }

  close(): Promise<void> {
    return this.#chassis.close()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #job(): Job | undefined {
    return this.#chassis.job
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
    return infoOf({ ...versions, firmware: this.firmware.condition.told, ...this.#versions }, this.body.battery)
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
    const { link } = this.#chassis
    this.#line.owe(message)
    this.#line.forget()
    this.#begin({ code: message.code, sub: message.sub }, async job => {
      const { ending, committed } = await this.#upkeep.load(message, job.stop.signal)
      if (committed) this.#chassis.restart(link)
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
    await this.#chassis.forget(new Fault('aborted', 'the host has reset the reader'))
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

  /** Works to the last answer, whatever happens. */
  #begin(code: Code, work: (job: Job) => Promise<Ending>): void {
    const cancelled = async (job: Job) => cancelledBy(job.stop.signal, await work(job))
    this.#chassis.begin(new Job(this.#line, this.#chassis.clock, code), cancelled, {
      failed: fault => {
        const ending = endingOfFault(fault)
        // A refusal stays on the display as the firmware put it there.
        if (this.#card || ending.type !== 'notAvailable') this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        this.#card = undefined
        return ending
      },
      ended: (ending, job) => {
        job.end()
        if (job.forgotten) return
        this.#last = { result: 0, ...ending, ...job.code }
        this.#line.reply(this.#last)
      },
    })
  }

  /** A command for the tapped card. */
  #relay({ delay, apdu }: Extract<Command, { command: 'nfcApdu' }>, job: Job): Promise<Ending> {
    job.limit(delay)
    return this.#field.exchange(apdu, job.stop.signal)
  }

  /** doTrade: waits for a card. */
  async #trade(request: TradeRequest, delay: number, job: Job): Promise<Ending> {
    const { firmware } = this
    const { signal } = job.stop
    const onChipSwiped = () => job.progress({ type: 'magToIcc', data: empty })
    const { ending, card, tags } = await trade({ firmware, request, delay, host: this.#hostSide(job), signal, onChipSwiped })
    if (card) this.#card = card
    if (tags) this.#lastTags = tags
    return ending
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
      this.#chassis.onFault(asFault(error))
      return { type: 'unableToGoOnline' }
    }
  }
}

/** The kernel calls every abort a cancellation: here it is known whose it was. */
function cancelledBy(signal: AbortSignal, ending: Ending): Ending {
  return signal.aborted && ending.type === 'userCancel' ? endingOfFault(abortFault(signal)) : ending
}
