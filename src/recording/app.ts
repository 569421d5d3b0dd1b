/** A recorded app, played against a reader: it says what it said, and waits for messages of the same name. */

import { type Clock, systemClock, within } from '../clock.ts'
import { Fault } from '../errors.ts'
import type { Link } from '../transport/link.ts'
import { needBytes } from '../transport/need-bytes.ts'
import type { Trace } from '../transport/replay.ts'
import type { Dissector } from './dissector.ts'
import { follow, type Unit, unitsOf } from './units.ts'

/** How a recorded app is played. */
export interface AppOptions {
  readonly dissector: Dissector
  readonly clock?: Clock | undefined
  /** Milliseconds that the reader may take longer than it did; 30 000 when left out. */
  readonly patience?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Hears of each message in its turn. */
  readonly onMessage?: ((message: { readonly direction: 'out' | 'in'; readonly name: string; readonly line: number }) => void) | undefined
}

/**
 * Plays the host's part of a recording over an open link, which stays open. What the reader says more than once, and did not, is passed over.
 * @throws Fault `protocol` where it says something else, with details.expected, details.came and details.line; `timeout`, `aborted`, `link-closed`; `unsupported` when only lengths were recorded
 */
export async function playApp(
  link: Link,
  trace: Trace,
  { dissector, clock = systemClock, patience = 30_000, signal, onMessage }: AppOptions,
): Promise<void> {
  needBytes(trace)
  const units = unitsOf(trace, dissector)
  const heard = follow(dissector, 'in')
  const chunks = link.incoming[Symbol.asyncIterator]()
  const came: Pick<Unit, 'name' | 'bytes'>[] = []
  let pieces: Uint8Array = new Uint8Array()
  const acknowledge = async (bytes: Uint8Array) => {
    if (!dissector.acknowledge) return
    pieces = Uint8Array.from([...pieces, ...bytes])
    while (pieces.length > 0) {
      const { length, answer } = dissector.acknowledge(pieces)
      if (length <= 0) return
      pieces = pieces.slice(length)
      if (answer) await say(link, answer)
    }
  }
  let before: string | undefined
  for (const [index, unit] of units.entries()) {
    if (unit.direction === 'out') {
      await say(link, unit.bytes)
      onMessage?.(unit)
      continue
    }
    const timeout = patience + Math.max(0, unit.at - (units[index - 1]?.at ?? 0))
    const what = `'${unit.name}' of line ${unit.line}`
    await within({ timeout, signal, clock, what }, async () => {
      for (;;) {
        const next = came.shift()
        if (next?.name === unit.name) return
        if (next && next.name !== before) throw other(unit, next.name)
        if (next) continue
        const { value, done } = await chunks.next()
        if (done) throw new Fault('link-closed', `the link was closed before ${what}`, { by: 'close' })
        await acknowledge(value)
        came.push(...heard(value))
      }
    })
    before = unit.name
    onMessage?.(unit)
  }
}

function other({ name, line }: Unit, came: string): Fault {
  return new Fault('protocol', `the reader says '${came}'; line ${line} of the recording has '${name}'`, { expected: name, came, line })
}

async function say(link: Link, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += link.mtu) await link.send(bytes.length > link.mtu ? bytes.subarray(at, at + link.mtu) : bytes)
}
