/** From a URI to an open Link; the transport it needs is loaded when it is asked for, and refused where the platform has none. */

import { openBle } from '#platform/bluetooth'
import { openHid, openSerial, openTcp } from '#platform/transports'
import * as door from '../door.ts'
import { Fault, throwIfAborted } from '../errors.ts'
import type { ConnectOptions } from './connect-options.ts'
import type { Link } from './link.ts'
import { parseUri, type Uri } from './uri.ts'

export type { ConnectOptions } from './connect-options.ts'

/**
 * Opens the link that `uri` names (`uriForms`).
 * @throws Fault `bad-uri`, `not-found`, `busy`, `link-failed`, `missing-library`, `timeout`, `aborted`; `unsupported` for a scheme that yields no byte pipe
 * here, or a family without Bluetooth LE, with details.feature
 * @example
 * const link = await connect('tcp://127.0.0.1:9100', { timeout: 2000 })
 * await printOver(link, escPos(slipRows(receipt)))
 * await link.close()
 */
export async function connect(uri: string | Uri, options: ConnectOptions = {}): Promise<Link> {
  door.need('uri', uri, door.either('a URI', door.anyText, door.object))
  door.need('options', options, door.object)
  const target = typeof uri === 'string' ? parseUri(uri) : uri
  throwIfAborted(options.signal)
  switch (target.scheme) {
    case 'tcp':
      return openTcp(target, options)
    case 'serial':
      return openSerial(target, options)
    case 'hid':
      return openHid(target, options)
    case 'ble': {
      const { ble, bluetooth, ...limit } = options
      if (!ble) throw new Fault('unsupported', `${target.uri}: nothing is known of Bluetooth LE readers of this family`, { feature: 'ble' })
      return openBle(target, ble, { ...limit, lib: bluetooth })
    }
    case 'replay':
      throw new Fault('unsupported', `${target.uri} is played by what is said, which its family knows: open it as a reader`, {
        feature: target.scheme,
      })
    case 'pcsc':
      throw new Fault('unsupported', `${target.uri} leads to cards, not to bytes: open it as a reader`, { feature: target.scheme })
  }
}
