/**
 * A robot at a reader that is there: the person of a scenario, whose every deed is a request to it over HTTP. What the reader tells of its display is what the person
 * sees; the robot answers when it has done what it was asked.
 */

import { systemClock, within } from '../../../src/clock.ts'
import { asFault, Fault } from '../../../src/errors.ts'
import type { MessageId } from '../../../src/messages/messages.ts'
import { loadCard, type VirtualCard } from '../../cards/icc.ts'
import { VirtualPhone } from '../../cards/tap/phone.ts'
import { instant } from '../../person.ts'
import { cardholder, type Touchable, type Turn } from '../../readers/body/cardholder.ts'
import type { BodyEvent, Key, PlasticCard } from '../../readers/body/senses.ts'
import { profileOf, type Somebody, scriptOf } from '../parts.ts'
import { cardLabel } from './lead.ts'

/** What a robot is asked to do, and answers with 2xx when it is done. */
export type HandsDeed =
  | {
      /** Puts a card into the slot, with the wrong end first where it says so. */
      readonly deed: 'insert'
      readonly card: string
      readonly wrongWay?: true
    }
  | {
      /** Takes the card out of the slot. */
      readonly deed: 'remove'
    }
  | {
      /** Holds a card, or the phone that it lives in, to the reader; several are held together. */
      readonly deed: 'tap'
      readonly card: string
      readonly phone?: true
    }
  | {
      /** Takes what is held to the reader away: all of it where no card is named. */
      readonly deed: 'leave'
      readonly card?: string
    }
  | {
      /** Draws a card's stripe through the reader. */
      readonly deed: 'swipe'
      readonly card: string
    }
  | {
      /** Unlocks the phone that the card lives in. */
      readonly deed: 'unlock'
      readonly card: string
    }
  | {
      /** Presses a key; of a PIN each digit. */
      readonly deed: 'press'
      readonly key: Key
    }
  | {
      /** Presses what chooses this line of the list that the display shows: by its label, or its place from 0. */
      readonly deed: 'choose'
      readonly choose: string | number
    }

/** One of them, as it is sent. Digits of a PIN are in it: it stands in no trace, no report and no fault. */
export type HandsRequest = {
  readonly tapdip: 'hands'
  readonly format: 1
  /** The case that runs, and its step, from 0. */
  readonly case: string
  readonly step: number
} & HandsDeed

/** Whom a robot stands for, and in which payment. */
export interface HandsOptions {
  readonly url: string
  readonly who: Somebody
  readonly case: string
  readonly step: number
  /** Milliseconds that a deed may take; 30,000 when left out. */
  readonly timeout?: number
  /** Ends the run. */
  readonly signal?: AbortSignal
  /** A deed could not be done: nothing is asked of the robot any more. */
  readonly onFault: (fault: Fault) => void
}

/** A robot while one payment runs. */
export interface Hands {
  /** The reader's display says something. */
  show(message: MessageId): void
  /** Takes away what is still at the reader, and waits until all is done. @throws Fault of the first deed that was not */
  leave(): Promise<void>
}

const DEED_TIME = 30_000

