/** Bluetooth LE over a noble-like library of the test's own, on a virtual clock: what libraries do not say, calls that hang, and 1,000 reconnections. */

import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../src/clock.ts'
import { faultMessage, type MessageId, message } from '../../src/messages/messages.ts'
import { openBle, scanBle } from '../../src/transport/ble/ble.ts'
import type { BleCharacteristic, BleLibrary } from '../../src/transport/ble/radio.ts'
import type { Link } from '../../src/transport/link.ts'
import type { BleShape } from '../../src/transport/shape.ts'
import { parseUri, type Uri } from '../../src/transport/uri.ts'
import { heap } from '../heap.ts'
import { read } from './link-contract.ts'

const shape: BleShape = { service: 'fff0', write: 'fff1', notify: 'fff2', chunk: 20, shared: false, acknowledged: 'all' }
const NAME = 'PP0918900518'
const target = parseUri(`ble:${NAME}`) as Uri & { scheme: 'ble' }

type Step = 'connect' | 'discover' | 'subscribe' | 'write' | 'disconnect' | 'scan'

class ToyCharacteristic extends EventEmitter {
  readonly uuid: string
  readonly properties = ['write', 'writeWithoutResponse', 'notify']
  readonly #peripheral: ToyPeripheral

  constructor(uuid: string, peripheral: ToyPeripheral) {
    super()
    this.uuid = uuid
    this.#peripheral = peripheral
  }

  readAsync = async () => new Uint8Array()
  subscribeAsync = () => this.#peripheral.library.act('subscribe')
  async writeAsync(bytes: Uint8Array): Promise<void> {
    await this.#peripheral.library.act('write')
    this.#peripheral.characteristics[1].emit('data', bytes) // an echo
  }
}

class ToyPeripheral extends EventEmitter {
  readonly library: ToyLibrary
  readonly id = 'aabbccddeeff'
  readonly advertisement = { localName: NAME, serviceUuids: ['fff0'] }
  readonly rssi = -50
  state = 'disconnected'
  characteristics: ToyCharacteristic[] = []

  constructor(library: ToyLibrary) {
    super()
    this.library = library
  }

  async connectAsync(): Promise<void> {
    if (this.state === 'connected') throw new Error('Peripheral already connected')
    this.state = 'connecting'
    await this.library.act('connect')
    this.state = 'connected'
    this.emit('connect')
  }

  cancelConnect(): void {
    this.library.log.push('cancel')
  }

  async disconnectAsync(): Promise<void> {
    await this.library.act('disconnect')
    this.lose(0x16)
  }

  async discoverSomeServicesAndCharacteristicsAsync(services: string[]): Promise<{ characteristics: BleCharacteristic[] }> {
    await this.library.act('discover')
    if (services[0] !== 'fff0') throw 'Could not find all requested services'
    this.characteristics = ['fff1', 'fff2'].map(uuid => new ToyCharacteristic(uuid, this))
    return { characteristics: this.characteristics }
  }

  lose(reason: number): void {
    this.state = 'disconnected'
    this.emit('disconnect', reason)
  }
}

class ToyLibrary extends EventEmitter {
  state: string
  readonly log: string[] = []
  /** What a call does instead: hangs, or fails with these words; once. */
  readonly bad: Partial<Record<Step, 'hang' | Error>> = {}
  readonly peripheral = new ToyPeripheral(this)
  /** What hangs, to be let go. */
  readonly hanging: (() => void)[] = []

  constructor(state = 'poweredOn') {
    super()
    this.state = state
  }

  async act(step: Step): Promise<void> {
    this.log.push(step)
    const bad = this.bad[step]
    delete this.bad[step]
    if (bad instanceof Error) throw bad
    if (bad) await new Promise<void>(resolve => this.hanging.push(resolve))
  }

  async startScanningAsync(): Promise<void> {
    await this.act('scan')
    setImmediate(() => this.emit('discover', this.peripheral))
  }

  async stopScanningAsync(): Promise<void> {}

  turn(state: string): void {
    this.state = state
    this.emit('stateChange', state)
  }

  get listening(): number {
    const all: EventEmitter[] = [this, this.peripheral, ...this.peripheral.characteristics]
    return all.flatMap(one => one.eventNames().map(name => one.listenerCount(name))).reduce((sum, count) => sum + count, 0)
  }
}

