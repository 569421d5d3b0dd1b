/** The difference of two runs as lines of text, in the user's language. */

import * as door from '../door.ts'
import type { Language, MessageId } from '../messages/messages.ts'
import { message } from '../messages/messages.ts'
import { retoldSaid } from '../messages/retold.ts'
import { retoldRule } from '../messages/retold-rules.ts'
import type { DiffEvent, DiffIgnored, DiffTag, DiffValue, TraceDiff } from './diff.ts'

type Say = (id: MessageId, params?: Readonly<Record<string, string | number>>) => string

const diffRule = door.shape({ values: door.listOf(door.object), ignored: door.listOf(door.object) })

/** For people: where they part, then each value that differs with the rules that made it so, then what was not compared. */
export function printDiff(diff: TraceDiff, language: Language = 'en'): string {
  door.need('diff', diff, diffRule)
  const { same, first, events, values, ignored } = diff
  const say: Say = (id, params) => message(id, language, params)
  return [
    ...(same ? [say('diff.same')] : []),
    ...(first ? [say('diff.part', { count: events }), ...event(first, say)] : []),
    ...(values.length > 0 ? [say('diff.values'), ...values.flatMap(one => tag(one, say, language))] : []),
    ...(ignored.length > 0 ? [say('diff.ignored'), ...ignored.map(one => `  ${left(one, say)}`)] : []),
  ].join('\n')
}

const left = ({ name, why, count }: DiffIgnored, say: Say) => say('diff.ignoredOne', { name, why, count })

function event({ left, right, values }: DiffEvent, say: Say): string[] {
  const within = (left ?? right)?.within ?? []
  return [
    ...(within.length > 0 ? [`  ${say('diff.within', { spans: within.join(' > ') })}`] : []),
    `  ${left ? say('diff.left', { ...left, within: '' }) : say('diff.onlyRight')}`,
    `  ${right ? say('diff.right', { ...right, within: '' }) : say('diff.onlyLeft')}`,
    ...values.map(one => `    ${sides(one, say)}`),
  ]
}

const sides = ({ name, meaning, left, right }: DiffValue, say: Say) =>
  `${name}${meaning ? ` ${meaning}` : ''}: ${left ?? say('diff.nothing')} | ${right ?? say('diff.nothing')}`

const ruleWords = (rule: string, effect: readonly string[], language: Language) => ({
  rule: retoldRule(rule, language),
  effect: effect.map(each => retoldRule(each, language)).join(', '),
})

function tag(one: DiffTag, say: Say, language: Language): string[] {
  const { where, leftBits = [], rightBits = [], rules } = one
  return [
    `  ${sides(one, say)}  (${where})`,
    ...(leftBits.length > 0 ? [`    ${say('diff.bitsLeft', { bits: leftBits.map(bit => retoldSaid(bit, language)).join(', ') })}`] : []),
    ...(rightBits.length > 0 ? [`    ${say('diff.bitsRight', { bits: rightBits.map(bit => retoldSaid(bit, language)).join(', ') })}`] : []),
    ...rules.map(
      ({ side, rule, effect }) =>
        `    ${say('diff.because', { side: say(side === 'left' ? 'diff.sideLeft' : 'diff.sideRight'), ...ruleWords(rule, effect, language) })}`,
    ),
  ]
}
