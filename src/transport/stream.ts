/** A Link over a stream of Node's kind: a socket, a serial port, the master of a pseudo-terminal. */

import { concat } from '../bytes.ts'
import type { Fault } from '../errors.ts'
import { Inbox } from './inbox.ts'
import { type ClosedBy, type Link, linkClosed } from './link.ts'

/** What is used of a `Duplex`, so that nothing of Node is named here. */
export interface ByteStream {
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown
  on(event: 'error' | 'close', listener: (error?: unknown) => void): unknown
  on(event: 'end', listener: () => void): unknown
  write(bytes: Uint8Array, done: (error?: Error | null) => void): boolean
  pause(): unknown
  resume(): unknown
}

export interface StreamLinkOptions {
  readonly uri: string
  /** Lets go of the handle; called once, also after the peer ended it. Resolves when it is free. */
  release(): Promise<void>
  /** Who ended it when the stream closes with this error. */
  blame?: (error: unknown) => ClosedBy
  /** What the very first bytes mean that are not the device's: a Fault, with which it is over; `more` while they may still become that. The device's when left out. */
  refusal?: (head: Uint8Array) => Fault | 'more' | undefined
}

/** Takes a stream over that is open. There is no limit to one `send`: it resolves when the operating system has taken all of it. */
export function streamLink(stream: ByteStream, { uri, release, blame = () => 'loss', refusal }: StreamLinkOptions): Link {
  const pending = new Set<(fault: Fault) => void>()
  const incoming = new Inbox({ onRoom: () => over ?? stream.resume() })
  let over: Fault | undefined
  let released: Promise<void> | undefined
  let cause: unknown

  const finish = (fault: Fault): void => {
    if (over) return
    over = fault
    for (const reject of pending) reject(fault)
    pending.clear()
  }
  const end = (fault: Fault): void => {
    if (head) incoming.push(head)
    head = undefined
    finish(fault)
    incoming.end(over)
    released ??= release()
  }
  const lose = (by: ClosedBy): void => end(linkClosed(uri, by, cause))

  /** What may still become a refusal is nobody's yet. */
  let head: Uint8Array | undefined = refusal && new Uint8Array()
  const judged = (bytes: Uint8Array): Uint8Array | undefined => {
    if (!head || !refusal) return bytes
    const all = concat(head, bytes)
    const verdict = refusal(all)
    head = verdict === 'more' ? all : undefined
    if (!verdict) return all
    if (verdict !== 'more') end(verdict)
    return undefined
  }

  stream.on('data', bytes => {
    const arrived = judged(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length))
    if (arrived) incoming.push(arrived)
    if (incoming.full && !over) stream.pause()
  })
  stream.on('end', () => lose('peer'))
  stream.on('error', error => {
    cause ??= error
  })
  stream.on('close', error => {
    if (error instanceof Error) cause ??= error // serialport gives its DisconnectedError here
    lose(blame(cause))
  })

  return {
    uri,
    mtu: Number.POSITIVE_INFINITY,
    incoming,
    async send(bytes) {
      if (over) throw over
      if (bytes.length === 0) return
      await new Promise<void>((resolve, reject) => {
        pending.add(reject)
        stream.write(bytes, error => {
          pending.delete(reject)
          if (error) reject(over ?? linkClosed(uri, blame(error), error))
          else resolve()
        })
      })
    },
    async close() {
      finish(linkClosed(uri, 'close'))
      incoming.close()
      released ??= release()
      await released
    },
  }
}
