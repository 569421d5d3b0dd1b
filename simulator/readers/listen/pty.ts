/** A pseudo-terminal with a virtual device on its master end: any program opens the other end as a serial port. */

import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { sleep, systemClock } from '../../../src/clock.ts'
import { Fault } from '../../../src/errors.ts'
import { missingLibrary } from '../../../src/missing-library.ts'
import type { Link } from '../../../src/transport/link.ts'
import { streamLink } from '../../../src/transport/stream.ts'

export interface Pty {
  /** The device's end. It lives until it is closed, however often the host opens and closes the other end: a UART does not know who listens. */
  readonly link: Link
  /** What the host opens: `/dev/pts/4`. */
  readonly path: string
}

/** Opens a pseudo-terminal in raw mode. Closing `link` is unplugging: the host sees its port vanish. @throws Fault `missing-library`, `link-failed` */
export async function openPty(): Promise<Pty> {
  const { master, slave, pty: path } = await openNative()
  const reading = new ReadStream(master)
  const life = new AbortController()
  // Our own hold on the slave keeps the terminal's modes, and the master from an end of file, while no host has it open.
  const release = () =>
    new Promise<void>(resolve => {
      life.abort()
      closeSync(slave)
      reading.once('close', () => resolve())
      reading.destroy()
    })
  try {
    await makeRaw(slave)
  } catch (error) {
    await release()
    throw error
  }
  let writing = Promise.resolve()
  const stream = {
    on: reading.on.bind(reading),
    pause: () => reading.pause(),
    resume: () => reading.resume(),
    write(bytes: Uint8Array, done: (error?: Error | null) => void) {
      writing = writing.then(() => writeAll(master, bytes, life.signal)).then(() => done(), done)
      return true
    },
  }
  return { path, link: streamLink(stream, { uri: `pty:${path}`, release }) }
}

/**
 * Writes to the master, which does not block, as fast as the host reads. The stream that reads it cannot write: libuv knows a master only as a terminal
 * to be written to in one go, and would keep the whole process waiting while the line is full.
 */
async function writeAll(master: number, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  for (let at = 0, pause = 1; at < bytes.length; ) {
    signal.throwIfAborted()
    const written = writeSome(master, bytes, at)
    at += written
    pause = written > 0 ? 1 : Math.min(pause * 2, 16)
    if (at < bytes.length) await sleep(pause, systemClock, signal)
  }
}

function writeSome(master: number, bytes: Uint8Array, at: number): number {
  try {
    return writeSync(master, bytes, at)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}

async function openNative(): Promise<{ readonly master: number; readonly slave: number; readonly pty: string }> {
  try {
    const { requireBinary } = await import('@lydell/node-pty/requireBinary.js')
    return requireBinary('pty.node').open(80, 24)
  } catch (cause) {
    throw missingLibrary('pseudo-terminals need', '@lydell/node-pty', cause)
  }
}

/** Without this the terminal would echo to the device what it says, until a host opens it and sets its own mode. */
function makeRaw(slave: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(new Fault('link-failed', 'stty could not set the pseudo-terminal to raw', { reason: 'stty' }, { cause }))
    const stty = spawn('stty', ['raw', '-echo'], { stdio: [slave, 'ignore', 'ignore'] })
    stty.once('error', fail)
    stty.once('exit', code => (code === 0 ? resolve() : fail(code)))
  })
}
