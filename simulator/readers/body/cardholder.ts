/** A scripted person at the counter: presents a card, types PINs, chooses, cancels, pulls the card, as the reader's screen asks. */

import * as door from '../../../src/door.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import type { Body, BodyEvent, Key, PlasticCard } from './body.ts'
import { bodyRule } from './body.ts'

/** Milliseconds a person takes. */
export interface Pace {
  /** From "Present card." to the card being there. */
  readonly present: number
  /** From the PIN prompt to the first key. */
  readonly think: number
  /** Between keys. */
  readonly key: number
  /** From "PLEASE REMOVE CARD", or from what a tap came to, to the card being out. */
  readonly remove: number
  /** The longest that a card is held to the reader. */
  readonly hold: number
}

/** Somebody who knows what they do. */
export const pace: Pace = { present: 500, think: 400, key: 150, remove: 500, hold: 1500 }

/** What a hand does with a card; `dipWrong`: into the slot the wrong way round. */
export const presentations = ['dip', 'dipWrong', 'tap', 'swipe'] as const
/** One of the things that a hand does with a card. */
export type Presentation = (typeof presentations)[number]

/** One thing that a person does when they are asked for a card. */
export interface Turn<C = PlasticCard> {
  /** Whatever the reader asks for. */
  readonly how: Presentation
  /** Another card than the script's, from here on. */
  readonly card?: C
  /** It stays in the slot when it is first asked away, and goes when it is asked again. */
  readonly leave?: boolean
}

/** What a person at the counter does, and how fast. */
export interface CardholderScript {
  /** What they pay with: a `VirtualCard`, a `VirtualPhone`. */
  readonly card: PlasticCard
  /**
   * Several things are done one after another, one each time a card is asked for, whatever is asked; after the last, and with one alone, the person does what the
   * reader asks.
   */
  readonly present: Presentation | Turn | readonly (Presentation | Turn)[]
  /**
   * PINs in the order they are typed, however often the card is presented; the last one again when the reader asks for more. An empty one is ENTER alone. Left out:
   * the card's own, which its holder knows; `[]` is somebody who does not, and presses CANCEL.
   */
  readonly pins?: readonly string[]
  /** On a list the reader shows: the label, or its place from 0. The first when left out. */
  readonly choose?: string | number
  /** The card is pulled while its n-th command (from 1) is under way; once, if it is presented again. */
  readonly pullAt?: number
  /** What else is held to the reader in the same wallet, until the reader wants one card only. */
  readonly wallet?: readonly PlasticCard[]
  /** CANCEL is pressed instead of presenting a card, at a list, or at the n-th PIN prompt (from 1). */
  readonly cancelAt?: 'card' | 'list' | number
  /** How long they take; as `pace` when left out. */
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
  ...(['reader.enterPin', 'reader.insertCard', 'reader.insertOrSwipe', 'reader.swipeCard', 'reader.tryAnotherCard'] as const),
  'reader.cancelled',
  ...(['reader.seePhone', 'reader.notAccepted', 'reader.cardError', 'reader.idle'] as const),
]
/** The next card that is asked for is another payment's. */
const payEnds: readonly (MessageId | undefined)[] = ['reader.approved', 'reader.approvedSign', 'reader.declined', 'reader.cancelled']
/** A card is asked for, and what it is asked to do, the first choice first; nothing where that is left to the person. Whoever cannot gives up. */
const asks: { readonly [M in MessageId]?: readonly Presentation[] } = {
  'reader.presentCard': [],
  'reader.presentCardAgain': [],
  'reader.tryAgain': [],
  'reader.insertCard': ['dip'],
  'reader.insertOrSwipe': ['dip', 'swipe'],
  'reader.tryAnotherCard': ['dip', 'swipe'],
  'reader.swipeCard': ['swipe'],
  'reader.tapCard': ['tap'],
}
const pinPrompts: readonly (MessageId | undefined)[] = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']

/** A card that is misread, or not taken, is not tried for ever. */
const PATIENCE = 5

/** What a person touches and sees: a virtual reader's body, or the hands of a robot at a real one. */
export interface Touchable
  extends Pick<Body, 'clock' | 'on' | 'insert' | 'pull' | 'tap' | 'leave' | 'swipe' | 'press' | 'cardInSlot' | 'cardsInField'> {
  /** Chooses from the list on the display, where that is seen by who does it alone; keys are pressed when left out. */
  choose?(what: string | number): void
}

