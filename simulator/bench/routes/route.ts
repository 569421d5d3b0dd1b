/** A route of the API as data: what is matched, checked, done and told, and what the OpenAPI document says of it. */

import type { z } from 'zod'
import type { Session } from '../counter/session.ts'
import type { Sessions } from '../counter/sessions.ts'

/** What a route works with, checked. */
export interface Asked<Body, Query> {
  readonly sessions: Sessions
  /** Of the path; undefined where the path names none. */
  readonly session: Session
  /** Other names of the path: `r`, `c`, … */
  readonly path: Readonly<Record<string, string>>
  readonly body: Body
  readonly query: Query
  /** As the client calls the bench: `http://127.0.0.1:4000`. */
  readonly origin: string
  /** Fires when the client is gone. */
  readonly signal: AbortSignal
  readonly header: (name: string) => string | undefined
}

/** Bytes that are no JSON. */
export interface Told {
  readonly type: string
  readonly body: string | Uint8Array | ReadableStream<Uint8Array>
  /** A name for the file that it is saved as. */
  readonly file?: string
}

export interface Route<Body extends z.ZodType = z.ZodType, Query extends z.ZodType = z.ZodType> {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** `/api/sessions/{s}/readers/{r}` */
  readonly path: string
  /** Name of the operation: `pressKeys`. */
  readonly name: string
  readonly summary: string
  readonly body?: Body
  readonly query?: Query
  /** Of the answer, 200 or 201; 204 where nothing is told. */
  readonly answers?: z.ZodType
  /** Of an answer that is no JSON. */
  readonly media?: string
  readonly status?: 201
  /** It may wait for this long: nothing else answers 408. */
  readonly waits?: true
  readonly run: (asked: Asked<z.output<Body>, z.output<Query>>) => unknown
}

/** Told in a list of routes, each with the types of its own schemas. */
export function route<Body extends z.ZodType, Query extends z.ZodType>(one: Route<Body, Query>): Route {
  return one as unknown as Route
}

/** The answer is no JSON. */
export class Raw {
  readonly told: Told
  constructor(told: Told) {
    this.told = told
  }
}
