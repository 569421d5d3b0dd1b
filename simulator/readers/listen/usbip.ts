/** A virtual HID device on USB, by USB/IP: `usbip attach` plugs it into a Linux kernel, here or elsewhere, as a device on a bus, which libusb finds too. */

import { createServer, type Socket } from 'node:net'
import { concat } from '../../../src/bytes.ts'
import { isFault } from '../../../src/errors.ts'
import { numbersReports } from '../../../src/transport/hid-reports.ts'
import { HidDeviceLink, type HidPlug, hidUri } from './hid-device.ts'
import type { Listening, ServeLink } from './listening.ts'
import { controlAnswer, deviceRelease } from './usb-descriptors.ts'

/** What a device is called on the bus of this server: `usbip attach -r 127.0.0.1 -b 1-1`. */
export const BUS_ID = '1-1'

/** The USB/IP protocol (Documentation/usb/usbip_protocol.rst): version 1.1.1. */
const VERSION = 0x0111
const REQUEST_LIST = 0x8005
const REPLY_LIST = 0x0005
const REQUEST_IMPORT = 0x8003
const REPLY_IMPORT = 0x0003
const SUBMIT = 1
const UNLINK = 2
const SUBMITTED = 3
const UNLINKED = 4
const HEADER = 48
const EPIPE = -32
const ECONNRESET = -104
const FULL_SPEED = 2

export interface UsbipListening extends Listening {
  readonly port: number
}

/**
 * Serves the device at a TCP port (0: any free one). Each `usbip attach` is a connection for `serve`; it ends with `usbip detach`, and when `serve` is done the
 * device is unplugged there.
 */
