/** A scripted person at the counter: presents a card, types PINs, chooses, cancels, pulls the card, as the reader's screen asks. */

import type { MessageId } from '../../src/messages.ts'
import type { Body, BodyEvent, Key, PlasticCard } from './body.ts'

/** Milliseconds a person takes. */
export interface Pace {
  /** From "Present card." to the card being there. */
  readonly present: number
  /** From the PIN prompt to the first key, and between keys. */
  readonly think: number
  readonly key: number
  /** From "PLEASE REMOVE CARD", or from what a tap came to, to the card being out. */
  readonly remove: number
  /** The longest that a card is held to the reader. */
  readonly hold: number
}

export const pace: Pace = { present: 500, think: 400, key: 150, remove: 500, hold: 1500 }

export interface CardholderScript {
  readonly card: PlasticCard
  readonly present: 'dip' | 'tap' | 'swipe'
  /** PINs in the order they are typed; an empty one is ENTER alone. When the reader asks for more, the person presses CANCEL. */
  readonly pins?: readonly string[]
  /** On a list the reader shows: the label, or its place from 0. The first when left out. */
  readonly choose?: string | number
  /** The card is pulled while its n-th command (from 1) is under way; once, if it is presented again. */
  readonly pullAt?: number
  /** What else is held to the reader in the same wallet, until the reader wants one card only. */
  readonly wallet?: readonly PlasticCard[]
  /** CANCEL is pressed instead of presenting a card, at a list, or at the n-th PIN prompt (from 1). */
  readonly cancelAt?: 'card' | 'list' | number
  readonly pace?: Partial<Pace>
}

/** A tap has come to something: the card is not needed any more. */
const tapEnds: readonly (MessageId | undefined)[] = [
  ...([
    'reader.cardReadOk',
    'reader.authorising',
    'reader.approved',
    'reader.approvedSign',
    'reader.successful',
    'reader.declined',
  ] as const),
  ...(['reader.enterPin', 'reader.insertCard', 'reader.insertOrSwipe', 'reader.tryAnotherCard', 'reader.cancelled'] as const),
  ...(['reader.seePhone', 'reader.notAccepted', 'reader.cardError', 'reader.idle'] as const),
]
/** The chip is wanted, or another card; whoever has none gives up. */
const chipWanted: readonly (MessageId | undefined)[] = ['reader.insertCard', 'reader.insertOrSwipe', 'reader.tryAnotherCard']
const pinPrompts: readonly (MessageId | undefined)[] = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']

/** Lets the script act on the body until the returned function is called. Presenting the card begins the PINs anew. */
export function cardholder(body: Body, script: CardholderScript): () => void {
  const { card, cancelAt } = script
  const own = { ...pace, ...script.pace }
  const pending = new Set<() => void>()
  let prompts = 0
  let pulled = false
  let phone: 'asItWas' | 'unlocked' | 'heldUnlocked' = 'asItWas'
  let tired = () => {}
  let leaving: (() => void) | undefined

  const after = (ms: number, act: () => void) => {
    const cancel = body.clock.timer(ms, () => {
      pending.delete(cancel)
      act()
    })
    pending.add(cancel)
  }
  const forget = () => {
    for (const cancel of pending) cancel()
    pending.clear()
  }
  const type = (keys: readonly Key[]) => {
    for (const [index, key] of keys.entries()) after(own.think + index * own.key, () => body.press(key))
  }

  const dip = () => {
    if (!body.cardInSlot) body.insert(card)
  }
  const present = () => {
    if (script.present === 'dip') dip()
    else if (script.present === 'swipe') body.swipe(card)
    else {
      takeAway()
      if (phone === 'unlocked') phone = 'heldUnlocked'
      for (const one of [card, ...(script.wallet ?? [])]) body.tap(one)
      tired = body.clock.timer(own.hold, takeAway)
    }
  }
  const letGo = () => {
    tired()
    leaving?.()
    leaving = undefined
  }
  const unlock = () => {
    card.unlock?.()
    phone = 'unlocked'
  }
  const takeAway = () => {
    letGo()
    body.leave()
  }
  /** A card without a chip has been presented in vain. */
  const insert = () => {
    if (card.contact) dip()
    else if (script.present === 'swipe') body.swipe(card)
    else body.press('cancel')
  }
  const choose = (lines: readonly string[]) => {
    const labels = lines.slice(1).map(line => line.replace(/^\d /, ''))
    const index = typeof script.choose === 'string' ? labels.indexOf(script.choose) : (script.choose ?? 0)
    type([index >= 0 && index < labels.length ? (String(index + 1) as Key) : 'cancel'])
  }
  const enterPin = () => {
    const pin = cancelAt === ++prompts ? undefined : script.pins?.[prompts - 1]
    type(pin === undefined ? ['cancel'] : [...([...pin] as Key[]), 'enter'])
  }

  const see = (event: BodyEvent) => {
    if (event.type === 'apdu' && event.count === script.pullAt && !pulled) {
      pulled = true
      return event.where === 'chip' ? body.pull() : takeAway()
    }
    if (event.type !== 'display') return
    const { message, lines } = event.screen
    const typing = pinPrompts.includes(message) && lines.length > 1 // the stars of what is being typed
    if (typing) return
    forget()
    if (tapEnds.includes(message) && body.cardsInField > 0) leaving ??= body.clock.timer(own.remove, takeAway)
    if (message === 'reader.presentCard' || message === 'reader.presentCardAgain' || chipWanted.includes(message)) {
      prompts = 0
      if (cancelAt === 'card') type(['cancel'])
      else if (message === 'reader.tryAnotherCard' && card.unlock && phone !== 'heldUnlocked') {
        // Perhaps it was locked; one that is unlocked and still not taken is put away.
        unlock()
        after(own.present, present)
      } else {
        if (card.asksHolder) unlock()
        after(own.present, chipWanted.includes(message) ? insert : present)
      }
    } else if (message === 'reader.seePhone') {
      unlock()
      after(own.present, present)
    } else if (message === 'reader.presentOneCard') {
      after(own.remove, () => {
        for (const one of script.wallet ?? []) body.leave(one)
      })
    } else if (pinPrompts.includes(message)) enterPin()
    else if (message === 'reader.selectApplication') {
      if (cancelAt === 'list') type(['cancel'])
      else choose(lines)
    } else if (message === 'reader.removeCard') after(own.remove, () => body.pull())
  }
  const stop = body.on(see)
  return () => {
    stop()
    forget()
    letGo()
  }
}

/** Keys of a computer keyboard for a person who holds the card themselves: i insert, r remove, t tap (again: take away), s swipe, digits, Enter, Backspace, c cancel. */
export function keyboard(body: Body, card: PlasticCard): (input: string) => void {
  let tapped = false
  const act: Record<string, () => void> = {
    i: () => {
      if (!body.cardInSlot) body.insert(card)
    },
    r: () => body.pull(),
    t: () => {
      if (tapped) body.leave()
      else body.tap(card)
      tapped = !tapped
    },
    s: () => body.swipe(card),
    c: () => body.press('cancel'),
    '\r': () => body.press('enter'),
    '\n': () => body.press('enter'),
    '\x7f': () => body.press('clear'),
    '\b': () => body.press('clear'),
  }
  return input => {
    for (const char of input.toLowerCase()) {
      if (char >= '0' && char <= '9') body.press(char as Key)
      else act[char]?.()
    }
  }
}
