/** Bluetooth LE links over the virtual air, between unmodified noble and bleno: the Link contract, chunks and acknowledgements, and everything that goes wrong on a radio. */

import type { EventEmitter } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { Air, type AirOptions } from '../../simulator/air/air.ts'
import type { Controller } from '../../simulator/air/controller.ts'
import { nobleOn, type VirtualCentral } from '../../simulator/air/host.ts'
import type { BleAdvertised } from '../../simulator/readers/listen/ble.ts'
import { type Listening, listen } from '../../simulator/readers/listen/listen.ts'
import { concat } from '../../src/bytes.ts'
import { type BleSighting, scanBle } from '../../src/transport/ble/ble.ts'
import { toRecord } from '../../src/transport/ble/records.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import type { BleShape } from '../../src/transport/shape.ts'
import { heap } from '../heap.ts'
import { bluetooth } from './bluetooth.ts'
import { faultOf, type LinkKind, linkContract, pattern, read, sendAll } from './link-contract.ts'

const shape: BleShape = {
  service: '49535343-fe7d-4ae5-8fa9-9fafd205e455',
  write: '49535343-8841-43f4-a8d4-ecbe34729bb3',
  notify: '49535343-1e4d-4bd9-ba61-23c647249616',
  chunk: 16,
  shared: true,
  acknowledged: 'all',
}

const NAME = 'MPOS0000000001'

/** An air with a device on it and a program that looks for it. */
class Room {
  readonly air: Air
  /** The adapter of the program. */
  readonly adapter: Controller
  /** The radio of the device. */
  readonly radio: Controller
  readonly central: VirtualCentral
  readonly shape: BleShape
  /** What the program's stack writes by GATT: opcode (12 with response, 52 without), attribute, bytes. */
  readonly writes: { readonly opcode: number; readonly handle: number; readonly value: Uint8Array }[] = []
  readonly #arrivals: Link[] = []
  #arrive: (() => void) | undefined
  #leave: () => void = () => {}
  #listening: Listening | undefined

