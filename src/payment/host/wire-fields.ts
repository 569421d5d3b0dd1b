/** Reading JSON that somebody else wrote: each reader checks one field and names it when it is wrong. */

import { fromHex } from '../../bytes.ts'
import { currency } from '../../currency.ts'
import { Fault, isFault } from '../../errors.ts'
import { brokenBy } from '../one-line.ts'

export type { Json } from '../../trace/event.ts'

/** @throws Fault `bad-argument` with details.path, as all below */
export function wrong(path: string, rule: string): Fault {
  return new Fault('bad-argument', `${path || 'the message'}: ${rule}`, { path, rule })
}

export function fields(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object')
  return value as Record<string, unknown>
}

export function list(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw wrong(path, 'a list')
  return value
}

export function text(value: unknown, path: string, min: number, max: number): string {
  if (typeof value !== 'string' || value.length < min || value.length > max) throw wrong(path, `a text of ${min} to ${max} characters`)
  return value
}

/** What a reader has enciphered for the host is one object: a batch of an MMS reader has some 1,300 bytes. */
const MAX_HEX = 8192

export function bytes(value: unknown, path: string): Uint8Array {
  try {
    return fromHex(text(value, path, 0, MAX_HEX))
  } catch (error) {
    throw isFault(error, 'bad-hex') ? wrong(path, 'bytes in hex') : error
  }
}

export function money(value: unknown, path: string): bigint {
  if (typeof value !== 'string' || !/^\d{1,12}$/.test(value)) throw wrong(path, 'minor units as a text of 1 to 12 digits')
  return BigInt(value)
}

export function count(value: unknown, path: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(path, 'a whole number from 0 on')
  return value
}

export function unit(value: unknown, path: string) {
  try {
    return currency(text(value, path, 3, 3))
  } catch (error) {
    throw isFault(error, 'bad-argument') ? wrong(path, 'an ISO 4217 code') : error
  }
}

export function date(value: unknown, path: string): Date {
  const at = new Date(text(value, path, 20, 30))
  if (Number.isNaN(+at)) throw wrong(path, 'a date and time of ISO 8601')
  return at
}

export function oneOf<T extends string | number>(value: unknown, values: readonly T[], path: string): T {
  if (!values.includes(value as T)) throw wrong(path, `one of ${values.join(', ')}`)
  return value as T
}

export function flag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrong(path, 'true or false')
  return value
}

/** `read` of a field that may be left out, under its name: nothing when it is. */
export function optional<K extends string, T>(
  from: Record<string, unknown>,
  path: string,
  name: K,
  read: (value: unknown, path: string) => T,
): { readonly [name in K]?: T } {
  const value = from[name]
  return value === undefined ? {} : ({ [name]: read(value, path ? `${path}.${name}` : name) } as { readonly [name in K]?: T })
}

/** A reader of texts of so many characters, of one line: what people have entered, and receipts show. */
export function lineUpTo(max: number, min = 1): (value: unknown, path: string) => string {
  return (value, path) => {
    const line = text(value, path, min, max)
    const broken = brokenBy(line)
    if (broken) throw wrong(path, `one line without control characters, and its character ${broken.at} is ${broken.character}`)
    return line
  }
}

/** A reader of texts of so many characters. */
export function upTo(max: number, min = 1): (value: unknown, path: string) => string {
  return (value, path) => text(value, path, min, max)
}
