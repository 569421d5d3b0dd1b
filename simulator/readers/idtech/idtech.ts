/** A virtual ID TECH reader (VP3300) without display and keypad of its own: the shared firmware behind the device side of the ViVOtech2 codec. */

import {
  type CommandName,
  type CrcOrder,
  commandByte,
  type DeviceMessage,
  decodeHostAnswer,
  decodeMenuChoice,
  device,
  type HostAnswer,
  type HostMessage,
  idtechHid,
  requests,
  resultCodes,
  statuses,
} from '../../../devices/idtech/codec.ts'
import { fromHex, fromText } from '../../../src/bytes.ts'
import { within } from '../../../src/clock.ts'
import type { Candidate, Waiting } from '../../../src/emv/terminal.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Link } from '../../../src/transport/link.ts'
import type { LineFaults } from '../../faults.ts'
import type { Body } from '../body/body.ts'
import { Chassis, type ChassisOptions, type Job, type Sender } from '../chassis.ts'
import type { Firmware, HostSide } from '../firmware.ts'
import type { HidPlug } from '../listen/hid-device.ts'
import type { VirtualReader } from '../reader.ts'
import { responseOf } from '../told.ts'
import { IdtechCards } from './cards.ts'
import { type Answer, answerOfFault, contact, ok, status } from './payload.ts'
import { activate, authenticate, contactStart, type Work } from './payment.ts'
import { lcdMenu, lcdText, MENU_TIME, preferred, shownByHost } from './screen.ts'
import { type SlotCommand, slotAnswer } from './slot.ts'

/** How a virtual VP3300 is made. */
export interface IdtechOptions extends ChassisOptions {
  /** The host is asked for an application (61-01); the card's priority decides when left out. */
  readonly menus?: boolean
}

interface IdtechJob extends Job {
  /** The command whose answer is due. */
  command: CommandName
  applyHost?: (answer: HostAnswer) => void
  choose?: (line: number | undefined) => void
  /** The host was asked to show something. */
  shown?: boolean
}

/** What the loader answers, when nothing else runs: assumed. */
const loaderCommands: ReadonlySet<CommandName> = new Set(['ping', 'cancel', 'getProductInfo', 'getUid'])
const slotCommands: readonly string[] = ['getAtr', 'exchangeApdu', 'powerOff'] satisfies SlotCommand[]

function isForSlot(name: CommandName): name is SlotCommand {
  return slotCommands.includes(name)
}

/** It has lights and a buzzer; what a display would show its host is asked to show. */
export class VirtualIdtech implements VirtualReader {
  readonly family = 'idtech'
  readonly body: Body
  readonly firmware: Firmware
  readonly faults: LineFaults
  readonly serial: string
  readonly hid: HidPlug
  /** A knob: who chooses from several applications. */
  menus: boolean
  /** A knob: how it wants the CRC of the chip slot's commands; the guide shows both. */
  passThroughOrder: CrcOrder = 'lsb'
  readonly #chassis: Chassis<IdtechJob>
  readonly #cards: IdtechCards
  #send: Sender | undefined

