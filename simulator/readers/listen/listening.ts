/** A device that programs can reach, wherever it was put. */

import type { Link } from '../../../src/transport/link.ts'
import type { Controller } from '../../air/controller.ts'

/** Runs a device on one link until the link is over. */
export type ServeLink = (link: Link) => Promise<void>

/** A reader that is served: where it is found, until it is closed. */
export interface Listening {
  /** What a host connects to: `serial:/dev/pts/4`, `tcp://127.0.0.1:9100`; `pcsc:` for any program of PC/SC. */
  readonly uri: string
  /** Of `ble:<port>`: what a host on this machine is given as `TAPDIP_AIR`. */
  readonly air?: string
  /** Of `ble` on an air of this process: signal, range, link loss, switch. */
  readonly radio?: Controller
  /** Unplugs the device: idempotent; resolves when its links are closed and `serve` has returned. */
  close(): Promise<void>
}
