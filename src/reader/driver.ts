/** What the drivers of all families write alike: their status, amounts, an open card, how far an update is, and their end. */

import type { Transaction } from '../emv/terminal.ts'
import { Fault } from '../errors.ts'
import type { Broadcast } from './broadcast.ts'
import type { CardSlot, ReaderEvent, ReaderStatus, UpdateOptions } from './reader.ts'
import type { ReaderWork } from './work.ts'

/** What is `known`, after `ask`; while something else is under way, what the reader said last is all there is: it answers one question at a time. @throws Fault `busy` */
export async function statusOf(
  work: ReaderWork,
  known: () => ReaderStatus,
  ask: (signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal | undefined,
): Promise<ReaderStatus> {
  const { busy } = work
  if (busy && busy !== 'a status request') return known()
  return work.alone('a status request', stop => ask(stop).then(known), signal)
}

/** Both amounts, as 9F02 and 9F03 hold them. @throws Fault `bad-argument` where one does not fit n 12 */
export function needN12({ amount, otherAmount = 0n }: Pick<Transaction, 'amount' | 'otherAmount'>): void {
  for (const [field, value] of Object.entries({ amount, otherAmount }))
    if (value < 0n || value > 999_999_999_999n) throw new Fault('bad-argument', `${field} ${value} does not fit n 12`, { field })
}

/** Opens a card, which keeps the reader busy until it is closed, and tells of it. @throws what `open` throws, Fault `busy` */
export async function openCardOf(
  work: ReaderWork,
  {
    open,
    tell,
    onClosed,
  }: {
    readonly open: (signal: AbortSignal, onClose: () => void) => Promise<CardSlot>
    readonly tell: (event: ReaderEvent) => void
    readonly onClosed: () => void
  },
  signal: AbortSignal | undefined,
): Promise<CardSlot> {
  const release = work.claim('an open card')
  const onClose = () => {
    onClosed()
    release()
  }
  try {
    const slot = await work.stoppable(stop => open(stop, onClose), signal)
    tell({ type: 'card', event: slot.interface === 'contact' ? 'inserted' : 'tapped' })
    slot.removed.addEventListener('abort', () => tell({ type: 'card', event: 'removed' }), { once: true })
    return slot
  } catch (error) {
    release()
    throw error
  }
}

/** Tells whoever listens, and the app, how much the reader has taken. */
export function progressOf(
  events: Broadcast<ReaderEvent>,
  what: 'firmware' | 'configuration',
  { onProgress }: Pick<UpdateOptions, 'onProgress'>,
): (done: number, total: number) => void {
  return (done, total) => {
    events.send({ type: 'update', what, done, total })
    onProgress?.(done, total)
  }
}

/** A payment that runs is cancelled first, and settles; then an open card is closed, and the line. */
export function closeReader(
  work: ReaderWork,
  line: { close(): Promise<unknown>; readonly closed: Promise<unknown> },
  slot: () => CardSlot | undefined = () => undefined,
): Promise<void> {
  return work.close(async () => {
    await slot()?.close()
    await line.close()
    await line.closed
  })
}
