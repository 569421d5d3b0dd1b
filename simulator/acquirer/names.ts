/** Names by which the acquirer's book knows cards and messages: made under a key that is not in the book, so that nobody finds a card number by trying them all. */

import { createHash, createHmac, randomBytes } from 'node:crypto'
import { forTerminal } from '../../src/tlv/tags.ts'

/**
 * A hash of a card number alone tells the number: beside its first six and last four digits a million tries are left (PCI DSS 4.0.1, 3.5.1.1 wants a keyed one).
 * Whoever has the book and not the key has neither.
 */
export interface Names {
  /** Tells a card from others: 24 hex digits. */
  card(pan: string): string
  /** Tells whether two messages are the same. */
  message(content: object): string
  /** Tells whether a key is the one that a book was kept under. */
  readonly check: string
  /** The name that a book of before had for a card, made into this one's. */
  renew(old: string): string
}

/** @param key at least 16 bytes; random ones, which end with the process, when left out */
export function names(key: Uint8Array = randomBytes(32)): Names {
  const under = (what: string, text: string) => createHmac('sha256', key).update(`${what} ${text}`).digest('hex')
  const renew = (old: string) => under('card', old).slice(0, 24)
  return {
    card: pan => renew(unkeyed(pan)),
    message: content => under('message', JSON.stringify(content, plain)),
    check: under('check', 'tapdip-sim').slice(0, 16),
    renew,
  }
}

/** As books of before had it. */
function unkeyed(pan: string): string {
  return createHash('sha256').update(`tapdip-sim ${pan}`).digest('hex').slice(0, 24)
}

/** Data objects by tag in one order, whichever line brought them, and without what a card told its terminal alone: a line that has no room leaves that out. */
function plain(this: Record<string, unknown>, name: string, shown: unknown): unknown {
  const value = this[name] // before `toJSON` has masked it
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return [...value]
  if (!(value instanceof Map)) return shown
  const objects = [...(value as Map<number, Uint8Array>)].filter(([tag]) => !forTerminal.has(tag))
  return objects.sort(([one], [other]) => one - other).map(([tag, bytes]) => [tag, [...bytes]])
}
