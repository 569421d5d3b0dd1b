/** Bluetooth LE links over the virtual air, between unmodified noble and bleno: the Link contract, chunks and acknowledgements, and everything that goes wrong on a radio. */

import { afterEach, describe } from 'vitest'
import { Air, type AirOptions } from '../simulator/air/air.ts'
import type { Controller } from '../simulator/air/controller.ts'
import { nobleOn, type VirtualCentral } from '../simulator/air/host.ts'
import { type Listening, listen } from '../simulator/readers/listen.ts'
import { connect } from '../src/transport/connect.ts'
import type { Link } from '../src/transport/link.ts'
import type { BleShape } from '../src/transport/shape.ts'
import { bluetooth } from './bluetooth.ts'
import { type LinkKind, linkContract } from './link-contract.ts'

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
  readonly #arrivals: Link[] = []
  #arrive: (() => void) | undefined
  #leave: () => void = () => {}
  #listening: Listening | undefined

  constructor(own: BleShape = shape, options: AirOptions = {}) {
    this.shape = own
    this.air = new Air(options)
    this.radio = this.air.controller()
    this.adapter = this.air.controller()
    this.central = nobleOn(this.adapter)
  }

  async listen(): Promise<void> {
    const left = new Promise<void>(resolve => {
      this.#leave = resolve
    })
    const serve = (link: Link) => {
      this.#arrivals.push(link)
      this.#arrive?.()
      return Promise.race([left, ended(link)])
    }
    this.#listening = await listen('ble', serve, { ble: { shape: this.shape, name: NAME, air: this.radio } })
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
    this.#leave()
    await this.#listening?.close()
    this.central.close()
    this.air.close()
  }
}

/** Never resolves by itself: what comes is left for the test to read. */
function ended(_link: Link): Promise<void> {
  return new Promise(() => {})
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
})
