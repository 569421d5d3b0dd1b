/** The JSON Schema of scenario files, made of the schema that reads them: `scenarios/schema.json`, which `$schema` names for an editor. */

import { z } from 'zod'
import { fileSchema, singleSchema } from './schema.ts'

/** As the file has it, with a line feed at its end. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(z.union([singleSchema, fileSchema]), { io: 'input', unrepresentable: 'any', reused: 'ref' })
  return `${JSON.stringify({ title: 'A scenario of tapdip-sim test', ...schema }, null, 1)}\n`
}
