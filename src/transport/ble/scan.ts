/** The search for Bluetooth LE devices: who advertises, under which name, with which services, how loud. */

import { type Clock, systemClock, within } from '../../clock.ts'
import { type Fault, throwIfAborted } from '../../errors.ts'
import type { BleShape } from '../shape.ts'
import { type BleLibrarySource, type BlePeripheral, type Radio, useRadio } from './radio.ts'

export interface BleSighting {
  /** What `openBle` takes: by name, or by address where none is advertised. */
  readonly uri: string
  readonly id: string
  readonly address?: string
  readonly name?: string
  /** In the form of `BleShape`: lower case, with hyphens where they are long. */
  readonly services: readonly string[]
  /** dBm. */
  readonly rssi: number
}

export interface BleScanOptions {
  readonly signal?: AbortSignal | undefined
  /** A noble-like library of the caller's; `@abandonware/noble` when left out. */
  readonly lib?: BleLibrarySource | undefined
  readonly clock?: Clock | undefined
  /** Milliseconds, after which it ends; never when left out. */
  readonly timeout?: number | undefined
  /** Every advertisement, so that the signal can be followed; else each device once, and again when its name or its services become known. */
  readonly every?: boolean | undefined
}

/**
 * The devices that advertise, as they are heard, until `timeout`, until the loop is left, or until `signal` fires.
 * @throws Fault as `openBle` for the adapter; also when it is switched off in between
 */
export async function* scanBle({
  signal,
  timeout,
  lib,
  clock = systemClock,
  every = false,
}: BleScanOptions = {}): AsyncGenerator<BleSighting, void> {
  throwIfAborted(signal)
  const used = await useRadio(lib)
  const heard: BleSighting[] = []
  const known = new Map<string, string>()
  let fault: Fault | undefined
  let wake = () => {}
  let over = false
  const unwatch = used.radio.watch(gone => {
    fault = gone
    wake()
  })
  const end = () => {
    over = true
    wake()
  }
  let cancel = () => {}
  let stop = async () => {}
  try {
    await used.radio.ready({ signal, clock })
    signal?.addEventListener('abort', end, { once: true })
    if (timeout !== undefined) cancel = clock.timer(timeout, end)
    const hear = (peripheral: BlePeripheral) => {
      const sighting = sightingOf(peripheral)
      const details = [sighting.name, ...sighting.services].join()
      if (!every && known.get(sighting.id) === details) return
      known.set(sighting.id, details)
      heard.push(sighting)
      wake()
    }
    stop = await used.radio.scan(hear, { signal, clock })
    for (;;) {
      throwIfAborted(signal)
      const next = heard.shift()
      if (next) yield next
      else if (fault) throw fault
      else if (over) return
      else
        await new Promise<void>(resolve => {
          wake = resolve
        })
    }
  } finally {
    cancel()
    signal?.removeEventListener('abort', end)
    unwatch()
    await stop()
    used.release()
  }
}

function sightingOf({ id, address, advertisement, rssi }: BlePeripheral): BleSighting {
  const { localName, serviceUuids } = advertisement
  const where = address || id
  return {
    uri: `ble:${encodeURIComponent(localName || where)}`,
    id,
    ...(address && { address }),
    ...(localName && { name: localName }),
    services: (serviceUuids ?? []).map(long),
    rssi,
  }
}

/** `49535343fe7d…` as `49535343-fe7d-…`; short ones stay short. */
function long(uuid: string): string {
  const plain = short(uuid)
  return plain.length === 32 ? plain.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : plain
}

/** As noble writes them: without hyphens, and 16-bit ones as 4 digits (Bluetooth Core 5.4, Vol 3, Part B, 2.5.1). */
export function short(uuid: string): string {
  const plain = uuid.replaceAll('-', '').toLowerCase()
  return /^0000(.{4})00001000800000805f9b34fb$/.exec(plain)?.[1] ?? plain
}

/** What every wait of an opening hangs on. */
export interface Step {
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** Which devices a name means: an advertised name, an address in any form; with no name those that advertise one of the shapes' services. */
export function isMeant(name: string, shapes: readonly BleShape[]): (peripheral: BlePeripheral) => boolean {
  const plain = (text: string) => text.replaceAll(/[:-]/g, '').toLowerCase()
  const services = shapes.map(({ service }) => short(service))
  return ({ id, address = '', advertisement: { localName, serviceUuids = [] } }) =>
    name === ''
      ? serviceUuids.some(uuid => services.includes(short(uuid)))
      : localName === name || [id, address].some(one => plain(one) === plain(name))
}

/** The first such device that is heard. @throws Fault `aborted`, or why the adapter cannot */
export async function find(radio: Radio, is: (peripheral: BlePeripheral) => boolean, { signal, clock }: Step): Promise<BlePeripheral> {
  let unwatch = () => {}
  let stop = async () => {}
  try {
    return await within({ signal, clock }, () => {
      return new Promise<BlePeripheral>((resolve, reject) => {
        unwatch = radio.watch(reject)
        radio
          .scan(peripheral => is(peripheral) && resolve(peripheral), { signal, clock })
          .then(end => {
            stop = end
            if (signal.aborted) void end()
          }, reject)
      })
    })
  } finally {
    unwatch()
    await stop()
  }
}
