/** Refusals of a value that can be told in both languages: they name field, value and what is allowed, and the nearest where there is a list. */

import { toolWords } from '#platform/words'
import { Fault, type FaultCode, type FaultDetails } from './errors.ts'
import { maskNumbers } from './mask.ts'
import { filled } from './messages/filled.ts'
import type { MessageId } from './messages/messages.ts'
import { usageMessages } from './messages/usage.ts'
import { nearest } from './nearest.ts'

type UsageId = Extract<MessageId, `usage.${string}`>

/** Characters of a refused value that are told. */
const SHOWN = 60

/** A refusal that can be told in the user's language: `details.says` is its message, the other details are what is put in. A value is cut where it is long, and a number as long as a card's masked. */
export function usageFault(says: UsageId, params: FaultDetails, code: FaultCode = 'bad-argument', cause?: unknown): Fault {
  const { value } = params
  const told =
    typeof value === 'string' ? { ...params, value: maskNumbers(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value) } : params
  const put = Object.fromEntries(Object.entries(told).map(([name, one]) => [name, String(one)]))
  const words: Readonly<Record<string, readonly [english: string, russian: string]>> = says in usageMessages ? usageMessages : toolWords
  const rule = filled(words[says][0], put)
  return new Fault(code, rule, { ...told, says, rule }, cause === undefined ? undefined : { cause })
}

/** `value` as one of `values`; the nearest is named when it is none. @throws Fault `bad-argument` */
export function oneOf<T extends string>(field: string, value: string, values: readonly T[]): T {
  const found = values.find(one => one === value)
  if (found !== undefined) return found
  const meant = nearest(value, values)
  const allowed = values.join(', ')
  throw meant === undefined
    ? usageFault('usage.oneOf', { field, value, allowed })
    : usageFault('usage.meant', { field, value, allowed, meant })
}
