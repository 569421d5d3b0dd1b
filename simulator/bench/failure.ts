/** What went wrong, as the API tells it: the Fault's code, its sentence, and which field, value and rule. */

import type { z } from 'zod'
import { asFault, Fault } from '../../src/errors.ts'
import { maskNumbers } from '../../src/mask.ts'
import { Refusal } from '../acquirer/desk/reply.ts'

/** Body of every answer that is none of 2xx. */
export interface Failure {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly field?: string
    readonly value?: string
    readonly rule?: string
    /** Of events that are not kept any more: the number of the first. */
    readonly first?: number
  }
}

/** Something is not there, by its id. */
export function noSuch(what: string, id: string): Fault {
  return new Fault('not-found', `there is no ${what} ${id}`, { field: what, value: id })
}

/** The thing is another by now. */
export function isGone(field: string, value: string, rule: string): Fault {
  return new Fault('busy', `${field} ${value}: ${rule}`, { field, value, rule })
}

/** What a schema refuses. */
export function refusedInput(error: z.ZodError, input: unknown, where: string): Fault {
  const [issue] = error.issues
  const { path, rule } = deepest(issue)
  const field = [where, ...path].filter(part => part !== '').join('.')
  const value = path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown> | undefined)?.[key], input)
  const shown = value === undefined ? 'nothing' : maskNumbers(JSON.stringify(value).slice(0, 60))
  return new Fault('bad-argument', `${field} is ${shown}: ${rule}`, { field, value: shown, rule })
}

/** Of a union the branch that came furthest. */
function deepest(issue: z.core.$ZodIssue): { readonly path: readonly PropertyKey[]; readonly rule: string } {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path: issue.path, rule: issue.message }
  const inner = issue.errors
    .filter(one => one.length > 0)
    .map(([first]) => deepest(first))
    .sort((one, other) => other.path.length - one.path.length)
  const [best] = inner
  if (!best) return { path: issue.path, rule: issue.message }
  return { path: [...issue.path, ...best.path], rule: best.path.length > 0 ? best.rule : inner.map(({ rule }) => rule).join('; or ') }
}

const statuses: Partial<Record<Fault['code'], number>> = {
  ...{ 'bad-argument': 400, 'bad-config': 400, 'bad-hex': 400, 'bad-uri': 400, tlv: 400 },
  ...{ 'not-found': 404, timeout: 408, busy: 409, unsupported: 422, 'missing-library': 422 },
}

/** Status and body for whatever was thrown. */
export function failureOf(error: unknown): { readonly status: number; readonly body: Failure } {
  if (error instanceof Refusal)
    return { status: error.status, body: { error: { code: error.status === 404 ? 'not-found' : 'bad-argument', message: error.message } } }
  const { code, message, details } = asFault(error)
  const { path, first } = details
  const { field = path, value, rule } = details
  return {
    status: first === undefined ? (statuses[code] ?? 500) : 410,
    body: {
      error: {
        code,
        message,
        ...(field !== undefined && { field: String(field) }),
        ...(value !== undefined && { value: String(value) }),
        ...(rule !== undefined && { rule: String(rule) }),
        ...(first !== undefined && { first: Number(first) }),
      },
    },
  }
}
