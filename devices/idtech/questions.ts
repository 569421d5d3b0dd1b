/** What an ID TECH reader shows and asks while a command of a payment runs: its words, and the list of a co-badged card. */

import { within } from '../../src/clock.ts'
import type { Candidate } from '../../src/emv/terminal.ts'
import { Fault, isFault } from '../../src/errors.ts'
import type { MessageId } from '../../src/messages/messages.ts'
import type { Relay, RelayOptions } from '../../src/reader/relay.ts'
import { decodeLcd, displayModes, encodeMenuChoice, requests } from './codec.ts'
import type { IdtechLine, Request } from './session.ts'

export interface Counter extends RelayOptions {
  readonly line: IdtechLine
  /** The app is asked where the reader wants a choice: the answer's layout was never seen. */
  readonly menus: boolean
}

export interface Payment extends Counter {
  readonly relay: Relay
  /** A transaction is open in the reader: cancelled when the payment ends otherwise. */
  open: boolean
  /** What was shown last: reader and driver mean the same, and the app hears it once. */
  screen?: MessageId
  /** Why the payment cannot go on, found while a command runs. */
  failed?: Fault
  readonly stop: AbortController
}

/** What the reader wants to be shown, or chosen. What cannot be answered ends the payment: a reader left without an answer waits for it. */
export async function asked(payment: Payment, { code, data }: Request): Promise<void> {
  const giveUp = (fault: Fault) => {
    payment.failed = fault
    payment.stop.abort()
  }
  try {
    if (code !== requests.lcd)
      return giveUp(new Fault('unsupported', 'the reader wants a PIN or a swipe from its host', { feature: 'pinPad' }))
    const lcd = decodeLcd(data)
    if (lcd.mode === displayModes.menu || lcd.mode === displayModes.languageMenu || lcd.mode === displayModes.functionKey)
      await choose(payment, lcd)
    else if (lcd.mode === displayModes.show) showLines(payment, lcd)
  } catch (error) {
    if (isFault(error, 'aborted', 'link-closed')) return
    giveUp(isFault(error) ? error : new Fault('internal', String(error), {}, { cause: error }))
  }
}

/** The reader's words as far as they are known; others are not passed on. */
const shown: Readonly<Record<string, MessageId>> = {
  'REMOVE CARD': 'reader.removeCard',
  'PRESENT CARD': 'reader.presentCard',
  'INSERT CARD': 'reader.insertCard',
  'USE CHIP READER': 'reader.insertCard',
  'INSERT OR SWIPE': 'reader.insertOrSwipe',
  'SWIPE CARD': 'reader.swipeCard',
  'TAP CARD': 'reader.tapCard',
  'TRY AGAIN': 'reader.tryAgain',
  'TRY OTHER CARD': 'reader.tryAnotherCard',
  'ONE CARD ONLY': 'reader.presentOneCard',
  'PRESENT AGAIN': 'reader.presentCardAgain',
  'SEE PHONE': 'reader.seePhone',
}

function showLines(payment: Payment, { lines }: ReturnType<typeof decodeLcd>): void {
  const message = shown[String(lines[0]?.message).trim().toUpperCase()]
  if (message) show(payment, message)
}

/** Once, whoever means it: reader or driver. */
export function show(payment: Payment, message: MessageId): void {
  if (message === payment.screen) return
  payment.screen = message
  payment.relay.show(message)
}

async function choose({ line, relay, menus, stop, clock }: Payment, { mode, lines }: ReturnType<typeof decodeLcd>): Promise<void> {
  if (!menus || mode !== displayModes.menu)
    throw new Fault('unsupported', "the layout of the answer to a menu was never seen: open the reader with assumed: ['idtech-menu']", {
      feature: 'menu',
    })
  line.hold()
  const labels = lines.map(({ message }) => String(message))
  relay.emit({ type: 'application-selection', where: 'host', labels })
  const candidates = labels.map((label): Candidate => ({ aid: new Uint8Array(0), label, priority: 0, confirm: false }))
  const index = await within({ signal: stop.signal, clock, what: 'the choice' }, inner =>
    relay.terminal.selectApplication(candidates, { signal: inner }),
  )
  if (index !== undefined && !lines[index])
    throw new Fault('bad-argument', `choice ${index} is not one of ${lines.length}`, { field: 'index' })
  if (index !== undefined) relay.label = labels[index]
  await line.reply('lcd', encodeMenuChoice(index === undefined ? undefined : lines[index].line))
}