export async function serveUsbip(plug: HidPlug, serve: ServeLink, { host, port }: { host: string; port: number }): Promise<UsbipListening> {
  const sessions = new Map<Socket, Promise<void>>()
  const server = createServer({ noDelay: true }, socket => {
    const session = new Session(socket, plug, serve)
    sessions.set(
      socket,
      session.run().finally(() => sessions.delete(socket)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address()
  return {
    uri: hidUri(plug),
    port: typeof address === 'object' && address ? address.port : port,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      const running = [...sessions.values()]
      for (const socket of sessions.keys()) socket.destroy()
      await Promise.all(running)
      await stopped
    },
  }
}

/** A request of the host's controller that is not answered yet. */
interface Urb {
  readonly sequence: number
  readonly length: number
}

class Session {
  readonly #socket: Socket
  readonly #plug: HidPlug
  readonly #serve: ServeLink
  /** Requests for an input report, and the reports that wait for one: never both. */
  readonly #asking: Urb[] = []
  readonly #saying: { rest: Uint8Array; readonly said: () => void }[] = []
  #link: HidDeviceLink | undefined
  #serving: Promise<void> = Promise.resolve()

  constructor(socket: Socket, plug: HidPlug, serve: ServeLink) {
    this.#socket = socket
    this.#plug = plug
    this.#serve = serve
  }

  /** Never rejects: a host that talks nonsense is hung up on. */
  async run(): Promise<void> {
    const socket = this.#socket
    socket.on('error', () => {}) // 'close' follows
    const over = new Promise<void>(resolve => socket.once('close', () => resolve()))
    let rest: Uint8Array = new Uint8Array()
    socket.on('data', chunk => {
      rest = concat(rest, chunk)
      for (let used = -1; used !== 0 && rest.length > 0; rest = rest.subarray(used)) used = this.#take(rest)
    })
    await over
    this.#link?.hostGone()
    for (const { said } of this.#saying.splice(0)) said()
    await this.#serving
  }

  /** Takes one request from the front; gives its length, 0 while it is not complete. */
  #take(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return this.#link ? this.#takeUrb(bytes, view) : this.#takeOperation(bytes, view)
  }

  #takeOperation(bytes: Uint8Array, view: DataView): number {
    if (bytes.length < 8) return 0
    switch (view.getUint16(2)) {
      case REQUEST_LIST:
        this.#socket.end(concat(operation(REPLY_LIST), u32(1), deviceRecord(this.#plug), Uint8Array.of(3, 0, 0, 0)))
        return 8
      case REQUEST_IMPORT:
        if (bytes.length < 40) return 0
        this.#socket.write(concat(operation(REPLY_IMPORT), deviceRecord(this.#plug)))
        this.#connect()
        return 40
      default:
        this.#socket.destroy()
        return bytes.length
    }
  }

  #connect(): void {
    const link = new HidDeviceLink(hidUri(this.#plug), this.#plug.shape, {
      say: report =>
        new Promise(said => {
          this.#saying.push({ rest: report, said })
          this.#flow()
        }),
      release: async () => {},
    })
    this.#link = link
    this.#serving = this.#serve(link).finally(() => this.#socket.destroy())
  }

  #takeUrb(bytes: Uint8Array, view: DataView): number {
    if (bytes.length < HEADER) return 0
    const sequence = view.getUint32(4)
    if (view.getUint32(0) === UNLINK) {
      this.#unlink(sequence, view.getUint32(20))
      return HEADER
    }
    if (view.getUint32(0) !== SUBMIT) {
      this.#socket.destroy()
      return bytes.length
    }
    const [incoming, endpoint, length] = [view.getUint32(12) === 1, view.getUint32(16), view.getUint32(24)]
    const size = HEADER + (incoming ? 0 : length)
    if (bytes.length < size) return 0
    const data = bytes.slice(HEADER, size)
    if (endpoint === 0) void this.#control(sequence, length, incoming, bytes.slice(40, HEADER), data)
    else if (incoming) {
      this.#asking.push({ sequence, length })
      this.#flow()
    } else {
      this.#link?.hear(this.#withoutId(data))
      this.#submitted(sequence, 0, length)
    }
    return size
  }

  /** Gives waiting reports to waiting requests. One that is longer than a request goes in several, as its packets do on a bus. */
  #flow(): void {
    while (this.#asking.length > 0 && this.#saying.length > 0) {
      const { sequence, length } = this.#asking.shift()!
      const [report] = this.#saying
      const part = report.rest.subarray(0, length)
      report.rest = report.rest.subarray(part.length)
      this.#submitted(sequence, 0, part.length, part)
      if (report.rest.length > 0) continue
      this.#saying.shift()
      report.said()
    }
  }

  async #control(sequence: number, length: number, incoming: boolean, setup: Uint8Array, data: Uint8Array): Promise<void> {
    try {
      const answer = await controlAnswer(this.#plug, setup, data, {
        command: report => this.#link?.hearFeature(this.#withoutId(report)),
        output: report => this.#link?.hear(this.#withoutId(report)),
        feature: async id => {
          const report = (await this.#link?.feature()) ?? new Uint8Array()
          return numbersReports(this.#plug.shape) ? concat(Uint8Array.of(id), report) : report
        },
      })
      const part = answer?.subarray(0, length)
      if (part) this.#submitted(sequence, 0, incoming ? part.length : length, incoming ? part : undefined)
      else this.#submitted(sequence, EPIPE, 0)
    } catch (error) {
      if (!isFault(error, 'timeout', 'link-closed')) throw error
      this.#submitted(sequence, EPIPE, 0)
    }
  }

  #unlink(sequence: number, target: number): void {
    const at = this.#asking.findIndex(urb => urb.sequence === target)
    if (at >= 0) this.#asking.splice(at, 1)
    this.#reply(UNLINKED, sequence, at >= 0 ? ECONNRESET : 0, 0)
  }

  #submitted(sequence: number, status: number, actual: number, data?: Uint8Array): void {
    this.#reply(SUBMITTED, sequence, status, actual, data)
  }

  #reply(command: number, sequence: number, status: number, actual: number, data: Uint8Array = new Uint8Array()): void {
    if (this.#socket.destroyed) return
    const header = new DataView(new ArrayBuffer(HEADER))
    header.setUint32(0, command)
    header.setUint32(4, sequence)
    header.setInt32(20, status)
    header.setUint32(24, actual)
    this.#socket.write(concat(new Uint8Array(header.buffer), data))
  }

  #withoutId(report: Uint8Array): Uint8Array {
    return numbersReports(this.#plug.shape) ? report.subarray(1) : report
  }
}

/** Head of an answer before a device is imported: version, code, status 0. */
function operation(code: number): Uint8Array {
  return concat(u16(VERSION), u16(code), u32(0))
}

/** `struct usbip_usb_device`: path, bus id, numbers, and what the device descriptor says. */
function deviceRecord({ vendor, product }: HidPlug): Uint8Array {
  const name = (text: string, size: number) => concat(new TextEncoder().encode(text), new Uint8Array(size - text.length))
  return concat(
    name(`/sys/devices/virtual/tapdip/${BUS_ID}`, 256),
    name(BUS_ID, 32),
    u32(1), // bus, device and speed
    u32(2),
    u32(FULL_SPEED),
    u16(vendor),
    u16(product),
    u16(deviceRelease),
    Uint8Array.of(0, 0, 0, 1, 1, 1), // classes are the interface's; configuration 1 of 1, with one interface
  )
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}

function u32(value: number): Uint8Array {
  return concat(u16(value >>> 16), u16(value & 0xffff))
}
