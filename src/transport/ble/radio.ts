/** One owner of a Bluetooth adapter: its state watched once, its scans shared, its connecting one at a time, whoever in the program uses it. */

import { type Clock, within } from '../../clock.ts'
import { asFault, Fault, isFault } from '../../errors.ts'
import { isMissing, missingLibrary } from '../../missing-library.ts'
import { dialAir, hciSocketOver, loadOwn, startLibrary } from './hci.ts'

/** Whatever an emitter calls. */
// biome-ignore lint/suspicious/noExplicitAny: so do EventEmitters type theirs; nothing else would take them
export type AnyListener = (...values: any[]) => void

/** What is used of a noble-like library: what `@abandonware/noble` and `@stoprocent/noble` have in common, and do alike. */
export interface BleLibrary {
  /** `poweredOn`, `poweredOff`, `unauthorized`, `unsupported`, `resetting`, `unknown`. */
  readonly state?: string
  /** The adapter was switched on or off. */
  on(event: 'stateChange', listener: (state: string) => void): unknown
  /** A device advertises. */
  on(event: 'discover', listener: (peripheral: BlePeripheral) => void): unknown
  /** The library complains, of rights for one. */
  on(event: 'warning', listener: (message: string) => void): unknown
  /** As Node's EventEmitter. */
  removeListener(event: string, listener: AnyListener): unknown
  /** Begins to look for devices; those of all services where the list is empty. */
  startScanningAsync(services: string[], allowDuplicates: boolean): Promise<unknown>
  /** Ends the looking. */
  stopScanningAsync(): Promise<unknown>
}

/** A device that was seen, as the library has it. */
export interface BlePeripheral {
  /** The address without colons; on macOS a name of the system's own. */
  readonly id: string
  /** With colons; left out where the system hides it. */
  readonly address?: string
  /** What it advertises. */
  readonly advertisement: {
    /** Its name. */
    readonly localName?: string | undefined
    /** Its services, without hyphens. */
    readonly serviceUuids?: readonly string[] | undefined
  }
  /** Signal in dBm. */
  readonly rssi: number
  /** `connected`, `disconnected`, and what lies between. */
  readonly state: string
  /** The connection is over. */
  on(event: 'disconnect', listener: (reason?: unknown) => void): unknown
  /** The connection stands, or failed. */
  once(event: 'connect', listener: (error?: unknown) => void): unknown
  /** As Node's EventEmitter. */
  removeListener(event: string, listener: AnyListener): unknown
  /** Connects to it. */
  connectAsync(): Promise<unknown>
  /** Gives up connecting; left out where the library cannot. */
  cancelConnect?(): unknown
  /** Ends the connection. */
  disconnectAsync(): Promise<unknown>
  /** Looks for these services and characteristics. */
  discoverSomeServicesAndCharacteristicsAsync(
    services: string[],
    characteristics: string[],
  ): Promise<{
    /** Those found, in the device's order. */
    readonly characteristics: readonly BleCharacteristic[]
  }>
}

/** A GATT characteristic, as the library has it. */
export interface BleCharacteristic {
  /** Without hyphens, in lower case. */
  readonly uuid: string
  /** `read`, `write`, `writeWithoutResponse`, `notify`, … */
  readonly properties: readonly string[]
  /** It was read, or notified. */
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  /** As Node's EventEmitter. */
  removeListener(event: string, listener: AnyListener): unknown
  /** Reads it. */
  readAsync(): Promise<Uint8Array>
  /** Writes it, and waits for the device's response unless told not to. */
  writeAsync(bytes: Uint8Array, withoutResponse: boolean): Promise<unknown>
  /** Switches its notifications on. */
  subscribeAsync(): Promise<unknown>
}

/** Milliseconds for the library to say what state the adapter is in, and to start or stop a scan. */
const STATE_TIME = 3000
const SCAN_TIME = 3000
/** Milliseconds for the controller of `TAPDIP_AIR` to take the connection. */
const DIAL_TIME = 3000

export interface RadioLimit {
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
}

export class Radio {
  /** Devices that are connected to for a Link, each with what tells when that is over; undefined while it is not. */
  readonly held = new Map<BlePeripheral, () => Promise<void> | undefined>()
  readonly #library: BleLibrary
  readonly #end: () => void
  readonly #scanners = new Set<(peripheral: BlePeripheral) => void>()
  readonly #watchers = new Set<(fault: Fault) => void>()
  readonly #waiting = new Set<() => void>()
  readonly #onState: (state: string) => void
  readonly #onWarning: (message: string) => void
  readonly #onDiscover: (peripheral: BlePeripheral) => void
  #warning = ''
  #turn: Promise<unknown> = Promise.resolve()
  #scanning = false
  #paused = false

