/** Who works on which payment: processes on one journal, told apart and found dead. Node only. */

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Clock } from '../../clock.ts'
import { isFault } from '../../errors.ts'
import type { Database } from './sqlite.ts'

/** Owners that live in this very process: a process id alone does not tell them from those of a dead predecessor with the same id. */
const living = new Set<string>()

/** A beat that is older than this by the wall clock is over, whoever has set that clock: it is more than people set clocks by. */
const LONG_AGO = 2 * 86_400_000

export interface Lease {
  readonly id: string
  /** All of `work` or none of it; once it is on disk, and not false, this process has `key` and shows that it lives. What cannot be written down is not held. */
  taking<T>(key: string, work: () => T): T
  release(key: string): void
  /** Whether `owner` is a process that lives and works on `key`. */
  works(owner: string, key: string): boolean
  /** Gives up everything that is held. */
  close(): void
}

/**
 * A process of this machine that runs no more is dead at once. Any other is dead when its beat stood still for `leaseTime` milliseconds of our own, or for days: two wall
 * clocks are not compared, since one that somebody sets would take payments from the living.
 */
export function openLease(database: Database, clock: Clock, leaseTime: number): Lease {
  const id = crypto.randomUUID()
  const machine = `${hostname()} ${bootId()}`.trimEnd()
  const held = new Set<string>()
  /** What was seen of others: their beat, and when it was new to us. */
  const seen = new Map<string, { readonly beat: number; readonly since: number }>()
  let beats = 0
  let cancel: (() => void) | undefined
  living.add(id)

  function beat(): void {
    database.run(
      'INSERT INTO owners (id, machine, pid, beat) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET beat = excluded.beat',
      ...[id, machine, process.pid, clock.now() + (beats++ % 2)], // two beats differ, though the clock were set back between them
    )
  }

  function next(): void {
    cancel = clock.timer(leaseTime / 3, () => {
      try {
        beat()
      } catch (error) {
        if (!isFault(error, 'journal')) throw error // the payment itself meets it at its next step
      }
      next()
    })
  }

  /** Whether the owner's beat has stood still for too long. */
  function still(owner: string, beat: number): boolean {
    if (clock.now() - beat > LONG_AGO) return true
    const known = seen.get(owner)
    if (known?.beat === beat) return clock.elapsed() - known.since >= leaseTime
    seen.set(owner, { beat, since: clock.elapsed() })
    return false
  }

  function release(key: string): void {
    held.delete(key)
    if (held.size > 0) return
    cancel?.()
    cancel = undefined
  }

  return {
    id,
    taking(key, work) {
      const taken = database.transaction(() => {
        const result = work()
        if (result !== false) beat()
        return result
      })
      if (taken === false) return taken
      held.add(key)
      if (!cancel) next()
      return taken
    },
    release,
    works(owner, key) {
      if (owner === id) return held.has(key)
      const row = database.get('SELECT machine, pid, beat FROM owners WHERE id = ?', owner)
      if (!row) return false
      if (row.machine === machine) {
        if (row.pid === process.pid) return living.has(owner)
        if (!isRunning(Number(row.pid))) return false
      }
      return !still(owner, Number(row.beat))
    },
    close() {
      cancel?.()
      cancel = undefined
      held.clear()
      living.delete(id)
      try {
        database.run('DELETE FROM owners WHERE id = ?', id)
      } catch (error) {
        if (!isFault(error, 'journal')) throw error // it counts as dead when its time is over
      }
    },
  }
}

/** Tells this run of the machine from those before it, whose processes are all gone; empty where the system does not say. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // it runs as somebody else
  }
}
