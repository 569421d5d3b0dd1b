/** The card shelf: all cards with what is special, a search, and the one in the hand in full. */

import { useMemo, useState } from 'preact/hooks'
import type { CardState } from '../../schema/types.ts'
import { CardArt } from '../faces/card-art.tsx'
import { CARD } from '../faces/face.ts'
import { present, takeAway } from '../hand/hand.ts'
import { letterOf } from '../readers/reader-keys.ts'
import { lookOf, openFor, specialOf } from '../state/names.ts'
import { useBench, useSelect } from '../state/view.ts'
import { CardDetail } from './card-detail.tsx'

interface Props {
  readonly onGrab: (card: string, event: PointerEvent) => void
  readonly overShelf: boolean
}

/** All that is said of a card, for the search. */
function wordsOf({ profile, label, schemes, pan, interfaces, cvm, special, phone }: CardState): string {
  return [profile, label, ...schemes, pan, ...interfaces, ...cvm, special, phone && 'phone'].join(' ').toLowerCase()
}

function Item({ card, onGrab }: { card: CardState; onGrab: Props['onGrab'] }) {
  const bench = useBench()
  const { say, store, language } = bench
  const held = useSelect(state => state.held === card.id)
  const reader = useSelect(state => state.readers.find(({ id }) => id === card.place?.reader)?.serial)
  const keys = (event: KeyboardEvent) => {
    const letter = letterOf(event)
    const here = store.state.readers.filter(({ real }) => !real)
    // The one that waits for a card, else the first.
    const reader = here.find(({ light }) => light === 'waiting') ?? here[0]
    if (!letter || !reader) return
    event.preventDefault()
    store.set({ held: card.id })
    if (letter === 'away') takeAway(bench, card)
    else if (openFor(card, reader).includes(letter)) present(bench, reader.id, card.id, letter, event.shiftKey || undefined)
  }
  return (
    <li class={card.place ? 'away' : ''}>
      <button
        type="button"
        class="item"
        aria-pressed={held}
        data-card={card.id}
        onClick={() => store.set({ held: card.id })}
        onKeyDown={keys}
        onPointerDown={event => onGrab(card.id, event)}
      >
        <svg viewBox={`0 0 ${CARD.long} ${CARD.short}`} aria-hidden="true">
          <CardArt look={lookOf(card)} />
        </svg>
        <span class="what">
          <b>{card.label}</b>
          <small class="ways">
            {card.interfaces.map(way => say(`bench.way.${way}`)).join(' · ')}
            {card.phone && ` · ${say(`bench.phone.${card.phone}`)}`}
          </small>
          <small>{reader !== undefined ? say(`bench.place.${card.place!.where}`, { serial: reader }) : specialOf(language, card)}</small>
        </span>
      </button>
    </li>
  )
}

export function Shelf({ onGrab, overShelf }: Props) {
  const { say } = useBench()
  const cards = useSelect(state => state.cards)
  const held = useSelect(state => state.held)
  const [text, setText] = useState('')
  const shown = useMemo(() => {
    const wanted = text.trim().toLowerCase().split(/\s+/)
    return cards.filter(card => wanted.every(word => wordsOf(card).includes(word)))
  }, [cards, text])
  const inHand = cards.find(({ id }) => id === held)
  return (
    <section class={`shelf${overShelf ? ' over' : ''}`} id="cards" aria-labelledby="cards-title" data-shelf>
      <div class="title">
        <h2 id="cards-title">{say('bench.cards')}</h2>
        <input
          type="search"
          class="search"
          aria-label={say('bench.cards.search')}
          placeholder={say('bench.cards.search')}
          value={text}
          onInput={event => setText(event.currentTarget.value)}
        />
      </div>
      {inHand && <CardDetail key={inHand.id} card={inHand} onGrab={onGrab} />}
      <p class="unseen" aria-live="polite">
        {say('bench.cards.shown', { shown: shown.length, count: cards.length })}
      </p>
      <ul class="shelf-items">
        {shown.map(card => (
          <Item key={card.id} card={card} onGrab={onGrab} />
        ))}
        {shown.length === 0 && <li class="dim">{say('bench.cards.none')}</li>}
      </ul>
    </section>
  )
}
