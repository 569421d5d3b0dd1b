/** One connection to a Bluetooth LE device: its GATT characteristics as a byte pipe. */

import { type Clock, type Limit, within } from '../../clock.ts'
import { asFault, Fault, throwIfAborted } from '../../errors.ts'
import { checkMtu, Inbox } from '../inbox.ts'
import { type ClosedBy, type Link, linkClosed } from '../link.ts'
import type { BleShape } from '../shape.ts'
import type { AnyListener, BleCharacteristic, BlePeripheral, UsedRadio } from './radio.ts'
import { recordSplitter, toRecord } from './records.ts'
import { type Step, short } from './scan.ts'

/** Milliseconds: to connect, for one step of GATT, for a goodbye. */
const CONNECT_TIME = 5000
const STEP_TIME = 5000
const GOODBYE_TIME = 2000
/** Of a write with response, where the shape names none. */
const ACK_TIME = 10_000

interface Setting extends Step {
  readonly uri: string
  readonly shapes: readonly BleShape[]
}

/** Connects to a device and makes a Link of it. @throws Fault `link-failed`, `link-closed`, `busy`, `timeout`, `aborted`; what the library throws, as it is */
export async function connect(used: UsedRadio, peripheral: BlePeripheral, { uri, shapes, clock, signal }: Setting): Promise<Link> {
  if (used.radio.held.has(peripheral)) throw inUse(uri)
  let link: BleLink | undefined
  used.radio.held.set(peripheral, () => link?.ended)
  try {
    await used.radio.alone({ signal, clock }, () => join(peripheral, { signal, clock }))
    link = new BleLink(used, peripheral, { uri, shapes, clock })
    if (peripheral.state !== 'connected') throw linkClosed(uri, 'loss') // it was lost before anybody listened
    await link.prepare(signal)
    return link
  } catch (error) {
    if (link) await link.abandon(asFault(error, 'link-failed'))
    else used.radio.held.delete(peripheral)
    throw error
  }
}

export function inUse(uri: string): Fault {
  return new Fault('busy', `${uri} is open in this program`, { uri })
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

  /** Resolves when it has let go of the device; undefined while it is open. */
  get ended(): Promise<void> | undefined {
    return this.#ended
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
    this.#used.radio.held.delete(this.#peripheral)
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

  #on(emitter: { removeListener(event: string, listener: AnyListener): unknown }, event: string, listener: AnyListener): void {
    ;(emitter as unknown as { on(event: string, listener: AnyListener): unknown }).on(event, listener)
    this.#undo.push(() => void emitter.removeListener(event, listener))
  }
}
