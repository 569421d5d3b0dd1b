/** A Link over Bluetooth LE: a family's GATT characteristics as a byte pipe, through a noble-like library; and the search for readers. */

import { type Clock, type Limit, sleep, systemClock, within } from '../clock.ts'
import { asFault, Fault, isFault, throwIfAborted } from '../errors.ts'
import { type BleCharacteristic, type BleLibrarySource, type BlePeripheral, type Radio, type UsedRadio, useRadio } from './ble-radio.ts'
import { recordSplitter, toRecord } from './ble-records.ts'
import { checkMtu, Inbox } from './inbox.ts'
import { type ClosedBy, type Link, linkClosed } from './link.ts'
import type { BleShape } from './shape.ts'
import type { Uri } from './uri.ts'

export interface BleOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the search and the connecting together; 15 000 when left out. */
  readonly timeout?: number | undefined
  /** A noble-like library of the caller's; `@abandonware/noble` when left out. */
  readonly lib?: BleLibrarySource | undefined
  readonly clock?: Clock | undefined
}

/** Milliseconds: to connect, for one step of GATT, for a goodbye, between two attempts. */
const CONNECT_TIME = 5000
const STEP_TIME = 5000
const GOODBYE_TIME = 2000
const RETRY_PAUSE = 200
/** Of a write with response, where the shape names none. */
const ACK_TIME = 10_000
const ATTEMPTS = 3

/**
 * Opens `ble:<name or address>`: waits until the device is heard, connects, finds the shape's characteristics anew, subscribes, and writes the shape's opening. An empty name
 * means the first device that advertises the shape's service. A connection that fails half-way is dropped and made again.
 * @throws Fault `not-found` (nothing of that name was heard), `timeout`, `aborted`, `busy`, `missing-library`; `link-failed` with details.reason `bluetooth-off`, `no-adapter`,
 * `permission`, `no-service` (it is no such reader), `pairing`, or `failed`
 */
export async function openBle(
  target: Uri & { scheme: 'ble' },
  shape: BleShape | readonly BleShape[],
  options: BleOptions = {},
): Promise<Link> {
  const { uri, name } = target
  const { signal, timeout = 15_000, clock = systemClock, lib } = options
  throwIfAborted(signal)
  const shapes = 'service' in shape ? [shape] : shape
  const last: { heard?: boolean; fault?: Fault } = {}
  try {
    return await within({ timeout, signal, clock, what: `the opening of ${uri}` }, async given => {
      const used = await useRadio(lib)
      try {
        await used.radio.ready({ signal: given, clock })
        for (let attempt = 1; ; attempt++) {
          const peripheral = await find(used.radio, name, shapes, { signal: given, clock })
          last.heard = true
          try {
            return await connect(used, peripheral, { uri, shapes, clock, signal: given })
          } catch (error) {
            last.fault = failure(uri, error)
            if (given.aborted || attempt === ATTEMPTS || !isFault(last.fault, 'link-failed', 'link-closed', 'timeout')) throw last.fault
            if (last.fault.details.reason === 'pairing') throw last.fault
          }
          await sleep(RETRY_PAUSE, clock, given)
        }
      } catch (error) {
        used.release()
        throw error
      }
    })
  } catch (error) {
    if (!isFault(error, 'timeout')) throw error
    if (!last.heard) throw new Fault('not-found', `${uri}: no such Bluetooth reader was heard in ${timeout} ms`, { uri }, { cause: error })
    throw last.fault ?? error
  }
}

// — the search —

export interface BleSighting {
  /** What `openBle` takes: by name, or by address where none is advertised. */
  readonly uri: string
  readonly id: string
  readonly address?: string
  readonly name?: string
  /** In the form of `BleShape`: lower case, with hyphens where they are long. */
  readonly services: readonly string[]
  /** dBm. */
  readonly rssi: number
}

export interface BleScanOptions extends Omit<BleOptions, 'timeout'> {
  /** Milliseconds, after which it ends; never when left out. */
  readonly timeout?: number | undefined
  /** Every advertisement, so that the signal can be followed; else each device once, and again when its name or its services become known. */
  readonly every?: boolean | undefined
}

/**
 * The devices that advertise, as they are heard, until `timeout`, until the loop is left, or until `signal` fires.
 * @throws Fault as `openBle` for the adapter; also when it is switched off in between
 */
