/** A Link over TCP: a reader in the network, or a virtual one in another process. */

import { Socket } from 'node:net'
import { startsWith } from '../bytes.ts'
import { within } from '../clock.ts'
import { Fault, isFault, throwIfAborted } from '../errors.ts'
import type { ConnectOptions } from './connect-options.ts'
import type { Link } from './link.ts'
import { streamLink } from './stream.ts'
import type { Uri } from './uri.ts'

/** After `close`, what was sent has so long to leave before the socket is torn down. Milliseconds. */
const LINGER = 200

/** Seconds-scale probes, so that a peer that was switched off is noticed on an idle line. Milliseconds. */
const KEEP_ALIVE = 10_000

/**
 * What is said instead of a reader's first byte where somebody else is connected to it, and then nothing more. The first is ser2net's word 4.3 (port.c, `port_new_con`)
 * and that of our virtual readers; the second ser2net's where another of its ports has the device. No frame of a family begins so.
 */
const inUse = ['Port already in use\r\n', "Port's device already in use\r\n"].map(text => new TextEncoder().encode(text))

/**
 * Connects to `tcp://host:port`. A reader that says that somebody else has it ends the link with Fault `busy`; one that hangs up without a word is `link-closed`.
 * @throws Fault `not-found` (no such host), `link-failed` (details.reason `refused`, `unreachable` or the system's code), `timeout`, `aborted`
 */
export async function openTcp(target: Uri & { scheme: 'tcp' }, { signal, timeout = 10_000 }: ConnectOptions = {}): Promise<Link> {
  const { uri, host, port } = target
  throwIfAborted(signal)
  const socket = new Socket()
  try {
    await within({ timeout, signal, what: uri }, () => {
      return new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE }, () => {
          socket.off('error', reject)
          resolve()
        })
      })
    })
  } catch (error) {
    socket.destroy()
    socket.on('error', () => {}) // what the teardown still reports is nobody's
    throw isFault(error) ? error : refusal(uri, error)
  }
  const taken = (head: Uint8Array) => {
    if (inUse.some(word => startsWith(head, word))) return new Fault('busy', `${uri} is connected to another program`, { uri })
    return inUse.some(word => startsWith(word, head)) ? ('more' as const) : undefined
  }
  return streamLink(socket, { uri, refusal: taken, release: () => hangUp(socket) })
}

/** The device's end of a link that it cannot take: the host is told so, and hung up. */
export async function turnAway(link: Link): Promise<void> {
  await link.send(inUse[0]).catch(() => {}) // it may have gone
  await link.close()
}

/** A connected socket as a Link, at the device's end. */
export function socketLink(socket: Socket, uri: string): Link {
  return streamLink(socket, { uri, release: () => hangUp(socket) })
}

/** Lets what was sent leave, then frees the socket: destroying it at once, with unread bytes in it, would take them back from the peer (RST). */
function hangUp(socket: Socket): Promise<void> {
  return new Promise(resolve => {
    if (socket.destroyed) return resolve()
    const limit = setTimeout(() => socket.destroy(), LINGER)
    socket.once('close', () => {
      clearTimeout(limit)
      resolve()
    })
    socket.end()
    socket.resume()
  })
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ETIMEDOUT: 'unreachable',
}

function refusal(uri: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return new Fault('not-found', `${uri}: no such host`, { uri }, { cause: error })
  const reason = reasons[code] ?? code
  return new Fault('link-failed', `${uri} does not connect: ${reason}`, { uri, reason }, { cause: error })
}
