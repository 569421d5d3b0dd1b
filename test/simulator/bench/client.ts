/** A client of a bench for tests: what a program would ask with `fetch`. */

import type { Bench } from '../../../simulator/bench/options.ts'
import { described } from './told.ts'

export interface Answer {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it knows is there
  readonly json: any
}

export type Ask = (method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<Answer>

export function asking(bench: Pick<Bench, 'origin' | 'token'>): Ask {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(bench.origin + path, {
      method,
      headers: { authorization: `Bearer ${bench.token}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    described(method, path, response.status, text)
    return {
      status: response.status,
      text,
      json: response.headers.get('content-type') === 'application/json' && text ? JSON.parse(text) : undefined,
    }
  }
}
