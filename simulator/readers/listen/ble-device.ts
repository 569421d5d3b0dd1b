/** A virtual device as a Bluetooth LE peripheral, through `@abandonware/bleno`: on this machine's adapter, or on a virtual air. */

import { equal } from '../../../src/bytes.ts'
import { within } from '../../../src/clock.ts'
import { Fault, isFault } from '../../../src/errors.ts'
import { hciSocketOver, loadOwn, type OpenHci, startLibrary } from '../../../src/transport/ble/hci.ts'
import { startFault } from '../../../src/transport/ble/radio.ts'
import { recordSplitter, toRecord } from '../../../src/transport/ble/records.ts'
import { checkMtu, Inbox } from '../../../src/transport/inbox.ts'
import { type ClosedBy, type Link, linkClosed } from '../../../src/transport/link.ts'
import type { BleShape } from '../../../src/transport/shape.ts'

export interface BlePlug {
  readonly shape: BleShape
  /** What is advertised: up to 29 bytes. */
  readonly name: string
  /** Nothing is written or subscribed to before the host has paired, as some readers want it. */
  readonly secure?: boolean | undefined
  /** The controller it uses; the adapter of this machine when left out. */
  readonly hci?: OpenHci | undefined
}

/** What is used of bleno. */
interface Bleno {
  readonly state: string
  on(event: 'stateChange', listener: (state: string) => void): unknown
  on(event: 'accept' | 'disconnect', listener: (address: string) => void): unknown
  on(event: 'advertisingStartError', listener: (error: Error) => void): unknown
  removeAllListeners(): unknown
  startAdvertising(name: string, services: string[]): void
  stopAdvertising(): void
  setServices(services: object[]): void
  disconnect(): void
  readonly Characteristic: new (options: CharacteristicOptions) => Characteristic
  readonly PrimaryService: new (options: { uuid: string; characteristics: Characteristic[] }) => object
}

interface CharacteristicOptions {
  readonly uuid: string
  readonly properties: string[]
  /** Those of `properties` that need an encrypted link. */
  readonly secure?: string[]
  readonly onReadRequest?: (offset: number, done: (result: number, data?: Buffer) => void) => void
  readonly onWriteRequest?: (data: Buffer, offset: number, withoutResponse: boolean, done: (result: number) => void) => void
  readonly onSubscribe?: (room: number, notify: (bytes: Buffer) => void) => void
  readonly onUnsubscribe?: () => void
}

type Characteristic = object

const SUCCESS = 0
/** Milliseconds for the adapter to come up. */
const START_TIME = 5000

export interface PluggedBle {
  /** Stops advertising and ends a link that there is. */
  close(): Promise<void>
}

/**
 * Advertises, and gives each link that a host opens to `serve`: one host at a time, as a reader has it. A link begins when the host has subscribed and written the shape's opening.
 * @throws Fault `missing-library`, `link-failed` with details.reason `no-adapter`, `bluetooth-off`, `permission`; `bad-argument` for a name that does not fit
 */
export async function plugBle(plug: BlePlug, serve: (link: Link) => Promise<void>): Promise<PluggedBle> {
  const { name, hci } = plug
  if (new TextEncoder().encode(name).length > 29)
    throw new Fault('bad-argument', `the name '${name}' has more than 29 bytes`, { field: 'name' })
  return loadOwn<Bleno, Promise<PluggedBle>>('@abandonware/bleno', hci && hciSocketOver(hci), async bleno => {
    const device = new BleDevice(bleno, plug, serve)
    let stop: (() => void) | undefined
    try {
      await within({ timeout: START_TIME, what: 'the state of the Bluetooth adapter' }, () => {
        return new Promise<void>((resolve, reject) => {
          stop = startLibrary(bleno, () =>
            bleno.on('stateChange', state => {
              if (state === 'poweredOn') {
                device.advertise() // again, when an adapter that was switched off is back
                resolve()
                return
              }
              device.lose('loss')
              const fault = stateFault(state)
              if (fault) reject(fault)
            }),
          )
        })
      })
    } catch (error) {
      stop?.()
      throw isFault(error, 'timeout') ? startFault(new Error(error.message)) : startFault(error)
    }
    return {
      async close() {
        await device.close()
        bleno.removeAllListeners()
        stop?.()
      },
    }
  })
}

