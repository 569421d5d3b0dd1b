/** What a terminal is configured with, as a digest: two traces with the same one are of terminals that are set up alike. */

import { sha256 } from '@noble/hashes/sha2.js'
import { hex } from '../bytes.ts'

/** SHA-256 in upper-case hex of a configuration, with its rules for taps where it has some: whatever the order of its fields. */
export function configurationDigest(config: object, contactless?: object): string {
  const text = JSON.stringify(plainOf([config, contactless ?? null]))
  return hex(sha256(new TextEncoder().encode(text)))
}

function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return hex(value)
  if (Array.isArray(value)) return value.map(plainOf)
  if (value instanceof Date) return value.toISOString()
  const fields = value instanceof Map ? [...value].map(([name, one]) => [String(name), one] as const) : Object.entries(value)
  return Object.fromEntries(fields.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([name, one]) => [name, plainOf(one)]))
}
