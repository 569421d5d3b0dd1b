/** A raw slot of a reader: one command at a time, closed once; a card that has left is told, whatever the command ended with. */

import { Fault, isFault } from '../errors.ts'
import type { CardSlot } from './reader.ts'

/** What a family does for it. */
export interface RawSlotOptions {
  /** With contacts or without. */
  readonly interface: CardSlot['interface']
  /** Answer to reset, or what stands for it. */
  readonly atr: Uint8Array
  /** What it is called when the card has gone: `the card was removed`. */
  readonly removal: string
  /** One command and its response; `gone` makes the fault of a card that has left. @throws Fault `timeout` for a reader that gives no answer, `link-closed` */
  exchange(apdu: Uint8Array, signal: AbortSignal, gone: (why: string) => Fault): Promise<Uint8Array>
  /** A reader that is lost has no slot: whatever this throws is passed over. */
  powerOff(): Promise<unknown>
  /** It was closed, and the card is without power. */
  onClose(): void
}

/** The slot, open and powered. */
export function rawSlot({ interface: kind, atr, removal, exchange, powerOff, onClose }: RawSlotOptions): CardSlot {
  const removed = new AbortController()
  const closed = new AbortController()
  let working: Promise<unknown> | undefined
  const gone = (why: string, cause?: unknown) => {
    const fault = new Fault('card-removed', `${removal}: ${why}`, {}, { cause })
    removed.abort(fault)
    return fault
  }
  const command = async (apdu: Uint8Array, signal: AbortSignal) => {
    try {
      return await exchange(apdu, signal, gone)
    } catch (error) {
      if (isFault(error, 'link-closed')) throw gone('the reader is gone, and the card with it', error)
      if (isFault(error, 'timeout')) throw new Fault('card-mute', 'the reader gave no answer of the card', {}, { cause: error })
      throw error
    }
  }
  return {
    ...{ interface: kind, atr, removed: removed.signal },
    async transmit(apdu, { signal } = {}) {
      if (closed.signal.aborted) throw closed.signal.reason
      if (removed.signal.aborted) throw removed.signal.reason
      if (working) throw new Fault('busy', 'the card is working on the command before')
      const work = command(apdu, signal ? AbortSignal.any([signal, closed.signal]) : closed.signal)
      working = work.catch(() => {})
      try {
        return await work
      } finally {
        working = undefined
      }
    },
    async close() {
      if (closed.signal.aborted) return
      closed.abort(new Fault('aborted', 'the slot was closed'))
      await working
      await powerOff().catch(() => {})
      onClose()
    },
  }
}
