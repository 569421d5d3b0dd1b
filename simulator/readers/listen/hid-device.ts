/** The device's end of a HID cable, whatever carries it: what the device says it is, and its Link. */

import { concat } from '../../../src/bytes.ts'
import { sleep, systemClock, within } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import { hostMtu, inputSizes, numbersReports, padded, type Report, recordReader, reportsOf } from '../../../src/transport/hid-reports.ts'
import { checkMtu, Inbox } from '../../../src/transport/inbox.ts'
import { type ClosedBy, type Link, linkClosed } from '../../../src/transport/link.ts'
import type { HidShape } from '../../../src/transport/shape.ts'

/** How a device shows itself on USB. */
export interface HidPlug {
  /** USB vendor ID. */
  readonly vendor: number
  /** USB product ID. */
  readonly product: number
  /** How bytes lie in its reports. */
  readonly shape: HidShape
  /** Who made it, in words. */
  readonly manufacturer: string
  /** The product in words. */
  readonly name: string
  /** On its case. */
  readonly serial: string
}

/**
 * The report descriptor: one collection of a vendor's own page, in which each report is so many bytes (HID 1.11, 6.2.2). An output report for what the host says,
 * or a feature report; the input reports of the shape.
 */
export function reportDescriptor(shape: HidShape): Uint8Array {
  const { size, out, ids } = shape
  const commands = ids ? [...new Set([ids.single, ids.first, ids.middle, ids.last])] : [0]
  const inputs = [...inputSizes(shape)].flatMap(([id, bytes]) => [...reportId(id), ...field(0x20, bytes), 0x81, 0x02])
  const outputs = (out === 'output' ? commands : []).flatMap(id => [...reportId(id), ...field(0x21, size), 0x91, 0x02])
  const features = (out === 'feature' ? commands : []).flatMap(id => [...reportId(id), ...field(0x22, size), 0xb1, 0x02])
  const page = [0x06, 0x00, 0xff, 0x09, 0x01] // usage page FF00, usage 1
  const bytes = [0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08] // logical 0 to 255, 8 bits
  return Uint8Array.from([...page, 0xa1, 0x01, ...bytes, ...inputs, ...outputs, ...features, 0xc0])
}

function reportId(id: number): number[] {
  return id === 0 ? [] : [0x85, id]
}

/** Report count (2 bytes) and usage. */
function field(usage: number, count: number): number[] {
  return [0x96, count & 0xff, count >> 8, 0x09, usage]
}

export interface HidCable {
  /** Takes one input report, behind its id where there are ids; resolves when the next may follow. */
  say(report: Uint8Array): Promise<void>
  /** Lets go of this connection. */
  release(): Promise<void>
}

/** Milliseconds that the host's request for a feature report waits for the answer to its command, before it is refused (STALL). */
const ANSWER_TIME = 3000

/**
 * One connection of a host. What the host sends comes in without ids, padding included. What is sent goes into input reports; where the shape is `tagged` it is
 * records, of which channel 0 is the answer to the last feature report.
 */
export class HidDeviceLink implements Link {
  readonly uri: string
  readonly mtu: number
  readonly incoming = new Inbox()
  readonly #shape: HidShape
  readonly #cable: HidCable
  readonly #records = recordReader()
  readonly #life = new AbortController()
  #line: Promise<void> = Promise.resolve()
  #answer: Uint8Array
  #answered: (() => void) | undefined
  #waiting: Promise<void> | undefined
  #over: Fault | undefined
  #released: Promise<void> | undefined

  constructor(uri: string, shape: HidShape, cable: HidCable) {
    this.uri = uri
    this.mtu = shape.tagged ? Number.POSITIVE_INFINITY : hostMtu(shape)
    this.#shape = shape
    this.#cable = cable
    this.#answer = new Uint8Array(shape.size)
  }

  // — what the host does —

  /** An output report, without its id. */
  hear(data: Uint8Array): void {
    this.incoming.push(data.slice())
  }

  /** A feature report that carries a command, without its id: its answer is not there yet. */
  hearFeature(data: Uint8Array): void {
    this.#waiting = new Promise(resolve => {
      this.#answered = resolve
    })
    this.hear(data)
  }

  /** The feature report that the host asks for, without its id. @throws Fault `timeout`, `link-closed` */
  async feature(): Promise<Uint8Array> {
    const waiting = this.#waiting
    if (waiting) await within({ timeout: ANSWER_TIME, signal: this.#life.signal, what: 'a command in a feature report' }, () => waiting)
    return this.#answer
  }

  // — what the device does —

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    checkMtu(bytes, this.mtu)
    const { out, tagged } = this.#shape
    if (tagged) {
      const records = this.#records(bytes)
      await this.#say(records.filter(({ channel }) => channel !== 0).map(({ channel, bytes }) => ({ id: channel, data: bytes })))
      for (const { channel, bytes } of records) if (channel === 0) this.#setAnswer(bytes)
    } else if (out === 'feature') this.#setAnswer(bytes)
    else await this.#say(reportsOf(bytes, this.#shape))
  }

  async close(): Promise<void> {
    this.#finish('close')
    this.incoming.close()
    this.#released ??= this.#cable.release()
    await this.#released
  }

  /** The host has gone: what it had sent is still read. */
  hostGone(): void {
    this.#finish('peer')
    this.incoming.end(this.#over)
    this.#released ??= this.#cable.release()
  }

  #setAnswer(bytes: Uint8Array): void {
    if (bytes.length > this.#shape.size)
      throw new Fault('bad-argument', `an answer of ${bytes.length} bytes, a feature report has ${this.#shape.size}`)
    this.#answer = padded(bytes, this.#shape.size).slice()
    this.#answered?.()
    this.#waiting = this.#answered = undefined
  }

  /** Reports of two sends never mix. */
  async #say(reports: readonly Report[]): Promise<void> {
    const sizes = inputSizes(this.#shape)
    const withIds = numbersReports(this.#shape)
    const ready = reports.map(({ id, data }) => {
      const size = sizes.get(withIds ? id : 0)
      if (size === undefined || data.length > size)
        throw new Fault(
          'bad-argument',
          `an input report ${id} of ${data.length} bytes: ${size === undefined ? 'there is none' : `it has ${size}`}`,
        )
      return withIds ? concat(Uint8Array.of(id), padded(data, size)) : padded(data, size).slice()
    })
    const saying = this.#line.then(async () => {
      for (const report of ready) {
        if (this.#over) throw this.#over
        await this.#cable.say(report)
      }
    })
    this.#line = saying.catch(() => {})
    await within({ signal: this.#life.signal }, () => saying)
  }

  #finish(by: ClosedBy): void {
    if (this.#over) return
    this.#over = linkClosed(this.uri, by)
    this.#life.abort(this.#over)
  }
}

/** `hid:0801:001e`: where a host finds it. */
export function hidUri({ vendor, product }: HidPlug): string {
  return `hid:${[vendor, product].map(id => id.toString(16).padStart(4, '0')).join(':')}`
}

/** Full-speed USB asks a device for an input report once in a millisecond, at most. */
export function reportInterval(): Promise<void> {
  return sleep(1, systemClock)
}
