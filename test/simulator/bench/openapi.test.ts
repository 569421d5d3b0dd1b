/** The OpenAPI document says what the routes do: every route is in it and nothing else, and every answer that a test gets is as it says (`told.ts`). */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBench, startBench } from '../../../simulator/bench/bench.ts'
import { httpOf } from '../../../simulator/bench/http.ts'
import { routes } from '../../../simulator/bench/routes/all.ts'
import { type Ask, asking } from './client.ts'

let bench: RunningBench
let ask: Ask
// biome-ignore lint/suspicious/noExplicitAny: a document
let document: any
beforeAll(async () => {
  bench = await startBench()
  ask = asking(bench)
  document = (await ask('GET', '/api/openapi.json')).json
})
afterAll(() => bench.close())

const operations = (): [method: string, path: string, operation: Record<string, unknown>][] =>
  Object.entries(document.paths as Record<string, Record<string, Record<string, unknown>>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Record<string, unknown>] => [method, path, operation]),
  )

describe('the OpenAPI document', () => {
  it('has every route that is served, and no other', () => {
    const served = httpOf(bench.sessions, bench.token, undefined)
      .routes.filter(({ method, path }) => method !== 'ALL' && path.startsWith('/api/') && path !== '/api/openapi.json')
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`)
    expect(
      operations()
        .map(([method, path]) => `${method} ${path}`)
        .sort(),
    ).toEqual(served.sort())
    expect(new Set(routes.map(({ name }) => name)).size).toBe(routes.length)
  })

  it('leads every reference to what it has, names each operation, and each part of a path', () => {
    const text = JSON.stringify(document)
    for (const [, name] of text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g))
      expect(document.components.schemas, name).toHaveProperty(name)
    expect(text).not.toMatch(/"\$ref":"#\/\$defs|"\$schema"/)
    for (const [, path, { operationId, summary, parameters = [] }] of operations()) {
      expect([operationId, summary]).toEqual([expect.any(String), expect.any(String)])
      const named = (parameters as { name: string; in: string; description?: string }[]).filter(one => one.in === 'path')
      expect(named.map(one => `{${one.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
      expect(named.every(one => one.description)).toBe(true)
    }
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Reader', 'Card', 'Bank', 'Session', 'App', 'Event', 'Failure']),
    )
  })

  it('is answered as it says, whatever is read', async () => {
    const at = '/api/sessions/s1'
    for (const [method, path, { responses }] of operations()) {
      if (method !== 'get' || path.endsWith('/events')) continue
      const own = path.replace('{s}', 's1').replace('{r}', 'r1').replace('{c}', 'c1').replace('{a}', 'a1').replace('{n}', '1')
      const { status } = await ask('GET', own)
      expect(Object.keys(responses as object), own).toContain(String(status))
    }
    expect((await ask('GET', `${at}/readers/r1/screen.svg`)).text).toContain('>WELCOME</text>')
  })
})
