/** A virtual BluePad with MPED firmware: the shared firmware behind the device side of the codec. It leads its payments and shows the list of a co-badged card itself. */

import {
  answerElements,
  bleShape,
  COM_BUFFER,
  type DeviceMessage,
  EXTENSIONS,
  elements,
  type HostMessage,
  line,
  MAX_FRAME,
  MIN_FRAME,
  statuses,
  xml,
} from '../../../devices/bluepad/codec.ts'
import { fromUint, uint } from '../../../src/bytes.ts'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { asFault, Fault, isFault } from '../../../src/errors.ts'
import type { Link } from '../../../src/transport/link.ts'
import { faultySender, type LineFaults } from '../../faults.ts'
import { Body } from '../body/body.ts'
import { Firmware } from '../firmware.ts'
import { hearHost } from '../hear.ts'
import type { VirtualReader, VirtualReaderOptions } from '../reader.ts'
import { Seat } from '../seat.ts'
import { BluepadJob } from './job.ts'
import { DeviceLine, type SessionFaults } from './mped-line.ts'
import { type Answered, selfElements, serialDigits, statusOfFault } from './payload.ts'

/** What a virtual BluePad is made with. */
export interface BluepadOptions extends Omit<VirtualReaderOptions, 'body'> {
  /** What a person touches; one of its own when left out. */
  readonly body?: Body
  /** What can be wrong with the session. */
  readonly session?: SessionFaults
  /** The largest frame that the reader takes and says; 2048 when left out, or what the host asks for where that is less. */
  readonly bufferSize?: number
}

/** Milliseconds from the last block of new firmware to the restart. */
const RESTART = 100

type Request = Exclude<HostMessage, { readonly status: number } | { readonly type: 'raw' }>
const loads = ['softwareRequest', 'fileHeader', 'fileData', 'softwareConfirm'] as const
type Load = Extract<HostMessage, { type: (typeof loads)[number] }>

function isLoad(message: HostMessage): message is Load {
  return (loads as readonly string[]).includes(message.type)
}

/** It speaks in sessions, and asks its host in the middle of a payment. */
export class VirtualBluepad implements VirtualReader {
  readonly family = 'bluepad'
  readonly dialect = 'mped'
  readonly ble = bleShape
  readonly body: Body
  readonly firmware: Firmware
  /** Knobs of the line and of the session, to be turned at any time. */
  readonly faults: LineFaults
  /** What is wrong with the session, to be turned at any time. */
  readonly session: SessionFaults
  readonly serial: string
  readonly #options: BluepadOptions
  readonly #clock: Clock
  readonly #seat = new Seat()
  readonly #stopWatching: () => void
  #link: Link | undefined
  #line: DeviceLine | undefined
  #job: { readonly work: BluepadJob; done: Promise<void>; forgotten: boolean } | undefined
  #payments = 0
  #over = new AbortController()
  #cancelRestart = () => {}

