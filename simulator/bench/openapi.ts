/** The OpenAPI 3.1 document of the bench: made of the same table that its routes are made of. */

import { z } from 'zod'
import { PACKAGE_VERSION } from '../../src/trace/package.ts'
import type { Route } from './routes/route.ts'
import { failure } from './schema/events.ts'

type Json = Record<string, unknown>

/** What each part of a path is. */
const parts: Readonly<Record<string, string>> = {
  s: 'Id of the session: s1',
  r: 'Id of the reader: r1',
  c: 'Id of the card: c1',
  n: 'Number of the request',
  a: 'Id of the app: a1',
}

const failures: readonly (readonly [string, string])[] = [
  ['400', 'What was sent is not what the route takes: field, value and rule are told'],
  ['403', 'No token, another host or another page: nothing has changed'],
  ['404', 'No such thing'],
  ['409', 'It is in use, or not so any more'],
  ['422', 'This one cannot do it'],
]

/** `routes` as an OpenAPI 3.1 document. */
export function openapi(routes: readonly Route[]): Json {
  const schemas: Json = {}
  const schema = (one: z.ZodType, io: 'input' | 'output') => schemaOf(one, io, schemas)
  const failed = schema(failure, 'output')
  const paths: Record<string, Json> = {}
  for (const one of routes) {
    const names = [...one.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const parameters = [
      ...names.map(name => ({ name, in: 'path', required: true, description: parts[name], schema: { type: 'string' } })),
      ...queryOf(one.query, schemas),
    ]
    paths[one.path] = {
      ...paths[one.path],
      [one.method]: {
        operationId: one.name,
        summary: one.summary,
        tags: [one.path.split('/').filter(part => !part.startsWith('{'))[3] ?? 'sessions'],
        ...(parameters.length > 0 && { parameters }),
        ...(one.body && { requestBody: { required: true, content: { 'application/json': { schema: schema(one.body, 'input') } } } }),
        responses: {
          ...answerOf(one, schema),
          ...Object.fromEntries(
            [...failures, ...(one.waits ? [['408', 'It did not come to that in time'] as const] : [])].map(([status, description]) => [
              status,
              { description, content: { 'application/json': { schema: failed } } },
            ]),
          ),
        },
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tapdip bench',
      version: PACKAGE_VERSION,
      description: 'A counter with virtual readers, cards, a bank and apps. Everything needs the token that the bench printed.',
    },
    security: [{ token: [] }],
    paths,
    components: { schemas, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  }
}

function answerOf({ answers, media, status }: Route, schema: (one: z.ZodType, io: 'output') => Json): Json {
  if (!answers && !media) return { 204: { description: 'Done' } }
  const content = media ?? 'application/json'
  const own = answers
    ? schema(answers, 'output')
    : media!.startsWith('image/png')
      ? { type: 'string', format: 'binary' }
      : { type: 'string' }
  return { [status ?? 200]: { description: 'Done', content: { [content]: { schema: own } } } }
}

function queryOf(query: z.ZodType | undefined, schemas: Json): Json[] {
  if (!query) return []
  const { properties = {}, required = [] } = schemaOf(query, 'input', schemas) as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', required: required.includes(name) },
    ...(description !== undefined && { description }),
    schema,
  }))
}

/** What has an id stands among the components, once. */
function schemaOf(one: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const {
    $schema: _,
    $defs = {},
    ...own
  } = z.toJSONSchema(one, { io, unrepresentable: 'any', reused: 'inline' }) as Json & { $defs?: Record<string, Json> }
  for (const [id, definition] of Object.entries($defs)) schemas[id] = placed(definition)
  const { id } = own as { id?: string }
  if (id === undefined) return placed(own) as Json
  schemas[id] = placed(own)
  return { $ref: `#/components/schemas/${id}` }
}

/** References to definitions lead to the components; `id` and `$id` are no words of OpenAPI. */
function placed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(placed)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key, value]) => !((key === 'id' || key === '$id') && typeof value === 'string'))
      .map(([key, value]) => [
        key,
        key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : placed(value),
      ]),
  )
}
