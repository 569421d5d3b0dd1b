/** What the parts of a scenario in TypeScript have in common. */

import type { MessageId } from '../../../src/messages/messages.ts'
import type { Question } from '../../acquirer/host-rule.ts'

/** An amount of the currency as a person writes it: `2500`, `'2500.00'`. */
export type ScenarioAmount = number | string

export type OneOrMore<T> = T | T[]

/** Any text, while an editor completes those that are known. */
export type OrText<Known extends string> = Known | (string & {})

export type ReaderText = Extract<MessageId, `reader.${string}`>

export type PaymentStage = 'preflight' | 'card' | 'signature' | 'authorising' | 'reconciling' | 'reversing' | 'advising'

export type HostQuestion = Exclude<Question, 'status' | 'order'>
