/** The virtual air: controllers that hear each other as radios would, with no radio. Unmodified Bluetooth stacks meet on it. */

import { type Clock, systemClock } from '../../src/clock.ts'
import { Fault } from '../../src/errors.ts'
import { Controller, type Ether } from './controller.ts'

export interface AirOptions {
  readonly clock?: Clock
  /** Milliseconds between two advertisements of one controller, whatever its host asks for; 20 when left out. */
  readonly interval?: number
  /** The signal of a controller that is given none, in dBm; -52 when left out. */
  readonly rssi?: number
  /** ACL buffers that each controller says it has: bytes of one (from 27), and how many. 251 and 8 when left out; a small length makes hosts fragment. */
  readonly buffers?: { readonly length: number; readonly count: number }
}

export class Air implements Ether {
  readonly clock: Clock
  readonly interval: number
  readonly buffers: { readonly length: number; readonly count: number }
  readonly #rssi: number
  readonly #controllers = new Set<Controller>()
  #made = 0
  #handle = 0

  constructor({ clock = systemClock, interval = 20, rssi = -52, buffers = { length: 251, count: 8 } }: AirOptions = {}) {
    if (!(buffers.length >= 27 && buffers.length <= 251 && buffers.count >= 1 && buffers.count <= 255))
      throw new Fault('bad-argument', 'buffers of an air: from 27 to 251 bytes, from 1 to 255 of them', { field: 'buffers' })
    this.clock = clock
    this.interval = interval
    this.buffers = buffers
    this.#rssi = rssi
  }

  get controllers(): ReadonlySet<Controller> {
    return this.#controllers
  }

  /** A new controller, switched on and in range. Its address when left out: `02:74:61:70:00:01` and so on, locally administered. */
  controller(address?: string): Controller {
    const number = ++this.#made
    const own = address ?? `02:74:61:70:${byte(number >> 8)}:${byte(number)}`
    if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(own))
      throw new Fault('bad-argument', `'${own}' is no Bluetooth address`, { field: 'address' })
    const controller = new Controller(this, own.toLowerCase(), this.#rssi)
    this.#controllers.add(controller)
    return controller
  }

  /** Takes a controller away: its links are lost. */
  remove(controller: Controller): void {
    controller.close()
    this.#controllers.delete(controller)
  }

  /** Whether two controllers are in range of each other. */
  hear(one: Controller, other: Controller): boolean {
    return one.inRange && other.inRange
  }

  nextHandle(): number {
    this.#handle = (this.#handle % 0xeff) + 1 // handles run to 0EFF (Vol 4, Part E, 5.4.2)
    return this.#handle
  }

  close(): void {
    for (const controller of [...this.#controllers]) this.remove(controller)
  }
}

const byte = (value: number) => (value & 0xff).toString(16).padStart(2, '0')
