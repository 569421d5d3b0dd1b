/** A dialect of ISO 8583 as a file has it: one of the built-in ones, and what the bank has otherwise. */

import * as z from 'zod'
import { fromHex } from '../../../bytes.ts'
import { Fault } from '../../../errors.ts'
import { nearest } from '../../../nearest.ts'
import { usageFault } from '../../../refusal.ts'
import { type IsoDialect, type IsoDialectName, isoDialects } from './dialect.ts'
import { fieldTable } from './fields.ts'

const names = Object.keys(isoDialects) as IsoDialectName[]
const number = z.number().int().min(2).max(128)
const lengthForm = z.enum(['ascii', 'ebcdic', 'bcd', 'binary'])
const characters = z.enum(['ascii', 'ebcdic'])
const hexBytes = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){1,16}$/, '1 to 16 bytes in hex')
  .transform(fromHex)
const tag = z
  .string()
  .regex(/^([0-9a-fA-F]{2}){1,3}$/, 'a tag of 1 to 3 bytes in hex')
  .transform(text => Number.parseInt(text, 16))
const code = z.string().regex(/^\d{3}$/, '3 digits')

const field = z.strictObject({
  kind: z.enum(['n', 'a', 'x', 'z', 'b', 'u']).optional(),
  size: z.number().int().min(0).max(999_999).optional(),
  var: z.union([1, 2, 3, 4, 5, 6].map(digits => z.literal(digits as 1 | 2 | 3 | 4 | 5 | 6))).optional(),
  form: z.enum(['ascii', 'ebcdic', 'bcd', 'raw', 'hex']).optional(),
  lengthForm: lengthForm.optional(),
  counts: z.enum(['digits', 'bytes']).optional(),
})

const dialect = z.strictObject({
  base: z.enum(names as [IsoDialectName, ...IsoDialectName[]]).default('ascii'),
  name: z
    .string()
    .regex(/^[\x20-\x7e]{1,32}$/, '1 to 32 printable ASCII characters')
    .optional(),
  frame: z
    .strictObject({ bytes: z.union([z.literal(2), z.literal(4)]), form: lengthForm, inclusive: z.boolean().optional() })
    .refine(({ bytes, form }) => bytes === 4 || form === 'binary' || form === 'bcd', { error: 'two bytes are binary or bcd' })
    .optional(),
  header: z.strictObject({ sent: hexBytes, tpdu: z.boolean().optional() }).optional(),
  type: z.enum(['ascii', 'ebcdic', 'bcd']).optional(),
  bitmap: z.enum(['raw', 'ascii', 'ebcdic']).optional(),
  bothBitmaps: z.boolean().optional(),
  digits: z.enum(['ascii', 'ebcdic', 'bcd']).optional(),
  text: characters.optional(),
  bytes: z.enum(['raw', 'hex']).optional(),
  lengths: lengthForm.optional(),
  pad: z.enum(['left', 'right', 'rightF']).optional(),
  fields: z
    .record(
      z.string().refine(text => /^\d{1,3}$/.test(text) && Object.hasOwn(fieldTable, text), { error: 'a field from 2 to 128' }),
      field,
    )
    .optional(),
  icc: z.array(tag).max(128).optional(),
  separator: z.enum(['=', 'D']).optional(),
  own: z.strictObject({ key: number, data: z.array(number).min(1).max(8), pin: number }).optional(),
  ksn: number.optional(),
  rrn: z.enum(['terminal', 'host']).optional(),
  answers: z.array(number).max(126).optional(),
  network: z.strictObject({ echo: code, signOn: code.optional(), signOff: code.optional() }).optional(),
})

/**
 * `{ "base": "bcd", "frame": { "bytes": 2, "form": "binary" }, "header": { "sent": "6000010000", "tpdu": true }, "fields": { "48": { "kind": "b" } } }`: the built-in dialect `base`
 * (`ascii` when left out) with these parts instead; fields one by one, headers and tags in hex.
 * @throws Fault `bad-config` with details.path and details.rule
 */
export function parseIsoDialect(input: unknown): IsoDialect {
  const { data, error } = dialect.safeParse(input)
  if (error) {
    const [{ path, message }] = error.issues
    const at = path.join('.') || 'dialect'
    throw new Fault('bad-config', `${at}: ${message}`, { path: at, rule: message })
  }
  const { base, fields, ...parts } = data
  const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Partial<IsoDialect>
  const below: IsoDialect = isoDialects[base]
  return { ...below, name: base, ...given, fields: mergedFields(below.fields, fields ?? {}) }
}

function mergedFields(below: IsoDialect['fields'], own: Readonly<Record<string, object>>): IsoDialect['fields'] {
  const merged: Record<number, object> = { ...below }
  for (const [name, rule] of Object.entries(own)) merged[Number(name)] = { ...merged[Number(name)], ...rule }
  return merged as IsoDialect['fields']
}

/** The built-in dialect that has this name. @throws Fault `bad-argument`, with the nearest */
export function namedDialect(name: string): IsoDialect {
  const found = names.find(one => one === name)
  if (found) return isoDialects[found]
  const meant = nearest(name, names)
  const told = { field: '--iso-dialect', value: name, allowed: `${names.join(', ')}, <file>` }
  throw meant === undefined ? usageFault('usage.oneOf', told) : usageFault('usage.meant', { ...told, meant })
}
