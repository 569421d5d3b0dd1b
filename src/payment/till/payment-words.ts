/** What an app says while a card pays, in the words of the mPOS guide: each event of a payment as ids of the table of messages. */

import type { MessageId } from '../../messages/messages.ts'
import type { PaymentEvent } from '../pay/events.ts'

/** What is said: in the app's words, on the reader's display, or as a list that nobody has to choose from. */
export type Said =
  | { readonly by: 'app'; readonly id: MessageId; readonly params?: Readonly<Record<string, string | number>> }
  | { readonly by: 'reader'; readonly id: MessageId }
  | { readonly by: 'list'; readonly labels: readonly string[] }

const stages: Partial<Record<Extract<PaymentEvent, { type: 'stage' }>['stage'], MessageId>> = {
  card: 'app.presentCard',
  authorising: 'app.authorising',
  reconciling: 'app.reconciling',
  reversing: 'app.reversing',
  advising: 'app.advising',
}

const cards = { inserted: 'app.cardInserted', tapped: 'app.cardTapped', swiped: 'app.cardSwiped', removed: 'app.cardRemoved' } as const
const pins = { started: 'app.enterPin', ok: 'app.pinOk', wrong: 'app.pinWrong', lastTry: 'app.pinLastTry' } as const

/** The chip could not be read. */
const unread = { chip: 'app.chipAgain', swipe: 'app.chipSwipe', tap: 'app.chipTap' } as const

const app = (id: MessageId | undefined, params?: Extract<Said, { by: 'app' }>['params']): Said[] =>
  id === undefined ? [] : [{ by: 'app', id, ...(params && { params }) }]

/** In the order in which it is said; nothing for what a merchant need not know. */
export function paymentWords(event: PaymentEvent): readonly Said[] {
  switch (event.type) {
    case 'stage':
      return app(stages[event.stage])
    case 'firmware': {
      const { newer: version, unread: told } = event
      return told === undefined ? app('app.newerFirmware', { version }) : app('app.unreadFirmware', { told, version })
    }
    case 'application': {
      const { wanted: label, offered, chosen } = event
      const end =
        chosen === undefined ? app('app.choiceUnknown', { label, labels: offered.join(', ') }) : app('app.chosen', { label: chosen })
      return [{ by: 'list', labels: offered }, ...end]
    }
    case 'otherApplication': {
      const { wanted: label, paid } = event
      return paid === undefined ? app('app.untoldApplication', { label }) : app('app.otherApplication', { label, paid })
    }
    case 'fallback':
      return app(unread[event.ask])
    case 'cardTimeout':
      return app('app.cardTimeout', { seconds: event.waited / 1000 })
    case 'reader':
      return readerWords(event.event)
    default:
      return []
  }
}

function readerWords(said: Extract<PaymentEvent, { type: 'reader' }>['event']): readonly Said[] {
  switch (said.type) {
    case 'card':
      return [...app(cards[said.event]), ...(said.event === 'removed' ? [] : app('app.wait'))]
    case 'pin':
      return said.event in pins ? app(pins[said.event as keyof typeof pins]) : []
    case 'application-selection':
      return said.where === 'reader' ? app('app.selectOnReader') : []
    case 'atr':
      return app('app.atrRemarks', { remarks: said.remarks.join('; ') })
    case 'battery':
      return said.level === 'ok' ? [] : app('app.lowBattery', { percent: said.percent ?? '?' })
    case 'display':
      return [{ by: 'reader', id: said.message }]
    default:
      return []
  }
}
