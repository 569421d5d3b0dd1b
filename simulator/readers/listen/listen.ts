/** Puts a virtual device where programs can reach it: on a pseudo-terminal, a TCP port, Bluetooth LE, USB, or in the virtual slot of a PC/SC daemon. */

import { createServer, type Socket } from 'node:net'
import * as door from '../../../src/door.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import { usageFault } from '../../../src/refusal.ts'
import { connect } from '../../../src/transport/connect.ts'
import type { Link } from '../../../src/transport/link.ts'
import { openTcp, socketLink, turnAway } from '../../../src/transport/tcp.ts'
import { parseUri } from '../../../src/transport/uri.ts'
import { portFault } from '../../port-fault.ts'
import type { BleAdvertised } from './ble.ts'
import type { HidPlug } from './hid-device.ts'
import type { Listening, ServeLink } from './listening.ts'
import { openPty } from './pty.ts'

export type { Listening, ServeLink } from './listening.ts'

/** How a reader is served. */
export interface ListenOptions {
  /** Sees what `serve` throws, but for the end of its link. */
  onError?: ((fault: Fault) => void) | undefined
  /** How the device shows itself on USB: for `hid` and `usbip`. */
  hid?: HidPlug | undefined
  /** How the device shows itself over Bluetooth LE: for `ble`. */
  ble?: BleAdvertised | undefined
}

/** A place to listen at, taken apart. */
type Place =
  | { readonly kind: 'pty' | 'hid' }
  | { readonly kind: 'tcp' | 'pcsc'; readonly host: string; readonly port: number }
  | { readonly kind: 'usbip'; readonly port: number }
  | { readonly kind: 'ble'; readonly port?: string }
  | { readonly kind: 'serial'; readonly uri: string }

const places =
  'pty, tcp:<port>, tcp:<host>:<port>, serial:<path>, ble, ble:<port>, hid, usbip:<port>, pcsc, pcsc:<host>:<port>; <port>: 0–65535'

/** @throws Fault `bad-argument`; `bad-uri` for what follows `serial:` */
export function placeOf(where: string, field = 'listen'): Place {
  const refused = () => usageFault('usage.oneOf', { field, value: where, allowed: places })
  const [, kind, rest] = /^(\w+)(?::(.*))?$/s.exec(where) ?? []
  switch (kind) {
    case 'pty':
    case 'hid':
      if (rest === undefined) return { kind }
      break
    case 'tcp':
    case 'pcsc': {
      if (rest === undefined && kind === 'pcsc') return { kind, host: '127.0.0.1', port: VPCD_PORT }
      const [, v6, name = v6 ?? '127.0.0.1', digits] =
        /^(?:\/\/(?=.+:\d+$))?(?:\[([\da-f:.]+)\]:|([^\s:/[\]@]+|[\da-f:]+):)?(\d{1,5})$/i.exec(rest ?? '') ?? []
      if (isPort(digits) && (kind === 'tcp' || Number(digits) > 0)) return { kind, host: name, port: Number(digits) }
      break
    }
    case 'usbip':
      if (isPort(rest)) return { kind, port: Number(rest) }
      break
    case 'ble':
      if (rest === undefined) return { kind }
      if (isPort(rest)) return { kind, port: rest }
      break
    case 'serial':
      return { kind, uri: parseUri(where).uri }
  }
  throw refused()
}

/**
 * Listens at
 * - `pty`: a pseudo-terminal of its own; `serial:<path>`: our end of a wire to the host (a UART, the device's end of a USB gadget)
 * - `tcp:<port>` (0: any free one; on 127.0.0.1), `tcp:<host>:<port>`, or as a host writes it, `tcp://<host>:<port>`: a device has one line, so that while a client is connected others are told so and turned away
 * - `ble`: on the adapter of this machine, or on the virtual air that the environment names (`TAPDIP_AIR`); `ble:<port>`: on an air of its own, which others join there
 * - `hid`: a USB HID device in the kernel of this machine (`uhid.ts`); `usbip:<port>`: the same, offered to `usbip attach` (`usbip.ts`)
 * - `pcsc`, `pcsc:<port>`, `pcsc:<host>:<port>`: for cards; there vpcd listens (127.0.0.1:35963 when left out) and we connect
 * @throws Fault `bad-argument`, `bad-uri` (`serial:`), `busy` (the port is taken), `not-found`, `link-failed`, `missing-library`; `unsupported` for `ble`, `hid` and `usbip` where the device or
 * this machine has none
 */
export async function listen(where: string, serve: ServeLink, options: ListenOptions = {}): Promise<Listening> {
  door.need('where', where, door.anyText)
  door.need('serve', serve, door.callable)
  const place = placeOf(where)
  switch (place.kind) {
    case 'pty':
      return listenPty(serve, options)
    case 'pcsc':
      return insertIntoVpcd(place.host, place.port, serve, options)
    case 'tcp':
      return listenTcp(place.host, place.port, serve, options)
    case 'serial':
      return listenSerial(place.uri, serve, options)
    case 'hid':
      return (await import('./uhid.ts')).plugUhid(hidOf(where, options), link => run(link, serve, options))
    case 'usbip':
      return listenUsbip(place.port, hidOf(where, options), link => run(link, serve, options))
    case 'ble':
      return (await import('./ble.ts')).listenBle(bleOf(where, options), place.port, link => run(link, serve, options))
  }
}

function isPort(digits: string | undefined): digits is string {
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
