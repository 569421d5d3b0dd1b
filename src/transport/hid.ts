/** A Link over the reports of a USB HID device, through the optional package `node-hid`. */

import { accessSync, constants, readFileSync } from 'node:fs'
import { sleep, systemClock, within } from '../clock.ts'
import { asFault, Fault, throwIfAborted } from '../errors.ts'
import { missingLibrary } from '../missing-library.ts'
import type { ConnectOptions } from './connect-options.ts'
import { heard, hostMtu, packetReader, record, reportsOf } from './hid-reports.ts'
import { checkMtu, Inbox } from './inbox.ts'
import { type ClosedBy, type Link, linkClosed } from './link.ts'
import type { HidShape } from './shape.ts'
import { queryWord, type Uri } from './uri.ts'

/** `hidraw`: the kernel's own interface; `libusb`: the device is taken from the kernel, for us alone. Linux only: other systems have one. */
export type HidDriver = 'hidraw' | 'libusb'

/** One entry of the library's list; empty strings where the device has none or may not be asked. */
interface ListedHid {
  readonly vendorId: number
  readonly productId: number
  readonly path?: string | undefined
  readonly serialNumber?: string | undefined
  readonly manufacturer?: string | undefined
  readonly product?: string | undefined
  readonly usagePage?: number | undefined
}

