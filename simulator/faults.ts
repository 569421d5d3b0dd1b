/** What can be wrong with a line: knobs on what a virtual device sends, to be turned while it runs. */

import { concat } from '../src/bytes.ts'
import type { Clock } from '../src/clock.ts'
import { sleep } from '../src/clock.ts'
import type { Link } from '../src/transport/link.ts'
import { chance } from './chance.ts'

/** What goes wrong on the line of a virtual reader, frame by frame; nothing where all is left out. It may be changed while the reader is used. */
export interface LineFaults {
  /** Bytes in one piece; what the link takes when left out. */
  chunk?: number
  /** Milliseconds before each frame. */
  delay?: number
  /** Nothing is sent. */
  silent?: boolean
  /** Every n-th frame is lost; 1 for all. */
  drop?: number
  /** Every n-th frame has its last byte inverted, which is the check of most protocols; 1 for all. */
  corrupt?: number
  /** Random bytes before each frame. */
  noise?: number
  /** The reader is gone: the line ends instead of a frame. */
  gone?: boolean
  /** How probable it is that a frame meets what is set here, 0 to 1, each frame by itself; always when left out. `chunk` is no matter of chance. */
  probability?: number
  /** What chance throws: the same seed, from the beginning of a connection on, meets the same frames; 1 when left out. */
  seed?: number
}

export interface FaultyLine {
  readonly faults: LineFaults
  readonly clock: Clock
  readonly random: (length: number) => Uint8Array
}

/** Sends frames over `link` one after another, with the faults that are set when a frame's turn comes. */
export function faultySender(link: Link, { faults, clock, random }: FaultyLine, signal: AbortSignal): (frame: Uint8Array) => Promise<void> {
  let count = 0
  let falls = chance(faults.seed ?? 1)
  let { seed } = faults
  /** Whether chance has this frame meet what is set. */
  const isMet = () => {
    if (faults.seed !== seed) {
      seed = faults.seed
      falls = chance(seed ?? 1)
    }
    return faults.probability === undefined || falls(faults.probability)
  }
  let last: Promise<void> = Promise.resolve()
  const send = async (frame: Uint8Array) => {
    count++
    const { chunk = Number.POSITIVE_INFINITY } = faults
    const { delay = 0, silent = false, drop, corrupt, noise = 0, gone = false } = isMet() ? faults : {}
    if (gone) return link.close()
    if (delay > 0) await sleep(delay, clock, signal)
    if (silent || (drop && count % drop === 0)) return
    const bytes = frame.slice()
    if (corrupt && count % corrupt === 0) bytes[bytes.length - 1] ^= 0xff
    const all = noise > 0 ? concat(random(noise), bytes) : bytes
    const size = Math.min(chunk, link.mtu, all.length)
    for (let at = 0; at < all.length; at += size) await link.send(all.subarray(at, at + size))
  }
  return frame => {
    last = last.then(() => send(frame))
    return last
  }
}
