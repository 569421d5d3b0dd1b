/** The app's terminal for a kernel that runs here: what a reader with a kernel would tell is told, and a question to a person is over when the card has gone. */

import { type Clock, within } from '../clock.ts'
import type { PinEntry, PinRequest, Terminal, Waiting } from '../emv/terminal.ts'
import type { MessageId } from '../messages/messages.ts'
import type { Broadcast } from './broadcast.ts'
import type { CardSlot, ReaderEvent } from './reader.ts'

/** Where it is told. */
export interface Teller {
  readonly events: Broadcast<ReaderEvent>
  readonly clock: Clock
}

/** What a display would show: for the app as an event, for the cardholder by its terminal. */
export function display({ events }: Teller, terminal: Terminal, message: MessageId, language?: string): void {
  events.send({ type: 'display', message })
  if (message === 'reader.pinOk') events.send({ type: 'pin', event: 'ok', offline: true })
  terminal.display?.(message, language)
}

/** `terminal`, told of. A question is over when the card in `slot` has gone. */
export function toldTerminal(teller: Teller, terminal: Terminal, slot?: CardSlot): Terminal {
  const { events, clock } = teller
  const withCard = <T>({ signal, language }: Waiting, ask: (waiting: Waiting) => Promise<T>) =>
    within({ signal: slot ? AbortSignal.any([signal, slot.removed]) : signal, clock }, inner => ask({ signal: inner, language }))
  const { enterPin } = terminal
  return {
    selectApplication: (candidates, waiting) => {
      events.send({ type: 'application-selection', where: 'host', labels: candidates.map(({ label }) => label) })
      return withCard(waiting, own => terminal.selectApplication(candidates, own))
    },
    ...(enterPin && {
      enterPin: (request: PinRequest, waiting: Waiting) =>
        withCard(waiting, own => toldPin(teller, request, () => enterPin.call(terminal, request, own))),
    }),
    authorise: (request, waiting) => terminal.authorise(request, waiting),
    ...(terminal.exchangeData && { exchangeData: (exchange, waiting) => terminal.exchangeData!(exchange, waiting) }),
    ...(terminal.refer && { refer: (request, response, waiting) => terminal.refer!(request, response, waiting) }),
    display: (message, language) => display(teller, terminal, message, language),
  }
}

async function toldPin({ events }: Teller, request: PinRequest, ask: () => Promise<PinEntry>): Promise<PinEntry> {
  const offline = request.type === 'offline'
  const tell = (event: Extract<ReaderEvent, { type: 'pin' }>['event']) => events.send({ type: 'pin', event, offline })
  if (offline && request.again) tell('wrong')
  if (offline && request.triesLeft === 1) tell('lastTry')
  tell('started')
  const entry = await ask()
  if (entry.type === 'onlinePin')
    tell('ok') // an offline one is right when the card says so
  else if (entry.type === 'bypassed') tell('bypassed')
  return entry
}