  /** @throws Fault `unsupported` for a dialect without bytes: `virtualEmv2` is the reader that speaks it in calls */
  constructor(options: BluepadOptions) {
    const { dialect = this.dialect } = options
    if (dialect !== this.dialect)
      throw new Fault('unsupported', `dialect '${dialect}' has no bytes to serve: virtualEmv2 speaks emv2 in calls`, { feature: dialect })
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.body = options.body ?? new Body({ clock: this.#clock, ...(options.language && { language: options.language }) })
    this.firmware = new Firmware({ ...options, family: this.family, body: this.body, clock: this.#clock })
    this.faults = { ...options.faults }
    this.session = { ...options.session }
    this.serial = options.serial ?? 'PP0918900518'
    let level = this.firmware.batteryLevel
    this.#stopWatching = this.body.on(event => {
      if (event.type === 'power' && !event.on) this.#link?.close().catch(() => {})
      if (event.type === 'tamper') this.#job?.work.stop.abort(new Fault('tampered', 'the reader was opened'))
      if (event.type !== 'battery') return
      const now = this.firmware.batteryLevel
      if (now !== level && now !== 'ok') this.#job?.work.event(statuses.BATTERY_TOO_LOW)
      level = now
    })
  }

  async serve(link: Link): Promise<void> {
    await this.#seat.take(link, this.serial)
    const over = new AbortController()
    this.#over = over
    this.#link = link
    const send = faultySender(link, { faults: this.faults, clock: this.#clock, random: this.firmware.random }, over.signal)
    const own = new DeviceLine(send, this.#clock, this.session, MAX_FRAME)
    this.#line = own
    try {
      if (this.body.isOn)
        await hearHost(link, line.decoder(), this.#clock, item => {
          const said = this.body.isOn ? own.hear(item) : undefined
          if (said?.type === 'end') return this.#end()
          if (said && said.type !== 'raw' && !('status' in said)) this.#hear(said)
        })
    } finally {
      this.#seat.leaving()
      over.abort(new Fault('link-closed', 'the host is gone'))
      this.#cancelRestart()
      own.close()
      await this.#stopJob(new Fault('link-closed', 'the host is gone'))
      await link.close()
      this.#link = this.#line = undefined
      this.#seat.left()
    }
  }

  async close(): Promise<void> {
    this.#stopWatching()
    await this.#link?.close()
    await this.#stopJob(new Fault('aborted', 'the reader was closed'))
    this.firmware.stop()
  }

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // — what the host says —

  #hear(message: Request): void {
    if (message.type === 'init') this.#introduced(elements(message.xml))
    else if (message.type === 'idle' && this.#job) this.#job.work.cancel()
    else if (message.type === 'idle') this.#say({ type: 'idleAnswer', status: statuses.SUCCESS, xml: xml('IdleResponse', this.#self()) })
    else if (this.#job) this.#refuse(message)
    else if (message.type === 'sale' || message.type === 'refund') this.#begin(message)
    else if (isLoad(message)) void this.#load(message)
    else this.#refuse(message)
  }

  #say(message: DeviceMessage): void {
    this.#line?.say(message).catch(() => {}) // a host that takes nothing will say so, or is gone
  }

  /** What this firmware does not do, or not now. */
  #refuse({ type }: Request): void {
    const none = { status: statuses.COMMAND_NOT_ALLOWED, answer: undefined, data: new Uint8Array(0), xml: '' }
    this.#say({ type: `${type}Answer`, ...none } as DeviceMessage)
  }

  #introduced(told: ReadonlyMap<string, string>): void {
    const asked = Number(told.get('ComBufSize') ?? MAX_FRAME)
    const bufferSize = Math.min(this.#options.bufferSize ?? COM_BUFFER, asked >= MIN_FRAME ? asked : MAX_FRAME)
    if (this.#line) this.#line.maxFrame = bufferSize
    const { update } = this.firmware.condition
    const [major = 0, minor = 0] = update.version.split('.').map(Number)
    this.#say({
      type: 'initAnswer',
      status: statuses.SUCCESS,
      answer: {
        ...{ bufferSize, serial: serialDigits(this.serial) },
        ...{ publicKeyVersion: 1, emvVersion: 1, generalVersion: 1, manufacturer: 0, model: 0, application: 'tapdip' },
        applicationVersion: (major << 8) | minor,
        xml: xml('InitResponse', { ...this.#self(), ApplicationVersion: update.version, [EXTENSIONS]: 1 }),
      },
    })
  }

  #self() {
    const { update, needsUpdate } = this.firmware.condition
    return {
      ...selfElements(this.body.battery, this.serial),
      [answerElements.needs]: update.needed || needsUpdate ? 'firmware' : undefined,
    }
  }

  /** New firmware, by messages of our own in the vendor's numbers (devices/bluepad/update.ts). */
  async #load(message: Load): Promise<void> {
    const { update } = this.firmware.condition
    const link = this.#link
    let status: number = statuses.SUCCESS
    let data = new Uint8Array(0)
    try {
      if (message.type === 'fileHeader') {
        update.begin(message.data)
        data = Uint8Array.from(fromUint(update.have, 4))
        this.body.show('reader.updating')
      } else if (message.type === 'fileData')
        await update.write(uint(message.data.subarray(0, 4)), message.data.subarray(4), this.#over.signal)
      else if (message.type === 'softwareConfirm') update.commit()
    } catch (error) {
      if (isFault(error, 'link-closed')) return
      status = isFault(error, 'bad-argument') ? statuses.INVALID_DATA : statusOfFault(asFault(error))
      if (!isFault(error, 'bad-argument', 'low-battery')) this.#options.onFault?.(asFault(error))
    }
    this.#say({ type: `${message.type}Answer`, status, data })
    if (message.type !== 'softwareConfirm' || status !== statuses.SUCCESS) return
    this.body.show('reader.idle')
    this.#cancelRestart = this.#clock.timer(RESTART, () => link?.close().catch(() => {}))
  }

  // — a payment —

  #begin(message: Extract<HostMessage, { type: 'sale' | 'refund' }>): void {
    const work = new BluepadJob({
      ...{ firmware: this.firmware, line: this.#line!, self: () => this.#self() },
      transactionId: `${serialDigits(this.serial)}-${++this.#payments}`,
      onFault: fault => this.#options.onFault?.(fault),
    })
    const job = { work, done: Promise.resolve(), forgotten: false }
    this.#job = job
    job.done = work.run(message.type, message).then((answered: Answered) => {
      this.#job = undefined
      if (!job.forgotten) this.#say({ type: `${message.type}Answer`, ...answered })
    })
  }

  /** The host has ended the session: nobody waits for the answer. */
  #end(): void {
    if (!this.#job) return
    this.#job.forgotten = true
    this.#job.work.stop.abort(new Fault('aborted', 'the host has ended the session'))
  }

  async #stopJob(why: Fault): Promise<void> {
    if (!this.#job) return
    this.#job.forgotten = true
    this.#job.work.stop.abort(why)
    await this.#job.done
  }
}
