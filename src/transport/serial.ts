/** A Link over a serial port (UART, USB CDC-ACM, a pseudo-terminal), through the optional package `serialport`. */

import { read } from 'node:fs'
import { promisify } from 'node:util'
import { within } from '../clock.ts'
import { asFault, Fault, throwIfAborted } from '../errors.ts'
import { missingLibrary } from '../missing-library.ts'
import type { ConnectOptions } from './connect-options.ts'
import type { Link } from './link.ts'
import { type ListedPort, sysfsPorts } from './serial-sysfs.ts'
import type { ByteStream } from './stream.ts'
import { streamLink } from './stream.ts'
import type { Uri } from './uri.ts'
import { queryNumber, queryWord } from './uri.ts'

interface Settings {
  readonly path: string
  readonly baudRate: number
  readonly dataBits: number
  readonly parity: string
  readonly stopBits: number
  readonly rtscts: boolean
}

/** An open port of the library's binding; the last two members on Unix only. */
interface Port {
  readonly isOpen: boolean
  read(buffer: Uint8Array, offset: number, length: number): Promise<{ buffer: Uint8Array; bytesRead: number }>
  readonly fd?: number | null
  readonly poller?: { once(event: 'readable', done: (error: Error | null) => void): unknown }
}

interface Binding {
  open(settings: Settings): Promise<Port>
}

interface PortStream extends ByteStream {
  readonly isOpen: boolean
  open(done: (error: Error | null) => void): void
  close(done: (error: Error | null) => void): void
}

/** What is used of `serialport`; its own types leave `binding` out. */
export interface SerialLibrary {
  readonly SerialPort: {
    new (settings: Settings & { readonly binding: Binding; readonly autoOpen: false }): PortStream
    readonly binding: Binding
    list(): Promise<readonly ListedPort[]>
  }
}

export interface SerialOptions extends ConnectOptions {
  /** Where the library comes from; the installed `serialport` when left out. */
  library?: (() => Promise<SerialLibrary>) | undefined
}

/**
 * Opens `serial:<path>?baud=115200&bits=8&parity=none&stop=1&flow=none` (the values shown are those when left out). The port is locked for others.
 * @throws Fault `not-found`, `busy`, `link-failed` (details.reason `permission`, `no-terminal` or `unknown`), `missing-library`, `bad-uri`, `timeout`, `aborted`
 */
export async function openSerial(target: Uri & { scheme: 'serial' }, options: SerialOptions = {}): Promise<Link> {
  const { uri, path } = target
  const { signal, timeout = 10_000, library } = options
  const settings: Settings = {
    path,
    baudRate: queryNumber(target, 'baud', 115_200),
    dataBits: Number(queryWord(target, 'bits', ['8', '7', '6', '5'])),
    parity: queryWord(target, 'parity', ['none', 'even', 'odd']),
    stopBits: Number(queryWord(target, 'stop', ['1', '2'])),
    rtscts: queryWord(target, 'flow', ['none', 'rtscts']) === 'rtscts',
  }
  throwIfAborted(signal)
  const { SerialPort } = await load(library)
  return within({ timeout, signal, what: `the opening of ${uri}` }, async given => {
    const port = new SerialPort({ ...settings, binding: guarded(SerialPort.binding), autoOpen: false })
    await new Promise<void>((resolve, reject) => {
      port.open(error => (error ? reject(refusal(uri, error)) : resolve()))
    })
    const release = () => new Promise<void>(resolve => (port.isOpen ? port.close(() => resolve()) : resolve()))
    if (given.aborted) await release() // opened for nobody: the caller has gone
    throwIfAborted(given)
    return streamLink(port, { uri, release })
  })
}

export interface SerialPortInfo {
  readonly uri: string
  readonly path: string
  /** USB vendor and product, where the port is on USB. */
  readonly vendor?: number
  readonly product?: number
  readonly serial?: string
  readonly manufacturer?: string
}

/** The serial ports that the operating system knows; pseudo-terminals are not among them. @throws Fault `missing-library`, `link-failed` */
export async function listSerialPorts({ library }: Pick<SerialOptions, 'library'> = {}): Promise<SerialPortInfo[]> {
  const { SerialPort } = await load(library)
  const ports = await SerialPort.list().catch(error => {
    if (error.path === 'udevadm') return sysfsPorts() // the library asks that program, which a small system does not have
    throw asFault(error, 'link-failed')
  })
  return ports.map(({ path, vendorId, productId, serialNumber, manufacturer }) => ({
    uri: `serial:${encodeURI(path)}`,
    path,
    ...(vendorId && { vendor: Number.parseInt(vendorId, 16) }),
    ...(productId && { product: Number.parseInt(productId, 16) }),
    ...(serialNumber && { serial: serialNumber }),
    ...(manufacturer && { manufacturer }),
  }))
}

async function load(library = installed): Promise<SerialLibrary> {
  try {
    return await library()
  } catch (cause) {
    throw missingLibrary('serial ports need', 'serialport', cause)
  }
}

async function installed(): Promise<SerialLibrary> {
  return (await import('serialport')) as unknown as SerialLibrary
}

/** The library's binding, with ports that notice a peer that vanished. */
function guarded(binding: Binding): Binding {
  return { open: async settings => guardReads(await binding.open(settings)) }
}

const readFile = promisify(read)

/**
 * serialport 13 on Unix reads again at once after a read of 0 bytes. A terminal in raw mode with VMIN 1 gives 0 bytes only when it was hung up, so a peer
 * that vanishes while a read is in flight leaves a loop that burns a processor and never reports the close (measured: 20 of 20, 91 % CPU).
 * This read takes 0 bytes for what they are; the library then closes the port as it does for every other lost one.
 */
function guardReads(port: Port): Port {
  const { poller } = port
  if (!poller) return port // Windows reads in another way
  port.read = async (buffer, offset, length) => {
    while (port.isOpen && typeof port.fd === 'number') {
      try {
        const { bytesRead } = await readFile(port.fd, buffer, offset, length, null)
        if (bytesRead > 0) return { buffer, bytesRead }
      } catch (error) {
        if (!port.isOpen) break
        if (!isRetry(error)) throw error
        await new Promise<void>((resolve, reject) => poller.once('readable', error => (error ? reject(error) : resolve())))
        continue
      }
      if (port.isOpen) throw Object.assign(new Error('The port was hung up'), { disconnect: true })
    }
    throw Object.assign(new Error('Port is not open'), { canceled: true })
  }
  return port
}

function isRetry(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EAGAIN', 'EWOULDBLOCK', 'EINTR'].includes(String(error.code))
}

/** The library has no error codes of its own: its words are those of `strerror`, and Windows' own. */
function refusal(uri: string, cause: Error): Fault {
  const words = cause.message
  const failed = (reason: string, why: string) => new Fault('link-failed', `${uri} does not open: ${why}`, { uri, reason }, { cause })
  if (/no such (file|device)|file not found/i.test(words)) return new Fault('not-found', `${uri}: no such port`, { uri }, { cause })
  if (/cannot lock|resource busy|temporarily unavailable|access denied/i.test(words))
    return new Fault('busy', `${uri} is used by another program`, { uri }, { cause })
  if (/permission denied/i.test(words)) return failed('permission', 'this user may not open it (on Linux, the group dialout may)')
  if (/inappropriate ioctl/i.test(words)) return failed('no-terminal', 'it is no serial port')
  return failed('unknown', words)
}