function stateFault(state: string): Fault | undefined {
  if (state === 'poweredOff') return new Fault('link-failed', 'Bluetooth is switched off', { reason: 'bluetooth-off' })
  if (state === 'unauthorized') return new Fault('link-failed', 'this program may not use Bluetooth', { reason: 'permission' })
  if (state === 'unsupported') return new Fault('link-failed', 'there is no Bluetooth LE adapter', { reason: 'no-adapter' })
  return undefined
}

/** One notifying characteristic: its subscriber, and what is read where a notify only says that there is something. */
interface Pipe {
  readonly channel: number | undefined
  readonly notify: string
  readonly read: string | undefined
  subscriber: { readonly room: number; readonly notify: (bytes: Buffer) => void } | undefined
  readonly toRead: Uint8Array[]
}

class BleDevice {
  readonly #bleno: Bleno
  readonly #name: string
  readonly #shape: BleShape
  readonly #secure: boolean
  readonly #serve: (link: Link) => Promise<void>
  readonly #pipes: readonly Pipe[]
  readonly #due = new Set<string>()
  #link: DeviceLink | undefined
  #serving: Promise<void> = Promise.resolve()

  constructor(bleno: Bleno, { name, shape, secure = false }: BlePlug, serve: (link: Link) => Promise<void>) {
    this.#bleno = bleno
    this.#secure = secure
    this.#name = name
    this.#shape = shape
    this.#serve = serve
    const pipes = shape.channels ?? [{ channel: undefined, notify: shape.notify, read: undefined }]
    this.#pipes = pipes.map(({ channel, notify, read }) => ({ channel, notify, read, subscriber: undefined, toRead: [] }))
    bleno.on('accept', () => this.#begin())
    bleno.on('disconnect', () => this.lose('loss'))
    bleno.on('advertisingStartError', () => {})
    this.#begin()
  }

  advertise(): void {
    const { Characteristic, PrimaryService } = this.#bleno
    const characteristics = this.#layout().map(options => {
      return new Characteristic(this.#secure ? { ...options, secure: options.properties } : options)
    })
    this.#bleno.setServices([new PrimaryService({ uuid: this.#shape.service, characteristics })])
    this.#bleno.startAdvertising(this.#name, [this.#shape.service])
  }

  async close(): Promise<void> {
    this.#bleno.stopAdvertising()
    await this.#link?.close()
    await this.#serving
  }

