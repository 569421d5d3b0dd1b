/** The till's orders beside the host's: those of the last days that were paid offline or are in process. */

import * as door from '../../door.ts'
import { isFault, throwIfAborted } from '../../errors.ts'
import { isContradiction } from '../host/agreement.ts'
import type { OrderRecord } from '../journal/journal.ts'
import { attemptAll } from './attempt.ts'
import { compare } from './compare.ts'
import type { TillDesk } from './desk.ts'

/** Days that a till looks back over. */
export const DAYS = 3
const DAY = 86_400_000

/** Gives the orders that changed. @throws Fault `aborted`, `journal` */
export async function reconcile(desk: TillDesk, days: number, signal: AbortSignal | undefined): Promise<readonly OrderRecord[]> {
  door.need('days', days, door.finite(0, 36_500))
  const { journal, merchant, clock } = desk
  const since = new Date(clock.now() - days * DAY)
  const open = journal.orders({ since, merchant, unsettled: true })
  for (const { entries } of open)
    await attemptAll(
      desk,
      entries.filter(one => one.open),
      signal,
    )
  const changed: OrderRecord[] = []
  for (const before of open) {
    throwIfAborted(signal)
    const { number } = before
    if (desk.known(number).entries.every(one => !one.open)) await refresh(desk, number, signal, true).catch(passOver)
    const now = desk.known(number)
    if (now.state !== before.state || now.offline !== before.offline) changed.push(now)
  }
  desk.tell()
  return changed
}

/** Takes over the host's state of the order; nothing where the host is away. @throws Fault `host-error` where its order cannot be this one: the state is kept */
export async function refresh(desk: TillDesk, number: string, signal: AbortSignal | undefined, notify: boolean): Promise<void> {
  const { journal, acquirer, clock, discrepancies: told } = desk
  try {
    await compare({ journal, acquirer, now: () => new Date(clock.now()), told }, desk.known(number), { signal, notify })
  } catch (error) {
    if (isContradiction(error) || !isFault(error, 'host-unreachable', 'host-no-answer', 'host-error')) throw error
  }
}

/** One order whose host contradicts itself is told by its notice, and the others are compared all the same. */
function passOver(error: unknown): void {
  if (!isContradiction(error)) throw error
}
