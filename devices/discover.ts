/** Finds readers over every transport at once, and tells of each as it is seen. */

import { scanBle } from '#platform/bluetooth'
import { listHid, listPcscReaders, listSerialPorts } from '#platform/transports'
import { benchAddress } from '../src/bench-address.ts'
import { type Clock, sleep, systemClock } from '../src/clock.ts'
import { asFault, Fault, isFault, throwIfAborted } from '../src/errors.ts'
import { Queue } from '../src/queue.ts'
import { listBench } from './bench-readers.ts'
import { identify } from './families.ts'

/** Where readers are searched; `bench`: at a bench (`tapdip-sim bench`), whose readers are virtual. */
export type Transport = 'ble' | 'serial' | 'hid' | 'pcsc' | 'bench'
/** Every `Transport`. */
export const transports: readonly Transport[] = ['ble', 'serial', 'hid', 'pcsc', 'bench']

/** A reader that can be seen. */
export interface FoundReader {
  /** What `open` takes. */
  readonly uri: string
  /** Where it was found. */
  readonly transport: Transport
  /** Undefined where nothing tells: a serial port behind a converter, a device that nobody knows. */
  readonly family?: string
  /** As it advertises or calls itself: `PP0918900518`. */
  readonly name?: string
  /** Serial number of its USB device, where it tells one. */
  readonly serial?: string
  /** As its USB or Bluetooth identity names it. */
  readonly model?: string
  /** dBm, of Bluetooth. */
  readonly rssi?: number
  /** Of a reader on a bench's virtual air: what the environment's `TAPDIP_AIR` is to be, where it is opened. */
  readonly air?: string
}

/** What a search tells. */
export type Discovery =
  | {
      /** A reader is there, or more is known of it. */
      readonly type: 'found'
      /** What is known. */
      readonly reader: FoundReader
    }
  | {
      /** It was found before and is gone from the list of its transport; Bluetooth devices are not missed. */
      readonly type: 'lost'
      /** As it was found. */
      readonly uri: string
    }
  | {
      /** This transport cannot be searched, the others go on. */
      readonly type: 'unavailable'
      /** Which. */
      readonly transport: Transport
      /** Why: no library, Bluetooth off, no permission … */
      readonly fault: Fault
    }

/** Bluetooth is searched only where the phone's location service is on and may be asked: the host app knows, and says so here. */
export type LocationState = 'on' | 'off' | 'denied'

/** Where is searched, for what, and how long. */
export interface DiscoverOptions {
  /** All when left out; a bench only where one is named. */
  readonly transports?: readonly Transport[] | undefined
  /** The address of a bench with its token, as it prints it: `http://127.0.0.1:7000/#token=…`. */
  readonly bench?: string | undefined
  /** Only readers of these families; all that can be seen, known or not, when left out. */
  readonly families?: readonly string[] | undefined
  /** Milliseconds, after which it ends; never when left out. */
  readonly timeout?: number | undefined
  /** Ends the search quietly. */
  readonly signal?: AbortSignal | undefined
  /** Times the looks; the system's when left out. */
  readonly clock?: Clock | undefined
  /** Looks at the cabled readers once instead of again and again. */
  readonly once?: boolean | undefined
  /** Asked before Bluetooth is searched; it is searched at once when left out. */
  readonly location?: (() => Promise<LocationState>) | undefined
  /** How each transport is searched; by its own library when left out. */
  readonly sources?: Partial<Sources> | undefined
}

/** How Bluetooth is searched. */
export interface BleSearch {
  /** Ends it. */
  readonly signal: AbortSignal
  /** Times it. */
  readonly clock: Clock
}

/** Bluetooth devices as they are heard; cabled readers as they are listed. */
export interface Sources {
  /** Bluetooth Low Energy: each device as it is heard, until `signal` fires. */
  readonly ble: (options: BleSearch) => AsyncIterable<FoundReader>
  /** The serial ports that are there now. */
  readonly serial: () => Promise<readonly FoundReader[]>
  /** The HID devices that are there now. */
  readonly hid: () => Promise<readonly FoundReader[]>
  /** The readers of the PC/SC service that are there now. */
  readonly pcsc: () => Promise<readonly FoundReader[]>
  /** The readers of the bench at this address that are there now. */
  readonly bench: (address: string) => Promise<readonly FoundReader[]>
}

/** Milliseconds between two looks at the cabled readers. */
const LOOK_AGAIN = 1000

/**
 * Searches until the time is over, until the loop is left, or until `signal` fires, which ends it quietly; without a limit of time the cabled readers alone, looked at `once`,
 * end it too. Each reader is told once, and again when more of it becomes known.
 * @throws Fault `bad-argument` for a transport that is not known, or a bench without its address
 * @example
 * ```ts
 * import { discover } from 'tapdip'
 *
 * for await (const seen of discover({ transports: ['ble', 'serial'], timeout: 10_000 })) {
 *   if (seen.type === 'found') console.log(seen.reader.name ?? seen.reader.uri, seen.reader.family ?? 'of no family that is known')
 *   if (seen.type === 'unavailable') console.warn(`${seen.transport}: ${seen.fault.message}`)
 * }
 * ```
 */