/** Lets the script act on the body until the returned function is called. */
export function cardholder(body: Touchable, script: CardholderScript): () => void {
  door.need('body', body, bodyRule)
  door.need('script', script, door.object)
  const { cancelAt } = script
  const own = { ...pace, ...script.pace }
  const turns = [script.present].flat().map((turn): Turn => (typeof turn === 'string' ? { how: turn } : turn))
  const pending = new Set<() => void>()
  let card = script.card
  /** What was done last. */
  let turn = turns[0]
  let done = 0
  let stays = false
  let prompts = 0
  /** "Try again", one after another. */
  let again = 0
  /** "Try another card", in one payment: whoever has no other gives up. */
  let refused = 0
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

  const present = (how: Presentation) => {
    if (how === 'swipe') body.swipe(card)
    else if (how !== 'tap') {
      if (!body.cardInSlot) body.insert(card, { wrongWay: how === 'dipWrong' })
    } else {
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
  const can: Readonly<Record<Presentation, () => boolean>> = {
    dip: () => card.hasChip ?? card.contact !== undefined,
    dipWrong: () => true,
    tap: () => card.canTap ?? card.contactless !== undefined,
    swipe: () => card.stripe !== undefined,
  }
  /** The script's next turn; after its last, what the reader asks for. */
  const nextTurn = (asked: readonly Presentation[]) => {
    const { how: own } = turns[0]
    const inVain = turns.length === 1 && asked.length > 0 && !asked.includes(own === 'dipWrong' ? 'dip' : own)
    if (done < turns.length && !inVain) {
      turn = turns[done++]
      card = turn.card ?? card
      stays = turn.leave ?? false
      return present(turn.how)
    }
    const how = asked.length === 0 ? turn.how : asked.find(one => can[one]())
    if (how === undefined) body.press('cancel')
    else present(how)
  }
  const choose = (lines: readonly string[]) => {
    const labels = lines.slice(1).map(line => line.replace(/^\d /, ''))
    const index = typeof script.choose === 'string' ? labels.indexOf(script.choose) : (script.choose ?? 0)
    type([index >= 0 && index < labels.length ? (String(index + 1) as Key) : 'cancel'])
  }
  const enterPin = () => {
    const pins = script.pins ?? (card.pin === undefined ? [] : [card.pin])
    const pin = cancelAt === ++prompts ? undefined : (pins[prompts - 1] ?? pins.at(-1))
    type(pin === undefined ? ['cancel'] : [...([...pin] as Key[]), 'enter'])
  }
  const asked = (message: MessageId, what: readonly Presentation[]) => {
    again = message === 'reader.tryAgain' ? again + 1 : 0
    if (message === 'reader.tryAnotherCard') refused++
    if (cancelAt === 'card' || again > PATIENCE || refused > PATIENCE) return type(['cancel'])
    const phoneRefused = message === 'reader.tryAnotherCard' && card.unlock && phone !== 'heldUnlocked'
    // Perhaps it was locked; one that is unlocked and still not taken is put away.
    if (phoneRefused || card.asksHolder) unlock()
    after(own.present, () => nextTurn(phoneRefused ? [] : what))
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
    if (payEnds.includes(message)) refused = 0
    if (tapEnds.includes(message) && body.cardsInField > 0) leaving ??= body.clock.timer(own.remove, takeAway)
    const wanted = message && asks[message]
    if (wanted) asked(message, wanted)
    else if (message === 'reader.seePhone') {
      unlock()
      after(own.present, () => present(turn.how))
    } else if (message === 'reader.presentOneCard') {
      after(own.remove, () => {
        for (const one of script.wallet ?? []) body.leave(one)
      })
    } else if (pinPrompts.includes(message)) enterPin()
    else if (message === 'reader.selectApplication') {
      if (cancelAt === 'list') type(['cancel'])
      else if (body.choose) body.choose(script.choose ?? 0)
      else choose(lines)
    } else if (message === 'reader.removeCard') {
      if (!stays) after(own.remove, () => body.pull())
      stays = false
    }
  }
  const stop = body.on(see)
  return () => {
    stop()
    forget()
    letGo()
  }
}

/** The cards of a person at a keyboard: the one in hand, and the next one. */
export interface Hand {
  readonly card: PlasticCard
  next(): void
}

/**
 * Keys of a computer keyboard for a person who holds the cards themselves: i insert, w insert the wrong way round, r remove, t tap (again: take away), s swipe, n take
 * the next card in hand, digits, Enter, Backspace, c cancel.
 */
export function keyboard(body: Body, hand: Hand): (input: string) => void {
  const insert = (wrongWay: boolean) => {
    if (!body.cardInSlot) body.insert(hand.card, { wrongWay })
  }
  const act: Record<string, () => void> = {
    i: () => insert(false),
    w: () => insert(true),
    r: () => body.pull(),
    t: () => {
      if (body.cardsInField > 0) body.leave()
      else body.tap(hand.card)
    },
    s: () => body.swipe(hand.card),
    // What is in the slot stays there.
    n: () => {
      body.leave()
      hand.next()
    },
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