/** An open device. It reads while somebody listens to `data`; `error` comes with a string. */
interface HidHandle {
  on(event: 'data', listener: (report: Uint8Array) => void): unknown
  on(event: 'error', listener: (error: unknown) => void): unknown
  write(report: Uint8Array): Promise<number>
  sendFeatureReport(report: Uint8Array): Promise<number>
  getFeatureReport(id: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** What is used of `node-hid`. */
export interface HidLibrary {
  readonly HIDAsync: { open(path: string): Promise<HidHandle> }
  devicesAsync(): Promise<readonly ListedHid[]>
  setDriverType(driver: HidDriver): void
}

export interface HidOptions extends ConnectOptions {
  /** Where the library comes from; the installed `node-hid` when left out. */
  readonly library?: (() => Promise<HidLibrary>) | undefined
}

/** Unread bytes from which on a device counts as lost: it cannot be held back, and nobody is listening. */
const UNREAD_LIMIT = 4 << 20

/** How often the answer to a feature report is asked for. A device that is not ready yet may refuse (STALL). */
const ANSWER_TRIES = 3

/** Reports of 64 bytes, without ids: what most vendors' pages describe. */
const plainShape: HidShape = { size: 64, out: 'output' }

/**
 * Opens `hid:0801:0019?serial=B4F2A61&path=/dev/hidraw0&driver=hidraw`: vendor and product, and to tell one of several, its serial number or the path that `listHid`
 * gives. The first device that fits, interfaces with a vendor's own usage page before those of keyboards. `driver=libusb` on Linux takes it from the kernel; one
 * process can use one of the two drivers.
 * @throws Fault `not-found`, `busy`, `link-failed` (details.reason `permission`, with the udev rule that helps in details.rule; or `unknown`), `missing-library`,
 * `bad-uri`, `unsupported` (the other driver is in use), `timeout`, `aborted`
 */
export async function openHid(target: Uri & { scheme: 'hid' }, shape: HidShape = plainShape, options: HidOptions = {}): Promise<Link> {
  const { uri, vendor, product, query } = target
  const { signal, timeout = 10_000 } = options
  const driver = query.driver === undefined ? undefined : queryWord(target, 'driver', ['hidraw', 'libusb'])
  throwIfAborted(signal)
  const library = await load(options.library)
  const chosen = choose(library, driver)
  return within({ timeout, signal, what: `the opening of ${uri}` }, async given => {
    const alike = (await devices(library)).filter(({ vendorId, productId }) => vendorId === vendor && productId === product)
    const fits = alike
      .filter(({ serialNumber }) => query.serial === undefined || serialNumber === query.serial)
      .filter(({ path }) => query.path === undefined || path === query.path)
      .sort((a, b) => Number(isVendors(b)) - Number(isVendors(a)))
    if (fits.length === 0) {
      const others = alike.length > 0 ? `; there are ${alike.length} of this vendor and product` : ''
      throw new Fault('not-found', `${uri}: no such device${others}`, { uri })
    }
    const { path } = fits[0]
    const handle = await library.HIDAsync.open(path).catch(error => {
      throw refusal(target, path, chosen, error)
    })
    const link = new HidLink(uri, handle, shape, chosen === 'libusb' ? packetReader(shape) : report => report)
    // The library starts its reading thread in the next tick, and throws into nowhere when the device was closed before that.
    await new Promise(resolve => setImmediate(resolve))
    if (given.aborted) await link.close() // opened for nobody: the caller has gone
    throwIfAborted(given)
    return link
  })
}

/** What is seen of a HID device without opening it. */
export interface HidSighting {
  readonly uri: string
  readonly path: string
  readonly vendor: number
  readonly product: number
  readonly serial?: string
  readonly manufacturer?: string
  /** The product in words. */
  readonly name?: string
}

/**
 * The HID devices that the operating system shows, keyboards and mice too, each with a URI that leads to it.
 * @throws Fault `missing-library`, `link-failed`, `unsupported` (the other driver is in use)
 */
export async function listHid({ library, driver }: Pick<HidOptions, 'library'> & { driver?: HidDriver } = {}): Promise<HidSighting[]> {
  const loaded = await load(library)
  const chosen = choose(loaded, driver)
  const listed = await devices(loaded).catch(error => {
    throw asFault(error, 'link-failed')
  })
  return listed.map(one => {
    const { vendorId, productId, path, serialNumber, manufacturer, product } = one
    const alike = listed.filter(other => other.vendorId === vendorId && other.productId === productId)
    const unique = serialNumber !== '' && alike.every(other => other === one || other.serialNumber !== serialNumber)
    const words = [
      unique ? `serial=${encodeURIComponent(serialNumber ?? '')}` : alike.length > 1 ? `path=${encodeURIComponent(path)}` : '',
      chosen === 'libusb' ? 'driver=libusb' : '',
    ].filter(word => word !== '')
    return {
      uri: `hid:${hex4(vendorId)}:${hex4(productId)}${words.length > 0 ? `?${words.join('&')}` : ''}`,
      path,
      vendor: vendorId,
      product: productId,
      ...(serialNumber && { serial: serialNumber }),
      ...(manufacturer && { manufacturer }),
      ...(product && { name: product }),
    }
  })
}

/** One entry for each path: on Windows and macOS the library gives one for each usage of an interface. */
async function devices(library: HidLibrary): Promise<(ListedHid & { readonly path: string })[]> {
  const byPath = new Map<string, ListedHid & { readonly path: string }>()
  for (const one of await library.devicesAsync()) {
    const { path } = one
    if (path && (!byPath.has(path) || isVendors(one))) byPath.set(path, { ...one, path, serialNumber: one.serialNumber ?? '' })
  }
  return [...byPath.values()]
}

/** Usage pages FF00–FFFF belong to vendors (HID Usage Tables); 0001 is the desktop's, with keyboards. */
function isVendors({ usagePage = 0 }: ListedHid): boolean {
  return usagePage >= 0xff00
}

async function load(library = installed): Promise<HidLibrary> {
  try {
    return await library()
  } catch (cause) {
    throw missingLibrary('USB HID needs', 'node-hid', cause)
  }
}

async function installed(): Promise<HidLibrary> {
  return (await import('node-hid')) as unknown as HidLibrary
}

/** Which driver each library was told to load: it loads one, for as long as the process lives, and takes no notice of a later word. */
const drivers = new WeakMap<HidLibrary, HidDriver>()

function choose(library: HidLibrary, asked: HidDriver | undefined): HidDriver {
  const loaded = drivers.get(library)
  const driver = asked ?? loaded ?? 'hidraw'
  if (loaded && loaded !== driver)
    throw new Fault('unsupported', `this process reaches HID devices by ${loaded}; ${driver} needs another process`, { feature: driver })
  if (!loaded) library.setDriverType(driver)
  drivers.set(library, driver)
  return driver
}

class HidLink implements Link {
  readonly uri: string
  readonly mtu: number
  readonly incoming = new Inbox()
  readonly #handle: HidHandle
  readonly #shape: HidShape
  readonly #pending = new Set<(fault: Fault) => void>()
  readonly #life = new AbortController()
  /** Ends when all that was sent so far was written: reports of two sends never mix. */
  #line: Promise<void> = Promise.resolve()
  #over: Fault | undefined
  #released: Promise<void> | undefined

  constructor(uri: string, handle: HidHandle, shape: HidShape, whole: (packet: Uint8Array) => Uint8Array | undefined) {
    this.uri = uri
    this.mtu = hostMtu(shape)
    this.#handle = handle
    this.#shape = shape
    // One listener for the whole life: without one the library stops its reading thread, and nobody notices that the device has gone.
    handle.on('data', packet => {
      const report = whole(Uint8Array.from(packet))
      if (report) this.#take(heard(report, shape))
    })
    handle.on('error', error => this.#lose('loss', error))
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    checkMtu(bytes, this.mtu)
    if (bytes.length === 0) return
    const reports = reportsOf(bytes, this.#shape).map(({ id, data }) => withId(id, data)) // copied: the caller may change its bytes
    await new Promise<void>((resolve, reject) => {
      this.#pending.add(reject)
      this.#line = this.#line
        .then(() => this.#write(reports, resolve))
        .catch(error => this.#lose('loss', error))
        .finally(() => this.#pending.delete(reject))
    })
  }

  async close(): Promise<void> {
    this.#finish(linkClosed(this.uri, 'close'))
    this.incoming.close()
    await this.#release()
  }

  async #write(reports: readonly Uint8Array[], written: () => void): Promise<void> {
    const { out, answerAfter = 5 } = this.#shape
    for (const report of reports) {
      if (this.#over) return
      await (out === 'feature' ? this.#handle.sendFeatureReport(report) : this.#handle.write(report))
    }
    written()
    if (out === 'feature') await this.#fetch(answerAfter)
  }

  /** The answer to a feature report, which no event announces. */
  async #fetch(after: number): Promise<void> {
    const { size, ids } = this.#shape
    for (let tries = ANSWER_TRIES; !this.#over; ) {
      await sleep(after, systemClock, this.#life.signal)
      try {
        const answer = await this.#handle.getFeatureReport(ids?.single ?? 0, size + 1)
        this.#take(this.#shape.tagged ? record(0, answer.subarray(1)) : answer.slice(1)) // its id comes first, also where that is 0
        return
      } catch (error) {
        if (--tries === 0) throw error
      }
    }
  }

  #take(bytes: Uint8Array): void {
    this.incoming.push(bytes)
    if (this.incoming.size > UNREAD_LIMIT) this.#lose('loss', new Error(`${UNREAD_LIMIT} bytes that nobody reads`))
  }

  #lose(by: ClosedBy, cause: unknown): void {
    this.#finish(linkClosed(this.uri, by, typeof cause === 'string' ? new Error(cause) : cause))
    this.incoming.end(this.#over)
    void this.#release()
  }

  #finish(fault: Fault): void {
    if (this.#over) return
    this.#over = fault
    this.#life.abort(fault)
    for (const reject of this.#pending) reject(fault)
    this.#pending.clear()
  }

  /** The library ends its reading thread (it looks every 50 ms), waits for a write that is under way, and frees the device. */
  #release(): Promise<void> {
    this.#released ??= this.#handle.close().catch(() => {}) // what fails to close is closed already
    return this.#released
  }
}

function withId(id: number, data: Uint8Array): Uint8Array {
  const report = new Uint8Array(1 + data.length)
  report[0] = id
  report.set(data, 1)
  return report
}

/** The library has no error codes of its own, only words, and with libusb not even those: then the device's node tells. */
function refusal({ uri, vendor, product }: Uri & { scheme: 'hid' }, path: string, driver: HidDriver, error: unknown): Fault {
  const cause = error instanceof Error ? error : new Error(String(error))
  const why = reasonIn(cause.message) ?? (driver === 'libusb' ? usbReason(path) : 'unknown')
  switch (why) {
    case 'permission': {
      const rule = udevRule(vendor, product)
      const help =
        process.platform === 'linux'
          ? `. Put these lines into /etc/udev/rules.d/70-tapdip.rules and plug it in again, as a member of the group plugdev:\n${rule}`
          : ''
      return new Fault('link-failed', `${uri} does not open: this user may not${help}`, { uri, reason: why, rule }, { cause })
    }
    case 'not-found':
      return new Fault(why, `${uri} has just gone`, { uri }, { cause })
    case 'busy':
      return new Fault(why, `${uri} is used by another program`, { uri }, { cause })
    case 'unknown':
      return new Fault('link-failed', `${uri} does not open: ${cause.message}`, { uri, reason: why }, { cause })
  }
}

type Reason = 'permission' | 'not-found' | 'busy' | 'unknown'

/** strerror's words, and those of macOS and Windows. */
function reasonIn(words: string): Reason | undefined {
  if (/permission denied|access denied|access is denied|not permitted/i.test(words)) return 'permission'
  if (/no such (file|device)/i.test(words)) return 'not-found'
  return /busy|being used|exclusive/i.test(words) ? 'busy' : undefined
}

/**
 * Gives members of the group plugdev, and whoever sits at the machine, access by both drivers. It names the device as the HID bus does
 * (bus:vendor:product.instance), so that it holds for Bluetooth too, and as the USB bus does.
 */
export function udevRule(vendor: number, product: number): string {
  const access = 'MODE="0660", GROUP="plugdev", TAG+="uaccess"'
  const onHid = `KERNEL=="hidraw*", KERNELS=="*:${hex4(vendor).toUpperCase()}:${hex4(product).toUpperCase()}.*", ${access}`
  return `${onHid}\nSUBSYSTEM=="usb", ATTR{idVendor}=="${hex4(vendor)}", ATTR{idProduct}=="${hex4(product)}", ${access}`
}

/** `path` is the library's by libusb: `1-1:1.0` (bus-port:configuration.interface). What opens and is not given is somebody else's. */
function usbReason(path: string): Reason {
  const folder = `/sys/bus/usb/devices/${path.split(':')[0]}`
  try {
    const number = (name: string) => readFileSync(`${folder}/${name}`, 'utf8').trim().padStart(3, '0')
    accessSync(`/dev/bus/usb/${number('busnum')}/${number('devnum')}`, constants.R_OK | constants.W_OK)
    return 'busy'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'permission' : 'not-found'
  }
}

function hex4(id: number): string {
  return id.toString(16).padStart(4, '0')
}