  /** `end` is called when the last user has gone. */
  constructor(library: BleLibrary, end: () => void) {
    this.#library = library
    this.#end = end
    this.#onState = state => {
      for (const look of [...this.#waiting]) look()
      const fault = stateFault(state === 'resetting' ? 'poweredOff' : state) // a stack that begins anew has lost its links, too
      if (!fault) return
      this.#scanning = false // an adapter that comes back has forgotten its scan
      for (const watcher of [...this.#watchers]) watcher(fault)
    }
    this.#onWarning = message => {
      this.#warning = message
      for (const look of [...this.#waiting]) look()
    }
    this.#onDiscover = peripheral => {
      for (const scanner of [...this.#scanners]) scanner(peripheral)
    }
    library.on('warning', this.#onWarning)
    library.on('discover', this.#onDiscover)
    library.on('stateChange', this.#onState) // last: this starts a library that is not started yet
  }

  /** Resolves when the adapter is on. @throws Fault `link-failed` with details.reason `bluetooth-off`, `no-adapter`, `permission`; `busy`, `aborted` */
  async ready({ signal, clock }: RadioLimit = {}): Promise<void> {
    const look = (): boolean => {
      const state = this.#library.state ?? 'unknown'
      if (state === 'poweredOn') return true
      const fault = stateFault(state) ?? (this.#warning ? startFault(new Error(this.#warning)) : undefined)
      if (fault) throw fault
      return false
    }
    if (look()) return
    try {
      await within({ signal, clock, timeout: STATE_TIME, what: 'the state of the Bluetooth adapter' }, inner => {
        return new Promise<void>((resolve, reject) => {
          const again = () => {
            try {
              if (!look()) return
              resolve()
            } catch (error) {
              reject(error)
            }
            this.#waiting.delete(again)
          }
          this.#waiting.add(again)
          inner.addEventListener('abort', () => this.#waiting.delete(again), { once: true })
        })
      })
    } catch (error) {
      throw isFault(error, 'timeout') ? noAdapter('the library does not say that there is one', error) : error
    }
  }

  /** Calls `gone` when the adapter is switched off or pulled out; the returned function ends that. */
  watch(gone: (fault: Fault) => void): () => void {
    this.#watchers.add(gone)
    return () => void this.#watchers.delete(gone)
  }

  /** Hears every advertisement until the returned function is called. @throws Fault `timeout`, or what the library throws as `link-failed` */
  async scan(heard: (peripheral: BlePeripheral) => void, limit: RadioLimit = {}): Promise<() => Promise<void>> {
    this.#scanners.add(heard)
    const stop = async () => {
      this.#scanners.delete(heard)
      await this.#adjust({ clock: limit.clock }).catch(() => {}) // an adapter that has gone scans no more
    }
    try {
      await this.#adjust(limit)
    } catch (error) {
      await stop()
      throw error
    }
    return stop
  }

  /** Runs `work` while nothing else connects and no scan runs: many adapters refuse the one during the other. */
  async alone<T>(limit: RadioLimit, work: () => Promise<T>): Promise<T> {
    return this.#next(async () => {
      this.#paused = true
      try {
        await this.#apply(limit)
        return await work()
      } finally {
        this.#paused = false
        await this.#apply({ clock: limit.clock }).catch(() => {})
      }
    })
  }

  close(): void {
    this.#library.removeListener('stateChange', this.#onState)
    this.#library.removeListener('discover', this.#onDiscover)
    this.#library.removeListener('warning', this.#onWarning)
    this.#end()
  }

  #adjust(limit: RadioLimit): Promise<void> {
    return this.#next(() => this.#apply(limit))
  }

  /** One operation of the adapter at a time. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => {})
    return result
  }

  async #apply(limit: RadioLimit): Promise<void> {
    const wanted = this.#scanners.size > 0 && !this.#paused
    if (wanted === this.#scanning) return
    this.#scanning = wanted
    if (!wanted && this.#library.state !== 'poweredOn') return
    try {
      await within({ ...limit, timeout: SCAN_TIME, what: wanted ? 'the start of a scan' : 'the end of a scan' }, async () => {
        await (wanted ? this.#library.startScanningAsync([], true) : this.#library.stopScanningAsync())
      })
    } catch (error) {
      this.#scanning = false
      throw asFault(error, 'link-failed')
    }
  }
}

interface Shared {
  readonly radio: Promise<Radio>
  users: number
}

/** Users of one library share one radio; the last that goes ends it. The key of our own library is `OWN`. */
const shared = new Map<unknown, Shared>()
const OWN = 'own'

export interface UsedRadio {
  readonly radio: Radio
  /** Idempotent. */
  release(): void
}

/** A noble-like library, or what loads one. */
export type BleLibrarySource = BleLibrary | (() => Promise<BleLibrary>)

/**
 * The radio of `lib`. Left out: `@abandonware/noble`, on the adapter that it finds, or on the virtual one that the environment names
 * (`TAPDIP_AIR=tcp://127.0.0.1:6402`: a virtual air, or any controller that speaks H4 there). Ours is ended with its last user, one of the caller's is not.
 * @throws Fault `missing-library`, `busy`, `bad-uri` (TAPDIP_AIR), `link-failed` with details.reason `no-adapter`, `permission`
 */
export async function useRadio(lib?: BleLibrarySource): Promise<UsedRadio> {
  const key = lib ?? OWN
  const entry = shared.get(key) ?? { radio: startRadio(lib), users: 0 }
  shared.set(key, entry)
  entry.users++
  let released = false
  const release = () => {
    if (released) return
    released = true
    if (--entry.users > 0) return
    shared.delete(key)
    entry.radio.then(
      radio => radio.close(),
      () => {},
    )
  }
  try {
    return { radio: await entry.radio, release }
  } catch (error) {
    release()
    throw error
  }
}

async function startRadio(lib: BleLibrarySource | undefined): Promise<Radio> {
  try {
    if (lib === undefined) return await startNoble()
    return new Radio(typeof lib === 'function' ? await lib() : lib, () => {})
  } catch (error) {
    throw startFault(error)
  }
}

type NobleFactory = (options: object) => BleLibrary

/** One that cannot be ended (the bindings of macOS and Windows) serves to the end of the process. */
let lasting: BleLibrary | undefined

async function startNoble(): Promise<Radio> {
  const air = process.env.TAPDIP_AIR
  if (air) {
    const { open, close } = await dialAir(air, { timeout: DIAL_TIME })
    try {
      return loadOwn<NobleFactory, Radio>('@abandonware/noble/with-custom-binding', hciSocketOver(open), make => radioOf(make({}), close))
    } catch (error) {
      close()
      throw error
    }
  }
  if (lasting) return new Radio(lasting, () => {})
  const { default: make } = await import('@abandonware/noble/with-custom-binding.js')
  return radioOf((make as NobleFactory)({}), () => {})
}

function radioOf(library: BleLibrary, end: () => void): Radio {
  const stop = startLibrary(library, () => void library.state) // asking for its state is what starts it
  if (!stop) lasting = library
  return new Radio(library, () => {
    stop?.()
    end()
  })
}

/** What a state of the adapter is that is not "on"; undefined while it is not known. */
function stateFault(state: string): Fault | undefined {
  if (state === 'poweredOff') return new Fault('link-failed', 'Bluetooth is switched off', { reason: 'bluetooth-off' })
  if (state === 'unauthorized') return noPermission()
  if (state === 'unsupported') return noAdapter('the library finds none that it can use')
  return undefined
}

/** Why a library did not load or start. */
export function startFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const words = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (isMissing(error)) return missingLibrary('Bluetooth needs', '@abandonware/noble', error)
  if (/EPERM|EACCES/.test(code) || /not permitted|permission denied/i.test(words)) return noPermission(error)
  if (code === 'EBUSY' || /resource busy/i.test(words))
    return new Fault('busy', 'the Bluetooth adapter is used by another program', {}, { cause: error })
  return noAdapter(words, error)
}

function noAdapter(why: string, cause?: unknown): Fault {
  return new Fault('link-failed', `there is no Bluetooth LE adapter: ${why}`, { reason: 'no-adapter' }, { cause })
}

function noPermission(cause?: unknown): Fault {
  const how = process.platform === 'linux' ? ': run as root, or once sudo setcap cap_net_raw+eip $(readlink -f $(which node))' : ''
  return new Fault('link-failed', `this program may not use Bluetooth${how}`, { reason: 'permission' }, { cause })
}
