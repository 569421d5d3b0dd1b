/** A Link is a byte pipe to a device: it knows nothing but bytes and its own chunk size. */

import { Fault } from '../errors.ts'

export interface Link {
  /** Where it leads: `serial:/dev/ttyACM0?baud=115200`, `tcp://127.0.0.1:9100`, `pipe:reader`. */
  readonly uri: string
  /** The largest piece that one `send` takes, in bytes; `Infinity` where there is no limit. */
  readonly mtu: number
  /** Resolves when the bytes were taken by the transport. @throws Fault `link-closed`, `bad-argument` (longer than `mtu`) */
  send(bytes: Uint8Array): Promise<void>
  /** What arrives, in order; a chunk boundary means nothing. Read by one reader. Ends when the link was closed by `close()`; throws Fault `link-closed` when it was lost or closed by the peer. */
  readonly incoming: AsyncIterable<Uint8Array>
  /** Idempotent; resolves when the underlying handle is released. */
  close(): Promise<void>
}

/** Why a Link is over: closed here, closed by the peer, or lost. */
export type ClosedBy = 'close' | 'peer' | 'loss'

const words: Readonly<Record<ClosedBy, string>> = { close: 'was closed', peer: 'was closed by the peer', loss: 'was lost' }

/** The Fault `link-closed` of a Link; `details.by` tells who ended it. */
export function linkClosed(uri: string, by: ClosedBy, cause?: unknown): Fault {
  return new Fault('link-closed', `${uri} ${words[by]}`, { uri, by }, cause === undefined ? undefined : { cause })
}
