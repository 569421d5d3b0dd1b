/** Which payment system of a card is meant: what the customer asks for where the merchant has an order of their own, and the name of one that no kernel here takes. */

import { startsWith } from '../../bytes.ts'
import type { Outcome } from '../outcome.ts'
import { knownSchemeOf } from '../schemes.ts'
import type { DirectoryEntry } from './candidates.ts'
import type { ContactlessConfig } from './config.ts'

/** Whether an application is the one asked for: by its label, or by the name of its payment system in the rules. */
export function askedFor(wanted: string, { schemes }: ContactlessConfig): (entry: DirectoryEntry) => boolean {
  const plain = (name: string) => name.trim().toUpperCase()
  const own = plain(wanted)
  return ({ name, label }) =>
    (label !== undefined && plain(label) === own) ||
    schemes.some(({ scheme, aids }) => plain(scheme) === own && aids.some(aid => startsWith(name, aid)))
}

/** By the name that is known of its payment system, as a profile writes it; else as the card calls itself. */
export function namedOf({ name, label }: Pick<DirectoryEntry, 'name' | 'label'>): NonNullable<Outcome['application']> {
  return { aid: name, label: knownSchemeOf(name)?.name ?? label ?? '' }
}
