/** The shelf of a session: cards of all profiles, each made when it is first needed, and what was done with them. */

import { Fault } from '../../../src/errors.ts'
import type { PlasticCard } from '../../readers/body/body.ts'
import { noSuch } from '../failure.ts'
import type { CardInput, CardPatch } from '../schema/card.ts'
import type { CardState } from '../schema/types.ts'
import { BenchCard } from './card.ts'
import type { Place } from './place.ts'

export class Shelf {
  readonly #place: Place
  readonly #issue: (card: BenchCard) => void
  readonly #renew: (card: BenchCard) => void
  readonly #cards = new Map<string, BenchCard>()
  #count = 0

  /** `issue` tells the bank of a card that is no ready profile's, `renew` of one that is as new. */
  constructor(place: Place, { issue, renew }: { readonly issue: (card: BenchCard) => void; readonly renew: (card: BenchCard) => void }) {
    this.#place = place
    this.#issue = issue
    this.#renew = renew
  }

  get cards(): readonly BenchCard[] {
    return [...this.#cards.values()]
  }

  /** @throws Fault `not-found` */
  card(id: string): BenchCard {
    const card = this.#cards.get(id)
    if (!card) throw noSuch('card', id)
    return card
  }

  /** Undefined for what is not from here. */
  of(plastic: PlasticCard): BenchCard | undefined {
    return this.cards.find(card => card.is(plastic))
  }

  /** @throws Fault `bad-config` for a profile that breaks a rule, `not-found` for what is not there to be in its wallet */
  add(
    input: CardInput,
    options: { readonly id?: string | undefined; readonly quiet?: boolean; readonly memory?: unknown } = {},
  ): BenchCard {
    let { id } = options
    if (id !== undefined && this.#cards.has(id)) throw new Fault('bad-argument', `there are two cards ${id}`, { field: 'cards', value: id })
    while (id === undefined || this.#cards.has(id)) id = `c${++this.#count}`
    const card = new BenchCard(this.#place, id, input, options.memory)
    this.#checkWallet(id, input.wallet)
    if (!options.quiet) card.plastic // what breaks a rule is refused now
    this.#cards.set(id, card)
    this.#issue(card)
    if (!options.quiet) card.tell()
    return card
  }

  #checkWallet(id: string, wallet: readonly string[] | undefined): void {
    for (const one of wallet ?? []) {
      this.card(one)
      if (one === id) throw new Fault('bad-argument', `a card is not in its own wallet: ${id}`, { field: 'wallet', value: id })
    }
  }

  patch(id: string, change: CardPatch): BenchCard {
    const card = this.card(id)
    this.#checkWallet(id, change.wallet)
    this.#free(card)
    card.patch(change)
    if (change.fresh) this.#renew(card)
    return card
  }

  /** @throws Fault `busy` while it is in a reader */
  rewrite(id: string, input: CardInput): BenchCard {
    const card = this.card(id)
    this.#free(card)
    card.remake(input)
    this.#issue(card)
    return card
  }

  /** @throws Fault `busy` while it is in a reader */
  remove(id: string): void {
    const card = this.card(id)
    this.#free(card)
    this.#cards.delete(id)
    card.gone()
  }

  #free({ id, place }: BenchCard): void {
    if (place)
      throw new Fault('busy', `card ${id} is in the ${place.where} of ${place.reader}`, {
        ...{ field: 'card', value: id, rule: 'on the shelf' },
      })
  }

  states(): readonly CardState[] {
    return this.cards.map(card => card.state)
  }
}
