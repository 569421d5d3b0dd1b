/** Miura MPI framing: NAD, PCB, length, APDU, LRC, after T=1 (ISO/IEC 7816-3, 11.3); long messages go in a chain of packets. */

import { concat, Gathered, lrc } from '../../src/bytes.ts'
import { Fault } from '../../src/errors.ts'
import type { Decoder } from '../../src/reader/side.ts'

/** Who is spoken to, or speaks: the PIN entry device, or the POSzle beside it. */
export const PED = 0x01
export const POSZLE = 0x02
export type Address = typeof PED | typeof POSZLE

/** A whole message, put together from its packets. */
export interface Block {
  readonly nad: Address
  /** Nobody asked for it (PCB bit 6). Readers only. */
  readonly unsolicited: boolean
  readonly apdu: Uint8Array
}

const CHAINED = 0x01
const UNSOLICITED = 0x40
const HEAD = 3
/** Bytes of an APDU in one packet (MpiPacket.java). */
const MIN_APDU = 2
export const MAX_APDU = 254
/** What a chain may grow to: a bound of ours, far above any answer. */
export const MAX_MESSAGE = 16384

/** @throws Fault `bad-argument` for what no packet can carry */
export function encodeBlock({ nad, unsolicited, apdu }: Block): Uint8Array {
  if (apdu.length < MIN_APDU)
    throw new Fault('bad-argument', `an APDU of ${apdu.length} bytes: a packet takes at least 2`, { field: 'apdu' })
  const packets: Uint8Array[] = []
  for (let at = 0; at < apdu.length; ) {
    let size = Math.min(MAX_APDU, apdu.length - at)
    if (apdu.length - at - size === 1) size-- // no packet with one byte
    const more = at + size < apdu.length
    const head = Uint8Array.of(nad, (unsolicited ? UNSOLICITED : 0) | (more ? CHAINED : 0), size)
    const packet = concat(head, apdu.subarray(at, at + size))
    packets.push(packet, Uint8Array.of(lrc(packet)))
    at += size
  }
  return concat(...packets)
}

export interface BlockOptions {
  /** Whether an APDU could be one of the other side: a packet has no start byte, and one false LRC in 256 is right. */
  readonly plausible: (apdu: Uint8Array) => boolean
  /** How many bytes without framing follow a message (STREAM BINARY); none when left out. */
  readonly trailing?: (block: Block) => number
}

/** A message, with the bytes without framing that followed it. */
export interface Framed extends Block {
  readonly content?: Uint8Array
}

/**
 * Finds packets in a byte stream. A head is believed when NAD, PCB and length are possible, a packet when its LRC is right and it is `plausible`; otherwise the
 * search goes on at the next byte. Chains are kept apart by NAD and by who asked; a silence ends an unfinished one.
 */
export function blockDecoder({ plausible, trailing = () => 0 }: BlockOptions): Decoder<Framed> {
  let rest: Uint8Array = new Uint8Array(0)
  const chains = new Map<number, Gathered>()
  let stream: { readonly block: Block; readonly content: Gathered; left: number } | undefined

  /** A complete packet at `at`, 0 for one that may still become one, undefined for none. */
  const packetAt = (bytes: Uint8Array, at: number): number | undefined => {
    const [nad, pcb = 0, length = MIN_APDU] = bytes.subarray(at, at + HEAD)
    if (nad !== PED && nad !== POSZLE) return undefined
    if ((pcb & ~(CHAINED | UNSOLICITED)) !== 0) return undefined
    if (length < MIN_APDU || length > MAX_APDU) return undefined
    const total = HEAD + length + 1
    if (bytes.length - at < total) return 0
    if (lrc(bytes.subarray(at, at + total)) !== 0) return undefined
    const alone = (pcb & CHAINED) === 0 && !chains.has(key(nad, pcb))
    return alone && !plausible(bytes.subarray(at + HEAD, at + total - 1)) ? undefined : total
  }

  const take = (packet: Uint8Array): Block | undefined => {
    const [nad, pcb] = packet
    const chain = chains.get(key(nad, pcb)) ?? new Gathered()
    chain.add(packet.subarray(HEAD, -1))
    chains.delete(key(nad, pcb))
    if (chain.length > MAX_MESSAGE) return undefined
    if ((pcb & CHAINED) !== 0) {
      chains.set(key(nad, pcb), chain)
      return undefined
    }
    const apdu = chain.bytes()
    return plausible(apdu) ? { nad: nad as Address, unsolicited: (pcb & UNSOLICITED) !== 0, apdu } : undefined
  }

  const scan = (bytes: Uint8Array, quiet: boolean): Framed[] => {
    const found: Framed[] = []
    const endStream = () => {
      if (stream) found.push({ ...stream.block, content: stream.content.bytes() })
      stream = undefined
    }
    let at = 0
    while (at < bytes.length) {
      if (stream) {
        const part = bytes.subarray(at, at + stream.left)
        stream.content.add(part)
        stream.left -= part.length
        at += part.length
        if (stream.left === 0) endStream()
        continue
      }
      const total = packetAt(bytes, at)
      if (total === 0 && !quiet) break
      if (!total) {
        at++
        continue
      }
      const block = take(bytes.subarray(at, at + total))
      at += total
      if (!block) continue
      const left = trailing(block)
      if (left > 0) stream = { block, content: new Gathered(), left }
      else found.push(block)
    }
    rest = bytes.slice(at)
    if (quiet) {
      endStream() // shorter than announced: who hears it can tell
      chains.clear()
    }
    return found
  }

  return {
    push: chunk => scan(rest.length === 0 ? chunk : concat(rest, chunk), false),
    idle: () => scan(rest, true),
  }
}

function key(nad: number, pcb: number): number {
  return nad | (pcb & UNSOLICITED)
}
