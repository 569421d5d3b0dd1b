/** The contactless candidate list: what the PPSE offers, matched with the reader's combinations (EMV Contactless Book B, 3.3.2). */

import { equal, startsWith, text } from '../../bytes.ts'
import { Fault } from '../../errors.ts'
import { read } from '../../tlv/ber.ts'
import { parseDol } from '../../tlv/dol.ts'
import { kernelIdentifier, knownSchemeOf } from '../schemes.ts'
import { type Fci, templateOf } from '../steps/fci.ts'
import type { Combination, PreProcessed } from './combination.ts'

export interface ContactlessCandidate {
  /** ADF name as the PPSE has it. */
  readonly name: Uint8Array
  /** 9F29, appended to the name in the final SELECT where the combination supports it. */
  readonly extension: Uint8Array | undefined
  /** 1 is the highest; absent and 0 count as the lowest. */
  readonly priority: number
  readonly prepared: PreProcessed
}

export interface DirectoryEntry {
  readonly name: Uint8Array
  readonly kernel: Uint8Array | undefined
  readonly extension: Uint8Array | undefined
  /** 87, lower nibble. */
  readonly priority: number
  /** Application label (50), where it is text. */
  readonly label?: string
}

/** The directory entries of a PPSE's FCI, those with a fault of their own left out (3.3.2.5). @throws Fault `tlv` on a malformed FCI */
export function parsePpse(data: Uint8Array): DirectoryEntry[] {
  const inside = (bytes: Uint8Array, tag: number) => {
    const value = read(bytes).find(object => object.tag === tag)?.value
    if (!value) throw new Fault('tlv', `PPSE has no ${tag.toString(16).toUpperCase()}`, { rule: 'missing template' })
    return value
  }
  const discretionary = inside(inside(templateOf(data, 0x6f), 0xa5), 0xbf0c)
  return read(discretionary)
    .filter(({ tag }) => tag === 0x61)
    .flatMap(({ value }) => {
      const objects = new Map(tolerant(value).map(({ tag, value }) => [tag, value]))
      const name = objects.get(0x4f)
      if (!name || name.length < 5 || name.length > 16) return []
      const label = objects.get(0x50)
      const facts = { name, kernel: objects.get(0x9f2a), extension: objects.get(0x9f29), priority: (objects.get(0x87)?.[0] ?? 0) & 0x0f }
      return [label ? { ...facts, label: text(label) } : facts]
    })
}

function tolerant(value: Uint8Array) {
  try {
    return read(value)
  } catch (error) {
    if (error instanceof Fault && error.code === 'tlv') return [] // a broken entry is no entry; the others stay
    throw error
  }
}

/** Kernels of the schemes, for entries that ask for none (Book B, table 3-6). Mir asks for its own in 9F2A and has no default. */
const defaults: readonly (readonly [rid: string, kernel: number])[] = [
  ['a000000003', 0x03], ['a000000004', 0x02], ['a000000025', 0x04], ['a000000065', 0x05], ['a000000152', 0x06], ['a000000324', 0x06], ['a000000333', 0x07],
] // biome-ignore format: a table

function defaultKernel(name: Uint8Array): number {
  const rid = Array.from(name.subarray(0, 5), byte => byte.toString(16).padStart(2, '0')).join('')
  return defaults.find(([known]) => known === rid)?.[1] ?? 0
}

/** The kernel that an entry asks for (3.3.2.5 C): empty for "any", undefined where the entry is to be left out. */
export function requestedKernel({ name, kernel }: Pick<DirectoryEntry, 'name' | 'kernel'>): Uint8Array | undefined {
  const byDefault = () => {
    const id = defaultKernel(name)
    return id === 0 ? new Uint8Array() : Uint8Array.of(id)
  }
  if (!kernel || kernel.length === 0) return byDefault()
  if (kernel[0] < 0x80 && (kernel[0] & 0x3f) === 0) return byDefault()
  return kernelIdentifier(kernel)
}

/**
 * The candidates of a directory, best first: by priority, then in the order of the PPSE, then of the configuration (3.3.2.5–3.3.2.7, 3.3.3.1). Before the card's
 * priority comes what the customer has `asked` for, and then the merchant's rank, where the configuration has one.
 */
export function candidatesOf(
  entries: readonly DirectoryEntry[],
  prepared: readonly PreProcessed[],
  asked?: (entry: DirectoryEntry) => boolean,
): ContactlessCandidate[] {
  const candidates = entries.flatMap(entry => {
    const requested = requestedKernel(entry)
    if (!requested) return []
    return prepared
      .filter(({ combination, notAllowed }) => !notAllowed && startsWith(entry.name, combination.aid))
      .filter(({ combination }) => requested.length === 0 || equal(combination.kernel, requested))
      .map(one => ({ name: entry.name, extension: entry.extension, priority: entry.priority, prepared: one, entry }))
  })
  const places = candidates.map(({ entry, ...candidate }) => {
    const { rank } = candidate.prepared.combination
    const wanted = rank !== undefined && asked?.(entry) ? -1 : (rank ?? 0)
    return { candidate, order: [wanted, candidate.priority || 16] as const }
  })
  places.sort(({ order: [rank, priority] }, { order: [otherRank, otherPriority] }) => rank - otherRank || priority - otherPriority)
  return places.map(({ candidate }) => candidate)
}

/** An application that no kernel here takes, although its payment system is known, or its AID configured: of a card that has no other, it is the one to be named. */
export function unsupportedAmong(entries: readonly DirectoryEntry[], combinations: readonly Combination[]): DirectoryEntry | undefined {
  return entries.find(entry => {
    const requested = requestedKernel(entry)
    if (!requested) return false
    const configured = combinations.filter(({ aid }) => startsWith(entry.name, aid))
    if (configured.length === 0) return knownSchemeOf(entry.name) !== undefined
    return requested.length > 0 && !configured.some(({ kernel }) => equal(kernel, requested))
  })
}

const visa = Uint8Array.of(0xa0, 0x00, 0x00, 0x00, 0x03)

/** Whether kernel 3 may not be used: a Visa application whose PDOL does not ask for the TTQ is one of kernel 1 (3.3.3.6). */
export function refusesKernel3({ prepared }: ContactlessCandidate, fci: Fci): boolean {
  const { aid, kernel } = prepared.combination
  if (!equal(kernel, Uint8Array.of(0x03)) || !startsWith(aid, visa)) return false
  const pdol = fci.objects.get(0x9f38)
  return !pdol || !parseDol(pdol).some(({ tag }) => tag === 0x9f66)
}