const open = (lib: ToyLibrary | (() => Promise<BleLibrary>), clock = new VirtualClock(), options: object = {}): Promise<Link> =>
  clock.settle(openBle(target, shape, { lib, clock, ...options }))

const coded = (code: string, message = code) => Object.assign(new Error(message), { code })

describe('what stands in the way is told apart', () => {
  it.each<[string, string, string]>([
    ['Bluetooth is off', 'poweredOff', 'bluetooth-off'],
    ['no permission', 'unauthorized', 'permission'],
    ['no adapter', 'unsupported', 'no-adapter'],
    ['a library that never says', 'unknown', 'no-adapter'],
  ])('%s', async (_, state, reason) => {
    const lib = new ToyLibrary(state)
    const clock = new VirtualClock()
    const fault = await open(lib, clock).catch(error => error)
    expect(fault).toMatchObject({ code: 'link-failed', details: { reason } })
    for (const language of ['en', 'ru'] as const)
      expect(faultMessage(fault, language)).toContain(message(`link.${reason}` as MessageId, language)) // in the words of people
    const scanning = (async () => {
      for await (const _ of scanBle({ lib, clock })) expect.fail('nothing is heard')
    })()
    await expect(clock.settle(scanning)).rejects.toMatchObject({ code: 'link-failed', details: { reason } })
    expect(lib.listening).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it.each<[string, Error, object]>([
    ['no such library', coded('ERR_MODULE_NOT_FOUND'), { code: 'missing-library', message: expect.stringContaining('npm install') }],
    [
      'no Bluetooth in the kernel',
      coded('EAFNOSUPPORT', 'Address family not supported'),
      { code: 'link-failed', details: { reason: 'no-adapter' } },
    ],
    ['no rights to the socket', coded('EPERM', 'Operation not permitted'), { code: 'link-failed', details: { reason: 'permission' } }],
    ['another program has it', coded('EBUSY', 'Device or resource busy'), { code: 'busy' }],
  ])('%s, where loading fails', async (_, error, fault) => {
    await expect(open(() => Promise.reject(error))).rejects.toMatchObject(fault)
  })

  it('a library that starts late, and one that warns instead', async () => {
    const late = new ToyLibrary('unknown')
    const clock = new VirtualClock()
    clock.timer(1000, () => late.turn('poweredOn'))
    await (await open(late, clock)).close()
    const warning = new ToyLibrary('unknown')
    setImmediate(() => warning.emit('warning', 'Initialization of USB device failed: No such device'))
    await expect(open(warning)).rejects.toMatchObject({ details: { reason: 'no-adapter' } })
  })

  it.each<[Step, string, object]>([
    ['connect', 'HCI Error: Command Disallowed (0xc)', { code: 'busy' }],
    ['connect', 'Connection Limit Exceeded (0x9)', { code: 'busy' }],
    ['connect', 'PIN or Key Missing (0x6)', { code: 'link-failed', details: { reason: 'pairing' } }],
    ['subscribe', 'Authentication is insufficient.', { code: 'link-failed', details: { reason: 'pairing' } }],
  ])('%s fails with "%s"', async (step, words, fault) => {
    const lib = new ToyLibrary()
    lib.bad[step] = new Error(words)
    await expect(open(lib)).rejects.toMatchObject(fault)
    expect(lib.peripheral.state).not.toBe('connected')
    expect(lib.listening).toBe(0)
  })
})

it('pairing that fails with the opening write is told as that', async () => {
  const lib = new ToyLibrary()
  lib.bad.write = new Error('Encryption is insufficient.')
  const clock = new VirtualClock()
  const opening = [{ characteristic: 'fff1', value: 'device-name' as const }]
  await expect(clock.settle(openBle(target, { ...shape, opening }, { lib, clock }))).rejects.toMatchObject({
    details: { reason: 'pairing' },
  })
  expect(lib.listening).toBe(0)
})

describe('a call that hangs', () => {
  it.each<Step>(['connect', 'discover', 'subscribe', 'scan'])('%s: is given up, and the next attempt opens the link', async step => {
    const lib = new ToyLibrary()
    const clock = new VirtualClock()
    lib.bad[step] = 'hang'
    if (step === 'scan') await expect(open(lib, clock)).rejects.toMatchObject({ code: expect.stringMatching(/timeout|not-found/) })
    const link = await open(lib, clock)
    await link.close()
    for (const settle of lib.hanging) settle()
    await clock.advance(0)
    expect(lib.listening).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('a connection that comes after it was given up is dropped: the reader is not held for nobody', async () => {
    const lib = new ToyLibrary()
    const clock = new VirtualClock()
    lib.bad.connect = 'hang'
    const opening = openBle(target, shape, { lib, clock, timeout: 4000 })
    const settled = expect(opening).rejects.toMatchObject({ code: 'timeout' })
    await clock.advance(4000)
    await settled
    expect(lib.log).toContain('cancel')
    lib.hanging[0]()
    await clock.advance(3000)
    expect(lib.log.at(-1)).toBe('disconnect')
    expect(lib.peripheral.state).toBe('disconnected')
    expect(lib.listening).toBe(0)
  })

  it('a write whose response does not come ends the link, at the family’s time limit', async () => {
    const lib = new ToyLibrary()
    const clock = new VirtualClock()
    const link = (await clock.settle(openBle(target, { ...shape, ackTimeout: 700 }, { lib, clock }))) as Link
    lib.bad.write = 'hang'
    const began = clock.now()
    await expect(clock.settle(link.send(Uint8Array.of(1)))).rejects.toMatchObject({ code: 'link-closed', cause: { code: 'timeout' } })
    expect(clock.now() - began).toBe(700)
    await expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed' })
  })

  it('a disconnection that hangs does not hang `close` (complaint 13)', async () => {
    const lib = new ToyLibrary()
    const clock = new VirtualClock()
    const link = await open(lib, clock)
    lib.bad.disconnect = 'hang'
    await clock.settle(link.close())
    expect(lib.listening).toBe(0)
  })

  it('what the library believes to be connected still, from another life of the app, is dropped first (complaint 4)', async () => {
    const lib = new ToyLibrary()
    lib.peripheral.state = 'connected'
    const link = await open(lib)
    expect(lib.log).toEqual(['scan', 'disconnect', 'connect', 'discover', 'subscribe'])
    await link.close()
  })
})

describe('one radio for all', () => {
  it('a reader is opened once: whoever comes second is told, at once; when it is closed, it is free', async () => {
    const lib = new ToyLibrary()
    const clock = new VirtualClock()
    const both = await clock.settle(Promise.allSettled([0, 1].map(() => openBle(target, shape, { lib, clock }))))
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'busy' } })
    const [link] = both.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    await expect(open(lib, clock)).rejects.toMatchObject({ code: 'busy' })
    expect(lib.listenerCount('stateChange')).toBe(1)
    const closing = link.close() // not awaited: the next one waits for it
    await (await open(lib, clock)).close()
    await closing
    expect(lib.listening).toBe(0)
  })

  it('the adapter goes while a link is open: it ends', async () => {
    const lib = new ToyLibrary()
    const link = await open(lib)
    const lost = expect(read(link, 1)).rejects.toMatchObject({ code: 'link-closed', cause: { details: { reason: 'bluetooth-off' } } })
    lib.turn('poweredOff')
    await lost
    lib.turn('poweredOn')
    const again = await open(lib)
    lib.turn('resetting')
    await expect(again.send(Uint8Array.of(1))).rejects.toMatchObject({ code: 'link-closed' })
    expect(lib.listenerCount('stateChange')).toBeLessThanOrEqual(1)
  })
})

it('1,000 reconnections, lost, closed and given up in turn, leave nothing behind (complaint 13)', async () => {
  const lib = new ToyLibrary()
  const clock = new VirtualClock()
  const once = async (round: number) => {
    if (round % 5 === 4) lib.bad.subscribe = 'hang'
    const link = await clock.settle(openBle(target, shape, { lib, clock }))
    for (const settle of lib.hanging.splice(0)) settle()
    await link.send(Uint8Array.of(round & 0xff))
    expect(await read(link, 1)).toEqual(Uint8Array.of(round & 0xff))
    if (round % 3 === 0) lib.peripheral.lose(0x08)
    await clock.settle(link.close())
    lib.log.length = 0
  }
  for (let round = 0; round < 200; round++) await once(round)
  const before = heap()
  for (let round = 0; round < 1000; round++) await once(round)
  expect(heap() - before).toBeLessThan(1e6)
  expect(lib.listening).toBe(0)
  expect(clock.pending).toBe(0)
}, 60_000)
