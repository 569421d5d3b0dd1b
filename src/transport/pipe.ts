/** An in-memory pair of Links: what goes in at one end comes out at the other, in order, the same way every time. */

import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'
import * as door from '../door.ts'
import type { Fault } from '../errors.ts'
import { checkMtu, Inbox } from './inbox.ts'
import type { Link } from './link.ts'
import { linkClosed } from './link.ts'

/** What arrives at the far end instead of a piece that was sent. */
export interface Arrival {
  /** What arrives, which need not be what was sent. */
  readonly bytes: Uint8Array
  /** Milliseconds on the way; 0 when left out. Nothing overtakes what was sent before it. */
  readonly after?: number
}

/** What the line between two ends is like; everything has a default. */
export interface PipeOptions {
  /** The largest piece that one `send` takes, in bytes; no limit when left out. */
  mtu?: number | undefined
  /** The largest chunk that arrives, in bytes: a longer piece is cut; no limit when left out. */
  chunk?: number | undefined
  /** Unread bytes at an end from which on `send` of the other end waits; 64 KiB when left out. */
  capacity?: number | undefined
  /** The URIs of the ends are `pipe:<name>:a` and `pipe:<name>:b`. */
  name?: string | undefined
  /** Sees every piece sent by end `from`, and says what arrives of it: nothing, the same, something else, later. */
  line?: ((bytes: Uint8Array, from: 'a' | 'b') => readonly Arrival[]) | undefined
  /** Counts the milliseconds of `line`. */
  clock?: Clock | undefined
}

/** One end of a line in memory. */
export interface PipeEnd extends Link {
  /** The link breaks, here and at the other end: unlike after `close`, what was on its way is lost. Both are told `why`; that it was lost, when left out. */
  drop(why?: Fault): void
}

/** Both ends of one line: `a` for the host, `b` for the device, by custom. */
export function pipe(options: PipeOptions = {}): [a: PipeEnd, b: PipeEnd] {
  door.need('options', options, door.object)
  const a = new End('a', options)
  const b = new End('b', options)
  a.join(b)
  b.join(a)
  return [a, b]
}

class End implements PipeEnd {
  readonly uri: string
  readonly mtu: number
  readonly incoming: Inbox
  readonly #side: 'a' | 'b'
  readonly #line: PipeOptions['line']
  readonly #clock: Clock
  #peer!: End
  /** Sends that wait until the peer has read. */
  readonly #blocked: { resolve: () => void; reject: (fault: Fault) => void }[] = []
  /** What is on its way to this end, first arrival first. */
  readonly #flying: { readonly bytes: Uint8Array; readonly cancel: () => void }[] = []
  #lastArrival = 0
  #over: Fault | undefined
  #peerGone = false

  constructor(
    side: 'a' | 'b',
    { mtu = Number.POSITIVE_INFINITY, chunk, capacity, name = 'memory', line, clock = systemClock }: PipeOptions,
  ) {
    this.#side = side
    this.uri = `pipe:${name}:${side}`
    this.mtu = mtu
    this.#line = line
    this.#clock = clock
    this.incoming = new Inbox({ chunk, capacity, onRoom: () => this.#peer.#unblock() })
  }

  join(peer: End): void {
    this.#peer = peer
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#over) throw this.#over
    checkMtu(bytes, this.mtu)
    if (bytes.length === 0) return
    const piece = bytes.slice()
    for (const { bytes, after = 0 } of this.#line?.(piece, this.#side) ?? [{ bytes: piece }]) this.#peer.#arrive(bytes, after)
    if (!this.#peer.incoming.full) return
    await new Promise<void>((resolve, reject) => {
      this.#blocked.push({ resolve, reject })
    })
  }

  async close(): Promise<void> {
    this.#finish(linkClosed(this.uri, 'close'))
    this.incoming.close()
    this.#peer.#peerClosed()
  }

  drop(why?: Fault): void {
    for (const end of [this, this.#peer]) {
      const fault = why ?? linkClosed(end.uri, 'loss')
      end.#finish(fault)
      end.incoming.end(fault)
    }
  }

  #arrive(bytes: Uint8Array, after: number): void {
    const now = this.#clock.now()
    if (this.#flying.length === 0) {
      if (after <= 0) {
        this.incoming.push(bytes)
        return
      }
      this.#lastArrival = now
    }
    this.#lastArrival = Math.max(this.#lastArrival, now + after)
    const cancel = this.#clock.timer(this.#lastArrival - now, () => {
      // Whichever timer fires, the oldest piece arrives: real timers of one due time may fire out of order.
      this.incoming.push(this.#flying.shift()!.bytes)
      if (this.#peerGone) this.#peerClosed()
    })
    this.#flying.push({ bytes, cancel })
  }

  /** The other end was closed: what it had sent still arrives. */
  #peerClosed(): void {
    this.#peerGone = true
    if (this.#over || this.#flying.length > 0) return
    const fault = linkClosed(this.uri, 'peer')
    this.#finish(fault)
    this.incoming.end(fault)
  }

  /** From now on `send` throws `fault`; nothing of this end is left waiting. */
  #finish(fault: Fault): void {
    if (this.#over) return
    this.#over = fault
    for (const { cancel } of this.#flying.splice(0)) cancel()
    for (const { reject } of this.#blocked.splice(0)) reject(fault)
  }

  #unblock(): void {
    for (const { resolve } of this.#blocked.splice(0)) resolve()
  }
}
