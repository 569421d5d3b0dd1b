/** A virtual MagTek MMS reader (DynaFlex II): the shared firmware behind the device side of the MMS codec. The PED has display and keys, the Go has its host show all. */

import {
  decodeGetProperty,
  decodeMmsStart,
  decodeShow,
  encodePropertyAnswer,
  encodeTransactionStatus,
  encodeUi,
  infoDetails,
  type MmsCarrier,
  type MmsMessage,
  magtekBle,
  magtekHid,
  mmsCommands,
  mmsDetails,
  mmsNotifications,
  mmsProperties,
  mmsSide,
  mmsSummaries,
  propertyTree,
} from '../../../../devices/magtek/codec.ts'
import { fromText } from '../../../../src/bytes.ts'
import type { CardInterface } from '../../../../src/emv/outcome.ts'
import type { Transaction } from '../../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault } from '../../../../src/errors.ts'
import type { MessageId } from '../../../../src/messages/messages.ts'
import type { Link } from '../../../../src/transport/link.ts'
import type { LineFaults } from '../../../faults.ts'
import type { Body, BodyEvent, Screen } from '../../body/body.ts'
import { Chassis, type ChassisOptions } from '../../chassis.ts'
import type { Firmware } from '../../firmware.ts'
import type { HidPlug } from '../../listen/hid-device.ts'
import type { VirtualReader } from '../../reader.ts'
import { runPayment } from '../payment.ts'
import { paymentJob, RESPONSE_TIME } from '../question.ts'
import { displayTexts } from '../texts.ts'
import { endingOf, type MmsDialogue, type MmsJob, teller } from './dialog.ts'
import { MmsLoader } from './loader.ts'
import { type Answer, endingOfFault, type MmsEnding, refusalOf, refused, transactionOf } from './words.ts'

/** How a virtual DynaFlex II is made. */
export interface VirtualMmsOptions extends ChassisOptions {
  /** `DynaFlex II PED` (display and PIN pad) when left out; `DynaFlex II Go` has neither. */
  readonly model?: 'DynaFlex II PED' | 'DynaFlex II Go'
  /** What carries its messages; what the link's URI says when left out, SLIP where it says nothing. */
  readonly carrier?: MmsCarrier
  /** Milliseconds for the host's answer to an ARQC; 60 000 when left out. */
  readonly responseTimeout?: number
}

/** Bytes of a Bluetooth PDU that every connection has room for. */
const PDU = 20
/** Percent at which it warns, once (D100005000, low battery warning). */
const WARNING = 15

const pinTexts: ReadonlySet<MessageId> = new Set(['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry'] as const)

