/** The background of a till: it recovers, reconciles, and then does what falls due until the till is closed. */

import { sleep } from '../../clock.ts'
import type { Entry } from '../journal/journal.ts'
import { attemptAll, LONGEST } from './attempt.ts'
import type { TillDesk } from './desk.ts'
import { DAYS, reconcile } from './reconcile.ts'

/** Milliseconds between two looks at what other processes left, while there is any. */
const ROUND = 30_000

/** Ends when `signal` fires; throws nothing. */
export async function runBackground(desk: TillDesk, signal: AbortSignal): Promise<void> {
  const quietly = async (work: () => Promise<unknown>) => {
    try {
      await work()
    } catch (error) {
      if (!signal.aborted) desk.complain(error)
    }
  }
  await quietly(() => attemptAll(desk, desk.journal.open(desk.merchant), signal))
  await quietly(() => reconcile(desk, DAYS, signal))
  while (!signal.aborted) {
    const woken = new Promise<void>(resolve => {
      desk.wake = resolve
    })
    let wait: number | undefined = ROUND // a journal that fails is looked at again
    await quietly(async () => {
      wait = await doWhatIsDue(desk, signal)
    })
    await rest(desk, wait, woken, signal)
  }
}

/** Milliseconds until there is something to do again; undefined where nothing is open. */
async function doWhatIsDue(desk: TillDesk, signal: AbortSignal): Promise<number | undefined> {
  const { journal, merchant, clock } = desk
  const now = clock.now()
  // A time that no pause reaches was written before somebody set the clock back.
  const due = ({ nextTry }: Entry) => !nextTry || +nextTry <= now || +nextTry > now + LONGEST
  await attemptAll(desk, journal.open(merchant).filter(due), signal)
  const next = journal.open(merchant).map(({ nextTry }) => (nextTry ? +nextTry : Number.POSITIVE_INFINITY))
  return next.length === 0 ? undefined : Math.max(100, Math.min(ROUND, ...next.map(at => at - clock.now())))
}

/** Until the time is over, somebody wakes it or `signal` fires. */
async function rest({ clock }: TillDesk, wait: number | undefined, woken: Promise<void>, signal: AbortSignal): Promise<void> {
  const resting = new AbortController()
  const end = () => resting.abort()
  signal.addEventListener('abort', end, { once: true })
  await Promise.race([woken, ...(wait === undefined ? [] : [sleep(wait, clock, resting.signal).catch(() => {})]), aborted(resting.signal)])
  signal.removeEventListener('abort', end)
  resting.abort()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
