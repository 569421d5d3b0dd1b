/** The line of a virtual reader in the memory of this process: one connection at a time, each a new pipe. */

import type { Clock } from '../src/clock.ts'
import { Fault, isFault } from '../src/errors.ts'
import type { Link } from '../src/transport/link.ts'
import { pipe } from '../src/transport/pipe.ts'
import type { VirtualReader } from './readers/reader.ts'

/** What `link` needs of a reader. */
type Served = Pick<VirtualReader, 'serial' | 'serve'>

export class MemoryLine {
  /** What went wrong on it, of which nobody has heard. */
  readonly faults: Fault[] = []
  readonly #reader: Served
  readonly #clock: Clock | undefined
  readonly #told: () => void
  #line: Link | undefined

  /** `clock`: of the pipe, the system's when left out. `told` hears when a connection begins or ends. */
  constructor(reader: Served, { clock, told = () => {} }: { readonly clock?: Clock; readonly told?: () => void } = {}) {
    this.#reader = reader
    this.#clock = clock
    this.#told = told
  }

  /** Somebody is connected over it. */
  get connected(): boolean {
    return this.#line !== undefined
  }

  /** A new connection. @throws Fault `busy` while the one before is open */
  link(): Link {
    if (this.#line)
      throw new Fault('busy', `${this.#reader.serial} is connected to ${this.#line.uri}: close that first`, { uri: this.#line.uri })
    const [host, device] = pipe({ clock: this.#clock })
    const { uri, mtu, incoming } = host
    const over = () => {
      if (this.#line !== line) return
      this.#line = undefined
      this.#told()
    }
    const line: Link = {
      ...{ uri, mtu, incoming },
      send: bytes => host.send(bytes),
      close() {
        over()
        return host.close()
      },
    }
    this.#line = line
    this.#reader
      .serve(device)
      .catch(async fault => {
        if (isFault(fault, 'busy')) return device.drop(fault) // another program has it: as on TCP, the host is told
        this.faults.push(fault)
        await device.close()
      })
      .finally(over)
    this.#told()
    return line
  }
}
