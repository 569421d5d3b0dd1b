/** Every answer that a test gets of a bench is one that the OpenAPI document describes: a field too many, or one of another type, fails the test that got it. */

import { z } from 'zod'
import { routes } from '../../../simulator/bench/routes/all.ts'
import { failure } from '../../../simulator/bench/schema/events.ts'

/** Schemas without a field that is not named. */
const strict = (schema: z.ZodType): z.ZodType => {
  if (schema instanceof z.ZodObject) {
    if (schema.def.catchall) return schema
    const shape = Object.fromEntries(Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, one]) => [name, strict(one)]))
    return z.strictObject(shape)
  }
  if (schema instanceof z.ZodArray) return z.array(strict(schema.element as z.ZodType))
  if (schema instanceof z.ZodOptional) return strict(schema.unwrap() as z.ZodType).optional()
  if (schema instanceof z.ZodNullable) return strict(schema.unwrap() as z.ZodType).nullable()
  return schema
}

const patterns = routes.map(route => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
  answers: route.answers && strict(route.answers),
}))

/** Which of the routes were asked, by name. */
export const asked = new Set<string>()

/** @throws Error for an answer that is not described */
export function described(method: string, path: string, status: number, text: string): void {
  const [bare] = path.split('?')
  if (bare === '/api/openapi.json') return
  const found = patterns.find(({ route, pattern }) => route.method === method.toLowerCase() && pattern.test(bare))
  if (status >= 400) return void failure.parse(JSON.parse(text))
  if (!found) throw new Error(`${method} ${path} is no route of the document`)
  asked.add(found.route.name)
  const { status: good = found.answers || found.route.media ? 200 : 204 } = found.route
  if (status !== good) throw new Error(`${method} ${path} answers ${status}; the document says ${good}`)
  if (!found.answers) return
  const result = found.answers.safeParse(JSON.parse(text))
  if (!result.success) throw new Error(`${method} ${path}: ${z.prettifyError(result.error)}`)
}
