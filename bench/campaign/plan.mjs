/** What goes wrong in each payment of a campaign, from its seed: every boundary with every fault, every lie of a host, before any comes again, and who is killed where. */

import fc from 'fast-check'
import { stories } from './lies.mjs'

export const faults = ['drop', 'duplicate', 'delay', 'close', 'corrupt']
/** One more on the host's line, `outage`: nothing passes from here on, until the trouble is over. */
/** Stages of the journal at which an app may die; `docs/orders.md` says what each means. */
export const stages = ['begun', 'asking', 'answered', 'card', 'reversing', 'advising', 'ended']
/** Boundaries on the host's line: the authorisation and its answer, and those of two questions that follow when they are lost. */
const HOST = 6
/** QUERY and "not yet" on the reader's line: as many as there is time for, all alike; the first ones are faulted. */
const POLLS = 4

/** Every n-th goes over ISO 8583. */
const ISO = 5
/** Of so many payments one has an honest host. */
const HONEST = 3

/** Minor units from which on the card's bank refuses, and from which on it approves a part; honest payments are below. */
export const bank = { refuses: 50_000, parts: 100_000, part: 5000 }

/**
 * @param lane which counter, from 0
 * @param boundaries messages on the reader's line in a payment without trouble, QUERY and "not yet" left out
 * @param lie every host lies, and its story has this text in it; `none`: every host is honest
 * @param deaths of so many payments one has a death planned; where a payment does not get there, it comes to the next one that does
 */
export function plans({ seed, lane, count, boundaries, deaths, advised, lie }) {
  const places = [
    ...Array.from({ length: boundaries }, (_, at) => ({ line: 'reader', at })),
    ...Array.from({ length: POLLS }, (_, at) => ({ line: 'poll', at })),
    ...Array.from({ length: HOST }, (_, at) => ({ line: 'host', at })),
  ]
  const outages = Array.from({ length: HOST }, (_, at) => ({ line: 'host', at, fault: 'outage' }))
  const cells = [...places.flatMap(place => faults.map(fault => ({ ...place, fault }))), ...outages, ...outages]
  const random = fc.record({
    amount: fc.integer({ min: 100, max: 30_000 }),
    /** Real milliseconds of a delay, or of the way that a copy takes: up to several times what the app waits for a host. */
    ms: fc.integer({ min: 5, max: 900 }),
    /** Of a line that closes: half of the message still arrives. */
    half: fc.boolean(),
    /** Another fault beside the one whose turn it is. */
    more: fc.option(fc.constantFrom(...cells), { nil: undefined, freq: 3 }),
    /** The trouble is over when the app recovers for the first time. */
    healthy: fc.boolean(),
    /** The merchant tries to have the order paid again; where the host lies, more often. */
    again: fc.integer({ min: 0, max: 99 }).map(value => value < 30),
    /** Most often where the host has been asked and the card has not answered. */
    death: fc.oneof(
      { weight: 3, arbitrary: fc.nat(2).map(number => ({ at: 'boundary', line: 'host', number })) },
      { weight: 2, arbitrary: fc.constantFrom(...places).map(({ line, at }) => ({ at: 'boundary', line, number: at })) },
      { weight: 3, arbitrary: dying(stages) },
      { weight: 1, arbitrary: dying(['asking', 'answered', 'card']) },
      { weight: 2, arbitrary: fc.record({ at: fc.constant('time'), ms: fc.integer({ min: 1, max: 250 }) }) },
    ),
    /** An order is paid again while its host still lies. */
    soon: fc.boolean(),
    /** A lying host is all that is wrong. */
    alone: fc.boolean(),
  })
  const drawn = fc.sample(random, { seed: seed * 1000 + lane, numRuns: count })
  const victims = fc.sample(fc.nat(deaths - 1), { seed: seed * 1000 + lane + 500, numRuns: Math.ceil(count / deaths) })
  const nextCell = deck(cells, seed * 7919 + lane * 101)
  const told = lie === 'none' ? [] : stories({ advised }).filter(story => lie === undefined || JSON.stringify(story).includes(lie))
  const nextStory = deck(told, seed * 6007 + lane * 103)
  return drawn.map(({ amount, ms, half, more, healthy, again, soon, alone, death }, index) => {
    const story = told.length === 0 || (lie === undefined && index % HONEST === HONEST - 1) ? undefined : nextStory()
    const own = alone && story ? undefined : nextCell()
    const { lost, refused, part, takes, look, lies, via } = story ?? {}
    const placed = [
      ...(lost ? [{ line: 'host', at: 1, fault: 'drop' }] : []),
      ...(own ? [own, ...companions(own), ...(more ? [more] : [])] : []),
    ].map(fault => ({ ...fault, ms, half }))
    const dies = story?.death ?? (index % deaths === victims[Math.floor(index / deaths)] ? death : undefined)
    return {
      order: `c${seed}-${lane}-${index}`,
      via: via ?? (index % ISO === ISO - 1 ? 'iso' : 'http'),
      amount: amount + (refused ? bank.refuses : part ? bank.parts : 0),
      ...{ faults: placed, healthy, again: again || (story !== undefined && soon && healthy) },
      ...(takes && { takes }),
      ...(lies && { lies, soon, ...(look && { look }) }),
      ...(dies && { death: dies }),
    }
  })
}

/** All of `cards`, shuffled, before any comes again. */
function deck(cards, seed) {
  let left = []
  let round = 0
  return () => {
    if (left.length === 0) [left] = fc.sample(fc.shuffledSubarray(cards, { minLength: cards.length }), { seed: seed + round++, numRuns: 1 })
    return left.pop()
  }
}

function dying(where) {
  return fc.record({ at: fc.constant('stage'), stage: fc.constantFrom(...where), when: fc.constantFrom('before', 'after') })
}

/** What must be lost before for a later boundary of the host's line to be reached at all. */
function companions({ line, at }) {
  if (line !== 'host') return []
  return [1, 3].filter(lost => at > lost).map(lost => ({ line, at: lost, fault: 'drop' }))
}