  /** Every characteristic of the shape, once: one may be written and notify. */
  #layout(): CharacteristicOptions[] {
    const all = new Map<string, CharacteristicOptions>()
    const add = ({ uuid, properties, ...handlers }: CharacteristicOptions) => {
      const before = all.get(uuid)
      all.set(uuid, { ...before, uuid, properties: [...(before?.properties ?? []), ...properties], ...handlers })
    }
    const { write, opening = [], channels = [] } = this.#shape
    for (const pipe of this.#pipes) {
      const onSubscribe = (room: number, notify: (bytes: Buffer) => void) => {
        pipe.subscriber = { room, notify }
        this.#ready(pipe.notify)
      }
      const onUnsubscribe = () => {
        pipe.subscriber = undefined
        queueMicrotask(() => this.lose('peer')) // bleno says so, too, just before it says that the link is lost
      }
      add({ uuid: pipe.notify, properties: ['notify'], onSubscribe, onUnsubscribe })
      if (pipe.read !== undefined)
        add({
          uuid: pipe.read,
          properties: ['read'],
          onReadRequest: (offset, done) => done(SUCCESS, Buffer.from(this.#read(pipe, offset))),
        })
    }
    for (const { characteristic, value } of opening) {
      const right = value === 'device-name' ? new TextEncoder().encode(this.#name) : value
      const onWriteRequest: CharacteristicOptions['onWriteRequest'] = (data, _offset, _without, done) => {
        done(SUCCESS)
        if (equal(new Uint8Array(data), right)) this.#ready(`opening ${characteristic}`)
      }
      add({ uuid: characteristic, properties: ['write'], onWriteRequest })
    }
    const inputs = [{ write, channel: channels.find(one => (one.write ?? write) === write)?.channel }, ...channels.filter(one => one.write)]
    for (const { write: uuid, channel } of inputs)
      add({
        uuid: uuid!,
        properties: ['write', 'writeWithoutResponse'],
        onWriteRequest: (data, _offset, _without, done) => {
          done(SUCCESS)
          const bytes = new Uint8Array(data)
          this.#link?.incoming.push(channels.length > 0 ? toRecord(channel ?? 0, bytes) : bytes)
        },
      })
    return [...all.values()]
  }

  /** A long value is read from `offset` on; the next one follows when its end was read. */
  #read(pipe: Pipe, offset: number): Uint8Array {
    const value = pipe.toRead[0] ?? new Uint8Array()
    const part = value.subarray(Math.min(offset, value.length))
    if (part.length < (pipe.subscriber?.room ?? 20) + 2) pipe.toRead.shift() // a part that does not fill the answer is the last (ATT, Vol 3, Part F, 3.4.4.5)
    return part
  }

  #begin(): void {
    this.#due.clear()
    for (const { notify } of this.#pipes) this.#due.add(notify)
    for (const { characteristic } of this.#shape.opening ?? []) this.#due.add(`opening ${characteristic}`)
  }

  #ready(what: string): void {
    this.#due.delete(what)
    if (this.#due.size > 0 || this.#link) return
    const link = new DeviceLink(`ble:${this.#name}`, this.#shape.service, this.#pipes, () => this.#bleno.disconnect())
    this.#link = link
    const before = this.#serving
    this.#serving = before
      .then(() => this.#serve(link))
      .catch(() => {}) // `serve` tells its own faults
      .then(() => link.close())
  }

  lose(by: ClosedBy): void {
    for (const pipe of this.#pipes) {
      pipe.subscriber = undefined
      pipe.toRead.length = 0
    }
    this.#link?.lose(by)
    this.#link = undefined
    this.#begin()
  }
}

/** The device's end: what the host writes comes in; what is sent is notified in pieces that the connection has room for. */
class DeviceLink implements Link {
  readonly uri: string
  readonly service: string
  readonly mtu: number
  readonly incoming = new Inbox()
  readonly #pipes: readonly Pipe[]
  readonly #hangUp: () => void
  readonly #split: ReturnType<typeof recordSplitter> | undefined
  #over: Fault | undefined

  constructor(uri: string, service: string, pipes: readonly Pipe[], hangUp: () => void) {
    this.uri = uri
    this.service = service
    this.mtu = Number.POSITIVE_INFINITY
    this.#pipes = pipes
    this.#hangUp = hangUp
    this.#split = pipes[0].channel === undefined ? undefined : recordSplitter()
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    checkMtu(bytes, this.mtu)
    if (!this.#split) return this.#notify(this.#pipes[0], bytes)
    for (const { channel, bytes: record } of this.#split(bytes)) {
      const pipe = this.#pipes.find(one => one.channel === channel)
      if (!pipe) throw new Fault('bad-argument', `a record for channel ${channel}, which the shape has not`, { field: 'channel' })
      if (pipe.read === undefined) this.#notify(pipe, record)
      else {
        pipe.toRead.push(record)
        pipe.subscriber?.notify(Buffer.of(1))
      }
    }
  }

  async close(): Promise<void> {
    if (this.#over) return
    this.#over = linkClosed(this.uri, 'close')
    this.incoming.close()
    this.#hangUp()
  }

  lose(by: ClosedBy): void {
    if (this.#over) return
    this.#over = linkClosed(this.uri, by)
    this.incoming.end(this.#over)
  }

  #notify({ subscriber }: Pipe, bytes: Uint8Array): void {
    if (!subscriber) return
    for (let at = 0; at < bytes.length; at += subscriber.room) subscriber.notify(Buffer.from(bytes.subarray(at, at + subscriber.room)))
  }
}
