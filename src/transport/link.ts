/** A Link is a byte pipe to a device: it knows nothing but bytes and its own chunk size. */

import * as door from '../door.ts'
import { Fault } from '../errors.ts'

/** A byte pipe to one device, open until closed or lost. */
export interface Link {
  /** Where it leads: `serial:/dev/ttyACM0?baud=115200`, `tcp://127.0.0.1:9100`, `pipe:reader`. */
  readonly uri: string
  /** The largest piece that one `send` takes, in bytes; `Infinity` where there is no limit. */
  readonly mtu: number
  /** The GATT service behind it, in lower case, where it leads to one. */
  readonly service?: string
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
  door.need('uri', uri, door.anyText)
  return new Fault('link-closed', `${uri} ${words[by]}`, { uri, by }, cause === undefined ? undefined : { cause })
}

/** What a transport gives that knows cards, not bytes (PC/SC): one reader with one slot. */
export interface SlotLink {
  /** `pcsc:ACS%20ACR122U%2000%2000`. */
  readonly uri: string
  /** The reader's name. */
  readonly name: string
  /** A card lies in the slot, or in the field. */
  readonly cardPresent: boolean
  /**
   * Waits for a card and gives it a cold reset.
   * @throws Fault `timeout` (none came), `aborted`, `card-mute` (no answer to reset), `card-removed`, `busy` (another program has it), `link-closed`
   */
  powerOn(options: {
    /** Milliseconds to wait for a card; no limit when left out. */
    readonly timeout?: number | undefined
    /** Ends the waiting. */
    readonly signal?: AbortSignal | undefined
  }): Promise<PoweredCard>
  /** Resolves when it is over: with a Fault when the reader or the service behind it has gone, with nothing when it was closed here. */
  readonly closed: Promise<Fault | undefined>
  /** Idempotent. A card under power is left without. */
  close(): Promise<void>
}

/** A card under power: what `transmit` sends goes to it as it is. */
export interface PoweredCard {
  /** Answer to reset, as the card gave it or the service made it. */
  readonly atr: Uint8Array
  /** Fires with Fault `card-removed`. */
  readonly removed: AbortSignal
  /** @throws Fault `card-removed`, `card-mute`, `aborted`, `busy` */
  transmit(
    apdu: Uint8Array,
    options?: {
      /** Gives the command up. */
      readonly signal?: AbortSignal
    },
  ): Promise<Uint8Array>
  /** Idempotent; never throws. */
  powerOff(): Promise<void>
}
