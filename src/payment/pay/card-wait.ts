/** How long a payment waits for somebody to present a card: from the moment at which one is asked for until something shows that one is there. */

import { systemClock } from '../../clock.ts'
import type { Outcome } from '../../emv/outcome.ts'
import { Fault } from '../../errors.ts'
import type { MessageId } from '../../messages/messages.ts'
import type { ReaderEvent } from '../../reader/reader.ts'
import type { PaymentEvent } from './events.ts'
import type { PayOptions } from './options.ts'

export interface CardWait {
  /** Nobody came in time, and the reader was told to stop. */
  readonly over: boolean
  /** A reader is about to ask for a card; `stop` ends what it does. */
  begin(stop: AbortController): void
  /** What the reader tells: that a card is there, or that one is asked for once more. */
  hear(event: ReaderEvent): void
  /** A card is there: whatever it takes from here on is not waiting for it. */
  came(): void
  /** No card is waited for any more, whatever the reader still tells: the host is asked, or the reader is done. */
  end(): void
  /** The outcome, where it is the wait that ended it. */
  ended(outcome: Outcome): Outcome
}

/** What a reader shows while there is no card, or none that can be read; anything else is shown to somebody who has presented one. */
const invitations: ReadonlySet<MessageId> = new Set<MessageId>([
  ...(['reader.presentCard', 'reader.insertCard', 'reader.swipeCard', 'reader.tapCard', 'reader.insertOrSwipe'] as const),
  ...(['reader.tryAgain', 'reader.tryAnotherCard', 'reader.presentCardAgain', 'reader.presentOneCard'] as const),
])
/** What it may show whether or not there is one. */
const neither: ReadonlySet<MessageId> = new Set<MessageId>(['reader.removeCard', 'reader.idle', 'reader.lowBattery', 'reader.cancelled'])

export function cardWait(
  { clock = systemClock, waitTime, signal }: Pick<PayOptions, 'clock' | 'waitTime' | 'signal'>,
  say: (event: PaymentEvent) => void,
): CardWait {
  let stop: AbortController | undefined
  let cancel: (() => void) | undefined
  let over = false
  const rest = () => {
    cancel?.()
    cancel = undefined
  }
  const late = () => {
    cancel = undefined
    if (signal?.aborted || !stop) return
    over = true
    say({ type: 'cardTimeout', waited: waitTime! })
    stop.abort(new Fault('aborted', `no card was presented in ${waitTime} ms`, { ms: waitTime! }))
  }
  const ask = () => {
    rest()
    if (waitTime !== undefined && stop && !over) cancel = clock.timer(waitTime, late)
  }
  return {
    get over() {
      return over
    },
    begin(controller) {
      stop = controller
      over = false
      ask()
    },
    hear(event) {
      const word = wordOf(event)
      if (word === 'came') rest()
      // An invitation that is repeated gives nobody more time.
      else if (word === 'asked' && !cancel) ask()
    },
    came: rest,
    end() {
      rest()
      stop = undefined
    },
    ended: outcome =>
      over && outcome.result === 'cancelled' && outcome.reason === 'merchantCancelled' ? { ...outcome, reason: 'cardTimeout' } : outcome,
  }
}

function wordOf(event: ReaderEvent): 'came' | 'asked' | undefined {
  switch (event.type) {
    case 'card':
      return event.event === 'removed' ? undefined : 'came'
    case 'atr':
    case 'pin':
    case 'application-selection':
      return 'came'
    case 'fallback':
      return 'asked'
    case 'display':
      if (neither.has(event.message)) return undefined
      return invitations.has(event.message) ? 'asked' : 'came'
    default:
      return undefined
  }
}
