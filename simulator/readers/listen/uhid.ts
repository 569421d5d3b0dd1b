/** A virtual HID device in the Linux kernel, by /dev/uhid: every program of this machine finds it as a real one. No native code, no root but for the device's node. */

import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { sleep, systemClock, within } from '../../../src/clock.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import { HidDeviceLink, type HidPlug, hidUri, reportDescriptor, reportInterval } from './hid-device.ts'
import type { Listening, ServeLink } from './listening.ts'

const NODE = '/dev/uhid'

/** `enum uhid_event_type` of linux/uhid.h. */
const DESTROY = 1
const START = 2
const OPEN = 4
const CLOSE = 5
const OUTPUT = 6
const GET_REPORT = 9
const GET_REPORT_REPLY = 10
const CREATE2 = 11
const INPUT2 = 12
const SET_REPORT = 13
const SET_REPORT_REPLY = 14

/** `struct uhid_event`: type (4), and the largest of its payloads, that of CREATE2. */
const EVENT_SIZE = 4 + 4376
const MAX_REPORT = 4096
const BUS_USB = 3
const FEATURE_REPORT = 0
const EIO = 5

/** Milliseconds until the kernel has found a driver for the device. */
const PLUG_TIME = 5000

/** Milliseconds between two looks for what the kernel has to say: while a host talks, and when it has been quiet for a while. */
const LOOK_BUSY = 1
const LOOK_QUIET = 8
const QUIET_AFTER = 100

/**
 * Plugs the device in. Each program that opens it (the first of several at once) is a connection for `serve`; when `serve` is done with one that is still open, the
 * device is unplugged and plugged in again, as a reader that restarts.
 * @throws Fault `unsupported` (no /dev/uhid; what is missing is in the message), `link-failed` (details.reason `permission`, or the kernel took no notice)
 */
export async function plugUhid(plug: HidPlug, serve: ServeLink): Promise<Listening> {
  const device = new UhidDevice(openNode(), plug, serve)
  try {
    await device.plugIn()
  } catch (error) {
    await device.close()
    throw error
  }
  return { uri: hidUri(plug), close: () => device.close() }
}

