/** From a URI to an open Link; the transport it needs is loaded when it is asked for. */

import * as door from '../door.ts'
import { Fault, throwIfAborted } from '../errors.ts'
import type { BleLibrarySource } from './ble-radio.ts'
import type { Link } from './link.ts'
import type { BleShape, HidShape } from './shape.ts'
import { parseUri, type Uri } from './uri.ts'

export interface ConnectOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds until the link must be open; 10 000 when left out, 15 000 over Bluetooth LE. */
  timeout?: number | undefined
  /** How the family's bytes lie in HID reports; 64 bytes without ids when left out. */
  hid?: HidShape | undefined
  /** The GATT services of the family, one of which the device has; `ble:` needs it. */
  ble?: BleShape | readonly BleShape[] | undefined
  /** A noble-like library of the caller's for Bluetooth LE; `@abandonware/noble` when left out. */
  bluetooth?: BleLibrarySource | undefined
}

/**
 * Opens the link that `uri` names (`uriForms`).
 * @throws Fault `bad-uri`, `not-found`, `busy`, `link-failed`, `missing-library`, `timeout`, `aborted`; `unsupported` for a scheme that yields no byte pipe
 * here, or a family without Bluetooth LE, with details.feature
 */
export async function connect(uri: string | Uri, options: ConnectOptions = {}): Promise<Link> {
  door.need('uri', uri, door.either('a URI', door.anyText, door.object))
  door.need('options', options, door.object)
  const target = typeof uri === 'string' ? parseUri(uri) : uri
  throwIfAborted(options.signal)
  switch (target.scheme) {
    case 'tcp':
      return (await import('./tcp.ts')).openTcp(target, options)
    case 'serial':
      return (await import('./serial.ts')).openSerial(target, options)
    case 'hid':
      return (await import('./hid.ts')).openHid(target, options.hid, options)
    case 'ble': {
      const { ble, bluetooth, ...limit } = options
      if (!ble) throw new Fault('unsupported', `${target.uri}: nothing is known of Bluetooth LE readers of this family`, { feature: 'ble' })
      return (await import('./ble.ts')).openBle(target, ble, { ...limit, lib: bluetooth })
    }
    case 'pcsc':
      throw new Fault('unsupported', `${target.uri} leads to cards, not to bytes: open it as a reader`, { feature: target.scheme })
  }
}
