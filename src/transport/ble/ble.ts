/** A Link over Bluetooth LE, through a noble-like library: found by its name, connected to, tried again. */

import { type Clock, sleep, systemClock, within } from '../../clock.ts'
import { Fault, isFault, throwIfAborted } from '../../errors.ts'
import type { Link } from '../link.ts'
import type { BleShape } from '../shape.ts'
import type { Uri } from '../uri.ts'
import { connect, inUse } from './link.ts'
import { type BleLibrarySource, useRadio } from './radio.ts'
import { find, isMeant } from './scan.ts'

export { type BleScanOptions, type BleSighting, scanBle } from './scan.ts'

export interface BleOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds for the search and the connecting together; 15 000 when left out. */
  readonly timeout?: number | undefined
  /** A noble-like library of the caller's; `@abandonware/noble` when left out. */
  readonly lib?: BleLibrarySource | undefined
  readonly clock?: Clock | undefined
}

/** Milliseconds between two attempts. */
const RETRY_PAUSE = 200
const ATTEMPTS = 3
/** Why a device ends a link before anything was read of it: it keeps the bond of another host (Bluetooth Core 5.4, Vol 1, Part F, 2.5). */
const AUTHENTICATION_FAILURE = 0x05

/**
 * Opens `ble:<name or address>`: waits until the device is heard, connects, finds the shape's characteristics anew, subscribes, and writes the shape's opening. An empty name
 * means the first device that advertises the shape's service. A connection that fails half-way is dropped and made again.
 * @throws Fault `not-found` (nothing of that name was heard), `timeout`, `aborted`, `busy` (open in this program already, or the adapter's
 * limit), `missing-library`; `link-failed` with details.reason `bluetooth-off`, `no-adapter`,
 * `permission`, `no-service` (it is no such reader), `pairing`, `bonded` (with another host: the reader has ended the link), or `failed`
 */
export async function openBle(
  target: Uri & { scheme: 'ble' },
  shape: BleShape | readonly BleShape[],
  options: BleOptions = {},
): Promise<Link> {
  const { uri, name } = target
  const { signal, timeout = 15_000, clock = systemClock, lib } = options
  throwIfAborted(signal)
  const shapes = 'service' in shape ? [shape] : shape
  const last: { heard?: boolean; fault?: Fault } = {}
  try {
    return await within({ timeout, signal, clock, what: `the opening of ${uri}` }, async given => {
      const used = await useRadio(lib)
      try {
        await used.radio.ready({ signal: given, clock })
        const is = isMeant(name, shapes)
        for (const [peripheral, ended] of used.radio.held) {
          if (name === '' || !is(peripheral)) continue
          const ending = ended()
          if (!ending) throw inUse(uri) // a reader that is connected is not heard: the search would be in vain
          await ending
        }
        for (let attempt = 1; ; attempt++) {
          const peripheral = await find(used.radio, is, { signal: given, clock })
          last.heard = true
          try {
            return await connect(used, peripheral, { uri, shapes, clock, signal: given })
          } catch (error) {
            last.fault = failure(uri, error)
            if (given.aborted || attempt === ATTEMPTS || !isFault(last.fault, 'link-failed', 'link-closed', 'timeout')) throw last.fault
            if (last.fault.details.reason === 'pairing' || last.fault.details.reason === 'bonded') throw last.fault
          }
          await sleep(RETRY_PAUSE, clock, given)
        }
      } catch (error) {
        used.release()
        throw error
      }
    })
  } catch (error) {
    if (!isFault(error, 'timeout')) throw error
    if (!last.heard) throw new Fault('not-found', `${uri}: no such Bluetooth reader was heard in ${timeout} ms`, { uri }, { cause: error })
    throw last.fault ?? error
  }
}

/** Why an attempt failed, in our codes: libraries have words only, and HCI's status in brackets. */
function failure(uri: string, error: unknown): Fault {
  if (isFault(error, 'link-closed') && error.cause instanceof Error && !isFault(error.cause)) return failure(uri, error.cause) // a write that was refused
  const failed = (reason: string, why: string) =>
    new Fault('link-failed', `${uri} does not connect: ${why}`, { uri, reason }, { cause: error })
  if (isFault(error, 'link-closed') && error.cause === AUTHENTICATION_FAILURE) return failed('bonded', 'it is paired with another device')
  if (error instanceof Fault) return error
  const words = error instanceof Error ? error.message : String(error)
  if (/authenti|encrypt|pairing|bond|key missing|0x0?[56]\)/i.test(words)) return failed('pairing', `pairing failed (${words})`)
  if (/disallowed|limit exceeded|limited resources|already exists|busy/i.test(words))
    return new Fault('busy', `${uri}: the Bluetooth adapter or the reader is busy (${words})`, { uri }, { cause: error })
  return failed('failed', words)
}
