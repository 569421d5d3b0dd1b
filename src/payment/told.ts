/** An acquirer whose calls a trace is told of: what was asked, and what came back. */

import { isFault } from '../errors.ts'
import type { Tracer } from '../trace/event.ts'
import type { Acquirer } from './acquirer.ts'

/** The calls of every kind of acquirer, and what their arguments are called; the options, always last, are nobody's business. */
const calls: Readonly<Record<string, readonly string[]>> = {
  authorise: ['message'],
  advise: ['message'],
  reverse: ['key', 'why'],
  status: ['key'],
  confirm: ['change'],
  increment: ['change'],
  cancel: ['change'],
  order: ['merchant', 'number'],
  registerCash: ['sale'],
  requestQr: ['sale'],
}

/** Acquirers and recorders that tell by themselves: none is told of twice. */
const telling = new WeakSet<object>()

/** What is made of one that tells, and so tells too. */
export function alreadyTold<T extends object>(one: T): T {
  telling.add(one)
  return one
}

/** The same object; its methods are called as they were, around `tell`. */
export function toldCalls<T extends object>(
  target: T,
  around: (name: string, args: readonly unknown[], call: () => unknown) => unknown,
): T {
  if (telling.has(target)) return target
  return alreadyTold(
    new Proxy(target, {
      get(of, name) {
        const value = Reflect.get(of, name, of)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => around(String(name), args, () => Reflect.apply(value, of, args))
      },
    }),
  )
}

/** The same acquirer; the trace is told of each call before it is made and when it has settled. */
export function toldAcquirer<T extends Acquirer>(acquirer: T, tracer: Tracer | undefined): T {
  if (!tracer) return acquirer
  return toldCalls(acquirer, (name, args, call) => {
    const named = calls[name]
    if (!named) return call()
    const [first] = args
    const content = named.length === 1 && named[0] !== 'key' ? first : Object.fromEntries(named.map((one, at) => [one, args[at]]))
    tracer.tell('driver', { kind: 'host', what: 'request', name, content })
    return answered(tracer, name, call)
  })
}

async function answered(tracer: Tracer, name: string, call: () => unknown): Promise<unknown> {
  try {
    const answer = await call()
    tracer.tell('driver', { kind: 'host', what: 'answer', name, ...(answer !== undefined && { content: answer }) })
    return answer
  } catch (error) {
    const fault = isFault(error) ? { fault: error.code, message: error.message } : { fault: 'internal' }
    tracer.tell('driver', { kind: 'host', what: 'answer', name, content: fault })
    throw error
  }
}