export async function* discover(options: DiscoverOptions = {}): AsyncGenerator<Discovery, void> {
  const { signal, timeout, clock = systemClock, families } = options
  const wanted = options.transports ?? transports.filter(one => one !== 'bench' || options.bench !== undefined)
  const odd = wanted.find(one => !transports.includes(one))
  if (odd !== undefined)
    throw new Fault('bad-argument', `transport '${odd}' is not one of ${transports.join(', ')}`, { field: 'transports' })
  if (wanted.includes('bench')) benchAddress(options.bench ?? '')
  throwIfAborted(signal)
  const found = new Queue<Discovery>()
  const stop = new AbortController()
  let gone = false
  const end = () => stop.abort()
  const leave = () => {
    gone = true
    end()
  }
  signal?.addEventListener('abort', leave, { once: true })
  const cancelTimer = timeout === undefined ? () => {} : clock.timer(timeout, end)
  const search = {
    ...options,
    clock,
    signal: stop.signal,
    tell: (one: Discovery) => found.push(one),
    left: () => gone,
    sources: { ...installed, ...options.sources },
  }
  const searches = Promise.all(wanted.map(one => searchOne(one, search)))
  void searches.then(() => found.end())
  try {
    for await (const one of found) if (one.type !== 'found' || fits(one.reader, families)) yield one
  } finally {
    cancelTimer()
    signal?.removeEventListener('abort', leave)
    leave()
    await searches
  }
}

function fits({ family }: FoundReader, families: readonly string[] | undefined): boolean {
  return families === undefined || (family !== undefined && families.includes(family))
}

interface Search extends DiscoverOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly sources: Sources
  readonly tell: (one: Discovery) => void
  /** Nobody listens any more. */
  readonly left: () => boolean
}

/** Never rejects: what goes wrong is told of the transport it goes wrong with. */
async function searchOne(transport: Transport, search: Search): Promise<void> {
  try {
    if (transport === 'ble') await searchAir(search)
    else await look(transport === 'bench' ? () => search.sources.bench(search.bench!) : search.sources[transport], search)
  } catch (error) {
    if (!search.signal.aborted) search.tell({ type: 'unavailable', transport, fault: asFault(error, 'link-failed') })
  }
}

async function searchAir({ sources, signal, clock, location, tell }: Search): Promise<void> {
  const state = (await location?.()) ?? 'on'
  if (state !== 'on') {
    const why = state === 'off' ? 'the location service is off' : 'the app may not use the location'
    throw new Fault('link-failed', `Bluetooth readers cannot be searched for: ${why}`, { reason: `location-${state}` })
  }
  for await (const reader of sources.ble({ signal, clock })) {
    if (signal.aborted) return
    tell({ type: 'found', reader })
  }
}

/** Lists again and again: what is new is found, what is missing is lost. */
async function look(list: () => Promise<readonly FoundReader[]>, { signal, clock, once, tell, left }: Search): Promise<void> {
  // One look is finished even where it takes longer than Bluetooth is listened to: a slow machine has its cables too.
  const over = () => (once ? left() : signal.aborted)
  let before = new Map<string, string>()
  while (!over()) {
    const now = new Map<string, string>()
    for (const reader of await list()) {
      const words = JSON.stringify(reader)
      now.set(reader.uri, words)
      if (before.get(reader.uri) !== words && !over()) tell({ type: 'found', reader })
    }
    for (const uri of before.keys()) if (!now.has(uri)) tell({ type: 'lost', uri })
    if (once) return
    before = now
    await sleep(LOOK_AGAIN, clock, signal).catch(error => {
      if (!isFault(error, 'aborted')) throw error
    })
  }
}

/** What a controller says where it does not know the signal (Bluetooth Core, Vol 4, Part E, 7.7.65.2). */
const NO_SIGNAL = 127

const installed: Sources = {
  async *ble({ signal, clock }) {
    for await (const { uri, name, services, rssi } of scanBle({ signal, clock })) {
      const family = identify({ name, services })?.name
      const known = family !== undefined && identify({ name })?.name !== family ? `?family=${family}` : ''
      // The serial number is the name: PP0918900518, MPOS0000000001.
      yield {
        uri: `${uri}${known}`,
        transport: 'ble',
        ...(family && { family }),
        ...(name && { name, ...(family && { serial: name }) }),
        ...(rssi !== NO_SIGNAL && { rssi }),
      }
    }
  },

  async serial() {
    const ports = await listSerialPorts()
    return ports.map(({ uri, vendor, product, manufacturer, serial }) => {
      const family = vendor === undefined || product === undefined ? undefined : identify({ usb: { vendor, product } })?.name
      const name = [manufacturer, serial].filter(Boolean).join(' ')
      const known = { ...(family && { family }), ...(name && { name }), ...(serial && { serial }) }
      return { uri: family ? `${uri}?family=${family}` : uri, transport: 'serial', ...known }
    })
  },

  /** Keyboards and mice are HID devices too: only what a family knows. */
  async hid() {
    const devices = await listHid()
    return devices.flatMap(({ uri, vendor, product, serial, name }) => {
      const family = identify({ usb: { vendor, product } })?.name
      return family ? [{ uri, transport: 'hid', family, ...(name && { name, model: name }), ...(serial && { serial }) }] : []
    })
  },

  async bench(address) {
    const readers = await listBench(address)
    return readers.map(({ uri, family, serial, model, air }) => ({
      uri,
      transport: 'bench',
      family,
      name: serial,
      serial,
      model,
      ...(air !== undefined && { air }),
    }))
  },

  /** None where there is no PC/SC service: most machines have no need of one. */
  async pcsc() {
    const names = await listPcscReaders().catch(error => {
      if (!isFault(error, 'link-failed')) throw error
      return []
    })
    return names.map(name => ({ uri: `pcsc:${encodeURIComponent(name)}`, transport: 'pcsc', family: 'pcsc', name }))
  },
}
