/** A case at a reader that is there: whether it can be run there, and what the person at it is to do. */

import type { Case } from '../matrix.ts'
import type { CardPlan, Somebody } from '../parts.ts'
import type { ScenarioPlan, StepPlan } from '../schema.ts'

/** What only a virtual reader, or a virtual person, can do. Undefined where a person can be led. @param robot a robot stands there, who does not see the card at work */
export function needsTwin({ faults, screen, terminal, steps = [], expect, ...plan }: ScenarioPlan, robot = false): string | undefined {
  if (faults || screen) return 'its faults and keys are those of a virtual counter'
  if (terminal) return 'a reader that is there has a configuration of its own'
  if (expect?.firmware !== undefined || expect?.within !== undefined) return 'it looks at the firmware, or at the time, of a virtual reader'
  const people = [
    plan.person,
    ...(plan.people ?? []).map(({ person }) => person),
    ...steps.map(step => ('pay' in step ? step.pay.person : undefined)),
  ]
  if (robot && people.some(person => typeof person === 'object' && person.pullAt !== undefined))
    return 'which command is under way is seen at a virtual reader alone'
  const only = steps.find(step => 'knob' in step || 'do' in step || 'update' in step || ('app' in step && step.app === 'kill'))
  return only && `its step ${Object.keys(only)[0]} is for a virtual counter`
}

/** A sentence for the person at the reader: which card, how, which PINs. PINs are those of test cards. */
export function instruction({ name, plan }: Case, step: StepPlan, before: readonly unknown[]): string {
  const { card = 'mir-maestro', person = 'dip' } = whoComes(plan, step, before)
  const profile = cardLabel(card)
  if (person === 'nobody') return `${name}: present nothing`
  if (typeof person === 'string') return `${name}: ${person} ${profile}`
  const turns = [person.present ?? (person.phone ? 'tap' : 'dip')].flat().map(turn => (typeof turn === 'string' ? turn : turn.how))
  const said = [
    `${turns.join(', then ')} ${person.phone ? `the phone with ${profile}` : profile}`,
    ...(person.choose !== undefined ? [`choose ${person.choose}`] : []),
    ...(person.pins ? [person.pins.length > 0 ? `PIN ${person.pins.join(', then ')}` : 'CANCEL at the PIN'] : []),
    ...(person.cancelAt !== undefined
      ? [`CANCEL at ${person.cancelAt === 'card' || person.cancelAt === 'list' ? `the ${person.cancelAt}` : `PIN ${person.cancelAt}`}`]
      : []),
    ...(person.pullAt !== undefined ? ['pull the card while it is read'] : []),
  ]
  return `${name}: ${said.join('; ')}`
}

/** Who comes to this payment: as the step names them, else the next of the queue, else the scenario's own. */
export function whoComes({ card, person, people }: ScenarioPlan, step: StepPlan, before: readonly unknown[]): Somebody {
  const queue = people?.[Math.min(before.length, people.length - 1)]
  const named = 'pay' in step ? step.pay : 'refundByCard' in step ? step.refundByCard : {}
  return { ...given({ card, person }), ...queue, ...given(named) }
}

/** A card as whoever holds it calls it. */
export function cardLabel(card: CardPlan): string {
  if (typeof card === 'string') return card
  return 'own' in card ? String(card.own.name ?? 'own') : `${card.profile} (changed)`
}

function given({ card, person }: Pick<ScenarioPlan, 'card' | 'person'>): Pick<ScenarioPlan, 'card' | 'person'> {
  return { ...(card !== undefined && { card }), ...(person !== undefined && { person }) }
}
