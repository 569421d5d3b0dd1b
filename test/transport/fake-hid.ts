/** A library that behaves like node-hid 3.4 where it matters: reading follows the listeners, jobs are done one at a time, errors of a device are strings. */

import { EventEmitter } from 'node:events'
import type { HidLibrary } from '../../src/transport/hid.ts'

/** The device behind the library: what it gets, and what it says. */
export class FakeDevice {
  readonly reports: Uint8Array[] = []
  readonly features: Uint8Array[] = []
  /** What GET_REPORT gives, after its id; throws where the device refuses. */
  answer: () => Uint8Array = () => new Uint8Array(64)
  /** Refuses to be opened with these words. */
  refusal: string | undefined
  /** A write settles when this does. */
  taken: Promise<void> = Promise.resolve()
  opened = 0
  closed = 0
  /** Times the reading thread was started: more than once for one handle costs 50 ms each, and loses the news of an unplugging. */
  readStarts = 0
  handle: FakeHandle | undefined
  readonly listed: Awaited<ReturnType<HidLibrary['devicesAsync']>>[number]

  constructor(listed: Partial<FakeDevice['listed']> = {}) {
    this.listed = { vendorId: 0x1209, productId: 0xc0de, path: '/dev/hidraw9', serialNumber: 'SN1', ...listed }
  }

  /** An input report, with its id where it has one. */
  say(...bytes: number[]): void {
    this.handle?.read(Uint8Array.from(bytes))
  }

  unplug(): void {
    this.handle?.fail('could not read from HID device: hid_read_timeout: unexpected poll error (device disconnected)')
  }
}

class FakeHandle extends EventEmitter {
  readonly #device: FakeDevice
  #jobs: Promise<unknown> = Promise.resolve()
  #reading = false
  #gone = false
  #closing = false

  constructor(device: FakeDevice) {
    super()
    this.#device = device
    device.opened++
    device.handle = this
    this.on('newListener', event => event === 'data' && process.nextTick(() => this.#start()))
    this.on('removeListener', event => {
      if (event === 'data' && this.listenerCount('data') === 0) this.#reading = false
    })
  }

  /** In the next tick, where what it throws is caught by nobody. */
  #start(): void {
    if (this.#closing) throw new TypeError('device has been closed')
    if (this.#reading) return
    this.#reading = true
    this.#device.readStarts++
  }

  read(report: Uint8Array): void {
    if (this.#reading) this.emit('data', Buffer.from(report))
  }

  fail(words: string): void {
    this.#gone = true
    if (this.#reading && !this.#closing) this.emit('error', words)
    this.#reading = false
  }

  write(report: Uint8Array): Promise<number> {
    return this.#job('Cannot write to hid device: No such device', async () => {
      await this.#device.taken
      this.#device.reports.push(Uint8Array.from(report))
      return report.length
    })
  }

  sendFeatureReport(report: Uint8Array): Promise<number> {
    return this.#job('could not send feature report to device', async () => {
      this.#device.features.push(Uint8Array.from(report))
      return report.length
    })
  }

  getFeatureReport(id: number, length: number): Promise<Uint8Array> {
    return this.#job('could not get feature report from device', async () =>
      Buffer.from([id, ...this.#device.answer()]).subarray(0, length),
    )
  }

  async close(): Promise<void> {
    if (this.#closing) throw new TypeError('device is already closed')
    this.#closing = true
    this.#reading = false
    await this.#jobs
    this.removeAllListeners()
    this.#device.closed++
  }

  #job<T>(words: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(new TypeError('device has been closed'))
    const done = this.#jobs.then(() => {
      if (this.#gone) throw new Error(words)
      return work()
    })
    this.#jobs = done.catch(() => {})
    return done
  }
}

/** The library with these devices plugged in. */
export function fakeHid(...plugged: FakeDevice[]): { readonly library: () => Promise<HidLibrary>; readonly drivers: string[] } {
  const drivers: string[] = []
  const library: HidLibrary = {
    setDriverType: driver => drivers.push(driver),
    devicesAsync: async () => plugged.map(({ listed }) => listed),
    HIDAsync: {
      async open(path) {
        const device = plugged.find(({ listed }) => listed.path === path)
        if (!device || device.refusal) throw new Error(`cannot open device with path ${path}${device ? `: ${device.refusal}` : ''}`)
        return new FakeHandle(device)
      },
    },
  }
  return { library: async () => library, drivers }
}
