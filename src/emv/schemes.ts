/** Payment systems beside the seven of the EMVCo kernels, by name, as data: their AIDs, and which kernel takes their cards by tap, where that is public. */

import { fromHex, startsWith } from '../bytes.ts'

/** Those whose kernels are built here. */
export const contactlessSchemes = ['mastercard', 'visa', 'amex', 'jcb', 'discover', 'unionpay', 'mir'] as const
/** One of `contactlessSchemes`. */
export type ContactlessScheme = (typeof contactlessSchemes)[number]

/** A payment system without a kernel of its own here. */
export interface KnownScheme {
  /** As a profile names it. */
  readonly name: string
  /** In hex; cards' own may be longer (partial selection). */
  readonly aids: readonly string[]
  /** Kernels built here that its cards ask for; none where its own is not public, or nobody tells. */
  readonly kernels: readonly ContactlessScheme[]
  /** What its own kernel is called where that is known, with its identifier. */
  readonly own?: string
  /** Where the row is from. */
  readonly source: string
}

const adk = 'kernel identifiers of a terminal vendor’s public documentation (Verifone ADK, 2025)'

/** AIDs are those that public lists of AIDs agree on. A row here is no promise that a card works: no kernel of theirs was certified, and none of their books is public. */
export const knownSchemes: readonly KnownScheme[] = [
  {
    ...{ name: 'cb', aids: ['A0000000421010'], kernels: ['mastercard', 'visa'] },
    source: 'its cards name kernel 2 or 3 in their directory, whichever their co-badge has (public recordings)',
  },
  {
    ...{ name: 'girocard', aids: ['A0000003591010028001', 'D27600002547410100', 'A00000005945430100'], kernels: [] },
    ...{ own: 'girocard, 2A', source: adk },
  },
  { name: 'interac', aids: ['A0000002771010'], kernels: [], own: 'Interac Flash', source: adk },
  { name: 'eftpos', aids: ['A00000038410', 'A00000038420'], kernels: [], own: 'EPAL', source: adk },
  { name: 'rupay', aids: ['A0000005241010'], kernels: [], own: 'RuPay, 0D', source: `${adk}; the number in one vendor’s header` },
  { name: 'pagobancomat', aids: ['A0000001410001'], kernels: [], own: 'PagoBANCOMAT', source: adk },
  { name: 'dankort', aids: ['A0000001211010'], kernels: [], source: 'AID in public lists; which kernel its cards ask for was not found' },
  { name: 'troy', aids: ['A0000006723010', 'A0000006723020'], kernels: [], source: 'the same' },
  { name: 'verve', aids: ['A0000003710001'], kernels: [], source: 'the same' },
  { name: 'elo', aids: ['A000000651010110'], kernels: [], source: 'AID in two pages that contradict each other about its kernel' },
]

export function knownScheme(name: string): KnownScheme | undefined {
  return knownSchemes.find(one => one.name === name)
}

/** The payment system of an application on a card, by its AID; undefined where no row has it. */
export function knownSchemeOf(aid: Uint8Array): KnownScheme | undefined {
  return knownSchemes.find(({ aids }) => aids.some(one => startsWith(aid, fromHex(one))))
}

/**
 * A kernel identifier (9F2A) as Entry Point compares it (Book B, 3.3.2.5 C): an international one is its first byte, a domestic one its first three, and one that is
 * proprietary (lower six bits 0) all of it. Undefined for what names no kernel.
 */
export function kernelIdentifier(value: Uint8Array): Uint8Array | undefined {
  const [first = 0] = value
  const own = (first & 0x3f) !== 0
  if (first < 0x80) return own ? value.subarray(0, 1) : undefined
  if (value.length < 3) return undefined
  return own ? value.subarray(0, 3) : value
}
