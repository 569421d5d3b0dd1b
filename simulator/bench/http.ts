/** The routes on HTTP: who may come in, what is sent is checked, what is told is JSON, and what goes wrong names field, value and rule. */

import { Hono } from 'hono'
import { Fault, isFault } from '../../src/errors.ts'
import type { Sessions } from './counter/sessions.ts'
import { failureOf, refusedInput } from './failure.ts'
import { admit, atHome } from './guard.ts'
import { openapi } from './openapi.ts'
import { pageFile } from './page-file.ts'
import { routes } from './routes/all.ts'
import { type Asked, Raw, type Route } from './routes/route.ts'

/** Bytes that a body may have. */
const MOST_BODY = 24 * 1024 * 1024

/** Nothing that a page of the bench does not bring itself is loaded or reached. */
export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** @param folder of the page; it is not there where it was not built */
export function httpOf(sessions: Sessions, token: string, folder: string | undefined): Hono {
  const app = new Hono()
  app.use('*', async (context, next) => {
    const { method, url } = context.req
    const knock = { method, url: new URL(url), header: (name: string) => context.req.header(name) }
    const refused = knock.url.pathname.startsWith('/api') ? admit(knock, token) : atHome(knock)
    if (refused) {
      const { status, ...error } = refused
      return json({ error }, status)
    }
    await next()
    context.res.headers.set('x-content-type-options', 'nosniff')
    context.res.headers.set('referrer-policy', 'no-referrer')
    context.res.headers.set('cross-origin-resource-policy', 'same-origin')
    return undefined
  })
  for (const one of routes)
    app.on(one.method.toUpperCase(), one.path.replace(/\{(\w+)\}/g, ':$1'), async context => {
      try {
        return await answered(one, sessions, context.req.raw, context.req.param() as Record<string, string>)
      } catch (error) {
        return failed(error)
      }
    })
  let document: string | undefined
  app.get('/api/openapi.json', () => {
    document ??= JSON.stringify(openapi(routes))
    return new Response(document, { headers: { 'content-type': 'application/json' } })
  })
  app.all('/api/*', context => failed(new Fault('not-found', `no ${context.req.method} ${context.req.path} here`)))
  app.get('*', context => pageFile(folder, context.req.path, policy))
  app.onError(error => failed(error))
  return app
}

async function answered(one: Route, sessions: Sessions, request: Request, path: Record<string, string>): Promise<Response> {
  const session = path.s === undefined ? undefined : sessions.session(path.s)
  const done = session && sessions.use(session)
  try {
    const { searchParams, origin } = new URL(request.url)
    const { token: _, ...params } = Object.fromEntries(searchParams)
    const asked = {
      ...{ sessions, session, path, origin, signal: request.signal, header: (name: string) => request.headers.get(name) ?? undefined },
      query: one.query ? checked(one.query, params, '') : {},
      body: one.body ? checked(one.body, await bodyOf(request), '') : undefined,
    } as unknown as Asked<unknown, unknown>
    const told = await one.run(asked as never)
    if (told instanceof Raw) return raw(told)
    return one.answers ? json(told, one.status ?? 200) : new Response(null, { status: 204 })
  } finally {
    done?.()
  }
}

function raw({ told: { type, body, file } }: Raw): Response {
  return new Response(body as ConstructorParameters<typeof Response>[0], {
    headers: {
      ...{ 'content-type': type, 'cache-control': 'no-store' },
      ...(file !== undefined && { 'content-disposition': `attachment; filename="${file}"` }),
    },
  })
}

/** @throws Fault `bad-argument` */
function checked(schema: NonNullable<Route['body']>, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (!result.success) throw refusedInput(result.error, value, where)
  return result.data
}

/** An empty body is an object without fields. @throws Fault `bad-argument` */
async function bodyOf(request: Request): Promise<unknown> {
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > MOST_BODY)
    throw new Fault('bad-argument', `the body has more than ${MOST_BODY} bytes`, { field: 'body', rule: `up to ${MOST_BODY} bytes` })
  const text = await request.text()
  if (text.length > MOST_BODY)
    throw new Fault('bad-argument', `the body has more than ${MOST_BODY} bytes`, { field: 'body', rule: `up to ${MOST_BODY} bytes` })
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('bad-argument', 'the body is no JSON', { field: 'body', rule: 'JSON' })
  }
}

function failed(error: unknown): Response {
  const { status, body } = failureOf(error)
  if (status === 500 && !isFault(error)) console.error(error)
  return json(body, status)
}

function json(value: unknown, status: number): Response {
  return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } })
}
