/** Bluetooth LE of a machine with Node: loaded when it is asked for. */

import type { BleOptions, BleScanOptions, BleSighting } from '../../transport/ble/ble.ts'
import type { Link } from '../../transport/link.ts'
import type { BleShape } from '../../transport/shape.ts'
import type { Uri } from '../../transport/uri.ts'

export async function openBle(
  at: Extract<Uri, { scheme: 'ble' }>,
  shape: BleShape | readonly BleShape[],
  options: BleOptions,
): Promise<Link> {
  return (await import('../../transport/ble/ble.ts')).openBle(at, shape, options)
}

export async function* scanBle(options: BleScanOptions): AsyncIterable<BleSighting> {
  yield* (await import('../../transport/ble/ble.ts')).scanBle(options)
}