  constructor(own: BleShape = shape, options: AirOptions = {}) {
    this.shape = own
    this.air = new Air(options)
    this.radio = this.air.controller()
    this.adapter = this.air.controller()
    this.central = nobleOn({
      open: host => {
        const { send, close } = this.adapter.open(host)
        return { send: packet => send(this.#see(packet)), close }
      },
    })
  }

  /** ACL header (5), L2CAP header (4), then ATT. */
  #see(packet: Uint8Array): Uint8Array {
    const opcode = packet[9]
    if (packet[0] === 2 && packet[7] === 4 && (opcode === 0x12 || opcode === 0x52))
      this.writes.push({ opcode, handle: packet[10] | (packet[11] << 8), value: packet.slice(12) })
    return packet
  }

  async listen(changes: Partial<BleAdvertised> = {}): Promise<void> {
    const left = new Promise<void>(resolve => {
      this.#leave = resolve
    })
    const serve = (link: Link) => {
      this.#arrivals.push(link)
      this.#arrive?.()
      return Promise.race([left, ended(link)])
    }
    this.#listening = await listen('ble', serve, { ble: { shape: this.shape, name: NAME, air: this.radio, ...changes } })
  }

  /** The device is switched off: it says goodbye, and is not heard any more. */
  async unplug(): Promise<void> {
    this.#leave()
    await this.#listening?.close()
  }

  /** The device's end of the next link. */
  async arrival(): Promise<Link> {
    while (this.#arrivals.length === 0)
      await new Promise<void>(resolve => {
        this.#arrive = resolve
      })
    return this.#arrivals.shift()!
  }

  open(signal?: AbortSignal, timeout?: number): Promise<Link> {
    return connect(`ble:${NAME}`, { ble: this.shape, bluetooth: this.central.lib, signal, timeout })
  }

  async close(): Promise<void> {
    await this.unplug()
    this.central.close()
    this.air.close()
  }
}

/** Resolves when the link is over, and takes nothing of what comes: that is left for the test to read. */
async function ended(link: Link): Promise<void> {
  try {
    for (;;) {
      await link.send(new Uint8Array())
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  } catch {
    // it is over
  }
}

const rooms: Room[] = []

async function room(own?: BleShape, options?: AirOptions): Promise<Room> {
  const made = new Room(own, options)
  rooms.push(made)
  await made.listen()
  return made
}

afterEach(async () => {
  for (const one of rooms.splice(0)) await one.close()
})

describe.skipIf(!bluetooth)('Bluetooth LE', () => {
  const kind = (name: string, own: BleShape, options?: AirOptions): LinkKind => {
    let here: Room
    return {
      name,
      flood: 64 * 1024,
      async open() {
        here = await room(own, options)
        const host = await here.open()
        return { host, device: await here.arrival() }
      },
      connect: signal => here.open(signal),
    }
  }
  linkContract(kind('ble, 16-byte writes, all acknowledged', shape))
  linkContract(kind('ble, 19-byte writes, every 20th acknowledged', { ...shape, chunk: 19, acknowledged: 20 }))
  linkContract(
    kind(
      'ble, 20-byte writes, none acknowledged, small buffers',
      { ...shape, chunk: 20, acknowledged: 'none' },
      { buffers: { length: 27, count: 2 } },
    ),
  )
  linkContract(kind('ble, 200-byte writes', { ...shape, chunk: 200 }))

  /** An open link, with both its ends. */
  const joined = async (own?: BleShape, options: AirOptions = { interval: 2 }) => {
    const here = await room(own, options)
    const host = await here.open()
    return { here, host, device: await here.arrival() }
  }

  describe('writes', () => {
    it.each([16, 19, 20])(
      'are never longer than the family’s %d bytes, whatever MTU the devices agreed on (complaint 11: truncated at 20, MTU lies)',
      async chunk => {
        const { here, host, device } = await joined({ ...shape, chunk })
        here.writes.length = 0
        const frame = pattern(600)
        await sendAll(host, frame)
        expect(await read(device, 600)).toEqual(frame)
        expect(here.writes.map(({ value }) => value.length)).toEqual([
          ...Array(Math.floor(600 / chunk)).fill(chunk),
          ...(600 % chunk ? [600 % chunk] : []),
        ])
      },
    )

    it.each<[BleShape['acknowledged'], (index: number) => boolean]>([
      ['all', () => true],
      ['none', () => false],
      [20, index => index % 20 === 19],
      [3, index => index % 3 === 2],
    ])('acknowledged %s: those writes ask for a response', async (acknowledged, asks) => {
      const { here, host, device } = await joined({ ...shape, acknowledged })
      here.writes.length = 0
      for (let i = 0; i < 45; i++) await host.send(Uint8Array.of(i))
      await read(device, 45)
      expect(here.writes.map(({ opcode }) => opcode === 0x12)).toEqual(Array.from({ length: 45 }, (_, index) => asks(index)))
    })

    it('go one at a time, whoever sends at once (complaint 12: operation already in progress)', async () => {
      const { host, device } = await joined()
      const lines: string[] = []
      const sends = Array.from({ length: 50 }, (_, i) => host.send(pattern(16, i)).then(() => lines.push(`done ${i}`)))
      await Promise.all(sends)
      expect(lines).toEqual(Array.from({ length: 50 }, (_, i) => `done ${i}`))
      expect(await read(device, 800)).toEqual(concat(...Array.from({ length: 50 }, (_, i) => pattern(16, i))))
    })

    it('the opening is written after the subscription and before the first byte; a device waits for the right name', async () => {
      const opening = [{ characteristic: 'f953144b-e33a-4079-b202-e3d7c1f3dbb0', value: 'device-name' as const }]
      const { here, host, device } = await joined({ ...shape, chunk: 19, acknowledged: 20, opening })
      const [subscription, name] = here.writes
      expect(subscription.value).toEqual(Uint8Array.of(1, 0))
      expect(new TextDecoder().decode(name.value)).toBe(NAME)
      expect(name.opcode).toBe(0x12)
      await host.send(Uint8Array.of(1))
      expect(await read(device, 1)).toEqual(Uint8Array.of(1))
    })

    it('several characteristics are records; a notify that only says "read" is read (MagTek)', async () => {
      const uuid = (last: string) => `0508e6f8-ad82-898f-f843-e3410cb602${last}`
      const own: BleShape = {
        service: '0508e6f8-ad82-898f-f843-e3410cb60103',
        write: uuid('00'),
        notify: uuid('02'),
        chunk: 100,
        shared: false,
        acknowledged: 'all',
        channels: [
          { channel: 0, notify: uuid('02'), read: uuid('00') },
          { channel: 1, notify: uuid('01') },
        ],
      }
      const { host, device } = await joined(own)
      expect(host.mtu).toBe(Number.POSITIVE_INFINITY)
      const command = toRecord(0, Uint8Array.of(0x45, 0))
      await host.send(command.subarray(0, 2)) // a chunk boundary means nothing
      await host.send(command.subarray(2))
      expect(await read(device, command.length)).toEqual(command)
      const answer = toRecord(0, pattern(300)) // longer than one read
      const block = toRecord(1, pattern(20, 7))
      await device.send(concat(answer, block))
      const got = await read(host, answer.length + block.length)
      expect([concat(answer, block), concat(block, answer)]).toContainEqual(got)
      expect(await faultOf(host.send(toRecord(0, new Uint8Array(101))))).toBe('bad-argument')
    })
  })

  describe('a link that ends', () => {
    it('by the reader, at once, with its reason', async () => {
      const { host, device } = await joined()
      await device.close()
      await expect(read(host, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'peer' } })
    })

    it('by link loss while idle: told at once, and what is sent then is refused (complaint 2: still "connected" after the loss)', async () => {
      const { here, host, device } = await joined()
      const loss = { code: 'link-closed', details: { by: 'loss' } }
      const told = [host, device].map(end => expect(read(end, 1)).rejects.toMatchObject(loss))
      here.radio.linkLoss()
      await Promise.all(told)
      expect(await faultOf(host.send(Uint8Array.of(1)))).toBe('link-closed')
    })

    it('by link loss in a write whose answer does not come, and in those behind it (noble’s own promise hangs)', async () => {
      const { here, host } = await joined()
      here.adapter.dropAcl = true
      const sends = [1, 2, 3].map(byte => faultOf(host.send(Uint8Array.of(byte))))
      await new Promise(resolve => setTimeout(resolve, 20)) // the write is on its way
      here.radio.linkLoss()
      expect(await Promise.all(sends)).toEqual(['link-closed', 'link-closed', 'link-closed'])
    })

    it('out of range: what is sent waits; it arrives when the reader is back in time, and is lost with the link when not', async () => {
      const { here, host, device } = await joined()
      here.radio.inRange = false
      const sending = host.send(Uint8Array.of(7))
      await new Promise(resolve => setTimeout(resolve, 100))
      here.radio.inRange = true
      await sending
      expect(await read(device, 1)).toEqual(Uint8Array.of(7))
      here.radio.inRange = false
      await expect(read(host, 1)).rejects.toMatchObject({ code: 'link-closed', details: { by: 'loss' } }) // noble asks for 420 ms
      here.radio.inRange = true
      await (await here.open()).close()
    })

    it('by the adapter that is switched off, though no stack reports a disconnection (complaint 3); on again, the reader is found', async () => {
      const { here, host } = await joined()
      const lost = read(host, 1)
      here.adapter.power(false)
      await expect(lost).rejects.toMatchObject({
        code: 'link-closed',
        details: { by: 'loss' },
        cause: { details: { reason: 'bluetooth-off' } },
      })
      await expect(here.open()).rejects.toMatchObject({ code: 'link-failed', details: { reason: 'bluetooth-off' } })
      here.adapter.power(true)
      await expect
        .poll(
          () =>
            here.open().then(
              link => link.close().then(() => 'open'),
              error => error.details.reason,
            ),
          { timeout: 5000 },
        )
        .toBe('open')
    })

    it('by the reader’s adapter: it is lost, and advertises again when it is back on', async () => {
      const { here, host, device } = await joined()
      const told = [host, device].map(end => faultOf(read(end, 1)))
      here.radio.power(false)
      expect(await Promise.all(told)).toEqual(['link-closed', 'link-closed'])
      here.radio.power(true)
      const again = await here.open()
      here.radio.power(false)
      here.radio.power(true) // shorter than the second after which bleno looks again
      expect(await faultOf(read(again, 1))).toBe('link-closed')
      await (await here.open()).close()
    })

    it('a reader that rebooted with another attribute table is asked for it anew (complaint 5: reconnect fails after the 24-hour reboot)', async () => {
      const { here, host } = await joined()
      await here.unplug()
      expect(await faultOf(read(host, 1))).toBe('link-closed')
      const more = { ...shape, opening: [{ characteristic: '1234', value: Uint8Array.of(1) }], write: shape.notify, notify: shape.write }
      await here.listen({ shape: more })
      const again = await connect(`ble:${NAME}`, { ble: more, bluetooth: here.central.lib })
      const device = await here.arrival()
      await again.send(Uint8Array.of(1, 2))
      expect(await read(device, 2)).toEqual(Uint8Array.of(1, 2))
      await device.send(Uint8Array.of(3))
      expect(await read(again, 1)).toEqual(Uint8Array.of(3))
      await again.close()
    })

    it('a program that is gone leaves a reader that the next one can have (complaint 4: stale peer)', async () => {
      const { here, device } = await joined()
      here.central.close() // as a process that was killed: no goodbye
      expect(await faultOf(read(device, 1))).toBe('link-closed')
      const next = nobleOn(here.air.controller())
      const link = await connect(`ble:${NAME}`, { ble: shape, bluetooth: next.lib })
      await link.close()
      next.close()
    })
  })

  describe('opening', () => {
    it('tells a reader that is not heard from one that is something else', async () => {
      const here = await room()
      await expect(connect('ble:PP0918900518', { ble: shape, bluetooth: here.central.lib, timeout: 200 })).rejects.toMatchObject({
        code: 'not-found',
      })
      const other = { ...shape, service: 'd839fc3c-84dd-4c36-9126-187b07255125' }
      await expect(connect(`ble:${NAME}`, { ble: other, bluetooth: here.central.lib })).rejects.toMatchObject({
        code: 'link-failed',
        details: { reason: 'no-service' },
      })
      expect(here.radio.links).toBe(0)
    })

    it('by name, by address in any form, and with no name by service; of several services the device’s own', async () => {
      const here = await room(shape, { interval: 2 })
      const other = { ...shape, service: 'd839fc3c-84dd-4c36-9126-187b07255125' }
      for (const where of [NAME, here.radio.address, here.radio.address.replaceAll(':', '').toUpperCase(), '']) {
        const link = await connect(`ble:${where}`, { ble: [other, shape], bluetooth: here.central.lib })
        expect(link.service).toBe(shape.service)
        await link.close()
      }
    })

    it('pairs where the reader wants it', async () => {
      const here = new Room(shape, { interval: 2 })
      rooms.push(here)
      await here.listen({ secure: true })
      const host = await here.open()
      const device = await here.arrival()
      await host.send(Uint8Array.of(1, 2, 3))
      expect(await read(device, 3)).toEqual(Uint8Array.of(1, 2, 3))
    })

    it('names a virtual air that is not there', async () => {
      process.env.TAPDIP_AIR = 'tcp://127.0.0.1:9'
      try {
        await expect(connect(`ble:${NAME}`, { ble: shape })).rejects.toMatchObject({
          code: 'link-failed',
          details: { reason: 'no-adapter' },
        })
      } finally {
        delete process.env.TAPDIP_AIR
      }
    })
  })

  describe('a scan', () => {
    it('tells name, address, services and signal of each device once, and follows the signal where that is wanted', async () => {
      const here = await room(shape, { interval: 2 })
      here.radio.rssi = -80
      const once: BleSighting[] = []
      for await (const one of scanBle({ lib: here.central.lib, timeout: 150 })) once.push(one)
      expect(once.at(-1)).toEqual({
        uri: `ble:${NAME}`,
        id: here.radio.address.replaceAll(':', ''),
        address: here.radio.address,
        name: NAME,
        services: [shape.service],
        rssi: -80,
      })
      expect(once.filter(({ name }) => name === NAME)).toHaveLength(1)
      const seen = new Set<number>()
      for await (const { rssi } of scanBle({ lib: here.central.lib, every: true })) {
        seen.add(rssi)
        here.radio.rssi = -40
        if (seen.has(-40)) break
      }
      expect(seen).toEqual(new Set([-80, -40]))
    })

    it('ends with the adapter, and with its signal', async () => {
      const here = await room()
      const scanning = async (signal?: AbortSignal) => {
        for await (const _ of scanBle({ lib: here.central.lib, signal })) if (!signal) here.adapter.power(false)
      }
      await expect(scanning()).rejects.toMatchObject({ code: 'link-failed', details: { reason: 'bluetooth-off' } })
      here.adapter.power(true)
      await expect.poll(() => here.central.lib.state, { timeout: 3000 }).toBe('poweredOn')
      const controller = new AbortController()
      const ended = faultOf(scanning(controller.signal))
      controller.abort()
      expect(await ended).toBe('aborted')
    })

    it('goes on while a reader is connected to', async () => {
      const here = await room(shape, { interval: 2 })
      const other = here.air.controller()
      const second = await listen('ble', ended, { ble: { shape, name: 'MPOS0000000002', air: other } })
      const names = new Set<string | undefined>()
      for await (const { name } of scanBle({ lib: here.central.lib, every: true })) {
        names.add(name)
        if (name === NAME && names.size === 1) await (await here.open()).close()
        if (names.has('MPOS0000000002') && names.has(NAME)) break
      }
      await second.close()
    })
  })

  it('100 reconnections leave nothing behind: no listener, no handle, no memory (complaint 13)', async () => {
    const here = await room(shape, { interval: 1 })
    const lib = here.central.lib as unknown as EventEmitter & { _peripherals: Record<string, EventEmitter> }
    const once = async () => {
      const link = await here.open()
      const device = await here.arrival()
      await link.send(Uint8Array.of(1))
      await read(device, 1)
      if (++rounds % 3 === 0) here.radio.linkLoss()
      await link.close()
    }
    let rounds = 0
    const count = () =>
      [lib, ...Object.values(lib._peripherals)]
        .flatMap(one => one.eventNames().map(name => one.listenerCount(name)))
        .reduce((a, b) => a + b, 0)
    for (let i = 0; i < 10; i++) await once()
    const before = {
      listeners: count(),
      handles: process.getActiveResourcesInfo().length,
      process: process.listenerCount('exit'),
      heap: heap(),
    }
    for (let i = 0; i < 100; i++) await once()
    expect(count()).toBe(before.listeners)
    expect(process.listenerCount('exit')).toBe(before.process)
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.handles + 3)
    expect(heap() - before.heap).toBeLessThan(3e6)
  }, 60_000)
})