export async function* scanBle({
  signal,
  timeout,
  lib,
  clock = systemClock,
  every = false,
}: BleScanOptions = {}): AsyncGenerator<BleSighting, void> {
  throwIfAborted(signal)
  const used = await useRadio(lib)
  const heard: BleSighting[] = []
  const known = new Map<string, string>()
  let fault: Fault | undefined
  let wake = () => {}
  let over = false
  const unwatch = used.radio.watch(gone => {
    fault = gone
    wake()
  })
  const end = () => {
    over = true
    wake()
  }
  let cancel = () => {}
  let stop = async () => {}
  try {
    await used.radio.ready({ signal, clock })
    signal?.addEventListener('abort', end, { once: true })
    if (timeout !== undefined) cancel = clock.timer(timeout, end)
    const hear = (peripheral: BlePeripheral) => {
      const sighting = sightingOf(peripheral)
      const details = [sighting.name, ...sighting.services].join()
      if (!every && known.get(sighting.id) === details) return
      known.set(sighting.id, details)
      heard.push(sighting)
      wake()
    }
    stop = await used.radio.scan(hear, { signal, clock })
    for (;;) {
      throwIfAborted(signal)
      const next = heard.shift()
      if (next) yield next
      else if (fault) throw fault
      else if (over) return
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  } finally {
    cancel()
    signal?.removeEventListener('abort', end)
    unwatch()
    await stop()
    used.release()
  }
}

function sightingOf({ id, address, advertisement, rssi }: BlePeripheral): BleSighting {
  const { localName, serviceUuids } = advertisement
  const where = address || id
  return {
    uri: `ble:${encodeURIComponent(localName || where)}`,
    id,
    ...(address && { address }),
    ...(localName && { name: localName }),
    services: (serviceUuids ?? []).map(long),
    rssi,
  }
}

/** `49535343fe7d…` as `49535343-fe7d-…`; short ones stay short. */
function long(uuid: string): string {
  const plain = short(uuid)
  return plain.length === 32 ? plain.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : plain
}

/** As noble writes them: without hyphens, and 16-bit ones as 4 digits (Bluetooth Core 5.4, Vol 3, Part B, 2.5.1). */
function short(uuid: string): string {
  const plain = uuid.replaceAll('-', '').toLowerCase()
  return /^0000(.{4})00001000800000805f9b34fb$/.exec(plain)?.[1] ?? plain
}

interface Step {
  readonly signal: AbortSignal
  readonly clock: Clock
}

async function find(radio: Radio, name: string, shapes: readonly BleShape[], { signal, clock }: Step): Promise<BlePeripheral> {
  const plain = name.replaceAll(/[:-]/g, '').toLowerCase()
  const wanted = shapes.map(({ service }) => short(service))
  const is = ({ id, address = '', advertisement: { localName, serviceUuids = [] } }: BlePeripheral) =>
    name === ''
      ? serviceUuids.some(uuid => wanted.includes(short(uuid)))
      : localName === name || [id, address].some(one => one.replaceAll(/[:-]/g, '').toLowerCase() === plain)
  let unwatch = () => {}
  let stop = async () => {}
  try {
    return await within({ signal, clock, what: name }, () => {
      return new Promise<BlePeripheral>((resolve, reject) => {
        unwatch = radio.watch(reject)
        radio
          .scan(peripheral => is(peripheral) && resolve(peripheral), { signal, clock })
          .then(end => {
            stop = end
            if (signal.aborted) void end()
          }, reject)
      })
    })
  } finally {
    unwatch()
    await stop()
  }
}

// — the connection —

interface Setting extends Step {
  readonly uri: string
  readonly shapes: readonly BleShape[]
}

async function connect(used: UsedRadio, peripheral: BlePeripheral, { uri, shapes, clock, signal }: Setting): Promise<Link> {
  const link = new BleLink(used, peripheral, { uri, shapes, clock })
  try {
    await used.radio.alone({ signal, clock }, () => join(peripheral, { signal, clock }))
    await link.prepare(signal)
    return link
  } catch (error) {
    await link.abandon(asFault(error, 'link-failed'))
    throw error
  }
}

/** Connects; what somebody left connected, or the library believes to be, is dropped first. */
async function join(peripheral: BlePeripheral, { signal, clock }: Step): Promise<void> {
  throwIfAborted(signal)
  if (peripheral.state !== 'disconnected') await leave(peripheral, clock)
  try {
    await within({ timeout: CONNECT_TIME, signal, clock, what: 'the wish to connect' }, async () => {
      await peripheral.connectAsync()
    })
  } catch (error) {
    await giveUp(peripheral, clock)
    throw error
  }
}

/** Takes the wish to connect back. A connection that comes all the same is for nobody: it is dropped, or the reader would be held. */
async function giveUp(peripheral: BlePeripheral, clock: Clock): Promise<void> {
  let settle = () => {}
  const settled = new Promise<void>(resolve => {
    settle = () => resolve()
  })
  try {
    peripheral.cancelConnect?.() // abandonware's settles its own promise here; the adapter's answer comes after
    peripheral.once('connect', settle)
    await within({ timeout: GOODBYE_TIME, clock }, () => settled)
  } catch {
    // it says no more
  } finally {
    peripheral.removeListener('connect', settle)
  }
  if (peripheral.state === 'connected') await leave(peripheral, clock)
}

/** Disconnects, and does not wait for ever for a library that lost count (abandonware's hangs after a link that was lost). Never throws. */
async function leave(peripheral: BlePeripheral, clock: Clock): Promise<void> {
  if (peripheral.state !== 'connected' && peripheral.state !== 'disconnecting') return
  try {
    await within({ timeout: GOODBYE_TIME, clock }, async () => {
      await peripheral.disconnectAsync()
    })
  } catch {
    // it was no longer connected
  }
}

class BleLink implements Link {
  readonly uri: string
  readonly incoming = new Inbox()
  readonly #used: UsedRadio
  readonly #peripheral: BlePeripheral
  readonly #shapes: readonly BleShape[]
  /** The one of `shapes` whose service the device has. */
  #shape: BleShape
  readonly #clock: Clock
  /** Fires with the Fault that ended the link: every wait of it hangs on this. */
  readonly #over = new AbortController()
  readonly #undo: (() => void)[] = []
  readonly #split = recordSplitter()
  #found = new Map<string, BleCharacteristic>()
  /** GATT operations wait for each other: libraries and readers take one at a time. */
  #turn: Promise<unknown> = Promise.resolve()
  #writes = 0
  #ended: Promise<void> | undefined
  /** From then on the radio is the link's to release. */
  #ready = false

  constructor(used: UsedRadio, peripheral: BlePeripheral, { uri, shapes, clock }: Omit<Setting, 'signal'>) {
    this.uri = uri
    this.#used = used
    this.#peripheral = peripheral
    this.#shapes = shapes
    this.#shape = shapes[0]
    this.#clock = clock
    // 0x13 and 0x15: the other side hung up, or is switched off (Bluetooth Core 5.4, Vol 1, Part F).
    this.#on(peripheral, 'disconnect', (reason?: unknown) => this.#lose(reason === 0x13 || reason === 0x15 ? 'peer' : 'loss', reason))
    this.#undo.push(used.radio.watch(fault => this.#lose('loss', fault)))
  }

  get mtu(): number {
    return this.#shape.channels ? Number.POSITIVE_INFINITY : this.#shape.chunk
  }

  get service(): string {
    return this.#shape.service
  }

  /** From a connection to a pipe. @throws Fault `link-failed`, `link-closed`, `timeout`, `aborted` */
  async prepare(signal: AbortSignal): Promise<void> {
    const limit = { timeout: STEP_TIME, clock: this.#clock, signal: AbortSignal.any([signal, this.#over.signal]) }
    await this.#discover(limit)
    const { notify, channels, opening = [] } = this.#shape
    const sources = channels ?? [{ notify, channel: undefined, read: undefined }]
    for (const uuid of [this.#shape.write, ...opening.map(one => one.characteristic)]) this.#characteristic(uuid)
    for (const { notify, channel, read } of sources) {
      const told = this.#characteristic(notify)
      const fetched = read === undefined ? undefined : this.#characteristic(read)
      this.#on(told, 'data', (bytes: Uint8Array) => {
        if (fetched) this.#fetch(fetched, channel!)
        else this.#take(bytes, channel)
      })
      await within({ ...limit, what: `a subscription to ${notify}` }, async () => {
        await told.subscribeAsync()
      })
    }
    for (const { characteristic, value } of opening) {
      const bytes = value === 'device-name' ? new TextEncoder().encode(this.#peripheral.advertisement.localName ?? '') : value
      await this.#write(this.#characteristic(characteristic), bytes, true)
    }
    throwIfAborted(limit.signal)
    this.#ready = true
  }

  /** Always anew, never from what is remembered: a reader that was updated may have other handles. */
  async #discover(limit: Limit): Promise<void> {
    const told = (this.#peripheral.advertisement.serviceUuids ?? []).map(short)
    const likely = (shape: BleShape) => (told.includes(short(shape.service)) ? 0 : 1)
    let missing: unknown
    for (const shape of this.#shapes.toSorted((a, b) => likely(a) - likely(b))) {
      try {
        const { characteristics } = await within({ ...limit, what: `the service ${shape.service}` }, async () => {
          return this.#peripheral.discoverSomeServicesAndCharacteristicsAsync([short(shape.service)], [])
        })
        this.#shape = shape
        this.#found = new Map(characteristics.map(one => [short(one.uuid), one]))
        return
      } catch (error) {
        if (!/could not find/i.test(String(error))) throw error
        missing = error
      }
    }
    throw this.#noService(this.#shape.service, missing)
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over.signal.aborted) throw this.#over.signal.reason
    checkMtu(bytes, this.mtu)
    if (bytes.length === 0) return
    if (!this.#shape.channels) return this.#write(this.#characteristic(this.#shape.write), bytes, this.#acknowledged())
    for (const { channel, bytes: record } of this.#split(bytes)) {
      if (record.length > this.#shape.chunk)
        throw new Fault('bad-argument', `a record of ${record.length} bytes, the reader takes ${this.#shape.chunk} in one write`)
      const own = this.#shape.channels.find(one => one.channel === channel)?.write
      await this.#write(this.#characteristic(own ?? this.#shape.write), record, this.#acknowledged())
    }
  }

  close(): Promise<void> {
    this.incoming.close()
    return this.#end(linkClosed(this.uri, 'close'))
  }

  #lose(by: ClosedBy, cause: unknown): void {
    const fault = linkClosed(this.uri, by, cause)
    this.incoming.end(fault)
    void this.#end(fault)
  }

  #end(fault: Fault): Promise<void> {
    this.#ended ??= this.abandon(fault).then(() => {
      if (this.#ready) this.#used.release()
    })
    return this.#ended
  }

  /** Settles all that waits, takes the listeners off and disconnects; the radio stays with the caller. Never rejects. */
  async abandon(fault: Fault): Promise<void> {
    this.#over.abort(fault)
    for (const undo of this.#undo.splice(0)) undo()
    await leave(this.#peripheral, this.#clock)
  }

  /** Every n-th write of this link, counted from its beginning. */
  #acknowledged(): boolean {
    const { acknowledged } = this.#shape
    this.#writes++
    return typeof acknowledged === 'number' ? this.#writes % acknowledged === 0 : acknowledged === 'all'
  }

  async #write(to: BleCharacteristic, bytes: Uint8Array, acknowledged: boolean): Promise<void> {
    const can = (property: string) => to.properties.includes(property)
    const withResponse = acknowledged ? can('write') || !can('writeWithoutResponse') : !can('writeWithoutResponse')
    const piece = Buffer.from(bytes) // a copy: the caller may change its own
    await this.#next(`a write to ${to.uuid}`, async () => {
      await to.writeAsync(piece, !withResponse)
      // What asks for no response is done as soon as it is asked for: without a pause the radio would never get its turn.
      if (!withResponse) await new Promise(resolve => setImmediate(resolve))
    })
  }

  #fetch(from: BleCharacteristic, channel: number): void {
    this.#next(`a read of ${from.uuid}`, () => from.readAsync()).then(
      bytes => this.#take(bytes, channel),
      () => {}, // the link has ended with it
    )
  }

  /** One operation after another, each with a time limit. One that fails ends the link: a pipe that lost a piece is none. */
  #next<T>(what: string, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#over
    const result = this.#turn.then(async () => {
      if (signal.aborted) throw signal.reason
      try {
        return await within({ timeout: this.#shape.ackTimeout ?? ACK_TIME, clock: this.#clock, signal, what }, work)
      } catch (error) {
        this.#lose('loss', error)
        throw signal.reason
      }
    })
    this.#turn = result.catch(() => {})
    return result
  }

  #take(bytes: Uint8Array, channel: number | undefined): void {
    const own = new Uint8Array(bytes)
    this.incoming.push(channel === undefined ? own : toRecord(channel, own))
  }

  #characteristic(uuid: string): BleCharacteristic {
    const found = this.#found.get(short(uuid))
    if (!found) throw this.#noService(uuid)
    return found
  }

  #noService(uuid: string, cause?: unknown): Fault {
    const { uri } = this
    return new Fault('link-failed', `${uri} has no ${uuid}: it is no reader of this family`, { uri, reason: 'no-service' }, { cause })
  }

  #on(
    emitter: {
      on(event: never, listener: never): unknown
      removeListener(event: string, listener: (...values: never[]) => void): unknown
    },
    event: string,
    listener: (...values: never[]) => void,
  ): void {
    ;(emitter.on as (event: string, listener: (...values: never[]) => void) => unknown)(event, listener)
    this.#undo.push(() => void emitter.removeListener(event, listener))
  }
}

/** Why an attempt failed, in our codes: libraries have words only, and HCI's status in brackets. */
function failure(uri: string, error: unknown): Fault {
  if (error instanceof Fault) return error
  const words = error instanceof Error ? error.message : String(error)
  const failed = (reason: string, why: string) =>
    new Fault('link-failed', `${uri} does not connect: ${why}`, { uri, reason }, { cause: error })
  if (/authenti|encrypt|pairing|bond|key missing|0x0?[56]\)/i.test(words)) return failed('pairing', `pairing failed (${words})`)
  if (/disallowed|limit exceeded|limited resources|already exists|busy/i.test(words))
    return new Fault('busy', `${uri}: the Bluetooth adapter or the reader is busy (${words})`, { uri }, { cause: error })
  return failed('failed', words)
}
