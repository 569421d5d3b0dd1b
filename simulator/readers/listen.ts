/** Puts a virtual device where programs can reach it: on a pseudo-terminal, a TCP port, Bluetooth LE, USB, or in the virtual slot of a PC/SC daemon. */

import { createServer, type Socket } from 'node:net'
import * as door from '../../src/door.ts'
import { asFault, Fault } from '../../src/errors.ts'
import { connect } from '../../src/transport/connect.ts'
import type { Link } from '../../src/transport/link.ts'
import { openTcp, socketLink, turnAway } from '../../src/transport/tcp.ts'
import { portFault } from '../port-fault.ts'
import type { BleAdvertised } from './ble-listen.ts'
import type { HidPlug } from './hid-device.ts'
import type { Listening, ServeLink } from './listening.ts'
import { openPty } from './pty.ts'

export type { Listening, ServeLink } from './listening.ts'

export interface ListenOptions {
  /** Sees what `serve` throws, but for the end of its link. */
  onError?: ((fault: Fault) => void) | undefined
  /** How the device shows itself on USB: for `hid` and `usbip`. */
  hid?: HidPlug | undefined
  /** How the device shows itself over Bluetooth LE: for `ble`. */
  ble?: BleAdvertised | undefined
}

/**
 * Listens at
 * - `pty`: a pseudo-terminal of its own; `serial:<path>`: our end of a wire to the host (a UART, the device's end of a USB gadget)
 * - `tcp:<port>` (0: any free one; on 127.0.0.1) or `tcp:<host>:<port>`: a device has one line, so that while a client is connected others are told so and turned away
 * - `ble`: on the adapter of this machine, or on the virtual air that the environment names (`TAPDIP_AIR`); `ble:<port>`: on an air of its own, which others join there
 * - `hid`: a USB HID device in the kernel of this machine (`uhid.ts`); `usbip:<port>`: the same, offered to `usbip attach` (`usbip.ts`)
 * - `pcsc`, `pcsc:<port>`, `pcsc:<host>:<port>`: for cards; there vpcd listens (127.0.0.1:35963 when left out) and we connect
 * @throws Fault `bad-argument`, `busy` (the port is taken), `not-found`, `link-failed`, `missing-library`; `unsupported` for `ble`, `hid` and `usbip` where the device or
 * this machine has none
 */
export async function listen(where: string, serve: ServeLink, options: ListenOptions = {}): Promise<Listening> {
  door.need('where', where, door.anyText)
  door.need('serve', serve, door.callable)
  const [, kind, rest] = /^(\w+)(?::(.*))?$/.exec(where) ?? []
  if (kind === 'pty' && rest === undefined) return listenPty(serve, options)
  if (kind === 'pcsc' && rest === undefined) return insertIntoVpcd('127.0.0.1', VPCD_PORT, serve, options)
  const [, host = '127.0.0.1', digits] = kind === 'tcp' || kind === 'pcsc' ? (/^(?:(.+):)?(\d{1,5})$/.exec(rest ?? '') ?? []) : []
  if (kind === 'pcsc' && Number(digits) >= 1 && Number(digits) <= 65535) return insertIntoVpcd(host, Number(digits), serve, options)
  if (kind === 'tcp' && isPort(digits)) return listenTcp(host.replace(/^\[|\]$/g, ''), Number(digits), serve, options)
  if (kind === 'serial' && rest !== undefined) return listenSerial(where, serve, options)
  if (kind === 'hid' && rest === undefined)
    return (await import('./uhid.ts')).plugUhid(hidOf(where, options), link => run(link, serve, options))
  if (kind === 'usbip' && isPort(rest)) return listenUsbip(Number(rest), hidOf(where, options), link => run(link, serve, options))
  if (kind === 'ble' && (rest === undefined || isPort(rest)))
    return (await import('./ble-listen.ts')).listenBle(bleOf(where, options), rest, link => run(link, serve, options))
  throw new Fault(
    'bad-argument',
    `listen at '${where}': pty, tcp:<port>, tcp:<host>:<port>, serial:<path>, ble, ble:<port>, hid, usbip:<port> or pcsc, with a port from 0 to 65535`,
  )
}

