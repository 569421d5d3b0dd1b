/** Bluetooth libraries of the noble and bleno kind over an HCI that we provide instead of the kernel's; and how such a library is ended, which they do not know themselves. */

import { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { dirname, sep } from 'node:path'
import { equal } from '../../bytes.ts'
import { type Limit, within } from '../../clock.ts'
import { Fault } from '../../errors.ts'
import { isMissing, missingLibrary } from '../../missing-library.ts'
import { usageFault } from '../../refusal.ts'
import { parseUri, type Uri } from '../uri.ts'
import { h4, h4Splitter, POWER_EVENT } from './h4.ts'

/** The side of a Bluetooth stack: hears packets with their H4 type byte. */
export interface HciHost {
  packet(packet: Uint8Array): void
  /** The adapter was switched on or off; told once at the beginning. */
  power(on: boolean): void
}

export interface HciPort {
  send(packet: Uint8Array): void
  /** The host goes: its links end. Idempotent. */
  close(): void
}

/** Takes a controller for one host. @throws Fault `busy` */
export type OpenHci = (host: HciHost) => HciPort

/** The controller that `TAPDIP_AIR` names, `tcp://127.0.0.1:6402`. @throws Fault `bad-uri`, `link-failed`, `timeout`, `aborted` */
export function dialAir(air: string, limit?: Limit): ReturnType<typeof dialHci> {
  const target = parsed(air)
  if (target?.scheme === 'tcp') return dialHci(target.host, target.port, limit)
  throw usageFault('usage.oneOf', { field: 'TAPDIP_AIR', value: air, allowed: 'tcp://<host>:<port>' }, 'bad-uri')
}

function parsed(uri: string): Uri | undefined {
  try {
    return parseUri(uri)
  } catch {
    return undefined
  }
}

/** A controller at the other end of a TCP connection that speaks H4: a virtual air, or another virtual controller. @throws Fault `link-failed`, `timeout`, `aborted` */
export async function dialHci(host: string, port: number, limit: Limit = {}): Promise<{ readonly open: OpenHci; close(): void }> {
  const socket = new Socket()
  let on = true
  let taken: HciHost | undefined
  const power = (now: boolean) => {
    on = now
    taken?.power(on)
  }
  const split = h4Splitter(packet => {
    if (packet.length === POWER_EVENT.length + 1 && equal(packet.subarray(0, POWER_EVENT.length), POWER_EVENT)) power(packet.at(-1) === 1)
    else taken?.packet(packet)
  })
  socket.on('data', chunk => {
    try {
      split(new Uint8Array(chunk))
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  socket.on('close', () => power(false)) // the adapter was pulled out
  try {
    await within({ ...limit, what: `tcp://${host}:${port}` }, () => {
      return new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.connect({ host, port, noDelay: true }, () => {
          socket.off('error', reject)
          resolve()
        })
      })
    })
  } catch (cause) {
    socket.destroy()
    if (cause instanceof Fault) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('link-failed', `no Bluetooth controller at tcp://${host}:${port}: ${why}`, { reason: 'no-adapter' }, { cause })
  }
  socket.on('error', () => {}) // `close` follows
  const close = () => void socket.destroy()
  const open: OpenHci = listener => {
    if (taken) throw new Fault('busy', `tcp://${host}:${port} has a host`)
    taken = listener
    taken.power(on)
    return { send: packet => void socket.write(packet), close }
  }
  return { open, close }
}

const MGMT_LOAD_LONG_TERM_KEYS = 0x0013
const LTK_INFO_SIZE = 36
const KEY_REQUEST = Uint8Array.of(h4.event, 0x3e, 13, 0x05)

/** A class that stands for `@abandonware/bluetooth-hci-socket`, whose sockets are the kernel's. One controller for all sockets that a library opens. */
export function hciSocketOver(open: OpenHci): new () => object {
  /** What bleno gives the kernel through its management socket; the kernel then answers the controller for it. */
  let key: Uint8Array | undefined
  return class extends EventEmitter {
    #port: HciPort | undefined
    #control = false
    #up = false
    /** It was switched off since it was last asked: libraries ask once a second, and must not miss it. */
    #wasDown = false

    bindRaw(device = 0): number {
      this.#port = open({
        packet: packet => {
          if (equal(packet.subarray(0, KEY_REQUEST.length), KEY_REQUEST)) this.#answerKey(packet)
          else setImmediate(() => this.#port && this.emit('data', Buffer.from(packet)))
        },
        power: on => {
          if (this.#up && !on) this.#wasDown = true
          this.#up = on
        },
      })
      return device
    }

    bindUser(device = 0): number {
      return this.bindRaw(device)
    }

    bindControl(): void {
      this.#control = true
    }

    getDeviceList(): unknown[] {
      return []
    }

    isDevUp(): boolean {
      const up = this.#up && !this.#wasDown
      this.#wasDown = false
      return up
    }

    setFilter(): void {}
    start(): void {}
    cleanup(): void {}

    stop(): void {
      this.#port?.close()
      this.#port = undefined
    }

    reset(): void {
      this.#port?.send(Uint8Array.of(h4.command, 0x03, 0x0c, 0))
    }

    write(packet: Uint8Array): void {
      if (!this.#control) this.#port?.send(new Uint8Array(packet))
      else if ((packet[0] | (packet[1] << 8)) === MGMT_LOAD_LONG_TERM_KEYS)
        key = packet.length < 8 + LTK_INFO_SIZE ? undefined : new Uint8Array(packet.slice(-16)) // the last one: there is one link
    }

    #answerKey(request: Uint8Array): void {
      const handle = request.subarray(4, 6)
      const reply = key ? [h4.command, 0x1a, 0x20, 18, ...handle, ...key] : [h4.command, 0x1b, 0x20, 2, ...handle]
      setImmediate(() => this.#port?.send(Uint8Array.from(reply)))
    }
  }
}

const require = createRequire(import.meta.url)

/**
 * Loads a copy of a library of its own, with `socket` in the place of the package that reaches the kernel (nothing in its place when left out), and gives it to `use`.
 * These libraries keep what they know in their modules: two of one kind in a process would share it. @throws Fault `missing-library`
 */
export function loadOwn<Library, T>(entry: string, socket: unknown, use: (library: Library) => T): T {
  const path = locate(entry)
  const root = dirname(locate(`${entry.split('/', 2).join('/')}/package.json`)) + sep
  const replaced = socket ? hciModule(path) : undefined
  const before = new Map<string, NodeJS.Module | undefined>()
  for (const name of Object.keys(require.cache)) if (name.startsWith(root)) before.set(name, require.cache[name])
  if (replaced) before.set(replaced, require.cache[replaced])
  for (const name of before.keys()) delete require.cache[name]
  try {
    if (replaced) require.cache[replaced] = { id: replaced, filename: replaced, loaded: true, exports: socket } as NodeJS.Module
    const library = require(path)
    const control: { readonly _socket?: Stoppable } | undefined = require.cache[`${root}lib${sep}hci-socket${sep}mgmt.js`]?.exports
    if (control?._socket) controls.set(library, control._socket)
    return use(library)
  } catch (cause) {
    if (isMissing(cause)) throw missing(entry, cause)
    throw cause
  } finally {
    for (const name of Object.keys(require.cache)) if (name.startsWith(root) || name === replaced) delete require.cache[name]
    for (const [name, module] of before) if (module) require.cache[name] = module
  }
}

interface Stoppable {
  stop(): void
}

/** What bleno opens for each of its kind as it loads, and never closes: the kernel's control channel for keys, which keeps the process. */
const controls = new WeakMap<object, Stoppable>()

function locate(name: string): string {
  try {
    return require.resolve(name)
  } catch (cause) {
    throw missing(name, cause)
  }
}

function hciModule(from: string): string {
  try {
    return createRequire(from).resolve('@abandonware/bluetooth-hci-socket')
  } catch (cause) {
    throw missing('@abandonware/bluetooth-hci-socket', cause)
  }
}

function missing(entry: string, cause: unknown): Fault {
  const library = entry.split('/', 2).join('/')
  return missingLibrary('Bluetooth needs', library, cause)
}

/** What `@abandonware`'s libraries keep inside, on Linux and FreeBSD. */
interface Inside {
  readonly _bindings?: {
    readonly _hci?: {
      pollIsDevUp?: () => void
      readLeBufferSize?(): void
      on?(event: 'stateChange', listener: (state: string) => void): unknown
      readonly _socket?: { stop(): void; removeAllListeners?(): void }
    }
  }
}

/**
 * Starts a library with `init`, and gives what ends it, where it can be ended. Left alone it looks every second, for ever, whether the adapter is up, which keeps the process;
 * and it ends the process at Ctrl-C, under a payment. @throws what `init` throws
 */
export function startLibrary(library: object, init: () => void): (() => void) | undefined {
  const { _hci: hci } = (library as Inside)._bindings ?? {}
  const interrupts = new Set(process.listeners('SIGINT'))
  const exits = new Set(process.listeners('exit'))
  if (hci?.pollIsDevUp) {
    const poll = hci.pollIsDevUp
    hci.pollIsDevUp = () => withoutHold(() => poll.call(hci))
  }
  // On a user channel noble 1.9.2-26 never asks for the buffer size, and then sends no data.
  if (process.env.HCI_CHANNEL_USER) hci?.on?.('stateChange', state => state === 'poweredOn' && hci.readLeBufferSize?.())
  let added: NodeJS.ExitListener[] = []
  const stop = () => {
    for (const listener of added) process.off('exit', listener)
    controls.get(library)?.stop()
    if (!hci) return
    hci.pollIsDevUp = () => {}
    hci._socket?.removeAllListeners?.()
    hci._socket?.stop()
  }
  let started = false
  try {
    init()
    started = true
  } finally {
    added = process.listeners('exit').filter(listener => !exits.has(listener))
    for (const listener of process.listeners('SIGINT')) if (!interrupts.has(listener)) process.off('SIGINT', listener)
    if (!started) stop()
  }
  return hci ? stop : undefined
}

/** Runs `poll`, whose last act is to set the timer of the next one: that timer does not keep the process. The open socket does, as long as it is open. */
function withoutHold(poll: () => void): void {
  const { setTimeout: original } = globalThis
  let last: NodeJS.Timeout | undefined
  globalThis.setTimeout = ((...parameters: Parameters<typeof original>) => {
    last = original(...parameters)
    return last
  }) as typeof original
  try {
    poll()
  } finally {
    globalThis.setTimeout = original
    last?.unref()
  }
}
