/** A case at a reader that is there: whether it can be run there, and what the person at it is to do. */

import type { Case } from './matrix.ts'
import type { ScenarioPlan, StepPlan } from './schema.ts'

/** What only a virtual reader, or a virtual person, can do. Undefined where a person can be led. */
export function needsTwin({ faults, screen, terminal, steps = [], expect }: ScenarioPlan): string | undefined {
  if (faults || screen) return 'its faults and keys are those of a virtual counter'
  if (terminal) return 'a reader that is there has a configuration of its own'
  if (expect?.firmware !== undefined || expect?.within !== undefined) return 'it looks at the firmware, or at the time, of a virtual reader'
  const only = steps.find(step => 'knob' in step || 'do' in step || 'update' in step || ('app' in step && step.app === 'kill'))
  return only && `its step ${Object.keys(only)[0]} is for a virtual counter`
}

/** A sentence for the person at the reader: which card, how, which PINs. PINs are those of test cards. */
export function instruction({ name, plan }: Case, step: StepPlan, before: readonly unknown[]): string {
  const queue = plan.people?.[Math.min(before.length, plan.people.length - 1)]
  const named = 'pay' in step ? step.pay : 'refundByCard' in step ? step.refundByCard : {}
  const { card = 'mir-maestro', person = 'dip' } = { ...plan, ...queue, ...given(named) }
  const profile = typeof card === 'string' ? card : 'own' in card ? String(card.own.name ?? 'own') : `${card.profile} (changed)`
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

function given({ card, person }: Pick<ScenarioPlan, 'card' | 'person'>): Pick<ScenarioPlan, 'card' | 'person'> {
  return { ...(card !== undefined && { card }), ...(person !== undefined && { person }) }
}
