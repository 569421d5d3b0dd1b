/** Attempts at what is due: an entry is claimed, brought nearer to its end, and left for later where the host has no word. */

import { asFault, type Fault, isFault, throwIfAborted } from '../../errors.ts'
import type { Entry } from '../journal/journal.ts'
import { letGo } from './cash.ts'
import type { TillDesk } from './desk.ts'
import { type Became, bringToEnd } from './due.ts'

/** What one attempt at an open entry came to. */
export interface Recovered {
  /** As it was. */
  readonly entry: Entry
  /** `pending`: the host could not be reached, or has no final word; `busy`: it is in the hands of a living process, this one included. */
  readonly became: Became | 'busy'
  /** Why it is pending. */
  readonly fault?: Fault
}

/** Milliseconds between two attempts at what is due. */
const pauses = [2000, 5000, 10_000, 20_000, 40_000, 60_000, 120_000, 300_000, 600_000]
/** The longest of them. */
export const LONGEST = pauses.at(-1)!

/** One attempt at an entry, if it is free. `quiet`: whoever asked is told the result itself. @throws Fault `aborted`, `journal` */
export async function attempt(desk: TillDesk, entry: Entry, signal: AbortSignal | undefined, quiet = false): Promise<Recovered> {
  const { journal } = desk
  if (!journal.claim(entry.key)) return { entry, became: 'busy' }
  try {
    const fresh = journal.entry(entry.key) ?? entry // what another process did in the meantime
    const became = await bringToEnd({ ...desk, quiet }, fresh, desk.known(entry.order), signal)
    return became === 'pending' ? later(desk, entry) : { entry, became }
  } catch (error) {
    const fault = asFault(error)
    if (isFault(fault, 'aborted')) {
      journal.release(entry.key)
      throw fault
    }
    if (!isFault(fault, 'host-unreachable', 'host-no-answer', 'host-error', 'timeout', 'bad-key')) {
      letGo(journal, entry.key)
      throw fault
    }
    return later(desk, entry, fault)
  }
}

/** Lets go of it until its next try; the first time that is told. */
function later({ journal, clock }: TillDesk, entry: Entry, fault?: Fault): Recovered {
  const nextTry = new Date(clock.now() + pauses[Math.min(entry.tries, pauses.length - 1)])
  journal.release(entry.key, nextTry)
  // Who paid in cash without a network knows; SBP waits for its customer.
  const expected = entry.due === 'registration' || (entry.method === 'sbp' && !fault)
  if (entry.tries === 0 && !expected)
    journal.notify({ type: 'waiting', order: entry.order, key: entry.key, at: new Date(clock.now()), due: entry.due ?? 'status' })
  return { entry, became: 'pending', ...(fault && { fault }) }
}

/** An attempt at each, one after the other; then what is to be told is told. @throws Fault `aborted`, `journal` */
export async function attemptAll(desk: TillDesk, entries: readonly Entry[], signal: AbortSignal | undefined): Promise<Recovered[]> {
  const recovered: Recovered[] = []
  for (const entry of entries) {
    throwIfAborted(signal)
    recovered.push(await attempt(desk, entry, signal))
  }
  desk.tell()
  return recovered
}
