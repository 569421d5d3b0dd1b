/** When something goes wrong: the moments that a scenario names, recognised in what happens at the counter. */

import type { MessageId } from '../../src/messages/messages.ts'
import type { seededNumbers } from '../random.ts'
import type { Screen } from '../readers/body/senses.ts'
import type { Deed, FaultPlan, Moment, ScreenRule } from './schema.ts'

/** What happens, as far as a moment can be made of it. */
export type Happening =
  | { readonly kind: 'screen'; readonly screen: Screen }
  | { readonly kind: 'apdu'; readonly count: number; readonly instruction?: number | undefined }
  | { readonly kind: 'stage'; readonly stage: string }
  | { readonly kind: 'journal'; readonly stage: string }
  | { readonly kind: 'update'; readonly percent: number }
  /** The question leaves for the host; its answer has come; the app shows a list. */
  | { readonly kind: 'asked' | 'answered' | 'list' }
  /** A step begins. */
  | { readonly kind: 'step'; readonly step: number }

/** What is done, and when; `after` milliseconds later. */
export interface Rule {
  readonly at: Moment
  readonly deeds: readonly Deed[]
  readonly after: number
  readonly step: number | undefined
  left: number
  /** So often the moment is let pass before. */
  passes: number
}

/** Acts for a rule whose moment has come. */
export type Act = (deed: Deed, after: number) => void

const READ_RECORD = 0xb2

const asksForCard: readonly (MessageId | undefined)[] = [
  ...(['reader.presentCard', 'reader.presentCardAgain', 'reader.tryAgain', 'reader.insertCard'] as const),
  ...(['reader.insertOrSwipe', 'reader.tryAnotherCard', 'reader.swipeCard', 'reader.tapCard'] as const),
]
const pinPrompts: readonly (MessageId | undefined)[] = ['reader.enterPin', 'reader.wrongPin', 'reader.lastPinTry']
const endings: readonly (MessageId | undefined)[] = [
  ...(['reader.approved', 'reader.approvedSign', 'reader.declined', 'reader.cancelled', 'reader.notAccepted', 'reader.cardError'] as const),
]

/** The text without its mark-up: `/…/i`, an id of the table, or part of a line. */
export function showsScreen(
  pattern: string,
  { message, lines }: Pick<Screen, 'lines'> & { readonly message?: string | undefined },
): boolean {
  if (/^\/.*\/[iu]*$/.test(pattern)) {
    const end = pattern.lastIndexOf('/')
    return new RegExp(pattern.slice(1, end), pattern.slice(end + 1)).test(lines.join('\n'))
  }
  if (/^reader\.\w+$/.test(pattern)) return message === pattern
  return lines.some(line => line.includes(pattern))
}

/** Hears what happens, and acts where a rule's moment has come. */
export function momentsOf(rules: readonly Rule[], act: Act): (happening: Happening) => void {
  let records = 0
  let step = 0
  let percent = -1
  return happening => {
    if (happening.kind === 'step') step = happening.step
    if (happening.kind === 'apdu') {
      if (happening.count === 1) records = 0
      if (happening.instruction === READ_RECORD) records++
    }
    const before = percent
    if (happening.kind === 'update') percent = happening.percent
    for (const rule of rules) {
      if (rule.left === 0 || (rule.step !== undefined && rule.step !== step)) continue
      if (!isAt(rule.at, happening, { records, before })) continue
      if (rule.passes > 0) {
        rule.passes--
        continue
      }
      rule.left--
      const after = rule.after + (typeof rule.at === 'object' && 'after' in rule.at ? rule.at.after : 0)
      for (const deed of rule.deeds) act(deed, after)
    }
  }
}

function isAt(at: Moment, happening: Happening, { records, before }: { readonly records: number; readonly before: number }): boolean {
  const { kind } = happening
  if (at === 'cryptogram') return kind === 'asked'
  if (at === 'answer') return kind === 'answered'
  if (at === 'list') return kind === 'list' || (kind === 'screen' && happening.screen.message === 'reader.selectApplication')
  if (at === 'card') return kind === 'screen' && asksForCard.includes(happening.screen.message)
  if (at === 'end') return kind === 'screen' && endings.includes(happening.screen.message)
  if (at === 'pin') return typed(happening) === 1
  if ('apdu' in at) return kind === 'apdu' && happening.count === at.apdu
  if ('record' in at) return kind === 'apdu' && happening.instruction === READ_RECORD && records === at.record
  if ('screen' in at) return kind === 'screen' && showsScreen(at.screen, happening.screen)
  if ('digits' in at) return typed(happening) === at.digits
  if ('stage' in at) return kind === 'stage' && happening.stage === at.stage
  if ('update' in at) return kind === 'update' && happening.percent >= at.update && before < at.update
  if ('journal' in at) return kind === 'journal' && happening.stage === at.journal
  return kind === 'step'
}

/** How many digits of a PIN the display shows as stars. */
function typed(happening: Happening): number {
  if (happening.kind !== 'screen' || !pinPrompts.includes(happening.screen.message)) return 0
  return /^\*+$/.test(happening.screen.lines[1] ?? '') ? happening.screen.lines[1].length : 0
}

/** The rules of a scenario: its faults, those that its seed draws, and what is pressed on a screen. */
export function rulesOf(faults: readonly FaultPlan[], screens: readonly ScreenRule[], draw: ReturnType<typeof seededNumbers>): Rule[] {
  const named = faults.flatMap((fault): Rule[] => {
    if (!('seeded' in fault))
      return [{ at: fault.at, deeds: [fault.do].flat(), after: 0, step: fault.step, left: fault.times ?? 1, passes: (fault.nth ?? 1) - 1 }]
    return Array.from({ length: fault.count ?? 1 }, () => drawn(fault.seeded[draw(fault.seeded.length)], draw))
  })
  const shown = screens.map((rule): Rule => {
    const deeds: readonly Deed[] = rule.press === undefined ? [rule.do!].flat() : [{ press: rule.press }]
    return {
      at: { screen: rule.says },
      deeds,
      after: rule.after ?? 0,
      step: undefined,
      left: rule.times ?? Number.POSITIVE_INFINITY,
      passes: 0,
    }
  })
  return [...named, ...shown]
}

/** Where the things of a seeded plan can happen. */
function drawn(what: string, draw: ReturnType<typeof seededNumbers>): Rule {
  const anywhere = (): Moment => {
    const moments: readonly (() => Moment)[] = [
      () => ({ apdu: 1 + draw(16) }),
      () => ({ digits: 1 + draw(4) }),
      () => 'cryptogram',
      () => 'answer',
      () => ({ after: draw(8000) }),
    ]
    return moments[draw(moments.length)]()
  }
  const rule = (at: Moment, deed: Deed): Rule => ({ at, deeds: [deed], after: 0, step: undefined, left: 1, passes: 0 })
  switch (what) {
    case 'pull':
      return rule({ apdu: 1 + draw(16) }, 'pull')
    case 'cancel':
      return rule((['card', 'list', 'pin'] as const)[draw(3)], 'cancel')
    case 'hostGone':
      return rule(draw(2) === 0 ? 'cryptogram' : { after: draw(4000) }, { host: 'gone' })
    case 'silent':
      return rule(anywhere(), { knob: 'silent on' })
    default:
      return rule(anywhere(), what as 'abort' | 'cut' | 'powerOff')
  }
}
