/** What the parts of a card profile have in common: bytes as hex, and how a mistake is told. */

import { z } from 'zod'
import { fromHex } from '../../../src/bytes.ts'
import { Fault } from '../../../src/errors.ts'

/** A byte string written as hex; blanks are allowed. */
export function bytes(min: number, max = min) {
  return z
    .string()
    .regex(/^(\s*[0-9a-fA-F]{2}\s*)*$/, 'hex digits in pairs')
    .transform(fromHex)
    .refine(
      value => value.length >= min && value.length <= max,
      min === max ? `exactly ${min} bytes` : `${min} to ${max} bytes of hex digits in pairs`,
    )
}

export function badProfile(path: readonly PropertyKey[], rule: string): Fault {
  const where = path.length === 0 ? '(profile)' : path.join('.')
  return new Fault('bad-config', `card profile: ${where}: ${rule}`, { path: where, rule })
}

/** A record and what is in it. */
export const recordLayout = z.strictObject({
  sfi: z.int().min(1).max(30),
  record: z.int().min(1).max(255),
  /** Tags in hex, in the order of the record. */
  tags: z.array(z.string().regex(/^[0-9A-F]{2,6}$/, 'a tag in upper-case hex')),
  /** Takes part in offline data authentication. */
  signed: z.boolean().default(false),
})