/** It answers each request at once, and tells the rest in notifications. */
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
  readonly #carrier: MmsCarrier | undefined
  readonly #chassis: Chassis<MmsJob>
  readonly #dialogue: MmsDialogue
  readonly #loader: MmsLoader
  #send: ((message: MmsMessage) => void) | undefined
  #stopRestart = () => {}
  #warned = false

  /** @throws Fault `bad-key` for keys that are none */
  constructor(options: VirtualMmsOptions) {
    const { model = 'DynaFlex II PED', responseTimeout = RESPONSE_TIME } = options
    const display = model === 'DynaFlex II PED'
    const build = { family: this.family, serial: 'B571AF2', pinPad: display }
    this.#chassis = new Chassis(options, { ...build, see: event => this.#see(event) })
    const { body, firmware, faults, serial, onFault } = this.#chassis
    this.body = body
    this.firmware = firmware
    this.faults = faults
    this.serial = serial
    this.model = model
    this.hid = { vendor: 0x0801, product: 0x2020, shape: magtekHid.mms, manufacturer: 'MagTek', name: model, serial }
    this.#carrier = options.carrier
    const notify = (id: number, summary: number, detail: number, payload?: Uint8Array) => this.#notify(id, summary, detail, payload)
    this.#dialogue = { firmware, serial, display, notify, responseTimeout, onFault }
    const restart = () => {
      if (this.#chassis.link) this.#stopRestart = this.#chassis.restart()
    }
    this.#loader = new MmsLoader({ family: this.family, firmware, notify, restart, onFault })
  }

  serve(link: Link): Promise<void> {
    return this.#chassis.serve(link, send => {
      const carrier = this.#carrier ?? (link.uri.startsWith('ble:') ? 'ble' : link.uri.startsWith('hid:') ? 'hid' : 'slip')
      const side = mmsSide(carrier, 'device', PDU)
      this.#send = message => void send(side.encode(message)).catch(() => {})
      this.#warned = false
      return {
        decoder: side.decoder(),
        greet: () => this.#tellBattery(),
        hear: (message: MmsMessage) => this.#hear(message),
        hush: () => {
          this.#stopRestart()
          this.#send = undefined
          this.#loader.forget()
        },
      }
    })
  }

  async close(): Promise<void> {
    await this.#loader.stop(new Fault('aborted', 'the reader was closed'))
    await this.#chassis.close()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // — what happens to it —

  #see(event: BodyEvent): void {
    if (event.type === 'power' && !event.on) void this.#loader.stop(new Fault('aborted', 'the power was cut'))
    if (event.type === 'display' && this.#chassis.job) this.#mirror(event.screen)
    if (event.type === 'battery') this.#tellBattery()
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
    const text = message && !(pinTexts.has(message) && lines.length > 1) ? displayTexts[message] : undefined
    if (text) this.#notify(mmsNotifications.uiRequest, 0x02, 0x010100, encodeUi({ seconds: 0, lines: [text] }))
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
      this.#chassis.onFault(fault)
      return refusalOf(fault)
    }
  }

  #request(id: number, payload: Uint8Array): Answer {
    const { job } = this.#chassis
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
      case mmsCommands.display:
        return job || !this.#dialogue.display ? refused(job ? mmsDetails.inProgress : mmsDetails.badParameter) : this.#show(payload)
      case mmsCommands.loadFirmware:
        return this.#loader.load(payload, job !== undefined)
      case mmsCommands.commitFirmware:
        return this.#loader.commit(payload, job !== undefined)
      default:
        return refused(mmsDetails.badParameter)
    }
  }

  /** Its host's words, between payments. Of a time limit nothing is known but that it ends with 1805: assumed to be as long as any result stands. */
  #show(payload: Uint8Array): Answer {
    const { text } = decodeShow(payload)
    const message = (Object.keys(displayTexts) as MessageId[]).find(id => displayTexts[id] === text)
    if (!message) return refused(mmsDetails.badParameter)
    this.body.show(message)
    this.firmware.linger()
    return {}
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

  // — a payment —

  #start(payload: Uint8Array): Answer {
    if (this.#chassis.job || this.#loader.busy) return refused(mmsDetails.inProgress)
    this.firmware.checkReady()
    const start = decodeMmsStart(payload)
    const transaction = transactionOf(start)
    this.firmware.checkReady(transaction)
    const interfaces = (['chip', 'tap', 'swipe'] as const).filter(one => start[one])
    if (interfaces.length === 0 || start.quickChip) throw new Fault('bad-argument', 'start: no reader is on, or quick chip is')
    const job: MmsJob = paymentJob(start, {})
    this.#chassis.begin(job, () => this.#pay(job, transaction, interfaces), {
      failed: fault => {
        this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        return endingOfFault(fault)
      },
      ended: ({ technology, detail, batch }) => {
        if (job.forgotten) return
        if (batch) this.#notify(mmsNotifications.transaction, technology, infoDetails.batch, batch)
        this.#notify(mmsNotifications.transactionDone, technology, detail)
      },
    })
    return { summary: mmsSummaries.started }
  }

  async #pay(job: MmsJob, transaction: Transaction, interfaces: readonly CardInterface[]): Promise<MmsEnding> {
    await Promise.resolve() // the response to the start leaves first
    const { signal } = job.stop
    const start = { transaction, interfaces, timeout: job.start.timeout, pinPad: this.#dialogue.display }
    const ending = endingOf(this.#dialogue, await runPayment(this.firmware, start, teller(this.#dialogue, job), signal))
    return signal.aborted ? endingOfFault(abortFault(signal)) : ending
  }
}
