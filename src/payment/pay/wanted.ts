/** The payment system that a merchant asked for: chosen where the app is shown the list, looked at before the host is asked and at the end; another is never charged. */

import { text } from '../../bytes.ts'
import type { CardInterface } from '../../emv/outcome.ts'
import type { Candidate } from '../../emv/terminal.ts'
import { Fault } from '../../errors.ts'
import { shownPan } from '../receipt/receipt.ts'
import { schemeName, schemeOfAid } from '../receipt/scheme.ts'

/** What is known of the application that is paid with. */
export interface PaidWith {
  readonly interface?: CardInterface | undefined
  readonly tags: ReadonlyMap<number, Uint8Array>
  readonly application?: { readonly aid: Uint8Array; readonly label: string } | undefined
}

export interface Wanted {
  /** As it was asked for. */
  readonly label: string
  /** Index into `candidates`: the one of that label, else the only one of that payment system; undefined where there is none. */
  among(candidates: readonly Pick<Candidate, 'aid' | 'label'>[]): number | undefined
  /** What `paid` calls itself, and whether that is what was asked for; undefined where nobody tells. */
  met(paid: PaidWith): { readonly label: string; readonly wanted: boolean } | undefined
}

/** @throws Fault `bad-argument` for nothing at all */
export function wantedApplication(label: string): Wanted {
  const plain = (name: string) => name.trim().replace(/\s+/g, ' ').toUpperCase()
  const own = plain(label)
  if (own === '') throw new Fault('bad-argument', 'the application that is asked for has no name', { field: 'application' })
  const isOwn = (name: string | undefined) => name !== undefined && plain(name) === own
  return {
    label,
    among(candidates) {
      const exact = candidates.findIndex(one => isOwn(one.label))
      if (exact >= 0) return exact
      const ofScheme = candidates.flatMap(({ aid }, index) => (isOwn(schemeOfAid(aid)) ? [index] : []))
      return ofScheme.length === 1 ? ofScheme[0] : undefined
    },
    met(paid) {
      const names = namesOf(paid)
      return names.length === 0 ? undefined : { label: names[0], wanted: names.some(isOwn) }
    },
  }
}

/** Indices of `candidates` in the merchant's order: those of the first payment system that is preferred first, then of the next, then the others, each as the card has them. */
export function inOrder(candidates: readonly Pick<Candidate, 'aid' | 'label'>[], prefer: readonly string[] = []): number[] {
  const plain = (name: string | undefined) => name?.trim().replace(/\s+/g, ' ').toUpperCase()
  const wanted = prefer.map(plain)
  const rank = ({ aid, label }: Pick<Candidate, 'aid' | 'label'>) => {
    const names = [plain(label), plain(schemeOfAid(aid))]
    const at = wanted.findIndex(one => names.includes(one))
    return at < 0 ? wanted.length : at
  }
  return candidates.map((_, index) => index).sort((one, other) => rank(candidates[one]) - rank(candidates[other]) || one - other)
}

/** The application's label and preferred name (50, 9F12) and the payment system of its AID; of a stripe, the one of its number. */
function namesOf({ interface: by, tags, application }: PaidWith): string[] {
  if (by === 'swipe') return [schemeName({ interface: by, pan: shownPan(tags) })].filter(name => name !== undefined)
  const aid = application?.aid.length ? application.aid : (tags.get(0x84) ?? tags.get(0x4f) ?? tags.get(0x9f06))
  const told = [0x50, 0x9f12].flatMap(tag => (tags.get(tag)?.length ? [text(tags.get(tag)!)] : []))
  // Without a label an application is called by its AID, in hex.
  const named = application && !/^[0-9A-F]{10,32}$/.test(application.label) ? [application.label] : []
  return [...new Set([...named, ...told, ...(aid ? [schemeOfAid(aid)] : [])])].filter(name => name !== undefined)
}
