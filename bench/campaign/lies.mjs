/**
 * Hosts that contradict themselves, as stories: what is said of one order, and what makes the app ask for it.
 *
 * A lie with `false` agrees with the question and with itself, so that nobody can tell when it is heard: a payment may then end otherwise than the host has booked it.
 * It must be told by a notice as soon as the host's order is looked at, and nothing may be charged twice for it. What stays out, since no client can know of it: a host that says
 * the same wrong thing whatever it is asked and whenever (an approval or a reversal that neither the status nor the order ever takes back, or a refusal of what was booked),
 * one that books another amount than it says in all its answers, and a line over which somebody makes whole, right messages of one's own (that is for TLS and the MAC).
 */

import { answerMoves, isoMoves, orderMoves, unapprovals } from '../../test/hostile/host-moves.mjs'

const always = { often: 'always' }
const once = { often: 'once' }
/** The host's answer is lost, so that it is asked again. */
const lost = { lost: true }
/** The card's bank refuses. */
const refused = { refused: true }
/** The card's bank approves a part. */
const part = { part: true }
const killed = stage => ({ death: { at: 'stage', stage, when: 'after' } })
/** The merchant looks at the order while it is lied about. */
const looked = { look: 3 }
const unsure = { false: true }
/** Only an app that has the approval on its disk can know: false where it may never have come. */
const known = { heard: true }

/** Every answer contradicts itself, so that the payment is taken back. */
const takenBack = ['authorise', 'status'].map(on => ({ on, move: 'approved with code 05', ...always }))

/** @param lane what its payments ask: those that card and terminal approve by themselves are advised */
export function stories({ advised }) {
  return ['http', 'iso'].flatMap(via => {
    const contradictions = [
      ...Object.keys(answerMoves)
        .filter(move => via === 'http' || move !== 'no code')
        .map(move => ({ move })),
      ...(via === 'iso' ? [...Object.keys(isoMoves).map(iso => ({ iso })), { copies: 2 }] : []),
      { instead: 'previous' },
    ]
    const made = [...(advised ? advices(contradictions) : payments(contradictions)), ...orders(advised)]
    return made.map(({ lies, ...more }) => ({ via, lies, ...more }))
  })
}

function payments(contradictions) {
  return [
    ...contradictions.flatMap(lie => [
      { lies: [{ on: 'authorise', ...lie, ...once }] },
      { lies: ['authorise', 'status'].map(on => ({ on, ...lie, ...always })) },
      { ...lost, lies: [{ on: 'status', ...lie, ...once }] },
      { ...lost, lies: [{ on: 'status', ...lie, ...always }] },
      { lies: [...takenBack, { on: 'reverse', ...lie, ...once }] },
    ]),
    ...['approved with the code of a refusal', 'another key', 'another amount'].map(move => ({
      ...refused,
      lies: ['authorise', 'status'].map(on => ({ on, move, ...always })),
    })),
    ...['a part approved, and not said how much', 'a part that is more', 'another amount'].flatMap(move =>
      [true, false].map(takes => ({ ...part, takes, lies: ['authorise', 'status'].map(on => ({ on, move, ...always })) })),
    ),
    ...[true, false].map(takes => ({ ...part, takes, lies: [] })),
    // What agrees with itself and is not true.
    ...['denied', 'half', 'undone', 'not heard of', 'still in process'].flatMap(move => [
      { lies: [{ on: 'authorise', move, ...once, ...unsure }] },
      { lies: ['authorise', 'status'].map(on => ({ on, move, ...always, ...unsure })) },
      { ...lost, lies: [{ on: 'status', move, ...once, ...unsure }] },
      { ...lost, lies: [{ on: 'status', move, ...always, ...unsure }] },
      // The host has said "approved" before.
      ...['answered', 'card'].map(stage => ({ ...killed(stage), lies: [{ on: 'status', move, ...always, ...known }] })),
    ]),
    ...[true, false].map(takes => ({ ...part, takes, lies: [{ on: 'authorise', move: 'whole', ...once, ...unsure }] })),
    ...[
      { ...refused, lies: [{ on: 'authorise', move: 'granted', ...once, ...unsure }] },
      { ...refused, lies: ['authorise', 'status'].map(on => ({ on, move: 'granted', ...always, ...unsure })) },
      { ...refused, ...lost, lies: [{ on: 'status', move: 'granted', ...always, ...unsure }] },
      { ...refused, ...killed('card'), lies: [{ on: 'authorise', move: 'granted', ...once, ...unsure }] },
      { lies: [{ on: 'authorise', instead: 'approved', ...once, ...unsure }] },
      { lies: ['authorise', 'status'].map(on => ({ on, instead: 'approved', ...always, ...unsure })) },
      { ...killed('card'), lies: [{ on: 'authorise', instead: 'approved', ...once, ...unsure }] },
    ],
    // Reversals. Where the host has said that it approved, it cannot say that there is nothing to take back.
    ...[once, always].flatMap(often => [
      { lies: [...takenBack, { on: 'reverse', instead: 'reversed', ...often, ...unsure }] },
      { lies: [...takenBack, { on: 'reverse', instead: 'nothing', ...often, ...unsure }] },
      { ...part, takes: false, lies: [{ on: 'reverse', instead: 'nothing', ...often, ...known }] },
      { ...part, takes: false, lies: [{ on: 'reverse', instead: 'reversed', ...often, ...unsure }] },
      { ...killed('answered'), lies: [{ on: 'reverse', instead: 'nothing', ...often, ...known }] },
      { ...killed('answered'), lies: [{ on: 'reverse', instead: 'reversed', ...often, ...unsure }] },
      { lies: [...takenBack, { on: 'reverse', move: 'not heard of', ...often }] },
      { lies: [...takenBack, { on: 'reverse', move: 'still in process', ...often }] },
    ]),
  ]
}

function advices(contradictions) {
  return [
    ...contradictions.flatMap(lie => [once, always].map(often => ({ lies: [{ on: 'advise', ...lie, ...often }] }))),
    ...['denied', 'undone', 'not heard of', 'still in process'].flatMap(move =>
      [once, always].map(often => ({ lies: [{ on: 'advise', move, ...often }] })),
    ),
    { lies: [{ on: 'advise', instead: 'approved', ...once, ...unsure }] },
  ]
}

function orders(advised) {
  const paid = [...Object.keys(orderMoves), ...Object.keys(unapprovals)].map(move => ({ move }))
  const told = [...paid, { none: true }].flatMap(lie => [always, { often: 'second' }].map(often => ({ ...lie, ...often })))
  return [
    ...told.map(lie => ({ ...looked, lies: [{ on: 'order', ...lie }] })),
    ...(advised ? [] : Object.keys(orderMoves).map(move => ({ ...looked, ...refused, lies: [{ on: 'order', move, ...always }] }))),
  ]
}
