/** H4, the way HCI packets follow each other on a stream (Bluetooth Core 5.4, Vol 4, Part A): a type byte, then the packet. */

import { concat } from '../../bytes.ts'
import { Fault } from '../../errors.ts'

/** The first byte of an H4 packet. */
export const h4 = { command: 0x01, acl: 0x02, event: 0x04 } as const

/** A vendor's event (code FF) that only a virtual air sends: `tap`, then 1 when the adapter is switched on, 0 when off. */
export const POWER_EVENT = Uint8Array.of(h4.event, 0xff, 4, 0x74, 0x61, 0x70)

/** Cuts a stream into whole packets, type byte included. @throws Fault `protocol` for what is no packet: the stream is out of step for good */
export function h4Splitter(take: (packet: Uint8Array) => void): (chunk: Uint8Array) => void {
  let rest: Uint8Array = new Uint8Array()
  return chunk => {
    rest = rest.length > 0 ? concat(rest, chunk) : chunk
    let at = 0
    for (let length = packetLength(rest, at); length > 0 && at + length <= rest.length; length = packetLength(rest, at)) {
      take(rest.slice(at, at + length))
      at += length
    }
    rest = rest.slice(at)
  }
}

/** 0 while too few bytes are there to tell. */
function packetLength(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at
  if (left < 1) return 0
  switch (bytes[at]) {
    case h4.command:
      return left < 4 ? 0 : 4 + bytes[at + 3]
    case h4.acl:
      return left < 5 ? 0 : 5 + bytes[at + 3] + (bytes[at + 4] << 8)
    case h4.event:
      return left < 3 ? 0 : 3 + bytes[at + 2]
    default:
      throw new Fault('protocol', `an H4 packet does not begin with ${bytes[at]}`, { field: 'type' })
  }
}
