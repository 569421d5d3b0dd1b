/** A virtual MagTek V5 reader (tDynamo): the shared firmware behind the device side of the V5 codec. It has no display and no keys; its host has. */

import {
  cardTypes,
  decodeDate,
  decodeStart,
  magtekBle,
  magtekHid,
  type V5Reply,
  type V5Request,
  type V5Sending,
  type V5Start,
  v5Codes,
  v5Device,
  v5Extended,
  v5Properties,
  v5Results,
} from '../../../../devices/magtek/codec.ts'
import { concat, fromText } from '../../../../src/bytes.ts'
import type { CardInterface } from '../../../../src/emv/outcome.ts'
import type { Transaction } from '../../../../src/emv/terminal.ts'
import { abortFault, asFault, Fault } from '../../../../src/errors.ts'
import type { Link } from '../../../../src/transport/link.ts'
import type { LineFaults } from '../../../faults.ts'
import type { Body } from '../../body/body.ts'
import { Chassis, type ChassisOptions } from '../../chassis.ts'
import type { Firmware } from '../../firmware.ts'
import type { HidPlug } from '../../listen/hid-device.ts'
import type { VirtualReader } from '../../reader.ts'
import { runPayment } from '../payment.ts'
import { paymentJob, RESPONSE_TIME } from '../question.ts'
import { displayTexts } from '../texts.ts'
import { endingOf, tell, teller, type V5Dialogue, type V5Job } from './dialog.ts'
import { answer, endingOfFault, extended, noInterface, refusalOf, transactionOf, type V5Ending } from './words.ts'

/** How a V5 reader sends. */
export interface V5Knobs extends V5Sending {
  /** Bytes of data in one message at most; as the codec does when left out. */
  part?: number
  /** Data goes in run lengths where that is shorter. */
  rle?: boolean
  /** The n-th block (from 0) of each message that has so many is lost; over Bluetooth. */
  dropBlock?: number
}

/** How a virtual tDynamo is made. */
export interface VirtualV5Options extends ChassisOptions {
  /** How its line is framed; Bluetooth where the link's URI says so, else HID. */
  readonly carrier?: 'hid' | 'ble'
  /** How it sends. */
  readonly knobs?: V5Knobs
  /** Its clock is set already. */
  readonly clockSet?: boolean
  /** Milliseconds for the host's answer to an ARQC; 60 000 when left out. */
  readonly responseTimeout?: number
}

/** It tells its host each step of a payment in notifications. */
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
  readonly #carrier: 'hid' | 'ble' | undefined
  readonly #chassis: Chassis<V5Job>
  readonly #dialogue: V5Dialogue
  #send: ((reply: V5Reply) => void) | undefined
  #clockSet: boolean
  /** An extended command that is coming in parts. */
  #incoming: { readonly command: number; readonly total: number; parts: Uint8Array[]; have: number } | undefined

  /** @throws Fault `bad-key` for keys that are none */
  constructor(options: VirtualV5Options) {
    this.#chassis = new Chassis(options, {
      ...{ family: this.family, serial: 'B4F2A61', pinPad: false },
      see: event => {
        if (event.type === 'display' && this.#chassis.job && event.screen.message) this.#display(displayTexts[event.screen.message])
      },
    })
    const { body, firmware, faults, serial, onFault } = this.#chassis
    this.body = body
    this.firmware = firmware
    this.faults = faults
    this.serial = serial
    this.knobs = { ...options.knobs }
    this.hid = { vendor: 0x0801, product: 0x1c, shape: magtekHid.v5, manufacturer: 'MagTek', name: 'tDynamo', serial }
    this.#carrier = options.carrier
    this.#clockSet = options.clockSet ?? false
    const { responseTimeout = RESPONSE_TIME } = options
    this.#dialogue = { firmware, serial, say: reply => this.#send?.(reply), responseTimeout, onFault }
  }

  serve(link: Link): Promise<void> {
    return this.#chassis.serve(link, send => {
      const side = v5Device(this.#carrier ?? (link.uri.startsWith('ble:') ? 'ble' : 'hid'), this.knobs)
      this.#send = reply => {
        try {
          // A line that breaks ends the connection: nothing is lost by not looking here.
          void send(this.#withLoss(side.encode(reply))).catch(() => {})
        } catch (error) {
          this.#chassis.onFault(asFault(error)) // too long for its blocks: it never leaves
        }
      }
      return {
        decoder: side.decoder(),
        hear: (message: V5Request) => this.#hear(message),
        hush: () => {
          this.#send = undefined
          this.#incoming = undefined
        },
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
    if (request.type === 'reset') await this.#chassis.forget(new Fault('aborted', 'the host has reset the reader'))
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
    const { job } = this.#chassis
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
        if (!job || question?.id !== command) return extended(v5Codes.noTransaction)
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
    if (this.#chassis.job) return extended(v5Codes.inProgress)
    try {
      const start = decodeStart(data)
      if (this.body.tampered) return extended(v5Codes.noKeys)
      if (!this.#clockSet) return extended(v5Codes.noDate)
      this.firmware.checkReady()
      const transaction = transactionOf(start)
      this.firmware.checkReady(transaction)
      const interfaces = (['chip', 'tap', 'swipe'] as const).filter(one => (start.cardTypes & cardTypes[one]) !== 0)
      if (interfaces.length === 0) return noInterface
      this.#begin(start, transaction, interfaces)
      return extended(v5Codes.ok)
    } catch (error) {
      const fault = asFault(error)
      this.#chassis.onFault(fault)
      return refusalOf(fault)
    }
  }

  // — a payment —

  #begin(start: V5Start, transaction: Transaction, interfaces: readonly CardInterface[]): void {
    const job: V5Job = paymentJob(start, { began: this.#chassis.clock.now() })
    this.#chassis.begin(job, () => this.#pay(job, transaction, interfaces), {
      failed: fault => {
        this.firmware.showEnd({ result: 'cancelled', cvm: 'none' })
        return endingOfFault(fault)
      },
      ended: ({ event, progress, batch }) => {
        if (job.forgotten) return
        if (batch) this.#send?.({ type: 'notification', id: 0x0304, data: batch })
        tell(this.#dialogue, event, progress, 0)
      },
    })
  }

  async #pay(job: V5Job, transaction: Transaction, interfaces: readonly CardInterface[]): Promise<V5Ending> {
    await Promise.resolve() // the answer to the start leaves first
    const { signal } = job.stop
    const start = { transaction, interfaces, timeout: job.start.timeout, pinPad: false }
    const ending = endingOf(this.#dialogue, await runPayment(this.firmware, start, teller(this.#dialogue, job), signal))
    return signal.aborted ? endingOfFault(abortFault(signal)) : ending
  }

  #display(text: string | undefined): void {
    if (text) this.#send?.({ type: 'notification', id: 0x0301, data: fromText(text) })
  }
}