/** A robot begins to do what the person of a scenario does. */
export function openHands({ url, who, timeout = DEED_TIME, signal, onFault, ...place }: HandsOptions): Hands {
  const names = new Map<VirtualCard, string>()
  const cardOf = (card: NonNullable<Somebody['card']>): VirtualCard => {
    const made = loadCard(profileOf(card))
    names.set(made, cardLabel(card))
    return made
  }
  const phones = new Map<PlasticCard, string>()
  const nameOf = (card: PlasticCard): string =>
    phones.get(card) ?? names.get(card instanceof VirtualPhone ? card.card : (card as VirtualCard)) ?? ''
  const isPhone = (card: PlasticCard) => card instanceof VirtualPhone || phones.has(card)

  let failed: Fault | undefined
  let queue = Promise.resolve()
  const ask = (deed: HandsDeed): void => {
    queue = queue.then(async () => {
      if (failed) return
      try {
        await post(url, { tapdip: 'hands', format: 1, ...place, ...deed }, timeout, signal)
      } catch (error) {
        failed = asFault(error)
        onFault(failed)
      }
    })
  }

  const listeners = new Set<(event: BodyEvent) => void>()
  let inSlot = false
  const inField = new Set<PlasticCard>()
  const body: Touchable = {
    clock: systemClock,
    get cardInSlot() {
      return inSlot
    },
    get cardsInField() {
      return inField.size
    },
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    insert(card, { wrongWay = false } = {}) {
      inSlot = true
      ask({ deed: 'insert', card: nameOf(card), ...(wrongWay && { wrongWay }) })
    },
    pull() {
      if (inSlot) ask({ deed: 'remove' })
      inSlot = false
    },
    tap(card) {
      inField.add(card)
      ask({ deed: 'tap', card: nameOf(card), ...(isPhone(card) && { phone: true }) })
    },
    leave(card) {
      const there = card === undefined ? inField.size > 0 : inField.has(card)
      if (!there) return
      if (card === undefined) inField.clear()
      else inField.delete(card)
      ask({ deed: 'leave', ...(card !== undefined && { card: nameOf(card) }) })
    },
    swipe: card => ask({ deed: 'swipe', card: nameOf(card) }),
    press: (...keys) => {
      for (const key of keys) ask({ deed: 'press', key })
    },
    choose: choose => ask({ deed: 'choose', choose }),
  }

  const { card: plan = 'mir-maestro', person } = who
  const card = cardOf(plan)
  const { phone = false, present, ...script } = scriptOf(person, cardOf)
  const held: PlasticCard = phone
    ? { pin: card.pin, hasChip: false, canTap: true, unlock: () => ask({ deed: 'unlock', card: cardLabel(plan) }) }
    : card
  if (phone) {
    phones.set(held, cardLabel(plan))
    if (phone !== 'locked') held.unlock?.()
  }
  const turns = [present ?? (phone ? 'tap' : 'dip')].flat().map(turn => (typeof turn === 'string' ? { how: turn } : turn) as Turn)
  const stop = person === 'nobody' ? () => {} : cardholder(body, { pace: instant, ...script, present: turns, card: held })
  return {
    show(message) {
      const screen = { at: systemClock.now(), message, lines: [message] }
      for (const listener of [...listeners]) listener({ type: 'display', screen })
    },
    async leave() {
      stop()
      body.pull()
      body.leave()
      await queue
      if (failed) throw failed
    },
  }
}

/** @throws Fault `host-unreachable`, `timeout`, `aborted`, `reader-error` where the robot says that it could not */
async function post(url: string, request: HandsRequest, timeout: number, signal: AbortSignal | undefined): Promise<void> {
  const { deed } = request
  const details = { url, deed, case: request.case, step: request.step }
  await within({ timeout, ...(signal && { signal }), what: `the robot at ${url} (${deed})` }, async own => {
    let answer: Response
    try {
      const headers = { 'content-type': 'application/json' }
      answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request), redirect: 'error', signal: own })
    } catch (error) {
      if (own.aborted) throw error
      const { cause, message } = error as Error
      const { code, message: said } = (cause ?? {}) as Partial<NodeJS.ErrnoException>
      const why = code ?? said ?? message
      throw new Fault('host-unreachable', `the robot at ${url} cannot be reached for '${deed}': ${why}`, { ...details, reason: why })
    }
    const said = (await answer.text()).slice(0, 200)
    if (!answer.ok)
      throw new Fault(
        'reader-error',
        `the robot at ${url} answered ${answer.status} to '${deed}'${said && deed !== 'press' ? `: ${said}` : ''}`,
        {
          ...details,
          status: answer.status,
        },
      )
  })
}