function openNode(): number {
  try {
    return openSync(NODE, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EACCES' || code === 'EPERM')
      throw new Fault('link-failed', `${NODE}: this user may not make virtual HID devices; root may`, { reason: 'permission' }, { cause })
    throw new Fault(
      'unsupported',
      `a virtual HID device needs ${NODE}, which is not here: a Linux kernel with its module uhid (modprobe uhid)`,
      { feature: 'listen-hid' },
      { cause },
    )
  }
}

class UhidDevice {
  readonly #node: number
  readonly #plug: HidPlug
  readonly #serve: ServeLink
  readonly #life = new AbortController()
  readonly #looking: Promise<void>
  readonly #buffer = new Uint8Array(EVENT_SIZE)
  #link: HidDeviceLink | undefined
  #serving: Promise<unknown> = Promise.resolve()
  #started: (() => void) | undefined
  #plugged = false

  constructor(node: number, plug: HidPlug, serve: ServeLink) {
    this.#node = node
    this.#plug = plug
    this.#serve = serve
    this.#looking = this.#look()
  }

  async plugIn(): Promise<void> {
    const started = new Promise<void>(resolve => {
      this.#started = resolve
    })
    try {
      this.#write(createEvent(this.#plug))
      this.#plugged = true
      await within({ timeout: PLUG_TIME, what: `${NODE} (is the kernel's module hid-generic there?)` }, () => started)
    } catch (cause) {
      throw new Fault('link-failed', asFault(cause).message, { reason: 'uhid' }, { cause })
    }
  }

  async close(): Promise<void> {
    this.#unplug()
    this.#life.abort()
    await this.#looking
    await this.#serving
  }

  /** A host that has it open sees it vanish. */
  #unplug(): void {
    if (!this.#plugged) return
    this.#plugged = false
    this.#link?.hostGone()
    this.#link = undefined
    this.#write(event(DESTROY))
  }

  /** Looks every now and then: Node cannot wait for such a node, and a thread that waits in a read of its own would keep the process from ending. */
  async #look(): Promise<void> {
    const { signal } = this.#life
    try {
      for (let heard = Date.now(); !signal.aborted; ) {
        if (this.#hearAll()) {
          heard = Date.now()
          await new Promise(resolve => setImmediate(resolve)) // more may be there already, and the kernel's queue is short
        } else await sleep(Date.now() - heard < QUIET_AFTER ? LOOK_BUSY : LOOK_QUIET, systemClock, signal).catch(() => {})
      }
    } finally {
      closeSync(this.#node)
    }
  }

  #hearAll(): boolean {
    for (let some = false; ; some = true) {
      try {
        const size = readSync(this.#node, this.#buffer)
        this.#hear(new DataView(this.#buffer.slice(0, size).buffer))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return some
        throw error
      }
    }
  }

  #hear(event: DataView): void {
    switch (event.getUint32(0, true)) {
      case START:
        this.#started?.()
        break
      case OPEN:
        this.#connect()
        break
      case CLOSE:
        this.#link?.hostGone()
        this.#link = undefined
        break
      case OUTPUT:
        this.#link?.hear(dataOf(event, 4, event.getUint16(4 + MAX_REPORT, true)))
        break
      case SET_REPORT: {
        const data = dataOf(event, 12, event.getUint16(10, true))
        if (event.getUint8(9) === FEATURE_REPORT) this.#link?.hearFeature(data)
        else this.#link?.hear(data)
        this.#reply(SET_REPORT_REPLY, event.getUint32(4, true))
        break
      }
      case GET_REPORT:
        void this.#giveReport(event.getUint32(4, true), event.getUint8(8), event.getUint8(9))
        break
    }
  }

  #connect(): void {
    const link = new HidDeviceLink(hidUri(this.#plug), this.#plug.shape, {
      say: async report => {
        if (this.#plugged) this.#write(inputEvent(report))
        await reportInterval()
      },
      release: async () => {},
    })
    this.#link = link
    const serving = this.#serve(link).then(async () => {
      if (this.#link !== link) return // the host has closed it
      this.#unplug()
      if (!this.#life.signal.aborted) await this.plugIn().catch(() => {}) // as after a restart; without the kernel there is nobody to tell
    })
    this.#serving = Promise.all([this.#serving, serving])
  }

  async #giveReport(request: number, id: number, type: number): Promise<void> {
    const data = type === FEATURE_REPORT ? await this.#link?.feature().catch(() => undefined) : undefined // no answer is a STALL
    if (data) this.#reply(GET_REPORT_REPLY, request, Uint8Array.of(id, ...data))
    else this.#reply(GET_REPORT_REPLY, request)
  }

  /** An answer to the kernel; without data an error, where there ought to be some. */
  #reply(type: number, request: number, data?: Uint8Array): void {
    if (!this.#plugged) return
    const reply = event(type, 8 + (data?.length ?? 0))
    reply.setUint32(4, request, true)
    reply.setUint16(8, type === GET_REPORT_REPLY && !data ? EIO : 0, true)
    if (data) {
      reply.setUint16(10, data.length, true)
      bytesOf(reply).set(data, 12)
    }
    this.#write(reply)
  }

  #write(event: DataView): void {
    writeSync(this.#node, bytesOf(event))
  }
}

function event(type: number, payload = 0): DataView {
  const view = new DataView(new ArrayBuffer(4 + payload))
  view.setUint32(0, type, true)
  return view
}

/** `struct uhid_create2_req`: name, phys, uniq, sizes and ids, descriptor. */
function createEvent(plug: HidPlug): DataView {
  const { vendor, product, manufacturer, name, serial, shape } = plug
  const descriptor = reportDescriptor(shape)
  const create = event(CREATE2, EVENT_SIZE - 4)
  const bytes = bytesOf(create)
  bytes.set(text(`${manufacturer} ${name}`, 127), 4)
  bytes.set(text('tapdip', 63), 132)
  bytes.set(text(serial, 63), 196)
  create.setUint16(260, descriptor.length, true)
  create.setUint16(262, BUS_USB, true)
  create.setUint32(264, vendor, true)
  create.setUint32(268, product, true)
  bytes.set(descriptor, 280)
  return create
}

function inputEvent(report: Uint8Array): DataView {
  const input = event(INPUT2, 2 + report.length)
  input.setUint16(4, report.length, true)
  bytesOf(input).set(report, 6)
  return input
}

/** A report of the host without the id in front of it, which the kernel also passes on where it is 0. */
function dataOf(event: DataView, at: number, size: number): Uint8Array {
  return bytesOf(event).subarray(at + 1, at + size)
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
}

function text(words: string, most: number): Uint8Array {
  return new TextEncoder().encode(words).subarray(0, most)
}
