/** Who works on which payment: processes on one journal, told apart and found dead. Node only. */

import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'
import { isFault } from '../errors.ts'
import type { Database } from './journal-sqlite.ts'

/** Owners that live in this very process: a process id alone does not tell them from those of a dead predecessor with the same id. */
const living = new Set<string>()

export interface Lease {
  readonly id: string
  /** From now on this process shows that it lives, as long as it holds anything. Part of the caller's transaction. */
  hold(key: string): void
  release(key: string): void
  /** Whether `owner` is a process that lives and works on `key`. */
  works(owner: string, key: string): boolean
  /** Gives up everything that is held. */
  close(): void
}

/** @param leaseTime milliseconds without a sign of life after which an owner counts as dead */
export function openLease(database: Database, clock: Clock, leaseTime: number): Lease {
  const id = crypto.randomUUID()
  const machine = hostname()
  const held = new Set<string>()
  let cancel: (() => void) | undefined
  living.add(id)

  function beat(): void {
    database.run(
      'INSERT INTO owners (id, machine, pid, beat) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET beat = excluded.beat',
      id,
      machine,
      process.pid,
      clock.now(),
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

  return {
    id,
    hold(key) {
      beat()
      held.add(key)
      if (!cancel) next()
    },
    release(key) {
      held.delete(key)
      if (held.size > 0) return
      cancel?.()
      cancel = undefined
    },
    works(owner, key) {
      if (owner === id) return held.has(key)
      const row = database.get('SELECT machine, pid, beat FROM owners WHERE id = ?', owner)
      if (!row || Number(row.beat) <= clock.now() - leaseTime) return false
      if (row.machine !== machine) return true
      return row.pid === process.pid ? living.has(owner) : isRunning(Number(row.pid))
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // it runs as somebody else
  }
}