function isPort(digits: string | undefined): boolean {
  return /^\d{1,5}$/.test(digits ?? '') && Number(digits) <= 65535
}

/** @throws Fault `busy`, `link-failed` */
async function listenUsbip(port: number, hid: HidPlug, serve: ServeLink): Promise<Listening> {
  const { serveUsbip } = await import('./usbip.ts')
  return serveUsbip(hid, serve, { host: '127.0.0.1', port }).catch(error => {
    throw portFault(`127.0.0.1:${port}`, error)
  })
}

/** @throws Fault `unsupported` for a device that has no HID interface */
function hidOf(where: string, { hid }: ListenOptions): HidPlug {
  if (hid) return hid
  throw new Fault('unsupported', `--listen ${where}: this device has no USB HID interface`, { feature: 'hid' })
}

/** @throws Fault `unsupported` for a device that has no Bluetooth LE */
function bleOf(where: string, { ble }: ListenOptions): BleAdvertised {
  if (ble) return ble
  throw new Fault('unsupported', `--listen ${where}: this device has no Bluetooth LE`, { feature: 'ble' })
}

/** Where vpcd listens for a card in its first slot (vpcd.h); its second slot is one above. */
const VPCD_PORT = 35963

/** The port is a wire, or the device's end of a USB gadget (`/dev/ttyGS0`): who is at its other end is not seen. */
async function listenSerial(where: string, serve: ServeLink, options: ListenOptions): Promise<Listening> {
  const link = await connect(where)
  const serving = run(link, serve, options)
  return {
    uri: where,
    async close() {
      await link.close()
      await serving
    },
  }
}

/** @throws Fault `link-failed` when no pcscd with vpcd runs there */
async function insertIntoVpcd(host: string, port: number, serve: ServeLink, options: ListenOptions): Promise<Listening> {
  const link = await openTcp({ uri: `tcp://${host}:${port}`, scheme: 'tcp', host, port, query: {} })
  const serving = run(link, serve, options)
  return {
    uri: 'pcsc:',
    async close() {
      await link.close()
      await serving
    },
  }
}

async function listenPty(serve: ServeLink, options: ListenOptions): Promise<Listening> {
  const { link, path } = await openPty()
  const serving = run(link, serve, options)
  return {
    uri: `serial:${path}`,
    async close() {
      await link.close()
      await serving
    },
  }
}

async function listenTcp(host: string, port: number, serve: ServeLink, options: ListenOptions): Promise<Listening> {
  let current: { link: Link; socket: Socket; serving: Promise<void> } | undefined
  const server = createServer({ noDelay: true }, async socket => {
    const before = current
    const link = socketLink(socket, `tcp://${socket.remoteAddress}:${socket.remotePort}`)
    if (before) {
      // One that has hung up is let go of first; its end and the new connection may be seen in either order.
      await new Promise<void>(resolve => setImmediate(() => setImmediate(resolve)))
      if (before.socket.destroyed || before.socket.readableEnded) await before.serving
      if (current || !server.listening) {
        await turnAway(link)
        return
      }
    }
    const serving = run(link, serve, options, turnAway).finally(() => {
      current = undefined
    })
    current = { link, socket, serving }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  }).catch(error => {
    throw portFault(`${host}:${port}`, error)
  })
  const address = server.address()
  const bound = typeof address === 'object' && address ? address.port : port
  return {
    uri: `tcp://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      await current?.link.close()
      await current?.serving
      await stopped
    },
  }
}

/** Never rejects: the end of a link is the end of its device's work, a device that is taken `refuse`s it, and what else goes wrong is told to `onError`. */
async function run(link: Link, serve: ServeLink, { onError }: ListenOptions, refuse?: (link: Link) => Promise<void>): Promise<void> {
  try {
    await serve(link)
  } catch (error) {
    const fault = asFault(error)
    if (fault.code === 'busy' && refuse) await refuse(link)
    else if (fault.code !== 'link-closed') onError?.(fault)
  } finally {
    await link.close()
  }
}
