/** The card in the hand: what it is, its PIN when asked for, its phone and wallet, counters, tries and log. */

import { useState } from 'preact/hooks'
import type { CardState } from '../../schema/types.ts'
import { CardArt } from '../faces/card-art.tsx'
import { CARD } from '../faces/face.ts'
import { takeAway } from '../hand/hand.ts'
import { clockText, cvmText, lookOf, specialOf } from '../state/names.ts'
import { useBench, useSelect } from '../state/view.ts'
import { ProfileEditor } from './profile-editor.tsx'

/** The PIN of a profile’s text: of a test card, and only for whoever asks. */
export function pinOf(text: string): string | undefined {
  return /^\s*"?digits"?\s*:\s*['"]?(\d{4,12})/m.exec(text)?.[1]
}

function Pin({ card }: { card: CardState }) {
  const { say, act } = useBench()
  const [pin, setPin] = useState<string>()
  if (pin !== undefined)
    return (
      <button type="button" class="pin" onClick={() => setPin(undefined)}>
        {say('bench.pin.is', { pin })}
      </button>
    )
  return (
    <button
      type="button"
      class="pin"
      onClick={() => act(api => api.profile(card.id)).then(told => told && setPin(pinOf(told.text) ?? say('bench.pin.none')))}
    >
      {say('bench.pin.show')}
    </button>
  )
}

function Phone({ card }: { card: CardState }) {
  const { say, act } = useBench()
  const cards = useSelect(state => state.cards)
  if (!card.interfaces.includes('tap')) return null
  const change = (body: Readonly<Record<string, unknown>>) => act(api => api.changeCard(card.id, body))
  const others = cards.filter(one => one.id !== card.id && one.interfaces.includes('tap'))
  return (
    <div class="in-phone">
      <label>
        <input
          type="checkbox"
          checked={card.phone !== undefined}
          onChange={event => change({ phone: event.currentTarget.checked ? 'unlocked' : null })}
        />{' '}
        {say('bench.phone')}
      </label>
      {card.phone && (
        <>
          <label>
            <input
              type="checkbox"
              checked={card.phone === 'locked'}
              onChange={event => change({ phone: event.currentTarget.checked ? 'locked' : 'unlocked' })}
            />{' '}
            {say('bench.phone.locked')}
          </label>
          {card.phone === 'locked' && (
            <button type="button" class={card.asksHolder ? 'asks' : ''} onClick={() => act(api => api.unlock(card.id))}>
              {say('bench.phone.unlock')}
            </button>
          )}
          <label class="wallet">
            {say('bench.wallet')}{' '}
            <select
              value={card.wallet?.[0] ?? ''}
              onChange={event => change({ wallet: event.currentTarget.value ? [event.currentTarget.value] : [] })}
            >
              <option value="">{say('bench.wallet.alone')}</option>
              {others.map(one => (
                <option key={one.id} value={one.id}>
                  {one.label} · {one.profile}
                </option>
              ))}
            </select>
          </label>
        </>
      )}
    </div>
  )
}

function Counters({ card: { counters, id } }: { card: CardState }) {
  const { say, act } = useBench()
  const wrong = useSelect(state => state.bank?.balances.find(one => one.card === id)?.wrongPins)
  return (
    <div class="counters">
      {wrong !== undefined && <p class="bad">{say('bench.pin.bank', { count: wrong })}</p>}
      {counters.pinTriesLeft !== undefined && (
        <p>
          {say('bench.pin.tries', { count: counters.pinTriesLeft })}{' '}
          <button type="button" class="quiet" onClick={() => act(api => api.changeCard(id, { pinTriesLeft: 3 }))}>
            {say('bench.pin.reset')}
          </button>
        </p>
      )}
      {counters.blocked && <p class="bad">{say('bench.card.blocked')}</p>}
      <table>
        <thead>
          <tr>
            <th scope="col">{say('bench.application')}</th>
            <th scope="col">ATC</th>
            <th scope="col">{say('bench.atc.online')}</th>
            <th scope="col">{say('bench.offline')}</th>
          </tr>
        </thead>
        <tbody>
          {counters.applications.map(one => (
            <tr key={one.label} class={one.blocked ? 'bad' : ''}>
              <th scope="row">
                {one.label} {one.blocked && say('bench.blocked')}
              </th>
              <td>{one.atc}</td>
              <td>{one.lastOnlineAtc}</td>
              <td>
                {one.consecutiveOffline} / {(one.cumulativeOffline / 100).toFixed(2)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <button type="button" class="quiet" onClick={() => act(api => api.changeCard(id, { fresh: true }))}>
        {say('bench.card.fresh')}
      </button>
    </div>
  )
}

function Log({ card: { log } }: { card: CardState }) {
  const { say } = useBench()
  const readers = useSelect(state => state.readers)
  if (log.length === 0) return <p class="dim">{say('bench.log.none')}</p>
  return (
    <ol class="log">
      {log.slice(0, 20).map((one, at) => (
        <li key={at}>
          <time>{clockText(one.at)}</time> {say(`bench.event.${one.event}`)}{' '}
          <small>{readers.find(({ id }) => id === one.reader)?.serial ?? one.reader}</small> <small>ATC {one.atc}</small>
        </li>
      ))}
    </ol>
  )
}

export function CardDetail({ card, onGrab }: { card: CardState; onGrab: (card: string, event: PointerEvent) => void }) {
  const bench = useBench()
  const { say, language } = bench
  const [editing, setEditing] = useState(false)
  return (
    <section class="in-hand" aria-label={say('bench.inHand', { label: card.label })}>
      <div class="top">
        <svg class="grab" viewBox={`0 0 ${CARD.long} ${CARD.short}`} aria-hidden="true" onPointerDown={event => onGrab(card.id, event)}>
          <CardArt look={lookOf(card)} />
        </svg>
        <p class="facts">
          <b>{card.label}</b>
          <small class="facts-more">{card.interfaces.map(way => say(`bench.way.${way}`)).join(' · ')}</small>
          <small class="facts-more">{card.cvm.map(one => cvmText(say, one)).join(' → ')}</small>
        </p>
      </div>
      <p class="special">{specialOf(language, card)}</p>
      <div class="bar">
        <Pin card={card} />
        {/* A card that is in a reader is not edited: one button in place of the other, so that nothing moves. */}
        {card.place ? (
          <button type="button" onClick={() => takeAway(bench, card)}>
            {say(card.place.where === 'slot' ? 'bench.do.pull' : 'bench.do.leave')}
          </button>
        ) : (
          <button type="button" onClick={() => setEditing(true)}>
            {say('bench.profile.edit')}
          </button>
        )}
      </div>
      <Phone card={card} />
      <details>
        <summary>{say('bench.memory')}</summary>
        <Counters card={card} />
        <Log card={card} />
      </details>
      {editing && <ProfileEditor card={card} close={() => setEditing(false)} />}
    </section>
  )
}
