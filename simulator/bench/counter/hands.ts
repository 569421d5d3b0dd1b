/** Hands at a body: cards of the shelf in its slot, at its antenna and through its edge, and who does that by themselves. */

import { Fault } from '../../../src/errors.ts'
import type { Body, BodyEvent } from '../../readers/body/body.ts'
import { cardholder, pace } from '../../readers/body/cardholder.ts'
import type { PersonInput } from '../schema/reader.ts'
import type { ReaderState } from '../schema/types.ts'
import type { BenchCard } from './card.ts'
import type { Shelf } from './shelf.ts'

export class Hands {
  readonly #reader: string
  readonly #body: Body
  readonly #shelf: Shelf
  #person: { readonly input: PersonInput; readonly leave: () => void } | undefined
  /** Cards that are here, as they were told last. */
  #here = new Map<BenchCard, 'slot' | 'field'>()

  /** @param reader id of the reader whose body it is */
  constructor(reader: string, body: Body, shelf: Shelf) {
    ;[this.#reader, this.#body, this.#shelf] = [reader, body, shelf]
  }

  /** Cards are told of what happened to them. */
  see(event: BodyEvent): void {
    if (event.type === 'card' && event.event !== 'swiped') this.#seeCards(event.event)
    if (event.type === 'apdu' || event.type === 'display') for (const card of this.#here.keys()) card.tell()
  }

  /** Who came, who went. */
  #seeCards(event: 'inserted' | 'removed' | 'tapped' | 'left'): void {
    const { inSlot, inField } = this.#body
    const now = new Map<BenchCard, 'slot' | 'field'>()
    for (const plastic of inField) this.#put(now, 'field', this.#shelf.of(plastic))
    if (inSlot) this.#put(now, 'slot', this.#shelf.of(inSlot))
    for (const [card, where] of now) if (this.#here.get(card) !== where) card.moved(this.#reader, event, { reader: this.#reader, where })
    for (const card of this.#here.keys()) if (!now.has(card)) card.moved(this.#reader, event, null)
    this.#here = now
  }

  #put(all: Map<BenchCard, 'slot' | 'field'>, where: 'slot' | 'field', card: BenchCard | undefined): void {
    if (card) all.set(card, where)
  }

  /** Ids of the cards that are there. */
  get held(): Pick<ReaderState, 'slot' | 'field'> {
    const { inSlot, inField } = this.#body
    return {
      slot: (inSlot && this.#shelf.of(inSlot)?.id) ?? null,
      field: inField.flatMap(plastic => this.#shelf.of(plastic)?.id ?? []),
    }
  }

  /** @throws Fault `busy` where a card is in the slot, or this one is elsewhere */
  insert(id: string, wrongWay: boolean): void {
    this.#body.insert(this.#free(id).plastic, { wrongWay })
  }

  /** With what else is in its wallet. @throws Fault `busy` where it is elsewhere */
  tap(id: string): void {
    const cards = [id, ...(this.#shelf.card(id).input.wallet ?? [])].map(one => this.#free(one))
    for (const card of cards) this.#body.tap(card.plastic)
  }

  leave(id?: string): void {
    this.#body.leave(id === undefined ? undefined : this.#shelf.card(id).plastic)
  }

  /** @throws Fault `busy` where it is elsewhere */
  swipe(id: string): void {
    const card = this.#free(id)
    this.#body.swipe(card.plastic)
    card.moved(this.#reader, 'swiped', null)
  }

  /** @throws Fault `busy` for a card that is in a reader */
  #free(id: string): BenchCard {
    const card = this.#shelf.card(id)
    const { place } = card
    if (place)
      throw new Fault('busy', `card ${id} is in the ${place.where} of ${place.reader}`, { field: 'card', value: id, rule: 'on the shelf' })
    return card
  }

  /** Somebody comes who does things by themselves; the one before leaves. */
  setPerson(input: PersonInput | undefined): void {
    this.#person?.leave()
    this.#person = undefined
    if (!input) return
    const { card, wallet, present, pins, choose, pullAt, cancelAt, pace: own } = input
    const held = this.#shelf.card(card)
    const leave = cardholder(this.#body, {
      card: held.plastic,
      pace: { ...pace, ...(own && withoutUndefined(own)) },
      present: [present ?? (held.input.phone ? 'tap' : 'dip')].flat().map(how => ({ how })),
      ...(pins && { pins }),
      ...(choose !== undefined && { choose }),
      ...(pullAt !== undefined && { pullAt }),
      ...(cancelAt !== undefined && { cancelAt }),
      ...(wallet && { wallet: wallet.map(one => this.#shelf.card(one).plastic) }),
    })
    this.#person = { input, leave }
  }

  /** As the file of a counter has them. */
  get personInput(): PersonInput | undefined {
    return this.#person?.input
  }

  /** Everybody leaves, with their cards. */
  close(): void {
    this.#person?.leave()
    this.#body.pull()
    this.#body.leave()
  }
}

/** What is undefined counts as left out. */
export function withoutUndefined<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
