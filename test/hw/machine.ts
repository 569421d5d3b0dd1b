/** What the tests in the virtual machine share: whether they are in it, and devices in another process. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe } from 'vitest'
import type { HidPlug } from '../../simulator/readers/listen/hid-device.ts'
import { concat } from '../../src/bytes.ts'
import { asFault } from '../../src/errors.ts'
import { connect } from '../../src/transport/connect.ts'
import { openHid } from '../../src/transport/hid.ts'
import { checkMtu, Inbox } from '../../src/transport/inbox.ts'
import type { Link } from '../../src/transport/link.ts'
import { parseUri, type Uri } from '../../src/transport/uri.ts'
import { read } from '../transport/link-contract.ts'

export const root = resolve(import.meta.dirname, '../..')

/** Set by scripts/hw-virtual/guest.sh: elsewhere these tests are skipped, since they make devices in the kernel. */
export const describeHere = describe.skipIf(process.env.TAPDIP_VM === undefined)

/** Modules of the package, as it was built. */
export const built = {
  tapdip: () => import(`${root}/dist/devices/index.js`) as Promise<typeof import('../../devices/index.ts')>,
  simulator: () => import(`${root}/dist/simulator/world.js`) as Promise<typeof import('../../simulator/world.ts')>,
}

/** Tries again every 50 ms until it works: devices take a while to appear. */
export async function soon<T>(work: () => Promise<T>, ms = 150_000): Promise<T> {
  for (const end = Date.now() + ms; ; await wait(50)) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}

/** Runs a program until it is stopped; what it prints is kept. */
export class Program {
  readonly child: ChildProcess
  output = ''

  constructor(command: string, ...args: string[]) {
    this.child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', chunk => {
        this.output += chunk
      })
  }

  /** The first match in what it prints. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return soon(async () => {
      const found = pattern.exec(this.output)
      if (found) return found
      throw new Error(`${this.child.spawnargs.join(' ')}: no ${pattern} in\n${this.output}`)
    })
  }

  /** Asks it to end; what does not in 15 s is ended, and told. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    const late = setTimeout(() => this.child.kill('SIGKILL'), 15_000)
    await ended
    clearTimeout(late)
    if (this.child.signalCode === 'SIGKILL')
      throw new Error(`${this.child.spawnargs.join(' ')} did not end when it was asked to:\n${this.output}`)
  }
}

/** Runs a program to its end. */
export async function run(command: string, ...args: string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const program = new Program(command, ...args)
  const [code] = await once(program.child, 'close')
  return { code, output: program.output }
}

/** The process that plugs HID devices in: by `uhid`, or on a bus by `usbip`. */
export class HidBench {
  readonly #program: Program

  constructor(how: 'uhid' | 'usbip') {
    this.#program = new Program(process.execPath, 'test/hw/device.mjs', how)
  }

  /**
   * Plugs a device in; closing the link unplugs it. What the host sends arrives as it does at a device, what is sent goes out in reports of `block` bytes (as it
   * comes when left out). The link ends when the host closes the device, but with `keep`.
   */
  async plug(plug: HidPlug, how: { readonly block?: number; readonly keep?: boolean } = {}): Promise<Link> {
    const [, port] = await this.#program.says(/^(\d+)$/m)
    const link = await connect(`tcp://127.0.0.1:${port}`)
    await link.send(new TextEncoder().encode(`${JSON.stringify({ plug, ...how })}\n`))
    await read(link, 1)
    return link
  }

  stop(): Promise<void> {
    return this.#program.stop()
  }
}

/** Opens a device as soon as it is there. */
export async function openSoon(uri: string, { shape }: Pick<HidPlug, 'shape'>): Promise<Link> {
  return soon(async () => openHid(parseUri(uri) as Uri & { scheme: 'hid' }, shape))
}

/**
 * A link whose reports are padded, as one that is not: each report says in its first byte how many of its bytes count. What a vendor's own framing does; it lets the
 * contract of links be asked of HID byte for byte.
 */
export function counted(link: Link, size: number): Link {
  const incoming = new Inbox()
  const unpad = async () => {
    let rest: Uint8Array = new Uint8Array()
    for await (const chunk of link.incoming) {
      rest = concat(rest, chunk)
      for (; rest.length >= size; rest = rest.subarray(size)) incoming.push(rest.slice(1, 1 + rest[0]))
    }
  }
  unpad().then(
    () => incoming.end(),
    error => incoming.end(asFault(error)),
  )
  const mtu = size - 1
  return {
    uri: link.uri,
    mtu,
    incoming,
    async send(bytes) {
      if (bytes.length === 0) return link.send(bytes)
      checkMtu(bytes, mtu)
      const report = new Uint8Array(size)
      report[0] = bytes.length
      report.set(bytes, 1)
      await link.send(report)
    },
    close: () => link.close(),
  }
}