  /** @throws Fault `bad-key` for keys that are none */
  constructor(options: IdtechOptions) {
    this.#chassis = new Chassis(options, {
      ...{ family: this.family, serial: 'IDTECH-VP3300-00001', pinPad: false },
      see: event => {
        if (event.type === 'display' && event.screen.message) this.#show(event.screen.message)
      },
    })
    const { body, firmware, faults, serial } = this.#chassis
    this.body = body
    this.firmware = firmware
    this.faults = faults
    this.serial = serial
    this.#cards = new IdtechCards(firmware)
    this.hid = { vendor: 0x0acd, product: 0x3530, shape: idtechHid, manufacturer: 'ID TECH', name: 'VP3300', serial }
    this.menus = options.menus ?? false
  }

  serve(link: Link): Promise<void> {
    return this.#chassis.serve(link, send => {
      this.#send = send
      return {
        decoder: device.decoder(),
        hear: (message: HostMessage) => this.#hear(message),
        hush: () => {
          this.#send = undefined
        },
        left: () => this.#cards.giveBack(),
      }
    })
  }

  close(): Promise<void> {
    return this.#chassis.close(() => this.#cards.endStanding())
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #say(message: DeviceMessage): void {
    // A line that breaks ends the connection: nothing is lost by not looking here.
    this.#send?.(device.encode(message)).catch(() => {})
  }

  #answer(name: CommandName, { status: code, data }: Answer): void {
    this.#say({ type: 'answer', command: commandByte(name), status: code, data })
  }

  // — what the host says —

  async #hear(message: HostMessage): Promise<void> {
    if (!this.body.isOn) return
    if (message.type === 'unknown')
      return this.#say({ type: 'answer', command: message.code >> 8, status: statuses.unknownCommand, data: new Uint8Array(0) })
    const { command: name, data, swapped = false } = message
    if (swapped !== (isForSlot(name) && this.passThroughOrder === 'msb')) return this.#answer(name, status(statuses.crcError))
    const { job } = this.#chassis
    if (name === 'cancel') return this.#cancel()
    if (!job && this.firmware.condition.needsUpdate && !loaderCommands.has(name)) {
      this.body.show('reader.updateNeeded')
      return this.#answer(name, status(statuses.needClearFirmware))
    }
    if (job?.applyHost && name === 'contactApplyHost') return this.#applyHost(job, data)
    // A choice that comes too late is nobody's.
    if (name === 'lcd') return this.#choose(job, data)
    if (job) {
      // Whatever else comes is taken for a cancel (NEO 2 IDG, 02-40).
      await this.#chassis.forget(new Fault('aborted', 'the host said something else'))
      return this.#answer(name, status(statuses.failed))
    }
    return this.#command(name, data)
  }

  async #command(name: CommandName, data: Uint8Array): Promise<void> {
    switch (name) {
      case 'activate':
        this.#answer(name, status(statuses.accepted))
        return this.#begin(name, work => activate(work, data))
      case 'contactStart':
        this.#answer(name, status(statuses.accepted))
        return this.#begin(name, work => contactStart(work, data))
      case 'contactAuthenticate':
        this.#answer(name, status(this.#cards.chip ? statuses.accepted : statuses.notAllowed))
        if (this.#cards.chip) this.#begin(name, authenticate)
        return
      default:
        return this.#answer(name, await this.#plain(name, data))
    }
  }

  async #plain(name: CommandName, data: Uint8Array): Promise<Answer> {
    if (isForSlot(name)) return slotAnswer(this.firmware, this.#cards, name, data)
    switch (name) {
      case 'ping':
      case 'setUi':
      case 'setLed':
        return ok()
      case 'getVersion':
        return ok(fromText(`VP3300 FW v${this.firmware.condition.told}`))
      case 'getProductInfo':
        return ok(fromText('VP3300'))
      case 'getUid':
        return ok(fromHex(this.serial.replace(/\D/g, '').slice(-10).padStart(10, '0')))
      case 'battery':
        return data[0] === 0 ? ok(Uint8Array.of(this.body.battery.percent)) : status(statuses.incorrectParameter)
      default:
        return status(statuses.notAllowed)
    }
  }

  async #cancel(): Promise<void> {
    await this.#chassis.forget(new Fault('aborted', 'the host has cancelled'))
    this.#cards.giveBack()
    this.#answer('cancel', ok())
  }

  #applyHost(job: IdtechJob, data: Uint8Array): void {
    try {
      const told = decodeHostAnswer(data)
      job.command = 'contactApplyHost'
      this.#answer('contactApplyHost', status(statuses.accepted))
      job.applyHost!(told)
    } catch (error) {
      this.#chassis.onFault(asFault(error))
      this.#answer('contactApplyHost', answerOfFault(asFault(error)))
    }
  }

  #choose(job: IdtechJob | undefined, data: Uint8Array): void {
    try {
      job?.choose?.(decodeMenuChoice(data))
    } catch (error) {
      job?.stop.abort(asFault(error))
    }
  }

  // — what takes a while —

  #begin(command: CommandName, work: (work: Work) => Promise<Answer>): void {
    const job: IdtechJob = { command, stop: new AbortController(), forgotten: false, done: Promise.resolve() }
    const { firmware } = this
    const doing = { firmware, cards: this.#cards, host: this.#hostSide(job), signal: job.stop.signal }
    this.#chassis.begin(job, () => work(doing), {
      failed: fault => {
        this.#cards.done()
        this.#chassis.showStopped(fault)
        return answerOfFault(fault)
      },
      ended: (answer, { forgotten }) => {
        if (!forgotten) this.#answer(job.command, answer)
      },
    })
  }

  /** A reader without a display asks its host for one; that a card is wanted at all the host has said itself. */
  #show(message: MessageId): void {
    const { job } = this.#chassis
    const text = shownByHost[message]
    if (!job || !text || (message === 'reader.presentCard' && !job.shown)) return
    job.shown = true
    this.#say({ type: 'request', code: requests.lcd, data: lcdText(text) })
  }

  #hostSide(job: IdtechJob): HostSide {
    return {
      selectApplication: (candidates, waiting) =>
        this.menus ? this.#menu(job, candidates, waiting) : Promise.resolve(preferred(candidates)),
      authorise: async ({ tags }, { signal }) => {
        const answered = new Promise<HostAnswer>(resolve => {
          job.applyHost = resolve
        })
        this.#answer(job.command, contact(resultCodes.goOnline, tags))
        try {
          return responseOf(await within({ signal, clock: this.#chassis.clock }, () => answered))
        } finally {
          delete job.applyHost
        }
      },
    }
  }

  /** The host shows the list, and answers with a line, from 1. */
  async #menu(job: IdtechJob, candidates: readonly Candidate[], { signal }: Waiting): Promise<number | undefined> {
    const chosen = new Promise<number | undefined>(resolve => {
      job.choose = resolve
    })
    this.#say({ type: 'request', code: requests.lcd, data: lcdMenu(candidates) })
    try {
      const limit = { signal, clock: this.#chassis.clock, timeout: MENU_TIME * 1000, what: 'a choice' }
      const line = await within(limit, () => chosen)
      return line === undefined || !candidates[line - 1] ? undefined : line - 1
    } catch (error) {
      if (isFault(error, 'timeout')) return undefined
      throw error
    } finally {
      delete job.choose
    }
  }
}
