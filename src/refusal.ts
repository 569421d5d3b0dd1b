/** Refusals of a value that can be told in both languages: they name field, value and what is allowed, and the nearest where there is a list. */

import { Fault, type FaultCode, type FaultDetails } from './errors.ts'
import { type MessageId, message } from './messages.ts'
import { nearest } from './nearest.ts'

type UsageId = Extract<MessageId, `usage.${string}`>

/** A refusal that can be told in the user's language: `details.says` is its message, the other details are what is put in. */
export function usageFault(says: UsageId, params: FaultDetails, code: FaultCode = 'bad-argument'): Fault {
  const words = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
  const rule = message(says, 'en', words)
  return new Fault(code, rule, { ...params, says, rule })
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
