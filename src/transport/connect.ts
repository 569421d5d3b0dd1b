/** From a URI to an open Link; the transport it needs is loaded when it is asked for. */

import { Fault, throwIfAborted } from '../errors.ts'
import type { Link } from './link.ts'
import type { HidShape } from './shape.ts'
import { parseUri, type Uri } from './uri.ts'

export interface ConnectOptions {
  signal?: AbortSignal | undefined
  /** Milliseconds until the link must be open; 10 000 when left out. */
  timeout?: number | undefined
  /** How the family's bytes lie in HID reports; 64 bytes without ids when left out. */
  hid?: HidShape | undefined
}

/**
 * Opens the link that `uri` names (`uriForms`).
 * @throws Fault `bad-uri`, `not-found`, `busy`, `link-failed`, `missing-library`, `timeout`, `aborted`; `unsupported` for a scheme that yields no byte pipe
 * here, with details.feature
 */
export async function connect(uri: string | Uri, options: ConnectOptions = {}): Promise<Link> {
  const target = typeof uri === 'string' ? parseUri(uri) : uri
  throwIfAborted(options.signal)
  switch (target.scheme) {
    case 'tcp':
      return (await import('./tcp.ts')).openTcp(target, options)
    case 'serial':
      return (await import('./serial.ts')).openSerial(target, options)
    case 'hid':
      return (await import('./hid.ts')).openHid(target, options.hid, options)
    case 'ble':
    case 'pcsc':
      throw new Fault('unsupported', `${target.uri}: this version opens serial, tcp and hid links, not ${target.scheme}`, {
        feature: target.scheme,
      })
  }
}
